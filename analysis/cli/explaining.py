"""The terminal twin: why a model answers as it does about a row."""

from typing import Annotated

import typer

from analysis import questions
from analysis.cli import terminal
from analysis.cli.terminal import AsJson, Kept, Level, Named, Since, Text, Threshold, Until, Where, app
from analysis.core import judged
from analysis.core.errors import BadRequest
from analysis.core.period import read_period
from analysis.engine.duckdb import Engine
from analysis.store import evaluations, models
from analysis.telling import explainrows, pushrows


@app.command()
def explain(
    evaluation: Named,
    row: Annotated[
        str, typer.Option("--row", help="The row's id; of several id columns their values joined by commas.")
    ],
    model: Kept = None,
    cls: Annotated[Text, typer.Option("--class", help="The class to explain; default: the positive one.")] = None,
    samples: Annotated[int | None, typer.Option(help="Neighbours a repeat asks about; default: 5,000.")] = None,
    repeats: Annotated[
        int | None, typer.Option(help="So many repeats; default: until signs and ranks settle. 1 is plain LIME.")
    ] = None,
    kernel_width: Annotated[
        float | None, typer.Option(help="How far neighbours count; default: 0.75 times the root of the features.")
    ] = None,
    kernel_widths: Annotated[
        Text,
        typer.Option(metavar="TIMES,...", help="Look again with so many times the kernel width, as in 0.5,2."),
    ] = None,
    from_where: Annotated[
        Text, typer.Option(metavar="EXPRESSION", help="Draw neighbours as the rows of this segment lie; default: all.")
    ] = None,
    text: Annotated[
        Text, typer.Option(metavar="COLUMN", help="Explain the words of this text, all else as it is.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the first repeat; the others' seeds follow from it.")] = 0,
    json: AsJson = False,
) -> None:
    """Why a model answers as it does about a row: LIME, repeated until it settles, checked and graded."""
    with terminal.workspace() as workspace, terminal.progress() as progress:
        found = evaluations.find(workspace, evaluation)
        chosen = models.asked_for(workspace, found.name, model)
        result = questions.explain(
            Engine(workspace).open(found),
            models.scorer(workspace, chosen),
            row=row,
            cls=cls or "",
            where=terminal.segment(from_where, judged.types(found)),
            samples=samples,
            kernel_width=kernel_width,
            kernel_widths=_times(kernel_widths),
            repeats=repeats,
            seed=seed,
            text=text or "",
            progress=progress,
        )
    typer.echo(explainrows.told(result, json))


@app.command(name="explain-segment")
def explain_segment(
    evaluation: Named,
    where: Where = None,
    against: Annotated[
        str, typer.Option(help="rest: the segment against all other rows; correct: its errors against its right rows.")
    ] = "rest",
    versus: Annotated[
        Text, typer.Option(metavar="MODEL", help="Another kept model instead: the rows the two decide differently.")
    ] = None,
    model: Kept = None,
    version: Annotated[
        Text, typer.Option(help="Whose recorded decisions are right or wrong; default: the model's, else the last.")
    ] = None,
    cls: Annotated[Text, typer.Option("--class", help="The class to explain; default: the positive one.")] = None,
    rows: Annotated[int | None, typer.Option(min=2, max=10_000, help="Rows a side; default: 100.")] = None,
    samples: Annotated[int | None, typer.Option(help="Neighbours of each row; default: 5,000.")] = None,
    repeats: Annotated[int, typer.Option(min=1, max=200, help="Repeats of each row, whose mean counts.")] = 2,
    since: Since = None,
    until: Until = None,
    threshold: Threshold = None,
    seed: Annotated[int | None, typer.Option(help="Of the rows and their neighbours.")] = None,
    level: Level = 0.95,
    json: AsJson = False,
) -> None:
    """What a kept model does otherwise in a segment, in its errors, or than another model: many rows explained."""
    with terminal.workspace() as workspace, terminal.progress() as progress:
        found = evaluations.find(workspace, evaluation)
        chosen = models.scorer(workspace, models.asked_for(workspace, found.name, model))
        segment, period = terminal.segment(where, judged.types(found)), read_period(since, until)
        engine = Engine(workspace).open(found)
        seeded = {} if seed is None else {"seed": seed}
        if versus is None:
            asked = questions.Explaining(
                segment,
                against,
                period,
                version or "",
                threshold,
                cls or "",
                rows,
                samples,
                repeats,
                None,
                level=level,
                **seeded,
            )
            result = questions.explain_segment(engine, chosen, asked, progress=progress)
        else:
            other = models.scorer(workspace, models.find(workspace, versus))
            flips = questions.Flips(
                segment, period, threshold, cls or "", rows, samples, repeats, None, level=level, **seeded
            )
            result = questions.explain_difference(engine, chosen, other, flips, progress=progress)
    typer.echo(pushrows.told(result, json))


def _times(text: str | None) -> tuple[float, ...]:
    """Multiples of the kernel width, from text."""
    try:
        return tuple(float(each) for each in (text or "").split(",") if each.strip())
    except ValueError:
        raise BadRequest(f"'{text}' are no multiples of the kernel width; give numbers as in 0.5,2.") from None
