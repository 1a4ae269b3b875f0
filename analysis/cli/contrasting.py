"""The terminal twin: what sets rows apart from the rest, and saved segments side by side."""

from typing import Annotated

import typer

from analysis import questions
from analysis.cli import terminal
from analysis.cli.terminal import (
    AsJson,
    Level,
    Named,
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
from analysis.core.errors import UnknownName
from analysis.core.period import read_period
from analysis.core.segment import Everything, Saved, resolve
from analysis.engine.duckdb import Engine
from analysis.store import evaluations
from analysis.telling import answers

FOR_MACHINES = ("low", "high", "difference_low", "difference_high", "p", "other", "other_n", "difference_n", "reason")


@app.command()
def composition(
    evaluation: Named,
    segment: Annotated[
        str, typer.Argument(metavar="EXPRESSION", help="The rows, as in: label_ = 'yes' and prediction_ = 'no'")
    ],
    by: Annotated[Text, typer.Option(metavar="COLUMN[,COLUMN]", help="Columns; default: up to twelve.")] = None,
    model: Annotated[Text, typer.Option(help="The model version that judges; default: the last.")] = None,
    where: Where = None,
    threshold: Threshold = None,
    since: Since = None,
    until: Until = None,
    level: Level = 0.95,
    json: AsJson = False,
) -> None:
    """What rows are made of and what sets them apart from the rest; they may be chosen by what the model said."""
    with terminal.workspace() as workspace:
        found = evaluations.find(workspace, evaluation)
        result = questions.composition(
            Engine(workspace).open(found),
            terminal.segment(segment, judged.types(found)) or Everything(),
            by=columns(by, list(found.types())),
            model=model or "",
            where=terminal.segment(where, judged.types(found)),
            period=read_period(since, until),
            threshold=threshold,
            level=level,
        )
    frame = result.frame if json else result.frame.drop("low", "high", "difference_low", "difference_high", "p")
    typer.echo(answers.told(result.sentence, frame, result.receipt.to_dict(), json))


@app.command(name="compare-segments")
def compare_segments(
    evaluation: Named,
    segments: Annotated[Text, typer.Option(metavar="NAME,...", help="Saved segments; default: all.")] = None,
    metrics: Annotated[Text, typer.Option(metavar="M,...", help="Metrics; default: a few of the task.")] = None,
    model: Versions = None,
    where: Where = None,
    threshold: Threshold = None,
    since: Since = None,
    until: Until = None,
    level: Level = 0.95,
    json: AsJson = False,
) -> None:
    """Saved segments side by side: metrics against the rest, overlaps, effects with the other segments held fixed."""
    with terminal.workspace() as workspace:
        found, known = evaluations.find(workspace, evaluation), terminal.saved()
        chosen = columns(segments, list(known)) or tuple(known)
        for name in chosen:
            if name not in known:
                raise UnknownName("saved segment", name, known)
        result = questions.saved(
            Engine(workspace).open(found),
            segments={name: resolve(Saved(name), known) for name in chosen},
            metrics=names(metrics),
            models=model or (),
            where=terminal.segment(where, found.types()),
            period=read_period(since, until),
            threshold=threshold,
            level=level,
        )
    dropped = [] if json else [name for name in FOR_MACHINES if name in result.frame.columns]
    further = {name: frame for name, frame in result.frames.items() if json or name != "overlap"}
    typer.echo(answers.told_with(result.sentence, result.frame.drop(dropped), further, result.receipt.to_dict(), json))
