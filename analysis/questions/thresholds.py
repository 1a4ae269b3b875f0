"""Where to draw the line? Every threshold's metrics with intervals, its curves, and the one that serves a goal best."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl

from analysis.core import words
from analysis.core.cutoffs import Threshold, snapped, start
from analysis.core.errors import BadRequest
from analysis.core.goal import MAX, Goal
from analysis.core.period import Period
from analysis.core.receipt import Receipt, Result, records, said
from analysis.core.roles import BINARY
from analysis.core.segment import Everything, Segment
from analysis.core.value import Values
from analysis.engine import replicated
from analysis.engine.query import OpenEvaluation, Query
from analysis.engine.reaching import Reached, reach
from analysis.engine.receipts import receipt_sql
from analysis.engine.standing import Standing, stand
from analysis.engine.sweep import Sweep, moves
from analysis.engine.sweepframes import frames_of
from analysis.engine.used import rows_used
from analysis.metrics import METRICS, defined, operating, panel, worth
from analysis.metrics.definition import Metric

DEFAULT = ("precision", "recall", "f1")
BEST_F1 = Goal(MAX, "f1")


def thresholds(
    evaluation: OpenEvaluation,
    *,
    models: Sequence[str] = (),
    metrics: Sequence[str] = (),
    where: Segment | None = None,
    period: Period | None = None,
    threshold: Threshold | None = None,
    at: Sequence[float] = (),
    goals: Sequence[Goal] = (),
    by: str = "",
    values: Values | None = None,
    level: float = 0.95,
) -> Result:
    """Each metric of each scored model version at every threshold of a grid, or at the thresholds `at` alone.

    threshold: the rule in force; goals that need one number start from the nearest to it (core/cutoffs.py). Without it
    the recorded one, else the first that a goal chooses. Without goals the best F1 is recommended. by: a column whose
    groups get thresholds of their own. values: what decisions are worth.

    Frames: `chosen` (a row a goal and model), `segments` (a row a goal, model and group), `automatic` (what a band
    decides by itself), `grid` (the main frame's rows that stay wherever the rule in force stands), `current`
    (metrics of what it decides), `review` (of a band: what goes to a person), `groups` (of thresholds by group: a row a
    group), `confusion`, `recorded` (counts, of the rule in force and of the recorded decisions), `roc`, `pr`, `gain`,
    `distribution`, `value`. In `confusion`, `distribution` and the curves
    `where` is the segment of a row's rows, by their score; of a curve those selected at its threshold.
    """
    facts = evaluation.facts
    if facts.task != BINARY:
        raise BadRequest(f"A threshold decides between two classes; '{facts.name}' is {facts.task}.")
    where, period, values = where or Everything(), period or Period(), values or Values()
    versions = [facts.model(name) for name in models] if models else list(facts.models)
    without = [model.name for model in versions if not model.score]
    if len(without) == len(versions):
        raise BadRequest(f"'{facts.name}' has no score column, so there is no threshold to choose.")
    pieces: dict[str, list[pl.DataFrame]] = {}
    used, notes, sql, reached, answers = [], [], {}, [], []
    force: dict[str, float] = {}
    stood: list[Standing] = []
    span: dict[str, list[float]] = {}
    for model in versions:
        if not model.score:
            notes.append(f"{model.name} has no scores and is left out.")
            continue
        needs = frozenset(worth.needs(values))
        query = Query(model.name, needs, where=where, period=period, halves=True, units=False)
        one = Sweep(evaluation, query, replicated.ask(evaluation, query), values, level)
        answers.append(one.halves)
        used.append(rows_used(model.name, one.total))
        asked = [one.metric(name) for name in dict.fromkeys(metrics or _default(values))]
        given = start(threshold) if threshold is not None else (at[0] if at else model.threshold)
        best = reach(one, BEST_F1, 0.0)
        first = one.cut(given)[0] if given is not None else _start(one, best)
        came = [reach(one, goal, first, by) for goal in goals] if goals else [best]
        if goals and given is None and came[0].row["threshold"] is not None:
            first = one.cut(came[0].row["threshold"])[0]
        standing = stand(one, first if threshold is None or isinstance(threshold, float | int) else threshold)
        force[model.name] = first if standing.alone != standing.alone else standing.alone
        span[model.name] = one.span
        notes += _notes(one, given if threshold is None else threshold, standing.rule)
        shown = [each for each in standing.at if each == each] if not at or goals else []
        shown += [each.row[end] for each in came for end in ("threshold", "upper") if (goals or not at)]
        shown += list(at)
        for goal_metric in (each.row["metric"] for each in came if goals):
            if goal_metric not in [metric.name for metric in asked]:
                asked.append(one.metric(goal_metric))
        made = frames_of(one, asked, standing, [each for each in shown if each is not None], bool(at))
        for name, frame in made.items():
            pieces.setdefault(name, []).append(frame)
        reached += came
        stood.append(standing)
        answers += one.answers
        for metric in asked:
            if one.obstacle(metric) is None and metric.sql is not None:
                single = replace(query, halves=False, threshold=force[model.name])
                sql[f"{metric.name} ({model.name})"] = receipt_sql(evaluation, single, metric, force[model.name])
    frames = {name: pl.concat(each, how="vertical_relaxed") for name, each in pieces.items()}
    frame = frames.pop("rows")
    chosen = frames["chosen"] = _table([each.row for each in reached])
    frames["segments"] = _table([row for each in reached for row in each.segments])
    frames["automatic"] = _automatic(reached)
    frames["review"] = _table([row for each in stood for row in each.review])
    frames["groups"] = _table([row for each in stood for row in each.groups])
    options: dict[str, Any] = {
        "metrics": list(metrics),
        "models": [each.model for each in used],
        "where": "" if isinstance(where, Everything) else where.expression(),
        "from": str(period.first) if period.first else None,
        "to": str(period.last) if period.last else None,
        "threshold": threshold,
        "at": list(at),
        "in_force": force,
        "rule": {each.one.query.model: said(each.rule) for each in stood},
        "ends": {each.one.query.model: each.thresholds for each in stood},
        "span": span,
        "goals": [goal.text for goal in goals],
        "by": by,
        "values": values.to_dict() if values.given else None,
        "level": level,
        "positive": facts.positive,
    }
    options |= panel.own_texts(list(evaluation.own.values()), evaluation.own)
    receipt = Receipt(
        "thresholds",
        facts.label,
        facts.fingerprint,
        options,
        tuple(used),
        sql,
        seconds=sum(each.seconds for each in answers),
        cached=all(each.cached for each in answers),
        notes=tuple(dict.fromkeys(notes)),
        recommended=tuple(_recommended(each) for each in reached),
    )
    ruled = {each.one.query.model: each.sentence(frames["current"]) for each in stood}
    told = _sentence(frame, chosen, force, ruled, str(facts.positive), evaluation.own)
    return Result(frame, told, receipt, frames, evaluation.own)


def threshold_figures(evaluation: OpenEvaluation, values: Values | None = None) -> tuple[str, ...]:
    """The metrics that are drawn over the threshold: the usual ones, and analysts' own that are shares of decisions."""
    own = [metric.name for metric in evaluation.own.values() if moves(metric) and metric.unit == "share"]
    return (*_default(values or Values()), *own)


def _default(values: Values) -> tuple[str, ...]:
    return (*DEFAULT, "value") if values.given else DEFAULT


def _start(one: Sweep, best: Reached) -> float:
    """Where to stand without a threshold: at the best F1, or without labels where half of the rows are selected."""
    if best.row["threshold"] is not None:
        return float(best.row["threshold"])
    above = operating.load(one.total)
    return one.at(int(np.flatnonzero(above.selected >= above.scored / 2)[-1]))


def _notes(one: Sweep, given: Threshold | None, force: Threshold) -> list[str]:
    notes = snapped(given, force, one.query.model)
    unit = one.evaluation.facts.roles.unit
    if unit is not None:
        said = f"The two halves hold rows of the same '{unit}': what one half chose is checked on rows it has not seen,"
        notes.append(f"{said} but not on units it has not seen.")
    amounts = one.total.amounts
    if amounts is not None and amounts.missing.sum():
        lost = words.plural(int(amounts.missing.sum()), "scored row")
        notes.append(f"{lost} of {one.query.model} have no amount and are left out of the value.")
    return notes


def _automatic(reached: list[Reached]) -> pl.DataFrame:
    rows = [
        {"goal": each.row["goal"], "model": each.row["model"], "metric": metric.name}
        | {"value": one.value, "low": one.low, "high": one.high, "n": one.n, "method": one.method}
        for each in reached
        for metric, one in each.automatic
    ]
    return _table(rows)


def _table(rows: list[dict[str, Any]]) -> pl.DataFrame:
    """Dicts as a frame, undefined as null."""
    return pl.DataFrame(rows, infer_schema_length=None).with_columns(pl.selectors.float().fill_nan(None))


def _recommended(each: Reached) -> dict[str, Any]:
    """A goal and what it chose, JSON-able."""
    row = records(pl.DataFrame([each.row], infer_schema_length=None))[0]
    if row["upper"] is not None:
        row["band"] = [row["threshold"], row["upper"]]
    if each.segments:
        row["thresholds"] = [{"group": one["group"], "threshold": one["threshold"]} for one in each.segments]
    return {key: value for key, value in row.items() if value is not None}


def _sentence(
    frame: pl.DataFrame,
    chosen: pl.DataFrame,
    force: dict[str, float],
    ruled: dict[str, str],
    positive: str,
    own: Mapping[str, Metric],
) -> str:
    """A line a model version on the rule in force, then one on every goal that chooses another threshold. ruled: what
    rules do that are no one threshold, else ""."""
    rows = chosen.to_dicts()
    lines = []
    for model, at in force.items():
        if ruled[model]:
            lines.append(ruled[model])
            continue
        same = [row["goal"] for row in rows if (row["model"], row["threshold"], row["upper"]) == (model, at, None)]
        lines.append(_does(frame, model, at, positive, own, words.listed(list(dict.fromkeys(same)))))
    for row in rows:
        if row["threshold"] is None:
            lines.append(row["sentence"])
        elif row["upper"] is not None or not row["reached"] or row["threshold"] != force[row["model"]]:
            picked = frame.filter((pl.col("model") == row["model"]) & (pl.col("threshold") == row["threshold"]))
            if len(picked):
                lines.append(_chooses(row, {each["metric"]: each for each in picked.iter_rows(named=True)}, own))
    return "\n".join(dict.fromkeys(lines))


def _chooses(row: dict[str, Any], rows: dict[str, dict[str, Any]], own: Mapping[str, Metric]) -> str:
    """What one goal chose, with its own metric first."""
    at = words.number(row["threshold"], "score")
    if row["upper"] is not None:
        upper = words.number(row["upper"], "score")
        return f"{row['model']}, {row['goal']}: what scores from {at} to below {upper} is reviewed."
    shown = dict.fromkeys([row["metric"], "precision", "recall"])
    what = words.listed([_number(rows[name], own) for name in shown if name in rows])
    if not row["reached"]:
        return f"{row['model']} does not reach {row['goal']}; the nearest threshold, {at}, has {what}."
    return f"{row['model']}, {row['goal']}: the threshold {at} gives {what}."


def _does(frame: pl.DataFrame, model: str, at: float, positive: str, known: Mapping[str, Metric], goals: str) -> str:
    """What one threshold does, and which goals choose it."""
    own = frame.filter((pl.col("model") == model) & (pl.col("threshold") == at))
    rows = {row["metric"]: row for row in own.iter_rows(named=True) if row["value"] is not None}
    head = f"At {words.number(at, 'score')}, {f'which {goals} chooses, ' if goals else ''}{model}"
    if not {"recall", "precision"} <= set(rows):
        return f"{head}: {words.listed([_number(each, known) for each in own.iter_rows(named=True)])}."
    found, right = rows["recall"], rows["precision"]
    ends = [words.between(each["low"], each["high"], "share") for each in (found, right)]
    said = f"{head} finds {words.number(found['value'], 'share')} of the actual '{positive}' ({ends[0]}, on "
    said += (
        f"{found['n']:,} positives); {words.number(right['value'], 'share')} of the {right['n']:,} it flags are right "
    )
    rest = [_number(row, known) for name, row in rows.items() if name not in ("recall", "precision")]
    return f"{said}({ends[1]})" + (f"; {words.listed(rest)}." if rest else ".")


def _number(row: dict[str, Any], own: Mapping[str, Metric]) -> str:
    """One row of the frame in words."""
    known = row["metric"] in METRICS or row["metric"] in own
    metric = defined(row["metric"], own) if known else None
    unit = metric.unit if metric else "label" if row["metric"] == "value" else "share"
    title = metric.title if metric else "value a decision" if row["metric"] == "value" else row["metric"]
    if row["value"] is None:
        return f"{title} is undefined ({row['reason']})"
    ends = f" ({words.between(row['low'], row['high'], unit)})" if row["low"] is not None else ""
    return f"{title} {words.number(row['value'], unit)}{ends}"
