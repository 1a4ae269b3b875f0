"""Conditions against the oracle, in a real DuckDB."""

import re
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from time import perf_counter

import duckdb
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from analysis.core.errors import BadRequest, UnknownName
from analysis.core.expression import parse
from analysis.core.pattern import check_pattern
from analysis.core.savedsegment import inapplicable, read
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
    "second": "TIMESTAMP_S",
    "nano": "TIMESTAMP_NS",
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
    "price": [
        Decimal(each) for each in ("-999999999.999", "-0.001", "0.000", "0.100", "1.005", "2.500", "999999999.999")
    ],
    "wide": [
        Decimal(each) for each in ("-1.0000000001", "0.0000000000", "0.1000000000", "9999999999999999999999999999.5")
    ],
    "whole": [
        Decimal(each) for each in ("-99999999999999999999999999999999999999", "0", "5", "10000000000000000000001")
    ],
    "flag": [True, False],
    "day": [date(1, 1, 1), date(2024, 4, 30), date(2024, 5, 1), date(2024, 5, 2), date(9999, 12, 31)],
    "moment": [
        datetime(1, 1, 1),
        datetime(2024, 5, 1),
        datetime(2024, 5, 1, 0, 0, 0, 1),
        datetime(2024, 5, 1, 10),
        datetime(9999, 12, 31, 23, 59, 59, 999999),
    ],
    "second": [datetime(1, 1, 1), datetime(2024, 5, 1), datetime(2024, 5, 1, 10), datetime(9999, 12, 31, 23, 59, 59)],
    "nano": [datetime(1677, 9, 22), datetime(2024, 5, 1), datetime(2024, 5, 1, 10), datetime(2262, 4, 11)],
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
    return [
        value for (value,) in connection.execute(f"SELECT {render(segment, COLUMNS)} FROM t ORDER BY id").fetchall()
    ]


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
    if kind in ("DATE", "TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_NS"):
        close = st.datetimes(datetime(2024, 4, 30), datetime(2024, 5, 3)) | st.dates(
            date(2024, 4, 29), date(2024, 5, 3)
        )
        close |= st.sampled_from([datetime(2024, 5, 1, 10), datetime(9999, 12, 31, 10), datetime(1, 1, 1, 1)])
        return own | close | close.map(lambda value: value.replace(day=1)) | st.dates() | st.datetimes()
    if kind == "TIMESTAMP WITH TIME ZONE":
        zones = st.sampled_from([None, UTC, PACIFIC, timezone(timedelta(hours=5, minutes=30))])
        moments = st.datetimes(datetime(2024, 4, 30), datetime(2024, 5, 2), timezones=zones)
        return own | st.dates(date(2024, 4, 30), date(2024, 5, 2)) | moments
    exact = own.filter(lambda value: value not in (INF, -INF)).map(Decimal)
    steps = st.sampled_from([0, 1, -1, Decimal("0.5"), Decimal("-0.0001"), Decimal("1e-30")])
    moved = st.builds(lambda value, step: value + step, exact.map(int) | exact, steps.map(Decimal))
    huge = st.sampled_from(
        [10**30, -(10**40), HUGE, 2**64, Decimal("1e300"), Decimal("1e350"), Decimal("-1e350"), INF, -INF]
    )
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
        patterns = st.sampled_from(
            ["^W", "t$", "[0-9]+", "(?i)west", "a.b", "^$", r"\d{2,}", "st|5", r"\.0", "(We)?st"]
        )
        leaf |= st.builds(Contains, st.just(name), texts | st.sampled_from(["", "e", "0", "1", "-", "true"]))
        leaf |= st.builds(Matches, st.just(name), patterns)
    return leaf


every_leaf = st.sampled_from(list(TYPES)).flatmap(on) | st.just(Everything())


@settings(max_examples=250, deadline=None)
@given(segment=every_leaf)
def test_a_comparison_means_what_python_means(connection, segment):
    expected = [holds(segment, row, TYPES) for row in ROWS]
    assert answers(connection, segment) == expected
    assert answers(connection, Not(segment)) == [not each for each in expected]


@settings(max_examples=100, deadline=None)
@given(segment=trees(every_leaf))
def test_a_tree_means_what_python_means_and_its_complement_the_rest(connection, segment):
    expected = [holds(segment, row, TYPES) for row in ROWS]
    assert answers(connection, segment) == expected
    inside, outside = kept(connection, segment), kept(connection, Not(segment))
    assert inside == [place for place, held in enumerate(expected) if held]
    assert sorted(inside + outside) == list(range(len(ROWS)))


@settings(max_examples=50, deadline=None)
@given(segment=trees(every_leaf))
def test_the_text_of_a_tree_asks_the_same(segment):
    assert render(parse(segment.expression()), COLUMNS) == render(segment, COLUMNS)


