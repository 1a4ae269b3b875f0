"""Warm workers: a process a model, loaded once, asked many times, gone when idle or when it runs into a wall.

The parent's side; store/modelworker.py is the worker's. What a model does costs its worker, never the app.
"""

import atexit
import contextlib
import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from analysis.core import errors
from analysis.core.settings import whole
from analysis.store import modelfile, walls, workertalk
from analysis.store.child import ROOT
from analysis.store.workertalk import Talk

COMMAND = (sys.executable, "-m", "analysis.store.modelworker")
ONE_THREAD = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL")} | {"POLARS_MAX_THREADS": "1"}

# The kernel ends a worker with the thread that started it, so one thread that lives as long as the app starts them all.
_starter = ThreadPoolExecutor(1, thread_name_prefix="starts model workers")
_workers: list["Worker"] = []
_free = threading.Condition()
_watched = False


@dataclass
class Worker:
    """A process with a model in it. key: which. busy: somebody asks it. said: what loading told. calls: how many calls
    to others its last answer took, None while none was given.
    """

    key: str
    process: subprocess.Popen[bytes]
    busy: bool = True
    used: float = field(default_factory=time.monotonic)
    said: dict[str, Any] = field(default_factory=dict)
    calls: int | None = None

    def ask(
        self,
        message: dict[str, Any],
        content: bytes = b"",
        cancelled: threading.Event | None = None,
        limit: str = "model_seconds",
    ) -> tuple[dict[str, Any], bytes]:
        """One question, one answer: (what it said, the bytes after it). Errors as those of `loaded`."""
        line = json.dumps({**message, "bytes": len(content)}).encode() + b"\n"
        talk = Talk(self.process, line + content, limit, cancelled)
        self.calls = None
        said, packed = talk.answer()
        self.calls = said["calls"]
        if "error" in said:
            raise workertalk.error(said["error"])
        return dict(said["result"]), packed


@contextlib.contextmanager
def loaded(key: str, path: Path, kind: str, cancelled: threading.Event | None = None) -> Iterator[Worker]:
    """A worker that holds the model of this file, for the length of the block; it stays warm afterwards.

    key: what the model is called among the warm ones. BadFile where it cannot be loaded; LimitReached when it ran into
    a wall, or no place came free in time; ModelFailed when its process died. Whatever is raised ends the worker, but
    for what the model itself said (ModelFailed by name).
    """
    worker = _taken(key, path, kind, cancelled)
    healthy = False
    try:
        yield worker
        healthy = True
    except errors.ModelFailed:
        healthy = worker.process.poll() is None
        raise
    finally:
        _given_back(worker, healthy)


def forget(key: str) -> None:
    """End the worker of a model that is gone; one that is being asked ends with the answer."""
    with _free:
        for worker in [each for each in _workers if each.key == key]:
            _workers.remove(worker)
            if not worker.busy:
                walls.kill(worker.process)
        _free.notify_all()


def _taken(key: str, path: Path, kind: str, cancelled: threading.Event | None) -> Worker:
    deadline = time.monotonic() + whole("model_load_seconds")
    while True:
        with _free:
            worker = _idle(key)
            if worker is not None:
                return worker
            room = len(_workers) < whole("model_workers") and all(each.key != key for each in _workers)
            if room:
                worker = _start(key)
                _workers.append(worker)
                break
            if not _evicted(key):
                _free.wait(timeout=0.2)
        if cancelled is not None and cancelled.is_set():
            raise errors.Interrupted("Cancelled while waiting for the model.")
        if time.monotonic() > deadline:
            raise errors.LimitReached("All places for models are taken (setting model_workers); try again shortly.")
    ok = False
    try:
        told = {"settings": walls.told(), "secrets": modelfile.secrets(kind, path)}
        request = {"path": str(path), "kind": kind, "limits": _limits(), **told}
        worker.said, _ = worker.ask(request, cancelled=cancelled, limit="model_load_seconds")
        ok = True
    finally:
        if not ok:
            _given_back(worker, healthy=False)
    return worker


def _limits() -> dict[str, int]:
    return {
        "address_mb": whole("model_address_mb"),
        "seconds": whole("model_load_seconds"),
        "threads": 2,
        "file_bytes": 0,
    }


def _idle(key: str) -> Worker | None:
    """The warm worker of this model, if it is alive and nobody asks it; what died meanwhile is buried."""
    for worker in [each for each in _workers if not each.busy and _gone(each.process)]:
        _workers.remove(worker)
        walls.kill(worker.process)
    for worker in _workers:
        if worker.key == key and not worker.busy:
            worker.busy = True
            return worker
    return None


def _gone(process: subprocess.Popen[bytes]) -> bool:
    """Whether a worker has ended, or has been killed and some of its threads have not noticed yet."""
    stat = Path(f"/proc/{process.pid}/stat")
    with contextlib.suppress(OSError):
        return process.poll() is not None or stat.read_text(encoding="utf-8").rpartition(")")[2].split()[0] in "ZX"
    return False


def _evicted(key: str) -> bool:
    """Make room by ending the idle worker that was used longest ago; False where there is none or no need."""
    idle = [each for each in _workers if not each.busy]
    if not idle or any(each.key == key for each in _workers):
        return False
    oldest = min(idle, key=lambda each: each.used)
    _workers.remove(oldest)
    walls.kill(oldest.process)
    return True


def _start(key: str) -> Worker:
    global _watched
    if not _watched:
        _watched = True
        threading.Thread(target=_let_go, name="ends idle model workers", daemon=True).start()
    process = _starter.submit(
        subprocess.Popen,
        COMMAND,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=ROOT,
        env=walls.ENVIRONMENT | ONE_THREAD,
        start_new_session=True,
    ).result()
    return Worker(key, process)


def _given_back(worker: Worker, healthy: bool) -> None:
    with _free:
        worker.busy, worker.used = False, time.monotonic()
        if not healthy or worker not in _workers:
            if worker in _workers:
                _workers.remove(worker)
            walls.kill(worker.process)
        _free.notify_all()


def _let_go() -> None:
    """For a thread, as long as there are workers: end those nobody asked for a while."""
    global _watched
    while True:
        time.sleep(min(1.0, whole("model_idle_seconds") / 4))
        with _free:
            since = time.monotonic() - whole("model_idle_seconds")
            for worker in [each for each in _workers if not each.busy and each.used < since]:
                _workers.remove(worker)
                walls.kill(worker.process)
            if not _workers:
                _watched = False
                return


@atexit.register
def _end_all() -> None:
    with _free:
        while _workers:
            walls.kill(_workers.pop().process)
