"""Binnings: how a column of numbers or moments is cut into groups, from a few words to its edges.

"quantile:N" makes about equally many rows a group, "width:N" about N round widths; "week", "month", "quarter" and
"year" cut moments; anything else is edges an analyst typed, "18, 25, 40". "quantile:N through E, E" has these edges in
place of the nearest of its own.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import polars as pl

from analysis.core import bins
from analysis.core.cut import Cut, typed
from analysis.core.errors import BadRequest
from analysis.core.evaluation import BINS, EvalColumn
from analysis.core.literal import family
from analysis.core.period import bucket_after
from analysis.engine.judgement import Judged
from analysis.engine.query import OpenEvaluation
from analysis.engine.rows import RowQuery

QUANTILE, WIDTH, THROUGH = "quantile", "width", " through "
CALENDAR = ("week", "month", "quarter", "year")
MOST_GROUPS = 60
FEW_VALUES = 24
"""A column of numbers with at most this many values is shown value by value."""


@dataclass(frozen=True)
class Extent(RowQuery):
    """Where a column of the file lies. One row: low, high, and at (its sample quantiles), as numbers or microseconds.

    column: its name. shares: of the quantiles, each a value of the data.
    """

    column: str = ""
    shares: tuple[float, ...] = (0.5,)

    def statement(self, seen: Judged) -> str:
        column = seen.evaluation.column(self.column)
        raw = f"r.{column.key}"
        value = f"epoch_us({raw})" if family(column.type) != "number" else raw
        shares = ", ".join(repr(share) for share in self.shares)
        return (
            f"SELECT CAST(min(v) AS DOUBLE) AS low, CAST(max(v) AS DOUBLE) AS high, quantile_disc(v, [{shares}]) AS at "
            f"FROM (SELECT {value} AS v FROM rows r WHERE {self.scope(seen)}) WHERE v IS NOT NULL"
        )


def cuttable(column: EvalColumn) -> bool:
    """Whether a column holds numbers or moments, which can be cut."""
    return family(column.type) in ("number", "date", "moment", "zoned")


def usual(column: EvalColumn) -> str:
    """How a column is grouped unless asked otherwise: "" by value, else a binning."""
    if not cuttable(column) or (column.encoding == "values" and column.distinct <= FEW_VALUES):
        return ""
    return "month" if family(column.type) != "number" else f"{QUANTILE}:{BINS}"


def offered(column: EvalColumn) -> list[str]:
    """The binnings a picker offers of a column, the usual one first; none where it cannot be cut."""
    if not cuttable(column):
        return []
    by_value = [""] if column.encoding == "values" else []
    calendar = list(CALENDAR) if family(column.type) != "number" else []
    counts = [f"{QUANTILE}:{n}" for n in (4, 5, BINS)] + [f"{WIDTH}:{n}" for n in (6, 12)]
    first = usual(column)
    return [first, *(each for each in (*by_value, *calendar, *counts) if each != first)]


def cut(evaluation: OpenEvaluation, model: str, name: str, binning: str) -> str | Cut:
    """The key a column is grouped by. model: any version, which the rows are read as.

    BadRequest where the column cannot be cut, or the words say nothing that can be drawn.
    """
    column = evaluation.facts.column(name)
    if not binning:
        return column.name
    if not cuttable(column):
        raise BadRequest(f"'{column.name}' holds {column.type}; only numbers and dates can be cut into bins.")
    usual, _, through = binning.partition(THROUGH)
    if through:
        made = cut(evaluation, model, name, usual)
        return _through(column, made, through.split(",")) if isinstance(made, Cut) else made
    kind, _, count = binning.partition(":")
    if kind in (QUANTILE, WIDTH):
        if not (count.isdigit() and 2 <= int(count) <= MOST_GROUPS):
            raise BadRequest(f"Say into how many bins, 2 to {MOST_GROUPS}, as in {kind}:4, not '{binning}'.")
        return _counted(evaluation, model, column, kind, int(count))
    if binning in CALENDAR:
        return _calendar(evaluation, model, column, binning)
    return typed(column.name, column.type, binning.split(","))


def through(column: EvalColumn, ends: Sequence[str]) -> str:
    """The binning of a column in which a range with these ends is whole bins; "" where it is grouped by value."""
    if not usual(column):
        return ""
    return f"{QUANTILE}:{BINS}" + (THROUGH + ", ".join(ends) if ends else "")


def _through(column: EvalColumn, made: Cut, ends: Sequence[str]) -> Cut:
    """A cut with these edges too, each in place of the nearest of its own unless that is one of them."""
    wanted = typed(column.name, column.type, list(ends)).edges
    edges = list(made.edges)
    for end in wanted:
        own = [edge for edge in edges if edge not in wanted]
        if end not in edges:
            nearest = min(own, key=lambda edge, end=end: abs(edge - end), default=None)  # type: ignore[misc]
            edges = [edge for edge in edges if edge != nearest] + [end]
    return Cut(column.name, tuple(sorted(edges)))


def keys(
    evaluation: OpenEvaluation, model: str, by: Sequence[str], binnings: Mapping[str, str]
) -> tuple[str | Cut, ...]:
    """What a query groups by. by: column names. binnings: {column: how it is cut}; the others are as the file has them.

    BadRequest for a binning of a column that is not grouped by.
    """
    names = [evaluation.facts.column(name).name for name in by]
    cuts = {evaluation.facts.column(name).name: how for name, how in binnings.items()}
    idle = [name for name in cuts if name not in names]
    if idle:
        raise BadRequest(f"'{idle[0]}' is cut into bins, but nothing is broken out by it; name it with --by too.")
    return tuple(cut(evaluation, model, name, cuts[name]) if name in cuts else name for name in names)


def _counted(evaluation: OpenEvaluation, model: str, column: EvalColumn, kind: str, count: int) -> Cut:
    number = family(column.type) == "number"
    if kind == QUANTILE and column.encoding == "bins" and BINS % count == 0 and len(column.edges) == BINS + 1:
        return typed(column.name, column.type, list(column.edges[BINS // count : -1 : BINS // count]))
    shares = tuple(place / count for place in range(1, count))
    found = _extent(evaluation, model, column, shares)
    if kind == QUANTILE:
        edges = [each for each in dict.fromkeys(found["at"] or []) if each > found["low"]]
    else:
        edges = list(bins.round_edges(float(found["low"] or 0), float(found["high"] or 0), count))
    texts = [_number(column, each) if number else _moment(column, each) for each in edges]
    return typed(column.name, column.type, texts) if texts else Cut(column.name, ())


def _extent(
    evaluation: OpenEvaluation, model: str, column: EvalColumn, shares: tuple[float, ...] = (0.5,)
) -> dict[str, Any]:
    found: pl.DataFrame = evaluation.rows(Extent(model, column=column.name, shares=shares)).frame
    return found.row(0, named=True)


def _calendar(evaluation: OpenEvaluation, model: str, column: EvalColumn, bucket: str) -> Cut:
    if family(column.type) == "number":
        raise BadRequest(f"'{column.name}' holds numbers, so it has no {bucket}s.")
    found = _extent(evaluation, model, column)
    if found["low"] is None:
        return Cut(column.name, ())
    low, high = (datetime(1970, 1, 1) + timedelta(microseconds=float(found[end])) for end in ("low", "high"))
    at = _begun(low, bucket)
    edges = []
    while (at := bucket_after(at, bucket)) <= high:
        edges.append(at)
        if len(edges) >= MOST_GROUPS:
            raise BadRequest(
                f"'{column.name}' spans more than {MOST_GROUPS} {bucket}s; choose a longer bucket, or set the period."
            )
    if not edges:
        return Cut(column.name, ())
    return typed(column.name, column.type, [_written(column, each) for each in edges], bucket)


def _begun(moment: datetime, bucket: str) -> datetime:
    """The first moment of the bucket a moment lies in."""
    day = datetime(moment.year, moment.month, moment.day)
    if bucket == "week":
        return day - timedelta(days=day.weekday())
    months = {"month": 1, "quarter": 3, "year": 12}[bucket]
    return datetime(day.year, (day.month - 1) // months * months + 1, 1)


def _written(column: EvalColumn, moment: datetime) -> str:
    return str(moment.date()) if column.type == "DATE" else str(moment)


def _moment(column: EvalColumn, microseconds: float) -> str:
    moment = datetime(1970, 1, 1) + timedelta(microseconds=float(microseconds))
    return _written(column, moment)


def _number(column: EvalColumn, edge: float) -> str:
    return str(int(edge)) if float(edge).is_integer() and abs(edge) < 2**53 else repr(float(edge))
