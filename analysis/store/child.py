"""The child runner: what a user's file feeds runs in a process of its own, with walls, and can be killed.

The parent side is `run`; `python -m analysis.store.child` is the child's. They speak JSON lines: the request on
standard input (whose end tells the child that its parent is gone), progress, result or error on standard output.
"""

import contextlib
import errno
import importlib
import json
import logging
import os
import selectors
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from analysis.core import errors
from analysis.core.settings import number, whole
from analysis.store import walls

log = logging.getLogger("assay.child")
Progress = Callable[[float, str], None]
ROOT = Path(__file__).resolve().parents[2]
TASKS = ("preview", "load", "build", "surrogate")
COMMAND = (sys.executable, "-m", "analysis.store.child")
ANSWER_LIMIT = 64 << 20
COMPLAINT_KEPT = 1 << 16

_waiting: list[object] = []
_slots = threading.Condition()
_running = 0


def no_progress(share: float, doing: str) -> None:
    """Progress nobody listens to."""


def queue_length() -> int:
    """How many pieces of work wait for a free place."""
    with _slots:
        return len(_waiting)


@contextlib.contextmanager
def _slot(progress: Progress, cancelled: threading.Event | None) -> Iterator[None]:
    global _running
    ticket = object()
    with _slots:
        _waiting.append(ticket)
        try:
            while _running >= whole("children") or _waiting[0] is not ticket:
                progress(0.0, f"Waiting for a free place ({_waiting.index(ticket) + 1} in the queue)")
                if cancelled is not None and cancelled.is_set():
                    raise errors.Interrupted("Cancelled while waiting. Nothing was kept.")
                _slots.wait(timeout=0.2)
            _running += 1
        finally:
            _waiting.remove(ticket)
            _slots.notify_all()
    try:
        yield
    finally:
        with _slots:
            _running -= 1
            _slots.notify_all()


def limits() -> dict[str, int]:
    """The walls a child works between, from the settings table."""
    threads = whole("threads") or (os.cpu_count() or 1)
    return {
        "memory_mb": whole("child_memory_mb"),
        "address_mb": whole("child_address_mb"),
        "seconds": whole("child_seconds"),
        "spill_gb": whole("spill_gb"),
        "file_bytes": int(number("file_gb") * (1 << 30)),
        "threads": threads,
    }


def run(
    task: str,
    request: dict[str, Any],
    *,
    progress: Progress = no_progress,
    cancelled: threading.Event | None = None,
    queued: bool = True,
) -> dict[str, Any]:
    """Run one of TASKS in a fresh child and return its answer.

    Raises the child's own AssayError; Interrupted when `cancelled` is set (the child is dead by then); LimitReached
    when it ran into a wall. `queued=False` is for short looks that must not wait behind long work.
    """
    with _slot(progress, cancelled) if queued else contextlib.nullcontext():
        return _run(task, request, progress, cancelled)


def _run(task: str, request: dict[str, Any], progress: Progress, cancelled: threading.Event | None) -> dict[str, Any]:
    if task not in TASKS:
        raise ValueError(f"no such task: {task}")
    between = limits()
    message = json.dumps({"task": task, "request": request, "limits": between, "settings": walls.told()})
    process = subprocess.Popen(
        COMMAND,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=ROOT,
        env=walls.ENVIRONMENT,
        start_new_session=True,
    )
    try:
        return _converse(process, message, between["seconds"], progress, cancelled)
    finally:
        walls.kill(process)


