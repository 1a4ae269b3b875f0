"""The terminal twin: the same questions, words and answers as in the browser, as text or as JSON.

Exit status 0: answered. 1: the data breaks a rule that was asked for. 2: the request or the file is wrong, with one
sentence on standard error and nothing stored. Progress goes to standard error.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import polars as pl
import typer

from analysis import questions
from analysis.core import given, words
from analysis.core.dataset import name_from_file
from analysis.core.errors import AssayError, BadRequest
from analysis.core.expression import parse
from analysis.core.period import read_period
from analysis.engine.duckdb import Engine
from analysis.store import datasets, evaluations, jobs
from analysis.store.inspect import column_facts
from analysis.store.workspace import Workspace
from analysis.telling import answers

app = typer.Typer(
    help="Assay, the AI performance analyst's workbench, from a terminal.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object: sentence, frame, receipt.")]
Text = str | None


@dataclass
class _Chosen:
    workspace: str | None = None


CHOSEN = _Chosen()


@app.callback()
def _options(
    workspace: Annotated[
        str | None, typer.Option(help="The workspace folder; default: ASSAY_WORKSPACE, else workspace/ beside the app.")
    ] = None,
) -> None:
    CHOSEN.workspace = workspace


@contextmanager
def _workspace() -> Iterator[Workspace]:
    opened = Workspace.open(CHOSEN.workspace)
    try:
        jobs.sweep(opened)
        yield opened
    finally:
        opened.close()


@contextmanager
def _progress() -> Iterator[Callable[[float, str], None]]:
    """A progress bar on standard error where somebody watches, silence where nobody does."""
    if not sys.stderr.isatty():
        yield lambda share, doing: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("Starting", total=1.0)
        yield lambda share, doing: bar.update(task, completed=share, description=doing)


@app.command()
def ingest(
    file: Annotated[Path, typer.Argument(help="A CSV (any delimiter, also .gz) or Parquet file.")],
    name: Annotated[
        Text, typer.Option(help="The dataset's name; default: the file's. The same again = next version.")
    ] = None,
    type: Annotated[list[str] | None, typer.Option(metavar="COLUMN=TYPE", help="A column's type; repeatable.")] = None,
    encoding: Annotated[Text, typer.Option(help="utf-8, utf-16, windows-1252 or latin-1.")] = None,
    delimiter: Annotated[Text, typer.Option(help="The character between fields; 'tab' for a tab.")] = None,
    decimal: Annotated[Text, typer.Option(help="The decimal mark: . or ,")] = None,
    thousands: Annotated[Text, typer.Option(help="The thousands mark.")] = None,
    dates: Annotated[Text, typer.Option(help="iso, day-first, month-first, or a pattern like %d.%m.%Y")] = None,
    missing: Annotated[list[str] | None, typer.Option(help="A spelling of missing; repeatable.")] = None,
    header: Annotated[Text, typer.Option(help="yes or no: whether the first line names the columns.")] = None,
    allow_rejects: Annotated[
        Text, typer.Option(metavar="N|P%", help="Keep the file with up to so many broken rows.")
    ] = None,
    json: AsJson = False,
) -> None:
    """Take a file in as the next version of a dataset."""
    options: dict[str, Any] = {}
    if type:
        options["types"] = dict(_pair(each, "--type") for each in type)
    plain = {"encoding": encoding, "decimal": decimal, "thousands": thousands, "dates": dates}
    options |= {key: value for key, value in plain.items() if value is not None}
    if delimiter is not None:
        options["delimiter"] = {"tab": "\t", "\\t": "\t"}.get(delimiter, delimiter)
    if missing:
        options["missing"] = missing
    if header is not None:
        if header.lower() not in ("yes", "no"):
            raise BadRequest(f"--header is yes or no, not '{header}'.")
        options["header"] = header.lower() == "yes"
    if allow_rejects is not None:
        options["allow_rejects"] = allow_rejects
    if not file.is_file():
        raise BadRequest(f"There is no file '{file}'.")
    with _workspace() as workspace, _progress() as progress:
        dataset, new = datasets.ingest(
            workspace,
            file,
            name=name or name_from_file(file.name),
            label=file.name,
            options=options,
            progress=progress,
        )
    frame = pl.DataFrame(
        [{"name": c.name, "type": c.type, "missing": c.missing, "label": c.original or c.name} for c in dataset.schema]
    )
    kept = f"'{dataset.name}' version {dataset.version}"
    counts = f"{words.plural(dataset.rows, 'row')}, {words.plural(len(dataset.schema), 'column')}"
    lost = f", {dataset.rejected:,} broken rows left out" if dataset.rejected else ""
    if new:
        sentence = f"Kept {file.name} as {kept}: {counts}{lost}."
    else:
        sentence = f"{file.name} is byte for byte the same as {kept}, which is used: {counts}{lost}."
    typer.echo(answers.told(sentence, frame, answers.dataset_receipt(dataset), json))


def _pair(text: str, option: str) -> tuple[str, str]:
    left, mark, right = text.rpartition("=")
    if not mark or not left or not right:
        raise BadRequest(f"{option} is written COLUMN=TYPE, not '{text}'.")
    return left, right


@app.command(name="datasets")
def list_datasets(json: AsJson = False) -> None:
    """List the datasets and their versions."""
    with _workspace() as workspace:
        known = datasets.listed(workspace)
    sentence = f"{words.plural(len(known), 'dataset version')} in the workspace."
    typer.echo(answers.told(sentence, answers.datasets_frame(known), {"rows": len(known)}, json))


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
    with _workspace() as workspace, _progress() as progress:
        source = datasets.find(workspace, dataset[0])
        columns = source.schema.names
        roles = given.roles(
            columns,
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
                "segments": _columns(segments, columns),
                "protected": _columns(protected, columns),
                "features": _columns(features, columns),
                "text": _columns(text, columns),
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


def _columns(listed: str | None, columns: list[str]) -> tuple[str, ...]:
    if listed is None:
        return ()
    if listed in columns:
        return (listed,)
    return tuple(each.strip() for each in listed.split(",") if each.strip())


@app.command(name="evaluations")
def list_evaluations(json: AsJson = False) -> None:
    """List the evaluations and their versions."""
    with _workspace() as workspace:
        known = evaluations.listed(workspace)
    sentence = f"{words.plural(len(known), 'evaluation version')} in the workspace."
    typer.echo(answers.told(sentence, answers.evaluations_frame(known), {"rows": len(known)}, json))


@app.command()
def measure(
    evaluation: Annotated[str, typer.Argument(help="The evaluation, as name or name@version.")],
    metrics: Annotated[Text, typer.Option(metavar="M,...", help="Metrics; default: all of the task.")] = None,
    by: Annotated[Text, typer.Option(metavar="COLUMN[,COLUMN]", help="Break out by columns.")] = None,
    where: Annotated[Text, typer.Option(metavar="EXPRESSION", help="Only rows where, as in: region = 'West'")] = None,
    model: Annotated[list[str] | None, typer.Option(help="A model version; default: all.")] = None,
    threshold: Annotated[float | None, typer.Option(help="Decide positive from this score on.")] = None,
    since: Annotated[Text, typer.Option("--from", help="First day, as 2026-01-05.")] = None,
    until: Annotated[Text, typer.Option("--to", help="Last day.")] = None,
    level: Annotated[float, typer.Option(help="The intervals' level.")] = 0.95,
    json: AsJson = False,
) -> None:
    """Metrics with intervals, of each model version, overall or broken out by columns."""
    if not 0.5 <= level < 1:
        raise BadRequest(f"--level is a share from 0.5 to below 1, not {level}.")
    with _workspace() as workspace:
        found = evaluations.find(workspace, evaluation)
        segment = parse(where, columns=found.types()) if where else None
        result = questions.measure(
            Engine(workspace).open(found),
            metrics=[each.strip() for each in metrics.split(",") if each.strip()] if metrics else (),
            by=_columns(by, list(found.types())),
            where=segment,
            models=model or (),
            period=read_period(since, until),
            threshold=threshold,
            level=level,
        )
    typer.echo(answers.told(result.sentence, result.frame, result.receipt.to_dict(), json))


def main() -> None:
    """Run one command; an error an analyst can act on is one sentence and exit status 2."""
    try:
        app()
    except AssayError as error:
        typer.echo(str(error), err=True)
        sys.exit(2)
