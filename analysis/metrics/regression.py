"""Metrics of a predicted number, from sums over rows that have both a label and a prediction.

The error e is prediction - label; y is the label less a constant near its mean, so that squares do not cancel.
"""

from dataclasses import replace
from functools import partial

import numpy as np

from analysis.core.cube import Cube, Sums
from analysis.core.errors import BadRequest
from analysis.core.estimate import Estimates
from analysis.core.roles import REGRESSION
from analysis.metrics.clusters import BY_UNIT, knows_terms, term_variance
from analysis.metrics.decisions import NO_WEIGHT, constant
from analysis.metrics.definition import METRICS, Metric, Sql
from analysis.metrics.intervals import (
    FLAT,
    divide,
    effective_n,
    log_scale,
    mean_variance,
    plain,
    reasons,
)
from analysis.metrics.rowsets import order_quantile

NO_ROWS = "no row has both a label and a prediction"


def summed(cube: Cube) -> Sums:
    """The cube's sums; BadRequest if it was asked for without predictions."""
    if cube.sums is None:
        raise BadRequest("This metric needs a numeric label and prediction: name their columns in the evaluation.")
    return cube.sums


def _linear(
    cube: Cube, parts: dict[str, np.ndarray | float], scale: np.ndarray, apart: np.ndarray, text: str
) -> tuple[np.ndarray, np.ndarray, str]:
    """(variance, degrees of freedom, method) of a value whose influence is `parts` over `scale`, see `term_variance`.

    apart: its variance where no row goes with another.
    """
    s = summed(cube)
    if cube.units is not None and knows_terms(cube, *parts):
        return term_variance(cube.units, parts, scale), cube.units.freedom, f"{text}, {BY_UNIT}"
    return apart, effective_n(s.w, s.w2) - 1, f"{text}, linearised for the weights" if s.weighted else text


def mean_of(
    term: str, square: str, cube: Cube, level: float, *, low: float = 0.0, high: float = np.inf, zeros: bool = True
) -> Estimates:
    """The mean of a per-row term with Student's interval, clipped to [low, high].

    zeros: whether a label of 0 leaves the metric defined.
    """
    s = summed(cube)
    value = divide(s.s[term], s.w)
    why = [(s.n == 0, NO_ROWS), (s.w <= 0, NO_WEIGHT)]
    if not zeros:
        hit = s.q["zero"] > 0
        why.append((hit, "some labels are 0, where it has no value: look at mae, wape or smape"))
        value = np.where(hit, np.nan, value)
    apart = mean_variance(s.n, s.w, s.q[square], s.q[term], s.w2, value)
    variance, freedom, method = _linear(cube, {term: 1.0, "one": -value}, s.w, apart, "mean, Student's t")
    ends = plain(value, variance, level, freedom)
    reason = reasons(len(value), *why)
    if not zeros and not s.weighted:
        for group in np.flatnonzero(hit):
            count = f"{int(s.s['zero'][group])} of {int(s.n[group])} labels are 0"
            reason[group] = f"{count}, where it has no value: look at mae, wape or smape"
    least, most = (np.clip(end, low, high) for end in ends)
    return Estimates(value, least, most, s.n, method, reason)


def rmse(cube: Cube, level: float) -> Estimates:
    """Root mean squared error. By simulation a 95 % interval covers 93 to 95 % from 50 rows on, 91.5 % with weights
    that differ by a factor of ten, 94 % from 200."""
    s = summed(cube)
    square = divide(s.s["e2"], s.w)
    value = np.sqrt(square)
    apart = mean_variance(s.n, s.w, s.q["e4"], s.q["e2"], s.w2, square)
    text = "delta method on the log scale, Student's t"
    variance, freedom, method = _linear(cube, {"e2": 1.0, "one": -square}, s.w, apart, text)
    low, high = log_scale(value, divide(variance, 4 * square), level, freedom)
    low, high = (np.where((value <= 0) & (s.n > 1), 0.0, end) for end in (low, high))
    why = reasons(len(value), (s.n == 0, NO_ROWS), (s.w <= 0, NO_WEIGHT))
    return Estimates(value, low, high, s.n, method, why)


