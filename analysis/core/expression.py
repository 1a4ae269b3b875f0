"""The expression language of segments: from `region = 'West' and amount >= 100` to a tree.

Text stands in single quotes and odd column names in double quotes, the quote itself doubled; `@name` is a saved
segment; `not` binds tighter than `and`, `and` tighter than `or`; keywords are case-insensitive; blank means all rows.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from analysis.core import segment as tree
from analysis.core.errors import BadRequest, UnknownName
from analysis.core.schema import FLOATS, INTEGERS, TIMES
from analysis.core.segment import DEEPEST, MOST_DIGITS, OPERATORS, RESERVED, Segment, Value, written

LONGEST = 100_000
LONGEST_PATTERN = 2_000

_NUMBER = r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,9})?"
_DAY = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
_CLOCK = r"[0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6})?)?(?:Z|[+-][0-9]{2}:?[0-9]{2}(?::?[0-9]{2})?)?"
_TOKEN = re.compile(
    r"(?P<space>\s+)"
    r"|(?P<text>'(?:[^']|'')*')"
    r'|(?P<name>"(?:[^"]|"")*")'
    r'|(?P<saved>@(?:"(?:[^"]|"")*"|\w[\w-]*))'
    rf"|(?P<moment>{_DAY}(?:[Tt]{_CLOCK})?(?![\w.:]))"
    rf"|(?P<number>(?:{_NUMBER}|[+-](?:inf|infinity))(?![\w.]))"
    r"|(?P<word>[^\W\d]\w*)"
    r"|(?P<operator><=|>=|<>|!=|==|[=<>])"
    r"|(?P<mark>[(),])",
    re.IGNORECASE,
)
_FORGIVEN = {"==": "=", "<>": "!="}


def family(duckdb_type: str) -> str:
    """What a DuckDB type holds: "number", "date", "moment", "zoned", "boolean" or "text" (all others, as text).

    >>> family("DECIMAL(10,2)"), family("TIMESTAMP"), family("ENUM")
    ('number', 'moment', 'text')
    """
    name = duckdb_type.upper()
    if name in INTEGERS or name in FLOATS or name == "UHUGEINT" or name.startswith("DECIMAL"):
        return "number"
    if name in ("TIMESTAMP WITH TIME ZONE", "TIMESTAMPTZ"):
        return "zoned"
    if name in TIMES:
        return "date" if name == "DATE" else "moment"
    return "boolean" if name == "BOOLEAN" else "text"


def read_moment(text: str) -> date | datetime | None:
    """An ISO date, or date and time, however quoted; None if it is none.

    >>> read_moment("2024-05-01"), read_moment("2024-05-01 10:00")
    (datetime.date(2024, 5, 1), datetime.datetime(2024, 5, 1, 10, 0))
    """
    text = text.strip()
    try:
        if re.fullmatch(_DAY, text):
            return date.fromisoformat(text)
        if re.fullmatch(rf"{_DAY}[Tt ]{_CLOCK}", text):
            return datetime.fromisoformat(text)
    except ValueError:
        return None
    return None


def read_number(text: str) -> int | Decimal | None:
    """A number exactly as written: whole numbers as int, others as Decimal; None if it is none.

    >>> read_number("-007"), read_number("1.10"), read_number("ten")
    (-7, Decimal('1.10'), None)
    """
    text = text.strip()
    if re.fullmatch(r"[+-]?(?:inf|infinity)", text, re.IGNORECASE):
        return Decimal(text)
    if not re.fullmatch(_NUMBER, text):
        return None
    if re.fullmatch(r"[+-]?[0-9]+", text) and len(text) <= 2 * MOST_DIGITS:
        return int(text)
    return Decimal(text)


def fit(value: Value, duckdb_type: str, *, column: str, typed: str | None = None) -> Value:
    """The value as a column of this DuckDB type is compared with it.

    Text that reads as a number, a date or true/false becomes one where the column holds such; anything compared with a
    text column becomes text, as typed. Zoned columns take times without a zone as UTC. BadRequest, naming the column
    and the value, where they cannot be compared.
    """
    kind = family(duckdb_type)
    if kind == "text":
        return value if isinstance(value, str) else typed or _as_text(value)
    shown = written(value)
    if kind == "boolean":
        words: dict[str, bool] = {"true": True, "false": False, "1": True, "0": False}
        asked = str(value).strip().lower()
        if isinstance(value, date) or asked not in words:
            raise BadRequest(f"The column '{column}' holds true and false; {shown} is neither.")
        return words[asked]
    if kind == "number":
        number = read_number(value) if isinstance(value, str) else value
        if number is None or isinstance(number, bool | date | str):
            raise BadRequest(f"The column '{column}' holds numbers; {shown} is not a number.")
        return tree.normal(number)
    moment = read_moment(value) if isinstance(value, str) else value
    if not isinstance(moment, date):
        example = "2024-05-01" if kind == "date" else "'2024-05-01 10:00'"
        raise BadRequest(f"The column '{column}' holds dates; {shown} cannot be read as one, write {example}.")
    if kind != "zoned" and isinstance(moment, datetime) and moment.tzinfo is not None:
        raise BadRequest(f"The column '{column}' has no time zone; leave the zone of {shown} off.")
    return tree.normal(moment)


def _as_text(value: Value) -> str:
    return value.isoformat(sep=" ") if isinstance(value, datetime) else written(value)


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
        found = tree.normal(found)
        return found if held is None else fit(found, held, column=column, typed=token.text)


def _backwards(low: Value, high: Value) -> bool:
    if isinstance(low, date) and isinstance(high, date):
        return low.isoformat() > high.isoformat() and type(low) is type(high)
    if isinstance(low, str) or isinstance(high, str):
        return str(low) > str(high)
    return not isinstance(low, date) and not isinstance(high, date) and low > high


_ESCAPE = (
    r"\\(?:[dDsSwWaftnrv]|x[0-9a-fA-F]{2}|x\{(?:10|0?[0-9a-fA-F])?[0-9a-fA-F]{1,4}\}|0[0-7]{0,2}|[\x01-/:-@\[-`{-\x7f])"
)
_UNICODE = (
    r"\\[pP](?:[LMNPSZ]|\{\^?(?:L[ulmot]?|M[nce]?|N[dlo]?|P[cdseifo]?|S[mcko]?|Z[slp]?"
    r"|Latin|Greek|Cyrillic|Han|Hangul|Hiragana|Katakana|Arabic|Hebrew|Thai|Devanagari|Armenian|Georgian|Any)\})"
)
_POSIX = r"\[:\^?(?:alnum|alpha|ascii|blank|cntrl|digit|graph|lower|print|punct|space|upper|word|xdigit):\]"
_ITEM = re.compile(rf"(?P<set>{_UNICODE}|{_POSIX}|\\[dDsSwW])|(?P<escape>{_ESCAPE})|(?P<plain>[^\\])", re.DOTALL)
_PATTERN = re.compile(
    rf"(?P<class>\[\^?\]?(?:{_UNICODE}|{_ESCAPE}|{_POSIX}|[^\]\\])*\])"
    rf"|(?P<unicode>{_UNICODE})|(?P<escape>{_ESCAPE}|\\[AbBz])"
    r"|(?P<open>\((?:\?P<[A-Za-z_]\w*>|\?[imsU]*(?:-[imsU]+)?:|(?!\?)))"
    r"|(?P<flags>\(\?[imsU]*(?:-[imsU]+)?\))"
    r"|(?P<close>\))|(?P<or>\|)"
    r"|(?P<repeat>(?:[*+?]|\{[0-9]+(?:,[0-9]*)?\})\??)"
    r"|(?P<plain>[^\[\\(])",
    re.DOTALL | re.ASCII,
)
_MOST_REPEATS = 1_000
_MOST_STEPS = 400_000
_UNICODE_STEPS = 1_800
_LACKING = (
    (r"\(\?<?[=!]", "looking ahead or behind is not supported"),
    (r"\\[1-9]|\\k|\(\?P=", "referring back to a group is not supported"),
    (r"\(\?P?<", "a named group is written (?P<name>...)"),
    (r"\(", "this kind of group is not supported"),
    (r"\[", "the '[' is never closed, or something inside is not supported"),
    (r"\\\Z", "nothing follows the last backslash"),
    (r"\\", "this escape is not supported"),
)


def check_pattern(pattern: str) -> None:
    """Refuse, with BadRequest and the position, a regular expression that RE2 would not take.

    A few rare classes that RE2 knows are refused as well; whatever passes compiles.
    """
    if len(pattern) > LONGEST_PATTERN:
        raise BadRequest(f"The pattern is {len(pattern):,} characters long; the limit is {LONGEST_PATTERN:,}.")
    place = 0
    try:
        groups = [_Group(0)]
        while place < len(pattern):
            match = _PATTERN.match(pattern, place)
            if match is None:
                raise ValueError(next(why for start, why in _LACKING if re.match(start, pattern[place:])))
            _step(groups, match.lastgroup or "", match.group(), place)
            place = match.end()
        if len(groups) > 1:
            place = groups[-1].start
            raise ValueError("the '(' is never closed")
    except ValueError as error:
        shown = written(pattern if len(pattern) <= 80 else pattern[:77] + "...")
        raise BadRequest(f"The pattern {shown} cannot be used: at position {place + 1}, {error}.") from error


@dataclass
class _Group:
    """An open group. steps: how large its program is. repeats: the largest product of repeats inside. last: the same
    two of what a repeat sign would repeat."""

    start: int
    steps: int = 0
    repeats: int = 1
    last: tuple[int, int] | None = None

    def add(self, steps: int, repeats: int = 1) -> None:
        self.steps, self.repeats, self.last = self.steps + steps, max(self.repeats, repeats), (steps, repeats)
        if self.steps > _MOST_STEPS:
            raise ValueError("the pattern grows too large")


def _step(groups: list[_Group], kind: str, text: str, place: int) -> None:
    group = groups[-1]
    if kind == "open":
        groups.append(_Group(place))
        if len(groups) > DEEPEST:
            raise ValueError("too many groups stand inside each other")
    elif kind == "close":
        if len(groups) == 1:
            raise ValueError("the ')' closes nothing")
        groups.pop()
        groups[-1].add(group.steps + 2, group.repeats)
    elif kind in ("or", "flags"):
        group.last = None
    elif kind == "repeat":
        if group.last is None:
            raise ValueError(f"there is nothing that {text} could repeat")
        counts = [int(count) for count in re.findall("[0-9]+", text)]
        if counts != sorted(counts) or any(count > _MOST_REPEATS for count in counts):
            raise ValueError(f"{text} is not a number of repeats up to {_MOST_REPEATS:,}")
        times = max([1, *counts])
        steps, repeats = group.last
        if repeats * times > _MOST_REPEATS:
            raise ValueError(f"repeats of repeats exceed {_MOST_REPEATS:,}")
        group.add(steps * times, repeats * times)
        group.last = None
    else:
        group.add(_class_steps(text) if kind == "class" else _UNICODE_STEPS if kind == "unicode" else 12)


def _class_steps(text: str) -> int:
    items = list(_ITEM.finditer(text[2:-1] if text.startswith("[^") else text[1:-1]))
    steps, place = 0, 0
    while place < len(items):
        steps += _UNICODE_STEPS if items[place].group().lower().startswith("\\p") else 12
        if items[place].lastgroup != "set" and place + 2 < len(items) and items[place + 1].group() == "-":
            low, high = items[place], items[place + 2]
            if high.lastgroup == "set" or _sign(low.group()) > _sign(high.group()):
                raise ValueError(f"{low.group()}-{high.group()} is not a range of characters")
            place += 2
        place += 1
    return steps


def _sign(item: str) -> str:
    """The character an item of a class stands for."""
    if not item.startswith("\\"):
        return item
    if item[1] in "aftnrv":
        return "\a\f\t\n\r\v"["aftnrv".index(item[1])]
    if item[1] == "x":
        return chr(int(item[2:].strip("{}"), 16))
    return chr(int(item[1:], 8)) if item[1] == "0" else item[1]
