"""The terminal twin: saved segments."""

import json as json_
from typing import Annotated, Any

import polars as pl
import typer

from analysis import questions
from analysis.cli import terminal
from analysis.cli.terminal import AsJson, Text, app
from analysis.core import judged, words
from analysis.core.errors import BadRequest
from analysis.core.expression import parse
from analysis.core.savedsegment import SavedSegment, fitted, inapplicable
from analysis.core.segment import Saved, resolve
from analysis.engine.duckdb import Engine
from analysis.store import evaluations, segments
from analysis.store.workspace import Workspace
from analysis.telling import answers

ACTIONS = ("list", "save", "show", "rename", "delete")
LISTED: dict[str, Any] = {
    "name": pl.String,
    "version": pl.Int64,
    "segment": pl.String,
    "sentence": pl.String,
    "description": pl.String,
    "created": pl.String,
}


@app.command(name="segments")
def saved(
    action: Annotated[str, typer.Argument(help="list, save, show, rename or delete.")] = "list",
    name: Annotated[Text, typer.Argument(help="The segment's name; filters use it as @NAME.")] = None,
    expression: Annotated[
        Text, typer.Argument(metavar="EXPRESSION|NEW", help="What it selects, to save; its new name, to rename.")
    ] = None,
    description: Annotated[str, typer.Option(help="What it is for, in a sentence.")] = "",
    evaluation: Annotated[
        Text, typer.Option(help="Check it against this evaluation; to show: how many rows it has there.")
    ] = None,
    json: AsJson = False,
) -> None:
    """The saved segments: named once, for every evaluation, used in any filter as @NAME."""
    if action not in ACTIONS:
        raise BadRequest(f"segments is followed by {', '.join(ACTIONS[:-1])} or {ACTIONS[-1]}, not '{action}'.")
    if action != "list" and not name:
        raise BadRequest(f"Say which segment to {action}: segments {action} NAME.")
    if action in ("save", "rename") and not expression:
        raise BadRequest(f"segments {action} NAME needs {'an EXPRESSION' if action == 'save' else 'the NEW name'} too.")
    with terminal.workspace() as workspace:
        receipt: dict[str, Any] = {}
        if action == "show":
            sentence, frame, receipt = _shown(workspace, segments.find(workspace, name or ""), evaluation)
        else:
            sentence = _done(workspace, action, name or "", expression or "", description, evaluation)
            frame = _listed(segments.listed(workspace))
    typer.echo(answers.told(sentence, frame, receipt or {"rows": len(frame)}, json))


def _done(
    workspace: Workspace, action: str, name: str, expression: str, description: str, evaluation: str | None
) -> str:
    if action == "save":
        segment = parse(expression)
        if evaluation:
            types = judged.types(evaluations.find(workspace, evaluation))
            segment = parse(expression, columns=types)
            terminal.segment(expression, types)
        kept = segments.save(workspace, name, segment, description=description)
        return f"Kept the segment {kept.mention}, version {kept.version}: {kept.segment.sentence()}."
    if action == "rename":
        return f"The segment '{name}' is now {segments.rename(workspace, name, expression).mention}."
    if action == "delete":
        segments.delete(workspace, name)
        return f"The segment '{name}' is no longer listed."
    return f"{words.plural(len(segments.listed(workspace)), 'saved segment')}."


def _listed(known: list[SavedSegment]) -> pl.DataFrame:
    rows = [
        {
            "name": each.name,
            "version": each.version,
            "segment": each.segment.expression(),
            "sentence": each.segment.sentence(),
            "description": each.description,
            "created": each.created,
        }
        for each in known
    ]
    return pl.DataFrame(rows, schema=LISTED)


def _shown(
    workspace: Workspace, kept: SavedSegment, evaluation: str | None
) -> tuple[str, pl.DataFrame, dict[str, Any]]:
    """(what it is in words, a row an evaluation with its rows or why it is not applicable, dict and SQL)."""
    segment = resolve(Saved(kept.name), segments.conditions(workspace))
    found = [evaluations.find(workspace, evaluation)] if evaluation else evaluations.newest(workspace)
    engine, rows, sql = Engine(workspace), [], {}
    for each in found:
        types = judged.types(each)
        why = inapplicable(segment, types)
        line: dict[str, Any] = {"evaluation": each.label, "applicable": why is None, "rows": None, "of": each.rows}
        if why is None:
            result = questions.selection(engine.open(each), fitted(segment, types))
            line |= {"rows": result.frame["rows"][0]}
            sql[each.label] = result.receipt.sql["rows"]
        rows.append(line | {"reason": why})
    schema = {"evaluation": pl.String, "applicable": pl.Boolean, "rows": pl.Int64, "of": pl.Int64, "reason": pl.String}
    receipt = {
        "segment": kept.name,
        "version": kept.version,
        "expression": kept.segment.expression(),
        "condition": segment.expression(),
        "dict": segment.to_dict(),
        "versions": [
            {"version": each.version, "expression": each.segment.expression(), "created": each.created}
            for each in segments.versions(workspace, kept.name)
        ],
        "sql": sql,
    }
    said = [
        f"{kept.mention}, version {kept.version}" + (f": {kept.description}" if kept.description else ""),
        f"Rows where {segment.sentence()}.",
        f"Expression: {segment.expression()}",
        f"Dict: {json_.dumps(segment.to_dict(), ensure_ascii=False)}",
        *(f"SQL, {label}: {' '.join(text.split())}" for label, text in sql.items()),
    ]
    return "\n".join(said), pl.DataFrame(rows, schema=schema), receipt
