"""Reliability: scores in bins beside what was observed there. The one home of binning; calibration is read from it.

A code's score is the middle of its range, so everything is exact where codes hold single values.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from analysis.core.cube import Histogram
from analysis.core.errors import BadRequest
from analysis.metrics.clusters import DEALT, correction, share_size
from analysis.metrics.curves import Summary, slabs
from analysis.metrics.intervals import Ends, clopper_pearson, divide, effective_n

BINS = 15
WIDTH, COUNT = "width", "count"


@dataclass(frozen=True)
class Bins:
    """Bins [edges[k], edges[k + 1]) of the score, the last closed. home: (B,) the bin of each code."""

    edges: np.ndarray
    home: np.ndarray

    def __len__(self) -> int:
        return len(self.edges) - 1

    @property
    def member(self) -> np.ndarray:
        """(B, K) 1 where the code is in the bin."""
        return (self.home[:, None] == np.arange(len(self))[None, :]).astype(float)


@dataclass(frozen=True)
class Calibration(Summary):
    """A calibration error and how much of it sampling alone adds, as sizes of noise add up: at least and at most."""

    least_bias: np.ndarray
    bias: np.ndarray


@dataclass(frozen=True)
class Table:
    """What the bins hold, each (G, K). n: rows; score: their mean score; value: the observed share of positives.

    effective: Kish's number of rows under weights, or as few as the rows' units allow. score and value are nan
    where a bin is empty.
    """

    n: np.ndarray
    effective: np.ndarray
    score: np.ndarray
    value: np.ndarray


def width_bins(histogram: Histogram, bins: int = BINS) -> Bins:
    """`bins` bins of equal width over [0, 1]."""
    edges = np.arange(bins + 1) / bins
    return Bins(edges, np.clip(np.searchsorted(edges, histogram.low, side="right") - 1, 0, bins - 1))


def count_bins(histogram: Histogram, bins: int = BINS) -> Bins:
    """At most `bins` bins of about equally many labelled rows over all groups; rows of one code stay together."""
    rows = histogram.n[:, :2].sum(axis=(0, 1)).astype(float)
    middle = np.cumsum(rows) - rows / 2
    share = middle / max(float(rows.sum()), 1.0)
    _, home = np.unique(np.clip(np.floor(share * bins), 0, bins - 1), return_inverse=True)
    first = np.flatnonzero(np.diff(home, prepend=-1))
    return Bins(np.append(histogram.low[first], histogram.high[-1:]), home)


def binned(histogram: Histogram, binning: str = WIDTH, bins: int = BINS) -> Bins:
    """Bins of equal "width" or of equal "count"."""
    if binning not in (WIDTH, COUNT):
        raise BadRequest(f"Bins are of equal 'width' or of equal 'count', not '{binning}'.")
    if not 2 <= bins <= 100:
        raise BadRequest(f"Calibration takes 2 to 100 bins, not {bins}; 15 is usual.")
    return width_bins(histogram, bins) if binning == WIDTH else count_bins(histogram, bins)


class Cells:
    """Some groups of a histogram, labelled rows only, with what their bins add up to.

    w0, w1, q0, q1: (G, B) weights and squared weights of negatives and positives; miss1, miss0: (B,) label less score.
    size, positives, excess: (G, K) sums of weights, of the positives' and of label less score. outside: (G,) whether
    a score is no probability.
    """

    def __init__(self, histogram: Histogram, slab: slice, member: np.ndarray) -> None:
        low, high = histogram.low, histogram.high
        (self.w0, self.w1), (self.q0, self.q1), (n0, n1) = (
            (array[slab, 0].astype(float), array[slab, 1].astype(float))
            for array in (histogram.w, histogram.w2, histogram.n)
        )
        self.member, self.middle = member, low + (high - low) / 2
        self.miss1, self.miss0 = 1 - self.middle, -self.middle
        self.rows = n0.sum(axis=1) + n1.sum(axis=1)
        self.size = (self.w0 + self.w1) @ member
        self.positives = self.w1 @ member
        self.excess = (self.w1 * self.miss1 + self.w0 * self.miss0) @ member
        self.total = self.size.sum(axis=1)
        beyond = (low < 0) | (high > 1)
        self.outside = (n0[:, beyond] + n1[:, beyond]).sum(axis=1) > 0
        self.doubt = (high - low) / 2
        self.w, self.w2 = histogram.w[slab, :2], histogram.w2[slab, :2]
        self.dealt = None if histogram.dealt is None else histogram.dealt.pick(slab)

    def here(self, by_bin: np.ndarray) -> np.ndarray:
        """(G, B) what a bin has, at each of its codes."""
        return np.nan_to_num(by_bin) @ self.member.T

    def variance(self, psi0: np.ndarray, psi1: np.ndarray) -> np.ndarray:
        """(G,) of a statistic whose rows have these influences, by class and code."""
        if self.dealt is not None:
            moved, hidden = self.dealt.summed(np.stack([psi0, psi1], axis=1), self.w, self.w2)
            units = self.dealt.units
            return divide((moved**2).sum(axis=1) + hidden, self.total**2) * divide(units, units - 1.0)
        spread = np.einsum("gb,gb->g", self.q1, psi1**2) + np.einsum("gb,gb->g", self.q0, psi0**2)
        return divide(spread, self.total**2) * divide(self.rows, self.rows - 1)

    def squares(self, psi0: np.ndarray, psi1: np.ndarray) -> np.ndarray:
        """(G, K) sums over rows, or units, of squares of what they add up to in a bin. psi0, psi1: (B,) or (G, B)."""
        if self.dealt is None:
            return (self.q1 * psi1**2 + self.q0 * psi0**2) @ self.member
        moved, hidden = self.dealt.summed(self._by_bin(psi0, psi1), self.w, self.w2)
        return np.asarray((moved**2).sum(axis=1) + hidden)

    def _by_bin(self, psi0: np.ndarray, psi1: np.ndarray) -> np.ndarray:
        """(G, 2, B, K) an influence where its code is in the bin."""
        both = np.stack([np.broadcast_to(each, self.w0.shape) for each in (psi0, psi1)], axis=1)
        return both[..., None] * self.member

    def effective(self, level: float) -> np.ndarray:
        """(G, K) the number of rows that a bin's observed share rests on: Kish's, or as few as its units allow."""
        rows = effective_n(self.size, (self.q0 + self.q1) @ self.member)
        if self.dealt is None:
            return rows
        share = divide(self.positives, self.size)
        here = self.here(share)
        units = (self.dealt.summed(self._by_bin(np.ones(1), np.ones(1)), self.w, self.w2)[0] > 0).sum(axis=1)
        spread = divide(self.squares(-here, 1 - here), self.size**2) * correction(units)
        return np.nan_to_num(share_size(share, spread, units, rows, level))

    def probable(self, value: np.ndarray) -> np.ndarray:
        """(G,) the value, nan where a score is no probability."""
        return np.where(self.outside, np.nan, value)


def freedom(histogram: Histogram) -> np.ndarray | None:
    """(G,) degrees of freedom of a variance over units; None where rows belong to none, and there are many."""
    return None if histogram.dealt is None else histogram.dealt.units - 1.0


def how(histogram: Histogram) -> str:
    """What an interval's method adds where rows go together."""
    return "" if histogram.dealt is None else f", {DEALT}"


