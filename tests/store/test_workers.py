"""Warm workers: what a model does costs its own process, one sentence, and nothing of the next question."""

import os
import signal
import subprocess
import sys
import threading
import time

import polars as pl
import pytest

from analysis.core.background import CATEGORY, Background, Feature
from analysis.core.errors import AssayError, Interrupted, LimitReached, ModelFailed
from analysis.core.model import Asking
from analysis.store import models, workers
from analysis.store.workspace import Workspace
from tests.store import modelfaults, processes


@pytest.fixture
def faulty(workspace, tmp_path, monkeypatch):
    """(a model that does what it is told, asked as in `ask`); every worker is gone afterwards."""
    monkeypatch.setattr(workers, "COMMAND", modelfaults.COMMAND)
    file = tmp_path / "faulty.onnx"
    file.write_bytes(b"\x08faulty")
    model, _ = models.add(workspace, file, name="faulty")
    yield models.scorer(workspace, model)
    workers._end_all()


def ask(scorer, fault, rows=3, **options):
    return scorer.predict(pl.DataFrame({"v0": [fault] * rows}), **options)


def pids():
    return {each.process.pid for each in workers._workers}


def test_a_warm_worker_is_asked_again_and_again(faulty):
    first = pids()
    assert len(first) == 1
    for rows in (1, 2, 50_000):
        answers = ask(faulty, "fine", rows)
        assert answers.scores.shape == (rows, 2)
        assert answers.classes == ("no", "yes")
        assert answers.labels.to_list() == ["yes"] * rows
    assert pids() == first


@pytest.mark.parametrize(
    ("fault", "kind", "said"),
    [
        ("leave", ModelFailed, r"The model's process ended while it worked \(status 3\); ask again, or replace"),
        ("crash", ModelFailed, r"ended while it worked \(signal SIGSEGV\)"),
        ("abort", LimitReached, r"more memory than its process may have \(setting model_address_mb\)"),
        ("allocate", LimitReached, r"more memory than its process may have \(setting model_address_mb\)"),
        ("flood", ModelFailed, r"The model answered 9,437,184 x 1 when asked about 3 rows\."),
        ("fail", ModelFailed, r"it did not like them\."),
        ("short", ModelFailed, r"The model answered 2 x 2 when asked about 3 rows\."),
        ("cube", ModelFailed, r"The model answered 3 x 2 x 2 when asked about 3 rows\."),
        ("many", ModelFailed, r"The model names 2 classes and gives 3 scores a row\."),
        ("unlabelled", ModelFailed, r"The model gave 1 labels for 3 rows\."),
    ],
)
def test_a_fault_is_one_sentence_and_the_next_question_is_answered(faulty, fault, kind, said):
    with pytest.raises(kind, match=said):
        ask(faulty, fault)
    assert ask(faulty, "fine").scores[0, 1] == 0.75


@pytest.mark.parametrize("fault", ["sleep", "spin"])
def test_a_model_that_hangs_is_stopped(faulty, monkeypatch, fault):
    monkeypatch.setenv("ASSAY_MODEL_SECONDS", "1")
    hanging = pids()
    with pytest.raises(LimitReached, match=r"did not answer within 1 s \(setting model_seconds\) and was stopped"):
        ask(faulty, fault)
    assert processes.gone_within(hanging, 5)
    monkeypatch.delenv("ASSAY_MODEL_SECONDS")
    assert ask(faulty, "fine").scores[0, 1] == 0.75


def explained(scorer, fault):
    """Explanations of a row that holds the fault, among rows of which half are fine."""
    lies = Background((Feature("v0", CATEGORY, 10, 0.0, values=(("fine", 5), (fault + " ", 5))),), 10, 10, {})
    return scorer.explain(Asking(pl.DataFrame({"v0": [fault]}), lies, (0,), score=1, samples=100, occlude=True))


def test_explanations_are_made_beside_the_model_and_fail_as_it_does(faulty, monkeypatch):
    first = pids()
    for fault, kind, said in (
        ("fail", ModelFailed, "it did not like them"),
        ("short", ModelFailed, "The model answered 99 x 2 when asked about 100 rows"),
        ("leave", ModelFailed, "process ended while it worked"),
    ):
        with pytest.raises(kind, match=said):
            explained(faulty, fault)
    made = explained(faulty, "fine")
    assert made.frame["prediction"].to_list() == [0.75]
    assert made.frame["weight"].to_list() == pytest.approx([0.0], abs=1e-12)
    assert made.further["occlusion"]["occlusion"].to_list() == [0.0]
    assert pids() != first
    monkeypatch.setenv("ASSAY_MODEL_SECONDS", "1")
    with pytest.raises(LimitReached, match="did not answer within 1 s"):
        explained(faulty, "sleep")


def test_what_a_model_prints_is_no_answer(faulty):
    assert ask(faulty, "talk").scores.shape == (3, 2)
    assert ask(faulty, "fine").scores.shape == (3, 2)


