"""Metrics: one definition each, from which value, interval, grouping, comparison and baseline follow."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from analysis.core.cube import Cube
from analysis.core.estimate import Estimates
from analysis.core.registry import Registry

Estimator = Callable[[Cube, float], Estimates]
Baseline = Callable[[Cube], np.ndarray]


@dataclass(frozen=True)
class Metric:
    """A named definition.

    needs: what the cube must hold: "decisions" (Confusion), "scores" (Histogram), "sum:TERM" (a term of Sums),
    "order:QUANTITY" (an Order). better: "higher", "lower", "zero" (nearest to zero) or None (neither).
    low, high: the range; the ends' meaning is in `help`. unit: "share" (shown in per cent), "score" (three decimals),
    "label" (the label's own unit) or "ratio". counts: what n counts, as in "actual positives".
    estimate(cube, level): one Estimates over the cube's groups. baseline(cube): what no skill gives, (G,).
    per_class: the estimates run over groups x classes, group-major: shape (G * C,), for multiclass only.
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


METRICS: Registry[Metric] = Registry("metric")
