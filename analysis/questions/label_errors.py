"""Which labels are likely wrong? Those a model version's scores confidently contradict, the worst first."""

import time
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
import polars as pl
import polars.selectors as cs

from analysis.core import words
from analysis.core.errors import BadRequest, UnknownName
from analysis.core.estimate import Estimates
from analysis.core.labeldecision import CONFIRMED, REJECTED
from analysis.core.receipt import Receipt, Result, Used
from analysis.core.roles import BINARY, REGRESSION
from analysis.core.schema import Column
from analysis.core.segment import Compare, Everything, Missing, Segment
from analysis.core.settings import number, whole
from analysis.engine import doubts
from analysis.engine.doubts import Doubts
from analysis.engine.kept import keep, kept
from analysis.engine.profile import TEXT, kind_of
from analysis.engine.query import OpenEvaluation
from analysis.engine.subject import Answered, of_evaluation
from analysis.metrics import confident
from analysis.metrics.contrasts import benjamini_hochberg
from analysis.metrics.intervals import divide, z_value

COLUMNS: dict[str, Any] = {
    "id": pl.String,
    "label": pl.String,
    "suggested": pl.String,
    "score": pl.Float64,
    "margin": pl.Float64,
    "rank": pl.Int64,
    "decision": pl.String,
    "model": pl.String,
    "sure": pl.Boolean,
}
NONE: Mapping[tuple[str, str], str] = MappingProxyType({})
MOST, FEW_VALUES = 10_000, 50


def label_errors(
    evaluation: OpenEvaluation,
    *,
    model: str = "",
    where: Segment | None = None,
    limit: int = 200,
    order: str = "score",
    decisions: Mapping[tuple[str, str], str] = NONE,
    level: float = 0.95,
) -> Result:
    """A row a label, rank 1 the most doubtful: score is what the version gives the label, margin that less the best
    other class's score; sure: whether the version is confident of another class; suggested: that, or else the other
    class with the best score; decision: confirmed, rejected or null.

    model: "" takes the newest version. where: only rows of a segment are listed and counted; thresholds stay those of
    all rows. limit: how many rows are listed, at most 10,000. order: score or margin. decisions: {(id, label): what an
    analyst decided}. Further frames: `share` (a row: value, low, high, n, method of the share of wrong labels by
    confident learning; found, expected: contradicted rows, and how many of them the scores themselves expect; surplus,
    surplus_low, surplus_high: the difference as a share of the labels), `classes` (a row a label), `joint` (rows by
    label and confident class) and `groups` (a row a group of each segment and protected column: contradicted rows,
    those expected, their ratio with low and high, rest: the other groups' ratio, and p_adjusted: that a group is
    contradicted as often for its scores as the rest is).
    BadRequest where there is no label of classes or no score.
    """
    began = time.perf_counter()
    if not 1 <= limit <= MOST:
        raise BadRequest(f"A listing of labels holds 1 to {MOST:,} rows, not {limit:,}.")
    if order not in doubts.ORDERS:
        raise UnknownName("order", order, list(doubts.ORDERS))
    facts, subject = evaluation.facts, of_evaluation(evaluation)
    version = _version(subject.models, model)
    options = {"model": version.name, "where": where.expression() if where is not None else "", "limit": limit}
    options |= {"order": order, "level": level}
    known = kept(evaluation.shelf, "label_errors", options)
    if known is None:
        counted = doubts.counted(subject, version, where if where is not None else Everything())
        if isinstance(counted, str):
            raise BadRequest(f"Labels of '{facts.name}' cannot be judged: {counted}.")
        listed = doubts.listed(counted, limit, order)
        frame = listed.with_columns(
            pl.int_range(1, len(listed) + 1, dtype=pl.Int64).alias("rank"),
            pl.lit(None, dtype=pl.String).alias("decision"),
            pl.lit(version.name).alias("model"),
        )
        groups = _groups(counted, _columns(evaluation, counted), level)
        looks = int(groups["p_adjusted"].is_not_null().sum())
        used = Used(version.name, counted.total, int(counted.labelled.sum()), _dropped(counted))
        receipt = Receipt(
            "label_errors",
            facts.label,
            facts.fingerprint,
            options,
            used=(used,),
            sql={name: subject.bare(each) for name, each in counted.sql.items()},
            m=looks or None,
            q=number("q") if looks else None,
            seconds=time.perf_counter() - began,
            notes=("Rows are counted without weights.",) if facts.weighted else (),
        )
        estimates = _estimated(counted, level)
        frames = {"share": _share(counted, estimates, level), "classes": _classes(counted, estimates)}
        known = Result(frame.select(*COLUMNS), "", receipt, frames | {"joint": _joint(counted), "groups": groups})
        keep(evaluation.shelf, options, known)
    frame = _decided(known.frame, decisions)
    return Result(frame, _sentence(facts.label, known, frame), known.receipt, known.frames)


