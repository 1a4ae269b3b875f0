"""What analysts aim at and mark: bounds, targets, gates and markers, as typed."""

import math
from datetime import date, datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from analysis.core.bound import Bound
from analysis.core.errors import BadRequest
from analysis.core.gate import Gate, read_gate
from analysis.core.marker import kept_marker, marker, read_marker
from analysis.core.ownmetric import OwnMetric, own_metric
from analysis.core.target import MET, MISSED, OPEN, Target, for_row, kept_target, read_target

LIMITS = st.floats(-1e9, 1e9, allow_nan=False)
NAMES = st.from_regex(r"[a-z][a-z0-9_]{0,20}", fullmatch=True)


@given(NAMES, st.sampled_from([">=", "<="]), LIMITS)
def test_a_target_is_read_as_written_and_kept_as_read(name, op, limit):
    read = read_target(f"  {name}{op} {limit!r} ", "v1")
    assert read == Target(Bound(name, op, limit), "v1")
    assert kept_target(read.body()) == read


@given(LIMITS, LIMITS, LIMITS, st.sampled_from([">=", "<="]))
def test_a_verdict_is_earned_by_the_whole_interval(a, b, limit, op):
    low, high = min(a, b), max(a, b)
    verdict = Target(Bound("m", op, limit)).verdict(low, high)
    inside = [value >= limit if op == ">=" else value <= limit for value in (low, high)]
    assert verdict == (MET if all(inside) else MISSED if not any(inside) else OPEN)


def test_without_an_interval_nothing_is_decided():
    for ends in ((None, None), (math.nan, 1.0), (0.5, math.nan)):
        assert read_target("recall >= 0.1").verdict(*ends) == OPEN


def test_a_version_s_own_target_wins():
    both = [read_target("recall >= 0.5"), read_target("recall >= 0.9", "v2")]
    assert for_row(both, "recall", "v1") == both[0]
    assert for_row(both, "recall", "v2") == both[1]
    assert for_row(both, "precision", "v2") is None


@given(LIMITS, LIMITS, st.sampled_from(["<", "<=", ">", ">="]))
def test_a_gate_fails_exactly_where_its_condition_holds(value, limit, op):
    holds = {"<": value < limit, "<=": value <= limit, ">": value > limit, ">=": value >= limit}[op]
    assert bool(Gate(Bound("m", op, limit)).failure(value, value - 1, value + 1, None)) == holds


@given(LIMITS, st.floats(0, 10), LIMITS, st.sampled_from(["<", ">"]))
def test_a_cautious_gate_judges_the_end_that_is_nearer_to_failing(value, half, limit, op):
    said = Gate(Bound("m", op, limit), cautious=True).failure(value, value - half, value + half, None)
    assert bool(said) == (value - half < limit if op == "<" else value + half > limit)


def test_what_is_undefined_fails_with_its_reason():
    gate = read_gate("recall < 0.6")
    assert gate.failure(None, None, None, "no row is labelled") == "it is undefined: no row is labelled"
    assert gate.failure(0.7, None, None, None) == ""
    assert "no interval" in read_gate("recall < 0.6", cautious=True).failure(0.7, None, None, None)


@pytest.mark.parametrize(
    "text",
    [
        *("", "recall", "recall <", "< 0.6", "recall = 0.6", "recall != 0.6", "recall < nan", "recall < 1e999"),
        *("recall < 0.6 or f1 < 1", "recall < 0.6;", "recall < f1", "0.6 > recall", "recall >> 1", "re call < 1"),
    ],
)
def test_no_gate(text):
    with pytest.raises(BadRequest, match=r"gate is written|too large"):
        read_gate(text)


def test_a_target_has_no_strict_bound():
    with pytest.raises(BadRequest, match="A target is written METRIC >= or <= NUMBER"):
        read_target("recall > 0.6")
    assert read_target("recall at least 60%") == read_target("recall >= 0.6")
    assert read_target("Log_loss at most .5").bound == Bound("Log_loss", "<=", 0.5)


@given(
    st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1)),
    st.from_regex(r"[a-z0-9]{1,20}( [a-z0-9]{1,19}){0,3}", fullmatch=True),  # at most the 80 a title may have
)
@example(datetime(2026, 3, 2), " ".join(["a" * 20, *["b" * 19] * 3]))
def test_a_marker_is_read_as_listed_and_kept_as_read(moment, title):
    made = marker(moment.replace(microsecond=0), title, "incident")
    assert read_marker(made.name, "incident") == made
    assert kept_marker(made.body()) == made


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        *[
            (text, "other")
            for text in ("", "2026-03-02", "v2 deployed", "2026-13-02 x", "02.03.2026 x", "2026-03-02x y")
        ],
        *[("2026-03-02 " + title, "other") for title in ("a@b", "a~b", "x" * 81)],
        ("2026-03-02 10:00+02:00 x", "other"),
        ("2026-03-02 x", "party"),
    ],
)
def test_no_marker(text, kind):
    with pytest.raises(BadRequest):
        read_marker(text, kind)


def test_a_marker_of_a_day_stands_at_its_start():
    assert marker(date(2026, 3, 2), " v2 \n deployed ").name == "2026-03-02 v2 deployed"


def test_an_own_metric_is_one_thing_and_named_like_a_metric():
    made = own_metric(" net_gain ", formula=" recall ")
    assert made == OwnMetric("net_gain", "formula", "recall")
    assert OwnMetric("net_gain", **made.body()) == made
    for name, options in (
        ("Net gain", {"formula": "recall"}),
        ("", {"formula": "recall"}),
        ("x", {}),
        ("x", {"formula": "recall", "expression": "avg(a)"}),
        ("x", {"formula": "recall", "better": "up"}),
        ("x", {"formula": "recall", "unit": "metre"}),
    ):
        with pytest.raises(BadRequest):
            own_metric(name, **options)
