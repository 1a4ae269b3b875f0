"""Checks: coded tests of a table, its labels and its predictions, each with three outcomes."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import polars as pl

from analysis.core import words
from analysis.core.registry import Registry
from analysis.core.schema import Column
from analysis.core.segment import Segment
from analysis.core.settings import whole
from analysis.engine.profile import Profile, top
from analysis.engine.subject import Subject

T = TypeVar("T")
FOUND, CLEAR, NOT_APPLICABLE = "found", "clear", "not applicable"
OUTCOMES = (FOUND, CLEAR, NOT_APPLICABLE)
SEVERITIES = ("high", "medium", "low")


@dataclass(frozen=True)
class Seen:
    """What a check may look at: the table and its counted profile. kept: what checks share, by name."""

    subject: Subject
    profile: Profile
    kept: dict[str, Any] = field(default_factory=dict)

    def once(self, name: str, make: Callable[[], T]) -> T:
        """What `make` gives, worked out once for all checks."""
        if name not in self.kept:
            self.kept[name] = make()
        return self.kept[name]

    def value(self, column: Column) -> str:
        """A column in SQL, NaN as missing."""
        return self.subject.value(column) if self.profile.of(column.name)["nan"] else f"r.{column.key}"

    def values(self, column: Column) -> pl.DataFrame | None:
        """The values of a column of few, as text, the most frequent first: value, n. None where there are many."""
        most = whole("encode_values")
        if self.profile.of(column.name)["distinct"] > most:
            return None
        frame = self.once(f"values of {column.name}", lambda: top(self.subject, column, most + 1))
        return frame if len(frame) <= most else None


@dataclass(frozen=True)
class Hit:
    """What a check says.

    rows: those affected; None where it is a matter of whole columns or of the table. where: the segment that shows
    exactly them, None where no segment can say it. places: their places in the file, as far as listed, where no
    segment does. columns: those concerned. model: the version it is about, "" for the table.
    """

    outcome: str
    sentence: str
    rows: int | None = None
    columns: tuple[str, ...] = ()
    where: Segment | None = None
    suggestion: str = ""
    model: str = ""
    severity: str = ""
    places: tuple[int, ...] = ()
    values: dict[str, float] = field(default_factory=dict)


Judge = Callable[[Seen], list[Hit]]


@dataclass(frozen=True)
class Check:
    """A registered check. name: its code, never renumbered (Q table, L labels and splits, P predictions, V privacy, B
    bias in the data).

    severity: of its hits, unless a hit says otherwise. settings: the thresholds it goes by. judge: every hit, or one
    that says it is clear or not applicable because.
    """

    name: str
    title: str
    severity: str
    about: str
    judge: Judge
    settings: tuple[str, ...] = ()


CHECKS: Registry[Check] = Registry("check")


def clear(sentence: str) -> list[Hit]:
    return [Hit(CLEAR, sentence)]


def unfit(why: str) -> list[Hit]:
    """Not applicable, because."""
    return [Hit(NOT_APPLICABLE, f"Not applicable: {why}.")]


def quote(names: Iterable[str], most: int = 5) -> str:
    """Names in a sentence, the first few of many.

    >>> quote(["a", "b"])
    "'a' and 'b'"
    """
    said = [f"'{name}'" for name in names]
    if len(said) <= most:
        return words.listed(said)
    return f"{', '.join(said[:most])} and {len(said) - most:,} more"
