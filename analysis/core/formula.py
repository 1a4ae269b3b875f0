"""Formulas: an analyst's arithmetic over named numbers, as a small tree that gives values and enclosures.

`2 * precision * recall / (precision + recall)`: names, numbers, + - * /, brackets, min() and max(), nothing else.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from analysis.core.errors import BadRequest

LONGEST, DEEPEST = 1_000, 40
CALLS = ("min", "max")
ALLOWED = "a formula is made of metrics, numbers, + - * /, brackets, min() and max()"
_TOKEN = re.compile(
    r"\s*(?:(?P<number>(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?(?![\w.]))"
    r"|(?P<name>[A-Za-z][A-Za-z0-9_]*)|(?P<mark>[-+*/(),]))"
)
Ends = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Number:
    value: float


@dataclass(frozen=True)
class Name:
    name: str


@dataclass(frozen=True)
class Operation:
    """sign: + - * / of two parts, "neg" of one, "min" or "max" of one or more."""

    sign: str
    parts: "tuple[Formula, ...]"


Formula = Number | Name | Operation


def read_formula(text: str) -> Formula:
    """The formula a text describes; BadRequest says where and what was expected.

    >>> sorted(names(read_formula("0.7 * recall + 0.3 * specificity")))
    ['recall', 'specificity']
    """
    if len(text) > LONGEST:
        raise BadRequest(f"The formula is {len(text):,} characters long; the limit is {LONGEST:,}.")
    return _Parser(text).whole()


def names(formula: Formula) -> list[str]:
    """The names a formula mentions, in order, as often as it does."""
    if isinstance(formula, Name):
        return [formula.name]
    return [name for part in formula.parts for name in names(part)] if isinstance(formula, Operation) else []


def value(formula: Formula, given: Mapping[str, np.ndarray]) -> np.ndarray:
    """The formula's value where each name has the given one; nan where a part is undefined or nothing divides."""
    if isinstance(formula, Number):
        return np.asarray(formula.value)
    if isinstance(formula, Name):
        return np.asarray(given[formula.name], dtype=float)
    parts = [value(part, given) for part in formula.parts]
    with np.errstate(all="ignore"):
        made = _apply(formula.sign, parts)
    return np.where(np.isfinite(made), made, np.nan)


def _apply(sign: str, parts: list[np.ndarray]) -> np.ndarray:
    match sign:
        case "+":
            return parts[0] + parts[1]
        case "-":
            return parts[0] - parts[1]
        case "*":
            return parts[0] * parts[1]
        case "/":
            return parts[0] / parts[1]
        case "neg":
            return -parts[0]
        case "min":
            return np.minimum.reduce(np.broadcast_arrays(*parts))
    return np.maximum.reduce(np.broadcast_arrays(*parts))


def enclosure(formula: Formula, given: Mapping[str, Ends]) -> Ends:
    """(low, high) that hold the formula's value wherever each name lies between its ends (interval arithmetic).

    Whatever the names have to do with each other it holds; it is tight where each name occurs once. Infinite where the
    divisor's ends hold 0, nan where ends are unknown.
    """
    if isinstance(formula, Number):
        return np.asarray(formula.value), np.asarray(formula.value)
    if isinstance(formula, Name):
        low, high = given[formula.name]
        return np.asarray(low, dtype=float), np.asarray(high, dtype=float)
    ends = [enclosure(part, given) for part in formula.parts]
    low, high = ends[0]
    with np.errstate(all="ignore"):
        match formula.sign:
            case "neg":
                return -high, -low
            case "+":
                return low + ends[1][0], high + ends[1][1]
            case "-":
                return low - ends[1][1], high - ends[1][0]
            case "*":
                return _product(ends[0], ends[1])
            case "/":
                return _product(ends[0], _inverse(ends[1]))
        return _apply(formula.sign, [each[0] for each in ends]), _apply(formula.sign, [each[1] for each in ends])


