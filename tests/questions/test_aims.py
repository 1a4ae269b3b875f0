"""Own metrics, targets, gates and markers through the terminal twin."""

import json
import re
from xml.etree import ElementTree

import numpy as np
import pytest

from tests.questions.twin import ask, loans, prices, write

ROWS = loans(size=400, weighted=False)
LOSS = "avg(case when label = prediction then 0 else amount end)"


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    folder = tmp_path_factory.mktemp("aims")
    write(folder / "loans.csv", ROWS)
    write(folder / "prices.csv", prices(size=100))
    for name, words in (
        ("loans", ["--label", "paid", "--prediction", "decision", "--score", "score", "--time", "day", "--id", "id"]),
        ("prices", ["--label", "price", "--prediction", "forecast", "--id", "id"]),
    ):
        assert ask(folder / "w", "ingest", folder / f"{name}.csv").status == 0
        task = "binary" if name == "loans" else "regression"
        said = ask(folder / "w", "evaluate", name, "--name", name, "--task", task, *words)
        assert said.status == 0, said.err
    add = ["metrics", "add", "loss", "--expression", LOSS, "--better", "lower", "--evaluation", "loans"]
    assert ask(folder / "w", *add).status == 0
    balance = ["metrics", "add", "balance", "--formula", "(recall + specificity) / 2", "--evaluation", "loans"]
    assert ask(folder / "w", *balance).status == 0
    return folder / "w"


def costs(rows):
    decided = [row for row in rows if row["paid"] is not None and row["decision"] is not None]
    wrong = [(row, (row["paid"] == "yes") != (row["decision"] == 1)) for row in decided]
    values = [row["amount"] if missed else 0.0 for row, missed in wrong]
    return [value for value in values if value is not None]


def test_an_own_metric_is_measured_like_any_other(workspace):
    said = ask(
        workspace, "measure", "loans", "--metrics", "loss,balance,balanced_accuracy", "--by", "region", "--json"
    ).json
    for region in {row["region"] for row in ROWS}:
        mine = {row["metric"]: row for row in said["frame"] if row["region"] == region}
        values = costs([row for row in ROWS if row["region"] == region])
        assert mine["loss"]["value"] == pytest.approx(np.mean(values), rel=1e-12)
        assert mine["loss"]["n"] == len(values)
        assert mine["loss"]["low"] < mine["loss"]["value"] < mine["loss"]["high"]
        assert mine["balance"]["value"] == pytest.approx(mine["balanced_accuracy"]["value"], rel=1e-12)
    assert said["receipt"]["options"]["own"] == {"loss": LOSS, "balance": "(recall + specificity) / 2"}
    assert {name.split()[0] for name in said["receipt"]["sql"]} == {"loss", "balance", "balanced_accuracy"}
    assert said["sentence"].startswith("Loss by region")


def test_an_own_metric_follows_the_threshold(workspace):
    said = ask(workspace, "measure", "loans", "--metrics", "loss", "--threshold", "0.5", "--json").json["frame"][0]
    moved = [{**row, "decision": None if row["score"] is None else int(row["score"] >= 0.5)} for row in ROWS]
    assert said["value"] == pytest.approx(np.mean(costs(moved)), rel=1e-12)


