"""Local explanations of many rows that stop asking once their weights are known well enough.

Neighbours come in blocks. After each the weights' standard errors follow from the residuals (Huber's sandwich), and a
row whose largest error is at most a stated share of its largest weight is asked about no further.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl

from analysis.core.background import Background
from analysis.explaining import neighbourhood
from analysis.explaining.local import STACKED, Explanation, Options, Scores, answered, ridge
from analysis.explaining.neighbourhood import Draws, Layout

STEP, MARGIN = 400, 1.1
"""Neighbours of the first block, of which later ones are multiples, so that rows share their draws; and how much more
than expected they ask for, so that the second is mostly the last."""
SCHEMA: dict[str, Any] = {"explanation": pl.Int64, "samples": pl.Int64, "error": pl.Float64, "reached": pl.Boolean}


@dataclass(frozen=True)
class Stopped:
    """samples: neighbours asked about. errors: (terms,) standard errors of the weights. reached: whether the largest
    is within the stated share; otherwise the samples ended first."""

    explanation: Explanation
    samples: int
    errors: np.ndarray
    reached: bool

    @property
    def share(self) -> float:
        """The largest standard error as a share of the largest weight; nan where all weights are nought."""
        largest = float(np.abs(self.explanation.weights).max())
        return float(self.errors.max()) / largest if largest else math.nan


@dataclass
class _Row:
    """A row under way. parts: per block (design (terms, n), squared distances, answers), each neighbour's mirror image
    in the second half; own: the same of the row itself."""

    layout: Layout
    seed: int
    own: tuple[np.ndarray, np.ndarray, np.ndarray] | None = None
    parts: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = field(default_factory=list)
    beyond: list[np.ndarray] = field(default_factory=list)
    asked: int = 0
    found: Stopped | None = None

    def add(self, draws: Draws, beyond: np.ndarray, answers: np.ndarray) -> None:
        design, apart = neighbourhood.described(self.layout, draws)
        if self.own is None:
            self.own = (design[:, :1], apart[:1], answers[:1])
        self.parts.append((design[:, 1:], apart[1:], answers[1:]))
        self.beyond.append(beyond * len(answers))
        self.asked += len(answers) - 1

    def judge(self, options: Options, share: float) -> Stopped:
        """What is known so far. The ridge grows with the samples, so that it means what it does with all of them."""
        assert self.own is not None  # noqa: S101 - a block was added
        halves = [(part, slice(None, part[2].size // 2), slice(part[2].size // 2, None)) for part in self.parts]
        ordered = [self.own]
        for side in (1, 2):
            ordered += [(each[0][0][:, each[side]], each[0][1][each[side]], each[0][2][each[side]]) for each in halves]
        design = np.concatenate([each[0] for each in ordered], axis=1)
        apart, y = (np.concatenate([each[at] for each in ordered]) for at in (1, 2))
        nearness = np.exp(-apart / (2 * options.width(len(design)) ** 2))
        alpha = options.alpha * len(y) / options.samples
        weights, surrogate, fit = ridge(design, y, nearness, alpha)
        errors = standard_errors(design, y, nearness, alpha, weights)
        beyond = np.sum(self.beyond, axis=0) / (self.asked + len(self.parts))
        made = Explanation(self.layout, self.seed, weights, float(y[0]), surrogate, fit, beyond)
        reached = bool(errors.max() <= share * np.abs(weights).max())
        return Stopped(made, len(y), errors, reached)

    def wanted(self, options: Options, share: float) -> int:
        """How many more neighbours should be enough, an even number; the error falls with the root of their number."""
        left = options.samples - 1 - self.asked
        if self.found is None:
            return min(STEP, left) // 2 * 2
        short = self.found.share / share if self.found.share > 0 else math.inf
        more = self.asked * (MARGIN * min(short, 10.0) ** 2 - 1)
        return min(math.ceil(max(more, 1) / STEP) * STEP, left) // 2 * 2


def explain_until(
    scores: Scores,
    known: Background,
    rows: Sequence[Mapping[str, Any]],
    options: Options,
    seeds: Sequence[int],
    share: float,
) -> list[Stopped]:
    """An explanation of each row with its own seed, of at most `options.samples` neighbours.

    share: of the largest weight, which no weight's standard error exceeds where it was `reached`. Each neighbour's
    numbers are drawn with their mirror image on the other side of the row, so that what bends alike on both sides adds
    no error. Errors as those of `explain_many`.
    """
    made = [_Row(neighbourhood.layout(known, row), seed) for row, seed in zip(rows, seeds, strict=True)]
    while True:
        open_ = [each for each in made if each.found is None or not each.found.reached]
        sizes = [(each, each.wanted(options, share)) for each in open_]
        asked = sorted([pair for pair in sizes if pair[1]], key=lambda pair: pair[1])
        if not asked:
            break
        batch: list[tuple[_Row, int]] = []
        for each, size in asked:
            if batch and sum(more + 1 for _, more in batch) + size + 1 > STACKED:
                _ask(scores, batch)
                batch = []
            batch.append((each, size))
        _ask(scores, batch)
        for each, _ in asked:
            each.found = each.judge(options, share)
    return [each.found for each in made if each.found is not None]


def _ask(scores: Scores, rows: list[tuple[_Row, int]]) -> None:
    made, drawn = [], dict[Any, Draws]()
    for each, size in rows:
        mark = (each.layout.key(), each.seed, len(each.parts), size)
        if mark not in drawn:
            seed = int(np.random.SeedSequence([each.seed, len(each.parts)]).generate_state(1)[0])
            drawn[mark] = _mirrored(each.layout, seed, size)
        draws = drawn[mark]
        made.append((draws, *neighbourhood.given(each.layout, draws)))
    frames = [frame for _, frame, _ in made]
    answers, start = answered(scores, pl.concat(frames) if len(frames) > 1 else frames[0]), 0
    for (each, _), (draws, frame, beyond) in zip(rows, made, strict=True):
        each.add(draws, beyond, answers[start : start + len(frame)])
        start += len(frame)


def _mirrored(layout: Layout, seed: int, size: int) -> Draws:
    """The row itself, so many neighbours, half of them with the other half's numbers mirrored."""
    made = neighbourhood.draw(layout, seed, size + 1)
    half = size // 2
    made.normals[:, 1 + half :] = -made.normals[:, 1 : 1 + half]
    return neighbourhood.drawn(layout, made.normals, made.codes)


def standard_errors(
    design: np.ndarray, y: np.ndarray, nearness: np.ndarray, alpha: float, weights: np.ndarray
) -> np.ndarray:
    """(terms,) of a ridge regression over the row and pairs of neighbours, one of each pair in each half of the rest;
    whatever the shape of what it misses (White 1980, clustered by pair)."""
    centred = design - (design @ nearness / nearness.sum())[:, None]
    missed = y - nearness @ y / nearness.sum() - weights @ centred
    weighed = centred * nearness
    bread = np.linalg.inv(weighed @ centred.T + alpha * np.eye(len(design)))
    pulled, half = weighed * missed, len(y) // 2
    pairs = np.concatenate([pulled[:, :1], pulled[:, 1 : 1 + half] + pulled[:, 1 + half :]], axis=1)
    return np.asarray(np.sqrt(np.einsum("ij,jk,ik->i", bread, pairs @ pairs.T, bread)))


def framed(found: Sequence[Stopped]) -> pl.DataFrame:
    """A row an explanation: SCHEMA. error: the largest standard error as a share of the largest weight."""
    rows = [(place, each.samples, each.share, each.reached) for place, each in enumerate(found)]
    return pl.DataFrame(rows, schema=SCHEMA, orient="row").fill_nan(None)
