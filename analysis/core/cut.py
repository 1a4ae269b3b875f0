"""Cuts: a column of numbers or moments cut at edges into groups, each a sayable condition of its own.

k edges make k + 1 groups, the first and the last open; a value on an edge belongs to the group above it. What is
missing is a further group.
"""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from itertools import pairwise

from analysis.core.errors import BadRequest
from analysis.core.literal import Value, family, fit, normal
from analysis.core.segment import And, Compare, Everything, Missing, Not, Segment
from analysis.core.words import minus

MOST_EDGES = 200


@dataclass(frozen=True)
class Cut:
    """column: its name. edges: ascending values of the column's kind, without repetition.

    bucket: where the edges are the beginnings of consecutive weeks, months, quarters or years, which of these.
    """

    column: str
    edges: tuple[Value, ...]
    bucket: str = ""

    def __post_init__(self) -> None:
        edges = tuple(normal(each) for each in self.edges)
        if len(edges) > MOST_EDGES:
            raise BadRequest(f"'{self.column}' would be cut at {len(edges)} edges; at most {MOST_EDGES} are drawn.")
        if any(not low < high for low, high in pairwise(edges)):  # type: ignore[operator]
            raise BadRequest(f"The edges that cut '{self.column}' must ascend, each one once.")
        object.__setattr__(self, "edges", edges)

    def __len__(self) -> int:
        return len(self.edges) + 1

    def name(self, place: int) -> str:
        """What a group is called.

        >>> [Cut("age", (18, 65)).name(place) for place in range(3)]
        ['below 18', '18 to 65', '65 and above']
        """
        if self.bucket:
            return self._bucket(place)
        texts = [_text(edge) for edge in self.edges]
        moment = bool(self.edges) and isinstance(self.edges[0], date)
        if not texts:
            return "any value"
        if place == 0:
            return f"{'before' if moment else 'below'} {texts[0]}"
        if place == len(texts):
            return f"from {texts[-1]}" if moment else f"{texts[-1]} and above"
        return f"{texts[place - 1]} to {texts[place]}"

    def _bucket(self, place: int) -> str:
        """A calendar bucket; the first one begins before the first edge.

        >>> Cut("day", (date(2026, 2, 1), date(2026, 3, 1)), "month").names()
        ('Jan 2026', 'Feb 2026', 'Mar 2026')
        """
        edge = self.edges[max(0, place - 1)]
        first = date(edge.year, edge.month, edge.day)  # type: ignore[union-attr]
        if place == 0:
            first -= timedelta(days=7 if self.bucket == "week" else 1)
        if self.bucket == "week":
            return f"week of {first}"
        if self.bucket == "year":
            return f"{first:%Y}"
        return f"{first:%b %Y}" if self.bucket == "month" else f"Q{(first.month + 2) // 3} {first:%Y}"

    def names(self) -> tuple[str, ...]:
        """What all groups are called, in order."""
        return tuple(self.name(place) for place in range(len(self)))

    def segment(self, place: int) -> Segment:
        """The rows of a group.

        >>> Cut("age", (18, 65)).segment(1).expression()
        'age >= 18 and age < 65'
        """
        if not self.edges:
            return Not(Missing(self.column))
        low = Compare(self.column, ">=", self.edges[place - 1]) if place else None
        high = Compare(self.column, "<", self.edges[place]) if place < len(self.edges) else None
        both = [each for each in (low, high) if each is not None]
        return And(tuple(both)) if len(both) > 1 else both[0] if both else Everything()

    def below(self, place: int) -> Segment:
        """The rows below an edge."""
        return Compare(self.column, "<", self.edges[place])


def typed(column: str, kind: str, texts: list[str], bucket: str = "") -> Cut:
    """The cut an analyst's edges describe, as texts in the column's type. bucket: as in Cut.

    BadRequest for what is no value of the column.

    >>> typed("age", "BIGINT", ["18", "65"]).edges
    (18, 65)
    """
    edges = [fit(text.strip(), kind, column=column) for text in texts if text.strip()]
    if family(kind) in ("moment", "zoned"):
        edges = [datetime.combine(each, time()) if type(each) is date else each for each in edges]
    if not edges:
        raise BadRequest(f"Say where to cut '{column}', as in 18, 25, 40.")
    return Cut(column, tuple(sorted(set(edges))), bucket)


def _text(edge: Value) -> str:
    if isinstance(edge, datetime):
        return edge.isoformat(sep=" ").removesuffix(" 00:00:00")
    if isinstance(edge, Decimal):
        return minus(f"{edge:,f}" if -9 < edge.adjusted() < 15 else str(edge))
    return minus(f"{edge:,}") if isinstance(edge, int) else str(edge)
