"""Segments: sayable conditions on rows, as frozen trees with their sentence, their text and their dict.

Segments are two-valued. A comparison with a missing value is false, `!=` too: a missing value is not different from
West, it is missing. NaN counts as missing. `Not` is the complement, so that n(S) + n(not S) = n always.
Two segments are equal when their canonical text is: 1 and true, 1.1 and 1.10 are told apart, as a text column would.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import date, datetime, timezone
from decimal import Decimal
from functools import cached_property
from typing import Any, ClassVar

from analysis.core.errors import BadRequest, UnknownName

Value = str | int | Decimal | bool | date | datetime

OPERATORS = ("=", "!=", "<", "<=", ">", ">=")
RESERVED = frozenset(
    {"and", "or", "not", "in", "between", "is", "missing", "null", "contains", "matches"}
    | {"true", "false", "everything", "inf", "infinity"}
)
VERSION = 1
DEEPEST = 200
MOST_PARTS = 10_000
MOST_DIGITS = 400

_BARE = re.compile(r"[^\W\d]\w*")
_BARE_SAVED = re.compile(r"\w[\w-]*")
_PLAIN = re.compile(r"[^\W\d_][\w .%+-]*(?<! )")
_ORDER = {"<": "less than", "<=": "at most", ">": "more than", ">=": "at least"}
_TIME_ORDER = {"<": "before", "<=": "on or before", ">": "after", ">=": "on or after"}


def normal(value: Any) -> Value:
    """A value as segments keep it: floats by their shortest decimal text, whole decimals as int, zones as offsets.

    BadRequest for what no row can equal (None, NaN) and for text that no data file can hold.

    >>> normal(0.1), normal(Decimal("3"))
    (Decimal('0.1'), 3)
    """
    if isinstance(value, str):
        if "\0" in value or re.search("[\ud800-\udfff]", value):
            raise BadRequest("A text to compare with holds a NUL or half a character; remove it.")
        return value
    if isinstance(value, bool):
        return value
    if isinstance(value, datetime):
        offset = value.utcoffset()
        return value.replace(tzinfo=None if offset is None else timezone(offset), fold=0)
    if isinstance(value, date):
        return value
    if isinstance(value, float):
        value = Decimal(repr(float(value)))
    if isinstance(value, Decimal) and value.is_nan():
        raise BadRequest("NaN counts as missing and equals nothing; use `is missing`.")
    if isinstance(value, Decimal) and value.is_finite():
        if len(value.as_tuple().digits) > MOST_DIGITS or not -MOST_DIGITS < value.adjusted() < MOST_DIGITS:
            raise BadRequest(f"A number to compare with has more than {MOST_DIGITS} digits; shorten it.")
        return int(value) if value.as_tuple().exponent == 0 else value
    if isinstance(value, Decimal):
        return value
    if isinstance(value, int):
        if abs(value) >= 10**MOST_DIGITS:
            raise BadRequest(f"A number to compare with has more than {MOST_DIGITS} digits; shorten it.")
        return int(value)
    raise BadRequest(f"A value of type {type(value).__name__} cannot be compared with; use text, numbers or dates.")


def quoted(name: str) -> str:
    """A column name as the expression language writes it.

    >>> quoted("amount"), quoted("odd name"), quoted("not")
    ('amount', '"odd name"', '"not"')
    """
    if _BARE.fullmatch(name) and name.lower() not in RESERVED:
        return name
    return '"' + name.replace('"', '""') + '"'


def written(value: Value) -> str:
    """A value as the expression language writes it.

    >>> written("O'Hare"), written(date(2024, 5, 1)), written(True)
    ("'O''Hare'", '2024-05-01', 'true')
    """
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, date):
        return value.isoformat()
    return str(value)


def _said(value: Value) -> str:
    if isinstance(value, str):
        plain = _PLAIN.fullmatch(value) and not RESERVED & set(value.lower().split())
        return value if plain else written(value)
    return value.isoformat(sep=" ") if isinstance(value, datetime) else written(value)


def _called(column: str) -> str:
    return column if _PLAIN.fullmatch(column) or _BARE.fullmatch(column) else quoted(column)


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


@dataclass(frozen=True, eq=False)
class Saved(Segment):
    """A saved segment by name; `resolve` puts its condition in place."""

    name: str

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name:
            raise BadRequest("A saved segment needs a name after '@'.")

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
