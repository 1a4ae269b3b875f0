"""Errors: from a mark of any chart to its rows. What the mark says is what the drawer counts and the download holds."""

import csv
import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from pages.ui.verbs import CHARTS, VERBS
from tests.browser import tables
from tests.browser.visitor import JOINER, MARKS

EVALUATION = {
    "calibration_diagram": "loans&m=v2",
    "errors_cells": "loan losses",
    "errors_time": "loan losses",
    "errors_distribution": "diabetes",
}
EVALUATION |= {"overview_classes": "digits", "errors_matrix": "digits"}
EVALUATION |= {"segments_cross": "loans&segments_view=two", "segments_trend": "loans&segments_group=region = 'East'"}
SAVED = ("segments_matrix", "segments_overlap", "segments_effects")
EVALUATION |= dict.fromkeys(SAVED, "loans&segments_view=saved")


def drawer(page):
    opened = page.page.get_by_role("dialog")
    expect(opened).to_be_visible()
    return opened


def said(page):
    """What the drawer says of its rows."""
    text = drawer(page).locator(".st-key-verbs_sentence")
    expect(text).to_contain_text("Judged by")
    return text.inner_text().replace(JOINER, "")


def counted(text):
    return int(re.match(r"([\d,]+) rows? of", text)[1].replace(",", ""))


