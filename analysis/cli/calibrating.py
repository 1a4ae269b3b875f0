"""The terminal twin: calibration, and mappings that are exported or applied as a derived model version."""

import json as json_
from pathlib import Path
from typing import Annotated

import typer

from analysis import questions
from analysis.cli import gates, terminal
from analysis.cli.gates import Cautious, FailIf, Junit
from analysis.cli.terminal import AsJson, Level, Named, Since, Text, Until, Where, app, columns
from analysis.core import judged
from analysis.core.errors import BadRequest
from analysis.core.evaluation import Evaluation
from analysis.core.period import read_period
from analysis.core.receipt import Result
from analysis.engine.duckdb import Engine
from analysis.store import derived, evaluations
from analysis.store.workspace import Workspace
from analysis.telling import answers, calibrations


@app.command()
def calibration(
    evaluation: Named,
    model: Annotated[list[str] | None, typer.Option(help="A model version; default: all with a score.")] = None,
    by: Annotated[Text, typer.Option(metavar="COLUMN[,COLUMN]", help="Break out by columns.")] = None,
    bins: Annotated[int, typer.Option(help="How many bins.")] = 15,
    binning: Annotated[
        str, typer.Option(help="width or count: bins of equal width, or of equally many rows.")
    ] = "width",
    fit: Annotated[
        list[str] | None,
        typer.Option(help="platt, isotonic or beta: fit on one half, measure on the other; repeatable."),
    ] = None,
    apply: Annotated[Text, typer.Option(metavar="METHOD", help="Keep a fitted mapping as a derived version.")] = None,
    name: Annotated[Text, typer.Option("--as", metavar="NAME", help="The derived version's name.")] = None,
    export: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the fitted mapping as JSON.")] = None,
    where: Where = None,
    since: Since = None,
    until: Until = None,
    level: Level = 0.95,
    fail_if: FailIf = None,
    cautious: Cautious = False,
    junit: Junit = None,
    json: AsJson = False,
) -> None:
    """Whether scores are the chances they claim to be, by bin; and what recalibrating would change."""
    if (apply is None) != (name is None):
        raise BadRequest(
            "--apply METHOD and --as NAME go together: which mapping, and what the derived version is called."
        )
    gated = gates.asked(fail_if, cautious, junit)
    fits = list(dict.fromkeys([*(fit or ()), *([apply] if apply else [])]))
    with terminal.workspace() as workspace:
        found = evaluations.find(workspace, evaluation)
        result = questions.calibration(
            Engine(workspace).open(found),
            models=model or (),
            by=columns(by, list(found.types())),
            bins=bins,
            binning=binning,
            fits=fits,
            where=terminal.segment(where, judged.types(found)),
            period=read_period(since, until),
            level=level,
        )
        sentence, receipt = result.sentence, result.receipt.to_dict()
        if export is not None:
            _write(export, calibrations.exported(result, *_one(result, apply, "--export")))
        if apply is not None and name is not None:
            made = _apply(workspace, found, result, apply, name)
            sentence += f"\n'{made.label}' has the derived model version '{name}'."
            receipt["derived"] = {"evaluation": made.label, "fingerprint": made.fingerprint, "model": name}
    further = {key: frame for key, frame in result.frames.items() if key in ("summary", "fits") and len(frame)}
    summary = result.frames["summary"]
    cases = gates.judged(summary, gated, summary.columns[: summary.columns.index("model")])
    gates.report(cases, junit, result)
    typer.echo(answers.told_with(sentence, result.frame, further, receipt | gates.told(cases), json))
    gates.finish(cases)


def _one(result: Result, method: str | None, option: str) -> tuple[str, str]:
    """(model, method) where just one mapping is meant."""
    options = result.receipt.options
    fits, models = [method] if method else options["fits"], options["models"]
    if len(fits) != 1:
        raise BadRequest(f"{option} needs to know which mapping: give one --fit, as --fit isotonic.")
    if len(models) != 1:
        raise BadRequest(f"{option} takes the mapping of one model version: give one --model, as --model {models[-1]}.")
    return models[0], fits[0]


def _apply(workspace: Workspace, evaluation: Evaluation, result: Result, method: str, name: str) -> Evaluation:
    mapping = calibrations.mapping(result, *_one(result, method, "--apply"))
    with terminal.progress() as progress:
        made, _ = derived.derive(workspace, evaluation, mapping, name=name, progress=progress)
    return made


def _write(file: Path, body: dict[str, object]) -> None:
    try:
        file.write_text(json_.dumps(body, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    except OSError as error:
        raise BadRequest(f"'{file}' cannot be written: {error.strerror}.") from error
