"""The terminal twin: why a model answers as it does about a row."""

from typing import Annotated

import typer

from analysis import questions
from analysis.cli import terminal
from analysis.cli.terminal import AsJson, Kept, Named, Text, app
from analysis.core import judged
from analysis.core.errors import BadRequest
from analysis.engine.duckdb import Engine
from analysis.store import evaluations, models
from analysis.telling import explainrows


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


def _times(text: str | None) -> tuple[float, ...]:
    """Multiples of the kernel width, from text."""
    try:
        return tuple(float(each) for each in (text or "").split(",") if each.strip())
    except ValueError:
        raise BadRequest(f"'{text}' are no multiples of the kernel width; give numbers as in 0.5,2.") from None
