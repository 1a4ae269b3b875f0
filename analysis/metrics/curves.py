"""Curves: what every threshold of a score would give, from its histogram. Bounded by codes times groups.

A row counts as positive where score >= threshold. Ties within a code get half credit; what that can have cost is
returned as `bound`, which is 0 where every code holds one single value.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from analysis.core.cube import Histogram
from analysis.metrics.intervals import divide, effective_n

CELLS = 65_536
"""Groups are taken in slabs of about this many cells, so that the working arrays stay in the processor's cache."""


@dataclass(frozen=True)
class Roc:
    """One group's curve, from the strictest threshold to the loosest: arrays of (B + 1,), the first point (0, 0).

    threshold: inf, then each code's smallest value. tpr: recall, fpr: 1 - specificity, precision: nan at the first.
    """

    threshold: np.ndarray
    tpr: np.ndarray
    fpr: np.ndarray
    precision: np.ndarray


@dataclass(frozen=True)
class Summary:
    """What a curve adds up to, by group (G,): value, its variance, and the most by which binning can have moved it."""

    value: np.ndarray
    variance: np.ndarray
    bound: np.ndarray


@dataclass(frozen=True)
class Separation(Summary):
    """The largest gap between the classes, with the rates of both where it occurs; `threshold` is that code's."""

    tpr: np.ndarray
    fpr: np.ndarray
    threshold: np.ndarray


@dataclass(frozen=True)
class ClassSizes:
    """Labelled rows with a score by class, (G,): counts and, for weights, effective numbers."""

    negatives: np.ndarray
    positives: np.ndarray
    effective_negatives: np.ndarray
    effective_positives: np.ndarray

    @property
    def rows(self) -> np.ndarray:
        return self.negatives + self.positives


def class_sizes(histogram: Histogram) -> ClassSizes:
    """How many rows of each class the histogram holds."""
    n, w, w2 = (array[:, :2].sum(axis=2) for array in (histogram.n, histogram.w, histogram.w2))
    effective = effective_n(w, w2)
    return ClassSizes(n[:, 0], n[:, 1], effective[:, 0], effective[:, 1])


def class_weights(histogram: Histogram) -> tuple[np.ndarray, np.ndarray]:
    """(G,) sums of weights of the negatives and of the positives that have a score."""
    total = histogram.w[:, :2].sum(axis=2).astype(float)
    return total[:, 0], total[:, 1]


def roc(histogram: Histogram, group: int = 0) -> Roc:
    """The curve of one group: every threshold the codes allow."""
    falling = histogram.w[group, :2, ::-1].astype(float)
    fp, tp = np.concatenate([np.zeros((2, 1)), np.cumsum(falling, axis=1)], axis=1)
    threshold = np.concatenate([[np.inf], histogram.low[::-1]])
    return Roc(threshold, divide(tp, tp[-1]), divide(fp, fp[-1]), divide(tp, tp + fp))


