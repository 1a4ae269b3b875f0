"""The child runner: walls that hold, a talk nobody can forge, and an end that comes when it is asked for."""

import json
import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from analysis.core.errors import AssayError, BadFile, BadRequest, Interrupted, LimitReached, StorageError
from analysis.store import child, datasets, walls
from analysis.store.workspace import Workspace
from tests.store import processes
from tests.store.faults import COMMAND
from tests.store.loans import loans
from tests.store.state import check


@pytest.fixture
def misbehaving(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child, "COMMAND", (*COMMAND, "child"))


def run(fault: str, mark: Path | None = None, **options: Any) -> Any:
    told = {"fault": fault} | ({"mark": str(mark)} if mark else {})
    return child.run("load", {"options": told}, **options)["made"]


class Running:
    """A child at work on a thread of its own."""

    def __init__(self, work: Callable[[child.Progress, threading.Event], Any]) -> None:
        self.cancelled, self.seen = threading.Event(), list[tuple[float, str]]()
        self.error: AssayError | None = None
        self.work = work
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self) -> None:
        try:
            self.work(lambda share, doing: self.seen.append((share, doing)), self.cancelled)
        except AssayError as error:
            self.error = error

    def cancel(self) -> float:
        """Cancel it; the seconds until it was over."""
        began = time.monotonic()
        self.cancelled.set()
        self.thread.join(10)
        assert not self.thread.is_alive()
        return time.monotonic() - began


@pytest.fixture
def sleepers(tmp_path: Path, misbehaving: None) -> Iterator[Callable[[int], Running]]:
    """Children that sleep until they are cancelled."""
    made: list[Running] = []

    def sleeper(number: int) -> Running:
        mark = tmp_path / str(number)
        made.append(Running(lambda progress, stop: run("sleep", mark, progress=progress, cancelled=stop)))
        return made[-1]

    yield sleeper
    for each in made:
        each.cancel()


def until(met: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not met():
        assert time.monotonic() < end, "it never came about"
        time.sleep(0.01)


# The talk -------------------------------------------------------------------------------------------------------


def test_what_a_task_prints_does_not_mix_with_its_answers(misbehaving: None) -> None:
    seen: list[tuple[float, str]] = []
    assert run("talk", progress=lambda share, doing: seen.append((share, doing))) == "the truth"
    assert seen == [(0.5, "two\nlines")]


def test_errors_for_the_analyst_arrive_as_they_were(misbehaving: None) -> None:
    with pytest.raises(BadFile, match="line 3 has too many columns"):
        run("refuse")


def test_a_full_disk_is_said(misbehaving: None) -> None:
    with pytest.raises(StorageError, match="The disk of the workspace is full"):
        run("fill")


def test_a_bug_in_a_task_is_in_the_log(misbehaving: None, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR), pytest.raises(BadFile, match="died on this file"):
        run("stumble")
    assert "KeyError: 'a bug'" in caplog.text


def test_a_task_that_crashes_gives_a_clear_error(misbehaving: None) -> None:
    with pytest.raises(
        BadFile, match=r"died on this file \(signal SIGSEGV\); it is probably damaged. Nothing was kept"
    ):
        run("crash")
    assert run("stop_at_once") == 1


def test_a_child_that_cannot_start_gives_a_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child, "COMMAND", (sys.executable, "-c", "import sys; sys.exit(3)"))
    with pytest.raises(BadFile, match=r"status 3"):
        child.run("load", {"padding": "x" * (1 << 20)})


def test_only_named_tasks_run() -> None:
    with pytest.raises(ValueError, match="no such task: system"):
        child.run("system", {})


# The walls ------------------------------------------------------------------------------------------------------


