"""Conditions against the oracle, in a real DuckDB."""

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.core.errors import BadRequest, UnknownName
from analysis.core.expression import check_pattern, parse
from analysis.core.segment import And, Between, Compare, Contains, Everything, Matches, Missing, Not, OneOf, Or, Saved
from analysis.engine.condition import ColumnRef, render
from tests.core.segment_oracle import HOSTILE, SIGNS, holds, texts, trees

INF, NAN = float("inf"), float("nan")
HUGE = 2**127
TYPES = {
    "text": "VARCHAR",
    "enum": "ENUM",
    "tiny": "TINYINT",
    "big": "BIGINT",
    "ubig": "UBIGINT",
    "huge": "HUGEINT",
    "double": "DOUBLE",
    "float": "FLOAT",
    "price": "DECIMAL(12,3)",
    "wide": "DECIMAL(38,10)",
    "whole": "DECIMAL(38,0)",
    "flag": "BOOLEAN",
    "day": "DATE",
    "moment": "TIMESTAMP",
    "zoned": "TIMESTAMP WITH TIME ZONE",
}
PACIFIC = timezone(timedelta(hours=-8))
DATA = {
    "text": ["", "West", "west", "a'b", "100", "10.0", "true", "2024-05-01", *HOSTILE],
    "enum": ["West", "East", "a'b", "", "'; drop table t; --", "é", "zz"],
    "tiny": [-128, -1, 0, 1, 5, 127],
    "big": [-(2**63), -(2**53) - 1, -1, 0, 1, 2, 100, 2**53 + 1, 2**63 - 1],
    "ubig": [0, 1, 2**63, 2**64 - 1],
    "huge": [-HUGE, -(10**30), -1, 0, 1, 10**30 + 1, HUGE - 1],
    "double": [NAN, INF, -INF, 0.0, -0.0, 0.1, 0.1 + 0.2, 0.3, -2.5, 1e308, 5e-324, 2.0**53, 2.0**53 + 2, 1e30, 1e22],
    "float": [NAN, INF, -INF, 0.0, 0.10000000149011612, 16777216.0, 3.4028234663852886e38, -2.5],
    "price": [Decimal(each) for each in ("-999999999.999", "-0.001", "0.000", "0.100", "1.005", "2.500", "999999999.999")],
    "wide": [Decimal(each) for each in ("-1.0000000001", "0.0000000000", "0.1000000000", "9999999999999999999999999999.5")],
    "whole": [Decimal(each) for each in ("-99999999999999999999999999999999999999", "0", "5", "10000000000000000000001")],
    "flag": [True, False],
    "day": [date(1, 1, 1), date(2024, 4, 30), date(2024, 5, 1), date(2024, 5, 2), date(9999, 12, 31)],
    "moment": [
        datetime(1, 1, 1),
        datetime(2024, 5, 1),
        datetime(2024, 5, 1, 0, 0, 0, 1),
        datetime(2024, 5, 1, 10),
        datetime(9999, 12, 31, 23, 59, 59, 999999),
    ],
    "zoned": [
        datetime(1900, 1, 1, tzinfo=UTC),
        datetime(2024, 5, 1, tzinfo=UTC),
        datetime(2024, 5, 1, tzinfo=PACIFIC),
        datetime(2024, 5, 1, 8, tzinfo=UTC),
    ],
}
ROWS = [
    {name: None if place % 5 == 4 else held[place % len(held)] for name, held in DATA.items()} for place in range(79)
]
COLUMNS = {name: ColumnRef(f"c{place}", kind) for place, (name, kind) in enumerate(TYPES.items())}


@pytest.fixture(scope="module")
def connection():
    with duckdb.connect(config={"threads": 2}) as connected:
        named = ", ".join("'" + each.replace("'", "''") + "'" for each in DATA["enum"])
        connected.execute(f"CREATE TYPE region AS ENUM ({named})")
        kinds = ["region" if kind == "ENUM" else kind for kind in TYPES.values()]
        columns = ", ".join(f"c{place} {kind}" for place, kind in enumerate(kinds))
        connected.execute(f"CREATE TABLE t (id INTEGER, {columns})")
        marks = ", ".join(f"CAST(? AS {kind})" for kind in kinds)
        connected.executemany(
            f"INSERT INTO t VALUES (?, {marks})", [[place, *row.values()] for place, row in enumerate(ROWS)]
        )
        yield connected


