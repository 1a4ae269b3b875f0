"""Saved segments: their conditions in the place of their names, and why one is not applicable."""

import json

import pytest
from hypothesis import given

from analysis.core.errors import BadRequest, UnknownName
from analysis.core.expression import parse
from analysis.core.savedsegment import SavedSegment, fitted, inapplicable, read, renamed
from analysis.core.segment import And, Not, Or, Saved, resolve
from tests.core.segment_oracle import leaves, names, trees

COLUMNS = {"region": "VARCHAR", "amount": "BIGINT", "day": "DATE", "Größe": "DOUBLE"}
KNOWN = {
    "west": parse("region = 'West'"),
    "large": parse("amount >= 100"),
    "large west": parse("@west and @large"),
    "errors": parse("label_ = 'yes' and prediction_ = 'no'"),
    "round": parse("@around"),
    "around": parse("not @round"),
    "text": parse("amount = 'West'"),
}


def asked(text):
    return read(text, COLUMNS, lambda: KNOWN).expression()


def test_a_condition_stands_in_the_place_of_its_name():
    assert asked("@west or amount < 5") == "region = 'West' or amount < 5"
    assert asked('not @"large west"') == "not (region = 'West' and amount >= 100)"
    assert asked("@west and @large") == "region = 'West' and amount >= 100"


def test_saved_segments_are_looked_up_only_where_one_is_mentioned():
    def never():
        raise AssertionError

    assert read("region = '@west'", COLUMNS, never).expression() == "region = '@west'"


def test_names_and_values_are_fitted_to_the_columns_at_hand():
    segment = parse("REGION = 'West' and amount = '007' and größe > 1")
    assert fitted(segment, COLUMNS).expression() == "region = 'West' and amount = 7 and Größe > 1"
    assert fitted(parse("amount = 1.10"), {"amount": "VARCHAR"}).expression() == "amount = '1.10'"


def test_what_does_not_fit_is_refused_with_the_reason():
    with pytest.raises(UnknownName, match=r"no saved segment 'wets'\. Did you mean 'west'"):
        asked("@wets")
    with pytest.raises(BadRequest, match="in a circle: round > around > round"):
        asked("@round")
    with pytest.raises(BadRequest, match="'text' is not applicable here: The column 'amount' holds numbers; 'West'"):
        asked("@text")
    with pytest.raises(BadRequest, match=r"columns are not there: 'label_' and 'prediction_' .*only its rows tell"):
        asked("region = 'x' and not @errors")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("region = 'West' and amount > 5", None),
        ("REGION = 'West'", None),
        ("place = 'here'", "its column is not there: 'place'."),
        ("b = 1 or a = 1", "its columns are not there: 'a' and 'b'."),
        ("day > 5", "The column 'day' holds dates; 5 cannot be read as one, write 2024-05-01."),
    ],
)
def test_why_a_segment_is_not_applicable(text, why):
    assert inapplicable(parse(text), COLUMNS) == why


def test_two_columns_that_differ_in_case_only_are_not_guessed_between():
    assert inapplicable(parse("Region = 'x'"), {"region": "VARCHAR", "REGION": "VARCHAR"}) is not None


@given(one=trees(leaves), two=trees(leaves), name=names)
def test_the_body_is_json_and_gives_the_same_back(one, two, name):
    made = SavedSegment(name, And((one, two)), "what it is for")
    assert SavedSegment.kept(name, json.loads(json.dumps(made.body()))) == made
    assert parse(made.mention) == Saved(name)


@given(one=trees(leaves), two=trees(leaves), old=names, new=names)
def test_another_name_changes_no_condition(one, two, old, new):
    whole = Or((one, Not(And((Saved(old), two)))))
    made = renamed(whole, old, new)
    assert (old == new) or old not in made.mentions()
    free = {name: parse("everything") for name in (whole.mentions() | made.mentions())}
    condition = parse("a = 1")
    assert resolve(made, {**free, new: condition, **({} if old == new else {old: parse("b = 2")})}) == resolve(
        whole, {**free, old: condition, **({} if old == new or new not in whole.mentions() else {new: condition})}
    )
