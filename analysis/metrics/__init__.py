"""Metrics: importing this package fills the registry, in the order pickers show it."""

# ruff: isort: off
from analysis.metrics.definition import METRICS, Metric, defined
from analysis.metrics import decisions, binary, multiclass, scores, probabilities, regression

__all__ = ["METRICS", "Metric", "binary", "decisions", "defined", "multiclass", "probabilities", "regression", "scores"]
