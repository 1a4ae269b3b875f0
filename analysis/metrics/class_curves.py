"""Curves of many classes: how well each class's score tells it from the others, from a histogram a class.

A row takes part in the curve of every class, and histograms do not say how its scores go together. The correlations of
their codes do, nearly: a row's part in a curve rises or falls with its code. Without them the parts are added by their
size (Minkowski's inequality), as if the scores of an actual class moved in step, which is the most it can be.
"""

from dataclasses import dataclass

import numpy as np

from analysis.core.classscores import Moments
from analysis.core.cube import Histogram
from analysis.core.replicates import Dealt, Moved
from analysis.metrics.intervals import divide


@dataclass(frozen=True)
class Areas:
    """The mean of the areas under many curves.

    value, variance, bound (what binning can have moved): (G,). each: (G, C) the class's own area, of a class against
    each other one the mean of these. used: (G, C) the classes that have one.
    moved: by how much each replicate moves the mean, where replicates are known.
    """

    value: np.ndarray
    variance: np.ndarray
    bound: np.ndarray
    each: np.ndarray
    used: np.ndarray
    moved: Moved | None = None


def versus(histogram: Histogram, own: int) -> Histogram:
    """One class's score as of two classes: the class itself and the rest."""

    def fold(array: np.ndarray) -> np.ndarray:
        rest = np.delete(array[:, :-1], own, axis=1).sum(axis=1)
        return np.stack([rest, array[:, own], array[:, -1]], axis=1)

    n, dealt = fold(histogram.n), histogram.dealt
    if dealt is not None:
        rest = np.delete(dealt.w, own, axis=2).sum(axis=2)
        dealt = Dealt(np.stack([rest, dealt.w[:, :, own]], axis=2), dealt.cell, dealt.held)
    w, w2 = (fold(histogram.w), fold(histogram.w2)) if histogram.weighted else (n, n)
    return Histogram(n, w, w2, histogram.low, histogram.high, histogram.weighted, dealt)


class _Influence:
    """What rows of each actual class do to a value by the score of each class: means and spreads, (G, actual, C)."""

    def __init__(self, groups: int, size: int) -> None:
        self.mean, self.spread = np.zeros((2, groups, size, size))

    def add(self, own: int, psi: np.ndarray, squares: np.ndarray, n: np.ndarray) -> None:
        """psi: (G, C, B) influence of a row of each class and code; squares: squared weights; n: (G, C) rows."""
        total = squares.sum(axis=2)
        mean = np.nan_to_num(divide(np.einsum("gcb,gcb->gc", squares, psi), total))
        second = np.nan_to_num(divide(np.einsum("gcb,gcb,gcb->gc", squares, psi, psi), total))
        free = np.where(n > 1, n / np.maximum(n - 1, 1), 1.0)
        self.mean[:, :, own] = mean
        self.spread[:, :, own] = np.sqrt(np.maximum(second - mean**2, 0.0) * free)

    def variance(self, squares: np.ndarray, moments: Moments | None) -> np.ndarray:
        """(G,) of the sum over rows. squares: (G, C) squared weights of each actual class."""
        if moments is None:
            own = self.spread.sum(axis=2) ** 2
        else:
            size = self.spread.shape[2]
            signed = self.spread * (
                2 * np.eye(size) - 1
            )  # a class's own score raises its curve, the others lower theirs
            own = np.einsum("gkc,gkcd,gkd->gk", signed, correlations(moments), signed)
        return ((self.mean.sum(axis=2) ** 2 + np.maximum(own, 0.0)) * squares).sum(axis=1)


def correlations(moments: Moments) -> np.ndarray:
    """(G, actual class, C, C) correlations of the codes of the classes' scores; 0 where a code does not vary."""
    mean = divide(moments.first, moments.n[:, :, None])
    together = divide(moments.second, moments.n[:, :, None, None]) - mean[..., :, None] * mean[..., None, :]
    spread = np.sqrt(np.maximum(np.nan_to_num(np.diagonal(together, axis1=2, axis2=3)), 0.0))
    found = np.nan_to_num(divide(together, spread[..., :, None] * spread[..., None, :]))
    return np.where(np.eye(found.shape[2], dtype=bool), 1.0, np.clip(found, -1.0, 1.0))


