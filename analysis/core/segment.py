"""Segments: sayable conditions on rows, as frozen trees with their sentence, their text and their dict.

Segments are two-valued. A comparison with a missing value is false, `!=` too: a missing value is not different from
West, it is missing. NaN counts as missing. `Not` is the complement, so that n(S) + n(not S) = n always.
Two segments are equal when their canonical text is: 1 and true, 1.1 and 1.10 are told apart, as a text column would.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import date, datetime
from decimal import Decimal
from typing import Any, ClassVar

from analysis.core.comparison import (
    DEEPEST,
    OPERATORS,
    VERSION,
    Between,
    Compare,
    Contains,
    Matches,
    Missing,
    OneOf,
    Segment,
)
from analysis.core.errors import BadRequest, UnknownName
from analysis.core.literal import written

__all__ = [
    "DEEPEST",
    "OPERATORS",
    "And",
    "Between",
    "Compare",
    "Contains",
    "Everything",
    "Matches",
    "Missing",
    "Not",
    "OneOf",
    "Or",
    "Saved",
    "Segment",
    "every",
    "from_dict",
    "resolve",
]

_BARE_SAVED = re.compile(r"\w[\w-]*")


@dataclass(frozen=True, eq=False)
class Saved(Segment):
    """A saved segment by name; `resolve` puts its condition in place."""

    name: str

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name:
            raise BadRequest("A saved segment needs a name after '@'.")

    def mentions(self) -> frozenset[str]:
        return frozenset({self.name})

    def _text(self, holds: bool) -> str:
        name = self.name if _BARE_SAVED.fullmatch(self.name) else '"' + self.name.replace('"', '""') + '"'
        return f"@{name}" if holds else f"not (@{name})"

    def _words(self, holds: bool) -> str:
        return f"{'in' if holds else 'not in'} the saved segment {written(self.name)}"


@dataclass(frozen=True, eq=False)
class Everything(Segment):
    """All rows."""

    def _text(self, holds: bool) -> str:
        return "everything" if holds else "not (everything)"

    def _words(self, holds: bool) -> str:
        return "all rows" if holds else "no rows"


@dataclass(frozen=True, eq=False)
class Not(Segment):
    """The complement: all rows for which the part does not hold, those with a missing value included."""

    part: Segment

    def __post_init__(self) -> None:
        if not isinstance(self.part, Segment):
            raise BadRequest("'not' needs a condition.")
        self._check(size=1 + self.part.size, depth=1 + self.part.depth)

    def columns(self) -> frozenset[str]:
        return self.part.columns()

    def mentions(self) -> frozenset[str]:
        return self.part.mentions()

    def _text(self, holds: bool) -> str:
        return self.part._text(False) if holds else f"not ({self.part._text(False)})"

    def _words(self, holds: bool) -> str:
        return self.part._words(False) if holds else f"not ({self.part._words(False)})"

    def _dict(self) -> dict[str, Any]:
        return {"is": "not", "part": self.part._dict()}


class _Joined(Segment):
    """Two or more conditions; a part of the same kind is opened up, which changes nothing."""

    parts: tuple[Segment, ...]
    word: ClassVar[str] = ""

    def __post_init__(self) -> None:
        parts: list[Segment] = []
        for part in self.parts:
            if not isinstance(part, Segment):
                raise BadRequest(f"'{self.word}' joins conditions only.")
            parts += part.parts if isinstance(part, _Joined) and type(part) is type(self) else [part]
        if len(parts) < 2:
            raise BadRequest(f"'{self.word}' joins at least two conditions.")
        object.__setattr__(self, "parts", tuple(parts))
        self._check(size=1 + sum(part.size for part in parts), depth=1 + max(part.depth for part in parts))

    def columns(self) -> frozenset[str]:
        return frozenset[str]().union(*[part.columns() for part in self.parts])

    def mentions(self) -> frozenset[str]:
        return frozenset[str]().union(*[part.mentions() for part in self.parts])

    def _text(self, holds: bool) -> str:
        texts = [f"({part._text(True)})" if isinstance(part, _Joined) else part._text(True) for part in self.parts]
        text = f" {self.word} ".join(texts)
        return text if holds else f"not ({text})"

    def _words(self, holds: bool) -> str:
        texts = [f"({part._words(True)})" if isinstance(part, _Joined) else part._words(True) for part in self.parts]
        text = f" {self.word} ".join(texts)
        return text if holds else f"not ({text}; missing does not match)"

    def _dict(self) -> dict[str, Any]:
        return {"is": self.word, "parts": [part._dict() for part in self.parts]}


@dataclass(frozen=True, eq=False)
class And(_Joined):
    """All parts hold."""

    parts: tuple[Segment, ...]
    word: ClassVar[str] = "and"


@dataclass(frozen=True, eq=False)
class Or(_Joined):
    """At least one part holds."""

    parts: tuple[Segment, ...]
    word: ClassVar[str] = "or"


def every(parts: Iterable[Segment]) -> Segment:
    """All of any number of conditions: none gives everything, one gives itself.

    >>> every([Everything(), Missing("age")]).expression()
    'age is missing'
    """
    kept = [part for part in parts if not isinstance(part, Everything)]
    if len(kept) < 2:
        return kept[0] if kept else Everything()
    return And(tuple(kept))


def resolve(segment: Segment, saved: Mapping[str, Segment]) -> Segment:
    """The segment with every `@name` replaced by its condition.

    UnknownName for a name that is not saved; BadRequest where saved segments refer to each other in a circle.
    """
    done: dict[str, Segment] = {}

    def opened(part: Segment, inside: tuple[str, ...], level: int) -> Segment:
        if level > DEEPEST:
            raise BadRequest(f"With its saved segments the condition is more than {DEEPEST} levels deep; simplify it.")
        match part:
            case Saved(name):
                if name in inside:
                    raise BadRequest(f"Saved segments refer to each other in a circle: {' > '.join((*inside, name))}.")
                if name not in saved:
                    raise UnknownName("saved segment", name, saved)
                if name not in done:
                    done[name] = opened(saved[name], (*inside, name), level + 1)
                return done[name]
            case Not(inner):
                return Not(opened(inner, inside, level + 1))
            case And(parts) | Or(parts):
                return type(part)(tuple([opened(each, inside, level + 1) for each in parts]))
        return part

    return opened(segment, (), 1)


_KINDS = {
    kind.__name__.lower(): kind for kind in (Compare, OneOf, Between, Contains, Matches, Missing, Saved, Everything)
}


def from_dict(data: Any) -> Segment:
    """The tree that `to_dict` wrote. BadRequest for any other shape or a version from the future."""
    if not isinstance(data, dict) or data.get("version") != VERSION:
        raise BadRequest(f"This is not a segment of version {VERSION}.")
    return _node(data.get("segment"), DEEPEST)


def _node(data: Any, deepest: int) -> Segment:
    kind = data.get("is") if isinstance(data, dict) else None
    rest = {name: value for name, value in data.items() if name != "is"} if isinstance(data, dict) else {}
    if deepest == 0:
        raise BadRequest(f"The condition is nested more than {DEEPEST} levels deep; simplify it.")
    if kind == "not" and set(rest) == {"part"}:
        return Not(_node(rest["part"], deepest - 1))
    if kind in ("and", "or") and set(rest) == {"parts"} and isinstance(rest["parts"], list):
        parts = tuple([_node(part, deepest - 1) for part in rest["parts"]])
        return And(parts) if kind == "and" else Or(parts)
    if isinstance(kind, str) and kind in _KINDS and set(rest) == {each.name for each in fields(_KINDS[kind])}:
        return _KINDS[kind](**{name: _read(value, many=name == "values") for name, value in rest.items()})
    raise BadRequest(f"A saved segment cannot be read: {str(data)[:80]!r} is not a condition.")


def _read(value: Any, *, many: bool = False) -> Any:
    if many:
        return tuple([_read(each) for each in value]) if isinstance(value, list) else ()
    if not isinstance(value, dict):
        return value
    try:
        match list(value.items()):
            case [("number", str() as text)]:
                return Decimal(text)
            case [("date", str() as text)]:
                return date.fromisoformat(text)
            case [("time", str() as text)]:
                return datetime.fromisoformat(text)
    except (ValueError, ArithmeticError) as error:
        raise BadRequest(f"A saved segment cannot be read: {value!r} is not a value.") from error
    raise BadRequest(f"A saved segment cannot be read: {value!r} is not a value.")
