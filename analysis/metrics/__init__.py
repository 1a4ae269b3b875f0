"""Metrics: importing this package fills the registry, in the order pickers show it."""

# ruff: isort: off
from analysis.metrics.definition import METRICS, Metric, defined
from analysis.metrics import decisions, binary, tradeoffs, multiclass, class_means
from analysis.metrics import scores, probabilities, class_scores, regression

__all__ = [
    "METRICS",
    "Metric",
    "binary",
    "class_means",
    "class_scores",
    "decisions",
    "defined",
    "multiclass",
    "probabilities",
    "regression",
    "scores",
    "tradeoffs",
]
