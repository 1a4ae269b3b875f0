"""Segments: their trees, dicts and sentences."""

import json
import pickle
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.core.errors import BadRequest, UnknownName
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
    every,
    from_dict,
    resolve,
)
from tests.core.segment_oracle import HOSTILE, leaves, trees

WEST = Compare("region", "=", "West")
LARGE = Compare("amount", ">=", 100)
DAY = date(2024, 5, 1)

SENTENCES = [
    (WEST, "region is West"),
    (LARGE, "amount is at least 100"),
    (And((WEST, LARGE)), "region is West and amount is at least 100"),
    (Or((And((WEST, LARGE)), Missing("age"))), "(region is West and amount is at least 100) or age is missing"),
    (And((WEST, Or((LARGE, Missing("age"))))), "region is West and (amount is at least 100 or age is missing)"),
    (Compare("region", "!=", "West"), "region is not West (missing left out)"),
    (Not(WEST), "region is not West (missing included)"),
    (Not(Compare("region", "!=", "West")), "region is West (missing included)"),
    (Not(LARGE), "amount is not at least 100 (missing included)"),
    (Compare("amount", "<", Decimal("0.10")), "amount is less than 0.10"),
    (Compare("amount", ">", 5), "amount is more than 5"),
    (Compare("amount", "<=", -5), "amount is at most -5"),
    (Compare("day", "<", DAY), "day is before 2024-05-01"),
    (Compare("day", ">=", DAY), "day is on or after 2024-05-01"),
    (Compare("day", ">", datetime(2024, 5, 1, 10)), "day is after 2024-05-01 10:00:00"),
    (Compare("flag", "=", True), "flag is true"),
    (Compare("region", "=", ""), "region is ''"),
    (Compare("region", "=", "100"), "region is '100'"),
    (Compare("region", "=", "here and there"), "region is 'here and there'"),
    (Compare("region", "=", "missing"), "region is 'missing'"),
    (Compare("region", "=", "New York"), "region is New York"),
    (Compare("the region", "=", "O'Hare"), "the region is 'O''Hare'"),
    (Compare('x"; --', "=", "a"), '"x""; --" is a'),
    (OneOf("region", ("West",)), "region is West"),
    (OneOf("region", ("West", "East", "North")), "region is one of West, East or North"),
    (Not(OneOf("region", ("West", "East"))), "region is not one of West or East (missing included)"),
    (Between("amount", 1, 9), "amount is from 1 to 9"),
    (Not(Between("amount", 1, 9)), "amount is not from 1 to 9 (missing included)"),
    (Contains("name", "son"), "name contains 'son'"),
    (Not(Contains("name", "son")), "name does not contain 'son' (missing included)"),
    (Matches("name", "^J"), "name matches the pattern '^J'"),
    (Missing("age"), "age is missing"),
    (Not(Missing("age")), "age is not missing"),
    (Not(And((WEST, LARGE))), "not (region is West and amount is at least 100; missing does not match)"),
    (Saved("big spenders"), "in the saved segment 'big spenders'"),
    (Everything(), "all rows"),
    (Not(Everything()), "no rows"),
]


@pytest.mark.parametrize(("segment", "sentence"), SENTENCES, ids=[sentence for _, sentence in SENTENCES])
def test_the_sentence(segment, sentence):
    assert segment.sentence() == sentence


@settings(max_examples=200, deadline=None)
@given(trees(leaves))
def test_a_dict_gives_the_tree_back(segment):
    again = from_dict(json.loads(json.dumps(segment.to_dict())))
    assert again == segment
    assert again.to_dict() == segment.to_dict()
    assert repr(again) == repr(segment)
    assert again.sentence() == segment.sentence()


@settings(max_examples=100, deadline=None)
@given(trees(leaves))
def test_every_tree_has_a_sentence_and_names_its_columns(segment):
    assert segment.sentence()
    assert Not(Not(segment)).columns() == segment.columns()
    assert pickle.loads(pickle.dumps(segment)) == segment  # noqa: S301


