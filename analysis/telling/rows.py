"""Rows for charts and tables: a result's frame in the columns a picture wants, with the words of each mark."""

from collections.abc import Sequence
from typing import Any

import polars as pl

from analysis.core import words
from analysis.core.marker import Marker
from analysis.core.receipt import Result
from analysis.core.settings import whole
from analysis.metrics import defined
from analysis.telling.charts import LANES

# Buckets are local to the evaluation's zone; marked as UTC and drawn on a UTC scale, no viewer's zone moves them.
MOMENT = pl.col("start").dt.replace_time_zone("UTC")
MARKED: dict[str, Any] = {
    "start": pl.Datetime("us"),
    "marker": pl.String,
    "kind": pl.String,
    "lane": pl.Int64,
    "aria": pl.String,
}


def trend(result: Result, metric: str, markers: Sequence[Marker] = ()) -> pl.DataFrame:
    """The course of one metric: start, value, low, high, n, model, labelled, settled, overall, where, aria.

    Markers within it are rows too, with marker (the title), kind and lane, which are null in all others.
    """
    unit = defined(metric, result.own).unit
    frame = result.frames["trend"].filter((pl.col("metric") == metric) & pl.col("value").is_not_null())
    overall = result.frame.filter(pl.col("metric") == metric).select("model", pl.col("value").alias("overall"))
    aria = [
        f"{row['model']}, {row['start']:%d %b %Y}: {words.number(row['value'], unit)}, 95% interval "
        f"{words.interval(row['low'], row['high'], unit)}, n {row['n']:,}"
        for row in frame.iter_rows(named=True)
    ]
    marked = frame.join(overall, on="model", how="left").with_columns(pl.Series("aria", aria, dtype=pl.String))
    return pl.concat([marked, _marked(frame, markers)], how="diagonal_relaxed").with_columns(MOMENT)


def _marked(course: pl.DataFrame, markers: Sequence[Marker]) -> pl.DataFrame:
    """The markers that fall into a course: start, marker, kind, lane, aria."""
    first, last = course["start"].min(), course["start"].max()
    inside = [each for each in markers if len(course) and first <= each.moment <= last]  # type: ignore[operator]
    made = [
        {
            "start": each.moment,
            "marker": each.title,
            "kind": each.kind,
            "lane": place % LANES,
            "aria": f"{each.kind} at {each.moment:%d %b %Y}: {each.title}",
        }
        for place, each in enumerate(inside)
    ]
    return pl.DataFrame(made, schema=MARKED)


def labelled(result: Result, model: str) -> pl.DataFrame:
    """Rows by time and whether their label is known: start, kind, count, model, where, aria."""
    frame = result.frames["trend"].filter(pl.col("model") == model)
    first = frame.filter(pl.col("metric") == (frame["metric"][0] if len(frame) else ""))
    known = (pl.col("rows") * pl.col("labelled")).round().cast(pl.Int64)
    long = pl.concat(
        [
            first.select(
                "start",
                pl.lit("labelled").alias("kind"),
                known.alias("count"),
                "model",
                pl.col("where_labelled").alias("where"),
            ),
            first.select(
                "start",
                pl.lit("not yet").alias("kind"),
                (pl.col("rows") - known).alias("count"),
                "model",
                pl.col("where_not_yet").alias("where"),
            ),
        ]
    )
    aria = [f"{row['start']:%d %b %Y}: {row['count']:,} rows {row['kind']}" for row in long.iter_rows(named=True)]
    return long.with_columns(pl.Series("aria", aria, dtype=pl.String)).with_columns(MOMENT)


def versions(result: Result, metric: str) -> pl.DataFrame:
    """One row a model version: name, place, value, low, high, n, small, baseline, text, model, where, aria."""
    frame = result.frame.filter((pl.col("metric") == metric) & pl.col("value").is_not_null())
    return _ranges(result, frame, metric, "model")


def _ranges(result: Result, frame: pl.DataFrame, metric: str, name: str) -> pl.DataFrame:
    definition = defined(metric, result.own)
    made = []
    for place, row in enumerate(frame.iter_rows(named=True)):
        value = words.number(row["value"], definition.unit)
        ends = words.interval(row["low"], row["high"], definition.unit)
        made.append(
            {
                "name": row[name],
                "place": place,
                "value": row["value"],
                "low": row["low"],
                "high": row["high"],
                "n": row["n"],
                "small": row["n"] < whole("small_group"),
                "baseline": row["baseline"],
                "text": f"{value}  ({ends}),  n {row['n']:,}",
                "model": row["model"],
                "where": row.get("where", "everything"),
                "aria": f"{row[name]}: {value}, 95% interval {ends}, n {row['n']:,}",
            }
        )
    return pl.DataFrame(made, schema_overrides={"baseline": pl.Float64})


def classes(result: Result, model: str, metric: str) -> pl.DataFrame:
    """One row a class, in the form of `versions`, classes in their own order."""
    frame = result.frames["classes"]
    frame = frame.filter((pl.col("metric") == metric) & (pl.col("model") == model) & pl.col("value").is_not_null())
    return _ranges(result, frame, metric, "class")


def side_by_side(result: Result) -> pl.DataFrame:
    """A row a metric, a column a model version: value and interval; then each one's no-skill baseline."""
    made = []
    for metric in result.frame["metric"].unique(maintain_order=True):
        definition = defined(metric, result.own)
        line, chance = {"Metric": definition.title}, {}
        for row in result.frame.filter(pl.col("metric") == metric).iter_rows(named=True):
            value = words.number(row["value"], definition.unit)
            ends = words.interval(row["low"], row["high"], definition.unit)
            line[row["model"]] = value if row["value"] is None else f"{value}  ({ends})"
            chance[f"no skill, {row['model']}"] = words.number(row["baseline"], definition.unit)
        made.append(line | chance)
    return pl.DataFrame(made)


def leaderboard(result: Result) -> pl.DataFrame:
    """A row a metric: who is first (or tied for it), how far the others are from the first on shared rows, and from
    which size on such a difference is found four times in five."""
    made = []
    frame = result.frames["versions"]
    for metric in frame["metric"].unique(maintain_order=True):
        mine, unit = frame.filter(pl.col("metric") == metric), defined(metric, result.own).unit
        leaders = mine.filter(pl.col("rank") == 1)["model"].to_list()
        first = f"tied: {words.listed(leaders)}" if len(leaders) > 1 else leaders[0] if leaders else words.DASH
        gaps = [
            f"{row['model']} {words.delta(row['difference_to_first'], unit)}  "
            f"({words.delta(row['difference_low'], unit)} to {words.delta(row['difference_high'], unit)})"
            for row in mine.iter_rows(named=True)
            if row["difference_to_first"] is not None
        ]
        would = [words.size(each, unit) for each in mine["difference_detectable"].drop_nulls()]
        against = f"against {mine['model'][0]}: " if len(leaders) > 1 else ""
        made.append(
            {
                "Metric": defined(metric, result.own).title,
                "First": first,
                "The others": against + ";  ".join(gaps),
                "Smallest it would find": ";  ".join(would) or words.DASH,
            }
        )
    return pl.DataFrame(made)
