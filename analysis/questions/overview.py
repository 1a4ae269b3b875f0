"""How good is the model now? The key figures with their evidence, their change, and their course over time."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl

from analysis.core import judged, words
from analysis.core.cube import Cube
from analysis.core.cutoffs import Threshold, snapped
from analysis.core.estimate import Estimates
from analysis.core.evaluation import Evaluation, ModelFacts
from analysis.core.period import Period, bucket_after
from analysis.core.receipt import Receipt, Result
from analysis.core.roles import BINARY, MULTICLASS
from analysis.core.segment import Compare, Everything, Missing, Not, Segment, every
from analysis.core.settings import number
from analysis.core.target import Target, aimed, with_targets
from analysis.engine import pairs, replicated
from analysis.engine.course import Course, bucket_for, shared_units, total_and_course
from analysis.engine.query import Answer, OpenEvaluation, Query
from analysis.engine.receipts import receipt_sql
from analysis.engine.used import rows_used
from analysis.metrics import METRICS, change, defined, leaderboard, panel, unpaired
from analysis.metrics.definition import Metric
from analysis.metrics.obstacles import without_label

KEY_FIGURES = {
    "binary": ("recall", "precision", "f1", "roc_auc", "average_precision", "accuracy", "log_loss", "brier"),
    "multiclass": ("accuracy", "macro_recall", "macro_precision", "macro_f1", "roc_auc_ovr", "log_loss", "brier"),
    "regression": ("mae", "rmse", "r2", "median_ae", "bias"),
}
OPERATION = ("latency_p95", "cost_per_prediction")
TREND: dict[str, Any] = {
    "model": pl.String,
    "metric": pl.String,
    "start": pl.Datetime("us"),
    "value": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "n": pl.Int64,
    "rows": pl.Int64,
    "labelled": pl.Float64,
    "complete": pl.Boolean,
    "settled": pl.Boolean,
    "where": pl.String,
    "where_labelled": pl.String,
    "where_not_yet": pl.String,
}


def key_figures(facts: Evaluation) -> list[str]:
    """The metrics an overview shows where none are named: of the task, and of operation where columns tell of it."""
    return panel.offered(facts, (*KEY_FIGURES[facts.task], *OPERATION))


def overview(
    evaluation: OpenEvaluation,
    *,
    metrics: Sequence[str] = (),
    models: Sequence[str] = (),
    where: Segment | None = None,
    period: Period | None = None,
    threshold: Threshold | None = None,
    level: float = 0.95,
    targets: Sequence[Target] = (),
) -> Result:
    """The key figures of each model version: value, interval, n, baseline, and the change against the time before.

    The change compares the period with the equally long one before it, or without a period the last complete bucket
    that is labelled with the one before. Verdicts are corrected over the whole frame (Benjamini-Hochberg). targets:
    what metrics ought to reach; theirs are asked for too, and the frame says which are met. Further frames: `trend` (a
    row a model, metric and bucket), `classes` (a row a model, metric and class of many), `versions` (a row a metric and
    model version: its rank among up to six, corrected over all pairs and metrics together).
    """
    facts = evaluation.facts
    figures = metrics or (*key_figures(facts), *evaluation.own)
    asked = panel.chosen(facts, [*figures, *aimed(targets)], evaluation.own)
    where, period = where or Everything(), period or Period()
    versions = [facts.model(name) for name in models] if models else list(facts.models)
    bucket = bucket_for(facts, period)
    pieces, trends, classes, used, sql = [], [], [], [], {}
    answers, totals = [], []
    apart: dict[str, None] = {}
    compared = ""
    for model in versions:
        possible = [metric for metric in asked if panel.obstacle(metric, facts, model, threshold) is None]
        query = Query(
            model=model.name,
            needs=panel.needs(possible),
            where=where,
            period=period,
            threshold=threshold if model.score else None,
        )
        answer, course = total_and_course(evaluation, query, bucket, replicates=replicated.wanted(evaluation, possible))
        answers.append(answer)
        totals.append(answer)
        used.append(rows_used(model.name, answer.cube))
        earlier = _before(evaluation, query, course, answers)
        compared = compared or _compared(course, query.period, labels=True)
        both, asked_too = shared_units(evaluation, query, answer, earlier, course)
        answers += asked_too
        for metric in _of_each_class(facts, model, query):
            classes.append(_by_class(facts, metric, model, answer.cube, level))
            if metric.sql is not None:
                sql[f"{metric.name} ({model.name})"] = receipt_sql(evaluation, query, metric, answer.threshold)
        for metric in asked:
            reason = panel.obstacle(metric, facts, model, threshold)
            if metric.by_class(answer.cube):
                continue
            estimates = panel.undefined(1, reason) if reason else metric.measure(answer.cube, level=level)
            piece = panel.rows(answer.cube, metric, model.name, estimates, answer.cube.groups, level=level)
            said = _compared(course, query.period, labels=not without_label(metric))
            piece = piece.with_columns(pl.lit(said or None, dtype=pl.String).alias("compared"))
            changed = change.columns(metric, None, None)
            if reason is None:
                over_time = metric.measure(course.cube, level=level) if course is not None else None
                shared = unpaired.together(metric, *both, level) if both else None
                if both and shared is None:
                    apart.setdefault(metric.title)
                before = None if earlier is None else both[1] if both else earlier.cube
                changed = _change(metric, answer.cube, estimates, before, course, over_time, level, shared)
                if metric.sql is not None:
                    sql[f"{metric.name} ({model.name})"] = receipt_sql(evaluation, query, metric, answer.threshold)
                if course is not None and over_time is not None:
                    trends.append(_trend(facts, metric, model, course, over_time))
            pieces.append(piece.hstack(changed).with_columns(panel.skill(metric)))
    frame = pl.concat(pieces, how="vertical_relaxed").drop("class")
    frame, looks = change.judged(frame, evaluation.own)
    frame = with_targets(frame, targets)
    options: dict[str, Any] = {
        "metrics": [metric.name for metric in asked],
        "models": [model.name for model in versions],
        "where": "" if isinstance(where, Everything) else where.expression(),
        "from": str(period.first) if period.first else None,
        "to": str(period.last) if period.last else None,
        "threshold": threshold,
        "level": level,
        "bucket": bucket,
        "compared": compared,
        "positive": facts.positive,
        "targets": [str(each) for each in targets],
    }
    base = Query("", frozenset(), where=where, period=period, threshold=threshold)
    built_in = [metric for metric in asked if metric.name in METRICS]
    alone = {model.name: answer for model, answer in zip(versions, totals, strict=True)}
    duels, paired = pairs.duels(evaluation, base, built_in, versions, level=level, alone=alone)
    ranks, options["pairs_judged"] = leaderboard.ranked(frame, duels)
    answers += paired
    notes = [note for name, each in alone.items() for note in snapped(threshold, each.threshold, name)]
    if apart:
        notes.append(f"The changes of {words.listed(list(apart))} do not allow for units with rows in both periods.")
    others = judged.said_apart(facts, where, len(versions))
    notes += [others] if others else []
    options |= panel.own_texts(asked, evaluation.own)
    receipt = Receipt(
        "overview",
        facts.label,
        facts.fingerprint,
        options,
        tuple(used),
        sql,
        m=looks or None,
        q=number("q") if looks else None,
        seconds=sum(each.seconds for each in answers),
        cached=all(each.cached for each in answers),
        notes=tuple(notes),
    )
    trend = pl.concat(trends) if trends else pl.DataFrame(schema=TREND)
    by_class = pl.concat(classes) if classes else pl.DataFrame()
    said = _sentence(evaluation, frame, where, period, leaderboard.sentence(ranks))
    return Result(frame, said, receipt, {"trend": trend, "classes": by_class, "versions": ranks}, evaluation.own)


def _of_each_class(facts: Evaluation, model: ModelFacts, query: Query) -> list[Metric]:
    """The metrics by class that what was counted serves, where there are more than two classes."""
    return [
        metric
        for metric in METRICS
        if metric.per_class_of(facts.classes)
        and facts.task in metric.tasks
        and query.needs.issuperset(metric.needs)
        and panel.obstacle(metric, facts, model, None) is None
    ]


def _by_class(facts: Evaluation, metric: Metric, model: ModelFacts, cube: Cube, level: float) -> pl.DataFrame:
    """A metric of each class."""
    label = judged.named(facts)["label"]
    where = pl.Series("where", [Compare(label, "=", name).expression() for name in facts.classes], dtype=pl.String)
    return panel.rows(
        cube, metric, model.name, metric.measure(cube, level=level), cube.groups, level=level
    ).with_columns(where)


def _before(evaluation: OpenEvaluation, query: Query, course: Course | None, answers: list[Answer]) -> Answer | None:
    """The answer of the period before, where a period is chosen."""
    period = query.period.before()
    if course is None or period is None:
        return None
    answer = evaluation.ask(replace(query, period=period))
    answers.append(answer)
    return answer


def _compared(course: Course | None, period: Period, *, labels: bool) -> str:
    """In words what a change compares with what; "" where there is nothing to compare."""
    if course is None:
        return ""
    before = period.before()
    if before is not None:
        return f"against {before.first} to {before.last}"
    pair = course.last_two(labels=labels)
    return f"{course.bucket} of {course.starts[pair[1]]:%d %b %Y} against the one before" if pair else ""


def _change(
    metric: Metric,
    cube: Cube,
    now: Estimates,
    earlier: Cube | None,
    course: Course | None,
    over_time: Estimates | None,
    level: float,
    together: np.ndarray | None,
) -> pl.DataFrame:
    """The columns of the change: against the period before, else of the last two settled buckets."""
    if earlier is not None:
        known = min(earlier.labelled[0], cube.labelled[0]) >= number("labelled_share")
        settled, then = bool(known or without_label(metric)), metric.measure(earlier, level=level)
        return change.columns(metric, now, then, settled=settled, level=level, together=together)
    pair = course.last_two(labels=not without_label(metric)) if course is not None else None
    if pair is None or over_time is None:
        return change.columns(metric, None, None)
    later, before = (change.at(over_time, place) for place in reversed(pair))
    return change.columns(metric, later, before, level=level, together=together)


def _trend(facts: Evaluation, metric: Metric, model: ModelFacts, course: Course, estimates: Estimates) -> pl.DataFrame:
    count = len(course.starts)
    buckets = [judged.in_bucket(facts, start, bucket_after(start, course.bucket)) for start in course.starts]
    waiting = Missing(judged.named(facts)["label"])
    return pl.DataFrame(
        {
            "model": [model.name] * count,
            "metric": [metric.name] * count,
            "start": course.starts,
            "value": estimates.value,
            "low": estimates.low,
            "high": estimates.high,
            "n": estimates.n,
            "rows": course.cube.rows,
            "labelled": course.cube.labelled,
            "complete": course.complete,
            "settled": course.settled(labels=not without_label(metric)),
            "where": [bucket.expression() for bucket in buckets],
            "where_labelled": [every([bucket, Not(waiting)]).expression() for bucket in buckets],
            "where_not_yet": [every([bucket, waiting]).expression() for bucket in buckets],
        },
        schema=TREND,
    ).with_columns(pl.col("value", "low", "high").fill_nan(None))


def _sentence(evaluation: OpenEvaluation, frame: pl.DataFrame, where: Segment, period: Period, board: str) -> str:
    among = "" if isinstance(where, Everything) else f" Among rows where {where.sentence()}."
    when = "" if period.everything else f" {period.sentence().capitalize()}."
    lines = [line for model in frame["model"].unique(maintain_order=True) for line in _lines(evaluation, frame, model)]
    if not lines:
        reasons = [each for each in frame["reason"].unique().to_list() if each]
        lines = [f"Nothing can be measured yet: {reasons[0] if reasons else 'there are no rows'}."]
    return "\n".join([*([board] if board else []), *lines]) + among + when


def _lines(evaluation: OpenEvaluation, frame: pl.DataFrame, model: str) -> list[str]:
    facts, own = evaluation.facts, evaluation.own
    rows = {
        row["metric"]: row
        for row in frame.filter(pl.col("model") == model).iter_rows(named=True)
        if row["value"] is not None
    }

    def said(name: str, text: str) -> str:
        row, metric = rows[name], defined(name, own)
        value = words.number(row["value"], metric.unit)
        ends = words.between(row["low"], row["high"], metric.unit) if row["low"] is not None else "no interval"
        return text.format(value=value, ends=ends, n=f"{row['n']:,}")

    lines = []
    if facts.task == BINARY:
        if "recall" in rows:
            lines.append(
                said(
                    "recall", f"{model} finds {{value}} of the actual '{facts.positive}' ({{ends}}, on {{n}} positives)"
                )
            )
        if "precision" in rows:
            found = said("precision", "{value} of the {n} it flags are right ({ends})")
            lines = [f"{lines[0]}; {found}"] if lines else [f"{model}: {found}"]
        if "roc_auc" in rows:
            ranked = said("roc_auc", "ROC AUC {value} ({ends})")
            lines = [f"{lines[0]}; {ranked}"] if lines else [f"{model}: {ranked}"]
    elif facts.task == MULTICLASS:
        if "accuracy" in rows:
            lines.append(said("accuracy", f"{model} is right in {{value}} of the cases ({{ends}}, on {{n}})"))
    elif "mae" in rows:
        lines.append(said("mae", f"{model} is off by {{value}} on average ({{ends}}, on {{n}} rows)"))
        if "r2" in rows:
            lines = [f"{lines[0]}; {said('r2', 'R² {value} ({ends})')}"]
    if not lines and rows:
        name = next(iter(rows))
        lines.append(said(name, f"{model}: {defined(name, own).title} {{value}} ({{ends}}, on {{n}})"))
    return [f"{line}." for line in lines]
