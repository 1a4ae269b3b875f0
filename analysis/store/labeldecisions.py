"""Decisions on doubted labels in the workspace: kept for an evaluation and all its versions, one a row and label."""

import hashlib
import json
from collections.abc import Iterable, Sequence

import polars as pl

from analysis.core.labeldecision import CONFIRMED, KIND, LabelDecision
from analysis.store import definitions
from analysis.store.exports import safe
from analysis.store.workspace import Workspace

SCHEMA = dict.fromkeys(("id", "label", "suggested", "decision", "model", "actor", "created"), pl.String)


def row_name(parts: Sequence[str]) -> str:
    """SQL of what a row is called: the values of its id columns, given as text, joined by " | "."""
    return parts[0] if len(parts) == 1 else f"concat_ws(' | ', {', '.join(parts)})"


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
    """Keep decisions, all or none; a later one on the same row and label takes the place of an earlier one."""
    definitions.keep_all(workspace, KIND, scope, {_name(each.key): each.to_dict() for each in decisions})


def forget(workspace: Workspace, scope: str, keys: Iterable[tuple[str, str]]) -> None:
    """Take decisions back; those that are not there stay undecided."""
    known = {each.name: each for each in definitions.listed(workspace, KIND, scope)}
    for name in {_name(key) for key in keys} & set(known):
        definitions.forget(workspace, known[name])


def table(workspace: Workspace, scope: str) -> pl.DataFrame:
    """A row a decision with who made it and when, its texts safe to open in a spreadsheet."""
    rows = [
        {name: safe(str(value)) for name, value in (each.body | {"actor": each.actor, "created": each.created}).items()}
        for each in sorted(definitions.listed(workspace, KIND, scope), key=lambda each: (each.created, each.body["id"]))
    ]
    return pl.DataFrame(rows, schema=SCHEMA)
