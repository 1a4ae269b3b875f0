"""Are the targets met? Each metric with a target, per model version, and what its interval says of the bound."""

from collections.abc import Sequence
from typing import Any

import polars as pl

from analysis.core import words
from analysis.core.cutoffs import Threshold
from analysis.core.period import Period
from analysis.core.receipt import Receipt, Result, Used
from analysis.core.segment import Everything, Segment
from analysis.core.target import MET, MISSED, Target, aimed, for_row, with_targets
from analysis.engine import replicated
from analysis.engine.query import OpenEvaluation, Query
from analysis.engine.receipts import receipt_sql
from analysis.engine.used import rows_used
from analysis.metrics import defined, panel

SAID = {MET: "is met", MISSED: "is missed"}
BOUNDS = {">=": "at least", "<=": "at most"}


def targets(
    evaluation: OpenEvaluation,
    *,
    targets: Sequence[Target],
    models: Sequence[str] = (),
    where: Segment | None = None,
    period: Period | None = None,
    threshold: Threshold | None = None,
    level: float = 0.95,
) -> Result:
    """A row a target and model version (and class, of many): its estimate, target_op, target and target_verdict.

    Met: the whole interval keeps to the bound; missed: none of it does; else not decided, also where it is undefined.
    """
    facts = evaluation.facts
    asked = panel.chosen(facts, aimed(targets), evaluation.own) if targets else []
    where, period = where or Everything(), period or Period()
    pieces: list[pl.DataFrame] = []
    used: list[Used] = []
    sql: dict[str, str] = {}
    seconds, cached = 0.0, True
    for model in [facts.model(name) for name in models] if models else facts.models:
        mine = [metric for metric in asked if for_row(targets, metric.name, model.name) is not None]
        obstacles = {metric.name: panel.obstacle(metric, facts, model, threshold) for metric in mine}
        possible = [metric for metric in mine if obstacles[metric.name] is None]
        query = Query(
            model=model.name,
            needs=panel.needs(possible),
            where=where,
            period=period,
            threshold=threshold if model.score else None,
        )
        if not mine:
            continue
        answer = evaluation.ask(query)
        if replicated.wanted(evaluation, possible):
            answer = replicated.attached(evaluation, [(query, answer)])[0]
        seconds, cached = seconds + answer.seconds, cached and answer.cached
        used.append(rows_used(model.name, answer.cube))
        for metric in mine:
            reason = obstacles[metric.name]
            estimates = panel.undefined(1, reason) if reason else metric.measure(answer.cube, level=level)
            pieces.append(panel.rows(answer.cube, metric, model.name, estimates, answer.cube.groups))
            if reason is None and metric.sql is not None:
                sql[f"{metric.name} ({model.name})"] = receipt_sql(evaluation, query, metric, answer.threshold)
    frame = with_targets(pl.concat(pieces) if pieces else _nothing(), targets)
    if not any(value is not None for value in frame["class"]):
        frame = frame.drop("class")
    options: dict[str, Any] = {
        "targets": [str(each) for each in targets],
        "models": list(models),
        "where": "" if isinstance(where, Everything) else where.expression(),
        "from": str(period.first) if period.first else None,
        "to": str(period.last) if period.last else None,
        "threshold": threshold,
        "level": level,
        "positive": facts.positive,
    }
    options |= panel.own_texts(asked, evaluation.own)
    receipt = Receipt(
        "targets", facts.label, facts.fingerprint, options, tuple(used), sql, seconds=seconds, cached=cached
    )
    return Result(frame, _sentence(evaluation, frame, where), receipt, own=evaluation.own)


def _nothing() -> pl.DataFrame:
    numbers = dict.fromkeys(("value", "low", "high", "baseline", "bound", "detectable"), pl.Float64)
    texts = dict.fromkeys(("model", "metric", "class", "method", "reason"), pl.String)
    return pl.DataFrame(schema={**texts, **numbers, "n": pl.Int64})


def _sentence(evaluation: OpenEvaluation, frame: pl.DataFrame, where: Segment) -> str:
    if not len(frame):
        return f"'{evaluation.facts.name}' has no target."
    among = "" if isinstance(where, Everything) else f" Among rows where {where.sentence()}."
    lines = []
    for row in frame.iter_rows(named=True):
        metric = defined(row["metric"], evaluation.own)
        whose = row["model"] + (f", class {row['class']}" if row.get("class") else "")
        bound = f"{metric.title} {BOUNDS[row['target_op']]} {words.number(row['target'], metric.unit)}"
        verdict = SAID.get(row["target_verdict"], "is not decided")
        lines.append(f"{whose}: {bound} {verdict} {_evidence(row, metric.unit, metric.counts)}.")
    return "\n".join(lines) + among


def _evidence(row: dict[str, Any], unit: str, counts: str) -> str:
    if row["value"] is None:
        return f"({row['reason']})"
    ends = "no interval" if row["low"] is None else words.between(row["low"], row["high"], unit)
    return f"at {words.number(row['value'], unit)} ({ends}, {row['n']:,} {counts})"
