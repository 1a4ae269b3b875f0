"""Pairs: two model versions asked about the same rows, each side's cube over the rows both answered."""

from collections.abc import Iterable
from dataclasses import replace

from analysis.engine.query import Answer, OpenEvaluation, Query
from analysis.metrics import paired
from analysis.metrics.definition import Metric


def queries(query: Query, other: str, metrics: Iterable[Metric]) -> tuple[Query, Query]:
    """The queries of both sides; the first side's carries what the pair needs."""
    needed = frozenset(need for metric in metrics for need in paired.needs(metric))
    return replace(query, other=other, needs=query.needs | needed), replace(query, model=other, other=query.model)


def ask(evaluation: OpenEvaluation, query: Query, other: str, metrics: Iterable[Metric]) -> tuple[Answer, Answer]:
    """The answers of both sides, whose groups are the same in the same order."""
    one, two = evaluation.ask_all(queries(query, other, metrics))
    return one, two
