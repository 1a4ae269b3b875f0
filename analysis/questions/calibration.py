"""Does a score of 0.3 mean three in ten? Reliability by bin, what sums it up, and what recalibrating would change."""

from collections.abc import Sequence
from typing import Any

import polars as pl

from analysis.core import judged, words
from analysis.core.errors import BadRequest
from analysis.core.evaluation import Evaluation, ModelFacts
from analysis.core.mapping import METHODS
from analysis.core.period import Period
from analysis.core.receipt import Receipt, Result, Used
from analysis.core.roles import BINARY
from analysis.core.segment import Everything, Missing, Not, Segment, every
from analysis.core.settings import number, whole
from analysis.engine import replicated
from analysis.engine.grouped import conditions
from analysis.engine.query import Answer, OpenEvaluation, Query
from analysis.engine.receipts import receipt_sql
from analysis.engine.used import rows_used
from analysis.metrics import METRICS, panel, reliability
from analysis.metrics.calibrationframes import (
    FITTED,
    MAPPED,
    RELIABILITY,
    SUMMARY,
    checked,
    corrected,
    diagram,
    summary,
)
from analysis.metrics.scores import scored

TAKEN = (*RELIABILITY, *SUMMARY)


def calibration(
    evaluation: OpenEvaluation,
    *,
    models: Sequence[str] = (),
    by: Sequence[str] = (),
    bins: int = reliability.BINS,
    binning: str = reliability.WIDTH,
    fits: Sequence[str] = (),
    where: Segment | None = None,
    period: Period | None = None,
    level: float = 0.95,
) -> Result:
    """Score beside observed share, one row a model version, group and bin; bins under ten rows are marked.

    Each row carries the segment (`where`) of its rows.

    binning: "width" (equal) or "count" (equal). Further frames: `summary` (errors, slope, intercept, parts of the Brier
    score, Spiegelhalter's z and p, a row each), `fits` (for each of `fits`: losses before and after on the half of the
    rows the mapping was not fitted on, with verdicts corrected over the frame), `mappings` (the mappings as JSON) and
    `checked` (reliability on that half, before and after). BadRequest where no model has a binary score and a label.
    """
    facts = evaluation.facts
    where, period = where or Everything(), period or Period()
    versions = _scored(facts, models)
    unknown = [method for method in fits if method not in METHODS]
    if unknown:
        raise BadRequest(f"A calibration is fitted by {words.listed(list(METHODS))}, not by '{unknown[0]}'.")
    columns = [facts.column(name).name for name in by]
    names = dict(zip([f"k{place}" for place in range(len(columns))], panel.group_names(columns, TAKEN), strict=True))
    pieces, sums, fitted, made, before_after, answers, used, notes = [], [], [], [], [], [], [], []
    sql: dict[str, str] = {}
    for model in versions:
        query = Query(model.name, frozenset({"scores"}), by=tuple(columns), where=where, period=period, units=False)
        answer = replicated.ask(evaluation, query)
        answers.append(answer)
        used.append(rows_used(model.name, answer.cube))
        notes += [note for note in _said(facts, model) if note not in notes]
        groups = answer.cube.groups.rename(names) if names else answer.cube.groups
        kind = binning if model.probabilities else reliability.COUNT
        picked = reliability.binned(scored(answer.cube), kind, bins)
        piece = diagram(answer.cube, picked, model.name, groups, level)
        parts = conditions(facts, query.by, answer.cube.groups) if names else []
        named = dict(zip(groups.select(names.values()).iter_rows(), parts, strict=True)) if names else {}
        pieces.append(_sayable(facts, piece, list(names.values()), named))
        asked = None if (kind, bins) == (reliability.WIDTH, reliability.BINS) else picked
        sums.append(summary(answer.cube, asked, model.name, groups, level))
        if asked is None:
            sql |= _receipts(evaluation, query, model)
        if fits:
            half = Query(model.name, frozenset({"scores"}), halves=True, where=where, period=period, units=False)
            halves = replicated.ask(evaluation, half)
            answers.append(halves)
            found = checked(halves.cube, fits, model.name, kind, bins, level)
            fitted.append(found.fits)
            made.append(found.mappings)
            before_after.append(found.diagram)
    frame, looks = corrected(pl.concat(fitted) if fitted else pl.DataFrame(schema=FITTED))
    frames = {
        "summary": pl.concat(sums, how="vertical_relaxed"),
        "fits": frame,
        "mappings": pl.concat(made) if made else pl.DataFrame(schema=MAPPED),
        "checked": pl.concat(before_after) if before_after else pl.DataFrame(),
    }
    options: dict[str, Any] = {
        "models": [model.name for model in versions],
        "by": list(by),
        "bins": bins,
        "binning": binning,
        "fits": list(fits),
        "where": "" if isinstance(where, Everything) else where.expression(),
        "from": str(period.first) if period.first else None,
        "to": str(period.last) if period.last else None,
        "level": level,
        "positive": facts.positive,
    }
    receipt = _receipt(facts, options, used, sql, answers, notes, looks)
    lines = _sentence(facts, frames["summary"], list(names.values()), where, versions)
    return Result(pl.concat(pieces), "\n".join(lines), receipt, frames)


def _sayable(
    facts: Evaluation, frame: pl.DataFrame, by: list[str], groups: dict[tuple[Any, ...], Segment]
) -> pl.DataFrame:
    """The bins with `where`: the segment of their labelled rows. groups: the condition of each group, by its name."""
    names, last = judged.named(facts), frame["to"].max()
    known = [Not(Missing(names["label"])), *judged.weighed(facts)]

    def rows(low: float, high: float, *group: Any) -> str:
        between = judged.between(names["score"], low, None if high == last else high)
        return every([*([groups[group]] if by else []), between, *known]).expression()

    ends = frame.select("from", "to", *by).iter_rows()
    return frame.with_columns(pl.Series("where", [rows(*each) for each in ends], dtype=pl.String))


