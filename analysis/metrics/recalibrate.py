"""Recalibration: mappings fitted to one histogram, and what they change on another."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from analysis.core.cube import Cube, Histogram
from analysis.core.estimate import Estimates
from analysis.core.mapping import BETA, ISOTONIC, MARGIN, PLATT, Mapping
from analysis.core.settings import whole
from analysis.metrics import curves, logistic, reliability
from analysis.metrics.calibration import degrees, linearised, rows_of, why_not
from analysis.metrics.intervals import divide, plain, reasons
from analysis.metrics.reliability import Cells
from analysis.metrics.scores import scored

EPSILON = float(np.finfo(float).eps)
REVERSED = "the score ranks the wrong way round there, and a mapping must not turn that round"
APART = "the score separates the classes there, so no finite fit is the likeliest"


@dataclass(frozen=True)
class Fit:
    """What fitting gave: a mapping, or why there is none. n: the rows it was fitted on."""

    mapping: Mapping | None
    n: int
    reason: str | None = None


def fitted(method: str, cube: Cube, model: str) -> Fit:
    """The mapping of `method` that fits the one group of a cube best, weighted by the rows of each code.

    A code's score is the middle of its range: exact where codes hold single values.
    """
    histogram = scored(cube)
    n = int(histogram.n[0, :2].sum())
    least = int(min(histogram.n[0, 0].sum(), histogram.n[0, 1].sum()))
    if least < whole("small_group"):
        return Fit(None, n, f"only {least:,} rows of one class to fit on, and {whole('small_group')} are needed")
    held = histogram.w[0, :2].sum(axis=0) > 0
    score = (histogram.low + (histogram.high - histogram.low) / 2)[held]
    w0, w1 = (histogram.w[0, side].astype(float)[held] for side in (0, 1))
    found = FITTERS[method](score, w0, w1)
    return Fit(None, n, found) if isinstance(found, str) else Fit(replace(found, model=model), n)


def platt(score: np.ndarray, w0: np.ndarray, w1: np.ndarray) -> Mapping | str:
    """Logistic regression on the log odds of the score, on the score itself where it is no probability (Platt 1999)."""
    raw = bool(score.min() < 0 or score.max() > 1)
    x = score if raw else logistic.logit(logistic.clipped(score, MARGIN))
    if not logistic.overlapping(x, w0[None], w1[None])[0]:
        return APART
    centre, scale = float(np.average(x, weights=w0 + w1)), float(np.ptp(x)) or 1.0
    found = logistic.fit(np.column_stack([np.ones(len(x)), (x - centre) / scale]), w0[None], w1[None]).coefficients[0]
    if not np.isfinite(found).all():
        return APART
    slope = float(found[1] / scale)
    if slope <= 0:
        return REVERSED
    return Mapping(PLATT, (("intercept", float(found[0]) - slope * centre), ("slope", slope)), raw=raw)


def isotonic(score: np.ndarray, w0: np.ndarray, w1: np.ndarray) -> Mapping | str:
    """The rising step function nearest to the labels, by pooling neighbours that fall (Ayer et al. 1955).

    Straight lines join the last score of a step with the first of the next.
    """
    blocks: list[tuple[float, float, int, int]] = []
    for place, (negative, positive) in enumerate(zip(w0, w1, strict=True)):
        block = (positive, negative + positive, place, place)
        while blocks and blocks[-1][0] * block[1] >= block[0] * blocks[-1][1]:
            before = blocks.pop()
            block = (before[0] + block[0], before[1] + block[1], before[2], block[3])
        blocks.append(block)
    if len(blocks) == 1:
        return REVERSED
    knots: list[tuple[float, float]] = []
    for top, weight, first, last in blocks:
        share = min(max(top / weight, 0.0), 1.0)
        knots += [(float(score[each]), share) for each in dict.fromkeys((first, last))]
    return Mapping(ISOTONIC, knots=tuple(knots))


def beta(score: np.ndarray, w0: np.ndarray, w1: np.ndarray) -> Mapping | str:
    """Logistic regression on ln(s) and -ln(1 - s) with neither weight below 0 (Kull, Silva Filho and Flach 2017).

    Where the free fit has a weight below 0, the likeliest of the fits without one or both of the terms.
    """
    if score.min() < 0 or score.max() > 1:
        return "the scores are no probabilities, which beta calibration starts from"
    s = logistic.clipped(score, MARGIN)
    if not logistic.overlapping(s, w0[None], w1[None])[0]:
        return APART
    terms = np.column_stack([np.ones(len(s)), np.log(s), -np.log1p(-s)])
    best, chosen = -np.inf, None
    for used in ((0, 1, 2), (0, 1), (0, 2)):
        got = logistic.fit(terms[:, used], w0[None], w1[None])
        full = np.zeros(3)
        full[list(used)] = got.coefficients[0]
        if np.isfinite(full).all() and min(full[1:]) >= 0 and got.likelihood[0] > best:
            best, chosen = got.likelihood[0], full
        if chosen is not None and len(used) == 3:
            break
    if chosen is None or not chosen[1:].any():
        return REVERSED
    return Mapping(BETA, tuple(zip(("intercept", "rise", "fall"), map(float, chosen), strict=True)))


FITTERS: dict[str, Callable[[np.ndarray, np.ndarray, np.ndarray], Mapping | str]] = {
    PLATT: platt,
    ISOTONIC: isotonic,
    BETA: beta,
}


def mapped(cube: Cube, mapping: Mapping) -> Cube:
    """The same rows with the mapping's probability for a score."""
    histogram = scored(cube)
    low, high = mapping.apply(histogram.low), mapping.apply(histogram.high)
    return Cube(cube.groups, cube.rows, cube.classes, histogram=replace(histogram, low=low, high=high))


