"""Rows: what is asked of the rows themselves, as SQL. A listing is at most 10,000 rows; all others count and sum."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar

import polars as pl

from analysis.core import judged
from analysis.core.cutoffs import Threshold
from analysis.core.errors import BadRequest, UnknownName
from analysis.core.evaluation import EvalColumn, Evaluation
from analysis.core.period import Period
from analysis.core.roles import REGRESSION
from analysis.core.segment import Everything, Segment
from analysis.engine.judgement import Judged
from analysis.engine.query import Query
from analysis.engine.statements import replicate_sql, scope

MOST = 10_000
ORDERS = ("loss", "id", "score", "time", "file")
PLAIN = ("VARCHAR", "BOOLEAN", "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER")
KEPT = (*PLAIN, "UBIGINT", "FLOAT", "DOUBLE", "DATE", "TIMESTAMP")


@dataclass(frozen=True)
class RowQuery:
    """Rows of a segment and a period, as one model version judges them. threshold: as in Query."""

    model: str
    where: Segment = field(default_factory=Everything)
    period: Period = field(default_factory=Period)
    threshold: Threshold | None = None

    def statement(self, seen: Judged) -> str:
        """The SQL that answers it."""
        raise NotImplementedError

    def scope(self, seen: Judged) -> str:
        """The WHERE clause: filter and period."""
        return scope(seen, Query(self.model, frozenset(), where=self.where, period=self.period))


@dataclass(frozen=True)
class Counted(RowQuery):
    """How many rows there are. One row: n."""

    def statement(self, seen: Judged) -> str:
        return f"SELECT count(*) AS n FROM rows r WHERE {self.scope(seen)}"


@dataclass(frozen=True)
class Listed(RowQuery):
    """The rows themselves: the file's columns v0, v1, ... in their order, then the judged ones by what they are.

    order: "loss" (largest first), "score" (highest first), "id", "time" or "file" (as they came); rows that are alike
    in it stay as they came. limit 0: all, in no order, which an export alone may ask for.
    """

    order: str = "loss"
    limit: int = 200
    offset: int = 0
    quoted: ClassVar[str] = "v"

    def statement(self, seen: Judged) -> str:
        if self.order not in ORDERS:
            raise UnknownName("order", self.order, ORDERS)
        if not 0 <= self.limit <= MOST or self.offset < 0:
            raise BadRequest(f"A listing holds 1 to {MOST:,} rows from a row on; export what is longer.")
        picked = [f"{shown(column)} AS v{place}" for place, column in enumerate(seen.evaluation.columns)]
        picked += [f"{seen.sql(what)} AS {what}" for what in judged.named(seen.evaluation)]
        body = f"SELECT {', '.join(picked)} FROM rows r WHERE {self.scope(seen)}"
        if not self.limit:
            return body
        order = ", ".join([*self._order(seen), "r.rowid"])
        offset = f" OFFSET {self.offset}" if self.offset else ""
        return f"{body} ORDER BY {order} LIMIT {self.limit}{offset}"

    def _order(self, seen: Judged) -> list[str]:
        facts = seen.evaluation
        if self.order == "id":
            return [f"r.{facts.column(name).key} NULLS LAST" for name in facts.roles.id]
        if self.order == "time":
            if not facts.roles.time:
                raise BadRequest(f"'{facts.name}' has no time column to order rows by; give one the role time.")
            return ["r.t NULLS LAST"]
        if self.order == "score" and facts.task == REGRESSION:
            return [f"{seen.sql('prediction')} DESC NULLS LAST"]
        return [] if self.order == "file" else [f"{seen.sql(self.order)} DESC NULLS LAST"]


@dataclass(frozen=True)
class Spread(RowQuery):
    """Where a judged quantity lies. One row: n, low, high (its extremes), at (its sample quantiles, each a value of
    the data)."""

    quantity: str = "loss"
    shares: tuple[float, ...] = (0.5,)

    def statement(self, seen: Judged) -> str:
        shares = ", ".join(repr(share) for share in self.shares)
        return (
            "SELECT count(v) AS n, CAST(min(v) AS DOUBLE) AS low, CAST(max(v) AS DOUBLE) AS high, "
            f"quantile_disc(v, [{shares}]) AS at FROM (SELECT {seen.sql(self.quantity)} AS v FROM rows r "
            f"WHERE {self.scope(seen)})"
        )


@dataclass(frozen=True)
class Binned(RowQuery):
    """Rows by bins of judged quantities, with sums of one of them.

    axes: (quantity, edges) each; the bin's number is column i0, i1 (see core/bins.py). A quantity "bucket:WIDTH" has no
    edges: its number is that of the time bucket. value: what is summed; rows without it or without a place are left
    out. Columns: n, w, w2 (counts, sums of weights and squared weights), and of the value v: s = sum(w v),
    q = sum(w^2 v), q2 = sum(w^2 v^2). Without weights w = w2 = n and q = s. replicates: into how many random groups the
    units are dealt, each apart, its number in column `part`; 0: not at all.
    """

    axes: tuple[tuple[str, tuple[float, ...]], ...] = ()
    value: str = "loss"
    replicates: int = 0

    def statement(self, seen: Judged) -> str:
        weighted = seen.evaluation.weighted
        inner = [f"{seen.sql(what)} AS a{place}" for place, (what, _) in enumerate(self.axes)]
        inner += [f"{seen.sql(self.value)} AS v", *(["r.w AS w"] if weighted else [])]
        part = [f"{replicate_sql(seen.evaluation, self.replicates)} AS part"] if self.replicates else []
        picked = [
            f"{f'a{place}' if what.startswith('bucket:') else place_sql(f'a{place}', edges)} AS i{place}"
            for place, (what, edges) in enumerate(self.axes)
        ]
        sums = ["count(*) AS n"]
        if weighted:
            sums += ["sum(w) AS w", "sum(w * w) AS w2", "fsum(w * v) AS s"]
            sums += ["fsum(w * w * v) AS q", "fsum(w * w * v * v) AS q2"]
        else:
            sums += ["count(*) AS w", "count(*) AS w2", "fsum(v) AS s", "fsum(v) AS q", "fsum(v * v) AS q2"]
        known = [f"{name} IS NOT NULL" for name in [*(f"a{place}" for place in range(len(self.axes))), "v"]]
        known += ["w IS NOT NULL"] if weighted else []
        order = ", ".join(f"i{place}" for place in range(len(self.axes)))
        return (
            f"SELECT {', '.join([*picked, *(['part'] if part else []), *sums])} "
            f"FROM (SELECT {', '.join([*inner, *part])} FROM rows r "
            f"WHERE {self.scope(seen)}) WHERE {' AND '.join(known)} GROUP BY ALL"
            + (f" ORDER BY {order}" if order else "")
        )


@dataclass(frozen=True)
class Found:
    """What a RowQuery found. threshold: the one in force, as in Answer."""

    frame: pl.DataFrame
    sql: str
    seconds: float
    cached: bool
    threshold: Threshold | None = None


def place_sql(value: str, edges: Sequence[float]) -> str:
    """The bin a value lies in, by halving: exactly as comparisons with the edges would say, however they are rounded.

    >>> place_sql("v", (0.5, 2))
    "CASE WHEN v < CAST('2.0' AS DOUBLE) THEN CASE WHEN v < CAST('0.5' AS DOUBLE) THEN 0 ELSE 1 END ELSE 2 END"
    """

    def among(first: int, last: int) -> str:
        if first == last:
            return str(first)
        middle = (first + last) // 2
        edge = f"CAST('{float(edges[middle])!r}' AS DOUBLE)"
        return f"CASE WHEN {value} < {edge} THEN {among(first, middle)} ELSE {among(middle + 1, last)} END"

    return among(0, len(edges))


def shown(column: EvalColumn) -> str:
    """A column of the file as people read it: names of codes, moments of a zone in UTC, odd types as text."""
    raw, kind = f"r.{column.key}", column.type
    if kind == "TIMESTAMP WITH TIME ZONE":
        return f"make_timestamp(epoch_us({raw}))"
    if kind.startswith("DECIMAL"):
        return f"CAST({raw} AS DOUBLE)"
    if kind.startswith("TIMESTAMP"):
        return f"CAST({raw} AS TIMESTAMP)"
    return raw if kind in KEPT else f"CAST({raw} AS VARCHAR)"


def as_named(frame: pl.DataFrame, evaluation: Evaluation) -> pl.DataFrame:
    """A listing under its columns' own names."""
    own = {f"v{place}": column.name for place, column in enumerate(evaluation.columns)}
    return frame.rename(own | judged.named(evaluation))


def everything(listed: Listed) -> Listed:
    """The same rows without a limit, as an export wants them."""
    return replace(listed, limit=0, offset=0)
