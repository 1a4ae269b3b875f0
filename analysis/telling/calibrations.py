"""Calibration told: rows of its charts and tables, and a mapping as it leaves the house."""

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl

from analysis.core import words
from analysis.core.errors import BadRequest
from analysis.core.mapping import Mapping
from analysis.core.receipt import Result
from analysis.metrics import METRICS
from analysis.metrics.calibrationframes import MARKED, definition

FITS = {"before": "as it is", "platt": "Platt", "isotonic": "Isotonic", "beta": "Beta"}
AFTER = {"before": "Before", "platt": "After Platt", "isotonic": "After isotonic", "beta": "After beta"}
TOPS = (0.05, 0.1, 0.2, 0.4, 0.6, 1.0)
PARTS = (
    "The Brier score is reliability − resolution + uncertainty + what happens inside the bins. "
    "Spiegelhalter's test needs no bins."
)


def mapping(result: Result, model: str, method: str) -> Mapping:
    """The mapping a calibration fitted; BadRequest with the reason where there is none."""
    rows = result.frames["mappings"].filter(model=model, fit=method)
    if not len(rows):
        raise BadRequest(f"No {FITS.get(method, method)} mapping of '{model}' was fitted.")
    row = rows.row(0, named=True)
    if row["mapping"] is None:
        raise BadRequest(f"There is no {FITS[method]} mapping of '{model}': {row['reason']}.")
    return Mapping.from_dict(json.loads(row["mapping"]))


def found(result: Result, model: str, method: str) -> Mapping | None:
    """The mapping, None where none could be fitted."""
    rows = result.frames["mappings"].filter(model=model, fit=method)
    return None if not len(rows) or rows["mapping"][0] is None else mapping(result, model, method)


def gain(result: Result, model: str, method: str) -> str:
    """What a mapping changes, in a sentence."""
    if found(result, model, method) is None:
        row = result.frames["mappings"].filter(model=model, fit=method).row(0, named=True)
        return f"No {FITS[method]} mapping for {model}: {row['reason']}."
    rows = {row["metric"]: row for row in result.frames["fits"].filter(model=model, fit=method).iter_rows(named=True)}
    loss, error = rows["log_loss"], rows["ece"]
    if loss["change"] is None:
        after = words.number(loss["after"], "score")
        return f"{FITS[method]} makes probabilities of {model}'s scores: log loss {after} on rows it was not fitted on."
    ends = words.interval(loss["change_low"], loss["change_high"], "score")
    before, after = (words.number(error[side], "score") for side in ("before", "after"))
    return (
        f"{FITS[method]} on rows it was not fitted on: log loss {words.delta(loss['change'], 'score')} ({ends}), "
        f"{loss['verdict']}; calibration error {before} before, {after} after."
    )


def halves(result: Result, model: str, method: str) -> str:
    """How many rows each half had."""
    fit_on = result.frames["mappings"].filter(model=model, fit=method)["n"][0]
    rows = result.frames["fits"].filter(model=model, fit=method)
    checked_on = f", measured on {rows['n'][0]:,} others" if len(rows) else ""
    looks = result.receipt.m or 0
    return f"Fitted on {fit_on:,} rows{checked_on}. Verdicts hold after correction for all {looks} changes."


def top(frame: pl.DataFrame) -> float:
    """How far a diagram's axes reach: the first round number no bin lies above."""
    known = frame.filter(pl.col("value").is_not_null())
    highest = float(np.max(known.select("score", "value").to_numpy(), initial=0.0)) if len(known) else 1.0
    return next((each for each in TOPS if highest <= each), 1.0)


def chances(marks: pl.DataFrame) -> bool:
    """Whether every score drawn can be a probability."""
    return marks.filter((pl.col("from") < 0) | (pl.col("to") > 1)).is_empty() if len(marks) else True


def exported(result: Result, model: str, method: str) -> dict[str, Any]:
    """A mapping with what it was fitted to and how it is applied: JSON-able, and enough to use it elsewhere."""
    found, row = mapping(result, model, method), result.frames["mappings"].filter(model=model, fit=method)
    return {
        "evaluation": result.receipt.evaluation,
        "fingerprint": result.receipt.fingerprint,
        "receipt": result.receipt.id,
        "positive": result.receipt.options["positive"],
        "fitted_on_rows": row["n"][0],
        "mapping": found.to_dict(),
        "sql": found.sql("score"),
    }


