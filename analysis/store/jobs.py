"""Jobs: long pieces of work with progress, an owner, a way to cancel, and an outcome the catalog keeps."""

import fcntl
import logging
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from analysis.core.errors import AssayError, Interrupted
from analysis.store import staging
from analysis.store.catalog import now
from analysis.store.child import Progress
from analysis.store.tables import job as table
from analysis.store.workspace import Workspace

log = logging.getLogger("assay.jobs")
Work = Callable[[Progress, threading.Event], dict[str, Any]]


@dataclass
class Job:
    """A running or ended job of this process. share: 0 to 1. outcome: what the work returned, JSON-able. about: what it
    is for, so that whoever wants the same finds it; "" where nobody else would."""

    id: str
    kind: str
    title: str
    actor: str
    state: str = "running"
    share: float = 0.0
    doing: str = "Starting"
    outcome: dict[str, Any] = field(default_factory=dict)
    error: str = ""
    about: str = ""
    began: float = field(default_factory=time.monotonic)
    ended: float | None = None
    cancelled: threading.Event = field(default_factory=threading.Event)

    @property
    def running(self) -> bool:
        return self.state == "running"

    @property
    def seconds(self) -> float:
        return (self.ended or time.monotonic()) - self.began

    @property
    def seconds_left(self) -> float | None:
        """An estimate from the share done, None while there is too little to go by."""
        if not self.running or self.share < 0.05:
            return None
        return self.seconds * (1 - self.share) / self.share

    def cancel(self) -> None:
        self.cancelled.set()


_jobs: dict[str, Job] = {}
_held: dict[Path, tuple[str, int]] = {}
_lock = threading.Lock()
KEPT = 200


def start(workspace: Workspace, *, kind: str, title: str, work: Work, about: str = "") -> Job:
    """Run work(progress, cancelled) on a thread of its own; its child process does the heavy lifting."""
    job = Job(staging.new_id(), kind, title, workspace.actor, about=about)
    process = _this_process(workspace.root)
    with workspace.catalog.write() as connection:
        connection.execute(
            table.insert().values(
                id=job.id,
                kind=kind,
                title=title,
                state="running",
                outcome={},
                started=now(),
                process=process,
                actor=workspace.actor,
            )
        )
    with _lock:
        _jobs[job.id] = job
        for old in [each for each in _jobs.values() if not each.running][:-KEPT]:
            del _jobs[old.id]
    threading.Thread(target=_work, args=(workspace, job, work), name=f"job {kind}", daemon=True).start()
    return job


def get(id: str) -> Job | None:
    """A job of this process by its id, None when it is not known here."""
    with _lock:
        return _jobs.get(id)


def underway(kind: str, about: str) -> Job | None:
    """The running job of this process for what is wanted, whoever started it."""
    with _lock:
        return next(
            (each for each in _jobs.values() if each.running and (each.kind, each.about) == (kind, about)), None
        )


def _work(workspace: Workspace, job: Job, work: Work) -> None:
    def progress(share: float, doing: str) -> None:
        job.share, job.doing = max(job.share, min(share, 1.0)), doing

    try:
        job.outcome = work(progress, job.cancelled)
        state = "done"
    except Interrupted as error:
        job.error, state = str(error), "cancelled"
    except AssayError as error:
        job.error, state = str(error), "failed"
    except Exception:
        log.exception("the job %s (%s) met a bug", job.kind, job.title)
        job.error = "Something went wrong inside Assay; the log says what. Nothing was kept."
        state = "failed"
    outcome = job.outcome or {"error": job.error}
    ended = table.update().where(table.c.id == job.id).values(state=state, outcome=outcome, ended=now())
    try:
        with workspace.catalog.write() as connection:
            connection.execute(ended)
    except AssayError:
        log.exception("the end of the job %s (%s) could not be recorded", job.kind, job.title)
    finally:
        job.ended = time.monotonic()
        job.state = state


def sweep(workspace: Workspace) -> None:
    """Mark jobs whose process is gone as lost."""
    running = sa.select(table.c.id, table.c.process).where(table.c.state == "running")
    with workspace.catalog.read() as connection:
        rows = connection.execute(running).all()
    gone = [row.id for row in rows if _is_free(workspace.root / "jobs" / row.process)]
    if gone:
        lost = {"error": "The process that did this work ended before it was done."}
        with workspace.catalog.write() as connection:
            # It may have ended its job, and then itself, since the look above.
            still = table.c.id.in_(gone) & (table.c.state == "running")
            connection.execute(table.update().where(still).values(state="lost", outcome=lost, ended=now()))
    for file in (workspace.root / "jobs").glob("*"):
        if staging.age(file) > 60 and _is_free(file):
            file.unlink(missing_ok=True)


def _this_process(root: Path) -> str:
    """A name for this process in a workspace, held by a locked file: process numbers are used again."""
    with _lock:
        if root not in _held:
            name = staging.new_id()
            with staging.disk_errors():
                _held[root] = (name, os.open(root / "jobs" / name, os.O_RDWR | os.O_CREAT, 0o600))
            fcntl.flock(_held[root][1], fcntl.LOCK_EX)
        return _held[root][0]


def _is_free(file: Path) -> bool:
    try:
        lock = os.open(file, os.O_RDWR)
    except FileNotFoundError:
        return True
    with os.fdopen(lock):
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True
