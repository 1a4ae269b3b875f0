"""Saved segments in the workspace: kept once, under a name all evaluations share, with their versions."""

from analysis.core.dataset import clean_name
from analysis.core.errors import BadRequest
from analysis.core.savedsegment import Conditions, SavedSegment, renamed
from analysis.core.segment import Saved, Segment, resolve
from analysis.core.words import listed as in_words
from analysis.store import definitions
from analysis.store.definitions import Definition
from analysis.store.workspace import Workspace

KIND = "segment"


def save(workspace: Workspace, name: str, segment: Segment, *, description: str = "") -> SavedSegment:
    """Keep a segment as the next version of its name.

    UnknownName where it mentions one that is not saved, BadRequest where that would go in a circle; nothing is kept.
    """
    name = clean_name(name, KIND)
    resolve(Saved(name), {**conditions(workspace), name: segment})
    body = SavedSegment(name, segment, description.strip()).body()
    return _read(definitions.keep(workspace, kind=KIND, name=name, body=body))


def listed(workspace: Workspace) -> list[SavedSegment]:
    """Every saved segment, by name."""
    return [_read(each) for each in definitions.listed(workspace, KIND, "")]


def conditions(workspace: Workspace) -> Conditions:
    """{name: condition} of every saved segment, as `resolve` wants them."""
    return {each.name: each.segment for each in listed(workspace)}


def find(workspace: Workspace, name: str) -> SavedSegment:
    """The newest version of a saved segment; NotFound with the nearest known name otherwise."""
    return _read(definitions.find(workspace, KIND, name))


def versions(workspace: Workspace, name: str) -> list[SavedSegment]:
    """Every version of a name, the newest first."""
    return [_read(each) for each in definitions.history(workspace, KIND, name)]


def dependents(workspace: Workspace, name: str) -> list[str]:
    """The saved segments that mention this one, directly or through others, by name."""
    known = conditions(workspace)
    found, fresh = set[str](), {name}
    while fresh:
        fresh = {each for each, segment in known.items() if segment.mentions() & fresh} - found
        found |= fresh
    return sorted(found)


def rename(workspace: Workspace, name: str, new: str) -> SavedSegment:
    """Give a saved segment another name, also where others mention it; links with the old name find it no longer."""
    kept, new = definitions.find(workspace, KIND, name), clean_name(new, KIND)
    if new == name:
        return _read(kept)
    others = {
        each.name: SavedSegment(each.name, renamed(each.segment, name, new), each.description).body()
        for each in listed(workspace)
        if name in each.segment.mentions()
    }
    return _read(definitions.rename(workspace, kept, new, others))


def delete(workspace: Workspace, name: str) -> None:
    """Take a saved segment off the list; BadRequest, naming them, where others mention it."""
    kept, others = definitions.find(workspace, KIND, name), dependents(workspace, name)
    if others:
        raise BadRequest(
            f"The saved segment '{name}' is part of {in_words([f'{each!r}' for each in others])}; "
            "change or delete that first."
        )
    definitions.forget(workspace, kept)


def _read(kept: Definition) -> SavedSegment:
    known = {"version": kept.version, "created": kept.created, "actor": kept.actor}
    return SavedSegment.kept(kept.name, kept.body, **known)