def test_a_model_cannot_write_a_file(faulty):
    with pytest.raises(AssayError):
        ask(faulty, "write")
    left = processes.ROOT / "written-by-a-model"
    size = left.stat().st_size if left.exists() else 0
    left.unlink(missing_ok=True)
    assert size == 0


def during(scorer, fault, deed):
    """Ask on another thread, do the deed while the answer is awaited, and give back what was raised."""
    raised = []

    def work():
        try:
            ask(scorer, fault, cancelled=stop)
        except AssayError as error:
            raised.append(error)

    stop = threading.Event()
    thread = threading.Thread(target=work)
    thread.start()
    time.sleep(0.5)
    deed(stop)
    thread.join(20)
    assert not thread.is_alive()
    return raised[0]


def test_a_worker_killed_in_the_middle_of_a_call(faulty):
    error = during(faulty, "sleep", lambda stop: os.kill(next(iter(pids())), signal.SIGKILL))
    assert isinstance(error, ModelFailed)
    assert "signal SIGKILL" in str(error)
    assert ask(faulty, "fine").scores.shape == (3, 2)


def test_a_call_can_be_cancelled(faulty):
    working = pids()
    error = during(faulty, "sleep", lambda stop: stop.set())
    assert isinstance(error, Interrupted)
    assert processes.gone_within(working, 5)


def test_a_worker_killed_between_two_calls_is_replaced_unseen(faulty):
    dead = pids()
    for pid in dead:
        os.kill(pid, signal.SIGKILL)
    assert processes.gone_within(dead, 5)
    assert ask(faulty, "fine").scores.shape == (3, 2)
    assert not pids() & dead


def test_it_outlives_the_thread_that_first_asked(faulty):
    workers._end_all()
    thread = threading.Thread(target=ask, args=(faulty, "fine"))
    thread.start()
    thread.join()
    started = pids()
    time.sleep(0.5)
    assert len(started) == 1
    assert all(processes.alive(pid) for pid in started)
    ask(faulty, "fine")
    assert pids() == started


def test_many_may_ask_at_once_and_one_waits_for_the_other(faulty):
    found = []
    threads = [threading.Thread(target=lambda: found.append(ask(faulty, "fine", 20))) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert [each.scores.shape for each in found] == [(20, 2)] * 6
    assert len(pids()) == 1


def test_two_models_are_warm_and_a_third_takes_the_place_of_the_oldest(workspace, tmp_path, monkeypatch):
    monkeypatch.setattr(workers, "COMMAND", modelfaults.COMMAND)
    scorers = []
    for name in "abc":
        file = tmp_path / f"{name}.onnx"
        file.write_bytes(b"\x08" + name.encode())
        scorers.append(models.scorer(workspace, models.add(workspace, file, name=name)[0]))
    try:
        assert [each.key for each in workers._workers] == [scorers[1].model.id, scorers[2].model.id]
        ask(scorers[1], "fine")
        ask(scorers[0], "fine")
        assert [each.key for each in workers._workers] == [scorers[1].model.id, scorers[0].model.id]
    finally:
        workers._end_all()


def test_idle_workers_go(faulty, monkeypatch):
    monkeypatch.setenv("ASSAY_MODEL_IDLE_SECONDS", "1")
    ask(faulty, "fine")
    idle = pids()
    assert processes.gone_within(idle, 10)
    monkeypatch.delenv("ASSAY_MODEL_IDLE_SECONDS")
    assert ask(faulty, "fine").scores.shape == (3, 2)


def test_a_deleted_model_loses_its_worker(workspace, faulty):
    running = pids()
    models.delete(workspace, faulty.model)
    assert processes.gone_within(running, 5)
    with pytest.raises(AssayError, match="The file of the model 'faulty@1' was deleted"):
        ask(faulty, "fine")


ASKING = """
import sys, time, polars as pl
from analysis.store import models, workers
from analysis.store.workspace import Workspace
from tests.store import modelfaults
workers.COMMAND = modelfaults.COMMAND
space = Workspace.open(sys.argv[1])
scorer = models.scorer(space, models.find(space, "faulty"))
scorer.predict(pl.DataFrame({"v0": ["fine"]}))
print(workers._workers[0].process.pid, flush=True)
scorer.predict(pl.DataFrame({"v0": [sys.argv[2]]}))
time.sleep(60)
"""


@pytest.mark.parametrize("doing", ["fine", "spin"])
def test_a_worker_ends_with_its_app_and_another_app_goes_on(workspace: Workspace, faulty, doing):
    other = subprocess.Popen(
        [sys.executable, "-c", ASKING, str(workspace.root), doing],
        cwd=processes.ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    with other:
        pid = int(other.stdout.readline())
        assert ask(faulty, "fine").scores.shape == (3, 2)
        assert processes.alive(pid)
        other.kill()
    assert processes.gone_within({pid}, 5)
    assert ask(faulty, "fine").scores.shape == (3, 2)