@settings(max_examples=100, deadline=None)
@given(one=trees(every_leaf, most=4), two=trees(every_leaf, most=4))
def test_saved_segments_select_what_their_conditions_select(connection, one, two):
    assume(inapplicable(one, TYPES) is None and inapplicable(two, TYPES) is None)
    saved = {"it's one": one, "two": And((Saved("it's one"), two))}
    found = read('not @two and (@"it\'s one" or text is missing)', TYPES, lambda: saved)
    first, second = ([holds(each, row, TYPES) for row in ROWS] for each in (one, two))
    wanted = [not (a and b) and (a or row["text"] is None) for a, b, row in zip(first, second, ROWS, strict=True)]
    assert answers(connection, found) == wanted


@pytest.mark.slow
@settings(max_examples=5_000, deadline=None)
@given(segment=trees(every_leaf))
def test_five_thousand_trees_mean_what_python_means(connection, segment):
    assert answers(connection, segment) == [holds(segment, row, TYPES) for row in ROWS]


@pytest.mark.parametrize("name", ["text", "enum"])
@pytest.mark.parametrize("word", HOSTILE)
def test_what_is_typed_stays_a_value(connection, name, word):
    written = word.replace("'", "''")
    expected = [place for place, row in enumerate(ROWS) if row[name] == word]
    assert kept(connection, parse(f"{name} = '{written}'", columns=TYPES)) == expected
    assert kept(connection, parse(f"{name} in ('{written}')", columns=TYPES)) == expected
    holding = [place for place, row in enumerate(ROWS) if row[name] is not None and word in row[name]]
    assert kept(connection, parse(f"{name} contains '{written}'", columns=TYPES)) == holding
    assert connection.execute("SELECT count(*) FROM t").fetchone() == (len(ROWS),)


def test_a_name_never_reaches_the_sql():
    for name in HOSTILE:
        sql = render(And((Compare(name, "=", 1), Missing(name))), {name: ColumnRef("c9", "BIGINT")})
        assert sql == "((c9 IS NOT NULL AND c9 = 1) AND (c9 IS NULL))"


SQL = [
    (Compare("enum", "=", "West"), "(c1 IS NOT NULL AND c1 = 'West')"),
    (Not(Compare("enum", "=", "We'st")), "(c1 IS DISTINCT FROM 'We''st')"),
    (Not(OneOf("enum", ("a", "b"))), "(NOT coalesce(c1 IN ('a', 'b'), false))"),
    (Compare("big", "<", Decimal("2.5")), "(c3 IS NOT NULL AND c3 <= 2)"),
    (Compare("big", "=", Decimal("2.5")), "(c3 IS NOT NULL AND false)"),
    (Compare("big", "<", 10**30), "(c3 IS NOT NULL AND c3 IS NOT NULL)"),
    (Compare("huge", ">=", 10**30), f"(c5 IS NOT NULL AND c5 >= CAST('{10**30}' AS HUGEINT))"),
    (Compare("double", "<", 0.1), "(c6 IS NOT NULL AND c6 < 0.1e0)"),
    (Compare("double", ">", 5), "(c6 IS NOT NULL AND (c6 > 5.0e0 AND c6 <= CAST('inf' AS DOUBLE)))"),
    (Compare("price", ">", Decimal("1.0049")), "(c8 IS NOT NULL AND c8 >= CAST('1.005' AS DECIMAL(12,3)))"),
    (Compare("day", "<=", datetime(2024, 5, 1, 10)), "(c12 IS NOT NULL AND c12 <= DATE '2024-05-01')"),
    (Compare("day", "<", datetime(2024, 5, 1)), "(c12 IS NOT NULL AND c12 < DATE '2024-05-01')"),
    (Compare("day", ">", datetime(2024, 5, 1, 10)), "(c12 IS NOT NULL AND c12 >= DATE '2024-05-02')"),
    (Compare("day", "=", datetime(2024, 5, 1, 10)), "(c12 IS NOT NULL AND false)"),
    (Compare("day", ">", datetime(9999, 12, 31, 10)), "(c12 IS NOT NULL AND c12 >= DATE '10000-01-01')"),
    (Compare("text", "=", 7), "(c0 IS NOT NULL AND c0 = '7')"),
    (Missing("double"), "(c6 IS NULL OR isnan(c6))"),
    (Everything(), "true"),
]


@pytest.mark.parametrize(("segment", "sql"), SQL, ids=[str(segment) for segment, _ in SQL])
def test_the_sql_reads_as_one_would_write_it(segment, sql):
    assert render(segment, COLUMNS) == sql


