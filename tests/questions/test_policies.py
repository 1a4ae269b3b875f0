"""Saved policies of every kind as the rule that other questions measure under, against a count over the rows."""

import json

import duckdb
import numpy as np
import pytest
import sklearn.metrics as sk

from analysis.core.cutoffs import Band, ByGroup
from analysis.engine.duckdb import Engine
from analysis.questions import overview, threshold_figures, thresholds
from analysis.store import evaluations, policies
from analysis.store.workspace import Workspace
from tests.questions.twin import ask, loans, write

ROWS = [
    row | {"second": None if row["score"] is None else round(abs(row["score"] - (place % 7) / 20), 3)}
    for place, row in enumerate(loans(seed=33, size=900))
]
MODELS = ["--model", "one:score=score,prediction=decision", "--model", "two:score=second"]
BALANCE, COSTLY = "(recall + specificity) / 2", "avg(case when label != prediction then amount else 0 end)"


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    folder = tmp_path_factory.mktemp("twin")
    roles = ["--label", "paid", "--id", "id", "--positive", "yes", "--weight", "weight", *MODELS]
    assert ask(folder / "w", "ingest", write(folder / "loans.csv", ROWS)).status == 0
    said = ask(folder / "w", "evaluate", "loans", "--name", "loans", "--task", "binary", *roles)
    assert said.status == 0, said.err
    for name, text in (("balance", ["--formula", BALANCE]), ("costly", ["--expression", COSTLY])):
        said = ask(folder / "w", "metrics", "add", name, *text, "--evaluation", "loans")
        assert said.status == 0, said.err
    for name, goal in (("desk", ["review 20%"]), ("fair", ["max f1", "--by", "region"]), ("plain", ["max f1"])):
        words = ["thresholds", "loans", "--model", "one", "--goal", *goal, "--save", name, "--json"]
        assert ask(folder / "w", *words).status == 0
    return folder / "w"


@pytest.fixture(scope="module")
def held(workspace):
    kept = Workspace.open(workspace)
    yield kept
    kept.close()


@pytest.fixture(scope="module")
def rules(held):
    known = policies.listed(held, evaluations.find(held, "loans"))
    return {name: each.rule for name, each in known.items()}


def decided(rule, row, score="score"):
    """What a rule says of a row; None for review and without a score."""
    if row[score] is None or (isinstance(rule, Band) and rule.low <= row[score] < rule.high):
        return None
    at = rule.high if isinstance(rule, Band) else rule
    if isinstance(rule, ByGroup):
        at = dict(rule.groups).get(row[rule.column], rule.threshold)
    return row[score] >= at


def arrays(rule, rows=ROWS, score="score"):
    """(label, decision, weight) of the labelled rows that the rule decides."""
    kept = [row for row in rows if row["paid"] is not None and decided(rule, row, score) is not None]
    y = np.array([row["paid"] == "yes" for row in kept])
    return y, np.array([decided(rule, row, score) for row in kept]), np.array([row["weight"] for row in kept])


ORACLES = {
    "recall": sk.recall_score,
    "precision": sk.precision_score,
    "f1": sk.f1_score,
    "accuracy": sk.accuracy_score,
    "mcc": sk.matthews_corrcoef,
}


def test_three_kinds_were_saved(rules):
    assert {name: type(rule) for name, rule in rules.items()} == {"desk": Band, "fair": ByGroup, "plain": float}
    assert None in dict(rules["fair"].groups)


@pytest.mark.parametrize("name", ["desk", "fair", "plain"])
@pytest.mark.parametrize("by", ["", "metric", "region"])
def test_measure_under_a_policy_is_a_count_over_the_rows(workspace, rules, name, by):
    column = "metric_" if by == "metric" else by  # the frame has a column metric of its own
    words = ["--policy", name, "--metrics", ",".join(ORACLES), *(["--by", by] if by else [])]
    said = ask(workspace, "measure", "loans", *words, "--json").json
    for model, score in (("one", "score"), ("two", "second")):
        for group in {row[by] for row in ROWS} if by else {""}:
            y, p, w = arrays(rules[name], [row for row in ROWS if not by or row[by] == group], score)
            shown = {r["metric"]: r for r in said["frame"] if r["model"] == model and (not by or r[column] == group)}
            for metric, oracle in ORACLES.items():
                assert shown[metric]["value"] == pytest.approx(oracle(y, p, sample_weight=w), rel=1e-9), (group, metric)
            assert shown["recall"]["n"] == y.sum()
    for used, score in zip(said["receipt"]["rows"], ("score", "second"), strict=True):
        known = [row for row in ROWS if row["paid"] is not None]
        review = sum(row[score] is not None and decided(rules[name], row, score) is None for row in known)
        assert used.get("review", 0) == review
        assert (review > 0) == (name == "desk")
        assert used["rows"] == used["used"] + sum(used["dropped"].values())
    given = said["receipt"]["options"]["threshold"]
    assert given == (rules[name] if name == "plain" else rules[name].to_dict())


