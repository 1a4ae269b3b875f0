"""Checks: registered definitions, a file a family; they ask the engine and say what they found."""

from analysis.checks import columns, copies, course, decisions, labels, predictions, scores, values  # noqa: F401
from analysis.checks.definition import CHECKS, CLEAR, FOUND, NOT_APPLICABLE, Check, Hit, Seen

__all__ = ["CHECKS", "CLEAR", "FOUND", "NOT_APPLICABLE", "Check", "Hit", "Seen"]
