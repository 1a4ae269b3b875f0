"""The expression language: what it understands, and how it refuses the rest."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.core.errors import BadRequest, UnknownName
from analysis.core.expression import parse
from analysis.core.literal import family
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
)
from tests.core.segment_oracle import HOSTILE, leaves, names, trees, values

COLUMNS = {
    "region": "VARCHAR",
    "kind": "ENUM",
    "amount": "BIGINT",
    "rate": "DOUBLE",
    "price": "DECIMAL(10,2)",
    "flag": "BOOLEAN",
    "day": "DATE",
    "moment": "TIMESTAMP",
    "zoned": "TIMESTAMP WITH TIME ZONE",
    "odd name": "VARCHAR",
    "Größe": "INTEGER",
    "Twin": "VARCHAR",
    "TWIN": "VARCHAR",
}
WEST = Compare("region", "=", "West")
LARGE = Compare("amount", ">=", 100)
A, B, C = (Compare(name, "=", 1) for name in "abc")

UNDERSTOOD = [
    ("region = 'West' and amount >= 100", And((WEST, LARGE))),
    ("a = 1 or b = 1 and c = 1", Or((A, And((B, C))))),
    ("a = 1 and b = 1 or c = 1", Or((And((A, B)), C))),
    ("(a = 1 or b = 1) and c = 1", And((Or((A, B)), C))),
    ("not a = 1 and b = 1", And((Not(A), B))),
    ("not (a = 1 and b = 1)", Not(And((A, B)))),
    ("not not a = 1", Not(Not(A))),
    ("NOT(a=1)OR(b=1)", Or((Not(A), B))),
    ("((((a = 1))))", A),
    ("a == 1", A),
    ("a <> 1", Compare("a", "!=", 1)),
    ("a!=1", Compare("a", "!=", 1)),
    ("a in ('x', 2, 2.50, 2024-05-01)", OneOf("a", ("x", 2, Decimal("2.50"), date(2024, 5, 1)))),
    ("a Not In ('x')", Not(OneOf("a", ("x",)))),
    ("a between 1 and 2 and b = 1", And((Between("a", 1, 2), B))),
    ("a not between -1.5 and +2e3", Not(Between("a", Decimal("-1.5"), Decimal("2e3")))),
    ("a contains 'it''s'", Contains("a", "it's")),
    ("a not contains 'x'", Not(Contains("a", "x"))),
    ("a contains 007", Contains("a", "007")),
    ("a matches '^x+$'", Matches("a", "^x+$")),
    ("a not matches 'x'", Not(Matches("a", "x"))),
    ("a is missing", Missing("a")),
    ("a IS NOT MISSING", Not(Missing("a"))),
    ("a is null", Missing("a")),
    ("a = 2024-05-01", Compare("a", "=", date(2024, 5, 1))),
    ("a = '2024-05-01'", Compare("a", "=", "2024-05-01")),
    ("a = 2024-05-01T10:00", Compare("a", "=", datetime(2024, 5, 1, 10))),
    ("a = 2024-05-01T10:00:30.25Z", Compare("a", "=", datetime(2024, 5, 1, 10, 0, 30, 250_000, tzinfo=UTC))),
    ("a = TRUE or a = false", Or((Compare("a", "=", True), Compare("a", "=", False)))),
    ("a = 9007199254740993", Compare("a", "=", 9007199254740993)),
    ("a = 0.1", Compare("a", "=", Decimal("0.1"))),
    ("a = .5", Compare("a", "=", Decimal("0.5"))),
    ("a=-5", Compare("a", "=", -5)),
    ("a < infinity", Compare("a", "<", Decimal("Infinity"))),
    ("a > -inf", Compare("a", ">", Decimal("-Infinity"))),
    ('"odd name" = 1', Compare("odd name", "=", 1)),
    ('"a ""b""" = 1', Compare('a "b"', "=", 1)),
    ('"and" = 1', Compare("and", "=", 1)),
    ("größe > 1", Compare("größe", ">", 1)),
    ("名前 = '値'", Compare("名前", "=", "値")),
    ("a = 'x\ny'", Compare("a", "=", "x\ny")),
    ("a = ''''", Compare("a", "=", "'")),
    ("a = ''", Compare("a", "=", "")),
    ("@big", Saved("big")),
    ('@"big spenders" and not @big-2', And((Saved("big spenders"), Not(Saved("big-2"))))),
    ("everything", Everything()),
    (" \n", Everything()),
    ("", Everything()),
]