def losses(kind: str, score: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(of a negative row, of a positive row): "log_loss", clipped at the float type's epsilon, or "brier"."""
    if kind == "brier":
        return score**2, (1 - score) ** 2
    s = np.clip(score, EPSILON, 1 - EPSILON)
    return -np.log1p(-s), -np.log(s)


def mean_loss(kind: str, cube: Cube, level: float) -> Estimates:
    """A mean loss read from the histogram, with Student's interval; bound: what the ranges of the codes hide."""
    histogram = scored(cube)
    at, low, high = (losses(kind, np.clip(each, 0, 1)) for each in _scores(histogram))
    doubt = tuple(np.maximum(np.abs(low[side] - at[side]), np.abs(high[side] - at[side])) for side in (0, 1))
    return _mean(histogram, at, doubt, level)


def loss_change(kind: str, before: Cube, after: Cube, level: float) -> Estimates:
    """The mean loss after less the one before, of the same rows: paired, with Student's interval."""
    one, two = scored(before), scored(after)
    (at1, *ends1), (at2, *ends2) = (
        [losses(kind, np.clip(each, 0, 1)) for each in _scores(histogram)] for histogram in (one, two)
    )
    term = (at2[0] - at1[0], at2[1] - at1[1])
    doubt = tuple(
        np.maximum(*(np.abs(late[side] - early[side] - term[side]) for early, late in zip(ends1, ends2, strict=True)))
        for side in (0, 1)
    )
    return _mean(one, term, doubt, level, paired=True)


def _scores(histogram: Histogram) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return histogram.low + (histogram.high - histogram.low) / 2, histogram.low, histogram.high


def _mean(
    histogram: Histogram,
    term: tuple[np.ndarray, ...],
    doubt: tuple[np.ndarray, ...],
    level: float,
    paired: bool = False,
) -> Estimates:
    def statistic(cells: Cells) -> tuple[np.ndarray, ...]:
        value = cells.probable(divide(cells.w0 @ term[0] + cells.w1 @ term[1], cells.total))
        variance = cells.variance(term[0] - value[:, None], term[1] - value[:, None])
        return value, variance, divide(cells.w0 @ doubt[0] + cells.w1 @ doubt[1], cells.total)

    value, variance, bound = reliability.over(histogram, reliability.width_bins(histogram), statistic)
    low, high = plain(value, variance, level, degrees(histogram))
    method = ("mean of the differences" if paired else "mean") + f", Student's t{linearised(histogram)}"
    if not paired:
        low = np.maximum(low, 0.0)
    return Estimates(value, low, high, rows_of(histogram), method, why_not(histogram, value), bound=bound)


def spiegelhalter(cube: Cube) -> tuple[Estimates, Estimates]:
    """Spiegelhalter's z of every group and its two-sided p: whether calibrated scores would give this Brier score.

    Without bins (Spiegelhalter 1986). Undefined under weights, as the rows then are no sample of their own. Where rows
    belong to units its standard error is between these, and p by Student's t on their number.
    """
    from scipy.special import ndtr, stdtr

    histogram = scored(cube)

    def statistic(cells: Cells) -> tuple[np.ndarray, ...]:
        s = cells.middle
        above = cells.w0 @ (cells.miss0 * (1 - 2 * s)) + cells.w1 @ (cells.miss1 * (1 - 2 * s))
        variance = (cells.w0 + cells.w1) @ ((1 - 2 * s) ** 2 * s * (1 - s))
        if cells.dealt is not None:
            by_row = (np.broadcast_to(miss * (1 - 2 * s), cells.w0.shape) for miss in (cells.miss0, cells.miss1))
            variance = cells.variance(*by_row) * cells.total**2
        return cells.probable(divide(above, np.sqrt(np.maximum(variance, 0.0)))), cells.outside.astype(float)

    z, outside = reliability.over(histogram, reliability.width_bins(histogram), statistic)
    sizes = curves.class_sizes(histogram)
    if histogram.weighted:
        z = np.full(len(z), np.nan)
    why = reasons(
        len(z),
        (sizes.rows == 0, "no row has both a label and a score"),
        (outside > 0, "some scores lie outside 0 to 1, so they are no probabilities"),
        (np.full(len(z), histogram.weighted), "an exact test takes every row for one; these rows have weights"),
        (np.isnan(z), "every score is 0, 1 or one half, where calibration leaves nothing to chance"),
    )
    nothing = np.full(len(z), np.nan)
    units = reliability.freedom(histogram)
    method = "Spiegelhalter's z, unbinned, " + (
        "normal" if units is None else f"Student's t{reliability.how(histogram)}"
    )
    method += "" if histogram.exact else "; each code at its middle"
    bound = np.full(len(z), 0.0 if histogram.exact else np.nan)
    p = 2 * (ndtr(-np.abs(z)) if units is None else stdtr(np.maximum(units, 1), -np.abs(z)))
    return (
        Estimates(z, nothing, nothing, sizes.rows, method, why, bound=bound),
        Estimates(p, nothing, nothing, sizes.rows, f"{method}, two-sided", why, bound=bound),
    )
