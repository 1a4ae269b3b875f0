"""The terminal twin: thresholds and policies."""

from typing import Annotated

import polars as pl
import typer

from analysis import questions
from analysis.cli import gates, terminal
from analysis.cli.gates import Cautious, FailIf, Junit
from analysis.cli.terminal import AsJson, Level, Named, Since, Text, Until, Versions, Where, app, names
from analysis.core import judged
from analysis.core.cutoffs import Threshold
from analysis.core.errors import BadRequest
from analysis.core.evaluation import Evaluation
from analysis.core.goal import KNOWN, read_goal
from analysis.core.period import read_period
from analysis.core.receipt import Result
from analysis.core.value import read_values
from analysis.engine.duckdb import Engine
from analysis.metrics import panel
from analysis.store import evaluations, policies
from analysis.telling import answers


@app.command()
def thresholds(
    evaluation: Named,
    metrics: Annotated[Text, typer.Option(metavar="M,...", help="Metrics; default: precision,recall,f1.")] = None,
    goal: Annotated[list[str] | None, typer.Option(metavar="TEXT", help=f"{KNOWN}; repeatable.")] = None,
    threshold: Annotated[list[float] | None, typer.Option(help="Only at this threshold; repeatable.")] = None,
    by: Annotated[Text, typer.Option(metavar="COLUMN", help="A threshold for each group of a column.")] = None,
    value: Annotated[Text, typer.Option(metavar="tp=..,fp=..", help="What decisions are worth; costs < 0.")] = None,
    amount: Annotated[Text, typer.Option(metavar="tp=..,fp=..", help="Worth as a share of the row's amount.")] = None,
    save: Annotated[Text, typer.Option(metavar="NAME", help="Save what the first goal chooses as a policy.")] = None,
    model: Versions = None,
    where: Where = None,
    since: Since = None,
    until: Until = None,
    level: Level = 0.95,
    fail_if: FailIf = None,
    cautious: Cautious = False,
    junit: Junit = None,
    json: AsJson = False,
) -> None:
    """Metrics at every threshold with intervals, and the threshold that serves a goal best.

    Gates judge what the first goal recommends, be it one threshold, a band or thresholds by group; without a goal the
    best F1, with --threshold that threshold.
    """
    asked = gates.asked(fail_if, cautious, junit)
    if asked and len(threshold or ()) > 1:
        raise BadRequest("Gates judge one threshold; give --threshold once.")
    with terminal.workspace() as workspace:
        found = evaluations.find(workspace, evaluation)
        opened = Engine(workspace).open(found)
        for gate in asked:
            panel.chosen(found, [gate.bound.metric], opened.own)
        segment, period = terminal.segment(where, judged.types(found)), read_period(since, until)
        result = questions.thresholds(
            opened,
            metrics=names(metrics),
            goals=[read_goal(each) for each in goal or ()],
            at=threshold or (),
            by=by or "",
            values=read_values(value, amount),
            models=model or (),
            where=segment,
            period=period,
            level=level,
        )
        cases: list[gates.Case] = []
        if asked:
            named = gates.names([asked[0].bound.metric], asked)
            rules = (
                dict.fromkeys(result.receipt.options["models"], threshold[0]) if threshold else _rules(found, result)
            )
            frames = [
                questions.measure(
                    opened, metrics=named, models=[name], where=segment, period=period, threshold=rule, level=level
                ).frame
                for name, rule in rules.items()
            ]
            cases = gates.judged(pl.concat(frames, how="diagonal") if frames else result.frame.clear(), asked)
            gates.report(cases, junit, result)
        if save is not None:
            policies.keep(workspace, found, save, policies.chosen(found, result.receipt.recommended))
    if json or threshold:
        typer.echo(answers.told(result.sentence, result.frame, result.receipt.to_dict() | gates.told(cases), json))
    else:
        frame, said = answers.chosen_frame(result), answers.chosen_words(result)
        typer.echo(answers.told(f"{result.sentence}\n{said}", frame, {}, False))
    gates.finish(cases)


def _rules(evaluation: Evaluation, result: Result) -> dict[str, Threshold]:
    """{model version: the rule its first goal recommends}, without those for which no goal found one."""
    rules: dict[str, Threshold] = {}
    for each in result.receipt.recommended:
        if each["model"] not in rules and each.get("threshold") is not None:
            rules[each["model"]] = policies.chosen(evaluation, [each]).rule
    return rules


@app.command(name="policies")
def list_policies(evaluation: Named, json: AsJson = False) -> None:
    """List the saved policies of an evaluation."""
    with terminal.workspace() as workspace:
        found = evaluations.find(workspace, evaluation)
        known = policies.listed(workspace, found)
    frame = policies.table(known)
    many = "policy" if len(known) == 1 else "policies"
    typer.echo(answers.told(f"{len(known)} {many} of '{found.name}'.", frame, {"rows": len(known)}, json))