def test_metrics_of_scores_count_what_goes_to_a_person(workspace):
    words = ["--metrics", "roc_auc,brier", "--json"]
    alone, under = (ask(workspace, "measure", "loans", *words, *more).json for more in ([], ["--policy", "desk"]))
    assert alone["frame"] == under["frame"]


@pytest.mark.parametrize("name", ["desk", "fair"])
def test_rows_and_errors_follow_the_policy(workspace, rules, name):
    judged = [(row, decided(rules[name], row)) for row in ROWS]
    for where, wanted in (
        ("prediction_ is missing", [row["id"] for row, made in judged if made is None]),
        (
            "prediction_ = 'yes' and label_ = 'no'",
            [row["id"] for row, made in judged if made and row["paid"] == "no"],
        ),
    ):
        words = ["--model", "one", "--where", where, "--policy", name, "--limit", "900", "--json"]
        found = ask(workspace, "rows", "loans", *words).json["frame"]
        assert sorted(row["id"] for row in found) == sorted(wanted)
    cells = ask(workspace, "errors", "loans", "--model", "one", "--policy", name, "--json").json["frame"]
    missed = sum(made is False and row["paid"] == "yes" for row, made in judged)
    assert [c["n"] for c in cells if (c["actual"], c["predicted"]) == ("yes", "no")] == [missed]


def bare(statements):
    with duckdb.connect() as connection:
        return connection.execute(statements).fetchall()


@pytest.mark.parametrize("name", ["desk", "fair"])
def test_two_versions_are_compared_on_the_rows_both_decided(workspace, rules, monkeypatch, name):
    words = ["--models", "one,two", "--metrics", "recall,precision", "--policy", name, "--json"]
    said = ask(workspace, "compare-groups", "loans", *words).json
    both = [
        row for row in ROWS if decided(rules[name], row) is not None and decided(rules[name], row, "second") is not None
    ]
    monkeypatch.chdir(workspace)
    for row in said["frame"]:
        for score, column, model, other in (("score", "value", "one", "two"), ("second", "other_value", "two", "one")):
            y, p, w = arrays(rules[name], both, score)
            oracle = ORACLES[row["metric"]](y, p, sample_weight=w)
            assert row[column] == pytest.approx(oracle, rel=1e-9)
            ((value, _),) = bare(said["receipt"]["sql"][f"{row['metric']} ({model}, rows of {other} too)"])
            assert value == pytest.approx(oracle, rel=1e-9)


@pytest.mark.parametrize("name", ["desk", "fair"])
def test_an_overview_under_a_policy_ranks_and_measures_what_it_decides(held, rules, name):
    opened = Engine(held).open(evaluations.find(held, "loans"))
    result = overview(opened, metrics=["recall", "balance", "roc_auc"], threshold=rules[name])
    for model, score in (("one", "score"), ("two", "second")):
        y, p, w = arrays(rules[name], score=score)
        shown = {row["metric"]: row["value"] for row in result.frame.filter(model=model).iter_rows(named=True)}
        assert shown["recall"] == pytest.approx(sk.recall_score(y, p, sample_weight=w))
        assert shown["balance"] == pytest.approx(sk.balanced_accuracy_score(y, p, sample_weight=w))
    assert set(result.frames["versions"]["metric"]) >= {"recall"}
    json.dumps(result.to_dict())


