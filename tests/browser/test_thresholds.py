"""The Thresholds page: a threshold moved is one decision everywhere on it, goals can be used, links carry policies."""

import re
from collections import Counter
from contextlib import suppress

from playwright.sync_api import TimeoutError as PlaywrightTimeout
from playwright.sync_api import expect

from analysis.core.cutoffs import Band, ByGroup
from analysis.core.policy import Policy
from analysis.store import evaluations, policies
from analysis.store.workspace import Workspace
from tests.browser import tables


def cells(rows, at, model="v2"):
    """{(actual, decided): rows} at a threshold."""
    flagged = tables.above(f"score_{model}", at)
    judged = [(row["defaulted"], flagged(row)) for row in rows if row["defaulted"]]
    return Counter((actual, "yes" if flag else "no") for actual, flag in judged if flag is not None)


def matrix_shows(page, rows, at):
    found = cells(rows, at)
    for (actual, decided), n in found.items():
        told = re.compile(f"^actual {actual}, decided {decided}: {n:,} rows")
        expect(page.marks("thresholds_matrix").and_(page.page.get_by_label(told))).to_have_count(1)


def curves_show(page, rows, at):
    """The points of the threshold in force, in every chart that has one."""
    found = cells(rows, at)
    recall = found["yes", "yes"] / (found["yes", "yes"] + found["yes", "no"])
    precision = found["yes", "yes"] / (found["yes", "yes"] + found["no", "yes"])
    alarms = found["no", "yes"] / (found["no", "yes"] + found["no", "no"])
    page.shows("recall", f"{recall:.1%}", f"n {found['yes', 'yes'] + found['yes', 'no']:,}")
    page.shows("precision", f"{precision:.1%}", f"n {found['yes', 'yes'] + found['no', 'yes']:,}")
    for key, told in (
        ("thresholds_metrics", f"Recall at {at:.3f}: {recall:.1%}"),
        ("thresholds_metrics", f"Precision at {at:.3f}: {precision:.1%}"),
        ("thresholds_roc", f"threshold {at:.3f}: false positive rate {alarms:.1%}, recall {recall:.1%}"),
        ("thresholds_pr", f"threshold {at:.3f}: recall {recall:.1%}, precision {precision:.1%}"),
    ):
        expect(page.marks(key).and_(page.page.get_by_label(told)).first).to_be_attached()


def test_matrix_cards_and_curves_follow_the_threshold(visit, sample):
    rows = tables.loans()
    page = visit()
    page.open("thresholds?e=loans&t=0.3")
    matrix_shows(page, rows, 0.3)
    curves_show(page, rows, 0.3)
    page.threshold("0.5")
    matrix_shows(page, rows, 0.5)
    curves_show(page, rows, 0.5)
    assert page.address()["t"] == ["0.5"]
    assert "At 0.500, v2 finds" in page.sentence()
    handle = page.page.get_by_role("slider", name="Threshold")
    with page.running():
        handle.press("ArrowRight")
    expect(handle).to_have_value("0.501")
    at = float(page.address()["t"][0])
    assert abs(at - 0.501) < 1e-9
    expect(page.box("stNumberInput", "Threshold").locator("input")).to_have_value("0.501")


ALIGNED = """() => [...document.querySelectorAll('[class*=st-key-over_]')].map(over => {
  const plot = e => { const b = e.querySelector('.stVegaLiteChart g.role-frame path.background').getBoundingClientRect()
    return [b.x, b.y, b.width, b.height] }
  const own = plot(over), under = plot(over.parentElement.closest('[class*=st-key-thresholds_]'))
  return Math.max(...own.map((each, i) => Math.abs(each - under[i]))) })"""


GROUND = """() => [...document.querySelectorAll('[class*=st-key-over_] .stVegaLiteChart svg')].map(
  svg => getComputedStyle(svg).backgroundColor)"""


