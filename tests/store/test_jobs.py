"""Jobs: every end is told and kept, and a process that vanished loses its jobs but no other's."""

import logging
import threading
import time
from typing import Any

import pytest
import sqlalchemy as sa

from analysis.core.errors import BadFile, Interrupted, StorageError
from analysis.store import jobs, staging, tables
from analysis.store.child import Progress
from analysis.store.workspace import Workspace
from tests.store import processes


def row(workspace: Workspace, job: str) -> Any:
    with workspace.catalog.read() as connection:
        return connection.execute(sa.select(tables.job).where(tables.job.c.id == job)).one()


def ended(job: jobs.Job) -> jobs.Job:
    end = time.monotonic() + 20
    while job.running:
        assert time.monotonic() < end
        time.sleep(0.005)
    return job


def start(workspace: Workspace, work: jobs.Work) -> jobs.Job:
    return jobs.start(workspace, kind="test", title="A test", work=work)


def test_work_that_is_done_leaves_its_outcome(workspace: Workspace) -> None:
    def work(progress: Progress, cancelled: threading.Event) -> dict[str, Any]:
        progress(0.5, "Half")
        progress(0.2, "Still half")
        progress(7, "Over")
        return {"rows": 3}

    job = ended(start(workspace, work))
    assert (job.state, job.outcome, job.error, job.share, job.doing) == ("done", {"rows": 3}, "", 1.0, "Over")
    kept = row(workspace, job.id)
    assert (kept.state, kept.outcome, kept.kind, kept.title, kept.actor) == (
        "done",
        {"rows": 3},
        "test",
        "A test",
        "tester",
    )
    assert kept.started <= kept.ended
    assert jobs.get(job.id) is job
    assert jobs.get("nobody") is None


@pytest.mark.parametrize(
    ("error", "state", "said"),
    [
        (BadFile("line 3 is broken"), "failed", "line 3 is broken"),
        (Interrupted("Cancelled. Nothing was kept."), "cancelled", "Cancelled. Nothing was kept."),
        (KeyError("a bug"), "failed", "Something went wrong inside Assay; the log says what. Nothing was kept."),
    ],
)
def test_work_that_fails_says_why(
    workspace: Workspace, caplog: pytest.LogCaptureFixture, error: Exception, state: str, said: str
) -> None:
    def work(progress: Progress, cancelled: threading.Event) -> dict[str, Any]:
        raise error

    with caplog.at_level(logging.ERROR):
        job = ended(start(workspace, work))
    assert (job.state, job.error) == (state, said)
    assert (row(workspace, job.id).state, row(workspace, job.id).outcome) == (state, {"error": said})
    assert ("a bug" in caplog.text) == isinstance(error, KeyError)


def test_cancelling_reaches_the_work(workspace: Workspace) -> None:
    def work(progress: Progress, cancelled: threading.Event) -> dict[str, Any]:
        assert cancelled.wait(20)
        raise Interrupted("Cancelled.")

    job = start(workspace, work)
    assert job.running
    job.cancel()
    assert ended(job).state == "cancelled"


def test_the_time_left_is_told_when_there_is_enough_to_go_by() -> None:
    job = jobs.Job("id", "test", "A test", "tester", began=time.monotonic() - 10)
    for share, low, high in ((0.5, 10, 10.5), (0.25, 30, 31), (1.0, 0, 0)):
        job.share = share
        left = job.seconds_left
        assert left is not None
        assert low <= left <= high
    job.share = 0.01
    assert job.seconds_left is None
    job.share, job.state, job.ended = 1.0, "done", job.began + 10
    assert job.seconds_left is None
    assert job.seconds == 10


def test_a_job_ends_although_the_catalog_cannot_be_written(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    go = threading.Event()

    def work(progress: Progress, cancelled: threading.Event) -> dict[str, Any]:
        assert go.wait(20)
        return {"rows": 3}

    def full() -> None:
        raise StorageError("The disk of the workspace is full.")

    job = start(workspace, work)
    monkeypatch.setattr(workspace.catalog, "write", full)
    go.set()
    assert (ended(job).state, job.outcome) == ("done", {"rows": 3})
    assert "could not be recorded" in caplog.text


def test_only_the_newest_ended_jobs_stay_in_memory(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "KEPT", 3)
    made = [ended(start(workspace, lambda progress, stop: {})) for _ in range(6)]
    assert [jobs.get(job.id) is job for job in made][-3:] == [True] * 3
    assert jobs.get(made[0].id) is None


def test_the_jobs_of_a_process_that_vanished_are_lost_and_others_are_not(workspace: Workspace) -> None:
    go = threading.Event()

    def work(progress: Progress, cancelled: threading.Event) -> dict[str, Any]:
        assert go.wait(20)
        return {"rows": 3}

    other = processes.start("work", workspace.root)
    theirs = processes.heard(other)["job"]
    ours = start(workspace, work)
    jobs.sweep(workspace)
    assert [row(workspace, each).state for each in (theirs, ours.id)] == ["running", "running"]
    other.kill()
    processes.finish(other)
    jobs.sweep(workspace)
    lost = row(workspace, theirs)
    assert (lost.state, lost.ended is not None) == ("lost", True)
    assert lost.outcome == {"error": "The process that did this work ended before it was done."}
    go.set()
    assert ended(ours).state == row(workspace, ours.id).state == "done"


def test_the_mark_of_a_process_that_vanished_is_swept(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    ended(start(workspace, lambda progress, stop: {}))
    (workspace.root / "jobs" / "somebody").touch()
    monkeypatch.setattr(staging, "age", lambda file: 61.0)
    jobs.sweep(workspace)
    assert len(list((workspace.root / "jobs").iterdir())) == 1
    assert not (workspace.root / "jobs" / "somebody").exists()


def test_a_job_for_what_is_wanted_is_found_while_it_runs(workspace: Workspace) -> None:
    gate = threading.Event()

    def work(progress: Progress, cancelled: threading.Event) -> dict[str, Any]:
        gate.wait(20)
        return {}

    job = jobs.start(workspace, kind="test", title="A test", work=work, about="these rows")
    assert jobs.underway("test", "these rows") is job
    assert jobs.underway("test", "others") is None
    assert jobs.underway("other", "these rows") is None
    gate.set()
    ended(job)
    assert jobs.underway("test", "these rows") is None
