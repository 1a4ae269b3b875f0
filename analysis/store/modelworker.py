"""The worker's side of a warm model: loads one model, then answers questions until its parent is gone.

It speaks like a child (store/child.py): a JSON line each way, a line's "bytes" saying how much Arrow IPC follows it.
"""

import hashlib
import io
import json
import os
import queue
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import polars as pl

from analysis.core.errors import AssayError, ModelFailed
from analysis.core.model import Answers, Asking, asking
from analysis.store import modelfile, walls
from analysis.store.modelfile import FarModel, LoadedModel

LIFETIME_S = 7 * 86_400
LABEL = "label"
Message = tuple[dict[str, Any], bytes]


def _listen(heard: "queue.Queue[Message]") -> None:
    """For a thread: pass on what the parent says; its end is this process's end, also in the middle of work."""
    with os.fdopen(os.dup(0), "rb") as said:
        while line := said.readline():
            asked = json.loads(line)
            heard.put((asked, said.read(asked.get("bytes", 0))))
    os.killpg(0, signal.SIGKILL)


def load(asked: dict[str, Any]) -> tuple[LoadedModel, dict[str, Any]]:
    """(the model, its facts and the sha256 of the bytes it was made from)."""
    content = Path(asked["path"]).read_bytes()
    model = modelfile.load(asked["kind"], content)
    return model, {"facts": model.facts(), "fingerprint": hashlib.sha256(content).hexdigest()}


def predict(model: LoadedModel, asked: dict[str, Any]) -> Message:
    """({classes, scores}, Arrow IPC of the columns s0, s1, ... and label). ModelFailed for answers of another shape."""
    frame = _frame(asked)
    answers = model.predict(frame)
    scores = _shaped(answers, len(frame))
    columns: dict[str, Any] = {f"s{at}": scores[:, at] for at in range(scores.shape[1])}
    if answers.labels is not None:
        if len(answers.labels) != len(frame):
            raise ModelFailed(f"The model gave {len(answers.labels):,} labels for {len(frame):,} rows.")
        columns[LABEL] = answers.labels
    return {"classes": list(answers.classes), "scores": scores.shape[1]}, _packed(pl.DataFrame(columns))


def explain(model: LoadedModel, asked: dict[str, Any]) -> Message:
    """({facts, parts: {what: bytes}}, Arrow IPC of these frames one after another), made by explaining/asked.py."""
    from analysis.explaining import asked as explaining

    def answers(frame: pl.DataFrame) -> Answers:
        said = model.predict(frame)
        return Answers(_shaped(said, len(frame)), said.classes, said.labels)

    made = explaining.explained(answers, Asking(rows=_frame(asked), **asking(asked["asking"])))
    packed = {"": _packed(made.frame)} | {what: _packed(frame) for what, frame in made.further.items()}
    sizes = {what: len(content) for what, content in packed.items()}
    return {"facts": made.facts, "parts": sizes}, b"".join(packed.values())


def standing(model: LoadedModel, asked: dict[str, Any]) -> Message:
    """What an endpoint calls itself now, and what it answers now to the rows kept with it."""
    if not isinstance(model, FarModel):
        raise ModelFailed("Only a model behind an address can be asked whether it still is the one that was added.")
    return model.standing(), b""


ASKS: dict[str, Callable[[LoadedModel, dict[str, Any]], Message]] = {
    "predict": predict,
    "explain": explain,
    "standing": standing,
}
"""What a loaded model can be asked, by the message's "ask"."""


def _frame(asked: dict[str, Any]) -> pl.DataFrame:
    return pl.read_ipc(io.BytesIO(asked["content"]))


def _packed(frame: pl.DataFrame) -> bytes:
    packed = io.BytesIO()
    frame.write_ipc(packed)
    return packed.getvalue()


def _shaped(answers: Answers, rows: int) -> np.ndarray:
    scores = answers.scores.reshape(-1, 1) if answers.scores.ndim == 1 else answers.scores
    if scores.ndim != 2 or len(scores) != rows:
        shape = " x ".join(f"{each:,}" for each in answers.scores.shape) or "one number"
        raise ModelFailed(f"The model answered {shape} when asked about {rows:,} rows.")
    if answers.classes and scores.shape[1] not in (0, 1, len(answers.classes)):
        raise ModelFailed(f"The model names {len(answers.classes)} classes and gives {scores.shape[1]} scores a row.")
    return scores


def main() -> None:
    """Answer what is heard: first "load", then any of ASKS any number of times."""
    answers = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)  # whatever a library prints must not mix with the answers
    walls.die_with_parent()
    heard: queue.Queue[Message] = queue.Queue()
    threading.Thread(target=_listen, args=(heard,), daemon=True).start()
    asked, _ = heard.get()
    os.environ.update(asked["settings"] | asked["secrets"])
    limits = asked["limits"]
    walls.wall({**limits, "seconds": LIFETIME_S})
    model: LoadedModel | None = None
    while True:
        walls.processor_time(limits["seconds"] * limits["threads"])
        said: dict[str, Any]
        packed = b""
        try:
            if model is None:
                model, said = load(asked)
            else:
                if isinstance(model, FarModel):
                    model.begin(asked.get("calls"))
                said, packed = ASKS[asked["ask"]](model, asked)
            said = {"result": said}
        except AssayError as error:
            said = {"error": {"kind": type(error).__name__, "message": str(error)}}
        except MemoryError:
            said = {"error": {"kind": "MemoryError", "message": ""}}
        calls = model.spent if isinstance(model, FarModel) else 0
        _write(answers, json.dumps({**said, "calls": calls, "bytes": len(packed)}).encode() + b"\n" + packed)
        asked, content = heard.get()
        asked["content"] = content


def _write(answers: BinaryIO, content: bytes) -> None:
    rest = memoryview(content)
    while rest:
        rest = rest[answers.write(rest) :]


if __name__ == "__main__":
    main()
