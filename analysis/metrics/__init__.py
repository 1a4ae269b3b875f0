"""Metrics: importing this package fills the registry, in the order pickers show it."""

# ruff: isort: off
from analysis.metrics.definition import METRICS, Metric
from analysis.metrics import decisions, binary, tradeoffs, multiclass, scores, probabilities, regression

__all__ = [
    "METRICS",
    "Metric",
    "binary",
    "decisions",
    "multiclass",
    "probabilities",
    "regression",
    "scores",
    "tradeoffs",
]
