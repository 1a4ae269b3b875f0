"""Statements: a query as SQL over an evaluation file. The same text answers in a bare DuckDB after `USE`."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from analysis.core.errors import BadRequest
from analysis.core.evaluation import EvalColumn, Evaluation, ModelFacts
from analysis.core.period import MONDAY, WIDTHS
from analysis.core.segment import Everything
from analysis.core.settings import whole
from analysis.engine.condition import ColumnRef, render
from analysis.engine.query import Query

if TYPE_CHECKING:
    from analysis.engine.deciding import Cut

SET = "grouping_set"


@dataclass(frozen=True)
class Keys:
    """The grouping keys: their names and the SQL of each; in a result they are k0, k1, ... as text."""

    names: tuple[str, ...]
    sql: tuple[str, ...]

    @property
    def places(self) -> tuple[str, ...]:
        return tuple(f"k{place}" for place in range(len(self.sql)))

    def as_text(self, inner: str) -> str:
        """`inner` with its keys as text."""
        if not self.sql:
            return inner
        texts = ", ".join(f"CAST({name} AS VARCHAR) AS {name}" for name in self.places)
        return f"SELECT * REPLACE ({texts}) FROM ({inner})"


@dataclass(frozen=True)
class Select:
    """One group-by over the rows: cells are further columns to group by, sums the aggregates, each `SQL AS name`."""

    cells: tuple[str, ...]
    sums: tuple[str, ...]
    where: str

    def sql(self, keys: Keys) -> str:
        """Grouped by the keys and the cells."""
        picked = [f"{sql} AS {name}" for sql, name in zip(keys.sql, keys.places, strict=True)]
        return keys.as_text(self._from([*picked, *self.cells, *self.sums], "ALL"))

    def sets(self, keys: Keys, groupings: Sequence[tuple[int, ...]]) -> str:
        """Every grouping (places of keys) in one scan; column `grouping_set` says which a row belongs to.

        It is DuckDB's GROUPING_ID over all keys: `grouping_id` below gives it for a grouping.
        """
        picked = [f"{sql} AS {name}" for sql, name in zip(keys.sql, keys.places, strict=True)]
        cells = [cell.rpartition(" AS ")[0] for cell in self.cells]
        sets = [f"({', '.join([*(keys.sql[place] for place in grouping), *cells])})" for grouping in groupings]
        which = f"GROUPING_ID({', '.join(keys.sql)}) AS {SET}"
        return keys.as_text(self._from([*picked, *self.cells, *self.sums, which], f"GROUPING SETS ({', '.join(sets)})"))

    def _from(self, picked: list[str], grouped: str) -> str:
        return f"SELECT {', '.join(picked)} FROM rows r WHERE {self.where} GROUP BY {grouped}"


def grouping_id(grouping: Sequence[int], keys: int) -> int:
    """What GROUPING_ID says of a grouping among so many keys: a bit is set for each key left out, the first highest.

    >>> grouping_id((0,), 3)
    3
    """
    return sum(1 << (keys - 1 - place) for place in range(keys) if place not in grouping)


@dataclass(frozen=True)
class Asked:
    """One query as far as it is understood.

    cut: what decides by score codes, None for recorded decisions. where: what is measured, in SQL.
    columns: those grouped by, in the order of their keys. groups: how many there are, None while that is unknown.
    other, other_cut: the second model version of a paired query and its cut.
    """

    evaluation: Evaluation
    query: Query
    model: ModelFacts
    cut: "Cut | None"
    keys: Keys
    columns: tuple[EvalColumn, ...]
    where: str
    groups: int | None = None
    other: ModelFacts | None = None
    other_cut: "Cut | None" = None

    @property
    def models(self) -> tuple[ModelFacts, ...]:
        """The model versions that must have answered a row."""
        return (self.model,) if self.other is None else (self.model, self.other)

    @property
    def counts(self) -> tuple[str, ...]:
        """The aggregates that count rows: n, and with weights their sum and that of their squares."""
        if self.evaluation.weighted:
            return ("count(r.w) AS n", "sum(r.w) AS w", "sum(r.w * r.w) AS w2")
        return ("count(*) AS n",)

    @property
    def decision(self) -> str:
        """The decided class: the recorded one, or as `cut` says; of two versions where both decided."""
        theirs = None if self.other is None else decision(self.other, self.other_cut)
        return both_decided(decision(self.model, self.cut), theirs)

    @property
    def review(self) -> str:
        """The test for rows that a band leaves to a person, of two versions either's; empty where there is no band."""
        cuts = zip(self.models, (self.cut, self.other_cut), strict=False)
        tests = [cut.reviews(f"r.b{model.index}") for model, cut in cuts if cut is not None and cut.band]
        return f"({' OR '.join(tests)})" if tests else ""


