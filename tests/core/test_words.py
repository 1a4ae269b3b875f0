"""Words: numbers as an analyst reads them."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.core import words


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.6123, "share", "61.2%"),
        (1.0, "share", "100.0%"),
        (-0.0001, "share", "0.0%"),
        (-0.25, "share", "−25.0%"),
        (0.8126, "score", "0.813"),
        (-0.0004, "score", "0.000"),
        (0, "label", "0"),
        (1234.5678, "label", "1,235"),
        (12.345678, "label", "12.35"),
        (-0.001234567, "label", "−0.001235"),
        (3.2e15, "label", "3.200e+15"),
        (math.nan, "share", "—"),
        (None, "score", "—"),
        (math.inf, "score", "∞"),
        (-math.inf, "label", "−∞"),
    ],
)
def test_a_number_in_its_unit(value, unit, text):
    assert words.number(value, unit) == text


@given(st.floats(1e-4, 1e11))
def test_four_significant_digits_say_the_value_to_a_twothousandth(value):
    for sign in (1, -1):
        said = float(words.number(sign * value, "label").replace(",", "").replace("−", "-"))
        assert said == pytest.approx(sign * value, rel=5.01e-4)


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.0173, "share", "+1.7 pts"),
        (-0.0173, "share", "−1.7 pts"),
        (0.0, "share", "+0.0 pts"),
        (0.0123, "score", "+0.012"),
        (-12.5, "label", "−12.50"),
        (12.5, "label", "+12.50"),
        (math.nan, "share", "—"),
    ],
)
def test_a_difference_has_its_sign(value, unit, text):
    assert words.delta(value, unit) == text


def test_intervals_lists_plurals_and_p():
    assert words.interval(0.1, None, "share") == "—"
    assert words.between(0.1, 0.25, "share") == "between 10.0% and 25.0%"
    assert words.between(None, float("nan"), "share") == "no interval"
    assert words.listed([]) == ""
    assert words.listed(["a"]) == "a"
    assert words.plural(1, "row") == "1 row"
    assert words.plural(0, "class", "classes") == "0 classes"
    assert words.count(1234567) == "1,234,567"
    assert words.p_value(0.0004) == "< 0.001"
    assert words.p_value(0.04) == "0.040"
    assert words.p_value(math.nan) == "—"
