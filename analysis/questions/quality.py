"""Can this data be trusted, and does it matter? Every check's outcome, and what the rows it found do to a metric."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import numpy as np
import polars as pl

from analysis.checks import CHECKS, FOUND, Check, Hit, Seen
from analysis.checks.definition import OUTCOMES, SEVERITIES
from analysis.checks.verdict import verdict
from analysis.core import judged
from analysis.core.cutoffs import Threshold
from analysis.core.expression import parse
from analysis.core.receipt import Receipt, Result, said
from analysis.core.segment import Segment
from analysis.core.settings import number, setting
from analysis.engine import effects as measured
from analysis.engine.kept import keep, kept
from analysis.engine.profile import profile, shapes
from analysis.engine.query import OpenEvaluation
from analysis.engine.subject import Subject
from analysis.metrics.contrasts import benjamini_hochberg
from analysis.metrics.definition import defined

COLUMNS: dict[str, Any] = {
    "code": pl.String,
    "title": pl.String,
    "outcome": pl.String,
    "severity": pl.String,
    "rows": pl.Int64,
    "share": pl.Float64,
    "columns": pl.String,
    "sentence": pl.String,
    "effect": pl.Float64,
    "effect_low": pl.Float64,
    "effect_high": pl.Float64,
    "metric": pl.String,
    "where": pl.String,
    "model": pl.String,
    "suggestion": pl.String,
    "with_rows": pl.Float64,
    "without_rows": pl.Float64,
    "rows_alone": pl.Float64,
    "n": pl.Int64,
    "method": pl.String,
    "reason": pl.String,
    "p_adjusted": pl.Float64,
    "error_share": pl.Float64,
}
Row = dict[str, Any]
SHARE = 0.6
"""Of all the time the share the checks take, about; the rest goes into effects."""
NONE: Mapping[str, str] = MappingProxyType({})


def quality(
    subject: Subject,
    *,
    evaluation: OpenEvaluation | None = None,
    metric: str = "",
    effects: bool = True,
    threshold: Threshold | None = None,
    checks: Sequence[str] = (),
    muted: Mapping[str, str] = NONE,
    level: float = 0.95,
    progress: Callable[[float, str], None] = lambda share, doing: None,
) -> Result:
    """A row a hit, what moves the metric most first, then a row a check that is clear or not applicable.

    subject: a dataset as uploaded, or an evaluation's rows; then `evaluation` is that, and every hit whose rows a
    segment says has its effect: the metric over all rows (with_rows) less the metric without these (without_rows), with
    effect_low and effect_high, the metric on them alone (rows_alone), and the share of all errors they hold
    (error_share). Whatever chance can explain says so: p_adjusted is Benjamini and Hochberg's over all effects of the
    frame. rows, share: affected rows; null where whole columns are. columns: names, comma-separated. checks: codes;
    () = all. metric: "" takes ROC AUC, accuracy or the mean absolute error; without `effects` none is
    measured, and the checks' answer comes at once. Further frames: `profile` (a row a column),
    `places` (code, columns, model, place, and the id's columns: rows that no segment says, as far as listed) and
    `shapes` (column, place, n: see engine/profile.py).
    muted: {mute key: reason} of hits an analyst took out of the verdict; they are listed last of those found, with the
    reason in the column `muted`.
    """
    began = time.perf_counter()
    chosen = [CHECKS.get(code) for code in checks] if checks else list(CHECKS)
    name = _metric(evaluation, metric, threshold) if effects else ""
    options = _options(subject, chosen, name, threshold, level, evaluation)
    result = kept(subject.shelf, "quality", options) if subject.shelf else None
    if result is None:
        share = SHARE if name else 1.0
        result = _judged(subject, chosen, level, lambda done, doing: progress(share * done, doing))
        if evaluation is not None and name:
            result = _measured(evaluation, result, name, threshold, level, options, progress)
        result = replace(result, receipt=replace(result.receipt, seconds=time.perf_counter() - began))
        if subject.shelf:
            keep(subject.shelf, options, result)
    return _muted(subject, result, _title(evaluation, name), muted)


def _judged(
    subject: Subject,
    checks: Sequence[Check],
    level: float,
    progress: Callable[[float, str], None],
) -> Result:
    """What the checks say, without effects; kept, so that another metric asks no check again."""
    options = _options(subject, checks, "", None, level)
    known = kept(subject.shelf, "quality", options) if subject.shelf else None
    if known is not None:
        return known
    progress(0.0, "Counting the columns")
    counted = profile(subject)
    seen = Seen(subject, counted)
    found: list[tuple[Check, Hit]] = []
    for at, check in enumerate(checks):
        progress(0.2 + 0.8 * at / len(checks), check.title)
        found += [(check, hit) for hit in check.judge(seen)]
    rows = sorted((_row(subject, check, hit) for check, hit in found), key=_rank)
    sql = {"profile": subject.bare(counted.sql[0])} if counted.sql else {}
    for check, hit in found:
        if hit.where is not None and hit.outcome == FOUND:
            body = f"SELECT count(*) AS n FROM {subject.relation} r WHERE {subject.condition(hit.where)}"
            sql[f"{check.name} {', '.join(hit.columns)} {hit.model}".strip()] = subject.bare(body)
    receipt = Receipt("quality", subject.name, subject.fingerprint, options, sql=sql)
    frames = {"profile": counted.frame, "places": _places(subject, found), "shapes": shapes(subject, counted)}
    result = Result(pl.DataFrame(rows, schema=COLUMNS), "", receipt, frames)
    if subject.shelf:
        keep(subject.shelf, options, result)
    return result


def _measured(
    evaluation: OpenEvaluation,
    result: Result,
    name: str,
    threshold: Threshold | None,
    level: float,
    options: dict[str, Any],
    progress: Callable[[float, str], None],
) -> Result:
    """The same hits with their effects, what moves the metric most first."""
    types, rows = judged.types(evaluation.facts), result.frame.to_dicts()
    for at, row in enumerate(rows):
        progress(SHARE + (1 - SHARE) * at / len(rows), "Measuring what the rows found do to the metric")
        if row["outcome"] == FOUND and row["where"] is not None:
            where, version = parse(row["where"], columns=types), row["model"] or ""
            row |= _effect(evaluation, name, where, version, threshold, level)
    adjusted = benjamini_hochberg(np.array([row.pop("p", np.nan) for row in rows], dtype=float))
    for row, p in zip(rows, adjusted, strict=True):
        row["p_adjusted"] = None if np.isnan(p) else float(p)
    looks = int(np.isfinite(adjusted).sum())
    receipt = replace(result.receipt, options=options, m=looks or None, q=number("q") if looks else None, cached=False)
    return replace(result, frame=pl.DataFrame(sorted(rows, key=_rank), schema=COLUMNS), receipt=receipt)


def judged_before(
    subject: Subject,
    evaluation: OpenEvaluation | None = None,
    metric: str = "",
    threshold: Threshold | None = None,
    *,
    effects: bool = True,
) -> bool:
    """Whether the answer of all checks, with effects or without, is kept, so that asking takes no time."""
    name = _metric(evaluation, metric, threshold) if effects else ""
    options = _options(subject, list(CHECKS), name, threshold, 0.95, evaluation)
    return subject.shelf is not None and kept(subject.shelf, "quality", options) is not None


def _title(evaluation: OpenEvaluation | None, name: str) -> str:
    return defined(name, evaluation.own).title if evaluation is not None and name else ""


def mute_key(row: Mapping[str, Any]) -> str:
    """What a mute of a hit is kept under: its check, columns and, of a check of predictions, its model version."""
    version = row["model"] if row["code"].startswith("P") else None
    return " | ".join(str(part) for part in (row["code"], row["columns"], version or ""))


def _muted(subject: Subject, result: Result, metric: str, muted: Mapping[str, str]) -> Result:
    reasons = [
        muted.get(mute_key(row)) if row["outcome"] == FOUND else None for row in result.frame.iter_rows(named=True)
    ]
    frame = result.frame.with_columns(pl.Series("muted", reasons, dtype=pl.String))
    order = pl.col("outcome").replace_strict({name: at for at, name in enumerate(OUTCOMES)}, return_dtype=pl.Int64)
    frame = frame.sort(order, pl.col("muted").is_not_null(), maintain_order=True)
    return replace(result, frame=frame, sentence=verdict(subject.name, frame, metric))


def _options(
    subject: Subject,
    checks: Sequence[Check],
    metric: str,
    threshold: Threshold | None,
    level: float,
    evaluation: OpenEvaluation | None = None,
) -> dict[str, Any]:
    """For the receipt and for finding the answer again. metric: "" without effects; then no threshold matters."""
    return {
        "kind": subject.kind,
        "task": subject.task,
        "roles": subject.roles.to_dict(),
        "metric": metric,
        "metric_defined": defined(metric, evaluation.own).mark if evaluation is not None and metric else None,
        "checks": [check.name for check in checks],
        "thresholds": {name: setting(name) for check in checks for name in check.settings},
        "threshold": said(threshold) if metric else None,
        "level": level,
        "positive": subject.roles.positive,
    }


def _metric(evaluation: OpenEvaluation | None, metric: str, threshold: Threshold | None) -> str:
    """What effects are told in; "" where nothing is measured. UnknownName for a metric that is not there."""
    if evaluation is None:
        return ""
    name = metric or next(iter(measured.offered(evaluation, threshold)), "")
    return defined(name, evaluation.own).name if name else ""


def _row(subject: Subject, check: Check, hit: Hit) -> Row:
    found = hit.outcome == FOUND
    return dict.fromkeys(COLUMNS) | {
        "code": check.name,
        "title": check.title,
        "outcome": hit.outcome,
        "severity": (hit.severity or check.severity) if found else None,
        "rows": hit.rows if found else None,
        "share": hit.rows / subject.rows if found and hit.rows is not None and subject.rows else None,
        "columns": ", ".join(hit.columns),
        "sentence": hit.sentence,
        "where": hit.where.expression() if hit.where is not None and found else None,
        "model": hit.model or None,
        "suggestion": hit.suggestion,
    }


def _effect(
    evaluation: OpenEvaluation, name: str, where: Segment, model: str, threshold: Threshold | None, level: float
) -> Row:
    """The effect on the version a hit is about; for a hit of the table on the version it moves most."""
    facts, metric = evaluation.facts, defined(name, evaluation.own)
    versions = [facts.model(model)] if model else list(facts.models)
    made = [measured.effect(evaluation, metric, version, where, threshold, level) for version in versions]
    known = [each for each in made if each is not None]
    if not known:
        return {"metric": name, "reason": f"no model version can answer '{name}' with and without these rows"}
    worst = max(known, key=lambda each: np.nan_to_num(abs(each.values.difference.value[0]), nan=-1.0))
    return worst.told()


def _rank(row: Row) -> tuple[Any, ...]:
    """Found first: what surely moves the metric, by how much; then by severity and rows; then by code."""
    outcome = OUTCOMES.index(row["outcome"])
    sure = row["p_adjusted"] is not None and row["p_adjusted"] <= number("q")
    size = -abs(row["effect"]) if sure else 0.0
    severity = SEVERITIES.index(row["severity"]) if row["severity"] else 0
    return outcome, size, severity, -(row["rows"] or 0), row["code"], row["columns"], row["sentence"]


def _places(subject: Subject, found: list[tuple[Check, Hit]]) -> pl.DataFrame:
    """The rows no segment says, by their place in the file and their id."""
    places = [
        {"code": check.name, "columns": ", ".join(hit.columns), "model": hit.model or None, "place": place}
        for check, hit in found
        for place in hit.places
    ]
    schema = {"code": pl.String, "columns": pl.String, "model": pl.String, "place": pl.Int64}
    frame = pl.DataFrame(places, schema=schema)
    if not len(frame) or not subject.roles.id:
        return frame
    picked = ", ".join(
        f"CAST(r.{subject.column(name).key} AS VARCHAR) AS i{at}" for at, name in enumerate(subject.roles.id)
    )
    listed = ", ".join(str(place) for place in frame["place"].unique())
    ids = subject.scan(f"SELECT r.rowid AS place, {picked} FROM {subject.relation} r WHERE r.rowid IN ({listed})")
    names = {f"i{at}": name if name not in schema else f"{name}_" for at, name in enumerate(subject.roles.id)}
    return frame.join(ids.with_columns(pl.col("place").cast(pl.Int64)), on="place", how="left").rename(names)