def test_versions_that_scored_every_row_are_ranked_on_those_both_decided(workspace, held):
    """Alone they answered the same rows; under a band they decide different ones."""
    rows = [{**row, "prediction": "yes" if row["score"] >= 0.4 else "no"} for row in ROWS if None not in row.values()]
    rows = [{**row, "other": "yes" if row["second"] >= 0.4 else "no"} for row in rows]
    assert ask(workspace, "ingest", write(workspace.parent / "whole.csv", rows)).status == 0
    models = ["--model", "one:score=score,prediction=prediction", "--model", "two:score=second,prediction=other"]
    words = ["--name", "whole", "--task", "binary", "--label", "paid", "--id", "id", "--positive", "yes", *models]
    assert ask(workspace, "evaluate", "whole", *words).status == 0
    opened, band = Engine(held).open(evaluations.find(held, "whole")), Band(0.2, 0.4)
    frame = overview(opened, metrics=["accuracy"], threshold=band).frames["versions"]
    second = frame.filter(frame["difference_n"].is_not_null()).row(0, named=True)
    both = [row for row in rows if None not in (decided(band, row, score) for score in ("score", "second"))]
    found = {}
    for model, score in (("one", "score"), ("two", "second")):
        y, p, w = arrays(band, both, score)
        found[model] = sk.accuracy_score(y, p, sample_weight=w)
    (first,) = {"one", "two"} - {second["model"]}
    assert second["difference_n"] == len(both) < len(rows)
    assert second["difference_to_first"] == pytest.approx(found[second["model"]] - found[first], rel=1e-9)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["measure", "loans", "--policy", "dsk"], "Did you mean 'desk'"),
        (["measure", "loans", "--policy", "desk", "--threshold", "0.4"], "either --threshold or --policy"),
        (
            ["thresholds", "loans", "--fail-if", "recall < 1", "--threshold", "0.4", "--threshold", "0.5"],
            "one threshold",
        ),
        (["thresholds", "loans", "--fail-if", "recal < 1"], "Did you mean 'recall'"),
        (["thresholds", "loans", "--metrics", "costly"], "not made of decisions alone"),
        (["thresholds", "loans", "--cautious"], "needs a gate"),
    ],
)
def test_what_makes_no_sense_is_refused(workspace, words, said):
    assert said in ask(workspace, *words).refusal


def test_an_own_formula_is_known_at_every_threshold(workspace, held):
    words = ["--model", "one", "--metrics", "balance", "--threshold", "0.3", "--threshold", "0.6", "--json"]
    frame = ask(workspace, "thresholds", "loans", *words).json["frame"]
    assert [row["threshold"] for row in frame] == [0.3, 0.6]
    for row in frame:
        y, p, w = arrays(row["threshold"])
        assert row["value"] == pytest.approx(sk.balanced_accuracy_score(y, p, sample_weight=w), rel=1e-9)
        assert row["low"] < row["value"] < row["high"]
    opened = Engine(held).open(evaluations.find(held, "loans"))
    assert threshold_figures(opened) == ("precision", "recall", "f1", "balance")
    result = thresholds(opened, models=["one"], metrics=threshold_figures(opened), threshold=0.3)
    cards = result.frames["current"].filter(metric="balance")
    assert cards["value"].to_list() == [frame[0]["value"]]


@pytest.mark.parametrize(
    ("goal", "policy"),
    [(["--goal", "review 20%"], "desk"), (["--goal", "max f1", "--by", "region"], "fair"), ([], "plain")],
)
def test_gates_judge_what_is_recommended(workspace, rules, goal, policy):
    y, p, w = arrays(rules[policy])
    recall = sk.recall_score(y, p, sample_weight=w)
    words = ["thresholds", "loans", "--model", "one", *goal, "--fail-if"]
    assert ask(workspace, *words, f"recall < {recall - 1e-6:.9f}", "--json").status == 0
    shut = ask(workspace, *words, f"recall < {recall + 1e-6:.9f}", "--fail-if", "balance < 0", "--json")
    assert shut.status == 1
    assert f"value {recall:.6g}" in shut.err
    assert len(shut.err.splitlines()) == 1
    assert len(json.loads(shut.out)["receipt"]["gates"]) == 2
    assert ask(workspace, *words, f"recall < {recall - 1e-6:.9f}", "--cautious").status == 1


def test_gates_judge_a_threshold_that_was_given(workspace, tmp_path):
    y, p, w = arrays(0.4)
    recall = sk.recall_score(y, p, sample_weight=w)
    file = tmp_path / "gates.xml"
    words = ["thresholds", "loans", "--model", "one", "--threshold", "0.4", "--junit", file, "--fail-if"]
    assert ask(workspace, *words, f"recall < {recall - 1e-6:.9f}").status == 0
    assert ask(workspace, *words, f"recall < {recall + 1e-6:.9f}").status == 1
    assert 'name="thresholds loans@1"' in file.read_text()