def downloaded(page, folder: Path):
    """The rows of the download the drawer offers."""
    with page.page.expect_download() as waiting:
        drawer(page).locator(".st-key-verbs_rows_csv").get_by_role("button").click()
    waiting.value.save_as(folder / "rows.csv")
    with (folder / "rows.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def shut(page):
    drawer(page).get_by_role("button", name="Close").click()
    expect(page.page.get_by_role("dialog")).to_have_count(0)


def test_a_confusion_cell_opens_its_rows(visit, sample, tmp_path):
    wanted = [row for row in tables.loans() if row["defaulted"] == "yes" and row["decision_v2"] == "no"]
    page = visit()
    page.open("errors?e=loans")
    assert re.search(r"v2 misses \d+\.\d% of the actual 'yes' \(between", page.sentence())
    cell = page.page.locator(f".st-key-errors_matrix {MARKS}[aria-label^='actual yes, predicted no: ']")
    expect(cell).to_have_attribute("aria-label", re.compile(f": {len(wanted):,} rows"))
    cell.click()
    assert counted(said(page)) == len(wanted)
    rows = downloaded(page, tmp_path)
    assert {row["application_id"] for row in rows} == {row["application_id"] for row in wanted}
    assert {(row["label_"], row["prediction_"]) for row in rows} == {("yes", "no")}
    shut(page)
    cell.click()  # the same mark again
    assert counted(said(page)) == len(wanted)


def test_the_filter_of_the_context_holds_in_the_drawer(visit, sample):
    wanted = [
        row
        for row in tables.loans()
        if row["defaulted"] == "no" and row["decision_v1"] == "yes" and row["region"] == "West"
    ]
    page = visit()
    page.open("errors?e=loans&where=region+%3D+%27West%27&m=v1")
    page.page.locator(f".st-key-errors_matrix {MARKS}[aria-label^='actual no, predicted yes: ']").click()
    assert counted(said(page)) == len(wanted)
    drawer(page).get_by_text("By id", exact=True).click()
    expect(drawer(page).locator(".st-key-verbs_sentence")).to_contain_text("in the order of their id")


FIRST = {"overview_trend", "calibration_diagram", "errors_matrix", "segments_groups", "thresholds_matrix"}
"""A chart of most pages; the others take their turn with the slow tests."""


WITH = {"calibration_by_0": "&calibration_by=region"}
LABELS = """each => each.filter(e => !e.closest('[class*=st-key-over_]')).map(e => e.getAttribute('aria-label'))"""
"""Of all marks but those that lie over a chart and take no clicks."""


@pytest.mark.parametrize("key", [pytest.param(key, marks=[] if key in FIRST else pytest.mark.slow) for key in CHARTS])
def test_every_chart_with_verbs_opens_every_verb(visit, sample, server, key):
    if key in SAVED:
        tables.save(server.workspace, {"West": "region = 'West'", "young": "age < 30"})
    name = EVALUATION.get(key, "loans")
    page = visit()
    page.open(f"{CHARTS[key]}?e={name.replace(' ', '%20')}{WITH.get(key, '')}")
    if key == "thresholds_value":
        page.page.get_by_text("What decisions are worth").click()
        page.type("A hit, each", "100", box="stNumberInput")
    marks = page.marks(key)
    expect(marks.first).to_be_attached()
    labels = [label for label in marks.evaluate_all(LABELS) if label]
    on_top = len(labels) if CHARTS[key] == "thresholds" else 0  # there marks overlap, and the last is drawn last
    place = max(range(len(labels)), key=lambda at: (bool(re.search(r": [1-9][\d,]* rows", labels[at])), at * on_top))
    label = labels[place]
    mark = page.page.locator(f'.st-key-{key} {MARKS}[aria-label="{label}"]').first
    mark.scroll_into_view_if_needed()
    mark.click(force=True)
    expect(drawer(page).get_by_role("combobox").first).to_have_value(label)
    rows = counted(said(page))
    told = re.search(r": ([\d,]+) rows", label)
    assert rows == int(told[1].replace(",", "")) if told else rows > 0
    seen = {"rows": lambda *_: None, "break_out": broken_out, "compare": compared, "save": saved, "explain": offered}
    assert {verb.name for verb in VERBS} == set(seen)
    for verb in VERBS:
        drawer(page).get_by_text(verb.title, exact=True).click()
        seen[verb.name](page, rows)
    shut(page)


def answered(page, start):
    """What a verb says of the mark, once it begins like this."""
    answer = drawer(page).locator(".st-key-verbs_answer")
    expect(answer).to_have_text(re.compile(start), use_inner_text=True)
    return answer.inner_text().replace(JOINER, "")


def broken_out(page, rows):
    """Either the share of each group that is in the mark, or a metric within it; drawn and as a table."""
    expect(drawer(page).get_by_role("region", name=re.compile("by .*, as a table"))).to_be_visible()
    text = answered(page, r"\w")
    assert text.startswith(f"{rows:,} row") or " by " in text, text
    expect(drawer(page).locator(MARKS).first).to_be_attached()


def compared(page, rows):
    """A table of differences with the verdicts' correction, unless the mark is everything there is, or all that is
    scored, so that nothing can be tested."""
    table = drawer(page).get_by_role("region", name="These rows against the rest")
    alone = drawer(page).get_by_text("there is no rest to compare it with")
    expect(table.or_(alone)).to_be_visible()
    if table.count():
        expect(drawer(page).get_by_text(re.compile(r"corrected for \d+ looks|Nothing could be tested"))).to_be_visible()


def saved(page, rows):
    """The mark's rows under a name, unless they are all rows."""
    nothing = drawer(page).get_by_text("there is nothing to save")
    code = drawer(page).get_by_test_id("stCode")
    expect(code.or_(nothing)).to_be_visible()
    if nothing.count():
        return
    answered(page, rf"{rows:,} of [\d,]+ rows \(")
    page.settled()
    field = drawer(page).get_by_label("Name")
    field.fill("found by a click")
    field.press("Enter")
    drawer(page).get_by_role("button", name="Save segment").click()
    expect(drawer(page).get_by_text("any filter knows it as")).to_be_visible()


def offered(page, rows):
    """The mark's rows, one of which can be chosen to be explained."""
    expect(drawer(page).get_by_role("region", name="Rows to choose from")).to_be_visible()
    expect(drawer(page).get_by_role("button", name="Explain this row")).to_be_disabled()


def test_without_a_mouse_the_button_and_the_list_lead_to_the_rows(visit, sample):
    page = visit()
    page.open("errors?e=digits")
    page.page.locator(".st-key-errors_matrix").get_by_role("button", name="Look into a mark").press("Enter")
    field = drawer(page).get_by_role("combobox").first
    expect(field).to_be_visible()
    field.press_sequentially("actual 8, predicted 1:")
    field.press("Enter")
    expect(field).to_have_value(re.compile("actual 8, predicted 1: 6 rows"))
    expect(drawer(page).locator(".st-key-verbs_sentence")).to_contain_text("6 rows of digits")


def test_many_rows_are_written_by_a_job_into_the_workspace(visit, sample):
    page = visit()
    page.open("overview?e=loans")
    page.page.locator(f".st-key-overview_versions {MARKS}[aria-label^='v2: ']").click(force=True)
    assert counted(said(page)) == 20_000
    drawer(page).get_by_role("button", name="Write all 20,000 rows as CSV").click()
    written = drawer(page).get_by_text("20,000 rows are in")
    expect(written).to_be_visible()
    file = Path(re.search(r"(/\S+\.csv)", written.inner_text().replace(JOINER, ""))[1])
    with file.open(newline="", encoding="utf-8") as rows:
        assert len(list(csv.DictReader(rows))) == 20_000
    assert file.parent.name == "exports"
