"""Along: one column of a conjunction, apart from its other conditions."""

from dataclasses import dataclass

from analysis.core.comparison import Between, Compare
from analysis.core.literal import Value
from analysis.core.segment import And, Segment, every


@dataclass(frozen=True)
class Along:
    """own: what a segment asks of a column; others: what it asks beside that. ends: where a range of it ends."""

    column: str
    own: Segment
    others: Segment
    ends: tuple[str, ...]


def along(segment: Segment, column: str) -> Along:
    """A segment seen along one of its columns.

    >>> from analysis.core.expression import parse
    >>> seen = along(parse("age >= 30 and age < 40 and region = 'West'"), "age")
    >>> seen.own.expression(), seen.others.expression(), seen.ends
    ('age >= 30 and age < 40', "region = 'West'", ('30', '40'))
    """
    parts = _parts(segment)
    own = [part for part in parts if part.columns() == {column}]
    ends = [str(end) for part in own for end in _ends(part)]
    others = every(part for part in parts if part not in own)
    return Along(column, every(own), others, tuple(dict.fromkeys(ends)))


def _parts(segment: Segment) -> list[Segment]:
    return [inner for part in segment.parts for inner in _parts(part)] if isinstance(segment, And) else [segment]


def _ends(part: Segment) -> tuple[Value, ...]:
    match part:
        case Compare(_, "<" | ">=", end):
            return (end,)
        case Between(_, low, high):
            return (low, high)
    return ()
