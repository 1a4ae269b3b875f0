"""Conditions: segments as SQL text that is TRUE or FALSE for every row, never NULL, and runs in a bare DuckDB.

Nothing typed reaches SQL unparsed: values become literals of the column's own type, names come from `ColumnRef`.
A value the column's type cannot hold (2.5 among whole numbers, 10^30 in a BIGINT) is decided by arithmetic here, so
that no comparison is rounded and none fails to convert. Plain comparisons stay visible to DuckDB's filter pushdown.
"""

import math
import re
import struct
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction

from analysis.core.errors import BadRequest, UnknownName
from analysis.core.literal import Value, family, fit
from analysis.core.pattern import check_pattern
from analysis.core.segment import (
    And,
    Between,
    Compare,
    Contains,
    Everything,
    Matches,
    Missing,
    Not,
    OneOf,
    Or,
    Saved,
    Segment,
)

INFINITY = "CAST('inf' AS DOUBLE)"

NANO_FIRST, NANO_LAST = datetime(1677, 9, 21, 0, 12, 43, 145225), datetime(2262, 4, 11, 23, 47, 16, 854775)

_WIDTHS = {"TINYINT": 8, "SMALLINT": 16, "INTEGER": 32, "BIGINT": 64, "HUGEINT": 128}
_RANGES = {name: (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) for name, bits in _WIDTHS.items()} | {
    f"U{name}": (0, 2**bits - 1) for name, bits in _WIDTHS.items()
}
_DECIMAL = re.compile(r"DECIMAL\((\d+),\s*(\d+)\)")


@dataclass(frozen=True)
class ColumnRef:
    """A physical column. sql: its name, quoted and qualified as needed. type: DuckDB's; "ENUM" for encoded text."""

    sql: str
    type: str

    @property
    def floating(self) -> bool:
        return self.type.upper() in ("FLOAT", "DOUBLE")


@dataclass(frozen=True)
class _Place:
    """Where a value stands among those a column can hold: the nearest literal at or below it, and at or above it.

    None: the column can hold nothing there. Both are the same where the column can hold the value itself.
    """

    below: str | None
    above: str | None

    @property
    def exact(self) -> bool:
        return self.below == self.above


def render(segment: Segment, columns: Mapping[str, ColumnRef]) -> str:
    """The segment as a SQL condition over physical columns; TRUE or FALSE for every row.

    UnknownName for a column that is not there; BadRequest for a value its column cannot be compared with and for a
    saved segment that was not resolved.

    >>> render(Compare("region", "=", "West"), {"region": ColumnRef("c3", "ENUM")})
    "(c3 IS NOT NULL AND c3 = 'West')"
    """
    match segment:
        case And(parts):
            return "(" + " AND ".join([render(part, columns) for part in parts]) + ")"
        case Or():
            return f"coalesce({_test(segment, columns)}, false)"
        case Not(Compare(name, "=", value)):
            column = _column(name, columns)
            place = _place(column, name, value)
            return f"({column.sql} IS DISTINCT FROM {place.below})" if place.exact else "true"
        case Not(Everything() | Missing() | Not() as part):
            return f"(NOT {render(part, columns)})"
        case Not(part):
            return f"(NOT coalesce({_test(part, columns)}, false))"
        case Compare(name) | Between(name) | OneOf(name) | Contains(name) | Matches(name):
            return f"({_column(name, columns).sql} IS NOT NULL AND {_test(segment, columns)})"
    return _test(segment, columns)


def _test(segment: Segment, columns: Mapping[str, ColumnRef]) -> str:
    """SQL that is TRUE exactly where the segment holds, elsewhere FALSE or NULL."""
    match segment:
        case Everything():
            return "true"
        case Not():
            return render(segment, columns)
        case And(parts):
            return "(" + " AND ".join([_test(part, columns) for part in parts]) + ")"
        case Or(parts):
            return "(" + " OR ".join([_test(part, columns) for part in parts]) + ")"
        case Missing(name):
            column = _column(name, columns)
            return f"({column.sql} IS NULL{f' OR isnan({column.sql})' if column.floating else ''})"
        case Compare(name, op, value):
            column = _column(name, columns)
            return _compare(column, op, _place(column, name, value))
        case Between(name, low, high):
            column = _column(name, columns)
            first = _compare(column, ">=", _place(column, name, low))
            return f"({first} AND {_compare(column, '<=', _place(column, name, high))})"
        case OneOf(name, values):
            column = _column(name, columns)
            places = [_place(column, name, value) for value in values]
            held = dict.fromkeys(place.below for place in places if place.below is not None and place.exact)
            return f"{column.sql} IN ({', '.join(held)})" if held else "false"
        case Contains(name, text):
            column = _column(name, columns)
            return _guarded(column, f"contains({_as_text(column)}, {quoted(text)})")
        case Matches(name, pattern):
            check_pattern(pattern)
            column = _column(name, columns)
            return _guarded(column, f"regexp_matches({_as_text(column)}, {quoted(pattern)})")
        case Saved(name):
            raise BadRequest(f"The saved segment '{name}' was not looked up before it was asked.")
    raise TypeError(f"{type(segment).__name__} is not a segment")


def _column(name: str, columns: Mapping[str, ColumnRef]) -> ColumnRef:
    """The column; one of a type that is compared as text (a UUID, a list, bytes) as that text."""
    if name not in columns:
        raise UnknownName("column", name, columns)
    column = columns[name]
    if family(column.type) != "text" or column.type.upper() == "VARCHAR" or column.type.upper().startswith("ENUM"):
        return column
    return ColumnRef(f"CAST({column.sql} AS VARCHAR)", "VARCHAR")


