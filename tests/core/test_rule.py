"""Rules: what can be written is read again, and what is wrong with one is said."""

import json

import pytest

from analysis.core.errors import BadRequest
from analysis.core.rule import LIKE, NEEDS, Rule, read_rule, read_rules, written

ONE_OF_EACH = [
    Rule("id", "unique"),
    Rule("age", "not missing", at_most=0.01),
    Rule("region", "in set", "warn", values=("North", "it's")),
    Rule("age", "in range", low="18", high="99.5"),
    Rule("code", "matches", pattern="^[A-Z]"),
    Rule("region", "refers to", refers="regions: name"),
    Rule("at", "monotonic"),
    Rule("age", "share at most", at_most=0.2, pattern="age > 60"),
    Rule("age", LIKE, at_most=0.1, cuts=(30.0, 60.0), shares=(0.2, 0.5, 0.3)),
]


def test_what_is_written_is_read_again():
    assert {rule.expectation for rule in ONE_OF_EACH} == set(NEEDS)
    assert read_rules(written(ONE_OF_EACH)) == ONE_OF_EACH
    assert read_rules(json.dumps([rule.body() for rule in ONE_OF_EACH])) == ONE_OF_EACH


@pytest.mark.parametrize("rule", ONE_OF_EACH, ids=lambda rule: rule.name)
def test_a_rule_says_what_it_expects(rule):
    assert "age" in rule.sentence or f"'{rule.column}'" in rule.sentence


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"column": "a", "expectation": "nice"}, "not 'nice'"),
        ({"column": "", "expectation": "unique"}, "needs a column"),
        ({"column": "a", "expectation": "in range"}, "needs low or high"),
        ({"column": "a", "expectation": "in set", "values": []}, "needs values"),
        ({"column": "a", "expectation": "unique", "severity": "bad"}, "warn or fail"),
        ({"column": "a", "expectation": "unique", "at_most": 2}, "from 0 to 1"),
        ({"column": "a", "expectation": "unique", "at_most": "x"}, "cannot be read"),
        ({"column": "a", "expectation": "unique", "at_most": float("nan")}, "from 0 to 1"),
        ({"column": "a", "expectation": "unique", "limit": 1}, "has no 'limit'"),
        ({"column": "a", "expectation": "refers to", "refers": "b"}, "dataset: column"),
        ({"column": "a", "expectation": LIKE, "cuts": [1], "shares": [1]}, "one share more"),
        ([], "is written"),
        ({"\ud800": 1}, r"no .\\ud800"),
        ({"column": "a", "expectation": "unique", "at_most": 10**400}, "cannot be read"),
        ({"column": "a", "expectation": LIKE, "cuts": [10**400], "shares": [0.5, 0.5]}, "cannot be read"),
        ({"column": "a", "expectation": LIKE, "cuts": [1], "shares": [10**400, 0]}, "cannot be read"),
        ({"column": "a", "expectation": "in range", "low": 10**5000}, "too many digits"),
        ({"column": "a", "expectation": "in set", "values": ["\ud800"]}, "half a character"),
        ({"column": "a\0", "expectation": "unique"}, "NUL"),
        ({"column": "a", "expectation": "in set", "values": "West"}, "are a list, not a str"),
        ({"column": "a", "expectation": "in set", "values": {"a": 1}}, "are a list, not a dict"),
        ({"column": "a", "expectation": "in set", "values": [["a"]]}, "not a list"),
        ({"column": {"a": 1}, "expectation": "unique"}, "not a dict"),
        ({"column": "a", "expectation": "unique", "at_most": [1]}, "cannot be read"),
        ({"column": "a", "expectation": LIKE, "cuts": [1], "shares": [float("nan")] * 2}, "from 0 to 1"),
        ({"column": "a", "expectation": LIKE, "cuts": [1], "shares": [1.5, -0.5]}, "from 0 to 1"),
        ({"column": "a", "expectation": LIKE, "cuts": [float("nan")], "shares": [0.5, 0.5]}, "ascend"),
        ({"column": "a", "expectation": LIKE, "cuts": [2, 1], "shares": [0.2, 0.3, 0.5]}, "ascend"),
    ],
)
def test_a_rule_that_is_wrong_is_refused(body, said):
    with pytest.raises(BadRequest, match=said):
        read_rule(body)


@pytest.mark.parametrize("text", ["{", "[" * 200_000, "3", '{"rules": 3}', json.dumps([ONE_OF_EACH[0].body()] * 2)])
def test_rules_that_are_none_are_refused(text):
    with pytest.raises(BadRequest):
        read_rules(text)
