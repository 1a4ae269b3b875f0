"""Rules: what an analyst expects of a column, with limits and severity; new versions of a dataset are held to them."""

import json
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from datetime import date
from decimal import Decimal
from itertools import pairwise
from typing import Any

from analysis.core import words
from analysis.core.errors import BadRequest
from analysis.core.expression import parse
from analysis.core.literal import fit
from analysis.core.segment import And, Compare, Matches, Missing, Not, OneOf, Or, Segment

PASS, WARN, FAIL, OPEN = "pass", "warn", "fail", "not applicable"
OUTCOMES = (FAIL, WARN, OPEN, PASS)
SEVERITIES = (WARN, FAIL)
NOT_MISSING, UNIQUE, IN_SET, IN_RANGE = "not missing", "unique", "in set", "in range"
MATCHES, REFERS, MONOTONIC = "matches", "refers to", "monotonic"
SHARE, LIKE = "share at most", "distribution like"
NEEDS: dict[str, tuple[str, ...]] = {
    NOT_MISSING: (),
    UNIQUE: (),
    IN_SET: ("values",),
    IN_RANGE: ("low", "high"),
    MATCHES: ("pattern",),
    REFERS: ("refers",),
    MONOTONIC: (),
    SHARE: ("pattern",),
    LIKE: ("shares",),
}
"""Of each expectation the limits it needs: one of them at least."""
LISTS = ("values", "cuts", "shares")


@dataclass(frozen=True)
class Rule:
    """An expectation of a column.

    at_most: the share of its rows that may break it (0 to 1); of a distribution the most it may be off by, in total
    variation. low, high: of a range, as typed. values: of a set; of a distribution its categories, all others apart.
    pattern: a regular expression, or the condition of a share. refers: `dataset: column`. cuts, shares: of a
    distribution the edges of its bins, ascending, and the share of each, one more than cuts or values.
    """

    column: str
    expectation: str
    severity: str = FAIL
    at_most: float = 0.0
    low: str = ""
    high: str = ""
    values: tuple[str, ...] = ()
    pattern: str = ""
    refers: str = ""
    cuts: tuple[float, ...] = ()
    shares: tuple[float, ...] = ()

    @property
    def name(self) -> str:
        """What tells it from the other rules of a dataset.

        >>> Rule("age", "in range", low="18").name
        'age in range'
        """
        return f"{self.column} {self.expectation}" + (f" {self.pattern}" if self.expectation == SHARE else "")

    @property
    def sentence(self) -> str:
        """What is expected, in words.

        >>> Rule("age", "in range", low="18", high="99", at_most=0.01).sentence
        "'age' lies between 18 and 99, but in 1.0% of the rows"
        """
        name, spared = f"'{self.column}'", ""
        if self.at_most and self.expectation not in (SHARE, LIKE):
            spared = f", but in {words.number(self.at_most, 'share')} of the rows"
        ends = {(True, True): f"lies between {self.low} and {self.high}", (True, False): f"is at least {self.low}"}
        said = {
            NOT_MISSING: "is never missing",
            UNIQUE: "is never the same twice",
            IN_SET: f"is one of {', '.join(self.values[:8])}{' ...' if len(self.values) > 8 else ''}",
            IN_RANGE: ends.get((bool(self.low), bool(self.high)), f"is at most {self.high}"),
            MATCHES: f"matches {self.pattern}",
            REFERS: f"occurs in {self.refers}",
            MONOTONIC: "never falls from one row to the next",
            SHARE: f"{self.pattern} holds for at most {words.number(self.at_most, 'share')} of the rows",
            LIKE: f"lies as in the reference, within {words.number(self.at_most, 'share')} of the rows",
        }[self.expectation]
        return f"{said}" if self.expectation == SHARE else f"{name} {said}{spared}"

    def broken(self, types: Mapping[str, str]) -> Segment | None:
        """The rows that break it; None where no condition on a row says it. types: {column: DuckDB's type}.

        BadRequest where a limit does not fit the column, UnknownName for a condition's column that is not there.
        """
        known = Not(Missing(self.column))
        if self.expectation == NOT_MISSING:
            return Missing(self.column)
        if self.expectation == IN_SET:
            values = tuple(fit(value, types[self.column], column=self.column) for value in self.values)
            return And((known, Not(OneOf(self.column, values))))
        if self.expectation == IN_RANGE:
            ends = [(self.low, "<"), (self.high, ">")]
            parts = [
                Compare(self.column, op, fit(end, types[self.column], column=self.column)) for end, op in ends if end
            ]
            return parts[0] if len(parts) == 1 else Or(tuple(parts))
        if self.expectation == MATCHES:
            return And((known, Not(Matches(self.column, self.pattern))))
        return parse(self.pattern, columns=types) if self.expectation == SHARE else None

    def body(self) -> dict[str, Any]:
        """As it is kept and exported: what it does not need is left out."""
        usual = {field.name: field.default for field in fields(self)}
        return {
            name: list(value) if name in LISTS else value
            for name, value in asdict(self).items()
            if name in ("column", "expectation", "severity", "at_most") or value != usual[name]
        }


