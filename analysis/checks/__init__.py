"""Checks: registered definitions, a file a family; they ask the engine and say what they found."""

from analysis.checks import (  # noqa: F401
    columns,
    copies,
    course,
    decisions,
    doubted,
    labels,
    personal,
    predictions,
    protected,
    scores,
    values,
)
from analysis.checks.definition import CHECKS, CLEAR, FOUND, NOT_APPLICABLE, Check, Hit, Seen

__all__ = ["CHECKS", "CLEAR", "FOUND", "NOT_APPLICABLE", "Check", "Hit", "Seen"]
