"""The terminal twin: how a model errs, and the rows of a segment."""

from typing import Annotated

import typer

from analysis import questions
from analysis.cli import terminal
from analysis.cli.terminal import AsJson, Level, Named, PolicyName, Since, Text, Threshold, Until, Versions, Where, app
from analysis.core import judged
from analysis.core.errors import BadRequest, Undecided
from analysis.core.period import read_period
from analysis.engine.duckdb import Engine
from analysis.store import evaluations
from analysis.telling import answers


@app.command()
def errors(
    evaluation: Named,
    model: Versions = None,
    where: Where = None,
    threshold: Threshold = None,
    policy: PolicyName = None,
    since: Since = None,
    until: Until = None,
    level: Level = 0.95,
    json: AsJson = False,
) -> None:
    """What is taken for what, or of a forecast its bias by level; `where` of a row is the segment that `rows` takes."""
    with terminal.workspace() as workspace:
        found = evaluations.find(workspace, evaluation)
        result = questions.errors(
            Engine(workspace).open(found),
            models=model or (),
            where=terminal.segment(where, judged.types(found)),
            period=read_period(since, until),
            threshold=terminal.rule(workspace, found, threshold, policy),
            level=level,
        )
    if not len(result.frame):
        raise Undecided(result.sentence.replace("\n", " "))
    typer.echo(answers.told(result.sentence, result.frame, result.receipt.to_dict(), json))


@app.command()
def rows(
    evaluation: Named,
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
    threshold: Threshold = None,
    policy: PolicyName = None,
    since: Since = None,
    until: Until = None,
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
            where=terminal.segment(where, judged.types(found)),
            period=read_period(since, until),
            threshold=terminal.rule(workspace, found, threshold, policy),
            order=order,
            limit=limit,
            offset=offset,
        )
    typer.echo(answers.told(result.sentence, result.frame, result.receipt.to_dict(), json))
