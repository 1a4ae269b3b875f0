"""The terminal twin: labels that are likely wrong, what is decided of them, and the dataset with them corrected."""

from pathlib import Path
from typing import Annotated

import typer

from analysis import questions
from analysis.cli import terminal
from analysis.cli.terminal import AsJson, Level, Named, Where, app
from analysis.core import words
from analysis.core.errors import BadRequest, NotFound
from analysis.core.evaluation import Evaluation
from analysis.core.labeldecision import CONFIRMED, REJECTED, LabelDecision
from analysis.core.receipt import Result
from analysis.engine.duckdb import Engine
from analysis.questions.label_errors import MOST
from analysis.store import evaluations, labeldecisions, relabelling
from analysis.store.workspace import Workspace
from analysis.telling import answers

Ids = Annotated[list[str] | None, typer.Option(metavar="ID", help="A listed row, by its id; repeatable.")]


@app.command(name="label-errors")
def label_errors(
    name: Named,
    model: Annotated[str, typer.Option(help="The model version whose scores judge; default: the newest.")] = "",
    where: Where = None,
    limit: Annotated[int, typer.Option(min=1, max=MOST, help="How many doubted labels are listed.")] = 50,
    order: Annotated[str, typer.Option(help="score or margin, the lowest first.")] = "score",
    confirm: Ids = None,
    reject: Ids = None,
    forget: Ids = None,
    apply: Annotated[
        bool, typer.Option("--apply", help="Keep the dataset's next version, with the confirmed labels corrected.")
    ] = False,
    export: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the decisions as CSV.")] = None,
    level: Level = 0.95,
    json: AsJson = False,
) -> None:
    """Which labels are likely wrong? Those a version's scores confidently contradict; confirm, reject, apply."""
    if export is not None and (export.is_dir() or not export.parent.is_dir()):
        raise BadRequest(f"The decisions cannot be written to '{export}'; name a file in a folder that is there.")
    with terminal.workspace() as workspace, terminal.progress() as progress:
        evaluation = evaluations.find(workspace, name)
        opened = Engine(workspace).open(evaluation)
        segment = terminal.segment(where, evaluation.types())
        if confirm or reject or forget:
            every = questions.label_errors(opened, model=model, limit=MOST)
            _decide(workspace, evaluation, every, confirm or [], reject or [], forget or [])
        known = {each.key: each.decision for each in labeldecisions.listed(workspace, evaluation.name)}
        result = questions.label_errors(
            opened, model=model, where=segment, limit=limit, order=order, decisions=known, level=level
        )
        sentence = result.sentence
        if apply:
            made, rows = relabelling.applied(workspace, evaluation, progress=progress)
            sentence += f"\nKept {made.label}, in which {words.plural(rows, 'label')} "
            sentence += f"{'is' if rows == 1 else 'are'} corrected."
        if export is not None:
            table = labeldecisions.table(workspace, evaluation.name)
            try:
                table.write_csv(export)
            except OSError as error:
                raise BadRequest(f"The decisions could not be written to '{export}': {error.strerror}.") from error
            sentence += f"\n{words.plural(len(table), 'decision')} written to {export}."
    if json:
        typer.echo(answers.told_with(sentence, result.frame, result.frames, result.receipt.to_dict(), True))
        return
    further = {name: result.frames[name] for name in ("classes", "groups")}
    further["groups"] = further["groups"].head(10)
    typer.echo(answers.told_with(sentence, result.frame, further, {}, False))


def _decide(
    workspace: Workspace, evaluation: Evaluation, every: Result, confirm: list[str], reject: list[str], undo: list[str]
) -> None:
    """Keep what was decided; BadRequest where an id is decided twice, NotFound where it is not listed, or nothing was
    decided of one to take back."""
    twice = {*confirm} & {*reject} | {*confirm, *reject} & {*undo}
    if twice:
        raise BadRequest(f"'{min(twice)}' is decided in two ways at once.")
    rows = {row["id"]: row for row in every.frame.iter_rows(named=True)}
    for id in (*confirm, *reject):
        if id not in rows:
            raise NotFound(f"The label of '{id}' is not among the {len(rows):,} most in doubt.")
    made = [
        LabelDecision(id, rows[id]["label"], rows[id]["suggested"], decision, rows[id]["model"])
        for decision, ids in ((CONFIRMED, confirm), (REJECTED, reject))
        for id in ids
    ]
    labeldecisions.forget(workspace, evaluation.name, undo)
    labeldecisions.keep(workspace, evaluation.name, made)
