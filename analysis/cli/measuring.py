"""The terminal twin: metrics."""

from typing import Annotated

import typer

from analysis import questions
from analysis.cli import gates, terminal
from analysis.cli.gates import Cautious, FailIf, Junit
from analysis.cli.terminal import (
    AsJson,
    Bins,
    Level,
    Named,
    PolicyName,
    Since,
    Text,
    Threshold,
    Until,
    Versions,
    Where,
    app,
    columns,
    names,
)
from analysis.core import judged
from analysis.core.period import read_period
from analysis.engine.duckdb import Engine
from analysis.metrics import panel
from analysis.store import evaluations
from analysis.telling import answers


@app.command()
def measure(
    evaluation: Named,
    metrics: Annotated[Text, typer.Option(metavar="M,...", help="Metrics; default: all of the task.")] = None,
    by: Annotated[Text, typer.Option(metavar="COLUMN[,COLUMN]", help="Break out by columns.")] = None,
    bins: Bins = None,
    where: Where = None,
    model: Versions = None,
    threshold: Threshold = None,
    policy: PolicyName = None,
    since: Since = None,
    until: Until = None,
    level: Level = 0.95,
    fail_if: FailIf = None,
    cautious: Cautious = False,
    junit: Junit = None,
    json: AsJson = False,
) -> None:
    """Metrics with intervals, of each model version, overall or broken out by columns."""
    asked = gates.asked(fail_if, cautious, junit)
    with terminal.workspace() as workspace:
        found = evaluations.find(workspace, evaluation)
        opened = Engine(workspace).open(found)
        for gate in asked:
            panel.chosen(found, [gate.bound.metric], opened.own)
        segment = terminal.segment(where, judged.types(found))
        result = questions.measure(
            opened,
            metrics=gates.names(names(metrics), asked),
            by=columns(by, list(found.types())),
            binnings=terminal.binnings(bins),
            where=segment,
            models=model or (),
            period=read_period(since, until),
            threshold=terminal.rule(workspace, found, threshold, policy),
            level=level,
        )
    cases = gates.judged(result.frame, asked, result.frame.columns[: len(columns(by, list(found.types())))])
    gates.report(cases, junit, result)
    typer.echo(answers.told(result.sentence, result.frame, result.receipt.to_dict() | gates.told(cases), json))
    gates.finish(cases)
