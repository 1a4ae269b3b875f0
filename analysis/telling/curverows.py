"""Rows for the charts of a moving threshold: a result's frames of one model version, with the words of each mark."""

from typing import Any

import polars as pl

from analysis.core import words
from analysis.core.receipt import Result
from analysis.metrics import METRICS, defined

UNITS = {"value": "label"}  # of what a threshold moves and no registry holds; F-betas are shares
MISSING = "(missing)"
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
    """One row a cell: actual_name, predicted_name, right, share, count, told, model, where, aria."""

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
    said = _aria(frame.with_columns(pl.Series("count", counts), pl.Series("told", told)), say)
    return said.select(
        *("actual_name", "predicted_name", "right", "share", "count", "told", "model", "where", "aria"),
    )


def by_threshold(result: Result, model: str) -> pl.DataFrame:
    """One row a metric and threshold of the grid: x, name, y, low, high, n, model, where, aria."""
    return _metrics(result, _of(result, "grid", model))


def by_threshold_here(result: Result, model: str) -> pl.DataFrame:
    """One row a metric and threshold in force: x, name, y, at, aria; no dots (y null) where each group has its own."""
    ends = result.receipt.options["ends"][model]
    grid = result.frames["grid"]["metric"].unique().to_list()
    frame = result.frame.filter(
        (pl.col("model") == model) & pl.col("threshold").is_in(ends) & pl.col("metric").is_in(grid)
    )
    dots = _metrics(result, frame.with_columns(where=pl.lit(None, pl.String))).select("x", "name", "y", "aria")
    without = [each for each in ends if each not in dots["x"].to_list()]
    bare = pl.DataFrame({"x": without}, schema={"x": pl.Float64})
    return _at(pl.concat([dots, bare], how="diagonal"))


def _metrics(result: Result, frame: pl.DataFrame) -> pl.DataFrame:
    frame = frame.filter(pl.col("value").is_not_null() & (pl.col("metric") != "value"))
    known = {*(metric.name for metric in METRICS), *result.own}
    titles = {name: defined(name, result.own).title if name in known else name for name in frame["metric"].unique()}
    frame = frame.with_columns(name=pl.col("metric").replace_strict(titles, return_dtype=pl.String))
    return _aria(
        frame.select(
            pl.col("threshold").alias("x"), "name", pl.col("value").alias("y"), "low", "high", "n", "model", "where"
        ),
        lambda row: (
            f"{row['name']} at {_score(row['x'])}: {words.number(row['y'], 'share')}, 95% interval "
            f"{words.interval(row['low'], row['high'], 'share')}, n {row['n']:,}"
        ),
    )


def _at(frame: pl.DataFrame) -> pl.DataFrame:
    """With `at`, the threshold in words."""
    said = [f"threshold {_score(each)}" for each in frame["x"]]
    return frame.with_columns(pl.Series("at", said, dtype=pl.String))


def curve(result: Result, model: str, frame: str, x: str, y: str) -> pl.DataFrame:
    """One row a threshold of a curve: threshold, x, y, low, high, model, where, aria. frame: "roc", "pr" or "gain"."""
    return _points(result, model, frame, x, y).filter(~pl.col("here")).drop("here")


def curve_here(result: Result, model: str, frame: str, x: str, y: str) -> pl.DataFrame:
    """Where the rule in force stands on the curve: the same columns."""
    return _points(result, model, frame, x, y).filter("here").drop("here")


def _points(result: Result, model: str, frame: str, x: str, y: str) -> pl.DataFrame:
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

    def say(row: dict[str, Any]) -> str:
        at = "thresholds by group" if row["threshold"] is None else f"threshold {_score(row['threshold'])}"
        return (
            f"{at}: {NAMES[x]} {words.number(row['x'], 'share')}, "
            f"{NAMES[y]} {words.number(row['y'], unit)}, 95% interval {words.interval(row['low'], row['high'], unit)}"
        )

    return _aria(picked, say)


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
    """One row a threshold: x, y, low, high, n, best, none (the better of all and none), model, where, aria."""
    return _worths(result, model).filter(~pl.col("here")).drop("here")


