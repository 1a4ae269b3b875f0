"""The terminal twin: where a model is weak, and whether that is real."""

import time
from typing import Annotated, Any

import polars as pl
import typer

from analysis import questions
from analysis.cli import terminal
from analysis.cli.terminal import AsJson, Named, Since, Text, Threshold, Until, Versions, Where, app
from analysis.core.period import read_period
from analysis.engine.duckdb import Engine
from analysis.store import evaluations
from analysis.store.evaluations import SEED
from analysis.telling import answers

FOR_PEOPLE = ("n", "value", "rest", "gap", "low", "high", "p_adjusted", "recoverable", "stability", "model")


@app.command()
def discover(
    evaluation: Named,
    objective: Annotated[
        Text,
        typer.Option(help="What to be weak in: accuracy, recall, log_loss, mae, calibration, cost, ..."),
    ] = None,
    model: Versions = None,
    against: Annotated[
        Text,
        typer.Option(
            metavar="MODEL|reference", help="Where it is worse than this version, or than the reference period."
        ),
    ] = None,
    depth: Annotated[int, typer.Option(help="Conditions a segment may have, 1 to 3.")] = 2,
    minimum: Annotated[
        int | None, typer.Option(help="Fewest rows of a segment; default: 0.5 % of them, at least 60.")
    ] = None,
    columns: Annotated[Text, typer.Option(metavar="A,B,...", help="Search these columns only.")] = None,
    q: Annotated[float | None, typer.Option("--q", help="Share of false discoveries to allow; default 0.05.")] = None,
    budget: Annotated[int, typer.Option(help="Candidates to search at most, in their fixed order.")] = 5_000_000,
    seconds: Annotated[float | None, typer.Option(help="Stop searching after so long, and say so.")] = None,
    where: Where = None,
    threshold: Threshold = None,
    since: Since = None,
    until: Until = None,
    seed: Annotated[int, typer.Option(help="Of the halves: one finds, the other confirms.")] = SEED,
    json: AsJson = False,
) -> None:
    """Weak spots: segments a model is worse in, found on one half of the rows and confirmed on the other."""
    end = None if seconds is None else time.monotonic() + seconds
    with terminal.workspace() as workspace, terminal.progress() as progress:
        found = evaluations.find(workspace, evaluation)
        result = questions.discover(
            Engine(workspace).open(found),
            questions.Asked(
                objective=objective or "",
                models=tuple(model or ()),
                against=against or "",
                depth=depth,
                minimum=minimum,
                columns=terminal.columns(columns, [each.name for each in found.columns]),
                q=q,
                budget=budget,
                where=terminal.segment(where, found.types()),
                period=read_period(since, until),
                threshold=threshold,
                seed=seed,
            ),
            progress=progress,
            late=lambda: end is not None and time.monotonic() > end,
        )
    if json:
        said = answers.told_with(result.sentence, result.frame, result.frames, result.receipt.to_dict(), True)
    else:
        places = pl.int_range(1, pl.len() + 1).alias(" ")
        said = answers.told(result.sentence, result.frame.select(places, *FOR_PEOPLE), {}, False)
        said += "".join(
            f"\n{place:>3}  {_described(row)}" for place, row in enumerate(result.frame.to_dicts(), start=1)
        )
    typer.echo(said)


def _described(row: dict[str, Any]) -> str:
    """A segment in full, with other descriptions of its rows."""
    return row["segment"] + ("" if row["same_rows"] is None else f"   (nearly the same rows: {row['same_rows']})")
