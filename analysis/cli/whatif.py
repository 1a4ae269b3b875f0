"""The terminal twin: one row otherwise. What a model would say of it, its nearest opposite, what turns it."""

from typing import Annotated

import polars as pl
import typer

from analysis import questions
from analysis.cli import terminal
from analysis.cli.terminal import AsJson, Kept, Named, PolicyName, Text, Threshold, app, columns
from analysis.core.errors import BadRequest
from analysis.core.evaluation import Evaluation
from analysis.core.receipt import Result
from analysis.engine.duckdb import Engine
from analysis.store import evaluations, models
from analysis.telling import answers

Row = Annotated[str, typer.Option("--row", metavar="ID", help="The row, by its id.")]
Version = Annotated[
    Text, typer.Option("--version", help="The recorded version beside it; default: the one the model belongs to.")
]


@app.command(name="what-if")
def what_if(
    evaluation: Named,
    row: Row,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="FEATURE=VALUE", help="A new value, as in income=42000; repeatable."),
    ] = None,
    model: Kept = None,
    version: Version = None,
    cls: Annotated[Text, typer.Option("--class", help="The class whose score is followed.")] = None,
    threshold: Threshold = None,
    policy: PolicyName = None,
    json: AsJson = False,
) -> None:
    """What a model gives for a row with other values, all together and each alone."""
    with terminal.workspace() as workspace:
        found = evaluations.find(workspace, evaluation)
        result = questions.what_if(
            Engine(workspace).open(found),
            models.scorer(workspace, models.asked_for(workspace, found.name, model)),
            row=row,
            changes=_changes(set_ or [], found),
            version=version or "",
            cls=cls or "",
            threshold=terminal.rule(workspace, found, threshold, policy),
        )
    _tell(result, json)


@app.command()
def opposite(
    evaluation: Named,
    row: Row,
    model: Kept = None,
    by: Annotated[
        Text, typer.Option(help="Whose decisions: recorded, or model; default: recorded where there are any.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=100, help="How many rows.")] = 1,
    version: Version = None,
    threshold: Threshold = None,
    policy: PolicyName = None,
    json: AsJson = False,
) -> None:
    """The real rows nearest to one that were decided otherwise, and in what they differ."""
    with terminal.workspace() as workspace:
        found = evaluations.find(workspace, evaluation)
        asked = model is not None or by == "model" or bool(models.added_for(workspace, found.name))
        result = questions.opposite(
            Engine(workspace).open(found),
            models.scorer(workspace, models.asked_for(workspace, found.name, model)) if asked else None,
            row=row,
            version=version or "",
            threshold=terminal.rule(workspace, found, threshold, policy),
            by=by or "",
            limit=limit,
        )
    _tell(result, json)


@app.command()
def flip(
    evaluation: Named,
    row: Row,
    model: Kept = None,
    version: Version = None,
    threshold: Threshold = None,
    policy: PolicyName = None,
    fixed: Annotated[Text, typer.Option(metavar="A,B,...", help="Features that cannot change.")] = None,
    protected: Annotated[bool, typer.Option("--protected", help="Try protected attributes too.")] = False,
    json: AsJson = False,
) -> None:
    """The smallest change of a single feature, to a value other rows have, that turns the decision on a row."""
    with terminal.workspace() as workspace:
        found = evaluations.find(workspace, evaluation)
        result = questions.flip(
            Engine(workspace).open(found),
            models.scorer(workspace, models.asked_for(workspace, found.name, model)),
            row=row,
            version=version or "",
            threshold=terminal.rule(workspace, found, threshold, policy),
            fixed=columns(fixed, [column.name for column in found.columns]),
            protected=protected,
        )
    _tell(result, json)


def _changes(given: list[str], evaluation: Evaluation) -> dict[str, str]:
    """{feature: value as text} of the --set options; a name may hold a = where there is such a column."""
    made: dict[str, str] = {}
    for text in given:
        parts = text.split("=")
        known = {column.name for column in evaluation.columns}
        cuts = [at for at in range(1, len(parts)) if "=".join(parts[:at]).strip() in known] or [1]
        if len(parts) < 2:
            raise BadRequest(f"--set takes FEATURE=VALUE, as in income=42000, not '{text}'.")
        name, value = "=".join(parts[: cuts[-1]]).strip(), "=".join(parts[cuts[-1] :])
        if name in made:
            raise BadRequest(f"--set changes '{name}' twice; say it once.")
        made[name] = value
    return made


def _tell(result: Result, json: bool) -> None:
    """Everything in JSON; for people the main frame alone, with what is there in every row of it left out."""
    if json:
        said = answers.told_with(result.sentence, result.frame, result.frames, result.receipt.to_dict(), True)
    else:
        same = [name for name in ("row", "distance", "prediction", "score") if name in result.frame.columns[:4]]
        frame = result.frame if "differs" not in result.frame.columns else result.frame.filter(pl.col("differs"))
        keep = frame.drop(same) if "differs" in frame.columns and frame["row"].n_unique() == 1 else frame
        said = answers.told(result.sentence, keep, {}, False)
    typer.echo(said)
