"""Facets: the columns of an evaluation as they are searched. Each is a few codes, and every level of it can be said.

Texts are searched by value, numbers by ranges of about ten bins and then at fifty round ends, dates by ranges, the time
by its buckets; missing is a value of its own. Of a text with too many values only whether it is missing is searched.
"""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, time
from decimal import Decimal

import numpy as np
import polars as pl

from analysis.core.evaluation import EvalColumn, Evaluation
from analysis.core.literal import Value, family, fit
from analysis.core.period import DAY, bucket_after, bucket_place, bucket_start
from analysis.core.segment import And, Between, Compare, Missing, Not, OneOf, Segment
from analysis.engine.condition import ColumnRef, render
from analysis.engine.statements import bucket_sql
from analysis.metrics.lattice import Axis

MOST_VALUES, MOST_BINS, ALL_RANGES, COARSE, COARSE_VALUES = 250, 10, 30, 5, 15
LONGEST = 4
MOST_ENDS, SAMPLE = 50, 100_000
ROUND = 0.1
Run = Callable[[str], pl.DataFrame]


@dataclass(frozen=True)
class Facet:
    """A column as codes. sql: the code over `rows r`. say(first, last): the segment of neighbouring codes, of which
    those of a text stand alone. missing: the code of missing values, None where there are none."""

    column: str
    sql: str
    axis: Axis
    say: Callable[[int, int], Segment]
    missing: int | None

    def segment(self, codes: bytes) -> Segment:
        """The segment of a level, given as which of its codes belong to it."""
        held = np.flatnonzero(np.frombuffer(codes, dtype=bool))
        if self.missing is not None and held.tolist() == [self.missing]:
            return Missing(self.column)
        if self.missing is not None and len(held) == self.axis.size - 1 and self.missing not in held:
            return Not(Missing(self.column))
        if not self.axis.ordered and len(held) > 1:
            named = [self.say(int(code), int(code)) for code in held]
            return OneOf(self.column, tuple(each.value for each in named if isinstance(each, Compare)))
        return self.say(int(held[0]), int(held[-1]))


def facet(
    evaluation: Evaluation, column: EvalColumn, scope: str, size: int, run: Run, bucket: str | None
) -> Facet | str:
    """A column as it is searched among the rows in scope, `size` of them, or why it cannot be."""
    if column.name == evaluation.roles.time and bucket is not None:
        return _time(column, bucket, scope, run)
    kind = family(column.type)
    ordered = kind in ("number", "date", "moment")
    if column.encoding == "values" and (ordered or kind == "boolean" or column.type in ("ENUM", "VARCHAR")):
        return _values(column, scope, run, ordered)
    if column.encoding == "bins" and ordered and len(column.edges) > 2:
        return _bins(column, scope, size, run)
    return _presence(column, scope, run)


def _counts(column: EvalColumn, scope: str, run: Run) -> pl.DataFrame:
    raw = f"r.{column.key}"
    code = f", enum_code({raw}) AS c" if column.type == "ENUM" else ""
    return run(
        f"SELECT CAST({raw} AS VARCHAR) AS v, count(*) AS n{code} FROM rows r WHERE {scope} "
        f"GROUP BY {raw} ORDER BY {raw} NULLS LAST"
    )


def _values(column: EvalColumn, scope: str, run: Run, ordered: bool) -> Facet | str:
    counts = _counts(column, scope, run)
    lacking = bool(counts["v"].null_count())
    known = counts.drop_nulls("v")
    if len(known) + lacking < 2:
        return "one value only"
    if ordered and len(known) > MOST_BINS + 2:
        return _cut(column, known["v"].to_list()[1:], lacking, known["n"].to_numpy())
    if not ordered and len(known) > MOST_VALUES:
        known = known.sort("n", descending=True, maintain_order=True).head(MOST_VALUES)
    texts = known["v"].to_list()
    values = [fit(text, column.type, column=column.name) for text in texts]
    shares = known["n"].to_numpy()
    rest = not ordered and len(counts.drop_nulls("v")) > len(known)
    size = len(values) + rest + lacking
    missing = size - 1 if lacking else None

    def say(first: int, last: int) -> Segment:
        if first == last:
            return Compare(column.name, "=", values[first])
        if first == 0:
            return Compare(column.name, "<=", values[last])
        if last == len(values) - 1:
            return Compare(column.name, ">=", values[first])
        return Between(column.name, values[first], values[last])

    reference = {column.name: ColumnRef(f"r.{column.key}", column.type)}
    raw = f"r.{column.key}"
    if column.type == "ENUM":
        places = {text: place for place, text in enumerate(texts)}
        codes = {
            code: places.get(text, len(texts)) for text, code in counts.drop_nulls("v").select("v", "c").iter_rows()
        }
        table = ", ".join(str(codes.get(code, len(texts))) for code in range(max(codes, default=0) + 1))
        sql = f"coalesce(([{table}]::UTINYINT[])[enum_code({raw})::BIGINT + 1], {size - 1})"
    else:
        cases = " ".join(
            f"WHEN {render(Compare(column.name, '=', value), reference)} THEN {place}"
            for place, value in enumerate(values)
        )
        sql = f"CASE {cases} ELSE {size - 1} END"
    axis = (
        _ordinal(len(values), lacking, np.arange(len(values)))
        if ordered
        else _nominal(len(values), size, lacking, shares)
    )
    return Facet(column.name, f"CAST({sql} AS UTINYINT)", axis, say, missing)


