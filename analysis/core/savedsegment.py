"""Saved segments: conditions kept under a name that every page, model version and report may use as `@name`.

What is asked of an evaluation is the condition itself: `read` puts it in place, so that a receipt says what was counted
and a later change of the saved segment does not change what it says.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from analysis.core import words
from analysis.core.errors import BadRequest
from analysis.core.expression import parse
from analysis.core.judged import is_judged
from analysis.core.segment import And, Not, Or, Saved, Segment, from_dict, resolve

Conditions = Mapping[str, Segment]


@dataclass(frozen=True)
class SavedSegment:
    """A condition under a name. segment: as it was written, it may mention other saved segments."""

    name: str
    segment: Segment
    description: str = ""
    version: int = 1
    created: str = ""
    actor: str = ""

    @property
    def mention(self) -> str:
        """How a filter names it: `@name`, or quoted where the name is no plain word."""
        return Saved(self.name).expression()

    def body(self) -> dict[str, Any]:
        """What the catalog keeps."""
        return self.segment.to_dict() | {"description": self.description}

    @staticmethod
    def kept(name: str, body: dict[str, Any], **known: Any) -> "SavedSegment":
        return SavedSegment(name, from_dict(body), body.get("description", ""), **known)


def read(text: str, columns: Mapping[str, str], saved: Callable[[], Conditions]) -> Segment:
    """What an expression asks of an evaluation, its saved segments replaced by their conditions.

    columns: {name: DuckDB type}. saved: the known conditions, asked for only where one is mentioned. UnknownName for
    one that is not there; BadRequest where they go in a circle or are not applicable here, with the reason.

    >>> read("@west and amount > 5", {"region": "VARCHAR", "amount": "BIGINT"}, lambda: {"west": parse("region = 'W'")})
    And(parts=(Compare(column='region', op='=', value='W'), Compare(column='amount', op='>', value=5)))
    """
    asked = parse(text, columns=columns)
    if not asked.mentions():
        return asked
    known = saved()
    for name in sorted(asked.mentions()):
        why = inapplicable(resolve(Saved(name), known), columns)
        if why is not None:
            raise BadRequest(f"The saved segment '{name}' is not applicable here: {why}")
    return fitted(resolve(asked, known), columns)


def fitted(segment: Segment, columns: Mapping[str, str]) -> Segment:
    """The segment with its column names and values as these columns have them."""
    return parse(segment.expression(), columns=columns)


def inapplicable(segment: Segment, columns: Mapping[str, str]) -> str | None:
    """Why a resolved segment cannot be asked of these columns, as a sentence; None where it can."""
    folded = [each.casefold() for each in columns]
    lacking = [name for name in sorted(segment.columns()) if name not in columns and folded.count(name.casefold()) != 1]
    if lacking:
        judged = [name for name in lacking if is_judged(name)]
        noun = "column is" if len(lacking) == 1 else "columns are"
        what = f"its {noun} not there: {words.listed([f'{name!r}' for name in lacking])}"
        rows = f" ({words.listed(judged)}: what a model version says of a row, which only its rows tell)"
        return f"{what}{rows if judged else ''}."
    try:
        fitted(segment, columns)
    except BadRequest as error:
        return str(error)
    return None


def renamed(segment: Segment, old: str, new: str) -> Segment:
    """The segment with one saved segment's mentions under another name."""
    match segment:
        case Saved(name):
            return Saved(new) if name == old else segment
        case Not(part):
            return Not(renamed(part, old, new))
        case And(parts) | Or(parts):
            return type(segment)(tuple([renamed(part, old, new) for part in parts]))
    return segment
