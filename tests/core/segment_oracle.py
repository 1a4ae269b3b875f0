"""What a segment means, written a second time in plain Python, with strategies that make segments up."""

import math
import operator
import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import numpy as np
from hypothesis import strategies as st

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

HOSTILE = [
    "'; drop table t; --",
    "x' or '1'='1",
    "'' or true --",
    "/* */ union select 1",
    '"; delete from t; --',
    ":drop",
    "$1",
    "?",
    "{0}",
    "%s",
    "\\'",
    "\\",
    "@",
    "@saved",
    "and",
    "NOT",
    "is missing",
    "null",
    "true",
    "infinity",
    "everything",
    "2024-05-01",
    "1e5",
    "-5",
    " ",
    "\n",
    "\t\r\n",
    "a\nb",
    '"',
    "'",
    '""',
    "é",
    "名前",
    "İ",
    "ß",
    "\u202e",
    "\ufeff",
    "🦊",
    "e'x'",
    "$$x$$",
    "U&'x'",
    "a;b",
    "--",
    "#",
    "_",
    "0x10",
    "‘West’",
]
SIGNS = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}

texts = st.sampled_from(HOSTILE) | st.text(
    st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=8
)
names = texts.filter(bool)
zones = st.none() | st.timedeltas(timedelta(hours=-14), timedelta(hours=14)).map(
    lambda offset: timezone(timedelta(seconds=offset // timedelta(seconds=1)))
)
moments = st.datetimes() | st.builds(lambda moment, zone: moment.replace(tzinfo=zone), st.datetimes(), zones)
numbers = (
    st.integers()
    | st.integers(-(10**40), 10**40)
    | st.decimals(allow_nan=False, min_value=Decimal("-1e30"), max_value=Decimal("1e30"))
    | st.floats(allow_nan=False)
    | st.sampled_from([Decimal("1.10"), Decimal("-0.0"), Decimal("1E+3"), Decimal("Infinity"), Decimal("-1e-300")])
)
values = texts | numbers | st.booleans() | st.dates() | moments
leaves = (
    st.builds(Compare, names, st.sampled_from(list(SIGNS)), values)
    | st.builds(OneOf, names, st.lists(values, min_size=1, max_size=4).map(tuple))
    | st.builds(Between, names, values, values)
    | st.builds(Contains, names, texts)
    | st.builds(Matches, names, texts.map(re.escape).filter(lambda text: text.isascii()) | st.just("^a.*[b-d]+$"))
    | st.builds(Missing, names)
    | st.builds(Saved, names)
    | st.just(Everything())
)


def trees(leaf: st.SearchStrategy[Segment], *, most: int = 12) -> st.SearchStrategy[Segment]:
    """Trees of any shape over these leaves."""

    def grown(parts: st.SearchStrategy[Segment]) -> st.SearchStrategy[Segment]:
        several = st.lists(parts, min_size=2, max_size=4).map(tuple)
        return st.builds(Not, parts) | st.builds(And, several) | st.builds(Or, several)

    return st.recursive(leaf, grown, max_leaves=most)


def missing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


def holds(segment: Segment, row: Mapping[str, Any], types: Mapping[str, str]) -> bool:
    """Whether the row (Python's own values) fulfils the segment, by Python's own comparisons."""
    match segment:
        case Everything():
            return True
        case Not(part):
            return not holds(part, row, types)
        case And(parts):
            return all(holds(part, row, types) for part in parts)
        case Or(parts):
            return any(holds(part, row, types) for part in parts)
        case Missing(column):
            return missing(row[column])
    value = row[segment.column]  # type: ignore[attr-defined]
    if missing(value):
        return False
    kind = types[segment.column]  # type: ignore[attr-defined]
    match segment:
        case Compare(_, op, other):
            return SIGNS[op](ready(value, kind), asked(other, kind))
        case OneOf(_, others):
            return any(ready(value, kind) == asked(other, kind) for other in others)
        case Between(_, low, high):
            return asked(low, kind) <= ready(value, kind) <= asked(high, kind)
        case Contains(_, text):
            return text in as_text(value)
        case Matches(_, pattern):
            return re.search(pattern.replace("$", r"\Z"), as_text(value), re.ASCII) is not None
    raise AssertionError(segment)


def ready(value: Any, kind: str) -> Any:
    return datetime.combine(value, datetime.min.time()) if kind == "DATE" else value


def asked(value: Any, kind: str) -> Any:
    """The typed value as Python would compare it with a value of a column of this type."""
    if kind in ("DOUBLE", "FLOAT") and isinstance(value, Decimal):
        nearest = float(value)
        if math.isinf(nearest):
            return value
        with np.errstate(over="ignore"):
            short = float(np.float32(nearest))
        return short if kind == "FLOAT" and math.isfinite(short) else nearest
    if kind == "DATE" or kind.startswith("TIMESTAMP"):
        moment = value if isinstance(value, datetime) else datetime.combine(value, datetime.min.time())
        return moment if kind != "TIMESTAMP WITH TIME ZONE" or moment.tzinfo else moment.replace(tzinfo=UTC)
    return value


def as_text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value.isoformat() if isinstance(value, date) else str(value)
