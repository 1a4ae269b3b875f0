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
from analysis.core.errors import BadRequest, ModelFailed
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
MOST_ASKED = 5_000_000
LEAST_WEIGHT = 1e-6
"""Of a neighbour on the mean: below it the fit is of the row alone."""


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


def asked_well(samples: int, width: float | None, repeats: int | None, seed: int, widths: Sequence[float] = ()) -> None:
    """BadRequest where an explanation cannot be asked so; None: as usual."""
    if not 100 <= samples <= 1_000_000:
        raise BadRequest(f"{samples:,} neighbours cannot be used; take 100 to 1,000,000.")
    if width is not None and not 1e-6 <= width < 1e6:
        raise BadRequest(f"A kernel width is a number from 0.000001 on, not {width}.")
    if not all(0.01 <= each <= 100 for each in widths) or len(widths) > 10:
        raise BadRequest("Kernel widths are up to 10 multiples of the usual one, each from 0.01 to 100.")
    if repeats is not None and not 1 <= repeats <= 200:
        raise BadRequest(f"{repeats:,} repeats cannot be used; take 1 to 200.")
    if samples * (repeats or 1) > MOST_ASKED:
        raise BadRequest(f"{samples * (repeats or 1):,} neighbours are too many; take {MOST_ASKED:,} in all repeats.")
    if not 0 <= seed < 1 << 32:
        raise BadRequest(f"A seed is a whole number from 0 to 4,294,967,295, not {seed}.")


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

    design: (terms, n), the row itself first. The R2 is nan where y does not vary. BadRequest where only the row itself
    has a weight, which a tiny kernel width makes.
    """
    total = nearness.sum()
    if not nearness[1:].sum() > LEAST_WEIGHT * len(nearness):
        raise BadRequest("The kernel width is so small that no neighbour of the row counts; take a larger one.")
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