@settings(max_examples=100, deadline=None)
@given(trees(leaves), trees(leaves), st.booleans())
def test_equal_means_equal_hashes_and_equal_parts(one, other, same):
    other = from_dict(one.to_dict()) if same else other
    assert (one == other) == (repr(one) == repr(other))
    if one == other:
        assert hash(one) == hash(other)


def test_values_that_python_takes_for_equal_are_told_apart():
    alike = [Compare("a", "=", each) for each in (1, True, "1", Decimal("1.0"), "true", DAY, DAY.isoformat())]
    assert len(set(alike)) == len(alike)


def test_values_are_kept_exactly():
    assert Compare("a", "=", 0.1).value == Decimal("0.1")
    assert Compare("a", "=", Decimal(3)).value == 3
    assert Compare("a", "=", 10**30).value == 10**30
    assert str(Compare("a", "=", Decimal("1.10")).value) == "1.10"
    moment = datetime(2024, 5, 1, 10, tzinfo=timezone(timedelta(hours=2), "X"))
    assert Compare("a", "=", moment).expression() == "a = 2024-05-01T10:00:00+02:00"
    assert Compare("a", "=", datetime(2024, 5, 1, tzinfo=UTC)).expression() == "a = 2024-05-01T00:00:00+00:00"


def test_parts_of_the_same_kind_are_opened_up():
    assert And((And((WEST, LARGE)), Missing("age"))) == And((WEST, LARGE, Missing("age")))
    assert Or((WEST, Or((LARGE, Missing("age"))))).parts == (WEST, LARGE, Missing("age"))
    assert And((Or((WEST, LARGE)), Missing("age"))).parts == (Or((WEST, LARGE)), Missing("age"))


def test_every_joins_any_number():
    assert every([]) == Everything()
    assert every([Everything(), WEST]) == WEST
    assert every(iter([WEST, LARGE])) == And((WEST, LARGE))


def test_saved_segments_are_put_in_place():
    saved = {"big": LARGE, "big west": And((Saved("big"), WEST))}
    asked = Not(Or((Saved("big west"), Missing("age"))))
    assert resolve(asked, saved) == Not(Or((And((LARGE, WEST)), Missing("age"))))
    assert resolve(asked, saved).columns() == {"region", "amount", "age"}
    assert resolve(WEST, {}) == WEST


def test_an_unknown_saved_segment_is_refused():
    with pytest.raises(UnknownName, match=r"There is no saved segment 'bgi'\. Did you mean 'big'\?"):
        resolve(Saved("bgi"), {"big": LARGE})


def test_a_circle_of_saved_segments_is_refused():
    saved: dict[str, Segment] = {"a": Not(Saved("b")), "b": And((WEST, Saved("a")))}
    with pytest.raises(BadRequest, match="refer to each other in a circle: a > b > a"):
        resolve(Saved("a"), saved)


def test_saved_segments_that_double_and_double_are_stopped():
    saved: dict[str, Segment] = {"s0": WEST}
    for step in range(1, 40):
        saved[f"s{step}"] = Or((Not(Saved(f"s{step - 1}")), And((Saved(f"s{step - 1}"), LARGE))))
    with pytest.raises(BadRequest, match="more than 10,000 parts"):
        resolve(Saved("s39"), saved)


def test_a_long_chain_of_saved_segments_is_stopped():
    saved: dict[str, Segment] = {"s0": WEST} | {f"s{step}": Not(Saved(f"s{step - 1}")) for step in range(1, 2_000)}
    with pytest.raises(BadRequest, match="more than 200 levels"):
        resolve(Saved("s1999"), saved)


