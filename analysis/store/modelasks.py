"""What a loaded model is asked: the parent's side of the asks of store/modelworker.py.

calls: how many calls to others a model that makes any may make for one question.
"""

import io
import threading
from typing import Any

import numpy as np
import polars as pl

from analysis.core.model import Answers, Asking, Explained
from analysis.store.modelworker import LABEL
from analysis.store.workers import Worker


def _message(ask: str, calls: int | None, **further: Any) -> dict[str, Any]:
    return {"ask": ask, **further} | ({} if calls is None else {"calls": calls})


def predict(
    worker: Worker, frame: pl.DataFrame, cancelled: threading.Event | None = None, calls: int | None = None
) -> Answers:
    """What the model says of rows; the frame's columns are its features in order."""
    packed = io.BytesIO()
    frame.write_ipc(packed)
    said, content = worker.ask(_message("predict", calls), packed.getvalue(), cancelled)
    columns = pl.read_ipc(io.BytesIO(content))
    scores = columns.select(f"s{at}" for at in range(said["scores"])).to_numpy() if said["scores"] else None
    labels = columns[LABEL] if LABEL in columns.columns else None
    return Answers(np.empty((len(frame), 0)) if scores is None else scores, tuple(said["classes"]), labels)


def explain(
    worker: Worker, asked: Asking, cancelled: threading.Event | None = None, calls: int | None = None
) -> Explained:
    """Explanations of rows, made beside the model. BadRequest where nothing can be explained by."""
    packed = io.BytesIO()
    asked.rows.write_ipc(packed)
    said, content = worker.ask(_message("explain", calls, asking=asked.told()), packed.getvalue(), cancelled)
    frames, start = {}, 0
    for what, size in said["parts"].items():
        frames[what] = pl.read_ipc(io.BytesIO(content[start : start + size]))
        start += size
    return Explained(frames.pop(""), frames, said["facts"])


def standing(worker: Worker, cancelled: threading.Event | None = None, calls: int | None = None) -> tuple[str, Answers]:
    """What an endpoint calls itself now, and what it answers now to the rows kept with it."""
    said, _ = worker.ask(_message("standing", calls), cancelled=cancelled)
    rows = len(said["scores"])
    scores = np.array([[np.nan if each is None else each for each in row] for row in said["scores"]], dtype=float)
    labels = None if said["labels"] is None else pl.Series(said["labels"], dtype=pl.String)
    scores = scores.reshape(rows, len(said["scores"][0]) if rows else 0)
    return said["version"], Answers(scores, tuple(said["classes"]), labels)
