"""Overlaps: the rows by which of several segments they are in, with what the model got of them, in one scan."""

from dataclasses import dataclass

from analysis.core.evaluation import Evaluation
from analysis.core.roles import REGRESSION
from analysis.core.segment import Segment
from analysis.engine.condition import render
from analysis.engine.rows import Judged, RowQuery

MOST_SEGMENTS = 40


@dataclass(frozen=True)
class Overlap(RowQuery):
    """Rows by membership: mask (bit i is set in segment i), rows, and of those with an outcome n, w, w2, s, q, q2.

    The outcome v is 1 for a right decision and 0 for a wrong one, or of forecasts the absolute error. As in Binned,
    s = sum(w v), q = sum(w^2 v), q2 = sum(w^2 v^2); without weights w = w2 = n and q = s.
    """

    segments: tuple[Segment, ...] = ()

    def statement(self, seen: Judged) -> str:
        known = seen.references()
        bits = [f"CAST({render(each, known)} AS BIGINT) * {1 << place}" for place, each in enumerate(self.segments)]
        weighted = seen.evaluation.weighted
        value = outcome_sql(seen) + (" + 0 * r.w" if weighted else "")
        weight = "w" if weighted else "1"
        return (
            f"SELECT mask, count(*) AS rows, count(v) AS n, sum({weight}) FILTER (v IS NOT NULL) AS w, "
            f"sum({weight} * {weight}) FILTER (v IS NOT NULL) AS w2, fsum({weight} * v) AS s, "
            f"fsum({weight} * {weight} * v) AS q, fsum({weight} * {weight} * v * v) AS q2 "
            f"FROM (SELECT {' + '.join(bits) or '0'} AS mask, {value} AS v, {'r.w' if weighted else '1'} AS w "
            f"FROM rows r WHERE {self.scope(seen)}) GROUP BY mask ORDER BY mask"
        )


def outcome_sql(seen: Judged) -> str:
    """1 right, 0 wrong, or the absolute error; NULL without a label or an answer."""
    if seen.evaluation.task == REGRESSION:
        return f"abs({seen.sql('error')})"
    return f"CAST({seen.sql('label')} = {seen.sql('prediction')} AS DOUBLE)"


def outcome(evaluation: Evaluation) -> str:
    """The metric whose mean over rows the outcome is."""
    return "mae" if evaluation.task == REGRESSION else "accuracy"
