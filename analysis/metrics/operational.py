"""Operation: how fast, how much, how complete and how costly a model's answers are. Most of it needs no label."""

from functools import partial

import numpy as np

from analysis.core.cube import Cube
from analysis.core.errors import BadRequest
from analysis.core.estimate import Estimates
from analysis.core.roles import BINARY, MULTICLASS, REGRESSION
from analysis.metrics.decisions import NO_WEIGHT, constant
from analysis.metrics.definition import METRICS, Metric, Sql
from analysis.metrics.intervals import divide, effective_n, mean_variance, plain, reasons
from analysis.metrics.rowsets import mean, order_quantile, over, share

SECTION = (
    "latency_p50",
    "latency_p95",
    "latency_p99",
    "throughput",
    "missing_prediction_rate",
    "cost_per_prediction",
    "cost_per_correct_decision",
)


def latency(quantile: float, cube: Cube, level: float) -> Estimates:
    """A quantile of the response times."""
    if "latency" not in cube.orders:
        raise BadRequest("This metric needs response times: give a column the role latency.")
    return order_quantile(cube.orders["latency"], quantile, level, "no row has a latency")


def throughput(cube: Cube, level: float) -> Estimates:
    """Answers a day, over all days from the first to the last row. Days are taken as independent draws, so that busy
    and quiet ones count, and the interval is Student's over them; none below two days. By simulation a 95 % interval
    covers 93 to 96 % from seven days on while days vary by up to a half of their mean; fewer days, or days that take
    after the one before, make it too narrow."""
    if cube.days is None:
        raise BadRequest("This metric needs a time: give a column the role time.")
    days = cube.days
    value = divide(days.n, days.span)
    spread = np.maximum(days.squares - value * days.n, 0.0)
    variance = divide(spread, days.span * (days.span - 1.0))
    low, high = plain(value, variance, level, days.span - 1.0)
    why = reasons(len(value), (days.span == 0, "no row has a time"))
    return Estimates(value, np.maximum(low, 0.0), high, days.n, "mean of the daily counts, Student's t", why)


def missing_rate(cube: Cube, level: float) -> Estimates:
    rows = over(cube, "answers")
    return share(rows, rows.s["unanswered"], level, "there are no rows")


def cost(cube: Cube, level: float) -> Estimates:
    """Mean cost. Student's interval: with strongly skewed costs it covers less at few rows (a log-normal with sigma 1:
    89 % at 50 rows, 93 % at 200)."""
    return mean(over(cube, "costs"), "cost", "cost2", level, "no answered row has a cost")


def cost_per_right(cube: Cube, level: float) -> Estimates:
    """Sum of costs over right decisions, a ratio of sums."""
    s = over(cube, "decided_costs")
    value = divide(s.s["cost"], s.s["right"])
    variance = mean_variance(s.n, s.s["right"], s.q["cost2"], s.q["cost_right"], s.q["right"], value)
    low, high = plain(value, variance, level, effective_n(s.w, s.w2) - 1)
    why = reasons(
        len(value),
        (s.n == 0, "no labelled and decided row has a cost"),
        (s.w <= 0, NO_WEIGHT),
        (np.isnan(value), "no decision was right"),
    )
    method = "delta method of a ratio, Student's t" + (", linearised for the weights" if s.weighted else "")
    return Estimates(value, low, high, s.n, method, why)


_operational = partial(
    Metric, tasks=(BINARY, MULTICLASS, REGRESSION), low=0.0, high=np.inf, baseline=partial(constant, np.nan)
)
for _quantile, _title, _words in (
    (50, "Median latency", "Half"),
    (95, "95th percentile of latency", "95 %"),
    (99, "99th percentile of latency", "99 %"),
):
    METRICS.add(
        _operational(
            f"latency_p{_quantile}",
            _title,
            needs=(f"order:latency:{_quantile / 100}",),
            better="lower",
            unit="latency",
            counts="rows with a latency",
            help=f"{_words} of the answers take at most this long, in the column's own unit: 0 none takes any time.",
            source="Conover 1999, ch. 3.2",
            estimate=partial(latency, _quantile / 100),
            sql=Sql("latency", f"P{_quantile}[latency]", "count(*)"),
        )
    )
METRICS.add(
    _operational(
        "throughput",
        "Throughput",
        needs=("days",),
        better=None,
        unit="rate",
        counts="rows the model answered",
        help="Rows the model answered a day, from the day of the first row to that of the last, days without any "
        "counted as 0 and rows counted whatever their weight: 0 none was answered.",
        source="Student 1908",
        estimate=throughput,
        sql=Sql(
            "days",
            "count(*) FILTER (answered) / nullif(max(day) - min(day) + 1, 0)",
            "count(*) FILTER (answered)",
        ),
    )
)
METRICS.add(
    _operational(
        "missing_prediction_rate",
        "Missing predictions",
        needs=("over:answers",),
        better="lower",
        high=1.0,
        unit="share",
        counts="rows in scope",
        help="Share of all rows the model neither decided nor scored: 0 every row has an answer, 1 none has.",
        source="Wilson 1927",
        estimate=missing_rate,
        sql=Sql("over:answers", "SUM[unanswered] / nullif(SUM[one], 0)", "count(*)"),
    )
)
METRICS.add(
    _operational(
        "cost_per_prediction",
        "Cost per prediction",
        needs=("over:costs",),
        better="lower",
        low=-np.inf,
        unit="money",
        counts="answered rows with a cost",
        help="Mean cost of a row the model answered, in the cost column's unit: 0 free, negative a gain.",
        source="Student 1908",
        estimate=cost,
        sql=Sql("over:costs", "SUM[cost] / nullif(SUM[one], 0)", "count(*)"),
    )
)
METRICS.add(
    _operational(
        "cost_per_correct_decision",
        "Cost per correct decision",
        tasks=(BINARY, MULTICLASS),
        needs=("decisions", "over:decided_costs"),
        better="lower",
        low=-np.inf,
        unit="money",
        counts="labelled and decided rows with a cost",
        help="Sum of costs over the number of right decisions, in the cost column's unit: 0 free, negative a gain.",
        source="Cochran 1977, ch. 6",
        estimate=cost_per_right,
        sql=Sql("over:decided_costs", "SUM[cost] / nullif(SUM[right], 0)", "count(*)"),
    )
)
