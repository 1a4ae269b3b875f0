"""The terminal twin: metrics."""

from typing import Annotated

import typer

from analysis import questions
from analysis.cli import gates, terminal
from analysis.cli.gates import Cautious, FailIf, Junit
from analysis.cli.terminal import AsJson, Text, app, columns, names
from analysis.core.errors import BadRequest
from analysis.core.expression import parse
from analysis.core.period import read_period
from analysis.engine.duckdb import Engine
from analysis.metrics import panel
from analysis.store import evaluations
from analysis.telling import answers


@app.command()
def measure(
    evaluation: Annotated[str, typer.Argument(help="The evaluation, as name or name@version.")],
    metrics: Annotated[Text, typer.Option(metavar="M,...", help="Metrics; default: all of the task.")] = None,
    by: Annotated[Text, typer.Option(metavar="COLUMN[,COLUMN]", help="Break out by columns.")] = None,
    where: Annotated[Text, typer.Option(metavar="EXPRESSION", help="Only rows where, as in: region = 'West'")] = None,
    model: Annotated[list[str] | None, typer.Option(help="A model version; default: all.")] = None,
    threshold: Annotated[float | None, typer.Option(help="Decide positive from this score on.")] = None,
    since: Annotated[Text, typer.Option("--from", help="First day, as 2026-01-05.")] = None,
    until: Annotated[Text, typer.Option("--to", help="Last day.")] = None,
    level: Annotated[float, typer.Option(help="The intervals' level.")] = 0.95,
    fail_if: FailIf = None,
    cautious: Cautious = False,
    junit: Junit = None,
    json: AsJson = False,
) -> None:
    """Metrics with intervals, of each model version, overall or broken out by columns."""
    if not 0.5 <= level < 1:
        raise BadRequest(f"--level is a share from 0.5 to below 1, not {level}.")
    asked = gates.asked(fail_if, cautious, junit)
    with terminal.workspace() as workspace:
        found = evaluations.find(workspace, evaluation)
        opened = Engine(workspace).open(found)
        for gate in asked:
            panel.chosen(found, [gate.bound.metric], opened.own)
        segment = parse(where, columns=found.types()) if where else None
        result = questions.measure(
            opened,
            metrics=gates.names(names(metrics), asked),
            by=columns(by, list(found.types())),
            where=segment,
            models=model or (),
            period=read_period(since, until),
            threshold=threshold,
            level=level,
        )
    cases = gates.judged(result, asked, result.frame.columns[: len(columns(by, list(found.types())))])
    gates.report(cases, junit, result)
    typer.echo(answers.told(result.sentence, result.frame, result.receipt.to_dict() | gates.told(cases), json))
    gates.finish(cases)
