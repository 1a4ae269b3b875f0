"""The terminal twin: thresholds and policies."""

from typing import Annotated

import typer

from analysis import questions
from analysis.cli import terminal
from analysis.cli.terminal import AsJson, Level, Named, Since, Text, Until, Versions, Where, app, names
from analysis.core import judged
from analysis.core.goal import KNOWN, read_goal
from analysis.core.period import read_period
from analysis.core.value import read_values
from analysis.engine.duckdb import Engine
from analysis.store import evaluations, policies
from analysis.telling import answers


@app.command()
def thresholds(
    evaluation: Named,
    metrics: Annotated[Text, typer.Option(metavar="M,...", help="Metrics; default: precision,recall,f1.")] = None,
    goal: Annotated[list[str] | None, typer.Option(metavar="TEXT", help=f"{KNOWN}; repeatable.")] = None,
    threshold: Annotated[list[float] | None, typer.Option(help="Only at this threshold; repeatable.")] = None,
    by: Annotated[Text, typer.Option(metavar="COLUMN", help="A threshold for each group of a column.")] = None,
    value: Annotated[Text, typer.Option(metavar="tp=..,fp=..", help="What decisions are worth; costs < 0.")] = None,
    amount: Annotated[Text, typer.Option(metavar="tp=..,fp=..", help="Worth as a share of the row's amount.")] = None,
    save: Annotated[Text, typer.Option(metavar="NAME", help="Save what the first goal chooses as a policy.")] = None,
    model: Versions = None,
    where: Where = None,
    since: Since = None,
    until: Until = None,
    level: Level = 0.95,
    json: AsJson = False,
) -> None:
    """Metrics at every threshold with intervals, and the threshold that serves a goal best."""
    with terminal.workspace() as workspace:
        found = evaluations.find(workspace, evaluation)
        result = questions.thresholds(
            Engine(workspace).open(found),
            metrics=names(metrics),
            goals=[read_goal(each) for each in goal or ()],
            at=threshold or (),
            by=by or "",
            values=read_values(value, amount),
            models=model or (),
            where=terminal.segment(where, judged.types(found)),
            period=read_period(since, until),
            level=level,
        )
        if save is not None:
            policies.keep(workspace, found, save, policies.chosen(found, result.receipt.recommended))
    if json or threshold:
        typer.echo(answers.told(result.sentence, result.frame, result.receipt.to_dict(), json))
    else:
        frame, said = answers.chosen_frame(result), answers.chosen_words(result)
        typer.echo(answers.told(f"{result.sentence}\n{said}", frame, {}, False))


@app.command(name="policies")
def list_policies(evaluation: Named, json: AsJson = False) -> None:
    """List the saved policies of an evaluation."""
    with terminal.workspace() as workspace:
        found = evaluations.find(workspace, evaluation)
        known = policies.listed(workspace, found)
    frame = policies.table(known)
    many = "policy" if len(known) == 1 else "policies"
    typer.echo(answers.told(f"{len(known)} {many} of '{found.name}'.", frame, {"rows": len(known)}, json))