@pytest.mark.parametrize(("text", "segment"), UNDERSTOOD, ids=[text for text, _ in UNDERSTOOD])
def test_what_is_understood(text, segment):
    assert parse(text) == segment
    assert parse(segment.expression()) == segment


@settings(max_examples=200, deadline=None)
@given(trees(leaves))
def test_the_canonical_text_parses_back(segment):
    again = parse(segment.expression())
    assert again == segment
    assert repr(again) == repr(segment)


@settings(max_examples=300, deadline=None)
@given(names, values)
def test_one_comparison_parses_back_to_its_very_value(name, value):
    segment = Compare(name, "=", value)
    again = parse(segment.expression())
    assert (type(again.value), str(again.value)) == (type(segment.value), str(segment.value))
    assert again.column == name


WORDS = ["a", "region", "amount", '"x y"', "'", '"', "(", ")", ",", "=", "!=", "<=", ">", "'x'", "1", "-2.5"]
WORDS += ["2024-05-01", "2024-99-99", "and", "or", "not", "in", "between", "is", "missing", "contains", "matches"]
WORDS += ["'('", "@s", "@", "true", "null", ";", "--", ".", "inf", "not in (1)", "= 1", "day", "flag"]


@settings(max_examples=500, deadline=None)
@given(
    st.text(max_size=30)
    | st.lists(
        st.sampled_from(WORDS),
        max_size=9,
    ).map(" ".join)
)
def test_any_text_is_understood_or_refused_as_a_bad_request(text):
    for columns in (None, COLUMNS):
        try:
            segment = parse(text, columns=columns)
        except BadRequest:
            continue
        assert parse(segment.expression(), columns=columns) == segment


FITTED = [
    ("region = 007", Compare("region", "=", "007")),
    ("region in (1.50, true, 2024-05-01)", OneOf("region", ("1.50", "true", "2024-05-01"))),
    ("kind = 1", Compare("kind", "=", "1")),
    ("amount = '100'", Compare("amount", "=", 100)),
    ("rate > '1e-3'", Compare("rate", ">", Decimal("0.001"))),
    ("price between '1.10' and 2", Between("price", Decimal("1.10"), 2)),
    ("flag = 1", Compare("flag", "=", True)),
    ("flag != 'False'", Compare("flag", "!=", False)),
    ("day = '2024-05-01'", Compare("day", "=", date(2024, 5, 1))),
    ("moment < '2024-05-01 10:00'", Compare("moment", "<", datetime(2024, 5, 1, 10))),
    ("moment < 2024-05-01", Compare("moment", "<", date(2024, 5, 1))),
    ("zoned < '2024-05-01 10:00Z'", Compare("zoned", "<", datetime(2024, 5, 1, 10, tzinfo=UTC))),
    ("amount contains 5", Contains("amount", "5")),
    ("AMOUNT = 1", Compare("amount", "=", 1)),
    ("grösse = 1 or GRÖSSE = 1", Or((Compare("Größe", "=", 1), Compare("Größe", "=", 1)))),
    ("Twin = 'a' and TWIN = 'a'", And((Compare("Twin", "=", "a"), Compare("TWIN", "=", "a")))),
]


@pytest.mark.parametrize(("text", "segment"), FITTED, ids=[text for text, _ in FITTED])
def test_values_are_fitted_to_their_column(text, segment):
    assert parse(text, columns=COLUMNS) == segment


