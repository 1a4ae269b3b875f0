"""Nested: what a metric over all rows would be without some of them, and the interval of that difference.

All rows hold those that stay, so the two values go together. Where a metric over all rows is the mean of its two parts
weighted by their n, the difference is the share of the part times the difference of the parts, which are different
rows. The AUC is no such mean: its difference is linearised by DeLong's placements over all rows and over those that
stay. Where rows belong to units, everything else takes its correlation from the replicates.
"""

from dataclasses import dataclass

import numpy as np

from analysis.core.cube import Cube, Histogram
from analysis.core.estimate import Estimates
from analysis.metrics import contrasts, curves, unpaired
from analysis.metrics.definition import Metric
from analysis.metrics.intervals import divide, z_value

SAME = 1e-9


@dataclass(frozen=True)
class Nested:
    """A metric over all rows, without a part, and over the part alone; difference = over all less without.

    p: two-sided, that leaving the part out changes nothing; nan where there is no interval.
    """

    over_all: Estimates
    without: Estimates
    alone: Estimates
    difference: Estimates
    p: float


def is_mean(metric: Metric, over_all: Cube, without: Cube, alone: Cube) -> bool:
    """Whether the metric over all rows is here the mean of its two parts weighted by their n; of cubes of one group."""
    whole, rest, part = (metric.measure(cube) for cube in (over_all, without, alone))
    n = part.n[0] + rest.n[0]
    if n != whole.n[0] or np.isnan(part.value[0]) or np.isnan(rest.value[0]):
        return False
    mean = (part.n[0] * part.value[0] + rest.n[0] * rest.value[0]) / n
    return bool(abs(mean - whole.value[0]) <= SAME * max(1.0, abs(whole.value[0])))


def nested(metric: Metric, over_all: Cube, without: Cube, alone: Cube, *, mean: bool, level: float = 0.95) -> Nested:
    """Of cubes of one group each; mean: as `is_mean` says of them. Where rows belong to units, replicates are wanted of
    `without` and of `alone` for a mean, else of `over_all`."""
    whole, rest, part = (metric.measure(cube, level=level) for cube in (over_all, without, alone))
    value, none = whole.value - rest.value, np.full(1, np.nan)

    def made(low: np.ndarray, high: np.ndarray, method: str, p: float, reason: str | None = None) -> Nested:
        why = np.array([reason], dtype=object)
        return Nested(whole, rest, part, Estimates(value, low, high, part.n, method, why), p)

    if np.isnan(value[0]):
        return made(none, none, "", float("nan"), f"undefined: {rest.reason[0] or whole.reason[0]}")
    if part.n[0] == 0:
        return made(value * 0, value * 0, "none of these rows counts", float("nan"))
    if mean:
        share = divide(part.n, part.n + rest.n)
        contrast = unpaired.difference(metric, alone, without, level=level)
        low, high = share * contrast.difference.low, share * contrast.difference.high
        return made(low, high, f"share of these rows times {contrast.difference.method}", float(contrast.p[0]))
    units = over_all.replicates is not None and without.replicates is not None
    if units and unpaired.together(metric, over_all, without, level) is not None:
        contrast = unpaired.difference(metric, over_all, without, level=level)
        return made(contrast.difference.low, contrast.difference.high, contrast.difference.method, float(contrast.p[0]))
    if metric.name == "roc_auc" and not units and over_all.histogram and without.histogram:
        reach = z_value(level) * _areas(over_all.histogram, without.histogram)
        found = Estimates(value, value - reach, value + reach, part.n, "")
        p = float(contrasts.p_values(found, level)[0])
        return made(found.low, found.high, "DeLong's placements over all rows and over those that stay", p)
    return made(none, none, "", float("nan"), "no interval: this metric is no mean over rows")


def _areas(whole: Histogram, rest: Histogram) -> np.ndarray:
    """(1,) the standard error of the AUC over all rows less that of the rest, rows taken as drawn at random."""
    square = np.zeros(1)
    placed = [curves.placements(*(each.w[:, side].astype(float) for side in (0, 1))) for each in (whole, rest)]
    for side in (0, 1):
        w, w2 = whole.w[:, side].astype(float), whole.w2[:, side].astype(float)
        v, v2 = rest.w[:, side].astype(float), rest.w2[:, side].astype(float)
        inner = [np.nan_to_num(each[side]) for each in placed]
        mean = [divide((own * place).sum(axis=1), own.sum(axis=1)) for own, place in zip((w, v), inner, strict=True)]
        one = divide(inner[0] - mean[0][:, None], w.sum(axis=1)[:, None])
        two = divide(inner[1] - mean[1][:, None], v.sum(axis=1)[:, None])
        square += ((w2 - v2) * one**2).sum(axis=1) + (v2 * (one - two) ** 2).sum(axis=1)
    return np.sqrt(square)