def test_a_shared_metric_is_of_every_evaluation_of_its_task(workspace):
    add = ["metrics", "add", "shared_one", "--formula", "1 - accuracy", "--better", "lower", "--shared"]
    assert ask(workspace, *add).status == 0
    frame = ask(workspace, "measure", "loans", "--metrics", "shared_one,accuracy", "--json").json["frame"]
    assert frame[0]["value"] == pytest.approx(1 - frame[1]["value"], rel=1e-12)
    assert "There is no metric 'shared_one'" in ask(workspace, "measure", "prices", "--metrics", "shared_one").refusal
    listed = {
        name: [row["name"] for row in ask(workspace, "metrics", "--evaluation", name, "--json").json["frame"]]
        for name in ("loans", "prices")
    }
    assert "shared_one" in listed["loans"]
    assert "shared_one" not in listed["prices"]
    row = next(row for row in ask(workspace, "metrics", "--json").json["frame"] if row["name"] == "shared_one")
    assert (row["shared"], row["evaluation"]) == (True, "")
    assert ask(workspace, "metrics", "remove", "shared_one", "--shared").status == 0
    assert "There is no metric" in ask(workspace, "measure", "loans", "--metrics", "shared_one").refusal


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--formula", "recal + 1", "--shared"], "recall"),
        (["--expression", "avg(amount)", "--shared"], "--evaluation"),
        (["--formula", "recall"], "--shared"),
    ],
)
def test_a_shared_metric_is_checked_before_it_is_kept(workspace, words, said):
    assert said in ask(workspace, "metrics", "add", "wrong_one", *words).refusal


def test_a_shared_expression_is_of_the_evaluations_that_have_its_columns(workspace):
    add = ["metrics", "add", "shared_sum", "--expression", "avg(amount)", "--shared", "--evaluation", "loans"]
    assert ask(workspace, *add).status == 0
    assert ask(workspace, "measure", "loans", "--metrics", "shared_sum").status == 0
    assert ask(workspace, "measure", "prices", "--metrics", "shared_sum").status == 2
    assert ask(workspace, "metrics", "remove", "shared_sum", "--shared").status == 0


def test_defined_anew_it_is_measured_anew(workspace):
    again = ["metrics", "add", "changing", "--evaluation", "loans", "--formula"]
    values = []
    for text in ("recall", "specificity"):
        assert ask(workspace, *again, text).status == 0
        frame = ask(workspace, "measure", "loans", "--metrics", f"changing,{text}", "--json").json["frame"]
        values.append([row["value"] for row in frame])
    assert all(pair[0] == pair[1] for pair in values)
    assert ask(workspace, "metrics", "remove", "changing", "--evaluation", "loans").status == 0
    assert "There is no metric 'changing'" in ask(workspace, "measure", "loans", "--metrics", "changing").refusal


def test_metrics_are_listed_with_ones_own(workspace):
    frame = ask(workspace, "metrics", "--json").json["frame"]
    assert {
        "name": "loss",
        "kind": "expression",
        "better": "lower",
        "unit": "",
        "evaluation": "loans",
        "shared": False,
        "text": LOSS,
    } in frame
    assert any(row["name"] == "recall" and row["kind"] == "built-in" for row in frame)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["add", "recall", "--formula", "precision"], "built-in metric"),
        (["add", "x", "--formula", "rmse"], "no metric of binary tasks"),
        (["add", "x", "--formula", "recal"], "Did you mean 'recall'"),
        (["add", "x", "--expression", "avg(amont)"], "Did you mean 'amount'"),
        (["add", "x", "--expression", "avg((select 1))"], "cannot stand in an expression"),
        (["add", "x", "--expression", "avg(label = 'maybe')"], "There is no class 'maybe'"),
        (["add", "x"], "give one"),
        (["add", "--formula", "recall"], "A metric's name"),
        (["remove", "nothing"], "There is no metric 'nothing'"),
        (["paint", "x"], "list, add or remove"),
    ],
)
def test_what_cannot_be_a_metric_is_refused_and_nothing_kept(workspace, words, said):
    before = ask(workspace, "metrics", "--json").json["frame"]
    assert said in ask(workspace, "metrics", *words, "--evaluation", "loans").refusal
    assert ask(workspace, "metrics", "--json").json["frame"] == before


