"""Comparisons: conditions on one column, and what all segments share.

Each knows its text, its sentence and its dict, so that what is said and what is counted never differ.
"""

import re
from dataclasses import dataclass, fields
from datetime import date, datetime
from decimal import Decimal
from functools import cached_property
from typing import Any

from analysis.core.errors import BadRequest
from analysis.core.literal import BARE, RESERVED, Value, normal, quoted, written

OPERATORS = ("=", "!=", "<", "<=", ">", ">=")
VERSION = 1
DEEPEST = 200
MOST_PARTS = 10_000

_PLAIN = re.compile(r"[^\W\d_][\w .%+-]*(?<! )")
_ORDER = {"<": "less than", "<=": "at most", ">": "more than", ">=": "at least"}
_TIME_ORDER = {"<": "before", "<=": "on or before", ">": "after", ">=": "on or after"}


def _said(value: Value) -> str:
    if isinstance(value, str):
        plain = _PLAIN.fullmatch(value) and not RESERVED & set(value.lower().split())
        return value if plain else written(value)
    return value.isoformat(sep=" ") if isinstance(value, datetime) else written(value)


def _called(column: str) -> str:
    return column if _PLAIN.fullmatch(column) or BARE.fullmatch(column) else quoted(column)


def _needs_text(word: str, value: Any) -> None:
    if not isinstance(value, str):
        raise BadRequest(f"'{word}' looks for a text; put {value} in single quotes.")


def _kept(value: Any) -> Any:
    if isinstance(value, tuple):
        return list(map(_kept, value))
    if isinstance(value, Decimal):
        return {"number": str(value)}
    if isinstance(value, datetime):
        return {"time": value.isoformat()}
    return {"date": value.isoformat()} if isinstance(value, date) else value


class Segment:
    """What all conditions share. depth: levels of the tree, 1 to 200. size: its parts and values, 1 to 10,000."""

    depth = 1
    size = 1

    @cached_property
    def _canonical(self) -> str:
        return self._text(True)

    def expression(self) -> str:
        """The canonical text, which parses back to an equal tree (up to the parser's limit on length)."""
        return self._canonical

    def sentence(self) -> str:
        """The condition in plain English; it says what becomes of missing values where that may surprise."""
        return self._words(True)

    def columns(self) -> frozenset[str]:
        """The columns it reads; those of saved segments only once they are resolved."""
        return frozenset()

    def mentions(self) -> frozenset[str]:
        """The names of the saved segments it mentions itself; those these mention are not among them."""
        return frozenset()

    def to_dict(self) -> dict[str, Any]:
        """The tree as JSON can hold it; `from_dict` gives an equal one."""
        return {"version": VERSION, "segment": self._dict()}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Segment) and self._canonical == other._canonical

    def __hash__(self) -> int:
        return hash(self._canonical)

    def __str__(self) -> str:
        return self._canonical

    def _text(self, holds: bool) -> str:
        raise NotImplementedError

    def _words(self, holds: bool) -> str:
        raise NotImplementedError

    def _dict(self) -> dict[str, Any]:
        own = {each.name: getattr(self, each.name) for each in fields(self)}  # type: ignore[arg-type]
        return {"is": type(self).__name__.lower()} | {name: _kept(value) for name, value in own.items()}

    def _check(self, *, size: int, depth: int = 1) -> None:
        object.__setattr__(self, "size", size)
        object.__setattr__(self, "depth", depth)
        if depth > DEEPEST:
            raise BadRequest(f"The condition is nested more than {DEEPEST} levels deep; simplify it.")
        if size > MOST_PARTS:
            raise BadRequest(f"The condition has more than {MOST_PARTS:,} parts; simplify it.")


