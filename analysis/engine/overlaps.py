"""Overlaps: the rows by which of several segments they are in, with what the model got of them, in one scan."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from analysis.core.evaluation import Evaluation
from analysis.core.roles import REGRESSION
from analysis.core.segment import Segment
from analysis.engine.condition import render
from analysis.engine.parts.units import singly
from analysis.engine.replicated import MOST as DEALT
from analysis.engine.rows import Judged, RowQuery
from analysis.engine.statements import replicate_sql, unit_sql
from analysis.metrics.accounting import Clusters

MOST_SEGMENTS = 40


@dataclass(frozen=True)
class Overlap(RowQuery):
    """Rows by membership: mask (bit i is set in segment i), rows, and of those with an outcome n, w, w2, s, q, q2.

    The outcome v is 1 for a right decision and 0 for a wrong one, or of forecasts the absolute error. As in Binned,
    s = sum(w v), q = sum(w^2 v), q2 = sum(w^2 v^2); without weights w = w2 = n and q = s.
    """

    segments: tuple[Segment, ...] = ()

    def judged(self, seen: Judged, *more: str) -> str:
        """Each row's mask, outcome v and weight w, and what else of it is asked for."""
        known = seen.references()
        bits = [f"CAST({render(each, known)} AS BIGINT) * {1 << place}" for place, each in enumerate(self.segments)]
        weighted = seen.evaluation.weighted
        value = outcome_sql(seen) + (" + 0 * r.w" if weighted else "")
        picked = [f"{' + '.join(bits) or '0'} AS mask", f"{value} AS v", f"{'r.w' if weighted else '1'} AS w", *more]
        return f"SELECT {', '.join(picked)} FROM rows r WHERE {self.scope(seen)}"

    def statement(self, seen: Judged) -> str:
        weight = "w" if seen.evaluation.weighted else "1"
        return (
            f"SELECT mask, count(*) AS rows, count(v) AS n, sum({weight}) FILTER (v IS NOT NULL) AS w, "
            f"sum({weight} * {weight}) FILTER (v IS NOT NULL) AS w2, fsum({weight} * v) AS s, "
            f"fsum({weight} * {weight} * v) AS q, fsum({weight} * {weight} * v * v) AS q2 "
            f"FROM ({self.judged(seen)}) GROUP BY mask ORDER BY mask"
        )


@dataclass(frozen=True)
class Clustered(Overlap):
    """The same by unit too, of rows with an outcome: unit, mask, w, s. Of an evaluation of many rows a unit is a random
    group of units. Where rows have no units there is nothing to ask."""

    def statement(self, seen: Judged) -> str:
        facts = seen.evaluation
        unit = unit_sql(facts) if singly(facts) else replicate_sql(facts, DEALT)
        inner = self.judged(seen, f"{unit} AS unit")
        return (
            f"SELECT unit, mask, sum(w)::DOUBLE AS w, fsum(w * v) AS s FROM ({inner}) WHERE v IS NOT NULL "
            "GROUP BY unit, mask ORDER BY unit, mask"
        )


def clusters(evaluation: Evaluation, frame: pl.DataFrame, cells: pl.DataFrame) -> Clusters:
    """What `Clustered` found. cells: what `Overlap` found of the same rows."""
    unit = np.unique(frame["unit"].to_numpy(), return_inverse=True)[1]
    cell = np.searchsorted(cells["mask"].to_numpy(), frame["mask"].to_numpy())
    w, s = (frame[name].to_numpy().astype(float) for name in ("w", "s"))
    return Clusters(unit, cell, w, s, not singly(evaluation))


def outcome_sql(seen: Judged) -> str:
    """1 right, 0 wrong, or the absolute error; NULL without a label or an answer."""
    if seen.evaluation.task == REGRESSION:
        return f"abs({seen.sql('error')})"
    return f"CAST({seen.sql('label')} = {seen.sql('prediction')} AS DOUBLE)"


def outcome(evaluation: Evaluation) -> str:
    """The metric whose mean over rows the outcome is."""
    return "mae" if evaluation.task == REGRESSION else "accuracy"
