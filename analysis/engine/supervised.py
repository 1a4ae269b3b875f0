"""Supervised cuts: a column of numbers or dates cut where a metric changes most, found on one half of the rows.

The half bit is the file's own, so that the other half can confirm what this one found. Cuts are searched among twenty
equally full bins: the place where the two sides differ most surely is taken, then each side is searched in turn, as in
a regression tree (Breiman et al. 1984), as long as the difference holds after correction for the places tried.
"""

from dataclasses import replace

import numpy as np

from analysis.core.cube import Cube
from analysis.core.cut import Cut
from analysis.core.settings import number, whole
from analysis.engine import binning, replicated
from analysis.engine.query import OpenEvaluation, Query
from analysis.metrics import unpaired
from analysis.metrics.definition import Metric

FINE = f"{binning.QUANTILE}:20"
MOST_GROUPS = 6
FINDING, CONFIRMING = "true", "false"


def cut(evaluation: OpenEvaluation, query: Query, metric: Metric, name: str) -> Cut:
    """The cut of a column along which the metric changes, without edges where it does not.

    query: which rows, which model version and which decision; its keys are not used.
    """
    fine = binning.cut(evaluation, query.model, name, FINE)
    if not isinstance(fine, Cut) or not fine.edges:
        return Cut(name, ())
    answer = replicated.ask(evaluation, replace(query, by=(fine,), halves=True))
    groups = answer.cube.groups
    found = answer.cube.pick((groups["k1"] == FINDING).to_numpy() & groups["k0"].is_not_null().to_numpy())
    order = {text: place for place, text in enumerate(fine.names())}
    places = np.array([order[text] for text in found.groups["k0"].to_list()], dtype=np.int64)
    inner = sorted(_edges(found, metric, places, 0, len(fine) - 1, MOST_GROUPS - 1))
    return Cut(name, tuple(fine.edges[place] for place in inner))


def half(cube: Cube) -> Cube:
    """The groups of the half that confirms, under their first key alone."""
    picked = cube.pick((cube.groups["k1"] == CONFIRMING).to_numpy())
    return replace(picked, groups=picked.groups.drop("k1"))


def _edges(cube: Cube, metric: Metric, places: np.ndarray, first: int, last: int, most: int) -> list[int]:
    """The edges (edge i lies between bins i and i + 1) worth cutting at between two bins, the surest first."""
    tried = np.arange(first, last)
    inside = (places >= first) & (places <= last)
    if not len(tried) or most < 1 or not np.any(inside):
        return []
    left = inside[None, :] & (places[None, :] <= tried[:, None])
    right = inside[None, :] & (places[None, :] > tried[:, None])
    contrast = unpaired.difference(metric, cube.mix(left), cube.mix(right))
    thin = np.minimum(contrast.first.n, contrast.second.n) < whole("small_group")
    p = np.where(thin | np.isnan(contrast.p), 1.0, contrast.p)
    best = int(np.argmin(p))
    if p[best] * np.count_nonzero(~thin) > number("q"):
        return []
    at = int(tried[best])
    lower = _edges(cube, metric, places, first, at, most - 1)
    return [at, *lower, *_edges(cube, metric, places, at + 1, last, most - 1 - len(lower))]
