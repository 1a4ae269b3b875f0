"""A column as the guesser looks at it: its name in words, and what its values allow."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from analysis.core.guess_words import Word, plain, words
from analysis.core.roles import ColumnFacts
from analysis.core.schema import FLOATS, INTEGERS, TIMES

FEW = 50  # at most this many values make a category
COUNTED = 1_000  # distinct values are counted up to here
SHOWN = 20  # most frequent values known

_DATE = re.compile(
    r"(19|20)\d\d[-/.]\d\d?([-/.]\d\d?)?([T ]\d\d?:\d\d.*)?|\d\d?[-/.]\d\d?[-/.](19|20)?\d\d( \d\d?:.*)?"
)
_UUID = re.compile(r"[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}|[0-9a-f]{24,64}", re.IGNORECASE)


@dataclass(frozen=True)
class Look:
    """ColumnFacts with the questions the guesser asks of them. place: the column's position in its table, from 0."""

    facts: ColumnFacts
    place: int

    @property
    def name(self) -> str:
        return self.facts.name

    @cached_property
    def parts(self) -> tuple[Word, ...]:
        return words(self.name)

    @cached_property
    def words(self) -> tuple[str, ...]:
        return tuple(part.text for part in self.parts)

    @property
    def present(self) -> int:
        return self.facts.rows - self.facts.missing

    @property
    def distinct(self) -> int:
        return self.facts.distinct

    @property
    def numeric(self) -> bool:
        return self.facts.type in INTEGERS or self.facts.type in FLOATS or self.facts.type.startswith("DECIMAL")

    @property
    def temporal(self) -> bool:
        return self.facts.type in TIMES

    @property
    def textual(self) -> bool:
        return self.facts.type == "VARCHAR" or self.facts.type.startswith("ENUM")

    @property
    def nested(self) -> bool:
        """A list, map or struct, or a list written as text."""
        if self.textual:
            return bool(self.facts.values) and all(value[:1] + value[-1:] in ("[]", "{}") for value in self.raw)
        return not (self.numeric or self.temporal or self.facts.type in ("BOOLEAN", "TIME", "INTERVAL", "UUID"))

    @property
    def whole(self) -> bool:
        return self.numeric and (self.facts.whole or self.facts.type in INTEGERS)

    @property
    def fractional(self) -> bool:
        return self.numeric and not self.whole

    @cached_property
    def low(self) -> float:
        return _number(self.facts.low) if self.numeric else float("nan")

    @cached_property
    def high(self) -> float:
        return _number(self.facts.high) if self.numeric else float("nan")

    @property
    def share(self) -> bool:
        """Fractions between 0 and 1, as probabilities are."""
        return self.fractional and self.low >= 0 and self.high <= 1 and self.distinct > 2

    @property
    def top(self) -> int:
        """Rows of the most frequent value."""
        return self.facts.values[0][1] if self.facts.values else 0

    @cached_property
    def raw(self) -> tuple[str, ...]:
        """The values shown, as the data holds them: all of them when there are at most 20."""
        return tuple(value for value, _ in self.facts.values)

    @cached_property
    def values(self) -> frozenset[str]:
        return frozenset(same(value) for value in self.raw)

    @property
    def category(self) -> bool:
        """2 to 50 values that repeat: text, booleans, or whole numbers of few values."""
        if not 2 <= self.distinct <= FEW or self.temporal or self.nested or self.top < 2:
            return False
        if self.numeric:
            return self.whole and self.distinct <= SHOWN
        return self.distinct <= max(2, self.present / 2)

    @property
    def unique(self) -> bool:
        return self.present > 1 and self.top == 1 and not self.facts.missing

    @property
    def nearly_unique(self) -> bool:
        """Unique but for a few repeated rows."""
        if self.facts.missing > 0.01 * self.facts.rows or self.present < 2:
            return False
        counted = self.distinct >= 0.9 * self.present or self.distinct > COUNTED
        return self.top <= 3 and counted

    @property
    def prose(self) -> bool:
        """Sentences rather than names or codes."""
        return self.textual and self.facts.words >= 4 and self.facts.length >= 20 and self.distinct > SHOWN

    @property
    def dates(self) -> bool:
        """Dates written as text."""
        return self.textual and bool(self.raw) and all(_DATE.fullmatch(value.strip()) for value in self.raw)

    @property
    def codes(self) -> bool:
        """Identifiers by their look: UUIDs and hashes, or one-word texts of one shape that hold digits."""
        if self.facts.type == "UUID":
            return True
        if not self.textual or not self.raw:
            return False
        if all(_UUID.fullmatch(value) for value in self.raw):
            return True
        shapes = {re.sub(r"[A-Za-z]", "a", re.sub(r"\d", "0", value)) for value in self.raw}
        return self.facts.words <= 1 and all(re.search(r"\d", value) for value in self.raw) and len(shapes) <= 10


def _number(text: str | None) -> float:
    try:
        return float(text) if text is not None else float("nan")
    except ValueError:
        return float("nan")


def same(value: str) -> str:
    """One spelling for values that different tools write differently.

    >>> same("1.0"), same(" Yes "), same("TRUE")
    ('1', 'yes', 'true')
    """
    text = plain(value)
    return re.sub(r"(?<=\d)\.0+$", "", text)


def fit_of_values(label: Look, other: Look) -> float:
    """How well another column's values could be the label's: 1 = the same set or range, 0 = nothing in common.

    Categories: the share of the smaller set found in the larger one. Numbers: shared range over the union of ranges.
    """
    if label.distinct <= SHOWN and other.distinct <= SHOWN:
        smaller, larger = sorted((label.values, other.values), key=len)
        return (
            len(smaller & larger) / len(smaller) * (1.0 if len(larger) <= 2 * len(smaller) else 0.5) if smaller else 0
        )
    if label.numeric and other.numeric and label.distinct > SHOWN // 2:
        union = max(label.high, other.high) - min(label.low, other.low)
        shared = min(label.high, other.high) - max(label.low, other.low)
        return max(0.0, shared / union) if union > 0 else 0.0
    if label.textual and other.textual:
        return len(label.values & other.values) / max(1, min(len(label.values), len(other.values)))
    return 0.0


def listed(names: Iterable[str]) -> str:
    """Names in quotes for a sentence: 'a', 'b' and 'c'."""
    return joined([f"'{name}'" for name in names])


def joined(parts: list[str]) -> str:
    """Parts of a sentence with commas and a last "and".

    >>> joined(["has two values", "is named like an outcome"])
    'has two values and is named like an outcome'
    """
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)