def test_targets_are_judged_by_their_intervals(workspace):
    frame = ask(workspace, "measure", "loans", "--metrics", "recall,loss", "--json").json["frame"]
    recall, loss = frame
    words = ["--set", f"recall >= {recall['high'] + 0.01:.4f}", "--set", f"loss <= {loss['high'] + 1:.2f}"]
    said = ask(workspace, "targets", "loans", *words, "--set", f"f1 at least {recall['value']:.3f}", "--json").json
    verdicts = {row["metric"]: row["target_verdict"] for row in said["frame"]}
    assert (verdicts["recall"], verdicts["loss"]) == ("missed", "met")
    assert "Recall at least" in said["sentence"]
    assert "is missed at" in said["sentence"]
    changed = ask(workspace, "targets", "loans", "--set", f"recall >= {recall['value']:.3f}", "--json").json
    rows = {row["metric"]: row for row in changed["frame"]}
    assert rows["recall"]["target_verdict"] == "not decided"
    assert rows["recall"]["target"] == pytest.approx(recall["value"], abs=1e-3)
    west = ask(workspace, "targets", "loans", "--where", "region = 'North'", "--json").json
    assert {row["metric"]: row["n"] for row in west["frame"]}["recall"] < recall["n"]
    assert "recall, f1" not in ask(workspace, "targets", "loans", "--remove", "nothing", "--remove", "f1").refusal
    left = ask(workspace, "targets", "loans", "--remove", "f1", "--remove", "loss", "--json").json["frame"]
    assert [row["metric"] for row in left] == ["recall"]
    assert "There is no metric" in ask(workspace, "targets", "loans", "--set", "nothing >= 1").refusal
    assert "A target is written" in ask(workspace, "targets", "loans", "--set", "recall > 1").refusal
    assert ask(workspace, "targets", "prices", "--json").json["sentence"] == "'prices' has no target."


def test_every_number_of_a_target_s_sentence_is_in_the_frame(workspace):
    assert ask(workspace, "targets", "loans", "--set", "precision >= 0.4").status == 0
    said = ask(workspace, "targets", "loans", "--json").json
    shown = set()
    for row in said["frame"]:
        shown |= {f"{100 * row[name]:.1f}" for name in ("value", "low", "high", "target")} | {f"{row['n']:,}"}
    numbers = re.findall(r"(?<![\w.])\d[\d,]*(?:\.\d+)?", said["sentence"])
    assert numbers
    assert set(numbers) <= shown


def gated(workspace, *words):
    return ask(workspace, "measure", "loans", "--metrics", "recall", *words)


def test_a_gate_that_holds_is_silent_and_one_that_does_not_exits_with_1(workspace):
    passed = gated(workspace, "--fail-if", "recall < 0.1", "--json")
    assert (passed.status, passed.err) == (0, "")
    assert [each["failure"] for each in passed.json["receipt"]["gates"]] == [None]
    failed = gated(workspace, "--fail-if", "recall < 0.99", "--fail-if", "precision > 0", "--fail-if", "f1 < 0")
    assert failed.status == 1
    lines = failed.err.splitlines()
    assert len(lines) == 2
    assert re.fullmatch(
        r"recall < 0\.99 fails for .*: 0\.\d+ is < 0\.99 \(value .*, interval .* to .*, n \d+\)\.", lines[0]
    )
    assert lines[1].startswith("precision > 0 fails")
    assert failed.out.startswith("Recall is")


def test_json_stays_whole_when_a_gate_fails(workspace):
    failed = gated(workspace, "--fail-if", "loss > 0", "--by", "region", "--json")
    assert failed.status == 1
    assert failed.out.count("\n") == 1
    assert failed.out.startswith('{"sentence"')
    assert len(failed.err.splitlines()) == len({row["region"] for row in ROWS})


def test_cautious_judges_the_end_nearer_to_failing(workspace):
    row = gated(workspace, "--json").json["frame"][0]
    between_low, between_high = (row["low"] + row["value"]) / 2, (row["high"] + row["value"]) / 2
    for condition, limit in (("<", between_low), (">", between_high)):
        assert gated(workspace, "--fail-if", f"recall {condition} {limit:.6f}").status == 0
        assert gated(workspace, "--fail-if", f"recall {condition} {limit:.6f}", "--cautious").status == 1