Statistic = Callable[[Cells], tuple[np.ndarray, ...]]


def over(histogram: Histogram, bins: Bins, statistic: Statistic) -> list[np.ndarray]:
    """What a statistic gives for every group, worked out for some groups at a time."""
    parts = [statistic(cells) for cells in _slabs(histogram, bins)]
    return [np.concatenate(each) for each in zip(*parts, strict=True)]


def _slabs(histogram: Histogram, bins: Bins) -> Iterator[Cells]:
    member = bins.member
    for slab in slabs(histogram) if len(histogram.n) else [slice(0, 0)]:
        yield Cells(histogram, slab, member)


def table(histogram: Histogram, bins: Bins, level: float = 0.95) -> Table:
    """Rows, mean score and observed share by group and bin. level: of the interval the effective rows are for."""
    rows = histogram.n[:, :2].sum(axis=1).astype(float) @ bins.member

    def summed(cells: Cells) -> tuple[np.ndarray, ...]:
        value = divide(cells.positives, cells.size)
        return cells.effective(level), value - divide(cells.excess, cells.size), value

    effective, score, value = over(histogram, bins, summed)
    return Table(np.rint(rows).astype(np.int64), effective, score, value)


def calibration_error(histogram: Histogram, bins: Bins | None = None) -> Calibration:
    """Expected calibration error over bins [a, b) of the positive class's score, 0 to 1; 15 of equal width by default.

    The share-weighted mean of |mean label - mean score| by bin. A code's score is the middle of its range; bound adds
    up half the ranges, and the whole share of a code that straddles an edge. The variance is linearised at the signs
    found. bias: the mean of a folded normal less its centre, by bin, with the noise seen or that of calibrated
    scores (as in Brocker and Smith 2007), whichever is larger, and the gap found less that noise for the centre;
    least_bias with the whole gap for the centre. nan where a score lies outside [0, 1].
    """
    picked = width_bins(histogram) if bins is None else bins
    doubt = doubts(histogram, picked)

    def statistic(cells: Cells) -> tuple[np.ndarray, ...]:
        size = np.abs(cells.excess)
        value = cells.probable(divide(size.sum(axis=1), cells.total))
        side = cells.here(np.sign(cells.excess))
        spread = cells.variance(side * cells.miss0 - value[:, None], side * cells.miss1 - value[:, None])
        bound = np.minimum(divide((cells.w0 + cells.w1) @ doubt, cells.total), 1.0)
        chance = np.maximum(cells.middle * (1 - cells.middle), 0.0)
        calibrated = ((cells.q0 + cells.q1) * chance) @ cells.member
        noise = np.sqrt(np.maximum(cells.squares(cells.miss0, cells.miss1), calibrated))
        added = [_folding(centre, noise).sum(axis=1) for centre in (size, np.maximum(size - noise, 0.0))]
        return value, spread, bound, *(divide(each, cells.total) for each in added)

    return Calibration(*over(histogram, picked, statistic))