def areas(histograms: tuple[Histogram, ...], moments: Moments | None = None, *, pairs: bool) -> Areas:
    """The mean area under the ROC curves, by midranks, 0 to 1; nan where fewer than two classes have rows with weight.

    pairs: of each class's score between the class and each other one (Hand and Till 2001), else between the class and
    all others together (one against the rest).
    """
    size, groups = len(histograms), len(histograms[0].n)
    weight = histograms[0].w[:, :size].sum(axis=2).astype(float)
    squares = histograms[0].w2[:, :size].sum(axis=2).astype(float)
    n = histograms[0].n[:, :size].sum(axis=2)
    used = (weight > 0) & ((weight > 0).sum(axis=1, keepdims=True) > 1)
    count = used.sum(axis=1)
    scale = divide(np.ones(groups), count * (count - 1) if pairs else count)
    influence = _Influence(groups, size)
    by_part: list[np.ndarray] = []
    unseen = np.zeros(groups)
    each, bound = np.full((groups, size), np.nan), np.zeros(groups)
    for own, histogram in enumerate(histograms):
        w, wide = histogram.w[:, :size].astype(float), histogram.low != histogram.high
        middle = np.cumsum(w, axis=2) - w / 2
        if pairs:
            against, others = weight, middle
        else:
            rest = np.arange(size) != own
            against = np.repeat(weight[:, rest].sum(axis=1)[:, None], size, axis=1)
            others = np.repeat(middle[:, rest].sum(axis=1)[:, None], size, axis=1)
        hidden = w if pairs else np.repeat(w[:, np.arange(size) != own].sum(axis=1)[:, None], size, axis=1)
        both = used & used[:, own : own + 1]
        both[:, own] = False
        made = weight[:, own : own + 1] * against
        area = np.clip(divide(np.einsum("gb,gcb->gc", w[:, own], others), made), 0.0, 1.0)
        lost = divide(np.einsum("gb,gcb->gc", w[:, own][:, wide], hidden[:, :, wide]) / 2, made)
        mine = both if pairs else both & (np.cumsum(both, axis=1) == 1)
        each[:, own] = divide(np.where(mine, area, 0.0).sum(axis=1), mine.sum(axis=1))
        bound += np.where(mine, np.nan_to_num(lost), 0.0).sum(axis=1)
        area = np.nan_to_num(area)[:, :, None]
        place = np.nan_to_num(divide(others, against[:, :, None])) - area
        psi = 1 - np.nan_to_num(divide(middle[:, own], weight[:, own, None]))[:, None] - area
        psi *= np.where(both, np.nan_to_num(divide(np.ones_like(weight), against)), 0.0)[:, :, None]
        psi[:, own] = np.where(mine[:, :, None], place, 0.0).sum(axis=1)
        psi[:, own] *= np.nan_to_num(divide(np.ones(groups), weight[:, own]))[:, None]
        psi *= np.nan_to_num(scale)[:, None, None]
        influence.add(own, psi, histogram.w2[:, :size].astype(float), n)
        if histogram.dealt is not None:
            moved, hidden_squares = histogram.dealt.summed(psi, histogram.w[:, :size], histogram.w2[:, :size])
            by_part.append(moved)
            unseen += np.sqrt(hidden_squares)  # as if the classes' scores moved in step, which is the most it can be
    parts = np.where(used, np.nan_to_num(each), 0.0).sum(axis=1)
    moved_by = Moved(np.sum(by_part, axis=0), unseen**2) if by_part else None
    variance = influence.variance(squares, moments)
    return Areas(divide(parts, count), variance, bound * np.nan_to_num(scale), each, used, moved_by)