def test_a_child_starts_with_an_empty_environment(misbehaving: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASSAY_TEST_TOKEN", "hidden")
    monkeypatch.setenv("ASSAY_CATALOG", "postgresql://someone:hidden@host/catalog")
    monkeypatch.setenv("ASSAY_COLUMNS", "77")
    made = run("surroundings")
    given = dict(each.split("=", 1) for each in made["given"].split("\0") if each)
    assert set(given) == {"PATH", "LC_ALL"}
    assert "hidden" not in json.dumps(made)
    assert made["seen"]["ASSAY_COLUMNS"] == "77"
    assert made["session"]
    assert made["priority"] == min(19, os.getpriority(os.PRIO_PROCESS, 0) + walls.PRIORITY)
    assert made["core"] == 0
    assert len(made["descriptors"]) <= 6


def test_an_operators_limit_holds_in_the_child(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "loans.csv"
    source.write_text(loans(5))
    monkeypatch.setenv("ASSAY_COLUMNS", "3")
    with pytest.raises((BadFile, LimitReached), match=r"5 columns.*3"):
        datasets.ingest(workspace, source, name="loans")


@pytest.mark.parametrize("fault", ["eat", "bomb"])
def test_more_memory_than_allowed_is_a_limit_and_no_crash(
    misbehaving: None, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    monkeypatch.setenv("ASSAY_CHILD_ADDRESS_MB", "2048")
    with pytest.raises(LimitReached, match="needed more memory than a child may have"):
        run(fault)


@pytest.mark.parametrize("fault", ["sleep", "spin"])
def test_a_deadline_is_kept(misbehaving: None, monkeypatch: pytest.MonkeyPatch, fault: str) -> None:
    monkeypatch.setenv("ASSAY_CHILD_SECONDS", "1")
    monkeypatch.setenv("ASSAY_THREADS", "4")  # the wall of computing time is four seconds: the deadline comes first
    before = processes.children(os.getpid())
    began = time.monotonic()
    with pytest.raises(LimitReached, match=r"Stopped after 1 s \(setting child_seconds\)"):
        run(fault)
    assert time.monotonic() - began < 2.5
    assert processes.children(os.getpid()) <= before


def test_an_answer_too_large_is_a_limit(misbehaving: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child, "ANSWER_LIMIT", 1 << 20)
    with pytest.raises(LimitReached, match="grew beyond 64 MB"):
        run("flood")


# Cancelling and waiting -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", ["sleep", "spin", "burn"])
def test_a_cancelled_child_is_dead_within_a_second_and_nothing_is_kept(
    misbehaving: None, workspace: Workspace, tmp_path: Path, fault: str
) -> None:
    source, mark = tmp_path / "loans.csv", tmp_path / "mark"
    source.write_text(loans(5))
    options = {"fault": fault, "mark": str(mark)}
    running = Running(
        lambda progress, stop: datasets.ingest(
            workspace, source, name="loans", options=options, progress=progress, cancelled=stop
        )
    )
    worker = int(processes.appears(mark))
    until(lambda: any((workspace.root / "staging").glob("*/data.duckdb")))
    assert running.cancel() < 1
    assert isinstance(running.error, Interrupted)
    assert str(running.error) == "Cancelled. Nothing was kept."
    assert processes.gone_within({worker}, 0.2)
    check(workspace, {})
    assert datasets.listed(workspace) == []


def test_work_cancelled_at_any_moment_leaves_nothing(workspace: Workspace, tmp_path: Path) -> None:
    source = tmp_path / "loans.csv"
    source.write_text(loans(20_000))
    interrupted = 0
    for turn in range(6):
        running = Running(
            lambda progress, stop: datasets.ingest(workspace, source, name="loans", progress=progress, cancelled=stop)
        )
        time.sleep(0.08 * turn)
        assert running.cancel() < 1
        check(workspace, {})
        found = datasets.listed(workspace)
        assert (running.error is None) == (len(found) == 1), "it is there if and only if it was not cancelled"
        if found:  # it was taken in faster than this test cancels
            datasets.delete(workspace, found[0])
        else:
            assert str(running.error) == "Cancelled. Nothing was kept."
            interrupted += 1
    assert interrupted >= 2


def test_two_work_and_a_third_waits_where_it_can_be_seen(sleepers: Callable[[int], Running], tmp_path: Path) -> None:
    first, _ = sleepers(1), sleepers(2)
    for number in (1, 2):
        processes.appears(tmp_path / str(number))
    third = sleepers(3)
    until(lambda: bool(third.seen))
    fourth = sleepers(4)
    until(lambda: bool(fourth.seen))
    assert child.queue_length() == 2
    assert third.seen[-1] == (0.0, "Waiting for a free place (1 in the queue)")
    assert fourth.seen[-1] == (0.0, "Waiting for a free place (2 in the queue)")
    assert not (tmp_path / "3").exists()
    first.cancel()
    processes.appears(tmp_path / "3")
    until(lambda: fourth.seen[-1][1] == "Waiting for a free place (1 in the queue)")
    fourth.cancel()
    assert str(fourth.error) == "Cancelled while waiting. Nothing was kept."
    assert not (tmp_path / "4").exists()
    assert child.queue_length() == 0


def test_a_short_look_does_not_wait(sleepers: Callable[[int], Running], tmp_path: Path) -> None:
    for number in (1, 2):
        sleepers(number)
    for number in (1, 2):
        processes.appears(tmp_path / str(number))
    assert run("stop_at_once", queued=False) == 1


def test_an_unknown_error_class_is_a_bug_and_unknown_names_stay_requests() -> None:
    assert isinstance(child._error({"kind": "UnknownName", "message": "m"}), BadRequest)
    assert isinstance(child._error({"kind": "SystemExit", "message": "m"}), RuntimeError)
