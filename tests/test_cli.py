"""The terminal twin as a shell sees it: exit statuses, one sentence of complaint, one JSON object."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.questions.twin import ask, flowers, loans, prices, write

ROOT = Path(__file__).resolve().parents[1]


def shell(*words, **environment):
    """A process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "analysis", *map(str, words)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, **environment},
        check=False,
        timeout=120,
    )


def complaint(done):
    """The one sentence of a refused process."""
    assert done.returncode == 2, (done.returncode, done.stderr)
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    assert done.stderr.count("\n") == 1, done.stderr
    return done.stderr


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with a workspace `w` that holds the loans, and the files."""
    folder = tmp_path_factory.mktemp("twin")
    write(folder / "loans.csv", loans(size=200, weighted=False))
    assert ask(folder / "w", "ingest", folder / "loans.csv").status == 0
    words = ["--label", "paid", "--prediction", "decision", "--score", "score", "--name", "loans", "--task", "binary"]
    assert ask(folder / "w", "evaluate", "loans", *words).status == 0
    return folder


def stored(workspace):
    """(names of what the workspace holds, what lies in its folders)."""
    names = [
        (row["name"], row["version"])
        for what in ("datasets", "evaluations")
        for row in ask(workspace, what, "--json").json["frame"]
    ]
    files = [
        file.name for kind in ("datasets", "evaluations", "staging", "uploads") for file in (workspace / kind).iterdir()
    ]
    return sorted(names), sorted(files)


def test_a_process_answers_with_one_object_and_says_nothing_else(place):
    done = shell("--workspace", place / "w", "measure", "loans", "--metrics", "recall", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    said = json.loads(done.stdout)
    assert set(said) == {"sentence", "frame", "receipt"}
    assert [row["metric"] for row in said["frame"]] == ["recall"]
    assert set(said["frame"][0]) >= {"model", "metric", "value", "low", "high", "n", "method", "reason"}


def test_another_process_reads_the_cubes_of_this_one_and_gets_the_same(place):
    words = ["measure", "loans", "--by", "region", "--where", "amount > 20"]
    first = ask(place / "w", *words, "--json").json
    assert not first["receipt"]["cached"]
    done = shell("--workspace", place / "w", *words, "--json")
    again = json.loads(done.stdout)
    assert again["receipt"]["cached"]
    assert again["frame"] == first["frame"]
    assert again["sentence"] == first["sentence"]
    assert again["receipt"]["id"] == first["receipt"]["id"]


def test_the_workspace_may_come_from_the_environment(place):
    done = shell("evaluations", "--json", ASSAY_WORKSPACE=str(place / "w"))
    assert [row["name"] for row in json.loads(done.stdout)["frame"]] == ["loans"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["measure", "loand"], "Did you mean 'loans'"),
        (["measure", "loans", "--metrics", "recal", "--json"], "Did you mean 'recall'"),
        (["ingest", "nowhere.csv"], "no file 'nowhere.csv'"),
        (["evaluate", "loans", "--name", "x", "--label", "pade"], "Did you mean 'paid'"),
    ],
)
def test_a_process_that_is_refused_ends_with_2_and_one_sentence(place, words, said):
    assert said in complaint(shell("--workspace", place / "w", *words))


@pytest.mark.parametrize(
    "words",
    [["measure"], ["measure", "loans", "--treshold", "0.5"], ["measure", "loans", "--threshold", "half"], ["meassure"]],
)
def test_a_slip_in_the_command_itself_ends_with_2_and_without_a_traceback(place, words):
    done = shell("--workspace", place / "w", *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert "Traceback" not in done.stderr
    assert "Error" in done.stderr or "error" in done.stderr


def test_an_interrupted_command_is_no_broken_gate(place, monkeypatch):
    def interrupt(*ignored, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr("analysis.questions.measure", interrupt)
    said = ask(place / "w", "measure", "loans")
    assert (said.status, said.out) == (130, "")


def test_help_names_every_command_and_option(tmp_path):
    done = shell("--help")
    assert done.returncode == 0
    for command in ("ingest", "datasets", "evaluate", "evaluations", "measure", "thresholds", "policies"):
        assert command in done.stdout
        own = ask(tmp_path, command, "--help")
        assert own.status == 0
        assert "--json" in own.out


REFUSED = [
    ["ingest", "{}/missing.csv"],
    ["ingest", "{}/broken.csv", "--type", "score=DATE"],
    ["ingest", "{}/loans.csv", "--type", "score"],
    ["ingest", "{}/loans.csv", "--header", "perhaps"],
    ["evaluate", "lones", "--name", "x"],
    ["evaluate", "loans", "--name", "a@b", "--label", "paid", "--score", "score"],
    ["evaluate", "loans", "--name", "x", "--label", "paid", "--score", "region", "--task", "binary"],
    ["evaluate", "loans", "--name", "x", "--label", "region", "--score", "score", "--task", "binary"],
    ["evaluate", "loans", "--name", "x", "--label", "region", "--prediction", "metric", "--task", "binary"],
    ["evaluate", "loans", "--name", "x", "--label", "paid", "--score", "score", "--positive", "maybe"],
    ["evaluate", "loans", "--name", "x", "--label", "amount", "--prediction", "region", "--task", "regression"],
    ["evaluate", "loans", "--name", "x", "--label", "paid", "--score", "score", "--weight", "region"],
    ["evaluate", "loans", "--name", "x", "--label", "paid", "--score", "score", "--time", "region"],
    ["evaluate", "loans", "--name", "x", "--label", "paid", "--score", "score", "--time", "day", "--zone", "Mars/Base"],
    ["evaluate", "loans", "--name", "x", "--label", "paid", "--score", "score", "--task", "ranking"],
    ["evaluate", "loans", "--name", "x", "--label", "paid", "--model", "a:score=score", "--model", "a:score=score"],
    ["evaluate", "loans", "--name", "x", "--label", "paid", "--score", "score", "--weight", "paid"],
]


@pytest.mark.parametrize("words", REFUSED, ids=lambda words: " ".join(words)[:90])
def test_nothing_is_stored_when_a_request_is_refused(place, words):
    write(place / "broken.csv", loans(size=5))
    before = stored(place / "w")
    said = ask(place / "w", *[word.format(place) for word in words])
    assert said.refusal
    assert "damaged" not in said.refusal
    assert stored(place / "w") == before


def test_the_roles_that_were_guessed_are_in_the_answer_with_their_reasons(place):
    words = ["evaluate", "loans", "--name", "guessed", "--label", "paid", "--json"]
    said = ask(place / "w", *words).json
    (model,) = said["receipt"]["roles"]["models"]
    assert [column for _, column in model["scores"]] == ["score"]
    assert said["receipt"]["task"] == "binary"
    assert said["receipt"]["positive"] == "yes"
    reasons = {row["column"]: row["reason"] for row in said["frame"]}
    for what in ("score", "task", "positive"):
        assert said["receipt"]["reasons"][what]
    assert reasons["score"]
    again = ask(place / "w", *words).json
    assert again["receipt"]["version"] == said["receipt"]["version"] == 1
    assert "exists already" in again["sentence"]


def test_a_changed_label_is_a_new_version_and_the_old_one_still_answers(place):
    words = ["evaluate", "loans", "--name", "turned", "--label", "paid", "--prediction", "decision", "--task", "binary"]
    one = ask(place / "w", *words, "--positive", "yes", "--json").json["receipt"]
    two = ask(place / "w", *words, "--positive", "no", "--json").json["receipt"]
    assert (one["version"], two["version"]) == (1, 2)
    shares = [
        ask(place / "w", "measure", name, "--metrics", "prevalence", "--json").json["frame"][0]["value"]
        for name in ("turned@1", "turned@2", "turned")
    ]
    assert shares[0] + shares[1] == pytest.approx(1)
    assert shares[2] == shares[1]


@pytest.mark.parametrize(("rows", "task"), [(flowers, "multiclass"), (prices, "regression")])
def test_other_tasks_from_a_file_to_a_number(place, rows, task):
    write(place / f"{task}.csv", rows(size=150))
    assert ask(place / "w", "ingest", place / f"{task}.csv").status == 0
    label, prediction = ("kind", "guess") if task == "multiclass" else ("price", "forecast")
    words = ["--name", task, "--label", label, "--prediction", prediction, "--task", task]
    assert ask(place / "w", "evaluate", task, *words).status == 0
    frame = ask(place / "w", "measure", task, "--json").json["frame"]
    assert sum(row["value"] is not None for row in frame) >= 8


def test_hostile_names_from_a_file_to_a_number(place):
    rows = [
        {'la"bel': i % 2, "sc'ore": i / 50, "value": "a;b"[i % 3], "a,b": i % 4, "; DROP TABLE rows": i}
        for i in range(50)
    ]
    write(place / "odd.csv", rows)
    assert ask(place / "w", "ingest", place / "odd.csv", "--name", 'o\'dd "x"').status == 0
    words = ["--label", 'la"bel', "--score", "sc'ore", "--task", "binary", "--name", "o'dd"]
    assert ask(place / "w", "evaluate", 'o\'dd "x"', *words).status == 0
    words = [
        "--metrics",
        "recall",
        "--threshold",
        "0.5",
        "--by",
        "a,b",
        "--where",
        '"; DROP TABLE rows" < 40',
        "--json",
    ]
    said = ask(place / "w", "measure", "o'dd", *words).json
    assert sorted(row["a,b"] for row in said["frame"]) == ["0", "1", "2", "3"]
    assert sum(row["n"] for row in said["frame"]) == 20
    two = ask(place / "w", "measure", "o'dd", "--metrics", "roc_auc", "--by", "value", "--json").json
    assert {row["value_"] for row in two["frame"]} == {"a", ";", "b"}


def test_one_row_and_scores_alone(place):
    for name, rows in {
        "single": [{"y": 1, "s": 0.7}],
        "later": [{"y": None, "s": i / 9} for i in range(9)],
    }.items():
        write(place / f"{name}.csv", rows)
        assert ask(place / "w", "ingest", place / f"{name}.csv").status == 0
        words = ["--label", "y", "--score", "s", "--task", "binary", "--name", name]
        said = ask(place / "w", "evaluate", name, *words)
        assert said.status == 0, said.err
        frame = {row["metric"]: row for row in ask(place / "w", "measure", name, "--json").json["frame"]}
        assert frame["roc_auc"]["value"] is None
        assert frame["roc_auc"]["reason"]
        assert frame["prevalence"]["n"] == (name == "single")


def test_a_deleted_evaluation_takes_its_cubes_along(place):
    from analysis.store import evaluations
    from analysis.store.workspace import Workspace

    words = ["--label", "paid", "--score", "score", "--name", "brief", "--task", "binary"]
    assert ask(place / "w", "evaluate", "loans", *words).status == 0
    assert ask(place / "w", "measure", "brief").status == 0
    workspace = Workspace.open(place / "w")
    try:
        made = evaluations.find(workspace, "brief")
        others = [cube for cube in (place / "w" / "cubes").iterdir() if not cube.name.startswith(made.id)]
        assert list((place / "w" / "cubes").glob(f"{made.id}-*"))
        evaluations.delete(workspace, made)
    finally:
        workspace.close()
    assert sorted((place / "w" / "cubes").iterdir()) == sorted(others)
    assert "brief" in ask(place / "w", "measure", "brief").refusal
