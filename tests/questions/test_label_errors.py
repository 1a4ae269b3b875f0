"""Label errors: the paper's own definitions row by row, planted flips found, decisions kept, the dataset corrected."""

import csv

import numpy as np
import pytest

from analysis import questions
from analysis.core.errors import BadRequest, NotFound, UnknownName
from analysis.core.expression import parse
from analysis.core.labeldecision import CONFIRMED, LabelDecision
from analysis.core.roles import ModelColumns, Roles
from analysis.store import labeldecisions
from tests.engine.making import Folder, Table, opened
from tests.questions.twin import ask, write


def reference(y, p):
    """(the confident joint, {row: (suggested, self-confidence, margin)} of rows off its diagonal), row by row."""
    k = p.shape[1]
    t = [p[y == j, j].mean() if (y == j).any() else np.inf for j in range(k)]
    joint, off = np.zeros((k, k), dtype=int), {}
    reach = p >= np.array(t) - 1e-6
    for row in np.flatnonzero(reach.any(axis=1)):
        best = max((j for j in range(k) if reach[row, j]), key=lambda j: (p[row, j], -j))
        joint[y[row], best] += 1
        if best != y[row]:
            others = max(p[row, j] for j in range(k) if j != y[row])
            off[int(row)] = (best, p[row, y[row]], p[row, y[row]] - others)
    return joint, off


def flipped(seed, n=1500, k=2, share=0.06):
    """(labels, scores, places whose label is wrong): scores that separate the true classes well, some labels wrong."""
    random = np.random.default_rng(seed)
    truth = random.choice(k, n, p=np.r_[0.55, np.full(k - 1, 0.45 / (k - 1))])
    p = np.array([random.dirichlet(np.ones(k) + 9 * (np.arange(k) == each)) for each in truth]).round(3)
    p[:, 0] = 1 - p[:, 1:].sum(axis=1)
    wrong = random.random(n) < share
    y = np.where(wrong, (truth + random.integers(1, k, n)) % k, truth)
    return y, p, set(np.flatnonzero(wrong).tolist())


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = Folder(tmp_path_factory.mktemp("labels"))
    yield made
    made.close()


def evaluation(folder, y, p, groups=None):
    names = ["no", "yes"] if p.shape[1] == 2 else [f"k{j}" for j in range(p.shape[1])]
    columns = {
        "id": ("VARCHAR", [f"r{at}" for at in range(len(y))]),
        "y": ("VARCHAR", [names[each] for each in y]),
        "g": ("VARCHAR", groups or [f"g{at % 5}" for at in range(len(y))]),
    }
    if p.shape[1] == 2:
        columns["s"] = ("DOUBLE", p[:, 1].tolist())
        model, positive = ModelColumns("m", scores=((None, "s"),)), "yes"
    else:
        columns |= {f"s{name}": ("DOUBLE", p[:, j].tolist()) for j, name in enumerate(names)}
        model, positive = ModelColumns("m", scores=tuple((name, f"s{name}") for name in names)), None
    roles = Roles(id=("id",), label="y", positive=positive, models=(model,), segments=("g",))
    return opened(folder, Table(columns), task="binary" if positive else "multiclass", roles=roles), names


@pytest.mark.parametrize(("seed", "k"), [(1, 2), (2, 2), (3, 3), (4, 6)])
def test_counts_and_ranks_are_those_of_the_paper(folder, seed, k):
    y, p, _ = flipped(seed, k=k)
    made, names = evaluation(folder, y, p)
    joint, off = reference(y, p)
    result = questions.label_errors(made, limit=10_000)
    assert result.frames["joint"]["rows"].to_list() == joint.ravel().tolist()
    rows = {int(row["id"][1:]): row for row in result.frame.iter_rows(named=True)}
    assert len(rows) == len(y)
    assert {at for at, row in rows.items() if row["sure"]} == set(off)
    for at, row in rows.items():
        others = np.where(np.arange(k) == y[at], -1, p[at])
        best, own, margin = off.get(at, (int(others.argmax()), p[at, y[at]], p[at, y[at]] - others.max()))
        assert (row["label"], row["suggested"]) == (names[y[at]], names[best])
        assert (row["score"], row["margin"]) == pytest.approx((own, margin), abs=1e-12)
    assert result.frame["score"].is_sorted()
    assert result.frame["rank"].to_list() == list(range(1, len(y) + 1))
    assert questions.label_errors(made, limit=7, order="margin").frame["margin"].to_list() == pytest.approx(
        sorted(row["margin"] for row in rows.values())[:7]
    )
    share = result.frames["share"].row(0, named=True)
    held = joint.sum(axis=1)
    assert share["value"] == pytest.approx(float((np.bincount(y) / len(y)) @ (1 - np.diag(joint) / held)))
    assert share["found"] == len(off)


