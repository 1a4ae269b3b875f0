"""Talk with a model's worker: one question to its process and the answer back, bounded in time and size, and what an
end without an answer means.
"""

import json
import logging
import os
import selectors
import signal
import subprocess
import threading
import time
from typing import Any

from analysis.core import errors
from analysis.core.settings import whole
from analysis.store.child import ANSWER_LIMIT, COMPLAINT_KEPT

log = logging.getLogger("assay.workers")
LINE_LIMIT = 4 << 20
NO_MEMORY = "The model needed more memory than its process may have (setting model_address_mb) and was stopped."


class Talk:
    """One question on its way to a worker and the answer on its way back, both bounded in time and size."""

    def __init__(
        self, process: subprocess.Popen[bytes], question: bytes, limit: str, cancelled: threading.Event | None
    ) -> None:
        self.process, self.limit, self.cancelled = process, limit, cancelled
        self.deadline = time.monotonic() + whole(limit)
        self.rest = memoryview(question)
        self.heard, self.complaint = bytearray(), bytearray()

    def answer(self) -> tuple[dict[str, Any], bytes]:
        process = self.process
        assert process.stdin  # noqa: S101 - these three are told to the type checker
        assert process.stdout  # noqa: S101
        assert process.stderr  # noqa: S101
        os.set_blocking(process.stdin.fileno(), False)
        with selectors.DefaultSelector() as selector:
            selector.register(process.stdin, selectors.EVENT_WRITE)
            selector.register(process.stdout, selectors.EVENT_READ, self.heard)
            selector.register(process.stderr, selectors.EVENT_READ, self.complaint)
            while process.stdout in {key.fileobj for key in selector.get_map().values()}:
                self._in_time()
                for key, _ in selector.select(timeout=0.1):
                    if key.fileobj is process.stdin:
                        self._send(selector)
                        continue
                    block = os.read(key.fd, 1 << 16)
                    if not block:
                        selector.unregister(key.fileobj)
                    key.data.extend(block)
                del self.complaint[:-COMPLAINT_KEPT]
                whole_answer = self._understood()
                if whole_answer is not None:
                    return whole_answer
        raise died(process.wait(), self.complaint.decode(errors="replace"))

    def _in_time(self) -> None:
        if self.cancelled is not None and self.cancelled.is_set():
            raise errors.Interrupted("Cancelled. The model was stopped.")
        if time.monotonic() > self.deadline:
            raise errors.LimitReached(
                f"The model did not answer within {whole(self.limit):,} s (setting {self.limit}) and was stopped."
            )

    def _send(self, selector: selectors.BaseSelector) -> None:
        assert self.process.stdin  # noqa: S101
        try:
            self.rest = self.rest[os.write(self.process.stdin.fileno(), self.rest[: 1 << 16]) :]
        except BlockingIOError:
            return
        except BrokenPipeError:  # it died; its status tells why
            self.rest = self.rest[:0]
        if not self.rest:
            selector.unregister(self.process.stdin)

    def _understood(self) -> tuple[dict[str, Any], bytes] | None:
        end = self.heard.find(b"\n")
        if len(self.heard) > ANSWER_LIMIT + LINE_LIMIT or (end < 0 and len(self.heard) > LINE_LIMIT):
            raise errors.LimitReached("The model's answer grew beyond 64 MB; ask about fewer rows at once.")
        if end < 0:
            return None
        said = json.loads(self.heard[:end])
        size = end + 1 + said["bytes"]
        if said["bytes"] > ANSWER_LIMIT:
            raise errors.LimitReached("The model's answer grew beyond 64 MB; ask about fewer rows at once.")
        return (said, bytes(self.heard[end + 1 : size])) if len(self.heard) >= size else None


def error(sent: dict[str, str]) -> Exception:
    """What a worker said went wrong, as the error it was there."""
    if sent["kind"] == "MemoryError":
        return errors.LimitReached(NO_MEMORY)
    kind = getattr(errors, sent["kind"], None)
    known = isinstance(kind, type) and issubclass(kind, errors.AssayError) and kind is not errors.UnknownName
    return kind(sent["message"]) if known else RuntimeError(sent["message"])  # type: ignore[misc]


def died(status: int, complaint: str) -> Exception:
    """What the end of a worker says of its model. status: as of a process; complaint: its standard error."""
    if "MemoryError" in complaint or "bad_alloc" in complaint or status == -signal.SIGABRT:
        return errors.LimitReached(NO_MEMORY)
    if status == -signal.SIGXCPU:
        return errors.LimitReached("The model used up its processor time (setting model_load_seconds) and was stopped.")
    log.error("a model worker ended with status %d: %s", status, complaint)
    how = f"signal {signal.Signals(-status).name}" if status < 0 else f"status {status}"
    return errors.ModelFailed(f"The model's process ended while it worked ({how}); ask again, or replace the file.")