def label_errors_fit(evaluation: OpenEvaluation) -> list[str]:
    """The model versions whose scores can judge labels."""
    facts, models = evaluation.facts, of_evaluation(evaluation).models
    if facts.roles.label is None or facts.task == REGRESSION:
        return []
    return [each.name for each in models if (each.score if facts.task == BINARY else len(each.class_scores) > 1)]


def _version(models: tuple[Answered, ...], name: str) -> Answered:
    if not name:
        return models[-1]
    for model in models:
        if model.name == name:
            return model
    raise UnknownName("model version", name, [model.name for model in models])


def _columns(evaluation: OpenEvaluation, counted: Doubts) -> list[Column]:
    """Text columns of few values: the segment and protected ones where any have these roles, else all."""
    few = {each.name for each in evaluation.facts.columns if each.encoding == "values" and each.distinct <= FEW_VALUES}
    roles = evaluation.facts.roles
    chosen = {*roles.segments, *roles.protected}
    text = [each for each in counted.subject.plain if kind_of(each) == TEXT and each.name in few]
    return [each for each in text if each.name in chosen] or [each for each in text if each.name not in roles.id]


def _estimated(counted: Doubts, level: float) -> Estimates:
    """Of each class and last of all. The variance is that of a sample where the rows are many, brought to their
    number."""
    labels, scores, inside = doubts.sampled(counted, whole("label_error_rows"))
    shrunk = len(labels) / max(1, counted.total_labelled)
    variance = confident.spread(labels, scores, inside) * shrunk
    return confident.wrong(counted.joint, counted.labelled, variance, level)


def _share(counted: Doubts, estimates: Estimates, level: float) -> pl.DataFrame:
    estimate = estimates[len(counted.names)]
    beyond = confident.surplus(
        np.array([counted.found]), np.array([counted.expected]), np.array([counted.variance]), level
    )
    labelled = max(1, int(counted.labelled.sum()))
    surplus = (counted.found - counted.expected) / labelled
    half = z_value(level) * float(np.sqrt(counted.variance)) / labelled
    row = {
        "value": estimate.value,
        "low": estimate.low,
        "high": estimate.high,
        "n": estimate.n,
        "method": estimate.method,
        "reason": estimate.reason,
        "found": counted.found,
        "expected": counted.expected,
        "surplus": surplus,
        "surplus_low": surplus - half,
        "surplus_high": surplus + half,
        "p": beyond.p[0],
    }
    return pl.DataFrame([row], schema_overrides={"reason": pl.String}).with_columns(cs.float().fill_nan(None))


def _classes(counted: Doubts, estimates: Estimates) -> pl.DataFrame:
    k = len(counted.names)
    frame = pl.DataFrame(
        {
            "label": counted.names,
            "rows": counted.labelled,
            "found": counted.joint.sum(axis=1) - np.diag(counted.joint),
            "value": estimates.value[:k],
            "low": estimates.low[:k],
            "high": estimates.high[:k],
            "n": estimates.n[:k],
            "threshold": counted.thresholds,
        }
    ).with_columns(cs.float().fill_nan(None))
    reason = pl.Series("reason", estimates.reason[:k], dtype=pl.String)
    return frame.with_columns(pl.lit(estimates.method).alias("method"), reason)


