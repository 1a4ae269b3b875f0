"""Rows for the charts of a moving threshold: a result's frames of one model version, with the words of each mark."""

from typing import Any

import polars as pl

from analysis.core import words
from analysis.core.receipt import Result
from analysis.metrics import METRICS, defined

UNITS = {"value": "label"}  # of what a threshold moves and no registry holds; F-betas are shares
CELLS = {"tp": "found", "fn": "missed", "fp": "false alarms", "tn": "rightly left alone"}


def _of(result: Result, frame: str, model: str) -> pl.DataFrame:
    found = result.frames[frame]
    return found.filter(pl.col("model") == model) if len(found) else found


def _aria(frame: pl.DataFrame, say: Any) -> pl.DataFrame:
    said = [say(row) for row in frame.iter_rows(named=True)]
    return frame.with_columns(pl.Series("aria", said, dtype=pl.String))


def _score(value: float) -> str:
    return words.number(value, "score")


def confusion(result: Result, model: str) -> pl.DataFrame:
    """One row a cell: actual, predicted, cell, right, share, count, told, model, where, aria."""

    def say(row: dict[str, Any]) -> str:
        share = words.number(row["share"], "share")
        return f"actual {row['actual']}, decided {row['predicted']}: {row['n']:,} rows, {share}, {row['what']}"

    frame = _of(result, "confusion", model).with_columns(
        right=pl.col("actual") == pl.col("predicted"),
        what=pl.col("cell").replace_strict(CELLS),
        actual_name=pl.format("actual {}", "actual"),
        predicted_name=pl.format("decided {}", "predicted"),
    )
    counts = [f"{n:,}" for n in frame["n"]]
    told = [
        f"{what} · {words.number(share, 'share')}" for what, share in zip(frame["what"], frame["share"], strict=True)
    ]
    return _aria(frame.with_columns(pl.Series("count", counts), pl.Series("told", told)), say)


def by_threshold(result: Result, model: str) -> pl.DataFrame:
    """One row a metric and threshold: threshold, name, value, low, high, n, at (in force), here, aria."""
    at = result.receipt.options["in_force"][model]
    frame = result.frame.filter(
        (pl.col("model") == model) & pl.col("value").is_not_null() & (pl.col("metric") != "value")
    )
    known = {*(metric.name for metric in METRICS), *result.own}
    titles = {name: defined(name, result.own).title if name in known else name for name in frame["metric"].unique()}
    frame = frame.with_columns(
        name=pl.col("metric").replace_strict(titles, return_dtype=pl.String),
        at=pl.lit(at),
        here=pl.col("threshold") == at,
    )
    return _aria(
        frame.select("threshold", "name", "value", "low", "high", "n", "at", "here"),
        lambda row: (
            f"{row['name']} at {_score(row['threshold'])}: {words.number(row['value'], 'share')}, 95% interval "
            f"{words.interval(row['low'], row['high'], 'share')}, n {row['n']:,}"
        ),
    )


def curve(result: Result, model: str, frame: str, x: str, y: str) -> pl.DataFrame:
    """One row a threshold of a curve, the one in force last: threshold, x, y, low, high, here, model, where, aria.

    frame: "roc", "pr" or "gain".
    """
    found = _of(result, frame, model).filter(pl.col(y).is_not_null() & pl.col(x).is_not_null())
    picked = found.select(
        "threshold",
        pl.col(x).alias("x"),
        pl.col(y).alias("y"),
        pl.col(f"{y}_low").alias("low"),
        pl.col(f"{y}_high").alias("high"),
        "here",
        "model",
        "where",
    )
    unit = "ratio" if y == "lift" else "share"
    return _aria(
        picked,
        lambda row: (
            f"threshold {_score(row['threshold'])}: {NAMES[x]} {words.number(row['x'], 'share')}, "
            f"{NAMES[y]} {words.number(row['y'], unit)}, 95% interval {words.interval(row['low'], row['high'], unit)}"
        ),
    )


NAMES = {
    "fpr": "false positive rate",
    "tpr": "recall",
    "recall": "recall",
    "precision": "precision",
    "selected": "rows selected",
    "gain": "positives found",
    "lift": "lift",
}


def value(result: Result, model: str) -> pl.DataFrame:
    """One row a threshold: threshold, value, low, high, n, best, here, at, none (the better of all and none), aria."""
    found = _of(result, "value", model).filter(pl.col("value").is_not_null())
    picked = found.select(
        "threshold", "value", "low", "high", "n", "total", "best", "here", pl.col("baseline").alias("none")
    ).with_columns(at=pl.lit(result.receipt.options["in_force"][model]))
    return _aria(
        picked,
        lambda row: (
            f"threshold {_score(row['threshold'])}: {words.number(row['value'], 'label')} a decision, 95% interval "
            f"{words.interval(row['low'], row['high'], 'label')}, {words.number(row['total'], 'label')} in all"
        ),
    )


def distribution(result: Result, model: str) -> pl.DataFrame:
    """One row a bin and label: start, end, name, n, share, model, where, at (in force), aria."""
    found = _of(result, "distribution", model)
    at = result.receipt.options["in_force"][model]
    picked = found.select("start", "end", pl.col("label").alias("name"), "n", "share", "model", "where")
    picked = picked.with_columns(at=pl.lit(at))
    return _aria(
        picked,
        lambda row: (
            f"{row['name']}, scores {_score(row['start'])} to {_score(row['end'])}: {row['n']:,} rows, "
            f"{words.number(row['share'], 'share')} of them"
        ),
    )


def groups(result: Result, model: str) -> pl.DataFrame:
    """A table of the groups' own thresholds: group, threshold, with it, with one threshold for all, n."""
    made = []
    for row in _of(result, "segments", model).iter_rows(named=True):
        unit = METRICS.get(row["metric"]).unit if row["metric"] in METRICS else UNITS.get(row["metric"], "share")
        own, alone = (
            f"{words.number(row[f'{kind}value'], unit)}  "
            f"({words.interval(row[f'{kind}low'], row[f'{kind}high'], unit)})"
            for kind in ("", "single_")
        )
        group = "(missing)" if row["group"] is None else row["group"]
        line = {row["by"]: group, "threshold": _score(row["threshold"]), "with its own": own, "with one for all": alone}
        made.append(line | {"n": f"{row['n']:,}"})
    return pl.DataFrame(made)


def automatic(result: Result, model: str) -> pl.DataFrame:
    """A table of what a band decides by itself: metric, value with its interval, n."""
    made = []
    for row in _of(result, "automatic", model).iter_rows(named=True):
        ends = words.interval(row["low"], row["high"], "share")
        said = f"{words.number(row['value'], 'share')}  ({ends})"
        made.append({"Metric": METRICS.get(row["metric"]).title, "of what is decided": said, "n": f"{row['n']:,}"})
    return pl.DataFrame(made)
