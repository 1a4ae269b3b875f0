"""Shares of decisions: any two sets of cells of one class against the rest, one as a share of the other."""

from dataclasses import dataclass

import numpy as np

from analysis.core.cube import Confusion, Cube
from analysis.core.estimate import Estimates
from analysis.core.wholes import Units
from analysis.metrics.decisions import NO_ROWS, Together, needed, proportion
from analysis.metrics.intervals import divide


def versus(cube: Cube) -> Confusion:
    """Class against rest, as two classes each: of two the positive one, (G, 3, 3); of more all, (G * C, 3, 3).

    Index 1 is the class, 0 the rest, 2 missing; group-major.
    """
    counts = needed(cube)
    return counts if counts.classes == 2 else cube.once("versus", lambda: _collapsed(counts))


def _collapsed(counts: Confusion) -> Confusion:
    c = counts.classes

    def fold(array: np.ndarray) -> np.ndarray:
        inner, undecided, unlabelled = array[:, :c, :c], array[:, :c, c], array[:, c, :c]
        own, actual, predicted = np.diagonal(inner, axis1=1, axis2=2), inner.sum(axis=2), inner.sum(axis=1)
        made = np.empty((len(array), c, 3, 3), dtype=array.dtype)
        made[..., 1, 1], made[..., 1, 0], made[..., 0, 1] = own, actual - own, predicted - own
        made[..., 0, 0] = np.maximum(inner.sum(axis=(1, 2))[:, None] - actual - predicted + own, 0)
        for place, edge in (((..., 1, 2), undecided), ((..., 2, 1), unlabelled)):
            made[place] = edge
            rest = (..., 0, 2) if place[-1] == 2 else (..., 2, 0)
            made[rest] = np.maximum(edge.sum(axis=1)[:, None] - edge, 0)
        made[..., 2, 2] = array[:, c, c][:, None]
        return made.reshape(-1, 3, 3)

    n = fold(counts.n)
    return Confusion(n, fold(counts.w), fold(counts.w2), True) if counts.weighted else Confusion(n, n, n)


Cells = tuple[tuple[int, int], ...]
TN, FP, FN, TP = (((0, 0),), ((0, 1),), ((1, 0),), ((1, 1),))
BOTH = TN + FP + FN + TP
FLAGGED, PASSED = FP + TP + ((2, 1),), TN + FN + ((2, 0),)
POSITIVES, NEGATIVES = FN + TP + ((1, 2),), TN + FP + ((0, 2),)
"""Cells (actual, predicted) of one class against the rest: 1 the class, 0 the rest, 2 missing."""


def cells(array: np.ndarray, among: Cells) -> np.ndarray:
    """(G,) the sum over some cells of an array (G, 3, 3)."""
    actual, predicted = zip(*among, strict=True)
    return array[:, actual, predicted].sum(axis=1)


def row_of(among: Cells) -> np.ndarray:
    """(9,) 1 for the cells among the nine of `versus`, flattened, else 0."""
    marked = np.zeros((3, 3))
    for cell in among:
        marked[cell] = 1.0
    return marked.ravel()


def in_units(cube: Cube, top: Cells, bottom: Cells) -> Together | None:
    """What `share_ends` wants of the units of `versus`; None where rows belong to none."""
    if cube.units is None or cube.units.cells is None:
        return None
    known = cube.units
    moments, units = cube.once("versus units", lambda: _folded(needed(cube).classes, known))
    return row_of(top), row_of(bottom), moments, units


def _folded(classes: int, units: Units) -> tuple[np.ndarray, np.ndarray]:
    """(moments of class against rest: of two classes (G, 9, 9), of more (G * C, 9, 9), group-major; the units)."""
    assert units.cells is not None  # noqa: S101 - see in_units
    if classes == 2:
        return units.cells, units.n
    places = np.arange(classes + 1)
    folds = np.zeros((classes, 9, (classes + 1) ** 2))
    for own in range(classes):
        side = np.where(places == classes, 2, (places == own).astype(int))
        folds[own, (3 * side[:, None] + side).ravel(), np.arange((classes + 1) ** 2)] = 1.0
    moments = np.einsum("cij,gjk,clk->gcil", folds, units.cells, folds)
    return moments.reshape(-1, 9, 9), np.repeat(units.n, classes)


@dataclass(frozen=True)
class Share:
    """The share that the cells `top` have of the cells `bottom`, as an estimator; why: the reason where none is there.

    By class where there are more than two.
    """

    top: Cells
    bottom: Cells
    why: str = NO_ROWS

    def __call__(self, cube: Cube, level: float) -> Estimates:
        counts = versus(cube)
        n, w, w2 = (cells(array, self.bottom) for array in (counts.n, counts.w, counts.w2))
        top, together = cells(counts.w, self.top), in_units(cube, self.top, self.bottom)
        return proportion(top, n, w, w2, level=level, weighted=counts.weighted, why=self.why, together=together)

    def value(self, cube: Cube) -> np.ndarray:
        """The shares alone, as a baseline wants them."""
        counts = versus(cube)
        return divide(cells(counts.w, self.top), cells(counts.w, self.bottom))
