"""Patterns: the regular expressions RE2 takes, told from the rest before any engine sees them."""

import re
from dataclasses import dataclass

from analysis.core.errors import BadRequest
from analysis.core.literal import written

LONGEST_PATTERN = 2_000

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
    rf"(?P<class>\[\^?+\]?+(?:{_UNICODE}|{_ESCAPE}|{_POSIX}|(?!\[:.*:\])[^\]\\])*\])"
    rf"|(?P<unicode>{_UNICODE})|(?P<escape>{_ESCAPE}|\\[AbBz])"
    r"|(?P<open>\((?:\?P<[A-Za-z_]\w*>|\?[imsU]*(?:-[imsU]+)?:|(?!\?)))"
    r"|(?P<flags>\(\?[imsU]*(?:-[imsU]+)?\))"
    r"|(?P<close>\))|(?P<or>\|)"
    r"|(?P<repeat>(?:[*+?]|\{[0-9]+(?:,[0-9]*)?\})\??)"
    r"|(?P<plain>[^\[\\(])",
    re.DOTALL | re.ASCII,
)
_MOST_GROUPS = 200
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
        if len(groups) > _MOST_GROUPS:
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