def _guarded(column: ColumnRef, test: str) -> str:
    """NaN sorts above infinity in DuckDB; here it is missing."""
    return f"({test} AND {column.sql} <= {INFINITY})" if column.floating else test


def _present(column: ColumnRef) -> str:
    return f"{column.sql} <= {INFINITY}" if column.floating else f"{column.sql} IS NOT NULL"


def _compare(column: ColumnRef, op: str, place: _Place) -> str:
    name = column.sql
    if op in ("<", "<=") and place.below is not None and place.above is not None:
        return f"{name} {op if place.exact else '<='} {place.below}"
    if op in (">", ">=") and place.below is not None and place.above is not None:
        return _guarded(column, f"{name} {op if place.exact else '>='} {place.above}")
    if op in ("=", "!="):
        if place.exact:
            return f"{name} = {place.below}" if op == "=" else _guarded(column, f"{name} <> {place.below}")
        return "false" if op == "=" else _present(column)
    beyond = place.above is None if op in ("<", "<=") else place.below is None
    return _present(column) if beyond else "false"


def _as_text(column: ColumnRef) -> str:
    if family(column.type) == "zoned":
        return f"CAST(make_timestamp(epoch_us({column.sql})) AS VARCHAR)"
    return column.sql if column.type.upper() == "VARCHAR" else f"CAST({column.sql} AS VARCHAR)"


def quoted(text: str) -> str:
    """A text as a SQL literal; BadRequest for one with a NUL."""
    if "\0" in text:
        raise BadRequest("A text to compare with holds a NUL; remove it.")
    return "'" + text.replace("'", "''") + "'"


def _place(column: ColumnRef, name: str, asked: Value) -> _Place:
    """Where the value stands among those the column can hold, in literals of the column's own type."""
    value, kind = fit(asked, column.type, column=name), family(column.type)
    if isinstance(value, str):
        return _Place(quoted(value), quoted(value))
    if isinstance(value, bool):
        return _Place(str(value).lower(), str(value).lower())
    if isinstance(value, date):
        return _date_place(value) if kind == "date" else _moment_place(value, column.type.upper())
    return (
        _float_place(value, single=column.type.upper() == "FLOAT")
        if column.floating
        else _exact_place(value, column.type.upper())
    )


def _date_place(value: date) -> _Place:
    if not isinstance(value, datetime):
        return _Place(f"DATE '{value}'", f"DATE '{value}'")
    day = value.date()
    after = f"DATE '{day + timedelta(days=1)}'" if day < date.max else "DATE '10000-01-01'"
    return _Place(f"DATE '{day}'", f"DATE '{day}'" if value.time() == time() else after)


def _moment_place(value: date, name: str) -> _Place:
    moment = value if isinstance(value, datetime) else datetime.combine(value, time())
    zoned = family(name) == "zoned"
    if zoned and moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    literal = f"{'TIMESTAMPTZ' if zoned else 'TIMESTAMP'} '{moment.isoformat(sep=' ')}'"
    if name == "TIMESTAMP_NS" and not NANO_FIRST <= moment <= NANO_LAST:
        first, last = f"TIMESTAMP '{NANO_FIRST}'", f"TIMESTAMP '{NANO_LAST}'"
        return _Place(None, first) if moment < NANO_FIRST else _Place(last, None)
    return _Place(literal, literal)


def _exact_place(value: int | Decimal, name: str) -> _Place:
    """Whole numbers and DECIMAL, which is a whole number of its last places."""
    digits = _DECIMAL.fullmatch(name)
    width, scale = (int(digits[1]), int(digits[2])) if digits else (0, 0)
    least, most = (1 - 10**width, 10**width - 1) if digits else _RANGES[name]

    def literal(units: int) -> str:
        if digits:
            text = f"{abs(units):0{scale + 1}d}"
            whole = f"{text[: len(text) - scale]}.{text[len(text) - scale :]}" if scale else text
            return f"CAST('{'-' if units < 0 else ''}{whole}' AS {name})"
        return str(units) if abs(units) < 2**63 else f"CAST('{units}' AS {name})"

    if isinstance(value, Decimal) and value.is_infinite():
        return _Place(literal(most), None) if value > 0 else _Place(None, literal(least))
    units = Fraction(value) * 10**scale
    below, above = math.floor(units), math.ceil(units)
    return _Place(
        None if below < least else literal(min(below, most)),
        None if above > most else literal(max(above, least)),
    )


def _float_place(value: int | Decimal, *, single: bool) -> _Place:
    """A decimal stands for the nearest number the column can hold, as in Python; a whole number for itself."""
    try:
        nearest = float(value)
    except OverflowError:
        nearest = math.inf if value > 0 else -math.inf
    if single and isinstance(value, Decimal):
        with suppress(OverflowError):
            nearest = struct.unpack("f", struct.pack("f", nearest))[0]
    below = above = nearest
    kept_exact = isinstance(value, int) or (value.is_finite() and math.isinf(nearest))
    if kept_exact and nearest != value:
        below = nearest if nearest < value else math.nextafter(nearest, -math.inf)
        above = math.nextafter(below, math.inf)
    return _Place(double(below), double(above))


def double(value: float) -> str:
    """A DOUBLE literal: exactly this number."""
    if math.isinf(value):
        return INFINITY if value > 0 else "CAST('-inf' AS DOUBLE)"
    return repr(value) if "e" in repr(value) else f"{value!r}e0"