def _receipt(
    facts: Evaluation,
    options: dict[str, Any],
    used: list[Used],
    sql: dict[str, str],
    answers: list[Answer],
    notes: list[str],
    looks: int,
) -> Receipt:
    return Receipt(
        "calibration",
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


def uncalibrated(facts: Evaluation) -> str | None:
    """Why an evaluation's calibration cannot be asked, in a sentence; None where it can."""
    if facts.task != BINARY:
        return f"Calibration is asked of the scores of two classes; '{facts.name}' is {facts.task}."
    if facts.roles.label is None:
        return f"'{facts.name}' has no label, so nobody knows yet which scores were right."
    if not any(model.score for model in facts.models):
        return f"No model version of '{facts.name}' has a score column, so there is nothing to calibrate."
    return None


def _scored(facts: Evaluation, models: Sequence[str]) -> list[ModelFacts]:
    """The versions asked for; all that have a score where none is named."""
    why = uncalibrated(facts)
    if why is not None:
        raise BadRequest(why)
    versions = [facts.model(name) for name in models] if models else [each for each in facts.models if each.score]
    for model in versions:
        if not model.score:
            raise BadRequest(f"The model version '{model.name}' has no score column, so it has no calibration.")
    return versions


def _said(facts: Evaluation, model: ModelFacts) -> list[str]:
    notes = []
    if model.name in facts.roles.derived:
        notes.append(
            f"{model.name} is derived: its mapping was fitted on about half of the rows it was made from, so figures "
            "on all of them flatter it a little."
        )
    if not model.exact:
        notes.append(
            f"{model.name} has more distinct scores than score codes: each code counts at the middle of its range, "
            "and `bound` says what that can have moved."
        )
    if not model.probabilities:
        notes.append(f"The scores of {model.name} are no probabilities; its bins hold about equally many rows each.")
    return notes


def _receipts(evaluation: OpenEvaluation, query: Query, model: ModelFacts) -> dict[str, str]:
    asked = [metric for metric in METRICS if metric.sql and metric.sql.source in ("calibration", "recalibration")]
    return {f"{metric.name} ({model.name})": receipt_sql(evaluation, query, metric, None) for metric in asked}


def _sentence(
    facts: Evaluation, frame: pl.DataFrame, groups: list[str], where: Segment, versions: list[ModelFacts]
) -> list[str]:
    among = "" if isinstance(where, Everything) else f" Among rows where {where.sentence()}."
    lines = []
    for model in versions:
        own = frame.filter(pl.col("model") == model.name)
        if not model.probabilities:
            lines.append(
                f"Scores of {model.name} are no probabilities: some lie outside 0 to 1. They put rows in an order "
                "(see ROC AUC) but say no chance; Platt or isotonic calibration makes chances of them."
            )
        elif groups:
            lines.append(_by_group(model.name, own, groups))
        else:
            lines.append(_overall(model.name, {row["metric"]: row for row in own.iter_rows(named=True)}))
    return [f"{line}{among}" for line in lines]


def _overall(model: str, rows: dict[str, dict[str, Any]]) -> str:
    mean, error, slope = (rows[name] for name in ("calibration_in_the_large", "ece", "calibration_slope"))
    if mean["value"] is None:
        return f"Calibration of {model} is undefined: {mean['reason']}."
    said = (
        f"{_on_average(model, mean)}; calibration error (ECE) {words.number(error['value'], 'score')} "
        f"({words.interval(error['low'], error['high'], 'score')}), on {mean['n']:,} rows"
    )
    if slope["low"] is not None and not slope["low"] <= 1 <= slope["high"]:
        how = "too sure of themselves" if slope["high"] < 1 else "too timid"
        said += f". They are {how}: slope {words.number(slope['value'], 'ratio')} "
        said += f"({words.interval(slope['low'], slope['high'], 'ratio')}) where 1 is right"
    return f"{said}."


def _on_average(model: str, row: dict[str, Any]) -> str:
    """Too high or too low, or right as far as the rows tell. The row is of label less score."""
    size, side = words.number(abs(row["value"]), "share").rstrip("%"), "high" if row["value"] < 0 else "low"
    if row["low"] is None:
        return f"Scores of {model} are {size} points too {side} on average"
    ends = sorted(abs(row[end]) for end in ("low", "high"))
    low, high = (words.number(end, "share").rstrip("%") for end in ends)
    if row["low"] <= 0 <= row["high"]:
        below, above = (words.number(abs(row[end]), "share").rstrip("%") for end in ("high", "low"))
        spread = f"between {below} points too low and {above} too high"
        return f"Scores of {model} are right on average as far as can be told ({spread})"
    return f"Scores of {model} are {size} points too {side} on average (between {low} and {high})"


def _by_group(model: str, frame: pl.DataFrame, groups: list[str]) -> str:
    rows = frame.filter((pl.col("metric") == "calibration_in_the_large") & pl.col("value").is_not_null())
    rows = rows.filter(pl.col("n") >= whole("small_group")).sort(pl.col("value").abs())
    if not len(rows):
        return f"Every group of {model} is too small to judge; see the table."
    row = rows.row(-1, named=True)
    name = ", ".join("(missing)" if row[each] is None else str(row[each]) for each in groups)
    first = _on_average(f"{model} in {name}", row)
    return f"Farthest off by {words.listed(groups)}: {first[0].lower()}{first[1:]}, on {row['n']:,} rows."