def _label_mean(s: Sums) -> np.ndarray:
    return divide(s.s["y"], s.w)


def _label_spread(s: Sums) -> np.ndarray:
    """Variance of the labels (ddof 0); 0 where what is left is rounding."""
    raw = divide(s.s["y2"], s.w)
    spread = raw - _label_mean(s) ** 2
    return np.where(spread <= FLAT * raw, 0.0, spread)


def r2(cube: Cube, level: float) -> Estimates:
    """1 - SSE / SST. The interval is that of SSE / SST, a ratio of means, on the log scale."""
    s = summed(cube)
    spread, mean = _label_spread(s), _label_mean(s)
    ratio = divide(divide(s.s["e2"], s.w), spread)
    q = s.q
    cross = q["e2y2"] - 2 * mean * q["e2y"] + mean**2 * q["e2"]
    ground = q["y4"] - 4 * mean * q["y3"] + 6 * mean**2 * q["y2"] - 4 * mean**3 * q["y"] + mean**4 * s.w2
    apart = mean_variance(s.n, s.w * spread, q["e4"], cross, ground, ratio)
    parts = {"e2": 1.0, "y2": -ratio, "y": 2 * ratio * mean, "one": -ratio * mean**2}
    text = "delta method on log(SSE / SST), Student's t"
    variance, freedom, method = _linear(cube, parts, s.w * spread, apart, text)
    small, large = log_scale(ratio, variance, level, freedom)
    small, large = (np.where((ratio <= 0) & (s.n > 1), 0.0, end) for end in (small, large))
    why = reasons(len(ratio), (s.n == 0, NO_ROWS), (s.w <= 0, NO_WEIGHT), (np.isnan(ratio), "the labels do not vary"))
    return Estimates(1 - ratio, 1 - large, 1 - small, s.n, method, why)


def wape(cube: Cube, level: float) -> Estimates:
    s = summed(cube)
    value = divide(s.s["ae"], s.s["ay"])
    apart = mean_variance(s.n, s.s["ay"], s.q["e2"], s.q["aey"], s.q["ay2"], value)
    text = "delta method of a ratio, Student's t"
    variance, freedom, method = _linear(cube, {"ae": 1.0, "ay": -value}, s.s["ay"], apart, text)
    low, high = plain(value, variance, level, freedom)
    why = reasons(
        len(value), (s.n == 0, NO_ROWS), (s.w <= 0, NO_WEIGHT), (np.isnan(value), "the labels' sizes add up to 0")
    )
    return Estimates(value, np.maximum(low, 0.0), high, s.n, method, why)


def median_ae(cube: Cube, level: float) -> Estimates:
    order = cube.orders.get("ae")
    if order is None:
        raise BadRequest("This metric needs a numeric label and prediction: name their columns in the evaluation.")
    found = order_quantile(order, 0.5, level, NO_ROWS)
    if cube.sums is not None and cube.sums.weighted and not order.weighted:
        return replace(found, method=f"{found.method}, every row counted once whatever its weight")
    return found


def median_distance(cube: Cube) -> np.ndarray:
    order = cube.orders.get("d")
    return order.exact[0.5] if order is not None else np.full(len(cube), np.nan)


def mean_distance(cube: Cube) -> np.ndarray:
    s = summed(cube)
    return divide(s.s["d"], s.w) if "d" in s.s else np.full(len(cube), np.nan)


def label_deviation(cube: Cube) -> np.ndarray:
    s = summed(cube)
    return np.sqrt(_label_spread(s)) if "y2" in s.s else np.full(len(cube), np.nan)


_error = partial(
    Metric,
    tasks=(REGRESSION,),
    better="lower",
    low=0.0,
    high=np.inf,
    unit="label",
    counts="rows with a label and a prediction",
)
_no_baseline = partial(constant, np.nan)

