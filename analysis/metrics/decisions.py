"""Decisions: actual x predicted counts of the rows that have both, and the shares and variances they give."""

from dataclasses import dataclass

import numpy as np

from analysis.core.cube import Confusion, Cube
from analysis.core.errors import BadRequest
from analysis.core.estimate import Estimates
from analysis.core.roles import BINARY, MULTICLASS
from analysis.metrics.clusters import BY_UNIT, influence_variance, share_size
from analysis.metrics.definition import METRICS, Metric, Sql
from analysis.metrics.intervals import Ends, divide, effective_n, reasons, wilson

NO_WEIGHT = "the weights add up to 0"
NO_ROWS = "no row has both a label and a decision"
Together = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Decided:
    """Actual x predicted counts of the labelled and decided rows: n, w, w2 of shape (G, C, C).

    w and w2 are floats: products of counts leave the range of integers above 50,000 rows. Where rows belong to units,
    moments: (G, C * C, C * C) sums over units of products of their counts, and units: (G,) how many there are.
    """

    n: np.ndarray
    w: np.ndarray
    w2: np.ndarray
    weighted: bool
    moments: np.ndarray | None = None
    units: np.ndarray | None = None

    @property
    def freedom(self) -> np.ndarray | None:
        """Degrees of freedom of a variance over units; None where rows belong to none, and there are many."""
        return None if self.units is None else np.asarray(self.units, dtype=float) - 1

    @property
    def how(self) -> str:
        """What an interval's method adds where rows have weights or go together."""
        return BY_UNIT if self.moments is not None else "on the effective n" if self.weighted else ""

    @property
    def rows(self) -> np.ndarray:
        return self.n.sum(axis=(1, 2))

    @property
    def total(self) -> np.ndarray:
        return self.w.sum(axis=(1, 2))

    @property
    def actual(self) -> np.ndarray:
        return self.w.sum(axis=2)

    @property
    def predicted(self) -> np.ndarray:
        return self.w.sum(axis=1)

    @property
    def right(self) -> np.ndarray:
        return np.diagonal(self.w, axis1=1, axis2=2)

    @property
    def actual_share(self) -> np.ndarray:
        return divide(self.actual, self.total[:, None])

    @property
    def predicted_share(self) -> np.ndarray:
        return divide(self.predicted, self.total[:, None])


def needed(cube: Cube) -> Confusion:
    """The cube's counts, missing labels and decisions included; BadRequest if it was asked for without decisions."""
    if cube.confusion is None:
        raise BadRequest("This metric needs decisions: record a prediction or choose a threshold.")
    return cube.confusion


def decided(cube: Cube) -> Decided:
    """The cube's labelled and decided rows."""
    counts = needed(cube)
    c = counts.classes
    w, w2 = (array[:, :c, :c].astype(float) for array in (counts.w, counts.w2))
    if cube.units is None or cube.units.cells is None:
        return Decided(counts.n[:, :c, :c], w, w2, counts.weighted)
    known = (np.arange(c)[:, None] * (c + 1) + np.arange(c)).ravel()
    moments = cube.units.cells[:, known][:, :, known]
    return Decided(counts.n[:, :c, :c], w, w2, counts.weighted, moments, cube.units.n)


def share_ends(
    k: np.ndarray,
    w: np.ndarray,
    w2: np.ndarray,
    level: float,
    together: Together | None = None,
) -> tuple[np.ndarray, Ends]:
    """(k / w, Wilson's ends), elementwise: every share of rows gets its effective n here. k: weight of the successes;
    w, w2: weights and squared weights of the rows they are among.

    together: where rows belong to units, (top, bottom, moments, units): what a row of each cell adds to k and to w,
    both (..., K), and the units' moments by cell.
    """
    value, size = divide(k, w), effective_n(w, w2)
    if together is not None:
        top, bottom, moments, units = together
        influence = divide(top - np.nan_to_num(value)[..., None] * bottom, np.asarray(w, dtype=float)[..., None])
        variance = influence_variance(np.nan_to_num(influence), moments, units)
        size = share_size(value, variance, units, size, level)
    return value, wilson(value * size, size, level)


def proportion(
    k: np.ndarray,
    n: np.ndarray,
    w: np.ndarray,
    w2: np.ndarray,
    *,
    level: float,
    weighted: bool,
    why: str,
    together: Together | None = None,
) -> Estimates:
    """k / w with Wilson's interval. k: weight of the successes; n, w, w2: count, weights, squared weights of the rows
    they are among; why: the reason where there are none; together: as in `share_ends`."""
    value, (low, high) = share_ends(k, w, w2, level, together)
    method = "Wilson on the effective n" if weighted or together is not None else "Wilson"
    method += f", {BY_UNIT}" if together is not None else ""
    return Estimates(value, low, high, n, method, undefined(value, n, why))


