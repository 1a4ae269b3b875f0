"""Markers of an evaluation, kept in the catalog."""

from collections.abc import Iterable

from analysis.core.marker import Marker, kept_marker
from analysis.store import definitions
from analysis.store.workspace import Workspace

KIND = "marker"


def listed(workspace: Workspace, evaluation: str) -> list[Marker]:
    """The markers of the evaluation of this name, in the order of time."""
    kept = [kept_marker(each.body) for each in definitions.listed(workspace, KIND, evaluation)]
    return sorted(kept, key=lambda each: (each.moment, each.title))


def keep(workspace: Workspace, evaluation: str, marker: Marker) -> None:
    """Keep a marker; the same moment and title again only changes its kind."""
    definitions.keep(workspace, kind=KIND, name=marker.name, body=marker.body(), scope=evaluation)


def forget(workspace: Workspace, evaluation: str, names: Iterable[str]) -> None:
    """Take markers off, all or none: NotFound where there is none of a name, `MOMENT TITLE`."""
    for found in [definitions.find(workspace, KIND, name, evaluation) for name in names]:
        definitions.forget(workspace, found)
