"""Saved segments at work: in every filter of the terminal, counted right, and what a receipt goes on saying."""

import json

import duckdb
import pytest

from tests.questions.twin import ask, loans, write

ROWS = loans(seed=11, weighted=False)
GIVEN = ["--label", "paid", "--positive", "yes", "--score", "score", "--prediction", "decision", "--task", "binary"]


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    folder = tmp_path_factory.mktemp("saved")
    assert ask(folder / "w", "ingest", write(folder / "loans.csv", ROWS)).status == 0
    made = ask(folder / "w", "evaluate", "loans", "--name", "loans", *GIVEN, "--time", "day", "--id", "id")
    assert made.status == 0, made.err
    for name, text in (("south", "region = 'South'"), ("large south", "@south and amount >= 200")):
        assert ask(folder / "w", "segments", "save", name, text).status == 0
    return folder / "w"


LARGE = [row for row in ROWS if row["region"] == "South" and row["amount"] is not None and row["amount"] >= 200]


def alone(statement):
    """What a bare DuckDB says to a receipt's statement."""
    with duckdb.connect() as bare:
        return bare.sql(statement).fetchall()


def test_measure_rows_and_comparisons_take_saved_segments(workspace):
    said = ask(workspace, "measure", "loans", "--metrics", "recall", "--where", '@"large south"', "--json").json
    known = [row for row in LARGE if row["paid"] is not None and (row["decision"] is not None)]
    assert said["frame"][0]["n"] == sum(row["paid"] == "yes" for row in known)
    assert said["receipt"]["options"]["where"] == "region = 'South' and amount >= 200"
    said = ask(workspace, "rows", "loans", "--where", "@\"large south\" and label_ = 'yes'", "--json").json
    assert said["receipt"]["rows"][0]["rows"] == sum(row["paid"] == "yes" for row in LARGE)
    said = ask(workspace, "compare-groups", "loans", "--a", "@south", "--metrics", "recall", "--json").json
    assert said["receipt"]["options"]["a"] == "region = 'South'"
    gated = ask(workspace, "measure", "loans", "--metrics", "recall", "--where", "@south", "--fail-if", "recall < 0.99")
    assert gated.status == 1


def test_show_says_it_counts_it_and_gives_its_sql(workspace, monkeypatch):
    said = ask(workspace, "segments", "show", "large south", "--json").json
    assert said["frame"] == [
        {"evaluation": "loans@1", "applicable": True, "rows": len(LARGE), "of": len(ROWS), "reason": None}
    ]
    receipt = said["receipt"]
    assert receipt["expression"] == "@south and amount >= 200"
    assert receipt["condition"] == "region = 'South' and amount >= 200"
    assert json.dumps(receipt["dict"]) in said["sentence"]
    monkeypatch.chdir(workspace)
    assert alone(receipt["sql"]["loans@1"]) == [(len(LARGE),)]


def test_a_later_change_does_not_change_what_a_receipt_says(workspace):
    asked = ("measure", "loans", "--metrics", "recall", "--where", "@moving", "--json")
    assert ask(workspace, "segments", "save", "moving", "region = 'South'").status == 0
    before = ask(workspace, *asked).json
    assert ask(workspace, "segments", "save", "moving", "region = 'North'").status == 0
    assert before["receipt"]["options"]["where"] == "region = 'South'"
    assert ask(workspace, *asked).json["receipt"]["options"]["where"] == "region = 'North'"
    again = ask(workspace, *asked[:5], before["receipt"]["options"]["where"], "--json").json
    assert again["frame"] == before["frame"]
    assert again["receipt"]["id"] == before["receipt"]["id"]


def test_where_it_is_not_applicable_it_says_which_column_is_missing(workspace):
    assert ask(workspace, "segments", "save", "far", "distance > 5 and region = 'South'").status == 0
    said = ask(workspace, "segments", "show", "far", "--evaluation", "loans", "--json").json
    assert said["frame"][0]["applicable"] is False
    assert said["frame"][0]["reason"] == "its column is not there: 'distance'."
    refused = ask(workspace, "measure", "loans", "--where", "@far").refusal
    assert refused == "The saved segment 'far' is not applicable here: its column is not there: 'distance'."


def test_what_the_model_says_of_rows_may_be_saved_and_asked(workspace):
    assert ask(workspace, "segments", "save", "missed", "label_ = 'yes' and prediction_ = 'no'").status == 0
    wanted = [row for row in ROWS if row["paid"] == "yes" and row["decision"] == 0]
    said = ask(workspace, "rows", "loans", "--where", "@missed", "--json").json
    assert said["receipt"]["rows"][0]["rows"] == len(wanted)
    said = ask(workspace, "measure", "loans", "--where", "@missed", "--metrics", "accuracy", "--json").json
    assert (said["frame"][0]["n"], said["frame"][0]["value"]) == (len(wanted), 0)


def test_what_sets_rows_apart_and_segments_side_by_side(workspace, monkeypatch):
    missed = "label_ = 'yes' and prediction_ = 'no'"
    said = ask(workspace, "composition", "loans", missed, "--by", "region", "--where", "metric = 'x'", "--json").json
    rows = [row for row in ROWS if row["metric"] == "x" and row["paid"] == "yes" and row["decision"] == 0]
    assert {row["value"]: row["rows"] for row in said["frame"]} == {
        name: sum(row["region"] == name for row in rows) for name in {row["region"] for row in ROWS}
    }
    said = ask(workspace, "compare-segments", "loans", "--segments", "south,large south", "--json").json
    assert [row["segment"] for row in said["frame"][::4]] == ["south", "large south"]
    assert said["frames"]["pairs"][0]["shared"] == len(LARGE)
    assert sum(row["rows"] for row in said["frames"]["overlap"]) == len(ROWS)
    monkeypatch.chdir(workspace)
    sql, model = said["receipt"]["sql"], said["frame"][0]["model"]
    counted = alone(sql[f"overlap ({model})"])
    assert sum(row[1] for row in counted) == len(ROWS)
    value, n = alone(sql[f"recall ({model}, south)"])[0]
    assert (value, n) == (pytest.approx(said["frame"][0]["value"]), said["frame"][0]["n"])
    assert "Did you mean 'south'" in ask(workspace, "compare-segments", "loans", "--segments", "sauth").refusal
    assert ask(workspace, "compare-segments", "loans").status == 0


def test_list_rename_delete(workspace):
    for words in (("save", "one", "amount > 1"), ("save", "two", "not @one"), ("rename", "one", "first")):
        assert ask(workspace, "segments", *words).status == 0
    listed = {row["name"]: row for row in ask(workspace, "segments", "list", "--json").json["frame"]}
    assert listed["two"]["segment"] == "not (@first)"
    assert "one" not in listed
    assert "part of 'two'" in ask(workspace, "segments", "delete", "first").refusal
    for name in ("two", "first"):
        assert ask(workspace, "segments", "delete", name).status == 0


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("keep", "x"), "followed by list, save, show, rename or delete, not 'keep'"),
        (("show",), "Say which segment to show"),
        (("save", "x"), "needs an EXPRESSION too"),
        (("save", "x", "regoin = 'a'", "--evaluation", "loans"), "Did you mean 'region'"),
        (("save", "x", "a ="), "a value is expected"),
        (("save", "x", "@x or a = 1"), "in a circle: x > x"),
        (("show", "sauth"), "Did you mean 'south'"),
        (("rename", "south", "large south"), "already a segment called 'large south'"),
    ],
)
def test_a_wrong_request_is_one_sentence(workspace, words, why):
    assert why in ask(workspace, "segments", *words).refusal
