"""What a loaded model is asked: the parent's side of the asks of store/modelworker.py."""

import io
import threading

import numpy as np
import polars as pl

from analysis.core.model import Answers, Asking, Explained
from analysis.store.modelworker import LABEL
from analysis.store.workers import Worker


def predict(worker: Worker, frame: pl.DataFrame, cancelled: threading.Event | None = None) -> Answers:
    """What the model says of rows; the frame's columns are its features in order."""
    packed = io.BytesIO()
    frame.write_ipc(packed)
    said, content = worker.ask({"ask": "predict"}, packed.getvalue(), cancelled)
    columns = pl.read_ipc(io.BytesIO(content))
    scores = columns.select(f"s{at}" for at in range(said["scores"])).to_numpy() if said["scores"] else None
    labels = columns[LABEL] if LABEL in columns.columns else None
    return Answers(np.empty((len(frame), 0)) if scores is None else scores, tuple(said["classes"]), labels)


def explain(worker: Worker, asked: Asking, cancelled: threading.Event | None = None) -> Explained:
    """Explanations of rows, made beside the model. BadRequest where nothing can be explained by."""
    packed = io.BytesIO()
    asked.rows.write_ipc(packed)
    said, content = worker.ask({"ask": "explain", "asking": asked.told()}, packed.getvalue(), cancelled)
    frames, start = {}, 0
    for what, size in said["parts"].items():
        frames[what] = pl.read_ipc(io.BytesIO(content[start : start + size]))
        start += size
    return Explained(frames.pop(""), frames, said["facts"])