@pytest.mark.parametrize(("seed", "k"), [(5, 2), (6, 4)])
def test_planted_flips_are_found(folder, seed, k):
    y, p, wrong = flipped(seed, k=k)
    made, _ = evaluation(folder, y, p)
    result = questions.label_errors(made, limit=10_000)
    found = {int(id[1:]) for id in result.frame.filter(sure=True)["id"]}
    assert len(found & wrong) / len(found) > 0.9
    assert len(found & wrong) / len(wrong) > 0.6
    first = {int(id[1:]) for id in result.frame["id"][: len(wrong) // 3]}
    assert first <= wrong
    share = result.frames["share"].row(0, named=True)
    assert share["low"] <= len(wrong) / len(y) <= share["high"]


def test_scores_that_are_right_show_no_surplus_and_a_bad_group_is_named(folder):
    random = np.random.default_rng(7)
    s = random.beta(2, 2, 4000)
    y = (random.random(4000) < s).astype(int)
    groups = [f"g{at % 5}" for at in range(4000)]
    p = np.column_stack([1 - s, s])
    fine = questions.label_errors(evaluation(folder, y, p, groups)[0])
    assert "nothing beyond chance" in fine.sentence
    assert fine.frames["groups"]["p_adjusted"].min() > 0.05
    y[::5] = np.where(random.random(800) < 0.3, 1 - y[::5], y[::5])
    bad = questions.label_errors(evaluation(folder, y, p, groups)[0])
    worst = bad.frames["groups"].row(0, named=True)
    assert (worst["column"], worst["group"], worst["where"]) == ("g", "g0", "g = 'g0'")
    assert worst["p_adjusted"] < 1e-6
    assert "Most of all in g g0" in bad.sentence
    assert bad.frames["groups"]["found"].sum() == bad.frames["share"]["found"][0]


def test_a_segment_keeps_the_thresholds_of_all_rows(folder):
    y, p, _ = flipped(8)
    made, _ = evaluation(folder, y, p)
    whole = questions.label_errors(made, limit=10_000)
    part = questions.label_errors(made, limit=10_000, where=parse("g = 'g1'", columns=made.facts.types()))
    mine = [id for id in whole.frame["id"] if int(id[1:]) % 5 == 1]
    assert part.frame["id"].to_list() == mine
    assert part.receipt.used[0].rows == len(y) // 5


def test_what_cannot_be_judged_says_why(folder):
    y, p, _ = flipped(9, n=60)
    made, _ = evaluation(folder, np.zeros(60, dtype=int), p)
    with pytest.raises(BadRequest):
        questions.label_errors(made)
    fine, _ = evaluation(folder, y, p)
    with pytest.raises(UnknownName):
        questions.label_errors(fine, model="other")
    with pytest.raises(UnknownName):
        questions.label_errors(fine, order="loss")
    with pytest.raises(BadRequest):
        questions.label_errors(fine, limit=0)


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    place = tmp_path_factory.mktemp("twin")
    y, p, wrong = flipped(10, n=600)
    rows = [
        {"id": f"r{at}", "y": int(each), "s": repr(float(p[at, 1])), "g": "ab"[at % 2], "w": f"é, '{at}'"}
        for at, each in enumerate(y)
    ]
    assert ask(place / "w", "ingest", write(place / "t.csv", rows)).status == 0
    made = ask(
        *(place / "w", "evaluate", "t", "--name", "e", "--id", "id", "--label", "y", "--positive", "1"),
        *("--score", "s", "--task", "binary"),
    )
    assert made.status == 0, made.err
    return place, wrong


def test_decisions_are_kept_exported_and_applied(workspace):
    place, wrong = workspace
    said = ask(place / "w", "label-errors", "e", "--json").json
    columns = ["id", "label", "suggested", "score", "margin", "rank", "decision", "model", "sure"]
    assert list(said["frame"][0]) == columns
    first, second, third = (row["id"] for row in said["frame"][:3])
    assert all(int(each[1:]) in wrong for each in (first, second, third))
    assert "'r-1'" in ask(place / "w", "label-errors", "e", "--confirm", "r-1").refusal
    assert "Nothing is decided" in ask(place / "w", "label-errors", "e", "--forget", first).refusal
    assert "two ways" in ask(place / "w", "label-errors", "e", "--confirm", first, "--reject", first).refusal
    assert "nothing to apply" in ask(place / "w", "label-errors", "e", "--apply").refusal
    gone = ask(place / "w", "label-errors", "e", "--confirm", first, "--export", place / "gone" / "x.csv").refusal
    assert "cannot be written" in gone
    assert "nothing to apply" in ask(place / "w", "label-errors", "e", "--apply").refusal
    file = place / "decisions.csv"
    said = ask(
        *(place / "w", "label-errors", "e", "--confirm", first, "--confirm", second, "--reject", third, "--apply"),
        *("--export", file, "--json"),
    ).json
    assert [row["decision"] for row in said["frame"][:4]] == ["confirmed", "confirmed", "rejected", None]
    assert "2 confirmed, 1 rejected" in said["sentence"]
    assert "Kept t@2, in which 2 labels are corrected" in said["sentence"]
    written = {row["id"]: row["decision"] for row in csv.DictReader(file.read_text().splitlines())}
    assert written == {first: "confirmed", second: "confirmed", third: "rejected"}
    known = {row["version"]: row for row in ask(place / "w", "datasets", "--json").json["frame"]}
    assert {each["rows"] for each in known.values()} == {600}
    assert ask(place / "w", "label-errors", "e", "--forget", third).status == 0
    after = ask(place / "w", "label-errors", "e", "--json").json["frame"]
    assert [row["decision"] for row in after[:3]] == ["confirmed", "confirmed", None]


@pytest.mark.slow
def test_a_second_round_is_applied_and_what_was_applied_can_be_forgotten(tmp_path):
    y, p, _ = flipped(11, n=600)
    rows = [{"id": f"r{at}", "y": int(each), "s": repr(float(p[at, 1]))} for at, each in enumerate(y)]
    assert ask(tmp_path, "ingest", write(tmp_path / "t.csv", rows)).status == 0
    evaluate = ("evaluate", "t", "--name", "e", "--id", "id", "--label", "y", "--positive", "1", "--score", "s")
    assert ask(tmp_path, *evaluate).status == 0
    first, second = (row["id"] for row in ask(tmp_path, "label-errors", "e", "--json").json["frame"][:2])
    said = ask(tmp_path, "label-errors", "e", "--confirm", first, "--apply", "--json").json["sentence"]
    assert "Kept t@2, in which 1 label is corrected" in said
    assert ask(tmp_path, *evaluate).status == 0
    assert "nothing is left to apply" in ask(tmp_path, "label-errors", "e", "--apply").refusal
    said = ask(tmp_path, "label-errors", "e", "--confirm", second, "--apply", "--json").json["sentence"]
    assert "Kept t@3, in which 1 label is corrected" in said
    assert ask(tmp_path, "label-errors", "e", "--forget", first, "--export", tmp_path / "d.csv").status == 0
    assert [row["id"] for row in csv.DictReader((tmp_path / "d.csv").read_text().splitlines())] == [second]


def test_a_label_confirmed_back_takes_the_place_of_its_correction(folder):
    there, back = LabelDecision("a", "0", "1", CONFIRMED), LabelDecision("a", "1", "0", CONFIRMED)
    for each in (there, back):
        labeldecisions.keep(folder, "back", [each])
        assert labeldecisions.confirmed(folder, "back") == [each]


def test_all_decisions_of_a_row_are_forgotten_whatever_its_label_was(folder):
    made = [LabelDecision("a", "0", "1", CONFIRMED), LabelDecision("a", "2", "0", CONFIRMED)]
    kept = LabelDecision("b", "0", "1", CONFIRMED)
    labeldecisions.keep(folder, "gone", [*made, kept])
    with pytest.raises(NotFound, match="decided of the label of 'c'"):
        labeldecisions.forget(folder, "gone", ["a", "c"])
    labeldecisions.forget(folder, "gone", ["a"])
    assert labeldecisions.listed(folder, "gone") == [kept]


@pytest.mark.slow
def test_corrected_labels_are_no_longer_in_doubt(workspace):
    place, _ = workspace
    first = ask(place / "w", "label-errors", "e@1", "--json").json["frame"][0]["id"]
    for _ in range(2):
        said = ask(place / "w", "label-errors", "e@1", "--confirm", first, "--apply", "--json").json["sentence"]
        assert "Kept t@" in said
    made = ask(place / "w", "evaluate", "t", "--name", "e", "--id", "id", "--label", "y", "--score", "s")
    assert made.status == 0, made.err
    after = ask(place / "w", "label-errors", "e", "--json").json["frame"]
    assert first not in {row["id"] for row in after}
