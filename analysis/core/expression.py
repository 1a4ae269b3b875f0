"""The expression language of segments: from `region = 'West' and amount >= 100` to a tree.

Text stands in single quotes and odd column names in double quotes, the quote itself doubled; `@name` is a saved
segment; `not` binds tighter than `and`, `and` tighter than `or`; keywords are case-insensitive; blank means all rows.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from analysis.core import segment as tree
from analysis.core.errors import BadRequest, UnknownName
from analysis.core.literal import (
    CLOCK,
    DAY,
    NUMBER,
    RESERVED,
    Value,
    family,
    fit,
    normal,
    read_moment,
    read_number,
    written,
)
from analysis.core.pattern import check_pattern
from analysis.core.segment import DEEPEST, OPERATORS, Segment

LONGEST = 100_000

_TOKEN = re.compile(
    r"(?P<space>\s+)"
    r"|(?P<text>'(?:[^']|'')*')"
    r'|(?P<name>"(?:[^"]|"")*")'
    r'|(?P<saved>@(?:"(?:[^"]|"")*"|\w[\w-]*))'
    rf"|(?P<moment>{DAY}(?:[Tt]{CLOCK})?(?![\w.:]))"
    rf"|(?P<number>(?:{NUMBER}|[+-](?:inf|infinity))(?![\w.]))"
    r"|(?P<word>[^\W\d]\w*)"
    r"|(?P<operator><=|>=|<>|!=|==|[=<>])"
    r"|(?P<mark>[(),])",
    re.IGNORECASE,
)
_FORGIVEN = {"==": "=", "<>": "!="}


def parse(text: str, *, columns: Mapping[str, str] | None = None) -> Segment:
    """The segment an expression describes.

    columns: {name: DuckDB type}. With them, unknown columns are refused, a bare name also finds the one column that
    differs in case only, and values are fitted to their column's type. BadRequest says where and what was expected.

    >>> parse("Region = 'West' or amount >= 1e3", columns={"region": "VARCHAR", "amount": "BIGINT"}).expression()
    "region = 'West' or amount >= 1E+3"
    """
    if len(text) > LONGEST:
        raise BadRequest(f"The expression is {len(text):,} characters long; the limit is {LONGEST:,}.")
    return _Parser(text, columns).whole()


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str
    start: int
    end: int


def _tokens(text: str) -> list[_Token]:
    found: list[_Token] = []
    place = 0
    while place < len(text):
        match = _TOKEN.match(text, place)
        if match is None:
            sign = text[place]
            if sign in "'\"" or text.startswith('@"', place):
                raise BadRequest(f"The quote opened at position {place + 1} is never closed; double a quote inside it.")
            raise BadRequest(
                f"{sign!r} at position {place + 1} is not understood; "
                "text goes in single quotes, odd column names in double quotes."
            )
        if match.lastgroup != "space":
            found.append(_Token(match.lastgroup or "", match.group(), place, match.end()))
        place = match.end()
    return [*found, _Token("end", "", len(text), len(text))]


def _unquoted(text: str) -> str:
    return text[1:-1].replace(text[0] * 2, text[0])


class _Parser:
    def __init__(self, text: str, columns: Mapping[str, str] | None) -> None:
        self.text, self.columns = text, columns
        self.tokens, self.at, self.level, self.began = _tokens(text), 0, 0, 0

    @property
    def ahead(self) -> _Token:
        return self.tokens[self.at]

    def take(self, *texts: str, kind: str = "") -> _Token | None:
        """The next token, consumed, if it is one of these words or signs or of this kind."""
        token = self.ahead
        fits = token.kind == kind if kind else token.kind in ("word", "mark") and token.text.lower() in texts
        self.at += fits
        return token if fits else None

    def refuse(self, expected: str, hint: str = "") -> BadRequest:
        token = self.ahead
        before = self.text[self.began : self.tokens[self.at - 1].end] if self.at else ""
        before = " ".join(before.split())
        place = f"after '{before if len(before) <= 60 else '...' + before[-57:]}' " if before else ""
        seen = "the expression ends" if token.kind == "end" else f"{token.text[:40]} stands there"
        return BadRequest(f"At position {token.start + 1}, {place}{expected} is expected, but {seen}{hint}.")

    def whole(self) -> Segment:
        if self.ahead.kind == "end":
            return tree.Everything()
        found = self.any_of()
        if self.ahead.kind != "end":
            raise self.refuse("'and', 'or' or the end")
        return found

    def any_of(self) -> Segment:
        choices: list[Segment] = []
        parts = [self.condition()]
        while word := self.take("and", "or"):
            if word.text.lower() == "or":
                choices.append(tree.And(tuple(parts)) if len(parts) > 1 else parts[0])
                parts = []
            parts.append(self.condition())
        choices.append(tree.And(tuple(parts)) if len(parts) > 1 else parts[0])
        return tree.Or(tuple(choices)) if len(choices) > 1 else choices[0]

    def condition(self) -> Segment:
        self.began = self.ahead.start
        nots = 0
        while self.take("not"):
            nots += 1
        if self.take("("):
            self.level += 1
            if self.level > DEEPEST:
                raise BadRequest(f"The expression opens more than {DEEPEST} brackets inside each other; simplify it.")
            found = self.any_of()
            if not self.take(")"):
                raise self.refuse("')', 'and' or 'or'")
            self.level -= 1
        elif saved := self.take(kind="saved"):
            name = saved.text[1:]
            found = tree.Saved(_unquoted(name) if name.startswith('"') else name)
        elif self.take("everything"):
            found = tree.Everything()
        else:
            found = self.comparison()
        for _ in range(nots):
            found = tree.Not(found)
        return found

    def comparison(self) -> Segment:
        column, held = self.column()
        if sign := self.take(kind="operator"):
            op = _FORGIVEN.get(sign.text, sign.text)
            if op not in ("=", "!=") and held is not None and family(held) == "boolean":
                raise BadRequest(f"The column '{column}' holds true and false; compare it with = or !=.")
            return tree.Compare(column, op, self.value(column, held))
        if self.take("is"):
            denied = self.take("not")
            if not self.take("missing", "null"):
                raise self.refuse("'missing' or 'not missing'", "; compare values with =")
            return tree.Not(tree.Missing(column)) if denied else tree.Missing(column)
        denied = self.take("not")
        found = self.list_or_range(column, held)
        return tree.Not(found) if denied else found

    def list_or_range(self, column: str, held: str | None) -> Segment:
        if self.take("in"):
            if not self.take("("):
                raise self.refuse("'('")
            values = [self.value(column, held)]
            while self.take(","):
                values.append(self.value(column, held))
            if not self.take(")"):
                raise self.refuse("',' or ')'")
            return tree.OneOf(column, tuple(values))
        if self.take("between"):
            low = self.value(column, held)
            if not self.take("and"):
                raise self.refuse("'and'")
            high = self.value(column, held)
            if held is not None and _backwards(low, high):
                raise BadRequest(f"Nothing lies between {written(low)} and {written(high)}; put the smaller one first.")
            return tree.Between(column, low, high)
        if self.take("contains"):
            return tree.Contains(column, str(self.value(column, "VARCHAR")))
        if self.take("matches"):
            pattern = str(self.value(column, "VARCHAR"))
            check_pattern(pattern)
            return tree.Matches(column, pattern)
        raise self.refuse(f"a comparison ({', '.join(OPERATORS)}, in, between, contains, matches, is missing)")

    def column(self) -> tuple[str, str | None]:
        token = self.ahead
        bare = token.kind == "word" and token.text.lower() not in RESERVED
        if not bare and token.kind != "name":
            hint = f'; write a column of that name as "{token.text}"' if token.kind == "word" else ""
            raise self.refuse("a column", hint)
        self.at += 1
        name = token.text if bare else _unquoted(token.text)
        if self.columns is None:
            return name, None
        if name not in self.columns:
            alike = [each for each in self.columns if bare and each.casefold() == name.casefold()]
            if len(alike) != 1:
                raise UnknownName("column", name, self.columns)
            name = alike[0]
        return name, self.columns[name]

    def value(self, column: str, held: str | None) -> Value:
        token, lower = self.ahead, self.ahead.text.lower()
        found: Value | None = None
        if token.kind == "text":
            found = _unquoted(token.text)
        elif token.kind == "moment":
            found = read_moment(token.text)
            if found is None:
                raise BadRequest(f"{token.text} at position {token.start + 1} is not a date of the calendar.")
        elif token.kind == "number" or lower in ("inf", "infinity"):
            found = read_number(token.text)
        elif token.kind == "word" and lower in ("true", "false"):
            found = lower == "true"
        if found is None:
            hint = ""
            if token.kind in ("word", "name"):
                word = _unquoted(token.text) if token.kind == "name" else token.text
                asks_missing = lower in ("missing", "null")
                hint = "; ask 'is missing'" if asks_missing else f"; text goes in single quotes: {written(word[:40])}"
            raise self.refuse("a value", hint)
        self.at += 1
        found = normal(found)
        return found if held is None else fit(found, held, column=column, typed=token.text)


def _backwards(low: Value, high: Value) -> bool:
    if isinstance(low, date) and isinstance(high, date):
        return low.isoformat() > high.isoformat() and type(low) is type(high)
    if isinstance(low, str) or isinstance(high, str):
        return str(low) > str(high)
    return not isinstance(low, date) and not isinstance(high, date) and low > high
