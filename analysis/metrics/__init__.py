"""Metrics: importing this package fills the registry, in the order pickers show it."""

# ruff: isort: off
from analysis.metrics.definition import METRICS, Metric
from analysis.metrics import decisions, binary, tradeoffs, multiclass, class_means
from analysis.metrics import scores, probabilities, class_scores, regression, forecasts, operational

__all__ = [
    "METRICS",
    "Metric",
    "binary",
    "class_means",
    "class_scores",
    "decisions",
    "forecasts",
    "multiclass",
    "operational",
    "probabilities",
    "regression",
    "scores",
    "tradeoffs",
]
