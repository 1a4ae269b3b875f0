"""The terminal twin: evaluations."""

from typing import Annotated

import typer

from analysis.cli import terminal
from analysis.cli.terminal import AsJson, Text, app, columns
from analysis.core import given, words
from analysis.core.errors import BadRequest
from analysis.store import datasets, evaluations
from analysis.store.inspect import column_facts
from analysis.telling import answers


@app.command()
def evaluate(
    dataset: Annotated[list[str], typer.Argument(help="The dataset, as name or name@version.")],
    name: Annotated[str, typer.Option(help="The evaluation's name; the same again = next version.")],
    task: Annotated[Text, typer.Option(help="binary, multiclass or regression.")] = None,
    id: Annotated[
        list[str] | None, typer.Option(help="The id column; repeatable for an id of several columns.")
    ] = None,
    label: Annotated[Text, typer.Option(help="The column of actual outcomes.")] = None,
    prediction: Annotated[Text, typer.Option(help="The column of predictions.")] = None,
    score: Annotated[
        list[str] | None, typer.Option(help="The positive class's score column, or CLASS=COLUMN; repeatable.")
    ] = None,
    quantile: Annotated[list[str] | None, typer.Option(metavar="LEVEL=COLUMN", help="A quantile column.")] = None,
    model: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME:score=COLUMN[,prediction=COLUMN]", help="A model version's columns; repeatable."),
    ] = None,
    model_version: Annotated[Text, typer.Option(help="The column that says which model version a row is of.")] = None,
    weight: Annotated[Text, typer.Option()] = None,
    time: Annotated[Text, typer.Option()] = None,
    zone: Annotated[Text, typer.Option(help="The time zone buckets are cut in; default UTC.")] = None,
    unit: Annotated[Text, typer.Option(help="The column of the unit rows belong to, as a customer.")] = None,
    latency: Annotated[Text, typer.Option()] = None,
    cost: Annotated[Text, typer.Option()] = None,
    amount: Annotated[Text, typer.Option()] = None,
    split: Annotated[Text, typer.Option()] = None,
    segments: Annotated[Text, typer.Option(metavar="A,B,...", help="Columns offered first for breaking out.")] = None,
    protected: Annotated[Text, typer.Option(metavar="A,B,...")] = None,
    features: Annotated[Text, typer.Option(metavar="A,B,...")] = None,
    text: Annotated[Text, typer.Option(metavar="A,B,...", help="Free-text columns.")] = None,
    positive: Annotated[Text, typer.Option(help="The label's positive value.")] = None,
    reference: Annotated[
        str, typer.Option(metavar="FIRST:LAST", help="The period others are compared with, as 2026-01-05:2026-03-01.")
    ] = "",
    description: Annotated[str, typer.Option(help="What this evaluation is for.")] = "",
    json: AsJson = False,
) -> None:
    """Make an evaluation of a dataset. Roles not given are guessed; the answer says how and why."""
    if len(dataset) > 1:
        raise BadRequest("An evaluation is made of one dataset for now; put the columns side by side in one file.")
    with terminal.workspace() as workspace, terminal.progress() as progress:
        source = datasets.find(workspace, dataset[0])
        known = source.schema.names
        roles = given.roles(
            known,
            single={
                "label": label,
                "weight": weight,
                "time": time,
                "model_version": model_version,
                "unit": unit,
                "cost": cost,
                "amount": amount,
                "split": split,
                "positive": positive,
            },
            many={
                "segments": columns(segments, known),
                "protected": columns(protected, known),
                "features": columns(features, known),
                "text": columns(text, known),
                "id": tuple(id or ()),
            },
            zone=zone,
            prediction=prediction,
            latency=latency,
            scores=score or (),
            quantiles=quantile or (),
            models=model or (),
        ).with_(reference=given.reference(reference))
        from analysis.core.guess import guess

        proposal = guess(column_facts(workspace, source), task=task, given=roles)
        made, new = evaluations.create(
            workspace,
            source,
            name=name,
            task=proposal.task,
            roles=proposal.roles,
            description=description,
            reasons=proposal.reasons,
            progress=progress,
        )
    frame = answers.roles_frame(made, proposal)
    receipt = answers.evaluation_receipt(made, source) | {"reasons": proposal.reasons, "doubts": list(proposal.doubts)}
    typer.echo(answers.told(answers.evaluation_sentence(made, new), frame, receipt, json))


@app.command(name="evaluations")
def list_evaluations(json: AsJson = False) -> None:
    """List the evaluations and their versions."""
    with terminal.workspace() as workspace:
        known = evaluations.listed(workspace)
    sentence = f"{words.plural(len(known), 'evaluation version')} in the workspace."
    typer.echo(answers.told(sentence, answers.evaluations_frame(known), {"rows": len(known)}, json))
