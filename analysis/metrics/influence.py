"""Influence: how far one row of a kind moves a metric, which variances of differences on shared rows are made of."""

import numpy as np
import polars as pl

from analysis.core.cube import Confusion, Cube
from analysis.metrics.decisions import decided
from analysis.metrics.definition import Metric

STEP = 1e-5
"""Of the smallest class: small enough for the curvature, large enough for the digits of a float."""
CELLS = 4_000_000


def of_decisions(metric: Metric, cube: Cube) -> np.ndarray:
    """(G, K, C, C): by how much a unit of weight more in a cell (actual, decided) moves each of the metric's K values.

    Central differences of the metric's own definition, to about 1e-9; K is the number of classes for a metric by class,
    else 1. A cell without rows has 0. Values here do not depend on a common factor of the counts, so that the weighted
    mean of the influences is 0.
    """
    counts = decided(cube)
    groups, classes = len(counts.w), counts.w.shape[1]
    w = counts.w.reshape(groups, -1)
    margins = np.concatenate([w, counts.actual, counts.predicted], axis=1)
    least = np.where(margins > 0, margins, np.inf)
    step = np.minimum(STEP * least[:, classes**2 :].min(axis=1), least[:, : classes**2].min(axis=1) / 2)
    step = np.where(np.isfinite(step), step, 1.0)
    used = np.flatnonzero((w > 0).any(axis=0))
    made = np.zeros((groups, max(_width(metric, cube), 1), classes**2))
    at_once = max(1, CELLS // (2 * groups * (classes + 1) ** 2))
    for start in range(0, len(used), at_once):
        cells = used[start : start + at_once]
        moved = np.broadcast_to(w, (2, len(cells), groups, classes**2)).copy()
        for place, cell in enumerate(cells):
            moved[0, place, :, cell] += step
            moved[1, place, :, cell] -= step
        up, down = _values(metric, cube, moved.reshape(-1, classes, classes)).reshape(2, len(cells), groups, -1)
        made[:, :, cells] = np.moveaxis((up - down) / (2 * step[:, None]), 0, -1)
    occurs = np.broadcast_to((w > 0)[:, None, :], made.shape)
    return np.where(occurs, made, 0.0).reshape(groups, -1, classes, classes)


def _width(metric: Metric, cube: Cube) -> int:
    return len(cube.classes) if metric.by_class(cube) else 1


def _values(metric: Metric, cube: Cube, w: np.ndarray) -> np.ndarray:
    """The metric's values for these counts, (groups * K,)."""
    groups, classes = w.shape[:2]
    full = np.zeros((groups, classes + 1, classes + 1))
    full[:, :classes, :classes] = w
    other = Cube(pl.DataFrame(), np.ones(groups), cube.classes, Confusion(full, full, full))
    return metric.estimate(other, 0.95).value
