"""The terminal twin: models."""

from pathlib import Path
from typing import Annotated

import polars as pl
import typer

from analysis import questions
from analysis.cli import terminal
from analysis.cli.terminal import AsJson, Named, Since, Text, Until, Versions, Where, app, columns
from analysis.core import judged, words
from analysis.core.errors import BadRequest
from analysis.core.model import Model
from analysis.core.period import read_period
from analysis.core.surrogate import SurrogateOf
from analysis.engine import probe, surrogates
from analysis.engine.duckdb import Engine
from analysis.store import endpoint, evaluations, models
from analysis.telling import answers

group = typer.Typer(no_args_is_help=True, help="Models the workspace keeps: add, list, check, delete.")
app.add_typer(group, name="models")
Which = Annotated[str, typer.Argument(help="The model, as name or name@version.")]
SAME = ("Byte for byte the same is kept already:", "It answers as what is kept already:")
Rows = Annotated[int | None, typer.Option(min=1, max=100_000, help="Rows to ask about; default: 2,000.")]


@group.command()
def add(
    name: Annotated[str, typer.Option(help="The model's name. The same again = next version.")],
    evaluation: Annotated[str, typer.Option(help="The evaluation whose rows it scores.")],
    file: Annotated[
        Path | None,
        typer.Argument(
            help="An ONNX file, or one saved by skops. Pickles are refused unless the operator allows them."
        ),
    ] = None,
    at: Annotated[
        Text, typer.Option("--endpoint", metavar="URL", help="Instead of a file: where the model answers over HTTP.")
    ] = None,
    protocol: Annotated[Text, typer.Option(help="How the endpoint speaks: mlflow or json.")] = None,
    features: Annotated[
        Text,
        typer.Option(
            metavar="A,B,...",
            help="The columns a model without feature names takes, in its order; for an endpoint: those it is sent, "
            "default: the ones with the role feature.",
        ),
    ] = None,
    classes: Annotated[
        Text, typer.Option(metavar="A,B,...", help="The classes of an endpoint's scores, in order, if it does not say.")
    ] = None,
    header_env: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=VARIABLE", help="A header sent to the endpoint, by the variable with its value."),
    ] = None,
    json: AsJson = False,
) -> None:
    """Keep a model and check it against an evaluation."""
    if (file is None) == (at is None):
        raise BadRequest("Give a file, or --endpoint URL.")
    if file is not None and not file.is_file():
        raise BadRequest(f"There is no file '{file}'.")
    if at is None and (protocol or classes or header_env):
        raise BadRequest("--protocol, --classes and --header-env belong to --endpoint URL.")
    with terminal.workspace() as workspace:
        found = evaluations.find(workspace, evaluation)
        named = columns(features, [column.name for column in found.columns])
        for each in named:
            found.column(each)
        opened = Engine(workspace).open(found)
        if file is not None:
            model, new = models.add(workspace, file, name=name, evaluation=found.name, features=named)
        else:
            taken, headers = named or found.roles.features, _headers(header_env or [])
            made = endpoint.endpoint(
                str(at), protocol or "", features=taken, classes=terminal.names(classes), headers=headers
            )
            rows = probe.probe(opened, taken)
            model, new = models.add_endpoint(
                workspace, made, rows, name=name, evaluation=found.name, classes=found.classes
            )
        result = questions.model_check(opened, models.scorer(workspace, model))
    kept = "Kept" if new else SAME[at is not None]
    sentence = f"{kept} {model.label}, {_told(model)}.\n{result.sentence}"
    typer.echo(answers.told(sentence, result.frame, result.receipt.to_dict(), json))


@group.command()
def surrogate(
    evaluation: Named,
    model: Annotated[Text, typer.Option("--model", help="The version to learn from; default: the last.")] = None,
    name: Annotated[Text, typer.Option(help="The surrogate's name; default: surrogate-VERSION.")] = None,
    features: Annotated[
        Text, typer.Option(metavar="A,B,...", help="Fit to these columns; default: those with the role feature.")
    ] = None,
    rows: Annotated[int | None, typer.Option(min=1, max=1_000_000, help="Rows drawn; default: 50,000.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the draw and the held-out fifth.")] = 0,
    json: AsJson = False,
) -> None:
    """Fit a model to what a version recorded, where there is no model; always said to be a surrogate."""
    with terminal.workspace() as workspace, terminal.progress() as progress:
        found = evaluations.find(workspace, evaluation)
        made, new = surrogates.make(
            workspace,
            Engine(workspace).open(found),
            version=model or "",
            name=name or "",
            features=columns(features, [column.name for column in found.columns]),
            rows=rows,
            seed=seed,
            progress=progress,
        )
    of = SurrogateOf.from_dict(made.surrogate_of)
    sentence = "\n".join([f"{'Kept' if new else 'Kept already:'} {made.label}. {of.sentence()}", *of.warnings])
    told = {"model": made.label, "model_fingerprint": made.fingerprint, "surrogate_of": of.to_dict()}
    typer.echo(answers.told(sentence, answers.surrogate_frame(of), told, json))


@group.command(name="list")
def list_models(json: AsJson = False) -> None:
    """List the models and their versions."""
    with terminal.workspace() as workspace:
        known = models.listed(workspace)
    sentence = f"{words.plural(len(known), 'model version')} in the workspace."
    typer.echo(answers.told(sentence, answers.models_frame(known), {"rows": len(known)}, json))


@group.command()
def check(
    name: Which,
    evaluation: Annotated[Text, typer.Option(help="The evaluation; default: the one it was added for.")] = None,
    model: Versions = None,
    rows: Rows = None,
    where: Where = None,
    since: Since = None,
    until: Until = None,
    fail_below: Annotated[
        float | None, typer.Option(min=0, max=1, help="Exit with 1 if the best agreement is below this share.")
    ] = None,
    json: AsJson = False,
) -> None:
    """Whether a model takes an evaluation's columns and gives its recorded predictions again."""
    with terminal.workspace() as workspace:
        chosen = models.find(workspace, name)
        found = evaluations.find(workspace, evaluation or chosen.evaluation)
        result = questions.model_check(
            Engine(workspace).open(found),
            models.scorer(workspace, chosen),
            versions=model or (),
            where=terminal.segment(where, judged.types(found)),
            period=read_period(since, until),
            limit=rows,
        )
    typer.echo(answers.told(result.sentence, result.frame, result.receipt.to_dict(), json))
    if fail_below is not None:
        share = result.frame.filter(pl.col("code") == "M04")["value"].max()
        if not isinstance(share, float) or share < fail_below:
            raise typer.Exit(1)


@group.command()
def delete(name: Which, json: AsJson = False) -> None:
    """Forget a model version and its bytes."""
    with terminal.workspace() as workspace:
        chosen = models.find(workspace, name)
        models.delete(workspace, chosen)
    sentence = f"Deleted {chosen.label}."
    typer.echo(answers.told(sentence, pl.DataFrame(), {"model": chosen.label}, json))


def _headers(given: list[str]) -> dict[str, str]:
    """{header: environment variable} of the options NAME=VARIABLE."""
    parted = [each.partition("=") for each in given]
    if any(not equals for _, equals, _ in parted):
        raise BadRequest("--header-env takes NAME=VARIABLE: a header, and the environment variable with its value.")
    return {name.strip(): variable.strip() for name, _, variable in parted}


def _told(model: Model) -> str:
    return f"{model.kind.upper() if model.kind == 'onnx' else model.kind} ({model.made}), {model.takes}"
