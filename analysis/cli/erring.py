"""The terminal twin: how a model errs, and the rows of a segment."""

from typing import Annotated

import typer

from analysis import questions
from analysis.cli import terminal
from analysis.cli.terminal import AsJson, Text, app
from analysis.core import judged
from analysis.core.errors import BadRequest, Undecided
from analysis.core.expression import parse
from analysis.core.period import read_period
from analysis.engine.duckdb import Engine
from analysis.store import evaluations
from analysis.telling import answers


@app.command()
def errors(
    evaluation: Annotated[str, typer.Argument(help="The evaluation, as name or name@version.")],
    model: Annotated[list[str] | None, typer.Option(help="A model version; default: all.")] = None,
    where: Annotated[Text, typer.Option(metavar="EXPRESSION", help="Only rows where, as in: region = 'West'")] = None,
    threshold: Annotated[float | None, typer.Option(help="Decide positive from this score on.")] = None,
    since: Annotated[Text, typer.Option("--from", help="First day, as 2026-01-05.")] = None,
    until: Annotated[Text, typer.Option("--to", help="Last day.")] = None,
    level: Annotated[float, typer.Option(help="The intervals' level.")] = 0.95,
    json: AsJson = False,
) -> None:
    """What is taken for what, or of a forecast its bias by level; `where` of a row is the segment that `rows` takes."""
    if not 0.5 <= level < 1:
        raise BadRequest(f"--level is a share from 0.5 to below 1, not {level}.")
    with terminal.workspace() as workspace:
        found = evaluations.find(workspace, evaluation)
        result = questions.errors(
            Engine(workspace).open(found),
            models=model or (),
            where=parse(where, columns=found.types()) if where else None,
            period=read_period(since, until),
            threshold=threshold,
            level=level,
        )
    if not len(result.frame):
        raise Undecided(result.sentence.replace("\n", " "))
    typer.echo(answers.told(result.sentence, result.frame, result.receipt.to_dict(), json))


@app.command()
def rows(
    evaluation: Annotated[str, typer.Argument(help="The evaluation, as name or name@version.")],
    where: Annotated[
        Text,
        typer.Option(
            metavar="EXPRESSION",
            help="Only rows where; beside its own columns: label_, prediction_, score_ or error_, loss_, time_.",
        ),
    ] = None,
    model: Annotated[Text, typer.Option(help="The model version that judges; default: the last.")] = None,
    order: Annotated[str, typer.Option(help="loss (largest first), score, id, time or file.")] = "loss",
    limit: Annotated[int, typer.Option(help="How many rows, 1 to 10,000.")] = 20,
    offset: Annotated[int, typer.Option(help="Leave out so many first.")] = 0,
    threshold: Annotated[float | None, typer.Option(help="Decide positive from this score on.")] = None,
    since: Annotated[Text, typer.Option("--from", help="First day, as 2026-01-05.")] = None,
    until: Annotated[Text, typer.Option("--to", help="Last day.")] = None,
    json: AsJson = False,
) -> None:
    """The rows of a segment with label, prediction, score and loss, the largest losses first."""
    if limit < 1:
        raise BadRequest(f"--limit is a number of rows from 1 on, not {limit}.")
    with terminal.workspace() as workspace:
        found = evaluations.find(workspace, evaluation)
        result = questions.rows(
            Engine(workspace).open(found),
            model=model or "",
            where=parse(where, columns=judged.types(found)) if where else None,
            period=read_period(since, until),
            threshold=threshold,
            order=order,
            limit=limit,
            offset=offset,
        )
    typer.echo(answers.told(result.sentence, result.frame, result.receipt.to_dict(), json))
