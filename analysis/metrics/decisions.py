"""Decisions: actual x predicted counts of the rows that have both, and the shares and variances they give."""

from dataclasses import dataclass

import numpy as np

from analysis.core.cube import Confusion, Cube
from analysis.core.errors import BadRequest
from analysis.core.estimate import Estimates
from analysis.core.roles import BINARY, MULTICLASS
from analysis.metrics.definition import METRICS, Metric, Sql
from analysis.metrics.intervals import Ends, divide, effective_n, reasons, wilson

NO_WEIGHT = "the weights add up to 0"
NO_ROWS = "no row has both a label and a decision"


@dataclass(frozen=True)
class Decided:
    """Actual x predicted counts of the labelled and decided rows: n, w, w2 of shape (G, C, C).

    w and w2 are floats: products of counts leave the range of integers above 50,000 rows.
    """

    n: np.ndarray
    w: np.ndarray
    w2: np.ndarray
    weighted: bool

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
    return Decided(counts.n[:, :c, :c], w, w2, counts.weighted)


def share_ends(k: np.ndarray, w: np.ndarray, w2: np.ndarray, level: float) -> tuple[np.ndarray, Ends]:
    """(k / w, Wilson's ends), elementwise: every share of rows gets its effective n here. k: weight of the successes;
    w, w2: weights and squared weights of the rows they are among."""
    value, size = divide(k, w), effective_n(w, w2)
    return value, wilson(value * size, size, level)


def proportion(
    k: np.ndarray, n: np.ndarray, w: np.ndarray, w2: np.ndarray, *, level: float, weighted: bool, why: str
) -> Estimates:
    """k / w with Wilson's interval. k: weight of the successes; n, w, w2: count, weights, squared weights of the rows
    they are among; why: the reason where there are none."""
    value, (low, high) = share_ends(k, w, w2, level)
    method = "Wilson on the effective n" if weighted else "Wilson"
    return Estimates(value, low, high, n, method, undefined(value, n, why))


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
        top = cells(counts.w, self.top)
        return proportion(top, n, w, w2, level=level, weighted=counts.weighted, why=self.why)

    def value(self, cube: Cube) -> np.ndarray:
        """The shares alone, as a baseline wants them."""
        counts = versus(cube)
        return divide(cells(counts.w, self.top), cells(counts.w, self.bottom))


def undefined(value: np.ndarray, n: np.ndarray, why: str) -> np.ndarray:
    """`why` a value is undefined where no row counts, or that the weights of those that do add up to 0."""
    missing = np.isnan(value)
    return reasons(len(value), (missing & (n > 0), NO_WEIGHT), (missing, why))


def class_shares(counts: Decided, axis: int, level: float) -> tuple[np.ndarray, Ends, np.ndarray]:
    """(value, ends, used), each (G, C): the diagonal over the sums along `axis` (2: recall, 1: precision)."""
    w = counts.w.sum(axis=axis)
    value, ends = share_ends(counts.right, w, counts.w2.sum(axis=axis), level)
    return value, ends, w > 0


def class_f1(counts: Decided, level: float) -> tuple[np.ndarray, Ends, np.ndarray]:
    """(value, ends, used), each (G, C): F1 is 2 J / (1 + J) of the proportion J = TP / (TP + FP + FN)."""
    w, w2 = (
        array.sum(axis=2) + array.sum(axis=1) - np.diagonal(array, axis1=1, axis2=2) for array in (counts.w, counts.w2)
    )
    value = divide(2 * counts.right, counts.actual + counts.predicted)
    _, (low, high) = share_ends(counts.right, w, w2, level)
    return value, (2 * low / (1 + low), 2 * high / (1 + high)), w > 0


def cell_variance(gradient: np.ndarray, counts: Decided) -> np.ndarray:
    """(G,) delta-method variance of a function of the cells' shares, from its gradient (G, C, C)."""
    share = divide(counts.w, counts.total[:, None, None])
    centred = gradient - np.nan_to_num(share * gradient).sum(axis=(1, 2), keepdims=True)
    spread = np.nan_to_num(counts.w2 * centred**2).sum(axis=(1, 2))
    return divide(spread, counts.total**2) * divide(counts.rows, counts.rows - 1)


def constant(value: float, cube: Cube) -> np.ndarray:
    """The same baseline for every group."""
    return np.full(len(cube), value)


def accuracy(cube: Cube, level: float) -> Estimates:
    c = decided(cube)
    w2 = c.w2.sum(axis=(1, 2))
    return proportion(c.right.sum(axis=1), c.rows, c.total, w2, level=level, weighted=c.weighted, why=NO_ROWS)


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
