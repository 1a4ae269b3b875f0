"""Unpaired: the difference of a metric between two groups of different rows, with the test that fits the metric.

Shares are tested by z with the pooled standard error, the AUC by DeLong's z (Student's t with Welch's degrees of
freedom where a class has fewer than 30 rows), means by Welch's t, everything else by the interval itself. Where rows
belong to units every metric is tested by its interval, which knows the units and what both sides share of them.
"""

from dataclasses import replace

import numpy as np

from analysis.core.cube import Cube, Histogram
from analysis.core.estimate import Estimates
from analysis.core.settings import whole
from analysis.metrics import contrasts, curves, means, replicates
from analysis.metrics.contrasts import Contrast
from analysis.metrics.definition import Metric
from analysis.metrics.intervals import divide, t_value, z_value
from analysis.metrics.means import Spread

FEW = 10
SHARED_UNITS = "units with rows on both sides are not allowed for"
AREAS = {"roc_auc": 1.0, "gini": 2.0}
"""{metric: how many AUCs it is}"""


def difference(metric: Metric, first: Cube, second: Cube, *, level: float = 0.95) -> Contrast:
    """first - second, group by group; the cubes have as many groups, or one of them has one."""
    a, b = metric.measure(first, level=level), metric.measure(second, level=level)
    shared = together(metric, first, second, level)
    rough = contrasts.difference(a, b, level=level, together=shared)
    if metric.better == "zero":
        judged = distances(a, b, shared, level)
        return Contrast(a, b, said(rough, "unpaired"), judged, contrasts.p_values(judged, level))
    if any(side.units is not None or side.replicates is not None for side in (first, second)):
        made = said(rough, "unpaired")  # the intervals know the units, the tests below do not
        if shared is None:
            made = replace(made, method=f"{made.method}; {SHARED_UNITS}")
        return Contrast(a, b, made, made, contrasts.p_values(rough, level))
    if a.method == b.method == "Wilson":
        p = contrasts.two_proportions(a.value * a.n, a.n, b.value * b.n, b.n)
        p = np.where(np.isnan(p), contrasts.p_values(rough, level), p)
        made = said(rough, "unpaired", "; z with the pooled standard error")
        return Contrast(a, b, made, made, p)
    if metric.name in AREAS and first.histogram is not None and second.histogram is not None:
        return _areas(AREAS[metric.name], a, b, rough, first.histogram, second.histogram, level)
    sides = means.spread(metric.name, first), means.spread(metric.name, second)
    if sides[0] is not None and sides[1] is not None:
        error = means.welch(sides[0], sides[1])
        return by_t(a, b, rough, error, "unpaired: Welch's t of the means", level)
    made = said(rough, "unpaired")
    return Contrast(a, b, made, made, contrasts.p_values(rough, level))


def together(metric: Metric, first: Cube, second: Cube, level: float) -> np.ndarray | None:
    """(G,) the correlation of a metric's two values that units with rows on both sides bring about; None: not known."""
    return replicates.correlation(*(replicates.influence(metric, side, level) for side in (first, second)))


def distances(a: Estimates, b: Estimates, shared: np.ndarray | None, level: float) -> Estimates:
    """The difference of the distances from zero, which turn the correlation where one value lies below it."""
    turned = None if shared is None else shared * np.sign(a.value) * np.sign(b.value)
    sizes = contrasts.magnitude(a), contrasts.magnitude(b)
    return contrasts.difference(*sizes, level=level, together=turned)


def said(difference: Estimates, how: str, test: str = "") -> Estimates:
    """The difference with its method in words: paired or not, and the test."""
    return replace(difference, method=f"{how}: {difference.method}{test}")


def by_t(a: Estimates, b: Estimates, rough: Estimates, error: Spread, method: str, level: float) -> Contrast:
    """The contrast from a standard error and its degrees of freedom (infinite: z); `rough` where there is no spread."""
    from scipy.special import ndtr, stdtr

    value, deviation = rough.value, np.sqrt(error.variance)
    usable = (deviation > 0) & (error.freedom > 0)
    finite = np.where(usable & np.isfinite(error.freedom), error.freedom, 1.0)
    reach = np.where(np.isfinite(error.freedom), t_value(level, finite), z_value(level)) * deviation
    strength = np.abs(divide(value, deviation))
    p = 2 * np.where(np.isfinite(error.freedom), stdtr(finite, -strength), ndtr(-strength))
    made = replace(
        rough,
        low=np.where(usable, value - reach, rough.low),
        high=np.where(usable, value + reach, rough.high),
        method=method if np.all(usable | np.isnan(value)) else f"{method}; where nothing varies {rough.method}",
    )
    return Contrast(a, b, made, made, np.where(usable, p, contrasts.p_values(rough, level)))


def _areas(
    scale: float, a: Estimates, b: Estimates, rough: Estimates, first: Histogram, second: Histogram, level: float
) -> Contrast:
    parts, classes = [], []
    for side in (first, second):
        sizes = curves.class_sizes(side)
        classes += [sizes.positives, sizes.negatives]
        parts += _class_spreads(side)
    size = len(rough)
    error = means.welch(*parts)
    least = np.min([np.broadcast_to(each, size) for each in classes], axis=0)
    freedom = np.where(least < whole("small_group"), error.freedom, np.inf)
    error = Spread(np.where(least < FEW, 0.0, scale**2 * error.variance), freedom)
    method = "unpaired: DeLong's z"
    if np.any(np.isfinite(freedom) & (least >= FEW)):
        method += f", with Welch's degrees of freedom where a class has fewer than {whole('small_group')} rows"
    return by_t(a, b, rough, error, method, level)


def _class_spreads(histogram: Histogram) -> list[Spread]:
    """DeLong's variance of the AUC as its two parts, one a class."""
    parts: list[list[np.ndarray]] = []
    for slab in curves.slabs(histogram):
        w0, w1 = (histogram.w[slab, side].astype(float) for side in (0, 1))
        made: list[np.ndarray] = []
        for side, place, own in zip((0, 1), curves.placements(w0, w1), (w0, w1), strict=True):
            n, total = histogram.n[slab, side].sum(axis=1), own.sum(axis=1)
            mean = divide((own * np.nan_to_num(place)).sum(axis=1), total)
            square = (histogram.w2[slab, side] * np.nan_to_num(place - mean[:, None]) ** 2).sum(axis=1)
            made += [divide(square, total**2) * divide(n, n - 1.0), n - 1.0]
        parts.append(made)
    joined = [np.concatenate(each) for each in zip(*parts, strict=True)]
    return [Spread(*joined[:2]), Spread(*joined[2:])]