REFUSED = [
    (Compare("nope", "=", 1), UnknownName, "There is no column 'nope'"),
    (Saved("mine"), BadRequest, "The saved segment 'mine' was not looked up"),
    (Compare("big", "=", "ten"), BadRequest, "The column 'big' holds numbers; 'ten' is not a number."),
    (Compare("big", "=", date(2024, 5, 1)), BadRequest, "The column 'big' holds numbers; 2024-05-01 is not a number."),
    (Compare("big", "=", True), BadRequest, "The column 'big' holds numbers; true is not a number."),
    (Compare("day", "=", 20240501), BadRequest, "The column 'day' holds dates; 20240501 cannot be read as one"),
    (Compare("flag", "=", "maybe"), BadRequest, "The column 'flag' holds true and false; 'maybe' is neither."),
    (Compare("moment", "=", datetime(2024, 5, 1, tzinfo=UTC)), BadRequest, "The column 'moment' has no time zone"),
    (Matches("text", "(?=a)"), BadRequest, "looking ahead or behind is not supported"),
]


@pytest.mark.parametrize(("segment", "kind", "message"), REFUSED, ids=[message for *_, message in REFUSED])
def test_what_cannot_be_compared_is_refused(segment, kind, message):
    with pytest.raises(kind) as refusal:
        render(segment, COLUMNS)
    assert message in str(refusal.value)


def test_the_deepest_tree_runs(connection):
    segment = Compare("big", "=", 1)
    while segment.depth < 199:
        segment = (
            Not(Or((segment, And((Missing("text"), Compare("big", "!=", segment.depth))))))
            if (segment.depth % 2)
            else And((segment, Not(Missing("big"))))
        )
    assert segment.depth >= 199
    assert answers(connection, segment) == [holds(segment, row, TYPES) for row in ROWS]


def test_a_plain_filter_is_pushed_into_the_scan(connection):
    segment = parse("enum = 'West' and big >= 100 and double > 0.5", columns=TYPES)
    (plan,) = [
        text for _, text in connection.execute(f"EXPLAIN SELECT * FROM t WHERE {render(segment, COLUMNS)}").fetchall()
    ]
    assert "CAST" not in plan
    assert "c1 = 'West'" in plan
    assert "FILTER" not in plan.upper().replace("FILTERS", "")


PIECES = re.split(
    r"\s+",
    r"""
a b é 🦊 . ^ $ | ( (?: (?i) (?-s) (?s-i: (?P<n> ) ) ) * + ? *? {2} {2,} {1,3} {,3} {1000} {0} { } [ ] [^ ]a] [a-c] [a-]
[^\w-] [\d.] [[:alpha:]] [[:^digit:]x] \d \W \b \A \z \Z \1 \n \x41 \x{1F600} \x{d800} \012 \0 \. \- \_ \q \pL \ - ,
\p{Greek} \P{^Lu} \C \E [z-a] [\n-a] [\x41-\x{5A}] (?= (?<! (?> a{3} [a--b] && [+--] [\pL\pN] \p{Lo}
""",
)


@settings(max_examples=400, deadline=None)
@given(
    pattern=st.lists(st.sampled_from(PIECES), max_size=9).map("".join)
    | st.text("ab()[]{}*+?|\\^$-.,:<>=!1dpPLx0 ", max_size=12)
)
def test_a_pattern_that_passes_compiles(connection, pattern):
    try:
        check_pattern(pattern)
    except BadRequest:
        return
    connection.execute("SELECT regexp_matches(c0, " + "'" + pattern.replace("'", "''") + "') FROM t LIMIT 1").fetchall()


@pytest.mark.parametrize("pattern", [r"\pL" * 222, "a{1000}" * 33, "(?:" + "." * 33 + "){1000}", "(" * 199 + ")" * 199])
def test_the_largest_patterns_that_pass_compile(connection, pattern):
    check_pattern(pattern)
    assert connection.execute("SELECT regexp_matches('x', ?)", [pattern]).fetchone() is not None


@pytest.mark.benchmark
def test_ten_million_rows_filter_in_a_blink():
    with duckdb.connect(config={"threads": 2}) as connected:
        connected.execute("CREATE TYPE e AS ENUM (SELECT 'Region ' || i FROM range(50) r(i))")
        connected.execute(
            "CREATE TABLE t AS SELECT CASE WHEN i % 20 > 0 THEN CAST('Region ' || hash(i) % 50 AS e) END AS c0 "
            "FROM range(10000000) r(i)"
        )
        columns = {"region": ColumnRef("c0", "ENUM")}
        for text in ("region = 'Region 7'", "not region = 'Region 7'", "region in ('Region 7', 'Region 8', 'nowhere')"):
            sql = f"SELECT count(*) FROM t WHERE {render(parse(text), columns)}"
            seconds = []
            for _ in range(5):
                began = perf_counter()
                connected.execute(sql).fetchone()
                seconds.append(perf_counter() - began)
            assert min(seconds) < 0.15
