"""Nearness: how far rows are from one row, feature by feature, worked out over the rows where they are.

The distance is Gower's: the mean over the features of 0 to 1 each. Of numbers it is the difference in widths of the
middle 90 % of the values, at most 1; of all else 0 where equal and 1 where not; missing is a value of its own.
"""

from dataclasses import dataclass

from analysis.core.background import NUMBER, Feature
from analysis.core.evaluation import EvalColumn
from analysis.engine.changing import Value, scale
from analysis.engine.condition import double, quoted
from analysis.engine.judgement import Judged
from analysis.engine.rows import RowQuery
from analysis.engine.sampled import feature


@dataclass(frozen=True)
class Nearest(RowQuery):
    """The rows nearest to one with these values, the nearest first, in the order of the file where equally near.

    values: (column name, its value, its scale; 0 for what is no number). decided: only rows decided, and not as this
    says; "" for all. apart: the row itself, by its place in the file, to be left out. Columns: row, distance,
    prediction and score (as recorded), the ids i0, i1, ..., and v0, v1, ... as a model takes them.
    """

    values: tuple[tuple[str, Value, float], ...] = ()
    decided: str = ""
    apart: int | None = None
    limit: int = 1

    def statement(self, seen: Judged) -> str:
        facts = seen.evaluation
        columns = [facts.column(name) for name, _, _ in self.values]
        far = [
            f"({part(column, value, width)})" for column, (_, value, width) in zip(columns, self.values, strict=True)
        ]
        where = self.scope(seen) + ("" if self.apart is None else f" AND r.rowid <> {int(self.apart)}")
        if self.decided:
            where += f" AND {seen.sql('prediction')} <> {quoted(self.decided)}"
        near = (
            f"SELECT r.rowid AS row, ({' + '.join(far)}) / {len(far)} AS distance FROM rows r WHERE {where} "
            f"ORDER BY distance, row LIMIT {int(self.limit)}"
        )
        picked = [
            "near.row",
            "near.distance",
            f"{seen.sql('prediction')} AS prediction",
            f"{self._score(seen)} AS score",
        ]
        picked += [f"CAST(r.{facts.column(name).key} AS VARCHAR) AS i{at}" for at, name in enumerate(facts.roles.id)]
        picked += [f"{feature(column)} AS v{at}" for at, column in enumerate(columns)]
        # The columns come in by a join: DuckDB 2.0 fails on a computed order that reads them late by itself.
        return (
            f"SELECT {', '.join(picked)} FROM ({near}) near JOIN rows r ON r.rowid = near.row "
            "ORDER BY near.distance, near.row"
        )

    def _score(self, seen: Judged) -> str:
        return "CAST(NULL AS DOUBLE)" if len(seen.evaluation.classes) != 2 else seen.sql("score")


def part(column: EvalColumn, value: Value, width: float) -> str:
    """How far a row is in one feature, 0 to 1, as SQL."""
    raw = feature(column)
    if value is None:
        return f"CAST({raw} IS NOT NULL AS DOUBLE)"
    if width:
        raw = f"CAST({raw} AS DOUBLE)"
        apart = f"least(abs({raw} - {double(float(value))}) / {double(width)}, 1.0)"
        return f"CASE WHEN {raw} IS NULL OR isnan({raw}) THEN 1.0 ELSE {apart} END"
    text = double(float(value)) if column.type == "BOOLEAN" else quoted(str(value))
    return f"CAST({raw} IS DISTINCT FROM {text} AS DOUBLE)"


def width(found: Feature) -> float:
    """The scale of a feature; 0 of what is no number."""
    return scale(found) if found.kind == NUMBER else 0.0