def _product(a: Ends, b: Ends) -> Ends:
    """Every product of the ends; a zero times an infinity is 0, as nothing between them is beyond it."""
    corners = []
    for left in a:
        for right in b:
            zero = (left == 0) | (right == 0)
            corners.append(np.where(zero & ~np.isnan(left) & ~np.isnan(right), 0.0, left * right))
    return np.minimum.reduce(np.broadcast_arrays(*corners)), np.maximum.reduce(np.broadcast_arrays(*corners))


def _inverse(ends: Ends) -> Ends:
    low, high = (np.asarray(each, dtype=float) for each in ends)
    inside = (low < 0) & (high > 0) | (low == 0) & (high == 0)
    first, last = np.where(high == 0, -np.inf, 1 / high), np.where(low == 0, np.inf, 1 / low)
    return np.where(inside, -np.inf, first), np.where(inside, np.inf, last)


class _Parser:
    def __init__(self, text: str) -> None:
        self.text, self.at, self.depth = text, 0, 0
        self.kind, self.word, self.start = "", "", 0
        self.move()

    def move(self) -> None:
        """Read the next token."""
        if not self.text[self.at :].strip():
            self.kind, self.word, self.start = "end", "", len(self.text)
            return
        found = _TOKEN.match(self.text, self.at)
        if found is None:
            place = self.at + len(self.text[self.at :]) - len(self.text[self.at :].lstrip())
            raise BadRequest(f"{self.text[place]!r} at position {place + 1} is not understood; {ALLOWED}.")
        self.kind = found.lastgroup or ""
        self.word, self.start, self.at = found[self.kind], found.start(self.kind), found.end()

    def take(self, *marks: str) -> str:
        """The mark that stands here, if it is one of these; "" else."""
        if self.kind != "mark" or self.word not in marks:
            return ""
        mark = self.word
        self.move()
        return mark

    def need(self, mark: str) -> None:
        if not self.take(mark):
            raise self.refuse(f"'{mark}'")

    def refuse(self, expected: str) -> BadRequest:
        seen = "the formula ends" if self.kind == "end" else f"{self.word[:40]} stands there"
        return BadRequest(f"At position {self.start + 1} {expected} is expected, but {seen}; {ALLOWED}.")

    def whole(self) -> Formula:
        found = self.sum()
        if self.kind != "end":
            raise self.refuse("an operator or the end")
        if not names(found):
            raise BadRequest("The formula names no metric; a number alone measures nothing.")
        return found

    def sum(self) -> Formula:
        found = self.product()
        while sign := self.take("+", "-"):
            found = Operation(sign, (found, self.product()))
        return found

    def product(self) -> Formula:
        found = self.signed()
        while sign := self.take("*", "/"):
            found = Operation(sign, (found, self.signed()))
        return found

    def signed(self) -> Formula:
        self.depth += 1
        if self.depth > DEEPEST:
            raise BadRequest(f"The formula opens more than {DEEPEST} brackets or signs inside each other; simplify it.")
        found = Operation("neg", (self.signed(),)) if self.take("-") else self.atom()
        self.depth -= 1
        return found

    def atom(self) -> Formula:
        if self.take("("):
            found = self.sum()
            self.need(")")
            return found
        kind, word = self.kind, self.word
        if kind not in ("number", "name"):
            raise self.refuse("a metric, a number or '('")
        self.move()
        if kind == "number":
            number = float(word)
            if not math.isfinite(number):
                raise BadRequest(f"The number {word[:40]} is too large.")
            return Number(number)
        if word.lower() in CALLS and self.take("("):
            parts = [self.sum()]
            while self.take(","):
                parts.append(self.sum())
            self.need(")")
            return Operation(word.lower(), tuple(parts))
        if self.kind == "mark" and self.word == "(":
            raise BadRequest(f"'{word[:40]}' is no function of a formula; {ALLOWED}.")
        return Name(word)