def undefined(value: np.ndarray, n: np.ndarray, why: str) -> np.ndarray:
    """`why` a value is undefined where no row counts, or that the weights of those that do add up to 0."""
    missing = np.isnan(value)
    return reasons(len(value), (missing & (n > 0), NO_WEIGHT), (missing, why))


def _of_classes(counts: Decided, bottom: np.ndarray) -> Together | None:
    """What `share_ends` wants for shares (G, C) whose top is each class's right decisions. bottom: (C, C, C) by class
    the cells they are among; None where rows belong to no unit."""
    if counts.moments is None or counts.units is None:
        return None
    size = len(bottom)
    right = np.zeros((size, size, size))
    right[np.arange(size), np.arange(size), np.arange(size)] = 1.0
    flat = right.reshape(size, -1), bottom.reshape(size, -1)
    return (*flat, counts.moments[:, None], counts.units[:, None])


def class_cells(classes: int, axis: int) -> np.ndarray:
    """(C, C, C) by class the cells it is actual in (axis 2) or predicted in (axis 1)."""
    eye = np.eye(classes)
    return np.broadcast_to(eye[:, :, None] if axis == 2 else eye[:, None, :], (classes,) * 3)


def class_shares(counts: Decided, axis: int, level: float) -> tuple[np.ndarray, Ends, np.ndarray]:
    """(value, ends, used), each (G, C): the diagonal over the sums along `axis` (2: recall, 1: precision)."""
    w = counts.w.sum(axis=axis)
    together = _of_classes(counts, class_cells(w.shape[1], axis))
    value, ends = share_ends(counts.right, w, counts.w2.sum(axis=axis), level, together)
    return value, ends, w > 0


def class_f1(counts: Decided, level: float) -> tuple[np.ndarray, Ends, np.ndarray]:
    """(value, ends, used), each (G, C): F1 is 2 J / (1 + J) of the proportion J = TP / (TP + FP + FN)."""
    w, w2 = (
        array.sum(axis=2) + array.sum(axis=1) - np.diagonal(array, axis1=1, axis2=2) for array in (counts.w, counts.w2)
    )
    value = divide(2 * counts.right, counts.actual + counts.predicted)
    size = w.shape[1]
    together = _of_classes(counts, np.maximum(class_cells(size, 1), class_cells(size, 2)))
    _, (low, high) = share_ends(counts.right, w, w2, level, together)
    return value, (2 * low / (1 + low), 2 * high / (1 + high)), w > 0


def cell_variance(gradient: np.ndarray, counts: Decided) -> np.ndarray:
    """(G,) delta-method variance of a function of the cells' shares, from its gradient (G, C, C)."""
    share = divide(counts.w, counts.total[:, None, None])
    centred = gradient - np.nan_to_num(share * gradient).sum(axis=(1, 2), keepdims=True)
    if counts.moments is not None and counts.units is not None:
        influence = np.nan_to_num(divide(centred, counts.total[:, None, None])).reshape(len(centred), -1)
        return influence_variance(influence, counts.moments, counts.units)
    spread = np.nan_to_num(counts.w2 * centred**2).sum(axis=(1, 2))
    return divide(spread, counts.total**2) * divide(counts.rows, counts.rows - 1)


def constant(value: float, cube: Cube) -> np.ndarray:
    """The same baseline for every group."""
    return np.full(len(cube), value)


def accuracy(cube: Cube, level: float) -> Estimates:
    c = decided(cube)
    w2, size = c.w2.sum(axis=(1, 2)), c.n.shape[1]
    together = None
    if c.moments is not None and c.units is not None:
        together = (np.eye(size).ravel(), np.ones(size * size), c.moments, c.units)
    right = c.right.sum(axis=1)
    return proportion(right, c.rows, c.total, w2, level=level, weighted=c.weighted, why=NO_ROWS, together=together)


def majority(cube: Cube) -> np.ndarray:
    shares = decided(cube).actual_share
    return shares.max(axis=1)


METRICS.add(
    Metric(
        "accuracy",
        "Accuracy",
        tasks=(BINARY, MULTICLASS),
        needs=("decisions",),
        better="higher",
        low=0.0,
        high=1.0,
        unit="share",
        counts="rows with a label and a decision",
        help="Share of decisions that are right: 0 none, 1 all. High by itself where one class is common; of many "
        "classes it is the weighted recall as well.",
        source="Metz 1978",
        estimate=accuracy,
        baseline=majority,
        baseline_help="always deciding for the most common class",
        sql=Sql(
            "counts",
            "(tp + tn) / nullif(tp + fp + fn + tn, 0)",
            "n_tp + n_fp + n_fn + n_tn",
            "sum(tp) / nullif(sum(actual), 0)",
            "sum(n_actual)",
        ),
    )
)