REFUSED = [
    ("amount >=", "At position 10, after 'amount >=' a value is expected, but the expression ends."),
    ("region = 'a' and amount >= and", "after 'amount >=' a value is expected, but and stands there"),
    (
        "region = West",
        "after 'region =' a value is expected, but West stands there; text goes in single quotes: 'West'.",
    ),
    ('region = "West"', "text goes in single quotes: 'West'."),
    ("amount = null", "after 'amount =' a value is expected, but null stands there; ask 'is missing'."),
    ("amount", "At position 7, after 'amount' a comparison (=, !=, <, <=, >, >=, in, between, contains, matches, is"),
    ("amount 5", "but 5 stands there."),
    ("amount in 5", "At position 11, after 'amount in' '(' is expected, but 5 stands there."),
    ("amount in ()", "after 'amount in (' a value is expected, but ) stands there."),
    ("amount in (1 2)", "after 'amount in (1' ',' or ')' is expected, but 2 stands there."),
    ("amount between 1", "after 'amount between 1' 'and' is expected, but the expression ends."),
    ("amount between 5 and 1", "Nothing lies between 5 and 1; put the smaller one first."),
    ("amount is 5", "after 'amount is' 'missing' or 'not missing' is expected, but 5 stands there"),
    ("(amount > 1", "At position 12, after 'amount > 1' ')', 'and' or 'or' is expected, but the expression ends."),
    ("amount > 1)", "At position 11, after 'amount > 1' 'and', 'or' or the end is expected, but ) stands there."),
    ("amount > 1 amount < 5", "'and', 'or' or the end is expected, but amount stands there."),
    ("and", 'At position 1, a column is expected, but and stands there; write a column of that name as "and".'),
    ("not", "after 'not' a column is expected, but the expression ends."),
    ("5 = amount", "At position 1, a column is expected, but 5 stands there."),
    ("region = 'x", "The quote opened at position 10 is never closed; double a quote inside it."),
    ('"region = 1', "The quote opened at position 1 is never closed"),
    ('@"x', "is never closed"),
    ("amount = 1; drop table t", "';' at position 11 is not understood"),
    ("amount = 1 -- comment", "'-' at position 12 is not understood"),
    ("region = ‘West’", "'‘' at position 10 is not understood; text goes in single quotes"),
    ("amount = 1.2.3", "at position 10 is not understood"),
    ("amount = 12abc", "at position 10 is not understood"),
    ("amount = 1e999", "more than 400 digits"),
    ("amount = " + "9" * 5_000, "more than 400 digits"),
    ("day = 2024-02-30", "2024-02-30 at position 7 is not a date of the calendar."),
    ("regoin = 'x'", "There is no column 'regoin'. Did you mean 'region'?"),
    ("twin = 'x'", "There is no column 'twin'."),
    ('"REGION" = 1', "There is no column 'REGION'."),
    ("amount > 'ten'", "The column 'amount' holds numbers; 'ten' is not a number."),
    ("amount = true", "The column 'amount' holds numbers; true is not a number."),
    ("amount in (1, 2024-05-01)", "The column 'amount' holds numbers; 2024-05-01 is not a number."),
    ("day > 'foo'", "The column 'day' holds dates; 'foo' cannot be read as one, write 2024-05-01."),
    ("day > '2024-02-30'", "The column 'day' holds dates; '2024-02-30' cannot be read as one"),
    ("moment > 5", "The column 'moment' holds dates; 5 cannot be read as one, write '2024-05-01 10:00'."),
    ("moment > 2024-05-01T10:00Z", "The column 'moment' has no time zone; leave the zone of"),
    ("flag = 'maybe'", "The column 'flag' holds true and false; 'maybe' is neither."),
    ("flag > false", "The column 'flag' holds true and false; compare it with = or !=."),
    ("region matches '(?=a)'", "The pattern '(?=a)' cannot be used: at position 1, looking ahead or behind is not"),
    ("region = 'a\0b'", "holds a NUL"),
]


@pytest.mark.parametrize(("text", "message"), REFUSED, ids=[text[:40] for text, _ in REFUSED])
def test_what_is_refused_and_how(text, message):
    with pytest.raises(BadRequest) as refusal:
        parse(text, columns=COLUMNS)
    assert message in str(refusal.value)


def test_an_unknown_column_carries_the_known_ones():
    with pytest.raises(UnknownName) as refusal:
        parse("regoin = 1", columns=COLUMNS)
    assert refusal.value.known == list(COLUMNS)


