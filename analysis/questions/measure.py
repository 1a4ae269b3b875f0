"""How good is the model, and for whom? Metrics with intervals, overall or broken out by columns."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import polars as pl

from analysis.core import judged, words
from analysis.core.cube import Cube
from analysis.core.cutoffs import Threshold, snapped
from analysis.core.errors import BadRequest, Undecided
from analysis.core.evaluation import Evaluation, ModelFacts
from analysis.core.period import Period
from analysis.core.receipt import Receipt, Result
from analysis.core.roles import BINARY
from analysis.core.segment import Everything, Segment
from analysis.core.settings import whole
from analysis.engine import binning, replicated
from analysis.engine.query import OpenEvaluation, Query
from analysis.engine.receipts import receipt_sql
from analysis.engine.used import rows_used
from analysis.metrics import defined, panel
from analysis.metrics.definition import Metric

NONE: Mapping[str, str] = MappingProxyType({})
TAKEN = ("model", "metric", "class", "value", "low", "high", "n", "method", "reason", "baseline", "bound", "detectable")


def measure(
    evaluation: OpenEvaluation,
    *,
    metrics: Sequence[str] = (),
    by: Sequence[str] = (),
    binnings: Mapping[str, str] = NONE,
    where: Segment | None = None,
    models: Sequence[str] = (),
    period: Period | None = None,
    threshold: Threshold | None = None,
    level: float = 0.95,
) -> Result:
    """Each metric of each model version on its own scored and labelled rows, one row a group, model and metric.

    binnings: {column of `by`: how it is cut into bins}, see engine/binning.py; as the file has it unless given.
    detectable: the smallest distance from a value fixed beforehand, such as a target, that so many rows find four times
    in five. An unanswerable metric has null and a reason; asked for by name while it lacks a decision, it raises
    Undecided.
    """
    facts = evaluation.facts
    asked = panel.chosen(facts, metrics, evaluation.own)
    if threshold is not None and facts.task != BINARY:
        raise BadRequest(f"A threshold decides between two classes; '{facts.name}' is {facts.task}.")
    where, period = where or Everything(), period or Period()
    versions = [facts.model(name) for name in models] if models else list(facts.models)
    if metrics:
        _refuse_undecided(facts, asked, versions, threshold)
    columns = [facts.column(name) for name in by]
    names = dict(
        zip(
            [f"k{place}" for place in range(len(columns))],
            panel.group_names([c.name for c in columns], TAKEN),
            strict=True,
        )
    )
    keys = binning.keys(evaluation, versions[0].name, by, binnings)
    pieces, used, sql, notes = [], [], {}, []
    seconds, cached = 0.0, True
    apart = judged.said_apart(facts, where, len(versions))
    notes += [apart] if apart else []
    for model in versions:
        obstacles = {metric.name: panel.obstacle(metric, facts, model, threshold) for metric in asked}
        possible = [metric for metric in asked if obstacles[metric.name] is None]
        query = Query(
            model=model.name,
            needs=panel.needs(possible),
            by=keys,
            where=where,
            period=period,
            threshold=threshold if model.score else None,
        )
        answer = evaluation.ask(query)
        if replicated.wanted(evaluation, possible):
            answer = replicated.attached(evaluation, [(query, answer)])[0]
        seconds, cached = seconds + answer.seconds, cached and answer.cached
        notes += _said(answer.threshold, threshold, model, answer.cube, columns)
        used.append(rows_used(model.name, answer.cube))
        groups = answer.cube.groups.rename(names) if names else answer.cube.groups
        for metric in asked:
            reason = obstacles[metric.name]
            estimates = (
                panel.undefined(len(answer.cube), reason) if reason else metric.measure(answer.cube, level=level)
            )
            pieces.append(panel.rows(answer.cube, metric, model.name, estimates, groups, level=level))
            if reason is None and metric.sql is not None:
                sql[f"{metric.name} ({model.name})"] = receipt_sql(evaluation, query, metric, answer.threshold)
    frame = pl.concat(pieces, how="vertical_relaxed")
    frame = frame if any(value is not None for value in frame["class"]) else frame.drop("class")
    options: dict[str, Any] = {
        "metrics": [metric.name for metric in asked],
        "by": list(by),
        "binnings": dict(binnings),
        "where": "" if isinstance(where, Everything) else where.expression(),
        "models": [model.name for model in versions],
        "from": str(period.first) if period.first else None,
        "to": str(period.last) if period.last else None,
        "threshold": threshold,
        "level": level,
        "positive": facts.positive,
    }
    options |= panel.own_texts(asked, evaluation.own)
    receipt = Receipt(
        "measure",
        facts.label,
        facts.fingerprint,
        options,
        tuple(used),
        sql,
        seconds=seconds,
        cached=cached,
        notes=tuple(notes),
    )
    return Result(frame, _sentence(evaluation, frame, list(names.values()), where), receipt, own=evaluation.own)


def _refuse_undecided(
    facts: Evaluation, asked: list[Metric], versions: list[ModelFacts], threshold: Threshold | None
) -> None:
    for metric in asked:
        for model in versions:
            if panel.obstacle(metric, facts, model, threshold) == panel.NEEDS_DECISION:
                raise Undecided(
                    f"'{metric.name}' needs a decision, and '{model.name}' has scores only: say from which score on a "
                    "row counts as positive, with --threshold."
                )


def _said(
    used: Threshold | None, threshold: Threshold | None, model: ModelFacts, cube: Cube, columns: Sequence[Any]
) -> list[str]:
    notes = snapped(threshold, used, model.name)
    if threshold is not None and not model.score:
        notes.append(f"{model.name} has no scores; its recorded decisions were measured.")
    if model.clipped:
        notes.append(f"The log loss of {words.plural(model.clipped, 'row')} of {model.name} was clipped at 36.04 nats.")
    if any(column.encoding == "plain" for column in columns) and len(cube) >= whole("groups"):
        notes.append(f"Only the {whole('groups'):,} most frequent values are groups of their own; the rest is 'other'.")
    return notes


def _sentence(evaluation: OpenEvaluation, frame: pl.DataFrame, groups: list[str], where: Segment) -> str:
    among = "" if isinstance(where, Everything) else f" among rows where {where.sentence()}"
    known = frame.filter(pl.col("value").is_not_null())
    if not len(known):
        reasons = [each for each in frame["reason"].unique().to_list() if each]
        return f"Nothing could be measured{among}: {reasons[0] if reasons else 'no rows'}."
    first = known["metric"][0]
    metric = defined(first, evaluation.own)
    rows = known.filter(pl.col("metric") == first)
    if not groups:
        parts = []
        for row in rows.iter_rows(named=True):
            whose = row["model"] + (f", class {row['class']}" if row.get("class") else "")
            parts.append(f"{words.number(row['value'], metric.unit)} for {whose}{_evidence(row, metric)}")
        return f"{metric.title}{among} is {words.listed(parts)}."
    rows = rows.filter(pl.col("n") >= whole("small_group"))
    if not len(rows):
        return f"Every group{among} is too small to judge; see the table."
    ranked = rows.sort(pl.col("value").abs() if metric.better == "zero" else pl.col("value"))
    if metric.better in ("lower", "zero"):
        ranked = ranked.reverse()
    ends = ("lowest", "highest") if metric.better is None else ("worst", "best")
    lines = [
        f"{label} for {_group(row, groups)} at {words.number(row['value'], metric.unit)}{_evidence(row, metric)}"
        for label, row in zip(ends, (ranked.row(0, named=True), ranked.row(-1, named=True)), strict=True)
    ]
    by = words.listed(groups)
    return f"{metric.title} by {by}{among} is {lines[0]} and {lines[1]}; small groups set aside."


def _group(row: dict[str, Any], groups: list[str]) -> str:
    return ", ".join("(missing)" if row[name] is None else str(row[name]) for name in groups) + f" ({row['model']})"


def _evidence(row: dict[str, Any], metric: Metric) -> str:
    if row["low"] is None:
        return f" ({row['n']:,} {metric.counts})"
    return f" ({words.between(row['low'], row['high'], metric.unit)}, {row['n']:,} {metric.counts})"