def _folding(centre: np.ndarray, noise: np.ndarray) -> np.ndarray:
    """The mean of the size of a normal variable about `centre` >= 0, less the centre."""
    from scipy.special import ndtr

    ratio = np.nan_to_num(divide(centre, noise))
    return noise * np.sqrt(2 / np.pi) * np.exp(-(ratio**2) / 2) - 2 * centre * ndtr(-ratio) * (noise > 0)


def doubts(histogram: Histogram, bins: Bins) -> np.ndarray:
    """(B,) how far a row's score and bin may be from what its code says: half its range, 2 where it straddles."""
    straddles = histogram.high > bins.edges[bins.home + 1]
    return np.where(straddles, 2.0, (histogram.high - histogram.low) / 2)


def largest_error(histogram: Histogram, bins: Bins, level: float) -> tuple[np.ndarray, Ends, np.ndarray]:
    """The largest |mean label - mean score| of a bin that has rows, its interval and its bound, each (G,).

    Exact intervals of all such bins hold together at `level` (Clopper and Pearson 1934; Sidak 1967), so the largest
    error lies between the largest of the low ends and the largest of the high ones: conservative. nan where a score
    lies outside [0, 1].
    """
    doubt = doubts(histogram, bins)

    def statistic(cells: Cells) -> tuple[np.ndarray, ...]:
        share = divide(cells.positives, cells.size)
        gap = divide(np.abs(cells.excess), cells.size)
        score = share - divide(cells.excess, cells.size)
        effective = cells.effective(level)
        filled = (cells.size > 0).sum(axis=1)
        low, high = (np.full(gap.shape, np.nan) for _ in range(2))
        for count in np.unique(filled[filled > 0]):
            same = filled == count
            ends = clopper_pearson(share[same] * effective[same], effective[same], level ** (1 / count))
            low[same], high[same] = ends[0] - score[same], ends[1] - score[same]
        inner = np.where(low * high <= 0, 0.0, np.minimum(np.abs(low), np.abs(high)))
        outer = np.maximum(np.abs(low), np.abs(high))
        slack = divide((cells.w0 + cells.w1) * doubt @ cells.member, cells.size)
        value = cells.probable(_most(gap))
        held = np.isnan(value)
        least, most = (np.where(held, np.nan, np.clip(_most(each), 0, 1)) for each in (inner, outer))
        return value, np.fmin(least, value), np.fmax(most, value), np.minimum(_most(slack), 1.0)

    value, low, high, bound = over(histogram, bins, statistic)
    return value, (low, high), bound


def _most(array: np.ndarray) -> np.ndarray:
    """(G,) the largest over the bins, nan where all are."""
    found = np.where(np.isnan(array), -np.inf, array).max(axis=1, initial=-np.inf)
    return np.where(np.isinf(found), np.nan, found)
