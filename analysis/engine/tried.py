"""Values to try in place of a row's own: ones that rows of the evaluation have."""

from collections.abc import Sequence
from dataclasses import dataclass

from analysis.core.background import NUMBER, Feature
from analysis.core.evaluation import EvalColumn
from analysis.engine.background import ALL, LOOKED_AT
from analysis.engine.changing import Value
from analysis.engine.judgement import Judged
from analysis.engine.query import OpenEvaluation
from analysis.engine.rows import RowQuery

STEPS = 100
VALUES = 100


@dataclass(frozen=True)
class _Steps(RowQuery):
    """One row: of each column of numbers v0, v1, ... the values at its quantiles 0, 0.01, ..., 1, each one that some
    row looked at has. every: one run of 32 rows in so many is looked at."""

    columns: tuple[str, ...] = ()
    every: int = 1

    def statement(self, seen: Judged) -> str:
        levels = ", ".join(str(step / STEPS) for step in range(STEPS + 1))
        picked = []
        for at, name in enumerate(self.columns):
            raw = f"CAST(r.{seen.evaluation.column(name).key} AS DOUBLE)"
            picked.append(f"quantile_disc(CASE WHEN isfinite({raw}) THEN {raw} END, [{levels}]) AS v{at}")
        drawn = f"hash(r.rowid >> 5) % {self.every} = 0" if self.every > 1 else "true"
        return f"SELECT {', '.join(picked)} FROM rows r WHERE {drawn}"


def observed(
    opened: OpenEvaluation, columns: Sequence[EvalColumn], features: Sequence[Feature]
) -> tuple[list[list[Value]], str]:
    """(of each column the values to try, the SQL that found the numbers'): at most 101 numbers from the smallest to
    the largest, at most 100 texts with the most frequent first. Yes and no are 1 and 0, as a model takes them."""
    numbers = [column.name for column, each in zip(columns, features, strict=True) if each.kind == NUMBER]
    rows = opened.facts.rows
    asked = _Steps(opened.facts.models[-1].name, columns=tuple(numbers), every=1 if rows <= ALL else rows // LOOKED_AT)
    found = opened.rows(asked) if numbers else None
    made: list[list[Value]] = []
    for column, each in zip(columns, features, strict=True):
        if each.kind == NUMBER:
            assert found is not None  # noqa: S101 - there is a column of numbers
            steps = found.frame[f"v{numbers.index(column.name)}"][0]
            values = [] if steps is None else sorted({float(step) for step in steps if step is not None})
            made.append([_number(value, column) for value in values])
        elif column.type == "BOOLEAN":
            made.append([1.0 if key == "true" else 0.0 for key, count in each.values if count])
        else:
            texts: list[Value] = [key for key, count in each.values if count]
            made.append(texts[:VALUES])
    return made, found.sql if found is not None else ""


def _number(value: float, column: EvalColumn) -> Value:
    return int(value) if "INT" in column.type and value.is_integer() else value
