"""Metrics of the decision for one class: of the positive one where there are two, of each in turn where there are more.

Precision, recall and F1 serve both tasks; the others are for two classes only.
"""

from functools import partial

import numpy as np

from analysis.core.cube import Confusion, Cube
from analysis.core.estimate import Estimates
from analysis.core.roles import BINARY, MULTICLASS
from analysis.metrics.decisions import class_f1, class_shares, constant, decided, needed, proportion, undefined
from analysis.metrics.definition import METRICS, Metric, Sql
from analysis.metrics.intervals import divide

POSITIVE = 1


def _one(array: np.ndarray) -> np.ndarray:
    """(G, C) by class: flat and group-major, or the positive class's (G,) where there are two."""
    return array[:, POSITIVE] if array.shape[1] == 2 else array.reshape(-1)


def by_class(cube: Cube, level: float, *, axis: int, why: str) -> Estimates:
    """Recall (axis 2) or precision (axis 1) by class, with Wilson's interval."""
    c = decided(cube)
    value, ends, _ = class_shares(c, axis, level)
    value, low, high, n = (_one(each) for each in (value, *ends, c.n.sum(axis=axis)))
    method = "Wilson on the effective n" if c.weighted else "Wilson"
    return Estimates(value, low, high, n, method, undefined(value, n, why))


def f1(cube: Cube, level: float) -> Estimates:
    """F1 by class. Its interval is exact up to Wilson's: F1 rises with the proportion TP / (TP + FP + FN)."""
    c = decided(cube)
    value, ends, _ = class_f1(c, level)
    n = c.n.sum(axis=2) + c.n.sum(axis=1) - np.diagonal(c.n, axis1=1, axis2=2)
    value, low, high, n = (_one(each) for each in (value, *ends, n))
    method = "Wilson on TP / (TP + FP + FN), mapped to F1" + (", on the effective n" if c.weighted else "")
    why = undefined(value, n, "no row is labelled or predicted as this class")
    return Estimates(value, low, high, n, method, why)


def specificity(cube: Cube, level: float) -> Estimates:
    c = decided(cube)
    n, w, w2 = (array[:, 0].sum(axis=1) for array in (c.n, c.w, c.w2))
    return proportion(c.w[:, 0, 0], n, w, w2, level=level, weighted=c.weighted, why="no actual negatives")


def _decided_rows(counts: Confusion) -> list[np.ndarray]:
    return [array[:, :, :2].sum(axis=(1, 2)) for array in (counts.n, counts.w, counts.w2)]


def selection_rate(cube: Cube, level: float) -> Estimates:
    """Over all rows with a decision, labelled or not."""
    counts = needed(cube)
    chosen = counts.w[:, :, POSITIVE].sum(axis=1)
    rows = _decided_rows(counts)
    return proportion(chosen, *rows, level=level, weighted=counts.weighted, why="no row has a decision")


def prevalence(cube: Cube, level: float) -> Estimates:
    """Over all rows with a label, decided or not."""
    counts = needed(cube)
    n, w, w2 = (array[:, :2].sum(axis=(1, 2)) for array in (counts.n, counts.w, counts.w2))
    actual = counts.w[:, POSITIVE].sum(axis=1)
    return proportion(actual, n, w, w2, level=level, weighted=counts.weighted, why="no row has a label")


def actual_share(cube: Cube) -> np.ndarray:
    return _one(decided(cube).actual_share)


def predicted_share(cube: Cube) -> np.ndarray:
    return _one(decided(cube).predicted_share)


def unselected_share(cube: Cube) -> np.ndarray:
    return 1 - predicted_share(cube)


def random_f1(cube: Cube) -> np.ndarray:
    p, s = actual_share(cube), predicted_share(cube)
    return divide(2 * p * s, p + s)


_share = partial(Metric, needs=("decisions",), low=0.0, high=1.0, unit="share")

METRICS.add(
    _share(
        "precision",
        "Precision",
        tasks=(BINARY, MULTICLASS),
        better="higher",
        counts="predicted positives",
        help="Share of the predicted positives that are positive: 1 no false alarm, 0 nothing else.",
        source="Kent et al. 1955",
        estimate=partial(by_class, axis=1, why="nothing was predicted as this class"),
        baseline=actual_share,
        baseline_help="the class's share among the labels: deciding at random",
        per_class=True,
        sql=Sql(
            "counts",
            "tp / nullif(tp + fp, 0)",
            "n_tp + n_fp",
            "sum(tp) / nullif(sum(predicted), 0)",
            "sum(n_predicted)",
        ),
    )
)
METRICS.add(
    _share(
        "recall",
        "Recall",
        tasks=(BINARY, MULTICLASS),
        better="higher",
        counts="actual positives",
        help="Share of the actual positives that were found: 1 all, 0 none.",
        source="Kent et al. 1955",
        estimate=partial(by_class, axis=2, why="no row is labelled as this class"),
        baseline=predicted_share,
        baseline_help="the share of rows selected: choosing as many at random",
        per_class=True,
        sql=Sql(
            "counts", "tp / nullif(tp + fn, 0)", "n_tp + n_fn", "sum(tp) / nullif(sum(actual), 0)", "sum(n_actual)"
        ),
    )
)
METRICS.add(
    _share(
        "specificity",
        "Specificity",
        tasks=(BINARY,),
        better="higher",
        counts="actual negatives",
        help="Share of the actual negatives left alone: 1 all, 0 none; 1 minus the false positive rate.",
        source="Yerushalmy 1947",
        estimate=specificity,
        baseline=unselected_share,
        baseline_help="the share of rows not selected: choosing as many at random",
        sql=Sql("counts", "tn / nullif(tn + fp, 0)", "n_tn + n_fp"),
    )
)
METRICS.add(
    _share(
        "f1",
        "F1",
        tasks=(BINARY, MULTICLASS),
        better="higher",
        counts="rows that are positive or predicted so",
        help="Harmonic mean of precision and recall: 1 both perfect, 0 no positive found.",
        source="van Rijsbergen 1979",
        estimate=f1,
        baseline=random_f1,
        baseline_help="random decisions at the same selection rate",
        per_class=True,
        sql=Sql(
            "counts",
            "2 * tp / nullif(2 * tp + fp + fn, 0)",
            "n_tp + n_fp + n_fn",
            "2 * sum(tp) / nullif(sum(actual + predicted), 0)",
            "sum(n_either)",
        ),
    )
)
METRICS.add(
    _share(
        "selection_rate",
        "Selection rate",
        tasks=(BINARY,),
        needs=("predictions",),
        better=None,
        counts="rows with a decision",
        help="Share of the decisions that are positive, labelled or not: 0 none, 1 all.",
        source="Uniform Guidelines on Employee Selection Procedures 1978",
        estimate=selection_rate,
        baseline=partial(constant, np.nan),
        sql=Sql("counts", "flagged / nullif(decided, 0)", "n_decided"),
    )
)
METRICS.add(
    _share(
        "prevalence",
        "Prevalence",
        tasks=(BINARY,),
        needs=("labels",),
        better=None,
        counts="rows with a label",
        help="Share of the labels that are positive, decided or not: 0 none, 1 all.",
        source="the share itself",
        estimate=prevalence,
        baseline=partial(constant, np.nan),
        sql=Sql("counts", "positives / nullif(labelled, 0)", "n_labelled"),
    )
)