def _joint(counted: Doubts) -> pl.DataFrame:
    k = len(counted.names)
    return pl.DataFrame(
        {
            "label": np.repeat(counted.names, k).tolist(),
            "suggested": list(counted.names) * k,
            "rows": counted.joint.ravel().astype(np.int64),
        }
    )


def _groups(counted: Doubts, columns: list[Column], level: float) -> pl.DataFrame:
    """The groups of each column, most surely contradicted beyond the rest first."""
    frame = doubts.by_column(counted, columns)
    found, expected, variance = (frame[name].to_numpy() for name in ("found", "expected", "variance"))
    whole_found, whole_expected = (
        frame.select(pl.col(name).sum().over("column"))[name].to_numpy() for name in ("found", "expected")
    )
    beyond = confident.surplus(found, expected, variance, level)
    p = confident.concentrated(found, expected, whole_found - found, whole_expected - expected)
    where = [
        (Missing(column) if group is None else Compare(column, "=", group)).expression()
        for column, group in frame.select("column", "group").iter_rows()
    ]
    return (
        frame.with_columns(
            pl.Series("ratio", beyond.ratio),
            pl.Series("low", beyond.low),
            pl.Series("high", beyond.high),
            pl.Series("rest", divide(whole_found - found, whole_expected - expected)),
            pl.Series("p_adjusted", benjamini_hochberg(p)),
            pl.Series("where", where, dtype=pl.String),
        )
        .drop("variance")
        .with_columns(cs.float().fill_nan(None))
        .sort("p_adjusted", "column", "group", nulls_last=True)
    )


def _dropped(counted: Doubts) -> dict[str, int]:
    without = counted.total - int(counted.labelled.sum())
    return {"without a label or without a score of every class in [0, 1]": without} if without else {}


def _decided(frame: pl.DataFrame, decisions: Mapping[tuple[str, str], str]) -> pl.DataFrame:
    said = [decisions.get((id, label)) for id, label in frame.select("id", "label").iter_rows()]
    return frame.with_columns(pl.Series("decision", said, dtype=pl.String))


def _sentence(name: str, result: Result, frame: pl.DataFrame) -> str:
    share, model = result.frames["share"].row(0, named=True), result.receipt.options["model"]
    scope = " among these rows" if result.receipt.options["where"] else ""
    if share["value"] is None:
        return f"How many labels of {name} are wrong cannot be told by {model}: {share['reason']}."
    said = (
        f"Confident learning puts {words.number(share['value'], 'share')} of the labels of {name}{scope} down as "
        f"wrong ({words.interval(share['low'], share['high'], 'share')}): {model} is sure of another class for "
        f"{words.plural(share['found'], 'row')}."
    )
    expected = f"Its own scores expect {share['expected']:,.0f} of these by chance"
    if share["surplus_low"] > 0:
        said += f"\n{expected}; {words.number(share['surplus'], 'share')} of the labels "
        said += (
            f"({words.interval(share['surplus_low'], share['surplus_high'], 'share')}) are contradicted beyond that."
        )
    else:
        said += f"\n{expected}, so nothing beyond chance speaks of wrong labels."
    worst = result.frames["groups"].filter((pl.col("p_adjusted") <= number("q")) & (pl.col("ratio") > pl.col("rest")))
    if len(worst):
        row = worst.row(0, named=True)
        group = "missing" if row["group"] is None else row["group"]
        said += (
            f"\nMost of all in {row['column']} {group}: {row['found']:,} where {row['expected']:,.0f} were expected."
        )
    counts = dict(frame["decision"].drop_nulls().value_counts().iter_rows())
    if counts:
        said += f"\nDecided among {words.plural(len(frame), 'row')} listed: {counts.get(CONFIRMED, 0):,} confirmed, "
        said += f"{counts.get(REJECTED, 0):,} rejected."
    return said