def _bins(column: EvalColumn, scope: str, size: int, run: Run) -> Facet | str:
    lacking = bool(run(f"SELECT count(*) AS n FROM rows r WHERE {scope} AND r.{column.key} IS NULL")["n"][0])
    if family(column.type) == "number":
        return _cut(column, [str(edge) for edge in rounded(_quantiles(column, scope, size, run))], lacking)
    edges = list(column.edges[1:-1])
    if family(column.type) == "moment":
        moments = [datetime.fromisoformat(each) for each in column.edges]
        narrowest = min(late - early for early, late in itertools.pairwise(moments))
        edges = [str(each.date() if narrowest > 2 * DAY else each) for each in moments[1:-1]]
    return _cut(column, list(dict.fromkeys(edges)), lacking)


def _quantiles(column: EvalColumn, scope: str, size: int, run: Run) -> list[float]:
    """The ends of about equally full bins, from a fixed sample of the rows in scope."""
    raw, every = f"r.{column.key}", max(1, size // SAMPLE)
    shares = ", ".join(str(place / MOST_ENDS) for place in range(MOST_ENDS + 1))
    found = run(
        f"SELECT quantile_disc(CAST({raw} AS DOUBLE), [{shares}]) AS q FROM rows r "
        f"WHERE hash(r.rowid) % {every} = 0 AND {scope} AND {raw} IS NOT NULL AND isfinite(CAST({raw} AS DOUBLE))"
    )["q"][0]
    return [] if found is None else sorted(set(found.to_list()))


def rounded(edges: Sequence[float]) -> list[Decimal]:
    """The inner edges with as few digits as keep each within a tenth of its bins.

    >>> [str(each) for each in rounded([0, 0.3019, 0.839217, 1])]
    ['0.3', '0.84']
    """
    found = []
    for before, edge, after in zip(edges, edges[1:], edges[2:], strict=False):
        room = ROUND * min(edge - before, after - edge)
        text = Decimal(repr(edge))
        for digits in range(1, 18):
            short = Decimal(f"{edge:.{digits}g}")
            if abs(float(short) - edge) <= room:
                text = short
                break
        found.append(Decimal(f"{text:f}"))
    return found


def _cut(column: EvalColumn, texts: list[str], lacking: bool, counts: np.ndarray | None = None) -> Facet | str:
    """A column of numbers or dates cut at these edges; bin i is [edge i - 1, edge i). counts: rows a bin, where they
    are not about equally many."""
    edges: list[Value] = [fit(text, column.type, column=column.name) for text in texts]
    if not edges:
        return "one value only"
    reference = {column.name: ColumnRef(f"r.{column.key}", column.type)}

    def say(first: int, last: int) -> Segment:
        parts: list[Segment] = []
        if first > 0:
            parts.append(Compare(column.name, ">=", edges[first - 1]))
        if last < len(edges):
            parts.append(Compare(column.name, "<", edges[last]))
        return parts[0] if len(parts) == 1 else And(tuple(parts))

    def among(first: int, last: int) -> str:
        if first == last:
            return _tiny(first)
        middle = (first + last) // 2
        below = render(Compare(column.name, "<", edges[middle]), reference)
        return f"CASE WHEN {below} THEN {among(first, middle)} ELSE {among(middle + 1, last)} END"

    size = len(edges) + 1
    missing = render(Missing(column.name), reference)
    sql = f"CASE WHEN {missing} THEN {_tiny(size)} ELSE {among(0, len(edges))} END"
    axis = _ordinal(size, lacking, _grouped(size, counts, MOST_BINS))
    return Facet(column.name, sql, axis, say, size if lacking else None)


def _tiny(code: int) -> str:
    """A code in its smallest type at once: a tree of cases copies its leaves once a level."""
    return f"CAST({code} AS UTINYINT)"


def _grouped(size: int, counts: np.ndarray | None, most: int) -> np.ndarray:
    """(size,) the group of each code: at most so many, about equally full, none empty."""
    shares = np.full(size, 1 / size) if counts is None else counts / counts.sum()
    if size <= most:
        return np.arange(size)
    places = np.minimum(((np.cumsum(shares) - shares / 2) * most).astype(int), most - 1)
    return np.unique(places, return_inverse=True)[1]


def _time(column: EvalColumn, bucket: str, scope: str, run: Run) -> Facet | str:
    if not column.type.startswith(("DATE", "TIMESTAMP")) or column.type == "TIMESTAMP WITH TIME ZONE":
        return "a filter cannot say its local time"
    ends = run(f"SELECT min(r.t) AS low, max(r.t) AS high, count(*) - count(r.t) AS lacking FROM rows r WHERE {scope}")
    low, high, lacking = ends.row(0)
    if low is None:
        return "no row has a time"
    first, starts = bucket_place(low, bucket), [bucket_start(low, bucket)]
    while starts[-1] <= high:
        starts.append(bucket_after(starts[-1], bucket))
    size = len(starts) - 1
    if size < 2:
        return "one value only"

    def say(begin: int, last: int) -> Segment:
        ends = [each.date() if each.time() == time() else each for each in (starts[begin], starts[last + 1])]
        return And((Compare(column.name, ">=", ends[0]), Compare(column.name, "<", ends[1])))

    sql = f"coalesce({bucket_sql(bucket)} - {first}, {size})"
    axis = _ordinal(size, bool(lacking), np.arange(size))
    return Facet(column.name, f"CAST({sql} AS UTINYINT)", axis, say, size if lacking else None)


def _presence(column: EvalColumn, scope: str, run: Run) -> Facet | str:
    lacking = run(f"SELECT count(*) - count(r.{column.key}) AS n, count(*) AS every FROM rows r WHERE {scope}").row(0)
    if not 0 < lacking[0] < lacking[1]:
        return "too many values, and none is missing" if not lacking[0] else "one value only"
    levels = np.array([[False, True], [True, False]])
    axis = Axis(2, 0, np.arange(2), levels, np.arange(2), levels)
    sql = f"CAST(r.{column.key} IS NULL AS UTINYINT)"
    return Facet(column.name, sql, axis, lambda first, last: Not(Missing(column.name)), 1)


def _ranges(size: int, few: bool) -> list[tuple[int, int]]:
    """Ranges of codes, the simplest first: from one end, single codes, then those with two ends."""
    ranges = [(0, last) for last in range(size - 1)] + [(first, size - 1) for first in range(1, size)]
    ranges += [(code, code) for code in range(1, size - 1)]
    if not few:
        widest = size if size <= ALL_RANGES else LONGEST
        ranges += [(i, j) for i in range(1, size - 1) for j in range(i + 1, min(size - 1, i + widest))]
    return ranges


def _ordinal(size: int, lacking: bool, fine: np.ndarray) -> Axis:
    """Codes 0 to size - 1 in their order, and a last one for missing. fine: (size,) the groups they are searched in."""
    groups = int(fine.max()) + 1
    few = min(COARSE, groups)
    coarse = fine * few // groups
    last = [size] if lacking else []

    def levels(among: int, only_few: bool) -> np.ndarray:
        ranges = _ranges(among, only_few) if among > 1 else []
        made = np.zeros((len(ranges), among + lacking), dtype=bool)
        for place, (first, end) in enumerate(ranges):
            made[place, first : end + 1] = True
        if not lacking:
            return made
        own = np.zeros((2, among + 1), dtype=bool)
        own[0, among], own[1, :among] = True, True
        return np.concatenate([made, own])

    fewer, fewest = (
        np.concatenate([codes, [count] if last else []]).astype(int) for codes, count in ((fine, groups), (coarse, few))
    )
    return Axis(size + lacking, size, fewer, levels(groups, False), fewest, levels(few, True))


def _nominal(values: int, size: int, lacking: bool, counts: np.ndarray) -> Axis:
    """Codes of values, then perhaps one of all others, which is no level, and perhaps one of missing, which is."""
    told = [*range(values), *([size - 1] if lacking else [])]
    levels = np.zeros((len(told), size), dtype=bool)
    levels[np.arange(len(told)), told] = True
    order = np.argsort(-counts, kind="stable")[:COARSE_VALUES]
    kept = sorted([*order.tolist(), *told[values:]])
    coarse = np.full(size, len(kept))
    coarse[kept] = np.arange(len(kept))
    eye = np.eye(len(kept), int(coarse.max()) + 1, dtype=bool)
    return Axis(size, 0, np.arange(size), levels, coarse, eye)