class _OnColumn(Segment):
    """A condition on one column."""

    column: str

    def __post_init__(self) -> None:
        if not isinstance(self.column, str) or not self.column:
            raise BadRequest("A condition needs the name of a column.")
        for each in fields(self)[1:]:  # type: ignore[arg-type]
            value = getattr(self, each.name)
            object.__setattr__(self, each.name, tuple(map(normal, value)) if each.name == "values" else normal(value))

    def columns(self) -> frozenset[str]:
        return frozenset({self.column})

    def _text(self, holds: bool) -> str:
        return f"{quoted(self.column)} {'' if holds else 'not '}{self._rest()}"

    def _words(self, holds: bool) -> str:
        return f"{_called(self.column)} {self._verb(holds)}" + ("" if holds else " (missing included)")

    def _rest(self) -> str:
        raise NotImplementedError

    def _verb(self, holds: bool) -> str:
        raise NotImplementedError


@dataclass(frozen=True, eq=False)
class Compare(_OnColumn):
    """The value is =, !=, <, <=, > or >= another. A date against a moment means its first instant."""

    column: str
    op: str
    value: Value

    def __post_init__(self) -> None:
        if self.op not in OPERATORS:
            raise BadRequest(f"'{self.op}' is not a comparison; use one of {' '.join(OPERATORS)}.")
        super().__post_init__()

    def _text(self, holds: bool) -> str:
        text = f"{quoted(self.column)} {self.op} {written(self.value)}"
        return text if holds else f"not ({text})"

    def _words(self, holds: bool) -> str:
        if self.op == "!=" and holds:
            return f"{_called(self.column)} is not {_said(self.value)} (missing left out)"
        return super()._words(holds)

    def _verb(self, holds: bool) -> str:
        order = _TIME_ORDER if isinstance(self.value, date) else _ORDER
        words = [order[self.op]] if self.op in order else []
        return " ".join(["is" if holds or self.op == "!=" else "is not", *words, _said(self.value)])


@dataclass(frozen=True, eq=False)
class OneOf(_OnColumn):
    """The value is one of these; at least one is needed."""

    column: str
    values: tuple[Value, ...]

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.values:
            raise BadRequest(f"A list of values for the column '{self.column}' is empty; give at least one.")
        self._check(size=len(self.values))

    def _rest(self) -> str:
        return f"in ({', '.join(map(written, self.values))})"

    def _verb(self, holds: bool) -> str:
        said = [_said(value) for value in self.values]
        listed = said[0] if len(said) == 1 else f"one of {', '.join(said[:-1])} or {said[-1]}"
        return f"is {'' if holds else 'not '}{listed}"


@dataclass(frozen=True, eq=False)
class Between(_OnColumn):
    """The value is between two others, both included. A date against a moment means its first instant."""

    column: str
    low: Value
    high: Value

    def _rest(self) -> str:
        return f"between {written(self.low)} and {written(self.high)}"

    def _verb(self, holds: bool) -> str:
        return f"is {'' if holds else 'not '}from {_said(self.low)} to {_said(self.high)}"


@dataclass(frozen=True, eq=False)
class Contains(_OnColumn):
    """The value, as text, holds this text; upper and lower case differ."""

    column: str
    text: str

    def __post_init__(self) -> None:
        super().__post_init__()
        _needs_text("contains", self.text)

    def _rest(self) -> str:
        return f"contains {written(self.text)}"

    def _verb(self, holds: bool) -> str:
        return f"{'contains' if holds else 'does not contain'} {written(self.text)}"


@dataclass(frozen=True, eq=False)
class Matches(_OnColumn):
    """Some part of the value, as text, matches an RE2 regular expression."""

    column: str
    pattern: str

    def __post_init__(self) -> None:
        super().__post_init__()
        _needs_text("matches", self.pattern)

    def _rest(self) -> str:
        return f"matches {written(self.pattern)}"

    def _verb(self, holds: bool) -> str:
        return f"{'matches' if holds else 'does not match'} the pattern {written(self.pattern)}"


@dataclass(frozen=True, eq=False)
class Missing(_OnColumn):
    """There is no value, or NaN."""

    column: str

    def _text(self, holds: bool) -> str:
        return f"{quoted(self.column)} is {'' if holds else 'not '}missing"

    def _words(self, holds: bool) -> str:
        return f"{_called(self.column)} is {'' if holds else 'not '}missing"
