"""Metrics: importing this package fills the registry, in the order pickers show it."""

# ruff: isort: off
from analysis.metrics.definition import METRICS, Metric, defined
from analysis.metrics import decisions, binary, tradeoffs, multiclass, class_means
from analysis.metrics import scores, probabilities, calibration, brier, class_scores, class_calibration, each_class
from analysis.metrics import regression, forecasts, operational

__all__ = [
    "METRICS",
    "Metric",
    "binary",
    "brier",
    "calibration",
    "class_calibration",
    "class_means",
    "class_scores",
    "decisions",
    "defined",
    "each_class",
    "forecasts",
    "multiclass",
    "operational",
    "probabilities",
    "regression",
    "scores",
    "tradeoffs",
]
