"""Calibration told: rows of its charts and tables, and a mapping as it leaves the house."""

import json
from typing import Any

import polars as pl

from analysis.core import words
from analysis.core.errors import BadRequest
from analysis.core.mapping import Mapping
from analysis.core.receipt import Result
from analysis.metrics import METRICS
from analysis.metrics.calibrationframes import MARKED, definition

FITS = {"before": "as it is", "platt": "Platt", "isotonic": "isotonic", "beta": "beta"}


def mapping(result: Result, model: str, method: str) -> Mapping:
    """The mapping a calibration fitted; BadRequest with the reason where there is none."""
    rows = result.frames["mappings"].filter(model=model, fit=method)
    if not len(rows):
        raise BadRequest(f"No {FITS.get(method, method)} mapping of '{model}' was fitted.")
    row = rows.row(0, named=True)
    if row["mapping"] is None:
        raise BadRequest(f"There is no {FITS[method]} mapping of '{model}': {row['reason']}.")
    return Mapping.from_dict(json.loads(row["mapping"]))


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
    """Marks of a reliability diagram: name, score, value, low, high, n, marked, from, to, text, aria."""
    rows = []
    for row in frame.filter(pl.col("value").is_not_null()).iter_rows(named=True):
        score, value = words.number(row["score"], "score"), words.number(row["value"], "share")
        ends = words.interval(row["low"], row["high"], "share")
        shown = FITS.get(row[name], row[name]) if name == "fit" else row[name]
        rows.append(
            {
                "name": shown,
                **{key: row[key] for key in ("score", "value", "low", "high", "n", "marked", "from", "to")},
                "text": f"{value} ({ends})",
                "aria": f"{shown}, mean score {score}: {value} positive, interval {ends}, n {row['n']:,}",
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
    """A row a number, a column a model version: value and interval; what it means beside it."""
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
        made.append(line | {"What it says": metric.help})
    return pl.DataFrame(made)


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


def few(frame: pl.DataFrame) -> str:
    """What hollow dots mean, where there are any."""
    count = int(frame["marked"].sum()) if len(frame) else 0
    return f"Hollow: {words.plural(count, 'bin')} with fewer than {MARKED} rows." if count else ""
