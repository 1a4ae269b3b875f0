"""The background of an evaluation: how its columns lie over all rows in scope, or a fixed sample of them.

Quantiles and counts of ten million rows take seconds, of fifty thousand a fraction of one; a share or the level of a
quantile is then off by less than half a percentage point (standard error 0.22), by up to six times that where a file
is sorted so that neighbouring rows are alike: runs of about 32 rows in scope are drawn, since what lies between them is
then not read.
What a file knows of itself (the extremes of its numbers, the values of its encoded texts) is exact.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from analysis.core.background import CATEGORY, LEVELS, MOST_VALUES, NUMBER, Background, Feature
from analysis.core.cutoffs import Threshold
from analysis.core.errors import BadRequest
from analysis.core.evaluation import EvalColumn
from analysis.core.literal import family
from analysis.core.period import Period
from analysis.core.schema import FLOATS
from analysis.core.segment import Everything, Segment
from analysis.engine.judgement import Judged
from analysis.engine.query import OpenEvaluation
from analysis.engine.rows import Counted, RowQuery, shown

ALL, LOOKED_AT = 200_000, 50_000
"""Up to so many rows in scope all are looked at; of more, about so many."""
RUN, LONGEST_RUN = 5, 11  # as powers of two; a longer one than the last spares no reading


def of(
    opened: OpenEvaluation,
    columns: Sequence[str] = (),
    *,
    where: Segment | None = None,
    period: Period | None = None,
    model: str | None = None,
    threshold: Threshold | None = None,
) -> Background:
    """How columns (default: those with the role feature) lie over the rows in scope. Weights do not count.

    model, threshold: who judges the rows, where the filter asks for judgements; default the last version and what it
    recorded. BadRequest or UnknownName for columns, a filter or a period the evaluation does not have.
    """
    facts = opened.facts
    found = [facts.column(name) for name in dict.fromkeys(columns or facts.roles.features)]
    if not found:
        raise BadRequest(f"'{facts.name}' has no column with the role feature; name the columns to look at.")
    asked = RowQuery(model or facts.models[-1].name, where or Everything(), period or Period(), threshold)
    scope = (asked.model, asked.where, asked.period, asked.threshold)
    whole = isinstance(asked.where, Everything) and asked.period.everything
    names = tuple(column.name for column in found)
    sql: dict[str, str] = {}

    def answer(what: str, query: RowQuery) -> dict[str, Any]:
        said = opened.rows(query)
        sql[what] = said.sql
        return said.frame.row(0, named=True)

    rows = facts.rows if whole else int(answer("rows", Counted(*scope))["n"])
    every = 1 if rows <= ALL else rows // LOOKED_AT
    run = min(RUN + int(math.log2(facts.rows / rows)), LONGEST_RUN) if rows else RUN
    lying = answer("background", _Lying(*scope, names, every, run))
    known = answer("known", _Known(asked.model, columns=names))
    made = [
        _feature(column, lying[f"v{place}"], known.get(f"v{place}"), exact=every == 1, whole=whole)
        for place, column in enumerate(found)
    ]
    return Background(tuple(made), rows, int(lying["looked"]), sql)


@dataclass(frozen=True)
class _Lying(RowQuery):
    """One row: looked (how many rows), and how each column lies, as a struct v0, v1, ...: n, missing, infinite; of a
    number low, high, mean, deviation and quantiles, else counts, its (key, value) pairs of a value and its rows.

    every: 1 for all rows, else one run in so many, each of 2 to the power of `run` neighbouring rows.
    """

    columns: tuple[str, ...] = ()
    every: int = 1
    run: int = RUN

    def statement(self, seen: Judged) -> str:
        found = [seen.evaluation.column(name) for name in self.columns]
        read = [f"{_value(column)} AS v{place}" for place, column in enumerate(found)]
        lying = [f"{_struct(_lies(column, f'v{place}'))} AS v{place}" for place, column in enumerate(found)]
        drawn = f"hash(r.rowid >> {self.run}) % {self.every} = 0 AND " if self.every > 1 else ""
        where = f"{drawn}({self.scope(seen)})"
        return (
            f"SELECT count(*) AS looked, {', '.join(lying)} FROM (SELECT {', '.join(read)} FROM rows r WHERE {where})"
        )


@dataclass(frozen=True)
class _Known(RowQuery):
    """One row of what the file knows of a column, as a struct: of a number low and high, of an encoded text values."""

    columns: tuple[str, ...] = ()

    def statement(self, seen: Judged) -> str:
        known = []
        for place, column in enumerate(seen.evaluation.column(name) for name in self.columns):
            raw = f"r.{column.key}"
            if _kind(column) == NUMBER:
                parts = {"low": f"CAST(min({raw}) AS DOUBLE)", "high": f"CAST(max({raw}) AS DOUBLE)"}
                known.append(f"{_struct(parts)} AS v{place}")
            elif column.type == "ENUM":
                values = f"CAST(enum_range((SELECT {raw} FROM rows r LIMIT 1)) AS VARCHAR[])"
                known.append(f"{_struct({'values': values})} AS v{place}")
        return f"SELECT {', '.join(known or ['NULL AS nothing'])} FROM rows r"


def _kind(column: EvalColumn) -> str:
    return NUMBER if family(column.type) == "number" else CATEGORY


def _value(column: EvalColumn) -> str:
    """A column as it is counted: numbers as DOUBLE, moments as text in UTC, all else as it is."""
    if _kind(column) == NUMBER:
        return f"CAST(r.{column.key} AS DOUBLE)"
    raw = shown(column)
    return f"CAST({raw} AS VARCHAR)" if column.type.startswith(("DATE", "TIMESTAMP")) else raw


def _lies(column: EvalColumn, value: str) -> dict[str, str]:
    counts = {"n": f"count({value})", "missing": f"count(*) - count({value})", "infinite": "0"}
    if _kind(column) == CATEGORY:
        return counts | {"counts": f"map_entries(CAST(histogram({value}) AS MAP(VARCHAR, UBIGINT)))"}
    if column.type in FLOATS:
        counts["infinite"] = f"count(*) FILTER (isinf({value}))"
        counts["n"] += f" - {counts['infinite']}"
        value = f"CASE WHEN isfinite({value}) THEN {value} END"
    levels = ", ".join(str(level) for level in LEVELS)
    return counts | {
        "low": f"min({value})",
        "high": f"max({value})",
        "mean": f"avg({value})",
        "deviation": f"stddev_pop({value})",
        "quantiles": f"quantile_cont({value}, [{levels}])",
    }


def _struct(parts: Mapping[str, str]) -> str:
    return "{" + ", ".join(f"'{name}': {sql}" for name, sql in parts.items()) + "}"


def _feature(
    column: EvalColumn, lies: Mapping[str, Any], known: Mapping[str, Any] | None, *, exact: bool, whole: bool
) -> Feature:
    """lies, known: the structs of _Lying and _Known. exact: no sample; whole: everything is in scope."""
    n, lacking, infinite = (int(lies[name]) for name in ("n", "missing", "infinite"))
    looked = n + lacking + infinite
    feature = Feature(column.name, _kind(column), n, lacking / looked if looked else math.nan, infinite, bounded=exact)
    if feature.kind == NUMBER:
        made = replace(feature, quantiles=tuple(lies["quantiles"] or ()))
        made = replace(made, **{name: lies[name] for name in ("low", "high", "mean", "deviation")})
        if exact or not whole or known is None or not _finite(known["low"], known["high"]):
            return made
        return replace(made, low=known["low"], high=known["high"], bounded=True)
    counts = dict.fromkeys((known or {}).get("values") or (), 0)
    counts |= {each["key"]: int(each["value"]) for each in lies["counts"] or ()}
    ordered = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    return replace(feature, values=tuple(ordered[:MOST_VALUES]), other=sum(n for _, n in ordered[MOST_VALUES:]))


def _finite(*values: float | None) -> bool:
    return all(value is not None and math.isfinite(value) for value in values)
