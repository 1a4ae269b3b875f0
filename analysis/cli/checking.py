"""The terminal twin: what is in a table, whether it can be trusted, and whether that matters."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from analysis import questions
from analysis.cli import ruling, terminal
from analysis.cli.gates import Junit
from analysis.cli.terminal import AsJson, PolicyName, Text, Threshold, app, columns
from analysis.core import given
from analysis.core.dataset import Dataset
from analysis.core.errors import BadRequest, NotFound
from analysis.core.evaluation import Evaluation
from analysis.core.roles import Roles
from analysis.engine import subject as subjects
from analysis.engine.duckdb import Engine
from analysis.store import datasets, evaluations
from analysis.store.workspace import Workspace
from analysis.telling import answers

FOR_PEOPLE = ("code", "severity", "rows", "columns", "sentence", "effect", "effect_low", "effect_high", "metric")
OF_NUMBERS = ("column", "type", "missing", "distinct", "low", "median", "high", "mean", "zeros", "negatives")

Target = Annotated[str, typer.Argument(help="The evaluation or dataset, as name or name@version.")]
Many = Annotated[Text, typer.Option(metavar="A,B,...")]


def target(workspace: Workspace, name: str) -> Evaluation | Dataset:
    """The evaluation of a name, else the dataset."""
    try:
        return evaluations.find(workspace, name)
    except NotFound:
        try:
            return datasets.find(workspace, name)
        except NotFound as error:
            raise NotFound(f"There is neither an evaluation nor a dataset '{name}'. {error}") from error


@app.command()
def quality(
    name: Target,
    task: Annotated[Text, typer.Option(help="binary, multiclass or regression.")] = None,
    id: Annotated[list[str] | None, typer.Option(help="The id column; repeatable.")] = None,
    label: Annotated[Text, typer.Option(help="The column of actual outcomes.")] = None,
    prediction: Text = None,
    score: Annotated[list[str] | None, typer.Option(help="A score column, or CLASS=COLUMN; repeatable.")] = None,
    quantile: Annotated[list[str] | None, typer.Option(metavar="LEVEL=COLUMN")] = None,
    model: Annotated[
        list[str] | None, typer.Option(metavar="NAME:score=COLUMN[,prediction=COLUMN]", help="Repeatable.")
    ] = None,
    model_version: Text = None,
    weight: Text = None,
    time: Text = None,
    zone: Text = None,
    unit: Text = None,
    latency: Text = None,
    cost: Text = None,
    amount: Text = None,
    split: Text = None,
    segments: Many = None,
    protected: Many = None,
    features: Many = None,
    text: Many = None,
    positive: Annotated[Text, typer.Option(help="The label's positive value.")] = None,
    metric: Annotated[str, typer.Option(help="What the effect of the rows found is told in.")] = "",
    check: Annotated[list[str] | None, typer.Option(help="Only this check, by its code; repeatable.")] = None,
    threshold: Threshold = None,
    policy: PolicyName = None,
    rules: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Hold it to these rules too, JSON; or: kept")
    ] = None,
    junit: Junit = None,
    json: AsJson = False,
) -> None:
    """Can the data be trusted, and does it matter? A dataset is judged as uploaded, with roles as given or guessed."""
    single: dict[str, Text] = {"label": label, "weight": weight, "time": time, "model_version": model_version}
    single |= {"unit": unit, "cost": cost, "amount": amount, "split": split, "positive": positive}
    lists = {"segments": segments, "protected": protected, "features": features, "text": text}
    models: dict[str, Any] = {"prediction": prediction, "latency": latency, "scores": score or ()}
    models |= {"quantiles": quantile or (), "models": model or ()}
    said = [*single.values(), *lists.values(), *models.values(), id, task, zone]
    with terminal.workspace() as workspace, terminal.progress() as progress:
        found = target(workspace, name)
        if isinstance(found, Evaluation):
            if any(said):
                raise BadRequest(f"'{name}' is an evaluation and has its roles; name its dataset to try others.")
            opened = Engine(workspace).open(found)
            rule = terminal.rule(workspace, found, threshold, policy)
            checked = subjects.of_evaluation(opened)
            result = questions.quality(
                checked, evaluation=opened, metric=metric, threshold=rule, checks=check or (), progress=progress
            )
        else:
            known = found.schema.names
            many = {role: columns(listed, known) for role, listed in lists.items()} | {"id": tuple(id or ())}
            roles = given.roles(known, single=single, many=many, zone=zone, **models)
            checked = guessed(workspace, found, task, roles)
            result = questions.quality(checked, checks=check or (), progress=progress)
        held = ruling.held(workspace, found, checked, rules, junit)
    if held is not None:
        result = replace(result, frames={**result.frames, "rules": held.frame})
    if json:
        typer.echo(answers.told_with(result.sentence, result.frame, result.frames, result.receipt.to_dict(), True))
        ruling.finish(held)
        return
    shown = [name for name in FOR_PEOPLE if result.frame[name].null_count() < len(result.frame)]
    typer.echo(answers.told(result.sentence, result.frame.filter(outcome="found").select(shown), {}, False))
    typer.echo("\n".join(f"{row['code']}  {row['sentence']}" for row in result.frame.iter_rows(named=True)))
    if held is not None:
        typer.echo(f"\n{answers.told(held.sentence, held.frame.select(ruling.FOR_PEOPLE), {}, False)}")
    ruling.finish(held)


def guessed(workspace: Workspace, dataset: Dataset, task: str | None, roles: Roles) -> subjects.Subject:
    """A dataset with the roles given, the others guessed."""
    from analysis.core.guess import guess
    from analysis.store.inspect import column_facts

    proposal = guess(column_facts(workspace, dataset), task=task, given=roles)
    return subjects.of_dataset(workspace, dataset, proposal.task, proposal.roles)


@app.command()
def profile(
    name: Target,
    column: Annotated[str, typer.Option(help="One column more closely: where its values lie.")] = "",
    json: AsJson = False,
) -> None:
    """What is in each column of an evaluation or dataset."""
    with terminal.workspace() as workspace:
        found = target(workspace, name)
        if isinstance(found, Evaluation):
            checked = subjects.of_evaluation(Engine(workspace).open(found))
        else:
            checked = guessed(workspace, found, None, Roles())
        result = questions.profile(checked, column=column)
    frame, receipt = result.frame, result.receipt.to_dict()
    if not json and not column:
        frame = frame.select(OF_NUMBERS)
    typer.echo(answers.told_with(result.sentence, frame, result.frames, receipt, json))
