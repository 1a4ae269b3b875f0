"""The terminal twin: metrics, built in and of one's own."""

from typing import Annotated, Any

import polars as pl
import typer

from analysis.cli import terminal
from analysis.cli.terminal import AsJson, Text, app
from analysis.core import words
from analysis.core.errors import BadRequest
from analysis.core.evaluation import Evaluation
from analysis.core.ownmetric import OwnMetric, own_metric
from analysis.engine import own
from analysis.metrics import METRICS
from analysis.store import definitions, evaluations
from analysis.store.workspace import Workspace
from analysis.telling import answers

SHOWN: dict[str, Any] = {
    **dict.fromkeys(("name", "kind", "better", "unit", "evaluation"), pl.String),
    "shared": pl.Boolean,
    "text": pl.String,
}


@app.command()
def metrics(
    action: Annotated[str, typer.Argument(help="list, add or remove.")] = "list",
    name: Annotated[Text, typer.Argument(help="The own metric's name.")] = None,
    formula: Annotated[str, typer.Option(help="A formula over metrics, as: 0.7 * recall + 0.3 * specificity")] = "",
    expression: Annotated[
        str, typer.Option(help="sum, avg or count of a row's expression, as: avg(amount * (prediction = 'yes'))")
    ] = "",
    evaluation: Annotated[Text, typer.Option(help="The evaluation it belongs to.")] = None,
    better: Annotated[str, typer.Option(help="higher, lower or none.")] = "higher",
    unit: Annotated[str, typer.Option(help="share, score, ratio or label; default: its parts'.")] = "",
    shared: Annotated[bool, typer.Option("--shared", help="It belongs to all evaluations.")] = False,
    purpose: Annotated[str, typer.Option(help="What it is for, in a sentence.")] = "",
    json: AsJson = False,
) -> None:
    """List the metrics, or define one of your own, which `measure` then knows by its name."""
    with terminal.workspace() as workspace:
        if action == "add":
            made = own_metric(
                name or "", formula=formula, expression=expression, better=better, unit=unit, purpose=purpose
            )
            found = None if shared and not evaluation else evaluations.find(workspace, _needed(evaluation))
            own.keep(workspace, made, found, shared=shared)
            sentence = f"Kept the metric '{made.name}' of {_whose(found, shared)}: {made.text}."
        elif action == "remove":
            found = None if shared else evaluations.find(workspace, _needed(evaluation))
            scope = own.SHARED if found is None else found.name
            definitions.forget(workspace, definitions.find(workspace, own.KIND, name or "", scope))
            sentence = f"The metric '{name}' of {_whose(found, shared)} is no longer listed."
        elif action == "list":
            sentence = ""
        else:
            raise BadRequest(f"metrics is followed by list, add or remove, not '{action}'.")
        frame = _listed(workspace, evaluations.find(workspace, evaluation) if evaluation else None)
    mine = int((frame["kind"] != "built-in").sum())
    counted = f"{words.plural(len(frame) - mine, 'built-in metric')}, {mine:,} of your own."
    typer.echo(answers.told(sentence or counted, frame, {"rows": len(frame)}, json))


def _needed(evaluation: str | None) -> str:
    if not evaluation:
        raise BadRequest("An own metric belongs to an evaluation: name it with --evaluation, or share it (--shared).")
    return evaluation


def _whose(evaluation: Evaluation | None, shared: bool) -> str:
    return "all evaluations" if shared or evaluation is None else f"'{evaluation.name}'"


def _listed(workspace: Workspace, evaluation: Evaluation | None) -> pl.DataFrame:
    """A row a metric: built-in ones, then what analysts defined, for one evaluation (shared ones too) or for any."""
    rows = [
        {
            "name": metric.name,
            "kind": "built-in",
            "better": metric.better or "none",
            "unit": metric.unit,
            "evaluation": "",
            "shared": True,
            "text": metric.help,
        }
        for metric in METRICS
    ]
    mine = definitions.listed(workspace, own.KIND) if evaluation is None else own.kept(workspace, evaluation)
    for kept in mine:
        made = OwnMetric(kept.name, **kept.body)
        rows.append(
            {
                "name": made.name,
                "kind": made.kind,
                "better": made.better,
                "unit": made.unit,
                "evaluation": kept.scope,
                "shared": kept.scope == own.SHARED,
                "text": made.text,
            }
        )
    return pl.DataFrame(rows, schema=SHOWN)
