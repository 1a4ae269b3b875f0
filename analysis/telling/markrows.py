"""Rows for the drawer behind a mark: groups within it, its differences to the rest, what it is made of."""

from typing import Any

import polars as pl

from analysis.core import words
from analysis.core.receipt import Result
from analysis.core.settings import whole
from analysis.metrics import defined

MISSING = "(missing)"
MOST = 25
COUNTS = ("n here", "n rest", "Rows", "Of")
"""Columns of counts in the tables."""
RANGES: dict[str, Any] = {
    "name": pl.String,
    "place": pl.Int64,
    "value": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "n": pl.Int64,
    "small": pl.Boolean,
    "baseline": pl.Float64,
    "text": pl.String,
    "model": pl.String,
    "aria": pl.String,
}
GLYPHS = {"better": "▲", "worse": "▼", "more": "▲", "fewer": "▼", "different": "◆", "not enough data": "○"}


def _range(name: str, place: int, row: dict[str, Any], unit: str, model: str) -> dict[str, Any]:
    value, ends = words.number(row["value"], unit), words.interval(row["low"], row["high"], unit)
    return {
        "name": name,
        "place": place,
        "value": row["value"],
        "low": row["low"],
        "high": row["high"],
        "n": row["n"],
        "small": row["n"] < whole("small_group"),
        "baseline": None,
        "text": f"{value}  ({ends}),  n {row['n']:,}",
        "model": model,
        "aria": f"{name}: {value}, 95% interval {ends}, n {row['n']:,}",
    }


def groups(result: Result) -> pl.DataFrame:
    """The groups of a measured metric by one column that have a value, in the form of a point range chart."""
    column, metric = result.frame.columns[0], result.frame["metric"][0]
    known = result.frame.filter(pl.col("value").is_not_null())
    unit = defined(metric, result.own).unit
    made = [
        _range(MISSING if row[column] is None else str(row[column]), place, row, unit, row["model"])
        for place, row in enumerate(known.iter_rows(named=True))
    ]
    return pl.DataFrame(made, schema=RANGES)


def shares(result: Result) -> pl.DataFrame:
    """How much of each group of one column is in the segment, in the same form."""
    renamed = result.frame.rename({"share": "value", "value": "group", "of": "n"})
    made = [
        _range(MISSING if row["group"] is None else row["group"], place, row, "share", result.receipt.options["model"])
        for place, row in enumerate(renamed.iter_rows(named=True))
    ]
    return pl.DataFrame(made, schema=RANGES)


def left_out(result: Result, rows: pl.DataFrame) -> str:
    """What a chart of the first 25 groups does not show, "" where it shows all. rows: of `groups` or `shares`."""
    parts = [f"{words.plural(len(rows) - MOST, 'further group')}, in the table"] if len(rows) > MOST else []
    if len(result.frame) > len(rows):
        parts.append(f"{words.plural(len(result.frame) - len(rows), 'group')} without a value")
    return "; ".join(parts)


def against_rest(result: Result) -> pl.DataFrame:
    """Of two sides, a row a metric (and class): here, in the rest, the difference, its interval, verdict, both n."""
    made = []
    for row in result.frame.iter_rows(named=True):
        metric = defined(row["metric"], result.own)
        ends = words.DASH
        if row["difference"] is not None:
            low, high = (words.delta(row[f"difference_{end}"], metric.unit) for end in ("low", "high"))
            ends = f"{words.delta(row['difference'], metric.unit)} ({low} to {high})"
        made.append(
            {
                "Metric": metric.title + (f", {row['class']}" if row.get("class") else ""),
                "Here": words.number(row["value"], metric.unit),
                "Rest": words.number(row["other_value"], metric.unit),
                "Difference (95% interval)": ends,
                "Verdict": _verdict(row["verdict"], row["reason"]),
                "p, corrected": words.p_value(row["p_adjusted"]),
                "n here": row["n"],
                "n rest": row["other_n"],
            }
        )
    return pl.DataFrame(made)


def against_other(result: Result) -> pl.DataFrame:
    """The same of one segment against another."""
    titles = {"Here": "The segment", "Rest": "The other", "n here": "n, segment", "n rest": "n, other"}
    return against_rest(result).rename(titles)


def grouped(rows: pl.DataFrame, title: str) -> pl.DataFrame:
    """`groups` or `shares` as a table: the group, its value with interval and n."""
    return rows.select(pl.col("name").alias("Group"), pl.col("text").alias(title))


def composed(result: Result) -> pl.DataFrame:
    """A row a column and value, those that set the segment apart first."""
    ranked = result.frame.sort(pl.col("verdict").is_in(["more", "fewer"]), pl.col("difference").abs(), descending=True)
    made = []
    for row in ranked.iter_rows(named=True):
        low, high = (words.delta(row[f"difference_{end}"], "share") for end in ("low", "high"))
        known = row["difference"] is not None
        made.append(
            {
                "Column": row["column"],
                "Value": MISSING if row["value"] is None else row["value"],
                "Of these rows": words.number(row["part"], "share"),
                "Of the rest": words.number(row["rest"], "share"),
                "Difference (95% interval)": f"{words.delta(row['difference'], 'share')} ({low} to {high})"
                if known
                else words.DASH,
                "Verdict": _verdict(row["verdict"], None),
                "p, corrected": words.p_value(row["p_adjusted"]),
                "Rows": row["rows"],
                "Of": row["of"],
            }
        )
    return pl.DataFrame(made)


def _verdict(verdict: str | None, reason: str | None) -> str:
    if verdict is None:
        return reason or words.DASH
    return f"{GLYPHS.get(verdict, '●')} {verdict}"