def value_here(result: Result, model: str) -> pl.DataFrame:
    """The thresholds in force: x, y, at, model, where, aria."""
    ends = result.receipt.options["ends"][model]
    rows = _worths(result, model).filter("here").select("x", "y", "model", "where", "aria")
    without = [each for each in ends if each not in rows["x"].to_list()]
    return _at(pl.concat([rows, pl.DataFrame({"x": without}, schema={"x": pl.Float64})], how="diagonal"))


def _worths(result: Result, model: str) -> pl.DataFrame:
    found = _of(result, "value", model).filter(pl.col("value").is_not_null())
    picked = found.select(
        *(pl.col("threshold").alias("x"), pl.col("value").alias("y"), "low", "high", "n", "total", "best", "here"),
        *(pl.col("baseline").alias("none"), "model", "where"),
    )
    return _aria(
        picked,
        lambda row: (
            f"threshold {_score(row['x'])}: {words.number(row['y'], 'label')} a decision, 95% interval "
            f"{words.interval(row['low'], row['high'], 'label')}, {words.number(row['total'], 'label')} in all"
        ),
    )


def distribution(result: Result, model: str) -> pl.DataFrame:
    """One row a bin and label: start, end, name, n, share, model, where, aria."""
    found = _of(result, "distribution", model)
    picked = found.select("start", "end", pl.col("label").alias("name"), "n", "share", "model", "where")
    return _aria(
        picked,
        lambda row: (
            f"{row['name']}, scores {_score(row['start'])} to {_score(row['end'])}: {row['n']:,} rows, "
            f"{words.number(row['share'], 'share')} of them"
        ),
    )


def distribution_here(result: Result, model: str) -> pl.DataFrame:
    """The thresholds in force: x, y (0), name (one of the classes drawn), at."""
    ends = result.receipt.options["ends"][model]
    names = _of(result, "distribution", model)["label"].to_list()
    drawn = pl.DataFrame({"x": ends, "y": 0.0, "name": names[0] if names else ""}, schema=ON_GROUND)
    return _at(drawn)


ON_GROUND: dict[str, Any] = {"x": pl.Float64, "y": pl.Float64, "name": pl.String}


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
        group = MISSING if row["group"] is None else row["group"]
        line = {row["by"]: group, "threshold": _score(row["threshold"]), "with its own": own, "with one for all": alone}
        made.append(line | {"n": f"{row['n']:,}"})
    return pl.DataFrame(made)


def standing(result: Result, model: str) -> pl.DataFrame:
    """A table of the thresholds by group in force: group, threshold, rows, counts, metrics with their intervals."""
    made = []
    for row in _of(result, "groups", model).iter_rows(named=True):
        at = _score(row["threshold"]) + ("" if row["own"] else "  (of every other group)")
        line = {row["by"]: MISSING if row["group"] is None else row["group"], "threshold": at}
        for name in ("recall", "precision", "selection_rate"):
            if name in row:
                ends = words.interval(row[f"{name}_low"], row[f"{name}_high"], "share")
                line[METRICS.get(name).title] = f"{words.number(row[name], 'share')}  ({ends})"
        made.append(line | {"rows": row["rows"]} | {what: row[cell] for cell, what in CELLS.items()})
    return pl.DataFrame(made)


def automatic(result: Result, model: str) -> pl.DataFrame:
    """A table of what a band decides by itself: metric, value with its interval, n."""
    made = []
    for row in _of(result, "automatic", model).iter_rows(named=True):
        ends = words.interval(row["low"], row["high"], "share")
        said = f"{words.number(row['value'], 'share')}  ({ends})"
        made.append({"Metric": METRICS.get(row["metric"]).title, "of what is decided": said, "n": f"{row['n']:,}"})
    return pl.DataFrame(made)