METRICS.add(
    _error(
        "mae",
        "Mean absolute error",
        needs=("sum:ae", "sum:e2"),
        wants=("sum:d",),
        help="Mean size of the error, in the label's unit: 0 no error.",
        source="Willmott and Matsuura 2005",
        estimate=partial(mean_of, "ae", "e2"),
        baseline=mean_distance,
        baseline_help="always predicting the evaluation's median label",
        sql=Sql("rows", "SUM[ae] / nullif(SUM[one], 0)", "count(*)"),
    )
)
METRICS.add(
    _error(
        "rmse",
        "Root mean squared error",
        needs=("sum:e2", "sum:e4"),
        wants=("sum:y", "sum:y2"),
        help="Root of the mean squared error (divided by n), in the label's unit: 0 no error; large errors weigh more.",
        source="Gauss 1821",
        estimate=rmse,
        baseline=label_deviation,
        baseline_help="always predicting the group's mean label: the labels' standard deviation",
        sql=Sql("rows", "sqrt(SUM[e2] / nullif(SUM[one], 0))", "count(*)"),
    )
)
METRICS.add(
    _error(
        "r2",
        "R2",
        needs=("sum:e2", "sum:e4", "sum:y", "sum:y2", "sum:y3", "sum:y4", "sum:e2y", "sum:e2y2"),
        better="higher",
        low=-np.inf,
        high=1.0,
        unit="score",
        help="1 - SSE / SST: 1 no error, 0 no better than the group's mean label, negative worse than that.",
        source="Wright 1921",
        estimate=r2,
        baseline=partial(constant, 0.0),
        baseline_help="0: always predicting the group's mean label",
        sql=Sql("rows", "1 - SUM[e2] / nullif(SUM[y2] - SUM[y] * SUM[y] / nullif(SUM[one], 0), 0)", "count(*)"),
    )
)
METRICS.add(
    _error(
        "median_ae",
        "Median absolute error",
        needs=("order:ae",),
        wants=("order:d",),
        help="Half of the errors are at most this large, in the label's unit: 0 half are without error.",
        source="Hampel 1974",
        estimate=median_ae,
        baseline=median_distance,
        baseline_help="always predicting the evaluation's median label",
        sql=Sql("rows", "P50[ae]", "count(*)"),
    )
)
METRICS.add(
    _error(
        "bias",
        "Bias",
        needs=("sum:e", "sum:e2"),
        better="zero",
        low=-np.inf,
        help="Mean of prediction - label, in the label's unit: above 0 predicted too high, below 0 too low.",
        source="Theil 1966",
        estimate=partial(mean_of, "e", "e2", low=-np.inf),
        baseline=partial(constant, 0.0),
        baseline_help="0: always predicting the mean label",
        sql=Sql("rows", "SUM[e] / nullif(SUM[one], 0)", "count(*)"),
    )
)
METRICS.add(
    _error(
        "mape",
        "Mean absolute percentage error",
        needs=("sum:ape", "sum:ape2", "sum:zero"),
        unit="ratio",
        help="Mean of |error / label|: 0 no error, 1 as large as the label. Refused where a label is 0.",
        source="Makridakis 1993",
        estimate=partial(mean_of, "ape", "ape2", zeros=False),
        baseline=_no_baseline,
        sql=Sql("rows", "CASE WHEN SUM[zero] = 0 THEN SUM[ape] / nullif(SUM[one], 0) END", "count(*)"),
    )
)
METRICS.add(
    _error(
        "wape",
        "Weighted absolute percentage error",
        needs=("sum:ae", "sum:ay", "sum:e2", "sum:aey", "sum:ay2"),
        unit="ratio",
        help="Sum of |error| over sum of |label|: 0 no error, 1 as large as the labels together.",
        source="Kolassa and Schuetz 2007",
        estimate=wape,
        baseline=_no_baseline,
        sql=Sql("rows", "SUM[ae] / nullif(SUM[ay], 0)", "count(*)"),
    )
)
METRICS.add(
    _error(
        "smape",
        "Symmetric percentage error",
        needs=("sum:sape", "sum:sape2"),
        high=2.0,
        unit="ratio",
        help="Mean of 2 |error| / (|label| + |prediction|), 0 where both are 0: 0 no error, 2 the worst.",
        source="Makridakis 1993",
        estimate=partial(mean_of, "sape", "sape2", high=2.0),
        baseline=_no_baseline,
        sql=Sql("rows", "SUM[sape] / nullif(SUM[one], 0)", "count(*)"),
    )
)
