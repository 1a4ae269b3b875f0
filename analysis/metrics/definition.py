"""Metrics: one definition each, from which value, interval, grouping, comparison and baseline follow."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from analysis.core.cube import Cube
from analysis.core.errors import UnknownName
from analysis.core.estimate import Estimates
from analysis.core.registry import Registry
from analysis.metrics import replicates
from analysis.metrics.clusters import APART, BY_UNIT, DEALT

Estimator = Callable[[Cube, float], Estimates]
Baseline = Callable[[Cube], np.ndarray]


@dataclass(frozen=True)
class Sql:
    """The metric once more, as SQL over the rows themselves, for receipts: a second opinion that shares no arithmetic.

    source names what value and n are written over:
    "counts": one row a group with tp fp fn tn, flagged, decided, positives, labelled (weights) and n_tp ... (rows);
    "classes": a row a group and class with tp, actual, predicted (weights) and n_actual, n_predicted, n_either (rows);
    "rows": the rows themselves, where SUM[term] stands for the (weighted) sum of a per-row term, SUM[one] for
    the sum of weights and, alone, P50[quantity] for a quantile; "over:ROWS": the same over other rows;
    "scores": a row a group and score code, ascending in s, with pos, neg (weights), n_pos, n_all (rows), neg_below, tp,
    fp (at and above this score), positives, negatives, wide (the code holds several values);
    "calibration": a row a group and 15th of the score's range with excess (of labels over scores), pos (positives),
    squares (of label less score), total (all weights) and n_all (rows); "top_calibration": the excess, total and n_all
    of the highest score of many classes, and "class_calibration": of each class's score in turn;
    "recalibration": a row a group with intercept and slope of the logistic regression on the score's log odds, sound
    (whether they exist) and n_all (rows);
    "class_scores": the same as "scores" with a row a group, class and code of that class's score, whose positives are
    the class and whose negatives are all the others;
    "areas": a row a group, class and other class (for "rests": all others as one) with area (AUC of the class's score
    between the two, null where one is missing) and n_pos (rows of the class);
    "ranks": the labelled rows with the label's rank, their weight w and the number of classes;
    "days": the rows that have a time with their day and whether they were answered; "rank_products": the rows with
    label and prediction with their weight w and the midranks a and b of the two, less the mean;
    "latency": the rows with one, see P50.
    by_class, n_by_class: the same over "classes" where there are more than two.
    """

    source: str
    value: str
    n: str
    by_class: str = ""
    n_by_class: str = ""


@dataclass(frozen=True)
class Metric:
    """A named definition.

    needs: what the cube must hold: "decisions" (Confusion), "predictions" or "labels" (the same, of which only one side
    is used), "scores" (Histogram), "sum:TERM" (a term of Sums), "order:QUANTITY" or "order:QUANTITY:LEVEL" (an Order,
    its median or another quantile), "over:ROWS" (sums over other rows), "days", "rank_products", "class_scores",
    "class_moments", "top_label" or "ranks" (the parts of a cube for the scores of many classes), "probabilities" (of
    the model: its scores are that), "own:TEXT" (sums of an own expression), "has:score" (a score column, nothing
    counted), "refused:REASON" (nothing can serve).
    better: "higher", "lower", "zero" (nearest to zero) or None (neither).
    low, high: the range; the ends' meaning is in `help`. unit: "share" (shown in per cent), "score" (three decimals),
    "label" (the label's own unit), "ratio", "latency" and "money" (their column's own unit) or "rate" (a day).
    counts: what n counts, as in "actual positives".
    estimate(cube, level): one Estimates over the cube's groups. baseline(cube): what no skill gives, (G,).
    per_class: with more than two classes the estimates and the baseline run over groups x classes, group-major:
    shape (G * C,); with two they are those of the positive class.
    sql: the same number from the rows, for its receipt.
    wants: what the baseline uses where the cube holds it, and does without (nan) where it does not.
    """

    name: str
    title: str
    tasks: tuple[str, ...]
    needs: tuple[str, ...]
    better: str | None
    low: float
    high: float
    unit: str
    counts: str
    help: str
    source: str
    estimate: Estimator
    baseline: Baseline
    baseline_help: str = ""
    per_class: bool = False
    wants: tuple[str, ...] = ()
    sql: Sql | None = None

    @property
    def mark(self) -> list[str | None]:
        """What tells one definition of a name from another in what is kept: an own metric may be defined anew."""
        return [self.source, self.better, self.unit]

    def by_class(self, cube: Cube) -> bool:
        """Whether this metric gives one estimate a group and class of this cube."""
        return self.per_class_of(cube.classes)

    def per_class_of(self, classes: Sequence[str]) -> bool:
        """The same, from the names of the classes alone."""
        return self.per_class and len(classes) > 2

    def measure(self, cube: Cube, *, level: float = 0.95) -> Estimates:
        """The estimates of every group, each with its no-skill baseline.

        Where rows belong to units and the interval does not know it, the method says so.
        """

        def measured() -> Estimates:
            known = replicates.with_units(cube)
            made = self.estimate(known, level)
            method = made.method
            if known.units is not None and method and BY_UNIT not in method:
                method += f"; {APART}"
            elif known.units is not None and known.units.dealt and DEALT not in method:
                method = method.replace(BY_UNIT, DEALT)
            low, high = made.low, made.high
            if known.units is not None and BY_UNIT in method and len(known):
                single = np.repeat(
                    known.units.n < 2, len(made) // len(known)
                )  # of one unit nothing says how units vary
                low, high = (np.where(single, np.nan, end) for end in (low, high))
            return replace(made, low=low, high=high, baseline=self.baseline(cube), method=method)

        return cube.once((self.name, self.source, level), measured)


def defined(name: str, own: Mapping[str, Metric]) -> Metric:
    """The built-in or own metric called `name`; UnknownName with the nearest known one otherwise."""
    if name in own and name not in METRICS:
        return own[name]
    if name not in METRICS:
        raise UnknownName("metric", name, [*(metric.name for metric in METRICS), *own])
    return METRICS.get(name)


METRICS: Registry[Metric] = Registry("metric")
