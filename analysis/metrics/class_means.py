"""Means of classes weighed by how often they occur. That of recall is accuracy itself, so it is no metric of its own.

The means in which every class weighs the same are in multiclass.
"""

from functools import partial

import numpy as np

from analysis.core.cube import Cube
from analysis.core.estimate import Estimates
from analysis.core.roles import MULTICLASS
from analysis.metrics.clusters import BY_UNIT
from analysis.metrics.decisions import NO_ROWS, NO_WEIGHT, Decided, cell_variance, decided, share_ends
from analysis.metrics.definition import METRICS, Metric, Sql
from analysis.metrics.intervals import FLAT, combine, divide, logit, reasons
from analysis.metrics.multiclass import scaled


def _mean(c: Decided, each: np.ndarray, gradient: np.ndarray, level: float) -> Estimates:
    """The mean of `each` (G, C), nan where a class has none, weighed by the classes' shares among the labels.

    gradient: (G, C, C) of that mean's numerator, weights held fixed, to the cells' shares. The interval is the delta
    method's on the logit scale; where nothing varies, Wilson's of the accuracy, which it is then.
    By simulation a 95 % interval covers 93 to 97 % from 50 rows on.
    """
    used = ~np.isnan(each)
    shares = np.where(used, np.nan_to_num(c.actual_share), 0.0)
    whole = shares.sum(axis=1)
    value = divide((shares * np.nan_to_num(each)).sum(axis=1), whole)
    own = np.where(used, np.nan_to_num(each) - np.nan_to_num(value)[:, None], 0.0)
    slope = np.nan_to_num(divide(own[:, :, None] + gradient, whole[:, None, None]))
    variance = cell_variance(slope, c)
    spread = variance * np.maximum(c.rows, 1) > FLAT
    together = None
    if c.moments is not None and c.units is not None:
        together = np.eye(c.w.shape[1]).ravel(), np.ones(c.w.shape[1] ** 2), c.moments, c.units
    _, flat = share_ends(c.right.sum(axis=1), c.total, c.w2.sum(axis=(1, 2)), level, together)
    held = (np.fmin(flat[0], value), np.fmax(flat[1], value))
    low, high = combine(
        (np.isnan(value), (value, value)), (spread, logit(value, variance, level, c.freedom)), (~spread, held)
    )
    method = f"delta method on the joint cells, logit scale, {scaled(used, used.shape[1])}"
    method += f", {BY_UNIT}" if c.freedom is not None else ""
    if np.any(~spread & ~np.isnan(value)):
        method += "; Wilson's interval of the accuracy where nothing varies"
    why = reasons(
        len(value),
        (c.rows == 0, NO_ROWS),
        (c.total <= 0, NO_WEIGHT),
        (np.isnan(value), "no class that is labelled was ever predicted"),
    )
    return Estimates(value, low, high, c.rows, method, why)


def weighted_precision(cube: Cube, level: float) -> Estimates:
    c = decided(cube)
    precision = divide(c.right, c.predicted)
    gain = np.nan_to_num(divide(c.actual_share, c.predicted_share))
    loss = gain * np.nan_to_num(precision)
    return _mean(c, precision, np.eye(gain.shape[1]) * gain[:, :, None] - loss[:, None, :], level)


def weighted_f1(cube: Cube, level: float) -> Estimates:
    c = decided(cube)
    score = divide(2 * c.right, c.actual + c.predicted)
    weight = np.nan_to_num(divide(c.actual_share, c.actual_share + c.predicted_share))
    loss = weight * np.nan_to_num(score)
    gradient = 2 * np.eye(weight.shape[1]) * weight[:, :, None] - loss[:, :, None] - loss[:, None, :]
    return _mean(c, score, gradient, level)


def precision_chance(cube: Cube) -> np.ndarray:
    c = decided(cube)
    share = np.where(c.predicted > 0, np.nan_to_num(c.actual_share), 0.0)
    return divide((share * share).sum(axis=1), share.sum(axis=1))


def f1_chance(cube: Cube) -> np.ndarray:
    c = decided(cube)
    p, s = c.actual_share, c.predicted_share
    return np.where(c.total > 0, (p * np.nan_to_num(divide(2 * p * s, p + s))).sum(axis=1), np.nan)


_weighted = partial(
    Metric,
    tasks=(MULTICLASS,),
    needs=("decisions",),
    better="higher",
    low=0.0,
    high=1.0,
    unit="share",
    counts="rows with a label and a decision",
)

METRICS.add(
    _weighted(
        "weighted_precision",
        "Weighted precision",
        help="Mean of the classes' precisions, 0 to 1, each weighing as often as it occurs; classes never predicted "
        "are left out. The weighted mean of recall is accuracy.",
        source="scikit-learn's average='weighted'",
        estimate=weighted_precision,
        baseline=precision_chance,
        baseline_help="the classes' shares: deciding at random",
        sql=Sql(
            "classes",
            "",
            "",
            "sum(actual * tp / nullif(predicted, 0)) / nullif(sum(actual) FILTER (predicted > 0), 0)",
            "sum(n_actual)",
        ),
    )
)
METRICS.add(
    _weighted(
        "weighted_f1",
        "Weighted F1",
        help="Mean of the classes' F1, 0 to 1, each weighing as often as it occurs.",
        source="scikit-learn's average='weighted'",
        estimate=weighted_f1,
        baseline=f1_chance,
        baseline_help="random decisions in the same shares as were made",
        sql=Sql(
            "classes",
            "",
            "",
            "sum(actual * 2 * tp / nullif(actual + predicted, 0)) / nullif(sum(actual), 0)",
            "sum(n_actual)",
        ),
    )
)
