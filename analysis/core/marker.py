"""Markers: moments worth a line on every trend, as a deployment or an incident."""

import re
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from analysis.core.errors import BadRequest
from analysis.core.literal import CLOCK, DAY, read_moment

KINDS = ("deployment", "incident", "other")
LONGEST = 80
_MARKER = re.compile(rf"\s*(?P<moment>{DAY}(?:[Tt ]{CLOCK})?)\s+(?P<title>\S.*?)\s*", re.DOTALL)


@dataclass(frozen=True)
class Marker:
    """moment: local to the evaluation's zone, as its buckets are. title: what happened."""

    moment: datetime
    title: str
    kind: str = "deployment"

    @property
    def name(self) -> str:
        """What it is kept under: the moment, ISO, and the title."""
        return f"{self.written} {self.title}"

    @property
    def written(self) -> str:
        """The moment: a day alone where it is midnight."""
        whole = (self.moment.hour, self.moment.minute, self.moment.second) == (0, 0, 0)
        return str(self.moment.date()) if whole else self.moment.isoformat(sep=" ")

    def body(self) -> dict[str, Any]:
        return {"moment": self.moment.isoformat(), "title": self.title, "kind": self.kind}


def marker(moment: date, title: str, kind: str = "deployment") -> Marker:
    """A marker of a day or of a moment; BadRequest where its title or kind cannot be kept."""
    title = " ".join(title.split())
    if not 0 < len(title) <= LONGEST or "@" in title or "~" in title:
        raise BadRequest(f"A marker's title has 1 to {LONGEST} characters, none of them '@' or '~': '{title[:100]}'.")
    if kind not in KINDS:
        raise BadRequest(f"A marker is one of {', '.join(KINDS)}, not '{kind}'.")
    if isinstance(moment, datetime):
        if moment.tzinfo is not None:
            raise BadRequest("A marker's moment is local to the evaluation's zone; leave the zone off.")
        return Marker(moment, title, kind)
    return Marker(datetime(moment.year, moment.month, moment.day), title, kind)


def read_marker(text: str, kind: str = "deployment") -> Marker:
    """A marker as typed, moment first.

    >>> read_marker("2026-03-02 v2 deployed").name
    '2026-03-02 v2 deployed'
    """
    found = _MARKER.fullmatch(text)
    moment = None if found is None else read_moment(found["moment"])
    if found is None or moment is None:
        raise BadRequest(f"A marker is written MOMENT TITLE, as in '2026-03-02 v2 deployed'; '{text[:80]}' is not.")
    return marker(moment, found["title"], kind)


def kept_marker(body: dict[str, Any]) -> Marker:
    """A marker as it was kept."""
    return Marker(datetime.fromisoformat(body["moment"]), body["title"], body["kind"])
