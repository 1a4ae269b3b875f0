"""Local explanations as LIME makes them, of many rows at once; one row is the batch of one.

Ribeiro, Singh and Guestrin 2016: neighbours of a row are drawn and the model is asked about them; a ridge regression
on how they differ from the row, weighted by how near they are, gives each feature a weight. With the same statistics
and seed the weights are those of the `lime` package (reference.py).
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from analysis.core import words
from analysis.core.background import Background
from analysis.core.errors import ModelFailed
from analysis.explaining import neighbourhood
from analysis.explaining.neighbourhood import Draws, Layout

Scores = Callable[[pl.DataFrame], np.ndarray]
"""What is explained: of rows as the model takes them, one number each."""

STACKED = 100_000
"""Neighbours in one call of the model: enough to make calls cheap, few enough to hold."""

SCHEMA: dict[str, Any] = {
    "explanation": pl.Int64,
    "seed": pl.Int64,
    "term": pl.String,
    "column": pl.Int64,
    "kind": pl.String,
    "weight": pl.Float64,
    "outside": pl.Float64,
    "prediction": pl.Float64,
    "surrogate": pl.Float64,
    "fit": pl.Float64,
}


@dataclass(frozen=True)
class Options:
    """samples: neighbours, the row itself among them. kernel_width: None for 0.75 times the root of the number of
    terms. alpha: of the ridge regression."""

    samples: int = 5000
    kernel_width: float | None = None
    alpha: float = 1.0

    def width(self, terms: int) -> float:
        return 0.75 * math.sqrt(terms) if self.kernel_width is None else self.kernel_width


@dataclass(frozen=True)
class Explanation:
    """weights: (terms,) by how much the prediction moves for a standard deviation more of a number, or for a category's
    or flag's own value instead of another. surrogate: what the regression gives for the row itself. fit: its weighted
    R2, at most 1, nan where the model answers the same everywhere. outside: (terms,) share of neighbours beyond the
    background.
    """

    layout: Layout
    seed: int
    weights: np.ndarray
    prediction: float
    surrogate: float
    fit: float
    outside: np.ndarray


def explain_many(
    scores: Scores,
    known: Background,
    rows: Sequence[Mapping[str, Any]],
    options: Options,
    seeds: Sequence[int],
) -> list[Explanation]:
    """An explanation of each row with its own seed. rows: {feature: value as the model takes it} each.

    Neighbours of many rows go to the model in one call, and rows with the same seed share their draws. ModelFailed
    where an answer is no number or there are too few of them; BadRequest where nothing varies.
    """
    layouts = [neighbourhood.layout(known, row) for row in rows]
    found: list[Explanation | None] = [None] * len(rows)
    order = sorted(range(len(rows)), key=lambda at: (str(layouts[at].key()), seeds[at], at))
    stacked = max(1, STACKED // options.samples)
    drawn: tuple[Any, Draws | None] = (None, None)
    for start in range(0, len(order), stacked):
        places = order[start : start + stacked]
        frames, made, beyond = [], [], []
        for at in places:
            mark = (layouts[at].key(), seeds[at])
            if drawn[0] != mark:
                drawn = (mark, neighbourhood.draw(layouts[at], seeds[at], options.samples))
            assert drawn[1] is not None  # noqa: S101 - it was just made
            frame, outside = neighbourhood.given(layouts[at], drawn[1])
            frames.append(frame)
            made.append(drawn[1])
            beyond.append(outside)
        answers = answered(scores, pl.concat(frames) if len(frames) > 1 else frames[0])
        for place, at in enumerate(places):
            own = answers[place * options.samples : (place + 1) * options.samples]
            found[at] = _fitted(layouts[at], made[place], own, options, seeds[at], beyond[place])
    return [each for each in found if each is not None]


def answered(scores: Scores, frame: pl.DataFrame) -> np.ndarray:
    """(n,) what the model says; ModelFailed where that is not a number for each row."""
    said = np.asarray(scores(frame), dtype=float)
    if said.shape != (len(frame),):
        shape = " x ".join(f"{each:,}" for each in said.shape) or "one number"
        raise ModelFailed(f"The model answered {shape} when asked about {words.plural(len(frame), 'row')}.")
    bad = int((~np.isfinite(said)).sum())
    if bad:
        raise ModelFailed(
            f"The model gives no number (nan or infinity) for {bad:,} of {len(said):,} rows near this one, so its "
            "answer cannot be explained."
        )
    return said


def _fitted(
    layout: Layout, draws: Draws, answers: np.ndarray, options: Options, seed: int, beyond: np.ndarray
) -> Explanation:
    design, apart = neighbourhood.described(layout, draws)
    nearness = np.exp(-apart / (2 * options.width(len(layout.terms)) ** 2))
    weights, surrogate, fit = ridge(design, answers, nearness, options.alpha)
    return Explanation(layout, seed, weights, float(answers[0]), surrogate, fit, beyond)


def ridge(design: np.ndarray, y: np.ndarray, nearness: np.ndarray, alpha: float) -> tuple[np.ndarray, float, float]:
    """(weights, fitted value of the first row, weighted R2): a ridge regression whose intercept is not shrunk.

    design: (terms, n). The R2 is nan where y does not vary.
    """
    total = nearness.sum()
    weighed = design * nearness
    centre, middle = weighed.sum(axis=1) / total, float(nearness @ y / total)
    moved = y - middle
    gram = weighed @ design.T - total * np.outer(centre, centre)
    found = np.linalg.solve(gram + alpha * np.eye(len(gram)), weighed @ moved)
    fitted = found @ design - found @ centre
    spread = float(nearness @ moved**2)
    small = 1e-24 * max(1.0, middle**2) * total
    fit = math.nan if spread <= small else 1 - float(nearness @ (moved - fitted) ** 2) / spread
    return found, middle + float(fitted[0]), fit


def framed(found: Sequence[Explanation]) -> pl.DataFrame:
    """A row a term of each explanation: SCHEMA; what belongs to a whole explanation stands in each of its rows."""
    rows = [
        (place, each.seed, term.name, term.column, term.kind, float(weight), float(beyond), *said)
        for place, each in enumerate(found)
        for said in [(each.prediction, each.surrogate, each.fit)]
        for term, weight, beyond in zip(each.layout.terms, each.weights, each.outside, strict=True)
    ]
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")
