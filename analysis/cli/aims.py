"""The terminal twin: targets and markers."""

from typing import Annotated

import polars as pl
import typer

from analysis import questions
from analysis.cli import terminal
from analysis.cli.terminal import AsJson, Level, Named, PolicyName, Since, Threshold, Until, Versions, Where, app
from analysis.core import judged, words
from analysis.core.errors import BadRequest
from analysis.core.marker import read_marker
from analysis.core.period import read_period
from analysis.core.target import read_target
from analysis.engine.duckdb import Engine
from analysis.metrics import panel
from analysis.store import evaluations
from analysis.store import markers as kept_markers
from analysis.store import targets as kept_targets
from analysis.telling import answers


@app.command()
def targets(
    evaluation: Named,
    set: Annotated[list[str] | None, typer.Option(metavar="TARGET", help="As: recall >= 0.6; repeatable.")] = None,
    remove: Annotated[list[str] | None, typer.Option(metavar="METRIC", help="Take a target off; repeatable.")] = None,
    model: Versions = None,
    where: Where = None,
    threshold: Threshold = None,
    policy: PolicyName = None,
    since: Since = None,
    until: Until = None,
    level: Level = 0.95,
    json: AsJson = False,
) -> None:
    """The targets of an evaluation and whether they are met. With --set and --model they are of those versions only."""
    with terminal.workspace() as workspace:
        found = evaluations.find(workspace, evaluation)
        opened = Engine(workspace).open(found)
        versions = [found.model(name).name for name in model or ()]
        new = [read_target(text, whose) for text in set or () for whose in versions or [""]]
        for target in new:
            panel.chosen(found, [target.bound.metric], opened.own)
        segment = terminal.segment(where, judged.types(found))
        kept_targets.forget(workspace, found.name, remove or ())
        for target in new:
            kept_targets.keep(workspace, found.name, target)
        result = questions.targets(
            opened,
            targets=kept_targets.listed(workspace, found.name),
            models=versions,
            where=segment,
            period=read_period(since, until),
            threshold=terminal.rule(workspace, found, threshold, policy),
            level=level,
        )
    typer.echo(answers.told(result.sentence, result.frame, result.receipt.to_dict(), json))


@app.command()
def markers(
    evaluation: Named,
    add: Annotated[list[str] | None, typer.Option(metavar="MARKER", help="As: 2026-03-02 v2 deployed")] = None,
    kind: Annotated[str, typer.Option(help="deployment, incident or other.")] = "deployment",
    remove: Annotated[list[str] | None, typer.Option(metavar="MARKER", help="As it is listed; repeatable.")] = None,
    json: AsJson = False,
) -> None:
    """The markers on an evaluation's trends: deployments, incidents and what else is worth a line."""
    with terminal.workspace() as workspace:
        found = evaluations.find(workspace, evaluation)
        if not found.time_low:
            raise BadRequest(f"'{found.name}' has no time column, so it has no trend to mark; give one the role time.")
        new = [read_marker(text, kind) for text in add or ()]
        kept_markers.forget(workspace, found.name, remove or ())
        for marker in new:
            kept_markers.keep(workspace, found.name, marker)
        known = kept_markers.listed(workspace, found.name)
    rows = [{"moment": each.written, "title": each.title, "kind": each.kind} for each in known]
    frame = pl.DataFrame(rows, schema=dict.fromkeys(("moment", "title", "kind"), pl.String))
    sentence = f"{words.plural(len(known), 'marker')} on the trends of '{found.name}'."
    typer.echo(answers.told(sentence, frame, {"evaluation": found.label, "rows": len(known)}, json))
