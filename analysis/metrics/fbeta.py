"""F-beta: recall counts beta times as much as precision. Of any beta, for goals; the registry holds the usual ones."""

import re
from functools import partial

import numpy as np

from analysis.core.cube import Cube
from analysis.core.errors import UnknownName
from analysis.core.estimate import Estimates
from analysis.core.roles import BINARY
from analysis.metrics.decisions import cell_variance, decided, undefined
from analysis.metrics.definition import METRICS, Metric, Sql
from analysis.metrics.intervals import combine, divide, logit, plain

WRITTEN = re.compile(r"f(?P<beta>\d+(?:[._]\d+)?)")


def goal_metric(name: str) -> Metric:
    """The registered metric of this name, or F-beta for names like f2, f0.5 and f0_5; UnknownName otherwise."""
    snake = name.replace(".", "_")
    if snake in METRICS:
        return METRICS.get(snake)
    found = WRITTEN.fullmatch(name)
    if found is None:
        raise UnknownName("metric", name, [metric.name for metric in METRICS])
    return fbeta(float(found["beta"].replace("_", ".")), snake)


def fbeta(beta: float, name: str) -> Metric:
    """F-beta of the positive class as a metric."""
    b = f"{beta * beta!r}"
    return Metric(
        name,
        f"F{beta:g}",
        tasks=(BINARY,),
        needs=("decisions",),
        better="higher",
        low=0.0,
        high=1.0,
        unit="share",
        counts="rows that are positive or predicted so",
        help=f"Mean of precision and recall, recall counting {beta:g} times as much: 1 both perfect, 0 nothing found.",
        source="van Rijsbergen 1979",
        estimate=partial(estimate, square=beta * beta),
        baseline=partial(chance, square=beta * beta),
        baseline_help="random decisions at the same selection rate",
        sql=Sql("counts", f"(1 + {b}) * tp / nullif((1 + {b}) * tp + {b} * fn + fp, 0)", "n_tp + n_fp + n_fn"),
    )


def estimate(cube: Cube, level: float, *, square: float) -> Estimates:
    """(1 + b2) TP / ((1 + b2) TP + b2 FN + FP) with the delta method on the cells, on the logit scale inside (0, 1)."""
    c = decided(cube)
    tp, fp, fn = c.w[:, 1, 1], c.w[:, 0, 1], c.w[:, 1, 0]
    bottom = (1 + square) * tp + square * fn + fp
    value = divide((1 + square) * tp, bottom)
    gradient = np.zeros(c.w.shape)
    share = divide(bottom, c.total)
    gradient[:, 1, 1] = divide((1 + square) * (1 - value), share)
    gradient[:, 1, 0] = divide(-square * value, share)
    gradient[:, 0, 1] = divide(-value, share)
    variance = cell_variance(np.nan_to_num(gradient), c)
    inside = (value > 0) & (value < 1)
    low, high = combine((inside, logit(value, variance, level)), (~np.isnan(value), plain(value, variance, level)))
    n = c.n[:, 1].sum(axis=1) + c.n[:, 0, 1]
    why = undefined(value, n, "no row is labelled or predicted as this class")
    return Estimates(value, low, high, n, "delta method on the logit scale", why)


def chance(cube: Cube, *, square: float) -> np.ndarray:
    """What random decisions at the same selection rate give."""
    c = decided(cube)
    p, s = c.actual_share[:, 1], c.predicted_share[:, 1]
    return divide((1 + square) * p * s, square * p + s)