def slabs(histogram: Histogram) -> Iterator[slice]:
    """Slices of groups small enough to work on at once."""
    groups, _, codes = histogram.n.shape
    step = max(1, CELLS // max(codes, 1))
    for start in range(0, groups, step):
        yield slice(start, start + step)


def _cells(array: np.ndarray, slab: slice) -> tuple[np.ndarray, np.ndarray]:
    return array[slab, 0].astype(float), array[slab, 1].astype(float)


def _total(cumulated: np.ndarray) -> np.ndarray:
    return cumulated[:, -1:] if cumulated.shape[1] else np.zeros((len(cumulated), 1))


def _joined(parts: list[tuple[np.ndarray, ...]], count: int) -> list[np.ndarray]:
    return [np.concatenate([part[i] for part in parts]) if parts else np.empty(0) for i in range(count)]


def auc(histogram: Histogram) -> Summary:
    """Area under the ROC curve by midranks, 0 to 1, and DeLong's variance (DeLong, DeLong and Clarke-Pearson 1988).

    The variance is over placements with ddof 1; weighted placements are linearised. nan without both classes; the
    variance is nan with fewer than two rows of either. bound: half the pairs whose order a code hides.
    """
    wide = histogram.low != histogram.high
    parts: list[tuple[np.ndarray, ...]] = []
    for slab in slabs(histogram):
        (w0, w1), (q0, q1), (n0, n1) = (_cells(each, slab) for each in (histogram.w, histogram.w2, histogram.n))
        up0, up1 = np.cumsum(w0, axis=1), np.cumsum(w1, axis=1)
        all0, all1 = _total(up0), _total(up1)
        below = up0 - w0 / 2
        pairs = (all0 * all1)[:, 0]
        value = np.clip(divide(np.einsum("gb,gb->g", w1, below), pairs), 0.0, 1.0)
        place1 = divide(below, all0) - value[:, None]
        place0 = 1 - divide(up1 - w1 / 2, all1) - value[:, None]
        m, n = n1.sum(axis=1), n0.sum(axis=1)
        variance = divide(np.einsum("gb,gb,gb->g", q1, place1, place1), all1[:, 0] ** 2) * divide(m, m - 1)
        variance += divide(np.einsum("gb,gb,gb->g", q0, place0, place0), all0[:, 0] ** 2) * divide(n, n - 1)
        bound = divide(np.einsum("gb,gb->g", w0[:, wide], w1[:, wide]) / 2, pairs)
        parts.append((value, variance, bound))
    return Summary(*_joined(parts, 3))


def average_precision(histogram: Histogram) -> Summary:
    """The step sum of precision over recall, 0 to 1, and its variance by linearisation over the histogram's cells.

    The value is the sum over positives of the precision at their score, divided by the positives; the influence of a
    row is its own precision and what it does to the precision at every lower threshold. Inside a code that holds
    several values, rows are taken as evenly mixed. nan without positives. bound: the best and the worst order of the
    rows inside each code.
    """
    wide = (histogram.low != histogram.high)[::-1]
    parts: list[tuple[np.ndarray, ...]] = []
    for slab in slabs(histogram):
        (w0, w1), (q0, q1), (n0, n1) = (
            tuple(cells[:, ::-1] for cells in _cells(each, slab)) for each in (histogram.w, histogram.w2, histogram.n)
        )
        fp, tp = np.cumsum(w0, axis=1), np.cumsum(w1, axis=1)
        flagged = tp + fp
        precision = np.nan_to_num(divide(tp, flagged))
        positives = _total(tp)
        share = np.nan_to_num(divide(w1, positives))
        value = divide(np.einsum("gb,gb->g", w1, precision), positives[:, 0])
        gain = share * np.nan_to_num(divide(fp, flagged * flagged))
        loss = share * np.nan_to_num(divide(tp, flagged * flagged))
        psi1 = divide(precision - value[:, None], positives) + _from_here(gain)
        psi0 = _from_here(loss)
        n = n0.sum(axis=1) + n1.sum(axis=1)
        variance = np.einsum("gb,gb,gb->g", q1, psi1, psi1) + np.einsum("gb,gb,gb->g", q0, psi0, psi0)
        bound = np.zeros(len(value))
        if wide.any():
            shift, slack = _inside(*(each[:, wide] for each in (w0, w1, tp, fp)))
            value, bound = value + divide(shift, positives[:, 0]), divide(slack, positives[:, 0])
        parts.append((np.clip(value, 0.0, 1.0), variance * divide(n, n - 1), bound))
    return Summary(*_joined(parts, 3))


def _from_here(array: np.ndarray) -> np.ndarray:
    """Sums over this and all later codes."""
    return np.cumsum(array[:, ::-1], axis=1)[:, ::-1]


def _inside(w0: np.ndarray, w1: np.ndarray, tp: np.ndarray, fp: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What rows evenly mixed inside their code add to the sum of precision over positives, and the most they could."""
    size, above1, above = w0 + w1, tp - w1, tp + fp - w0 - w1
    rate = np.nan_to_num(divide(w1, size))
    slope = np.nan_to_num(divide(above1 - above * rate, size))
    mixed = w1 * (rate + slope * np.log1p(np.nan_to_num(divide(size, above))))
    best = w1 * np.nan_to_num(divide(tp, above + w1))
    start = above + w0
    worst = np.where(start > 0, w1 - (fp * np.log1p(np.nan_to_num(divide(w1, start)))), w1)
    slack = np.maximum(np.maximum(best - mixed, mixed - worst), 0.0).sum(axis=1)
    return (mixed - w1 * np.nan_to_num(divide(tp, tp + fp))).sum(axis=1), slack


def separation(histogram: Histogram) -> Separation:
    """Kolmogorov and Smirnov's distance between the scores of both classes, 0 to 1, after each block of ties.

    The variance is that of a difference of two proportions at the threshold found. nan without both classes.
    bound: how much larger the gap may be inside a code.
    """
    wide = histogram.low != histogram.high
    parts: list[tuple[np.ndarray, ...]] = []
    for slab in slabs(histogram):
        w0, w1 = _cells(histogram.w, slab)
        up0, up1 = np.cumsum(w0, axis=1), np.cumsum(w1, axis=1)
        f0, f1 = divide(up0, _total(up0)), divide(up1, _total(up1))
        gap = np.nan_to_num(f0 - f1)
        rows = np.arange(len(gap))
        best = np.abs(gap).argmax(axis=1) if gap.shape[1] else np.zeros(len(gap), dtype=int)
        if not gap.shape[1]:
            parts.append(tuple(np.full(len(gap), np.nan) for _ in range(6)))
            continue
        known = (up0[:, -1] > 0) & (up1[:, -1] > 0)
        value = np.where(known, np.abs(gap[rows, best]), np.nan)
        tpr, fpr = 1 - f1[rows, best], 1 - f0[rows, best]
        inside = np.concatenate([np.zeros((len(gap), 1)), gap[:, :-1]], axis=1)[:, wide]
        step0, step1 = divide(w0, _total(up0))[:, wide], divide(w1, _total(up1))[:, wide]
        furthest = np.maximum(np.abs(inside + step0), np.abs(inside - step1)).max(axis=1, initial=0.0)
        q0, q1 = _cells(histogram.w2, slab)
        size0, size1 = effective_n(up0[:, -1], q0.sum(axis=1)), effective_n(up1[:, -1], q1.sum(axis=1))
        variance = divide(tpr * (1 - tpr), size1) + divide(fpr * (1 - fpr), size0)
        threshold = np.append(histogram.low[1:], np.inf)[best]
        bound = np.where(known, np.maximum(np.nan_to_num(furthest - value), 0.0), np.nan)
        parts.append((value, variance, bound, tpr, fpr, np.where(known, threshold, np.nan)))
    return Separation(*_joined(parts, 6))


def placements(w0: np.ndarray, w1: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(of a negative, of a positive) by code, (G, B): the share of the other class it is ranked apart from.

    A negative's is the share of positives above it, a positive's the share of negatives below it; ties count half. The
    mean over either class is the AUC (DeLong, DeLong and Clarke-Pearson 1988). w0, w1: (G, B) weights by code.
    """
    up0, up1 = np.cumsum(w0, axis=1), np.cumsum(w1, axis=1)
    return 1 - divide(up1 - w1 / 2, up1[:, -1:]), divide(up0 - w0 / 2, up0[:, -1:])


def of_average_precision(histogram: Histogram) -> tuple[np.ndarray, np.ndarray]:
    """(of a negative, of a positive) by code, (G, B): by how much a unit of weight more moves the average precision.

    A positive adds its own precision; every row changes the precision at each lower threshold.
    """
    w0, w1 = (histogram.w[:, side, ::-1].astype(float) for side in (0, 1))
    fp, tp = np.cumsum(w0, axis=1), np.cumsum(w1, axis=1)
    flagged, positives = tp + fp, tp[:, -1:]
    precision, share = np.nan_to_num(divide(tp, flagged)), np.nan_to_num(divide(w1, positives))
    value = (share * precision).sum(axis=1, keepdims=True)
    gain = share * np.nan_to_num(divide(fp, flagged**2))
    loss = share * np.nan_to_num(divide(tp, flagged**2))
    from_here = [np.cumsum(each[:, ::-1], axis=1)[:, ::-1] for each in (gain, loss)]
    of_positive = divide(precision - value, positives) + from_here[0]
    return -from_here[1][:, ::-1], of_positive[:, ::-1]
