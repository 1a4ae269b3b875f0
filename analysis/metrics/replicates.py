"""Replicates: variances and correlations over random groups of units, for what no sum over single units serves.

A metric's influence, summed by replicate, is as variable as the metric is (random groups; Wolter 2007, ch. 2). Taken
between two sets of rows it gives the correlation that units with rows in both bring about.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from analysis.core.cube import Cube, Histogram
from analysis.core.replicates import Dealt, Moved
from analysis.core.wholes import Units
from analysis.metrics import curves
from analysis.metrics.class_curves import areas
from analysis.metrics.intervals import FLAT, divide

if TYPE_CHECKING:
    from analysis.metrics.definition import Metric

CELLS = 4_000_000
"""Groups times pairs of cells held at once; beyond it rows are taken one by one, as the method then says."""
AREAS = {"roc_auc_ovr": False, "roc_auc_ovo": True}
"""{mean area of many classes: whether of pairs of classes}"""
SUMMED = ("decisions", "predictions", "labels", "sum:", "over:", "own:")
"""Needs of a metric that may be measured once more without each replicate."""


def with_units(cube: Cube) -> Cube:
    """The cube with its histogram by replicate, and each replicate as one unit where it does not know single units."""
    if cube.replicates is None:
        return cube
    return cube.once("replicates as units", lambda: _as_units(cube, cube.replicates))  # type: ignore[arg-type]


def split(array: np.ndarray, cube: Cube) -> np.ndarray:
    """(G, R, ...) of an array over the cube's replicates."""
    assert cube.replicates is not None  # noqa: S101 - asked for only where there are
    each = len(cube.replicates) // max(len(cube), 1)
    return array.reshape(len(cube), each, *array.shape[1:])


def filled(cube: Cube) -> np.ndarray:
    """(G, R) whether a replicate holds rows of the group."""
    assert cube.replicates is not None  # noqa: S101 - asked for only where there are
    return split(cube.replicates.rows, cube) > 0


def _as_units(cube: Cube, parts: Cube) -> Cube:
    units = Units(filled(cube).sum(axis=1), dealt=True)
    if parts.confusion is not None and len(cube) * parts.confusion.w[0].size ** 2 <= CELLS:
        w = split(parts.confusion.w.astype(float), cube)
        w = w.reshape(*w.shape[:2], -1)
        units = replace(units, cells=np.swapaxes(w, 1, 2) @ w)
    if parts.sums is not None:
        terms = [split(np.asarray(each, dtype=float), cube) for each in (parts.sums.w, *parts.sums.s.values())]
        sums = np.stack(terms, axis=-1)
        used = (split(parts.sums.n, cube) > 0).sum(axis=1)
        moments = np.swapaxes(sums, 1, 2) @ sums
        units = replace(units, terms=("one", *parts.sums.s), moments=moments, used=used)
    histogram = cube.histogram
    if parts.histogram is not None and histogram is not None:
        moved = of_scores("roc_auc", cube)
        known = ~np.isnan(moved.by_part).any(axis=1)
        held = dealt(cube)
        squares = (moved.by_part**2).sum(axis=1) + moved.hidden
        units = replace(units, auc=np.where(known, squares, np.nan), ranked=np.where(known, held.units, 0))
        histogram = replace(histogram, dealt=held)
    if parts.ranks is not None:
        w = split(parts.ranks.w.astype(float), cube)
        units = replace(units, ranks=np.swapaxes(w, 1, 2) @ w)
    pairs = zip(cube.class_histograms, parts.class_histograms, strict=False)
    classes = tuple(replace(whole, dealt=_dealt(cube, whole, part, whole.n.shape[1] - 1)) for whole, part in pairs)
    top = cube.top_label
    if top is not None and parts.top_label is not None:
        top = replace(top, dealt=_dealt(cube, top, parts.top_label, 2))
    cube = replace(cube, class_histograms=classes or cube.class_histograms, top_label=top)
    own = {}
    for text, sums_of in cube.own.items():
        x, o = (split(np.asarray(each, dtype=float), cube) for each in (parts.own[text].s["x"], parts.own[text].w))
        held = (split(parts.own[text].n, cube) > 0).sum(axis=1)
        by_unit = np.stack([held, (x * x).sum(axis=1), (x * o).sum(axis=1), (o * o).sum(axis=1)], axis=-1)
        own[text] = replace(sums_of, by_unit=by_unit)
    if cube.units is not None:
        return replace(cube, histogram=histogram, units=replace(cube.units, ranks=units.ranks))
    return replace(cube, units=units, own=own, histogram=histogram)


Tables = Callable[[Histogram], tuple[np.ndarray, np.ndarray]]


def _of_auc(histogram: Histogram) -> tuple[np.ndarray, np.ndarray]:
    """The influence of a negative and of a positive by code, (G, B), on the AUC."""
    w0, w1 = (histogram.w[:, side].astype(float) for side in (0, 1))
    places = curves.placements(w0, w1)
    made = []
    for place, own in zip(places, (w0, w1), strict=True):
        total = own.sum(axis=1, keepdims=True)
        mean = divide((own * np.nan_to_num(place)).sum(axis=1, keepdims=True), total)
        made.append(divide(place - mean, total))
    return made[0], made[1]


def _of_gini(histogram: Histogram) -> tuple[np.ndarray, np.ndarray]:
    negative, positive = _of_auc(histogram)
    return 2 * negative, 2 * positive