def answers(connection, segment):
    return [value for (value,) in connection.execute(f"SELECT {render(segment, COLUMNS)} FROM t ORDER BY id").fetchall()]


def kept(connection, segment):
    sql = f"SELECT id FROM t WHERE {render(segment, COLUMNS)} ORDER BY id"
    return [place for (place,) in connection.execute(sql).fetchall()]


def near(name):
    """Values one may compare the column with: its own, those next to them, and those it could not hold."""
    own = st.sampled_from([each for each in DATA[name] if each == each])
    kind = TYPES[name]
    if kind in ("VARCHAR", "ENUM"):
        return own | texts
    if kind == "BOOLEAN":
        return own
    if kind in ("DATE", "TIMESTAMP"):
        return own | st.dates() | st.datetimes()
    if kind == "TIMESTAMP WITH TIME ZONE":
        zones = st.sampled_from([None, UTC, PACIFIC, timezone(timedelta(hours=5, minutes=30))])
        moments = st.datetimes(datetime(2024, 4, 30), datetime(2024, 5, 2), timezones=zones)
        return own | st.dates(date(2024, 4, 30), date(2024, 5, 2)) | moments
    exact = own.filter(lambda value: value not in (INF, -INF)).map(Decimal)
    steps = st.sampled_from([0, 1, -1, Decimal("0.5"), Decimal("-0.0001"), Decimal("1e-30")])
    moved = st.builds(lambda value, step: value + step, exact.map(int) | exact, steps.map(Decimal))
    huge = st.sampled_from([10**30, -(10**40), HUGE, 2**64, Decimal("1e300"), Decimal("1e350"), Decimal("-1e350"), INF, -INF])
    return own | moved | moved.map(int) | huge | st.integers() | st.floats(allow_nan=False) | st.just(Decimal("0.1"))


def on(name):
    value = near(name)
    leaf = (
        st.builds(Compare, st.just(name), st.sampled_from(list(SIGNS)), value)
        | st.builds(OneOf, st.just(name), st.lists(value, min_size=1, max_size=5).map(tuple))
        | st.builds(Between, st.just(name), value, value)
        | st.just(Missing(name))
    )
    if name in ("text", "enum", "big", "price", "flag", "day"):
        patterns = st.sampled_from(["^W", "t$", "[0-9]+", "(?i)west", "a.b", "^$", r"\d{2,}", "st|5", r"\.0", "(We)?st"])
        leaf |= st.builds(Contains, st.just(name), texts | st.sampled_from(["", "e", "0", "1", "-", "true"]))
        leaf |= st.builds(Matches, st.just(name), patterns)
    return leaf


every_leaf = st.sampled_from(list(TYPES)).flatmap(on) | st.just(Everything())


@settings(max_examples=600, deadline=None)
@given(segment=every_leaf)
def test_a_comparison_means_what_python_means(connection, segment):
    expected = [holds(segment, row, TYPES) for row in ROWS]
    assert answers(connection, segment) == expected
    assert answers(connection, Not(segment)) == [not each for each in expected]


@settings(max_examples=300, deadline=None)
@given(segment=trees(every_leaf))
def test_a_tree_means_what_python_means_and_its_complement_the_rest(connection, segment):
    expected = [holds(segment, row, TYPES) for row in ROWS]
    assert answers(connection, segment) == expected
    inside, outside = kept(connection, segment), kept(connection, Not(segment))
    assert inside == [place for place, held in enumerate(expected) if held]
    assert sorted(inside + outside) == list(range(len(ROWS)))


@settings(max_examples=200, deadline=None)
@given(segment=trees(every_leaf))
def test_the_text_of_a_tree_asks_the_same(segment):
    assert render(parse(segment.expression()), COLUMNS) == render(segment, COLUMNS)