def _converse(
    process: subprocess.Popen[bytes], message: str, seconds: int, progress: Progress, cancelled: threading.Event | None
) -> dict[str, Any]:
    assert process.stdin  # noqa: S101 - these three are told to the type checker
    assert process.stdout  # noqa: S101
    assert process.stderr  # noqa: S101
    with contextlib.suppress(BrokenPipeError):  # it died at once; what it said and its status tell why
        process.stdin.write(message.encode() + b"\n")
        process.stdin.flush()
    deadline = time.monotonic() + seconds
    said, complaint = bytearray(), bytearray()
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ, said)
        selector.register(process.stderr, selectors.EVENT_READ, complaint)
        while selector.get_map():
            if cancelled is not None and cancelled.is_set():
                raise errors.Interrupted("Cancelled. Nothing was kept.")
            if time.monotonic() > deadline:
                raise errors.LimitReached(f"Stopped after {seconds:,} s (setting child_seconds). Nothing was kept.")
            for key, _ in selector.select(timeout=0.1):
                block = os.read(key.fd, 1 << 16)
                if not block:
                    selector.unregister(key.fileobj)
                key.data.extend(block)
                if len(said) > ANSWER_LIMIT:
                    raise errors.LimitReached("The answer grew beyond 64 MB. Nothing was kept.")
            del complaint[:-COMPLAINT_KEPT]
            while (end := said.find(b"\n")) >= 0:
                line = json.loads(said[:end])
                del said[: end + 1]
                if "result" in line:
                    return dict(line["result"])
                if "error" in line:
                    raise _error(line["error"])
                progress(line["share"], line["doing"])
    raise _died(process.wait(), complaint.decode(errors="replace"))


def _error(sent: dict[str, str]) -> Exception:
    kind = getattr(errors, sent["kind"], None)
    if kind is errors.UnknownName or kind is None or not issubclass(kind, errors.AssayError):
        kind = errors.BadRequest if kind is errors.UnknownName else RuntimeError
    return kind(sent["message"])


def _died(status: int, complaint: str) -> Exception:
    if "MemoryError" in complaint or "Out of Memory" in complaint or status in (-signal.SIGABRT, -signal.SIGKILL):
        return errors.LimitReached(
            "The work needed more memory than a child may have (settings child_memory_mb, child_address_mb). "
            "Nothing was kept."
        )
    if status in (-signal.SIGXCPU, -signal.SIGXFSZ):
        return errors.LimitReached("The work ran into a limit of time or file size. Nothing was kept.")
    log.error("a child ended with status %d: %s", status, complaint)
    how = f"signal {signal.Signals(-status).name}" if status < 0 else f"status {status}"
    return errors.BadFile(f"The reader died on this file ({how}); it is probably damaged. Nothing was kept.")


def _wait_for_the_end() -> None:
    while os.read(0, 4096):
        pass
    os.killpg(0, signal.SIGKILL)


def main() -> None:
    """The child: one request, then progress lines, then one result or error line."""
    line = bytearray()
    while not line.endswith(b"\n"):
        block = os.read(0, 1 << 16)
        if not block:
            return
        line.extend(block)
    asked = json.loads(line)
    answers = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)  # whatever a library prints must not mix with the answers
    walls.die_with_parent()
    threading.Thread(target=_wait_for_the_end, daemon=True).start()
    os.environ.update(asked["settings"])
    walls.wall(asked["limits"])
    walls.step_back()
    lock = threading.Lock()

    def answer(**content: Any) -> None:
        with lock:
            answers.write(json.dumps(content).encode() + b"\n")

    def progress(share: float, doing: str) -> None:
        answer(share=share, doing=doing)

    try:
        tasks = importlib.import_module("analysis.store.tasks")
        answer(result=getattr(tasks, asked["task"])(asked["request"], limits=asked["limits"], progress=progress))
    except errors.AssayError as error:
        answer(error={"kind": type(error).__name__, "message": str(error)})
    except MemoryError:
        answer(error={"kind": "LimitReached", "message": str(_died(-signal.SIGABRT, ""))})
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
        why = "The disk of the workspace is full" if full else error.strerror or str(error)
        answer(error={"kind": "StorageError", "message": f"{why}. Nothing was kept."})


if __name__ == "__main__":
    main()
    os._exit(0)