def test_what_is_undefined_fails_its_gate_with_the_reason(workspace):
    failed = gated(workspace, "--where", "paid = 'no'", "--fail-if", "recall < 0.1", "--json")
    assert failed.status == 1
    assert "it is undefined: no row is labelled as this class" in failed.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--fail-if", "recall"], "A gate is written"),
        (["--fail-if", "recal < 1"], "Did you mean 'recall'"),
        (["--fail-if", "rmse < 1"], "metric of regression tasks"),
        (["--cautious"], "needs a gate"),
        (["--fail-if", "recall < 1", "--junit", "no/such/folder/x.xml"], "could not be written"),
    ],
)
def test_a_gate_that_makes_no_sense_is_refused(workspace, words, said):
    assert said in gated(workspace, *words).refusal


def test_the_report_is_what_ci_systems_read(workspace, tmp_path):
    file = tmp_path / "gates.xml"
    said = gated(workspace, "--fail-if", "recall < 0.99", "--fail-if", "loss < 0", "--by", "region", "--junit", file)
    assert said.status == 1
    suites = ElementTree.parse(file).getroot()  # noqa: S314 - our own file
    assert suites.tag == "testsuites"
    (suite,) = suites
    cases = suite.findall("testcase")
    regions = len({row["region"] for row in ROWS})
    assert {name: suite.get(name) for name in ("name", "tests", "errors", "skipped")} == {
        "name": "measure loans@1",
        "tests": str(2 * regions),
        "errors": "0",
        "skipped": "0",
    }
    assert float(suite.get("time")) >= 0
    assert len(cases) == 2 * regions
    assert all(case.get("classname").startswith("loans@1.") and case.get("name") and case.get("time") for case in cases)
    failures = [case.find("failure") for case in cases if case.find("failure") is not None]
    assert suite.get("failures") == str(len(failures))
    assert [failure.text for failure in failures] == said.err.splitlines()
    assert any("it's, odd" in case.get("name") for case in cases)


@pytest.mark.parametrize(
    ("words", "metric", "groups"),
    [
        (["compare-groups", "loans", "--by", "region", "--metrics", "precision"], "recall", 4),
        (["calibration", "loans"], "ece", 1),
        (["calibration", "loans", "--by", "region"], "ece", 4),
    ],
    ids=["compare-groups", "calibration", "calibration by region"],
)
def test_gates_stand_at_other_questions_too(workspace, words, metric, groups):
    shut = ask(workspace, *words, "--fail-if", f"{metric} <= 1", "--json")
    assert shut.status == 1
    assert len(shut.err.splitlines()) == groups
    assert len(json.loads(shut.out)["receipt"]["gates"]) == groups
    assert all("fails for" in line for line in shut.err.splitlines())
    open_ = ask(workspace, *words, "--fail-if", f"{metric} > 1", "--json")
    assert (open_.status, open_.err) == (0, "")


def test_markers_are_kept_in_the_order_of_time(workspace):
    words = ["--add", "2026-03-02 v2 deployed", "--add", "2026-01-10 14:30 scoring outage"]
    frame = ask(workspace, "markers", "loans", *words, "--json").json["frame"]
    assert [(row["moment"], row["title"]) for row in frame] == [
        ("2026-01-10 14:30:00", "scoring outage"),
        ("2026-03-02", "v2 deployed"),
    ]
    again = ask(workspace, "markers", "loans", "--add", "2026-03-02 v2 deployed", "--kind", "other", "--json").json
    assert [row["kind"] for row in again["frame"]] == ["deployment", "other"]
    assert "There is no marker" in ask(workspace, "markers", "loans", "--remove", "2026-03-02 v3").refusal
    left = ask(workspace, "markers", "loans", "--remove", "2026-03-02 v2 deployed", "--json").json["frame"]
    assert len(left) == 1
    assert "has no time column" in ask(workspace, "markers", "prices", "--add", "2026-03-02 x").refusal
    assert "A marker is written" in ask(workspace, "markers", "loans", "--add", "yesterday x").refusal