def _of_ks(histogram: Histogram) -> tuple[np.ndarray, np.ndarray]:
    """The influence on the gap at the threshold where it is largest, the threshold held fixed."""
    shares = []
    for side in (0, 1):
        w = histogram.w[:, side].astype(float)
        shares.append(divide(np.cumsum(w, axis=1), w.sum(axis=1, keepdims=True)))
    gap = shares[0] - shares[1]
    best = np.abs(np.nan_to_num(gap)).argmax(axis=1)
    rows = np.arange(len(gap))
    below = np.arange(gap.shape[1])[None, :] <= best[:, None]
    sign = np.sign(gap[rows, best])[:, None]
    made = []
    for side, turn in ((0, 1), (1, -1)):
        total = histogram.w[:, side].sum(axis=1, keepdims=True)
        made.append(turn * sign * divide(below - shares[side][rows, best][:, None], total))
    return made[0], made[1]


SCORES: dict[str, Tables] = {
    "roc_auc": _of_auc,
    "gini": _of_gini,
    "average_precision": curves.of_average_precision,
    "ks": _of_ks,
}
"""{metric of scores: the influence of a negative and of a positive by code}"""


def variance(of_code: np.ndarray, histogram: Histogram) -> tuple[np.ndarray, np.ndarray]:
    """((G,) variance of a value whose rows have this influence by label and code (G, 2, B), its degrees of freedom)
    from a histogram's replicates."""
    held = histogram.dealt
    assert held is not None  # noqa: S101 - asked for only where there are
    moved, hidden = held.summed(of_code, histogram.w[:, :2], histogram.w2[:, :2])
    units = held.units.astype(float)
    return ((moved**2).sum(axis=1) + hidden) * divide(units, units - 1), units - 1


def dealt(cube: Cube) -> Dealt:
    """The labelled rows of the cube's histogram by replicate."""
    parts, histogram = cube.replicates, cube.histogram
    assert parts is not None and parts.histogram is not None and histogram is not None  # noqa: S101, PT018 - see callers
    return _dealt(cube, histogram, parts.histogram, 2)


def _dealt(cube: Cube, histogram: Histogram, part: Histogram, labels: int) -> Dealt:
    cell = np.maximum(np.searchsorted(part.low, histogram.low, side="right") - 1, 0)
    held = split(part.n[:, :labels].sum(axis=(1, 2)), cube) > 0
    return Dealt(split(part.w[:, :labels], cube), cell, held)


def of_scores(name: str, cube: Cube) -> Moved:
    """By how much each replicate moves a metric of scores; nan without both classes."""
    histogram = cube.histogram
    assert histogram is not None  # noqa: S101 - asked for only where there are
    w, w2 = histogram.w[:, :2], histogram.w2[:, :2]
    by_part, hidden = dealt(cube).summed(np.stack(SCORES[name](histogram), axis=1), w, w2)
    known = (w.sum(axis=2) > 0).all(axis=1)
    return Moved(np.where(known[:, None], by_part, np.nan), np.where(known, hidden, np.nan))


def influence(metric: "Metric", cube: Cube, level: float) -> Moved | None:
    """By how much each replicate moves the metric; None where that is not known.

    Of decisions and sums it is what the metric loses without the replicate (the jackknife, times 1 - 1 / m).
    """
    parts = cube.replicates
    if parts is None:
        return None
    if metric.name in SCORES and parts.histogram is not None:
        return cube.once(("influence", metric.name), lambda: of_scores(metric.name, cube))
    if metric.name in AREAS and parts.class_histograms:
        return areas(with_units(cube).class_histograms, pairs=AREAS[metric.name]).moved
    if all(need.startswith(SUMMED) for need in metric.needs):
        return cube.once(("influence", metric.name, metric.source), lambda: _without(metric, cube, level))
    return None


def _without(metric: "Metric", cube: Cube, level: float) -> Moved:
    groups, each = len(cube), len(filled(cube)[0]) if len(cube) else 0
    value = metric.measure(cube, level=level).value.reshape(groups, -1, 1)
    left = metric.estimate(cube.once("left out", cube.left_out), level).value
    left = left.reshape(groups, each, -1).transpose(0, 2, 1)
    held = filled(cube)[:, None, :]
    units = held.sum(axis=2, keepdims=True)
    moved = np.where(held, value - left, 0.0) * divide(units - 1, units)
    moved -= divide(moved.sum(axis=2, keepdims=True), units) * held
    return Moved(moved.reshape(-1, each), np.zeros(moved.shape[0] * moved.shape[1]))


def correlation(first: Moved | None, second: Moved | None) -> np.ndarray | None:
    """(G,) of two sides' values, 0 where one does not vary; None where one is not known."""
    if first is None or second is None:
        return None
    one, two = np.broadcast_arrays(first.by_part, second.by_part)
    scale = np.sqrt(first.squares * second.squares)
    return np.clip(np.nan_to_num(divide((one * two).sum(axis=1), scale)), -1.0, 1.0)


def spread(first: Moved, second: Moved, held: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(the variance of first - second, its degrees of freedom) on the same rows. held: (G, R) which replicates have
    rows; one group serves several values. 0 where what differs is rounding."""
    gap = first.by_part - second.by_part
    units = np.repeat(held.sum(axis=1), len(gap) // max(len(held), 1)).astype(float)
    square, scale = (gap**2).sum(axis=1), first.squares + second.squares
    square = np.where(square > FLAT * scale, square + first.hidden + second.hidden, 0.0)
    return square * divide(units, units - 1), units - 1