def test_a_move_sends_only_what_moves_and_draws_it_where_it_belongs(visit, sample):
    page = visit()
    sent = []
    page.page.on("websocket", lambda socket: socket.on("framereceived", lambda data: sent.append(len(data))))
    page.open("thresholds?e=loans&m=v2&t=0.3")
    page.says("At 0.300")
    opened = sum(sent)
    handle = page.page.get_by_role("slider", name="Threshold")
    sent.clear()
    with page.running():
        handle.press("ArrowRight")
    page.says("At 0.301")
    assert sum(sent) < 38_000 < opened / 5, (sum(sent), opened)
    assert max(sent) < 6_000, max(sent)  # a curve has thirty thousand
    with suppress(PlaywrightTimeout):  # a chart that is drawn anew takes the browser a few frames
        page.page.wait_for_function(f"() => Math.max(...({ALIGNED})()) < 1")
    apart = page.page.evaluate(ALIGNED)
    seen_through = page.page.evaluate(GROUND)
    assert set(seen_through) == {"rgba(0, 0, 0, 0)"}
    assert len(apart) == len(seen_through) == 6
    assert max(apart) < 1, apart


def test_two_ends_of_a_band_are_tried_and_groups_thresholds_are_shown(visit, server, sample):
    workspace = Workspace.open(server.workspace)
    try:
        facts = evaluations.find(workspace, "loans")
        policies.keep(workspace, facts, "between", Policy("v2", Band(0.3, 0.5)))
        by_group = ByGroup(0.25, "region", (("North", 0.2), ("South", 0.3)))
        policies.keep(workspace, facts, "regional", Policy("v2", by_group))
    finally:
        workspace.close()
    rows = [row for row in tables.loans() if row["score_v2"]]
    page = visit()
    page.open("thresholds?e=loans&m=v2&t=between")
    for low in (0.3, 0.301):
        middle = [row for row in rows if low <= float(row["score_v2"]) < 0.5]
        outside = [row for row in rows if not low <= float(row["score_v2"]) < 0.5]
        found, alarms, missed = counted(outside, lambda row: float(row["score_v2"]) >= 0.5)
        page.says(f"v2 leaves {len(middle) / len(rows):.1%} of the scored rows to a person")
        figures_are(page, found, alarms, missed)
        if low == 0.3:
            with page.running():
                page.page.get_by_role("slider").first.press("ArrowRight")
    page.says("Tried here alone; elsewhere policy 'between' holds")
    assert page.address()["t"] == ["between"]

    page.open("thresholds?e=loans&m=v2&t=regional")
    page.says("v2 decides 4 groups of region by thresholds from 0.200 to 0.300")
    at = dict(by_group.groups)
    figures_are(page, *counted(rows, lambda row: float(row["score_v2"]) >= at.get(row["region"], 0.25)))
    expect(page.page.get_by_role("region", name="In force: a threshold for each group")).to_be_visible()


def test_a_capacity_is_chosen_used_and_kept_as_a_policy_that_a_link_carries(visit, sample):
    page = visit()
    page.open("thresholds?e=loans&m=v2")
    page.says("No threshold is set")
    page.choose("Goal", "At most so many a day")
    page.type("Rows a day", "12", box="stNumberInput")
    page.says("At most 12 a day: from 0.")
    offer = page.page.locator(".st-key-thresholds_offer")
    loads = re.search(r"from (0\.\d{3}) on (\d+\.\d) rows a day", offer.inner_text().replace("\u2060", ""))
    scored = [row for row in tables.loans() if row["score_v2"]]
    days = len({row["decided_at"][:10] for row in scored})
    with page.running():
        page.button(f"Use {loads[1]}").click()
    at = float(page.address()["t"][0])
    load = sum(float(row["score_v2"]) >= at for row in scored) / days
    assert load <= 12
    assert f"{load:.1f}" == loads[2]
    matrix_shows(page, tables.loans(), at)

    page.button("Save as policy").click()
    page.page.get_by_label("Name of the policy").fill("a dozen a day")
    with page.running():
        page.button("Save").click()
    page.says("Policy 'a dozen a day'")
    assert page.address()["t"] == ["a dozen a day"]
    other = visit()
    other.open(page.share(), view="thresholds")
    other.says("Policy 'a dozen a day'")
    expect(other.box("stNumberInput", "Threshold").locator("input")).to_have_value(f"{at:.3f}")
    matrix_shows(other, tables.loans(), at)
    other.threshold("0.4")
    assert other.address()["t"] == ["0.4"]


def figures_are(page, tp, fp, fn):
    """Wait until the cards show the recall and precision of these counts."""
    page.shows("recall", f"{tp / (tp + fn):.1%}", f"n {tp + fn:,}")
    page.shows("precision", f"{tp / (tp + fp):.1%}", f"n {tp + fp:,}")


