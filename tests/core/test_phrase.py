"""Phrases: what an editor offers for a column, and that each segment selects the rows its words say."""

from datetime import date
from decimal import Decimal

import pytest

from analysis.core import phrase
from analysis.core.errors import BadRequest
from analysis.core.evaluation import EvalColumn
from analysis.core.phrase import phrased, phrases
from tests.core.segment_oracle import holds

TEXT = EvalColumn("c0", "the region", "ENUM", "values", 4)
AMOUNT = EvalColumn("c1", "amount", "DOUBLE", "bins", 900, edges=("0.5", "2.5", "10.0", "99.5"))
FLAG = EvalColumn("c2", "flag", "BOOLEAN", "values", 2)
DAY = EvalColumn("c3", "day", "DATE", "bins", 400, edges=("2026-01-01", "2026-02-01", "2026-03-01"))
VALUES = [None, 0.5, 2.4999, 2.5, 9.0, 10.0, 99.5]

MADE = [
    (TEXT, phrase.ONE, ["West"], "\"the region\" = 'West'"),
    (TEXT, phrase.ONE, ["West", "it's"], "\"the region\" in ('West', 'it''s')"),
    (TEXT, phrase.NONE, ["West"], "not (\"the region\" = 'West')"),
    (TEXT, phrase.TOP, ["a", "b"], "\"the region\" in ('a', 'b')"),
    (TEXT, phrase.OTHER, ["a", "b"], "\"the region\" not in ('a', 'b') and \"the region\" is not missing"),
    (TEXT, phrase.CONTAINS, ["%x'"], "\"the region\" contains '%x'''"),
    (TEXT, phrase.MATCHES, ["^A.*"], "\"the region\" matches '^A.*'"),
    (TEXT, phrase.MISSING, [], '"the region" is missing'),
    (TEXT, phrase.KNOWN, [], '"the region" is not missing'),
    (AMOUNT, phrase.BETWEEN, ["1", "5.5"], "amount between 1 and 5.5"),
    (AMOUNT, phrase.LEAST, ["1e2"], "amount >= 1E+2"),
    (AMOUNT, phrase.LESS, [Decimal("0.10")], "amount < 0.10"),
    (FLAG, phrase.ONE, ["true"], "flag = true"),
    (DAY, phrase.BETWEEN, [date(2026, 1, 5), "2026-02-01"], "day between 2026-01-05 and 2026-02-01"),
    (DAY, phrase.BINS, [1, 1], "day >= 2026-02-01"),
]


@pytest.mark.parametrize(("column", "name", "values", "text"), MADE, ids=[f"{each[1]} {each[3]}" for each in MADE])
def test_a_phrase_is_a_segment(column, name, values, text):
    assert phrased(column, name, values).expression() == text


def test_bins_are_disjoint_and_together_all_known_rows():
    parts = [phrased(AMOUNT, phrase.BINS, [place, place]) for place in range(3)]
    rows = [{"amount": value} for value in VALUES]
    held = [[holds(part, row, {"amount": "DOUBLE"}) for row in rows] for part in parts]
    assert [sum(each) for each in zip(*held, strict=True)] == [0, 1, 1, 1, 1, 1, 1]
    assert [sum(each) for each in held] == [2, 2, 2]
    both = phrased(AMOUNT, phrase.BINS, [1, 2])
    assert [holds(both, row, {"amount": "DOUBLE"}) for row in rows] == [False, False, False, True, True, True, True]
    assert phrased(AMOUNT, phrase.BINS, [0, 2]).expression() == "amount is not missing"


def test_another_value_is_neither_a_frequent_one_nor_missing():
    other = phrased(TEXT, phrase.OTHER, ["a", "b"])
    assert [holds(other, {"the region": each}, {"the region": "ENUM"}) for each in ("a", "b", "c", None)] == [
        False,
        False,
        True,
        False,
    ]


@pytest.mark.parametrize("column", [TEXT, AMOUNT, FLAG, DAY], ids=lambda column: column.name)
def test_every_offered_phrase_can_be_made(column):
    value = {"the region": "West", "amount": 5, "flag": "false", "day": date(2026, 1, 7)}[column.name]
    for name in phrases(column):
        values = [0, 1] if name == phrase.BINS else [value, value] if name == phrase.BETWEEN else [value]
        assert phrased(column, name, values).columns() == {column.name}


@pytest.mark.parametrize(
    ("column", "name", "values"),
    [
        (TEXT, phrase.ONE, []),
        (TEXT, phrase.CONTAINS, [""]),
        (TEXT, phrase.MATCHES, ["("]),
        (AMOUNT, phrase.BETWEEN, ["1"]),
        (AMOUNT, phrase.BETWEEN, ["1", None]),
        (AMOUNT, phrase.LEAST, ["ten"]),
        (AMOUNT, phrase.BINS, [2, 1]),
        (AMOUNT, phrase.BINS, [0, 3]),
        (DAY, phrase.MOST, ["tomorrow"]),
    ],
)
def test_what_makes_no_condition_is_refused(column, name, values):
    with pytest.raises(BadRequest):
        phrased(column, name, values)
