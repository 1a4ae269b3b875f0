"""The terminal twin: comparisons of groups, segments, periods and model versions."""

from typing import Annotated

import typer

from analysis import questions
from analysis.cli import gates, terminal
from analysis.cli.gates import Cautious, FailIf, Junit
from analysis.cli.terminal import (
    AsJson,
    Bins,
    Level,
    Named,
    PolicyName,
    Since,
    Text,
    Threshold,
    Until,
    Versions,
    Where,
    app,
    columns,
    names,
)
from analysis.core import judged
from analysis.core.errors import BadRequest
from analysis.core.period import Period, read_period
from analysis.engine.duckdb import Engine
from analysis.metrics import panel
from analysis.store import evaluations
from analysis.telling import answers

NUMBERS_FOR_MACHINES = ("low", "high", "other_value", "other_n", "difference_n", "p", "reason")


@app.command(name="compare-groups")
def compare_groups(
    evaluation: Named,
    by: Annotated[Text, typer.Option(metavar="COLUMN[,COLUMN]", help="Compare the groups of these columns.")] = None,
    bins: Bins = None,
    metrics: Annotated[Text, typer.Option(metavar="M,...", help="Metrics; default: a few of the task.")] = None,
    against: Annotated[
        str,
        typer.Option(
            metavar="rest|overall|parents|before|weekdays|season|VALUE",
            help="What each group is compared with: all other rows, all rows, of two columns its row and column, "
            "itself in the time before, on the same weekdays before or in the same season (with --from, --to), "
            "or one group.",
        ),
    ] = "rest",
    a: Annotated[Text, typer.Option("--a", metavar="EXPRESSION", help="One segment, against --b or the rest.")] = None,
    b: Annotated[Text, typer.Option("--b", metavar="EXPRESSION", help="The other segment.")] = None,
    periods: Annotated[
        Text, typer.Option(metavar="FROM:TO,FROM:TO", help="The first period against the second.")
    ] = None,
    models: Annotated[
        Text, typer.Option(metavar="A,B", help="Model version A against B on the rows both answered (paired).")
    ] = None,
    model: Versions = None,
    where: Where = None,
    threshold: Threshold = None,
    policy: PolicyName = None,
    since: Since = None,
    until: Until = None,
    level: Level = 0.95,
    claims: Annotated[
        bool, typer.Option("--claims", help="Correct against any false claim (Holm), not a share of them (BH).")
    ] = False,
    fail_if: FailIf = None,
    cautious: Cautious = False,
    junit: Junit = None,
    json: AsJson = False,
) -> None:
    """Differences of metrics with intervals and corrected verdicts: groups, segments, periods or model versions."""
    if b and not a:
        raise BadRequest("--b is what --a is compared with; give --a too.")
    asked = gates.asked(fail_if, cautious, junit)
    with terminal.workspace() as workspace:
        found = evaluations.find(workspace, evaluation)
        types = judged.types(found)
        opened = Engine(workspace).open(found)
        panel.chosen(found, [gate.bound.metric for gate in asked], opened.own)
        one, two, only = (terminal.segment(text, types) for text in (a, b, where))
        result = questions.compare_groups(
            opened,
            by=columns(by, list(types)),
            binnings=terminal.binnings(bins),
            metrics=gates.names(names(metrics), asked),
            against=against,
            a=one,
            b=two,
            periods=_periods(periods),
            pair=columns(models, [each.name for each in found.models]),
            models=model or (),
            where=only,
            period=read_period(since, until),
            threshold=terminal.rule(workspace, found, threshold, policy),
            level=level,
            claims=claims,
        )
    frame = result.frame if json else result.frame.drop(NUMBERS_FOR_MACHINES)
    groups = result.frame.columns[: result.frame.columns.index("model")]
    cases = gates.judged(result.frame, asked, groups)
    gates.report(cases, junit, result)
    typer.echo(answers.told(result.sentence, frame, result.receipt.to_dict() | gates.told(cases), json))
    gates.finish(cases)


def _periods(text: str | None) -> tuple[Period, Period] | None:
    """Two periods, as 2026-01-01:2026-01-31,2026-02-01:2026-02-28."""
    if text is None:
        return None
    parts = [part.split(":") for part in names(text)]
    if len(parts) != 2 or any(len(part) != 2 for part in parts):
        raise BadRequest(f"--periods takes two periods, as 2026-01-01:2026-01-31,2026-02-01:2026-02-28, not '{text}'.")
    (first, last), (start, end) = parts
    return read_period(first, last), read_period(start, end)
