"""The terminal twin: datasets."""

from pathlib import Path
from typing import Annotated, Any

import polars as pl
import typer

from analysis.cli import terminal
from analysis.cli.terminal import AsJson, Text, app
from analysis.core import words
from analysis.core.dataset import name_from_file
from analysis.core.errors import BadRequest
from analysis.core.rule import FAIL, WARN
from analysis.engine import ruling
from analysis.store import datasets
from analysis.telling import answers


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
    with terminal.workspace() as workspace, terminal.progress() as progress:
        dataset, new = datasets.ingest(
            workspace,
            file,
            name=name or name_from_file(file.name),
            label=file.name,
            options=options,
            progress=progress,
        )
        held = ruling.run(workspace, dataset)
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
    broken = [row for row in held if row["outcome"] in (FAIL, WARN)]
    if held:
        sentence += f" It breaks {len(broken):,} of its {words.plural(len(held), 'rule')}."
    receipt = answers.dataset_receipt(dataset) | ({"rules": held} if held else {})
    typer.echo(answers.told(sentence, frame, receipt, json))


def _pair(text: str, option: str) -> tuple[str, str]:
    left, mark, right = text.rpartition("=")
    if not mark or not left or not right:
        raise BadRequest(f"{option} is written COLUMN=TYPE, not '{text}'.")
    return left, right


@app.command(name="datasets")
def list_datasets(json: AsJson = False) -> None:
    """List the datasets and their versions."""
    with terminal.workspace() as workspace:
        known = datasets.listed(workspace)
    sentence = f"{words.plural(len(known), 'dataset version')} in the workspace."
    typer.echo(answers.told(sentence, answers.datasets_frame(known), {"rows": len(known)}, json))