def diagram(frame: pl.DataFrame, name: str = "model") -> pl.DataFrame:
    """Marks of a reliability diagram: name, score, value, low, high, n, marked, from, to, text, model, where, aria."""
    rows = []
    for row in frame.filter(pl.col("value").is_not_null()).iter_rows(named=True):
        value = words.number(row["value"], "share")
        span = " to ".join(words.number(row[end], "score") for end in ("from", "to"))
        ends = words.interval(row["low"], row["high"], "share")
        shown = FITS.get(row[name], row[name]) if name == "fit" else row[name]
        rows.append(
            {
                "name": shown,
                **{key: row[key] for key in ("score", "value", "low", "high", "n", "marked", "from", "to")},
                "text": f"{value} ({ends})",
                "model": row["model"],
                "where": row.get("where"),
                "aria": f"{shown}, score {span}: {row['n']:,} rows, {value} positive, interval {ends}",
            }
        )
    return pl.DataFrame(rows)


def groups(result: Result, column: str, most: int = 12) -> list[tuple[str, pl.DataFrame]]:
    """(title, marks) of the largest groups of a calibration by one column, in its order; missing last."""
    key = next(name for name in result.frame.columns if name.rstrip("_") == column.rstrip("_"))
    sizes = result.frame.group_by(key, maintain_order=True).agg(pl.col("n").sum())
    kept = sizes.sort("n", descending=True).head(most)[key].to_list()
    order = [each for each in sizes[key].to_list() if each in kept or (each is None and None in kept)]
    made = []
    for value in order:
        same = pl.col(key).is_null() if value is None else pl.col(key) == value
        rows = result.frame.filter(same)
        made.append(("(missing)" if value is None else str(value), diagram(rows)))
    return made


def numbers(result: Result) -> pl.DataFrame:
    """A row a number, a column a model version: value and interval."""
    frame, made = result.frames["summary"], []
    for name in frame["metric"].unique(maintain_order=True):
        metric = definition(name)
        line = {"Number": metric.title}
        for row in frame.filter(metric=name).iter_rows(named=True):
            value = words.p_value(row["value"]) if name.endswith("_p") else words.number(row["value"], metric.unit)
            ends = words.interval(row["low"], row["high"], metric.unit)
            line[row["model"]] = value if row["low"] is None else f"{value}  ({ends})"
            if row["value"] is None:
                line[row["model"]] = f"{words.DASH}  {row['reason']}"
        made.append(line)
    return pl.DataFrame(made)


def meanings(result: Result) -> pl.DataFrame:
    """A row a number: what it says."""
    names = result.frames["summary"]["metric"].unique(maintain_order=True)
    return pl.DataFrame([{"Number": definition(name).title, "What it says": definition(name).help} for name in names])


def segments(result: Result, column: str) -> pl.DataFrame:
    """A row a group and model version: n, mean label less mean score with its interval, ECE with its own."""
    key = next(name for name in result.frames["summary"].columns if name.rstrip("_") == column.rstrip("_"))
    made: dict[tuple[Any, str], dict[str, Any]] = {}
    for name in ("calibration_in_the_large", "ece"):
        metric = METRICS.get(name)
        for row in result.frames["summary"].filter(metric=name).iter_rows(named=True):
            group = "(missing)" if row[key] is None else str(row[key])
            line = made.setdefault((group, row["model"]), {column: group, "model": row["model"], "n": row["n"]})
            value, ends = words.number(row["value"], metric.unit), words.interval(row["low"], row["high"], metric.unit)
            line[metric.title] = value if row["low"] is None else f"{value}  ({ends})"
    return pl.DataFrame(list(made.values()))


def fits(result: Result, model: str) -> pl.DataFrame:
    """A row a method and loss: before, after and change with intervals, and what of it holds."""
    made = []
    for row in result.frames["fits"].filter(model=model).iter_rows(named=True):
        metric = METRICS.get(row["metric"])
        line = {"Method": FITS[row["fit"]], "Loss": metric.title}
        for side in ("before", "after", "change"):
            value = row[side]
            text = words.delta(value, metric.unit) if side == "change" else words.number(value, metric.unit)
            ends = words.interval(row[f"{side}_low"], row[f"{side}_high"], metric.unit)
            line[side.capitalize()] = text if row[f"{side}_low"] is None else f"{text}  ({ends})"
        made.append(line | {"Verdict": row["verdict"] or "no interval: sizes are summed"})
    return pl.DataFrame(made)


def hues(models: Sequence[str]) -> str:
    """Which colour is which version, where a small diagram has no room for a legend."""
    return "; colours as above" if len(models) > 1 else ""


def few(frame: pl.DataFrame) -> str:
    """What hollow dots mean, where there are any."""
    count = int(frame["marked"].sum()) if len(frame) else 0
    return f"Hollow: {words.plural(count, 'bin')} with fewer than {MARKED} rows." if count else ""
