"""Targets of an evaluation, kept in the catalog: one a metric, and one more for a model version of its own."""

from collections.abc import Iterable

from analysis.core.target import Target, kept_target
from analysis.store import definitions
from analysis.store.workspace import Workspace

KIND = "target"


def listed(workspace: Workspace, evaluation: str) -> list[Target]:
    """The targets of the evaluation of this name, by metric."""
    return [kept_target(each.body) for each in definitions.listed(workspace, KIND, evaluation)]


def keep(workspace: Workspace, evaluation: str, target: Target) -> None:
    """Keep a target; another of the same metric and version gives way to it."""
    definitions.keep(workspace, kind=KIND, name=target.name, body=target.body(), scope=evaluation)


def forget(workspace: Workspace, evaluation: str, names: Iterable[str]) -> None:
    """Take targets off, all or none: NotFound where there is none of a name (a metric, or `METRIC of MODEL`)."""
    for found in [definitions.find(workspace, KIND, name, evaluation) for name in names]:
        definitions.forget(workspace, found)
