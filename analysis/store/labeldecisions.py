"""Decisions on doubted labels in the workspace: kept for an evaluation and all its versions, one a row and label."""

import hashlib
import json
from collections.abc import Iterable, Sequence

import polars as pl

from analysis.core.errors import NotFound
from analysis.core.labeldecision import CONFIRMED, KIND, LabelDecision
from analysis.store import definitions
from analysis.store.exports import safe
from analysis.store.workspace import Workspace

SCHEMA = dict.fromkeys(("id", "label", "suggested", "decision", "model", "actor", "created"), pl.String)


def row_name(parts: Sequence[str]) -> str:
    """SQL of what a row is called, given its id columns as text: the value of the only one, or the values of all,
    joined by " | ". No two rows of different ids are called the same: of several values a bar or backslash within one
    has a backslash before it, and a missing one is \\N."""
    if len(parts) == 1:
        return parts[0]
    values = [f"coalesce(replace(replace({part}, '\\', '\\\\'), '|', '\\|'), '\\N')" for part in parts]
    joined = " || ' | ' || ".join(values)
    return f"({joined})"


def _name(key: tuple[str, str]) -> str:
    return hashlib.sha256(json.dumps(key).encode()).hexdigest()[:32]


def listed(workspace: Workspace, scope: str) -> list[LabelDecision]:
    """What was decided of an evaluation's labels, by its name; the first decided first."""
    kept = sorted(definitions.listed(workspace, KIND, scope), key=lambda each: (each.created, each.body["id"]))
    return [LabelDecision.from_dict(each.body) for each in kept]


def confirmed(workspace: Workspace, scope: str) -> list[LabelDecision]:
    """Those that say a label is wrong."""
    return [each for each in listed(workspace, scope) if each.decision == CONFIRMED]


def keep(workspace: Workspace, scope: str, decisions: Iterable[LabelDecision]) -> None:
    """Keep decisions, all or none; a later one on the same row and label takes the place of an earlier one, and so does
    one that confirms the opposite."""
    made = list(decisions)
    definitions.keep_all(workspace, KIND, scope, {_name(each.key): each.to_dict() for each in made})
    opposite = {(each.id, each.suggested, each.label) for each in made if each.decision == CONFIRMED}
    for each in definitions.listed(workspace, KIND, scope):
        said = LabelDecision.from_dict(each.body)
        if said.decision == CONFIRMED and (said.id, said.label, said.suggested) in opposite:
            definitions.forget(workspace, each)


def forget(workspace: Workspace, scope: str, ids: Iterable[str]) -> None:
    """Take back all that was decided of these rows, whatever label they had; NotFound, and nothing is taken back, where
    nothing was decided of one."""
    known = definitions.listed(workspace, KIND, scope)
    wanted = set(ids)
    undecided = wanted - {each.body["id"] for each in known}
    if undecided:
        raise NotFound(f"Nothing is decided of the label of '{min(undecided)}', so there is nothing to take back.")
    for each in known:
        if each.body["id"] in wanted:
            definitions.forget(workspace, each)


def table(workspace: Workspace, scope: str) -> pl.DataFrame:
    """A row a decision with who made it and when, its texts safe to open in a spreadsheet."""
    rows = [
        {name: safe(str(value)) for name, value in (each.body | {"actor": each.actor, "created": each.created}).items()}
        for each in sorted(definitions.listed(workspace, KIND, scope), key=lambda each: (each.created, each.body["id"]))
    ]
    return pl.DataFrame(rows, schema=SCHEMA)
