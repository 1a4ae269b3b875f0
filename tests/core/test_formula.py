"""Formulas: read as Python reads them, enclosed as intervals must be, and nothing else gets in."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.core import formula
from analysis.core.errors import BadRequest

NAMES = ("recall", "precision", "f1")
NUMBERS = st.floats(0, 100, allow_nan=False).map(lambda each: round(each, 3))
LEAVES = st.one_of(NUMBERS.map(str), st.sampled_from(NAMES))


def grown(inner):
    """Larger formulas from smaller ones, each in brackets of its own."""
    pairs = st.tuples(inner, st.sampled_from("+-*/"), inner).map(lambda each: f"({each[0]} {each[1]} {each[2]})")
    calls = st.tuples(st.sampled_from(["min", "max"]), inner, inner).map(
        lambda each: f"{each[0]}({each[1]}, {each[2]})"
    )
    return pairs | calls | inner.map(lambda each: f"(-{each})")


TEXTS = st.recursive(LEAVES, grown, max_leaves=8).filter(lambda text: any(name in text for name in NAMES))
POINTS = st.fixed_dictionaries({name: st.floats(-3, 3).map(lambda each: round(each, 3)) for name in NAMES})


@given(TEXTS, POINTS)
def test_it_gives_what_python_gives(text, point):
    try:
        wanted = float(eval(text, {"min": min, "max": max}, dict(point)))  # noqa: S307 - an oracle on our own text
    except ZeroDivisionError:
        wanted = np.nan
    got = formula.value(formula.read_formula(text), {name: np.array([each]) for name, each in point.items()})
    np.testing.assert_allclose(got, [wanted] if np.isfinite(wanted) else [np.nan], rtol=1e-9, atol=1e-12)


@given(TEXTS, POINTS, st.floats(0, 2), st.lists(st.floats(0, 1), min_size=3, max_size=3))
def test_the_enclosure_holds_every_value_between_the_ends(text, point, width, places):
    tree = formula.read_formula(text)
    ends = {name: (np.array([low]), np.array([low + width])) for name, low in point.items()}
    inside = {name: ends[name][0] + width * place for name, place in zip(NAMES, places, strict=True)}
    low, high = formula.enclosure(tree, ends)
    value = formula.value(tree, inside)
    if np.isfinite(value).all() and np.isfinite(low).all() and np.isfinite(high).all():
        slack = 1e-9 * (1 + abs(value))
        assert (low - slack <= value).all()
        assert (value <= high + slack).all()


def test_an_enclosure_is_tight_where_each_name_occurs_once():
    tree = formula.read_formula("(1 - recall) / f1")
    low, high = formula.enclosure(tree, {"recall": (0.2, 0.4), "f1": (0.5, 2.0)})
    assert (float(low), float(high)) == pytest.approx((0.3, 1.6))
    low, high = formula.enclosure(tree, {"recall": (0.2, 0.4), "f1": (-0.5, 2.0)})
    assert np.isinf(low)
    assert np.isinf(high)


def test_precedence_and_association():
    given = {name: np.array([2.0]) for name in NAMES}
    for text, wanted in (("1 - recall - 1", -2), ("8 / recall / 2", 2), ("1 + recall * 3", 7), ("-recall * 2 + 1", -3)):
        assert formula.value(formula.read_formula(text), given) == pytest.approx(wanted)


@pytest.mark.parametrize(
    "text",
    [
        *("", "   ", "1", "1 + 2", "recall +", "recall recall", "(recall", "recall)", "recall ** 2", "recall // 2"),
        *(
            "recall % 2",
            "recall; recall",
            "recall.real",
            "recall[0]",
            "'recall'",
            "recall == 1",
            "recall < 1",
            "1j * f1",
        ),
        *("exp(recall)", "__import__('os')", "min()", "max(recall,)", "recall if recall else 1", "lambda: recall"),
        *("1e999 * recall", "0x1F * recall", "1_000 * recall", "recall\0", "récall + 1", "+recall"),
        *("(" * 60 + "recall" + ")" * 60, "-" * 60 + "recall", "recall + " * 200 + "recall"),
    ],
)
def test_everything_else_is_refused_in_one_sentence(text):
    with pytest.raises(BadRequest) as refused:
        formula.read_formula(text)
    assert str(refused.value).endswith(".")
    assert "\n" not in str(refused.value)