def test_depth_and_length_are_bounded():
    assert parse("(" * 200 + "a = 1" + ")" * 200) == A
    with pytest.raises(BadRequest, match="more than 200 brackets"):
        parse("(" * 50_000 + "a = 1")
    assert parse("not " * 199 + "a = 1").depth == 200
    with pytest.raises(BadRequest, match="more than 200 levels"):
        parse("not " * 20_000 + "a = 1")
    with pytest.raises(BadRequest, match="the limit is 100,000"):
        parse("a = 1 or " * 20_000)
    assert len(parse(" or ".join(f"a = {each}" for each in range(5_000))).parts) == 5_000


@pytest.mark.parametrize("word", HOSTILE)
def test_what_is_quoted_is_a_value_or_a_name_and_nothing_else(word):
    text = word.replace("'", "''")
    name = word.replace('"', '""')
    assert parse(f"\"{name}\" = '{text}' and b = 1") == And((Compare(word, "=", word), B))


PATTERNS = [
    ("a(?=b)", "at position 2, looking ahead or behind is not supported"),
    ("(?<!a)b", "at position 1, looking ahead or behind"),
    (r"(a)\1", "at position 4, referring back to a group is not supported"),
    ("(?P=n)", "referring back to a group"),
    ("(?<n>a)", "a named group is written (?P<name>...)"),
    ("(?>a)", "this kind of group is not supported"),
    ("(?x) a", "this kind of group is not supported"),
    ("(a", "at position 1, the '(' is never closed"),
    ("a)", "at position 2, the ')' closes nothing"),
    ("[a", "the '[' is never closed"),
    ("[]", "at position 1, the '[' is never closed"),
    ("x[^]y", "at position 2, the '[' is never closed"),
    ("[a[:vowel:]]", "something inside is not supported"),
    ("[z-a]", "z-a is not a range of characters"),
    (r"[a-\d]", r"a-\d is not a range of characters"),
    ("*a", "there is nothing that * could repeat"),
    ("a**", "at position 3, there is nothing that * could repeat"),
    ("a|+", "there is nothing that + could repeat"),
    ("a{2,1}", "{2,1} is not a number of repeats"),
    ("a{1001}", "{1001} is not a number of repeats up to 1,000"),
    ("(a{100}){11}", "repeats of repeats exceed 1,000"),
    (r"a\Z", "at position 2, this escape is not supported"),
    ("a\\", "at position 2, nothing follows the last backslash"),
    (r"\p{Klingon}", "this escape is not supported"),
    (r"\pL{1000}", "the pattern grows too large"),
    ("(" * 300 + ")" * 300, "too many groups stand inside each other"),
    ("a" * 3_000, "the limit is 2,000"),
]


@pytest.mark.parametrize(("pattern", "message"), PATTERNS, ids=[pattern[:20] for pattern, _ in PATTERNS])
def test_patterns_that_re2_would_not_take_are_refused(pattern, message):
    with pytest.raises(BadRequest) as refusal:
        check_pattern(pattern)
    assert message in str(refusal.value)


@pytest.mark.parametrize(
    "pattern",
    [
        "",
        "abc",
        "^a.*b$",
        "(?i)west|east",
        r"\d{2,4}-\w+?",
        "[^a-z-]",
        "[]a]",
        "[[:alpha:]_]",
        "(?P<n>a)(?:b)",
        r"\pL\x41",
        "a{,3}",
    ],
)
def test_ordinary_patterns_pass(pattern):
    check_pattern(pattern)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("HUGEINT", "number"),
        ("UHUGEINT", "number"),
        ("FLOAT", "number"),
        ("DECIMAL(38,10)", "number"),
        ("DATE", "date"),
        ("TIMESTAMP_NS", "moment"),
        ("TIMESTAMPTZ", "zoned"),
        ("boolean", "boolean"),
        ("ENUM('a', 'b')", "text"),
        ("UUID", "text"),
    ],
)
def test_families_of_types(kind, expected):
    assert family(kind) == expected
