"""Surrogates in the workspace: fitted in a child process, judged on held-out rows, kept as models of their own kind."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from analysis.core.dataset import clean_name
from analysis.core.evaluation import Evaluation
from analysis.core.model import ANY, NUMBER, Answers, Model
from analysis.core.surrogate import KIND, SurrogateOf
from analysis.store import child, modelasks, models, staging, workers
from analysis.store.child import Progress, no_progress
from analysis.store.workspace import Workspace


@dataclass(frozen=True)
class Teaching:
    """What a surrogate is fitted to and judged on. learned, held: columns v0, v1, ... of the features, as a model takes
    them. targets: of the learned rows, (rows, classes) weights, or (rows, 1) numbers."""

    evaluation: Evaluation
    features: tuple[str, ...]
    classes: tuple[str, ...]
    learned: pl.DataFrame
    targets: np.ndarray
    held: pl.DataFrame
    seed: int


def known(workspace: Workspace, name: str, asked: Sequence[Any]) -> Model | None:
    """The surrogate of this name that answers exactly this request, if it is kept already."""
    for each in models.listed(workspace):
        same = each.kind == KIND and each.name == name and workspace.file("model", each.id).exists()
        if same and SurrogateOf.from_dict(each.surrogate_of).asked == tuple(asked):
            return each
    return None


def keep(
    workspace: Workspace,
    teaching: Teaching,
    *,
    name: str,
    judged: Callable[[Answers], SurrogateOf],
    progress: Progress = no_progress,
    cancelled: threading.Event | None = None,
    step: staging.Step = staging.no_step,
) -> Model:
    """Fit, judge and keep one as the next version of the model `name`.

    judged: what it is, from its answers on the held-out rows, which the kept file itself gives. Interrupted when
    `cancelled` is set, LimitReached beyond a child's limits; whatever fails leaves nothing behind.
    """
    name = clean_name(name, "model")
    with staging.staging(workspace.root, step) as place:
        lesson = place.folder / "lesson.arrow"
        targets = {f"y{at}": teaching.targets[:, at] for at in range(teaching.targets.shape[1])}
        teaching.learned.with_columns(pl.Series(key, each) for key, each in targets.items()).write_ipc(lesson)
        request = {
            "lesson": str(lesson),
            "target": str(place.file),
            "features": list(teaching.features),
            "classes": list(teaching.classes),
            "seed": teaching.seed,
        }
        progress(0.1, f"fitting it to {len(teaching.learned):,} rows")
        child.run("surrogate", request, cancelled=cancelled)
        lesson.unlink()
        step("built")
        progress(0.8, f"judging it on {len(teaching.held):,} held-out rows")
        with workers.loaded(place.id, place.file, KIND, cancelled) as worker:
            facts = dict(worker.said["facts"])
            order = [teaching.features.index(each["name"]) for each in facts["inputs"]]
            held = teaching.held.select(f"v{at}" for at in order)
            facts["inputs"] = [_typed(teaching, at) for at in order]
            facts["surrogate_of"] = judged(modelasks.predict(worker, held, cancelled)).to_dict()
        return models.publish(workspace, place, name, KIND, teaching.evaluation.name, _source(teaching), facts, step)


def _typed(teaching: Teaching, at: int) -> dict[str, str]:
    number = teaching.learned.schema[f"v{at}"].is_numeric()
    return {"name": teaching.features[at], "type": NUMBER if number else ANY}


def _source(teaching: Teaching) -> str:
    return f"fitted to {teaching.evaluation.label}"