def counted(rows, decide):
    """(found, false alarms, missed) of the labelled rows that `decide` says something about."""
    judged = [(row["defaulted"], decide(row)) for row in rows if row["defaulted"] and row["score_v2"]]
    return tuple(judged.count(cell) for cell in (("yes", True), ("no", True), ("yes", False)))


def kept(root, name):
    """The rule of a saved policy."""
    workspace = Workspace.open(root)
    try:
        return policies.find(workspace, evaluations.find(workspace, "loans"), name).rule
    finally:
        workspace.close()


def saved(page, name):
    page.button("Save as policy").click()
    page.page.get_by_label("Name of the policy").fill(name)
    with page.running():
        page.button("Save").click()
    page.chosen("Policy", name)
    assert page.address()["t"] == [name]


def test_a_band_is_saved_and_every_page_measures_what_it_decides(visit, sample):
    page = visit()
    page.open("thresholds?e=loans&m=v2&t=0.4")
    page.choose("Goal", "Review near the threshold")
    page.type("On either side", "0.1", box="stNumberInput")
    page.says("rows that score from 0.300 to below 0.500 go to a person")
    saved(page, "desk")
    page.says("Policy 'desk' decides: positive from 0.500 on, negative below 0.300, in between to a person")

    other = visit()
    other.open(page.share().replace("/thresholds", "/overview"), view="overview")
    rows = tables.loans()
    middle = [row for row in rows if row["score_v2"] and 0.3 <= float(row["score_v2"]) < 0.5]
    outside = [row for row in rows if row not in middle]
    figures_are(other, *counted(outside, lambda row: float(row["score_v2"]) >= 0.5))
    labelled = sum(bool(row["defaulted"]) for row in middle)
    other.says(f"{labelled:,} of them go to a person and have no decision")
    assert other.address()["t"] == ["desk"]
    other.menu("Errors")
    cell = other.marks("errors_matrix").and_(other.page.get_by_label(re.compile("^actual yes, predicted no: ")))
    missed = sum(row["defaulted"] == "yes" and bool(row["score_v2"]) and float(row["score_v2"]) < 0.3 for row in rows)
    expect(cell).to_have_attribute("aria-label", re.compile(f": {missed:,} rows"))
    cell.click()
    expect(other.page.locator(".st-key-verbs_sentence")).to_contain_text(f"{missed:,} rows of")


def test_thresholds_by_group_are_saved_and_measured_by_a_link(visit, server, sample):
    page = visit()
    page.open("thresholds?e=loans&m=v2")
    page.choose("A threshold for each", "region")
    page.says("with one for each group from")
    saved(page, "fair")

    other = visit()
    other.open(page.share().replace("/thresholds", "/overview"), view="overview")
    other.says("Policy 'fair' decides: positive from")
    rule = kept(server.workspace, "fair")
    at = dict(rule.groups)
    assert set(at) == {"North", "South", "East", "West"}

    def decide(row):
        return float(row["score_v2"]) >= at.get(row["region"], rule.threshold)

    figures_are(other, *counted(tables.loans(), decide))
    assert other.address()["t"] == ["fair"]
    other.threshold("0.4")
    assert other.address()["t"] == ["0.4"]
    figures_are(other, *counted(tables.loans(), lambda row: float(row["score_v2"]) >= 0.4))


def test_a_cell_of_the_matrix_opens_its_rows(visit, sample):
    rows = tables.loans()
    page = visit()
    page.open("thresholds?e=loans&m=v2&t=0.3")
    page.threshold("0.31")
    wanted = [row for row in rows if row["defaulted"] == "no" and row["score_v2"] and float(row["score_v2"]) >= 0.31]
    cell = page.marks("thresholds_matrix").and_(page.page.get_by_label(re.compile("^actual no, decided yes: ")))
    expect(cell).to_have_attribute("aria-label", re.compile(f": {len(wanted):,} rows"))
    cell.click()
    drawer = page.page.get_by_role("dialog")
    expect(drawer.locator(".st-key-verbs_sentence")).to_contain_text(f"{len(wanted):,} rows of")


def test_a_policy_that_is_not_there_is_said(visit, sample):
    page = visit()
    page.open("thresholds?e=loans&t=gone")
    page.says("the threshold or policy 'gone'")
    assert "t" not in page.address()


def test_a_task_without_two_classes_says_so(visit, sample):
    page = visit()
    page.open("thresholds?e=diabetes")
    page.says("A threshold decides between two classes; 'diabetes' is regression.")
