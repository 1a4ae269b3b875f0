"""Effects: what some rows do to a metric: with them, without them, on them alone, and how many errors they hold."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from analysis.core.cutoffs import Threshold
from analysis.core.evaluation import ModelFacts
from analysis.core.roles import REGRESSION
from analysis.core.segment import Not, Segment
from analysis.engine import replicated
from analysis.engine.query import OpenEvaluation, Query
from analysis.metrics import METRICS, panel
from analysis.metrics.definition import Metric
from analysis.metrics.nested import Nested, is_mean, nested

OFFERED = {
    "binary": ("roc_auc", "recall", "precision", "accuracy", "log_loss", "brier", "selection_rate"),
    "multiclass": ("accuracy", "log_loss", "brier"),
    "regression": ("mae", "bias"),
}
"""Metrics whose effect has an interval, or that say why not; the first that can be answered is the usual one."""


@dataclass(frozen=True)
class Effect:
    """errors: the share of all errors (of forecasts, of the absolute error) that these rows hold; nan: not known."""

    metric: str
    model: str
    values: Nested
    errors: float

    def told(self) -> dict[str, Any]:
        """Its columns in a frame of hits; None for what is not defined, with the reason."""
        values = self.values
        numbers = {
            "effect": values.difference.value[0],
            "effect_low": values.difference.low[0],
            "effect_high": values.difference.high[0],
            "with_rows": values.over_all.value[0],
            "without_rows": values.without.value[0],
            "rows_alone": values.alone.value[0],
            "error_share": self.errors,
        }
        reason = values.difference.reason[0]
        return {name: None if np.isnan(value) else float(value) for name, value in numbers.items()} | {
            "metric": self.metric,
            "model": self.model,
            "n": int(values.alone.n[0]),
            "method": values.difference.method,
            "reason": None if reason is None else str(reason),
            "p": values.p,
        }


def offered(opened: OpenEvaluation, threshold: Threshold | None) -> list[str]:
    """The metrics effects can be told in, the usual one first."""
    facts = opened.facts
    return [
        name
        for name in OFFERED[facts.task]
        if any(panel.obstacle(METRICS.get(name), facts, model, threshold) is None for model in facts.models)
    ]


def effect(
    opened: OpenEvaluation, metric: Metric, model: ModelFacts, where: Segment, threshold: Threshold | None, level: float
) -> Effect | None:
    """None where the model cannot answer the metric."""
    facts = opened.facts
    cut = threshold if model.score else None
    if metric.per_class_of(facts.classes) or panel.obstacle(metric, facts, model, cut) is not None:
        return None
    told = METRICS.get("mae" if facts.task == REGRESSION else "accuracy")
    counted = panel.obstacle(told, facts, model, cut) is None
    metrics = [metric, told] if counted else [metric]
    whole = Query(model.name, panel.needs(metrics), threshold=cut)
    queries = [whole, replace(whole, where=Not(where)), replace(whole, where=where)]
    answers = [opened.ask(query) for query in queries]
    cubes = [answer.cube for answer in answers]
    if any(not len(cube) for cube in cubes):
        return None
    mean = is_mean(metric, *cubes)
    pair = (1, 2) if mean else (0, 1)
    known = replicated.attached(opened, [(queries[at], answers[at]) for at in pair])
    for at, answer in zip(pair, known, strict=True):
        cubes[at] = answer.cube
    values = nested(metric, *cubes, mean=mean, level=level)
    errors = float("nan")
    if counted:
        of = [told.measure(cube, level=level) for cube in (cubes[0], cubes[2])]
        lost = [each.n[0] * (each.value[0] if facts.task == REGRESSION else 1 - each.value[0]) for each in of]
        errors = float(lost[1] / lost[0]) if lost[0] > 0 and of[1].n[0] else (0.0 if lost[0] > 0 else float("nan"))
    return Effect(metric.name, model.name, values, errors)
