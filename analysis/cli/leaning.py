"""The terminal twin: what a model leans on, and how its answer depends on one feature."""

from typing import Annotated

import typer

from analysis import questions
from analysis.cli import terminal
from analysis.cli.terminal import AsJson, Kept, Level, Named, Since, Text, Threshold, Until, Where, app
from analysis.core import judged
from analysis.core.period import read_period
from analysis.engine.duckdb import Engine
from analysis.store import evaluations, models
from analysis.telling import answers

Rows = Annotated[int | None, typer.Option("--rows", min=2, max=100_000, help="Rows to ask about.")]
FOR_PEOPLE = ("rank", "feature", "importance", "low", "high", "p_adjusted", "verdict", "direction", "related", "n")


@app.command()
def importance(
    evaluation: Named,
    model: Kept = None,
    metric: Annotated[Text, typer.Option(help="What is lost; default: roc_auc, log_loss of more classes, r2.")] = None,
    where: Where = None,
    since: Since = None,
    until: Until = None,
    rows: Rows = None,
    repeats: Annotated[int | None, typer.Option(min=1, max=100, help="Shuffles of each feature; default: 5.")] = None,
    together: Annotated[
        list[str] | None, typer.Option(metavar="A,B,...", help="Features to shuffle as one; repeatable.")
    ] = None,
    related: Annotated[bool, typer.Option("--related", help="Shuffle features that hang together as one.")] = False,
    by_period: Annotated[
        Text, typer.Option("--by-period", metavar="BUCKET", help="Also by week, month, quarter, ...: did it change?")
    ] = None,
    threshold: Threshold = None,
    seed: Annotated[int | None, typer.Option(help="Of the rows and the shuffles.")] = None,
    level: Level = 0.95,
    json: AsJson = False,
) -> None:
    """Which features a kept model leans on: what a metric loses when each is shuffled."""
    with terminal.workspace() as workspace, terminal.progress() as progress:
        found = evaluations.find(workspace, evaluation)
        chosen = models.asked_for(workspace, found.name, model)
        known = [column.name for column in found.columns]
        asked = questions.Shuffles(
            metric=metric or "",
            where=terminal.segment(where, judged.types(found)),
            period=read_period(since, until),
            limit=rows,
            repeats=repeats,
            groups=tuple(terminal.columns(each, known) for each in together or ()),
            related=related,
            by=by_period or "",
            threshold=threshold,
            level=level,
            **({} if seed is None else {"seed": seed}),
        )
        engine, scorer = Engine(workspace).open(found), models.scorer(workspace, chosen)
        result = questions.importance(engine, scorer, asked, progress=progress)
    if json:
        said = answers.told_with(result.sentence, result.frame, result.frames, result.receipt.to_dict(), True)
    else:
        said = answers.told(result.sentence, result.frame.select(FOR_PEOPLE), {}, False)
    typer.echo(said)


@app.command()
def dependence(
    evaluation: Named,
    feature: Annotated[str, typer.Option(help="The feature whose value is changed.")],
    model: Kept = None,
    row: Annotated[Text, typer.Option(metavar="ID", help="Also this row's own curve.")] = None,
    of_class: Annotated[Text, typer.Option("--class", help="The class whose score is shown, of more than two.")] = None,
    where: Where = None,
    since: Since = None,
    until: Until = None,
    rows: Rows = None,
    level: Level = 0.95,
    json: AsJson = False,
) -> None:
    """How a kept model's answer depends on one feature: the mean over rows, and the curves of single ones."""
    with terminal.workspace() as workspace, terminal.progress() as progress:
        found = evaluations.find(workspace, evaluation)
        chosen = models.asked_for(workspace, found.name, model)
        result = questions.dependence(
            Engine(workspace).open(found),
            models.scorer(workspace, chosen),
            feature=feature,
            row=row,
            of_class=of_class,
            where=terminal.segment(where, judged.types(found)),
            period=read_period(since, until),
            limit=rows,
            level=level,
            progress=progress,
        )
    if json:
        said = answers.told_with(result.sentence, result.frame, result.frames, result.receipt.to_dict(), True)
    else:
        said = answers.told(result.sentence, result.frame.select("value", "mean", "low", "high", "n"), {}, False)
    typer.echo(said)