def understood(
    evaluation: Evaluation,
    query: Query,
    *,
    cut: "Cut | None",
    other_cut: "Cut | None" = None,
    groups: int | None = None,
) -> Asked:
    """The query with its keys and conditions in SQL; errors name what the evaluation does not have."""
    model = evaluation.model(query.model)
    other = None if query.other is None else evaluation.model(query.other)
    where = weighed(evaluation, query)
    columns = tuple(evaluation.column(name) for name in query.by)
    by = keys(evaluation, query, where)
    return Asked(evaluation, query, model, cut, by, columns, where, groups, other, other_cut)


def references(evaluation: Evaluation) -> dict[str, ColumnRef]:
    """What a segment's column names stand for in this file."""
    return {column.name: ColumnRef(f"r.{column.key}", column.type) for column in evaluation.columns}


def scope(evaluation: Evaluation, query: Query) -> str:
    """The WHERE clause: filter and period."""
    parts = []
    if not isinstance(query.where, Everything):
        parts.append(render(query.where, references(evaluation)))
    if not query.period.everything or query.bucket is not None:
        if not evaluation.roles.time:
            raise BadRequest(
                f"'{evaluation.name}' has no time column, so there are no periods; give one the role time."
            )
        if query.period.start is not None:
            parts.append(f"r.t >= TIMESTAMP '{query.period.start}'")
        if query.period.end is not None:
            parts.append(f"r.t < TIMESTAMP '{query.period.end}'")
    return " AND ".join(parts) or "true"


def weighed(evaluation: Evaluation, query: Query) -> str:
    """The WHERE clause of what is measured: in scope, and with a weight where rows have one."""
    return scope(evaluation, query) + (" AND r.w IS NOT NULL" if evaluation.weighted else "")


def key_sql(column: EvalColumn, where: str) -> str:
    """How to group by a column: its values, its decile bins, or its most frequent values and the rest."""
    raw = value_sql(column)
    if column.encoding == "values":
        return raw
    if column.encoding == "bins":
        return f"r.{column.code}"
    most = whole("groups")
    top = f"SELECT {raw} FROM rows r WHERE {where} GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT {most}"
    return f"CASE WHEN {raw} IS NULL THEN NULL WHEN {raw} IN ({top}) THEN CAST({raw} AS VARCHAR) ELSE 'other' END"


def value_sql(column: EvalColumn) -> str:
    """A column's value as it is grouped by: moments in UTC, so that their text is the same wherever it is made."""
    raw = f"r.{column.key}"
    return f"make_timestamp(epoch_us({raw}))" if column.type == "TIMESTAMP WITH TIME ZONE" else raw


def bucket_sql(bucket: str) -> str:
    """The number of the bucket a moment falls in: buckets since Monday 1970-01-05, or months."""
    if bucket in WIDTHS:
        width = int(WIDTHS[bucket].total_seconds() * 1_000_000)
        origin = int((MONDAY - datetime(1970, 1, 1)).total_seconds() * 1_000_000)
        return f"CAST(floor((epoch_us(r.t) - {origin}) / {width}) AS BIGINT)"
    months = "(year(r.t) * 12 + month(r.t) - 1)"
    return {"month": months, "quarter": f"{months} // 3", "year": f"{months} // 12"}[bucket]


def keys(evaluation: Evaluation, query: Query, where: str) -> Keys:
    columns = [evaluation.column(name) for name in query.by]
    names, sql = list(query.by), [key_sql(column, where) for column in columns]
    if query.halves:
        names.append("half")
        sql.append("r.half")
    if query.bucket is not None:
        names.append("bucket")
        sql.append(bucket_sql(query.bucket))
    return Keys(tuple(names), tuple(sql))


def decision(model: ModelFacts, cut: "Cut | None") -> str:
    """The decided class: the recorded one, or as `cut` says of the score code."""
    return f"r.p{model.index}" if cut is None else cut.decides(f"r.b{model.index}")


def both_decided(first: str, second: str | None) -> str:
    """The first decision, where there is a second one too."""
    return first if second is None else f"CASE WHEN {second} IS NOT NULL THEN {first} END"
