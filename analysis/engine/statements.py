"""Statements: a query as SQL over an evaluation file. The same text answers in a bare DuckDB after `USE`."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from analysis.core import judged, words
from analysis.core.cut import Cut, typed
from analysis.core.errors import BadRequest
from analysis.core.evaluation import EvalColumn, Evaluation, ModelFacts
from analysis.core.segment import Everything
from analysis.core.settings import whole
from analysis.engine.condition import render
from analysis.engine.judgement import Judged, both_decided, bucket_sql, decision, judging, references
from analysis.engine.query import Query

if TYPE_CHECKING:
    from analysis.engine import deciding

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
    cut: "deciding.Cut | None"
    keys: Keys
    columns: tuple[EvalColumn, ...]
    where: str
    groups: int | None = None
    other: ModelFacts | None = None
    other_cut: "deciding.Cut | None" = None

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
    def seen(self) -> Judged:
        """How the model version judges rows."""
        return judging(self.evaluation, self.model, self.cut)

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
    cut: "deciding.Cut | None",
    other_cut: "deciding.Cut | None" = None,
    groups: int | None = None,
) -> Asked:
    """The query with its keys and conditions in SQL; errors name what the evaluation does not have."""
    model = evaluation.model(query.model)
    other = None if query.other is None else evaluation.model(query.other)
    if other is not None:
        refuse_apart(evaluation, query)
    where = weighed(judging(evaluation, model, cut), query)
    columns = tuple(grouped(evaluation, each) for each in query.by)
    by = keys(evaluation, query, where)
    return Asked(evaluation, query, model, cut, by, columns, where, groups, other, other_cut)


def refuse_apart(evaluation: Evaluation, query: Query) -> None:
    """BadRequest where the filter of a paired query asks of each version what it says itself: not the same rows."""
    apart = judged.own_to_each(evaluation, query.where)
    if apart:
        raise BadRequest(
            f"The filter uses {words.listed(apart)}, which each model version has its own of, so two versions would "
            "not be compared on the same rows; filter by the file's columns, the label or the time instead."
        )


def scope(seen: Judged, query: Query) -> str:
    """The WHERE clause: filter, as the model version judges the rows, and period."""
    parts, evaluation = [], seen.evaluation
    if not isinstance(query.where, Everything):
        parts.append(render(query.where, seen.references()))
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


def weighed(seen: Judged, query: Query) -> str:
    """The WHERE clause of what is measured: in scope, and with a weight where rows have one."""
    return scope(seen, query) + (" AND r.w IS NOT NULL" if seen.evaluation.weighted else "")


def grouped(evaluation: Evaluation, by: str | Cut) -> EvalColumn:
    """The column a key stands for; of a cut its edges are the names of its groups."""
    if isinstance(by, str):
        return evaluation.column(by)
    return replace(evaluation.column(by.column), encoding="cut", edges=by.names())


def cut_sql(evaluation: Evaluation, cut: Cut) -> str:
    """The number of the group a value falls in, by halving; the stored bins where the edges are among theirs."""
    column = evaluation.column(cut.column)
    raw, known = f"r.{column.key}", references(evaluation)
    stored = _stored(column, cut)

    def below(place: int) -> str:
        return render(cut.below(place), known) if stored is None else f"r.{column.code} < {stored[place]}"

    def among(first: int, last: int) -> str:
        if first == last:
            return str(first)
        middle = (first + last) // 2
        return f"CASE WHEN {below(middle)} THEN {among(first, middle)} ELSE {among(middle + 1, last)} END"

    return f"CASE WHEN {raw} IS NOT NULL THEN {among(0, len(cut.edges))} END"


def _stored(column: EvalColumn, cut: Cut) -> list[int] | None:
    """The codes of the stored bins that begin at the cut's edges, None where one is no edge of theirs."""
    if column.encoding != "bins":
        return None
    known = {edge: place for place, edge in enumerate(typed(column.name, column.type, list(column.edges)).edges)}
    found = [known.get(edge, 0) for edge in cut.edges]
    return found if all(0 < place < len(column.edges) - 1 for place in found) else None


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


def unit_sql(evaluation: Evaluation) -> str:
    """A number of the unit a row belongs to; a row without a unit is one by itself."""
    if evaluation.roles.unit is None:
        raise BadRequest(f"'{evaluation.name}' has no unit column, so its rows belong to no units.")
    key = f"r.{evaluation.column(evaluation.roles.unit).key}"  # the hash of NULL is a number, not NULL
    return f"CASE WHEN {key} IS NULL THEN hash(r.rowid, 'alone') ELSE hash({key}) END"


def replicate_sql(evaluation: Evaluation, replicates: int) -> str:
    """The random group that a row's unit is dealt to, 0 to replicates - 1; a row without a unit is one by itself."""
    return f"CAST(({unit_sql(evaluation)}) % {replicates} AS USMALLINT)"


def keys(evaluation: Evaluation, query: Query, where: str) -> Keys:
    names = [each if isinstance(each, str) else each.column for each in query.by]
    sql = [
        key_sql(evaluation.column(each), where) if isinstance(each, str) else cut_sql(evaluation, each)
        for each in query.by
    ]
    if query.halves:
        names.append("half")
        sql.append("r.half")
    if query.bucket is not None:
        names.append("bucket")
        sql.append(bucket_sql(query.bucket))
    if query.replicates:
        names.append("replicate")
        sql.append(replicate_sql(evaluation, query.replicates))
    return Keys(tuple(names), tuple(sql))