def test_the_deepest_tree_still_answers():
    segment: Segment = WEST
    while segment.depth < 200:
        segment = Not(segment) if segment.depth % 2 else And((segment, LARGE))
    assert from_dict(segment.to_dict()) == segment
    assert resolve(segment, {}) == segment
    assert segment.columns() == {"region", "amount"}
    assert segment.sentence().count("region is") == 1
    with pytest.raises(BadRequest, match="more than 200 levels deep"):
        Not(segment)


@pytest.mark.parametrize("name", HOSTILE)
def test_any_text_is_a_column_name(name):
    assert Missing(name).columns() == {name}
    assert name.replace('"', '""') in Missing(name).expression()


BAD = [
    (lambda: Compare("a", "=", None), "A value of type NoneType cannot be compared with"),
    (lambda: Compare("a", "=", [1]), "A value of type list cannot be compared with"),
    (lambda: Compare("a", "=", float("nan")), "NaN counts as missing and equals nothing; use `is missing`."),
    (lambda: Compare("a", "=", Decimal("sNaN")), "NaN counts as missing"),
    (lambda: Compare("a", "=", "x\0y"), "holds a NUL"),
    (lambda: Compare("a", "=", "\ud800"), "half a character"),
    (lambda: Compare("a", "=", 10**400), "more than 400 digits"),
    (lambda: Compare("a", "=", Decimal("1e401")), "more than 400 digits"),
    (lambda: Compare("a", "like", 1), "'like' is not a comparison"),
    (lambda: Compare("", "=", 1), "needs the name of a column"),
    (lambda: OneOf("a", ()), "A list of values for the column 'a' is empty"),
    (lambda: OneOf("a", tuple(range(10_001))), "more than 10,000 parts"),
    (lambda: Contains("a", 5), "'contains' looks for a text; put 5 in single quotes."),
    (lambda: Matches("a", 5), "'matches' looks for a text"),
    (lambda: And((WEST,)), "'and' joins at least two conditions."),
    (lambda: Or(()), "'or' joins at least two conditions."),
    (lambda: Or((WEST, "x")), "'or' joins conditions only."),
    (lambda: Not("x"), "'not' needs a condition."),
    (lambda: Saved(""), "needs a name after '@'"),
]


@pytest.mark.parametrize(("make", "message"), BAD, ids=[message for _, message in BAD])
def test_what_makes_no_sense_is_refused(make, message):
    with pytest.raises(BadRequest) as refusal:
        make()
    assert message in str(refusal.value)


GOOD = WEST.to_dict()["segment"]


@pytest.mark.parametrize(
    "data",
    [
        None,
        {},
        {"version": 2, "segment": GOOD},
        {"version": 1},
        {"version": 1, "segment": []},
        {"version": 1, "segment": {"is": "nonsense"}},
        {"version": 1, "segment": {"is": "compare", "column": "a"}},
        {"version": 1, "segment": {**GOOD, "more": 1}},
        {"version": 1, "segment": {**GOOD, "op": ["="]}},
        {"version": 1, "segment": {**GOOD, "column": 3}},
        {"version": 1, "segment": {**GOOD, "value": None}},
        {"version": 1, "segment": {**GOOD, "value": {"number": "ten"}}},
        {"version": 1, "segment": {**GOOD, "value": {"date": "2024-13-01"}}},
        {"version": 1, "segment": {**GOOD, "value": {"sql": "1"}}},
        {"version": 1, "segment": {"is": "oneof", "column": "a", "values": "abc"}},
        {"version": 1, "segment": {"is": "and", "parts": {}}},
        {"version": 1, "segment": {"is": "or", "parts": [GOOD]}},
        {"version": 1, "segment": {"is": "not", "part": None}},
    ],
    ids=str,
)
def test_a_dict_of_another_shape_is_refused(data):
    with pytest.raises(BadRequest):
        from_dict(data)


def test_a_dict_without_end_is_refused():
    data = GOOD
    for _ in range(5_000):
        data = {"is": "not", "part": data}
    with pytest.raises(BadRequest, match="more than 200 levels"):
        from_dict({"version": 1, "segment": data})