def read_rule(body: Mapping[str, Any]) -> Rule:
    """A rule as it was kept, exported or typed; BadRequest says what is wrong with it.

    >>> read_rule({"column": "age", "expectation": "in range", "low": 18}).low
    '18'
    """
    if not isinstance(body, Mapping):
        raise BadRequest('A rule is written {"column": ..., "expectation": ..., ...}.')
    known = [field.name for field in fields(Rule)]
    strange = sorted(set(body) - set(known))
    if strange:
        raise BadRequest(f"A rule has no {strange[0]!r}; it has {', '.join(known)}.")
    given = {name: value for name, value in body.items() if value is not None}
    column, expectation = (_text(name, given.get(name, "")) for name in ("column", "expectation"))
    whose = f"The rule '{expectation}' of '{column}'"
    if expectation not in NEEDS:
        raise BadRequest(f"A rule expects one of: {', '.join(NEEDS)}; not '{expectation}'.")
    if not column:
        raise BadRequest(f"The rule '{expectation}' needs a column.")
    try:
        made = Rule(
            column,
            expectation,
            _text("severity", given.get("severity", FAIL)),
            float(given.get("at_most", 0.0)),
            **{name: _text(name, given.get(name, "")).strip() for name in ("low", "high", "pattern", "refers")},
            values=tuple(_text("values", each) for each in _list(given, "values")),
            cuts=tuple(float(each) for each in _list(given, "cuts")),
            shares=tuple(float(each) for each in _list(given, "shares")),
        )
    except (TypeError, ValueError, OverflowError) as error:
        raise BadRequest(f"{whose} has a limit that cannot be read: {error}.") from error
    if made.severity not in SEVERITIES:
        raise BadRequest(f"{whose} has the severity '{made.severity}'; it is warn or fail.")
    if not 0 <= made.at_most <= 1:
        raise BadRequest(f"{whose} allows a share of {made.at_most:g}; a share lies from 0 to 1.")
    if NEEDS[expectation] and not any(getattr(made, name) for name in NEEDS[expectation]):
        raise BadRequest(f"{whose} needs {' or '.join(NEEDS[expectation])}.")
    if expectation == REFERS and ": " not in made.refers:
        raise BadRequest(f"{whose} is written refers: 'dataset: column', not '{made.refers}'.")
    if expectation == LIKE and len(made.shares) != len(made.cuts or made.values) + 1:
        raise BadRequest(f"{whose} needs one share more than it has cuts or values.")
    if not all(map(math.isfinite, made.cuts)) or any(low >= high for low, high in pairwise(made.cuts)):
        raise BadRequest(f"{whose} has cuts that do not ascend; write numbers, each above the one before.")
    if not all(0 <= share <= 1 for share in made.shares):
        raise BadRequest(f"{whose} has a share that does not lie from 0 to 1.")
    return made


def _text(name: str, value: Any) -> str:
    """A limit as text; BadRequest for what is no single value and for text that no data file can hold."""
    if not isinstance(value, str | int | float | Decimal | date):
        raise BadRequest(f"The '{name}' of a rule is text or a number, not a {type(value).__name__}.")
    try:
        said = str(value)
    except ValueError as error:
        raise BadRequest(f"The '{name}' of a rule is a number of too many digits; shorten it.") from error
    if re.search("[\0\ud800-\udfff]", said):
        raise BadRequest(f"The '{name}' of a rule holds a NUL or half a character; remove it.")
    return said


def _list(given: Mapping[str, Any], name: str) -> list[Any] | tuple[Any, ...]:
    listed = given.get(name, ())
    if not isinstance(listed, list | tuple):
        raise BadRequest(f"The '{name}' of a rule are a list, not a {type(listed).__name__}.")
    return listed


def read_rules(text: str) -> list[Rule]:
    """The rules of a JSON text: a list, or {"rules": [...]}. BadRequest for anything else or a rule given twice."""
    try:
        said = json.loads(text)
    except RecursionError as error:
        raise BadRequest("These rules are nested too deep to be read.") from error
    except ValueError as error:
        raise BadRequest(f"These rules are no JSON: {error}.") from error
    listed = said.get("rules") if isinstance(said, dict) else said
    if not isinstance(listed, list):
        raise BadRequest('Rules are a JSON list, or {"rules": [...]}.')
    return apart(read_rule(each) for each in listed)


def apart(rules: Iterable[Rule]) -> list[Rule]:
    """The rules, each once; BadRequest where two are of the same column and expectation."""
    found: dict[str, Rule] = {}
    for rule in rules:
        if rule.name in found:
            raise BadRequest(f"There are two rules '{rule.name}'; keep one of them.")
        found[rule.name] = rule
    return list(found.values())


def written(rules: Iterable[Rule]) -> str:
    """Rules as JSON, as `read_rules` takes them."""
    return json.dumps({"rules": [rule.body() for rule in rules]}, ensure_ascii=False, indent=2)
