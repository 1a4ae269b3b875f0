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


def proportion(
    k: np.ndarray, n: np.ndarray, w: np.ndarray, w2: np.ndarray, *, level: float, weighted: bool, why: str
) -> Estimates:
    """k / w with Wilson's interval. k: weight of the successes; n, w, w2: count, weights, squared weights of the rows
    they are among; why: the reason where there are none."""
    value, size = divide(k, w), effective_n(w, w2)
    low, high = wilson(value * size, size, level)
    method = "Wilson on the effective n" if weighted else "Wilson"
    return Estimates(value, low, high, n, method, undefined(value, n, why))


def undefined(value: np.ndarray, n: np.ndarray, why: str) -> np.ndarray:
    """`why` a value is undefined where no row counts, or that the weights of those that do add up to 0."""
    missing = np.isnan(value)
    return reasons(len(value), (missing & (n > 0), NO_WEIGHT), (missing, why))


def class_shares(counts: Decided, axis: int, level: float) -> tuple[np.ndarray, Ends, np.ndarray]:
    """(value, ends, used), each (G, C): the diagonal over the sums along `axis` (2: recall, 1: precision)."""
    w = counts.w.sum(axis=axis)
    value, size = divide(counts.right, w), effective_n(w, counts.w2.sum(axis=axis))
    return value, wilson(value * size, size, level), w > 0


def class_f1(counts: Decided, level: float) -> tuple[np.ndarray, Ends, np.ndarray]:
    """(value, ends, used), each (G, C): F1 is 2 J / (1 + J) of the proportion J = TP / (TP + FP + FN)."""
    w, w2 = (
        array.sum(axis=2) + array.sum(axis=1) - np.diagonal(array, axis1=1, axis2=2) for array in (counts.w, counts.w2)
    )
    value = divide(2 * counts.right, counts.actual + counts.predicted)
    size = effective_n(w, w2)
    low, high = wilson(divide(counts.right, w) * size, size, level)
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
        help="Share of decisions that are right: 0 none, 1 all. High by itself where one class is common.",
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
