"""Quality for the screen: a result's hits and columns as a picture, cards and tables want them, with their words."""

from functools import lru_cache
from typing import Any

import altair as alt
import polars as pl

from analysis.core import words
from analysis.core.receipt import Result
from analysis.metrics import defined
from analysis.telling.spec import ACCENT, BLUE, FORMATS, axis, done, empty, mark_chosen

ON_CHART = 8
FOUND = "found"


def hits(result: Result, muted: bool = False) -> pl.DataFrame:
    """The hits in their order; those muted, or the others."""
    frame = result.frame.filter(pl.col("outcome") == FOUND)
    return frame.filter(pl.col("muted").is_not_null() == muted)


def counts(result: Result) -> list[tuple[str, int, str]]:
    """(outcome, how many, of what) for the three counts."""
    frame, found = result.frame, hits(result)
    checks = {name: frame.filter(pl.col("outcome") == name)["code"].n_unique() for name in ("clear", "not applicable")}
    return [
        ("Found", len(found), f"by {words.plural(found['code'].n_unique(), 'check')}"),
        ("Clear", checks["clear"], "checks found nothing"),
        ("Not applicable", checks["not applicable"], "checks, each with its reason"),
    ]


def title(result: Result) -> str:
    """What the effects are told in."""
    name = result.receipt.options["metric"]
    return defined(name, result.own).title if name else ""


def _unit(result: Result) -> str:
    return defined(result.receipt.options["metric"], result.own).unit


POINTS: dict[str, Any] = {
    "name": pl.String,
    "place": pl.Int64,
    "value": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "text": pl.String,
    "n": pl.Int64,
    "model": pl.String,
    "where": pl.String,
    "aria": pl.String,
}


def points(result: Result, model: str) -> pl.DataFrame:
    """Hits whose rows a segment says, as marks; the chart draws the first with an effect. Columns: name, place, value,
    low, high, text, n, model, where, aria. model: whose rows are shown where a hit is about no version."""
    rows = []
    for place, row in enumerate(hits(result).iter_rows(named=True), start=1):
        if row["where"] is None:
            continue
        value = row["effect"]
        said = words.delta(value, _unit(result)) if value is not None else words.DASH
        name = f"{place}. {row['title']}" + (f": {row['columns']}" if row["columns"] else "")
        rows.append(
            {
                "name": name if len(name) <= 60 else name[:59] + "…",
                "place": place,
                "value": value,
                "low": row["effect_low"],
                "high": row["effect_high"],
                "text": said,
                "n": row["rows"],
                "model": row["model"] or model,
                "where": row["where"],
                "aria": f"{place}. {row['sentence']} {said}",
            }
        )
    return pl.DataFrame(rows, schema=POINTS)


def drawn(points: pl.DataFrame) -> pl.DataFrame:
    """The marks that have an effect, numbered as they are drawn."""
    return points.filter(pl.col("value").is_not_null()).with_columns(pl.int_range(1, pl.len() + 1).alias("line"))


@lru_cache(maxsize=64)
def _chart(unit: str, name: str, count: int) -> dict[str, Any]:
    base = alt.Chart(empty()).transform_filter(f"datum.line <= {ON_CHART}")
    base = base.encode(y=alt.Y("line:O", title=None, axis=None))
    below = axis(format=FORMATS.get(unit, FORMATS["label"]), tickCount=5, labelFlush=False)
    x: dict[str, Any] = {
        "scale": alt.Scale(nice=False, padding=40),
        "axis": below,
        "title": f"{name} with these rows less without",
    }
    zero = alt.Chart(empty()).mark_rule(color=ACCENT, strokeDash=[4, 3], aria=False).encode(x=alt.datum(0))
    whisker = base.mark_rule(strokeWidth=2.5, color=BLUE, aria=False).encode(x=alt.X("low:Q", **x), x2="high:Q")
    dot = base.mark_point(filled=True, size=110, color=BLUE, opacity=1).encode(
        x=alt.X("value:Q", **x),
        description=alt.Description("aria:N"),
        tooltip=[
            alt.Tooltip("name:N", title="hit"),
            alt.Tooltip("text:N", title=name),
            alt.Tooltip("n:Q", title="rows", format=","),
        ],
    )
    said = base.mark_text(color="currentColor", align="left", fontSize=12.5, dy=-13, aria=False)
    layers = alt.layer(zero, said.encode(x=alt.value(0), text="name:N"), whisker, dot.add_params(mark_chosen()))
    return done(layers.properties(height=40 + 40 * count))


def chart(result: Result, count: int) -> dict[str, Any]:
    """A row a hit: by how much the metric is other with its rows than without them. Frame: see drawn."""
    return _chart(_unit(result), title(result), min(ON_CHART, count))


def facts(result: Result, row: dict[str, Any]) -> list[str]:
    """What is known of a hit, a line a thought: how many rows, what they do, what to do."""
    parts = [f"{row['severity'].capitalize()} severity"]
    if row["rows"] is not None:
        share = "" if row["share"] is None else f" ({words.number(row['share'], 'share')})"
        parts.append(f"{words.plural(row['rows'], 'row')}{share}")
    lines = [" · ".join(parts)]
    if row["effect"] is not None:
        unit, name = _unit(result), title(result)
        said = f"{name} of {row['model']}: {words.number(row['with_rows'], unit)} with these rows, "
        said += (
            f"{words.number(row['without_rows'], unit)} without, {words.number(row['rows_alone'], unit)} on them alone"
        )
        if row["effect_low"] is not None:
            ends = words.delta(row["effect_low"], unit), words.delta(row["effect_high"], unit)
            said += f" · effect {words.delta(row['effect'], unit)} ({ends[0]} to {ends[1]})"
        if row["error_share"] is not None:
            said += f" · they hold {words.number(row['error_share'], 'share')} of all errors"
        lines.append(said)
    elif row["reason"]:
        lines.append(f"Effect not known: {row['reason']}.")
    return [*lines, row["suggestion"]]


def others(result: Result, outcome: str) -> pl.DataFrame:
    """The checks that are clear or not applicable: code, check, what they say."""
    frame = result.frame.filter(pl.col("outcome") == outcome)
    return frame.select(pl.col("code").alias("Code"), pl.col("title").alias("Check"), pl.col("sentence").alias("Says"))


def columns(result: Result) -> pl.DataFrame:
    """A row a column: name, type, missing in per cent, distinct values, lowest, median, highest, its shape, hits."""
    shapes = result.frames["shapes"].sort("column", "place").group_by("column", maintain_order=True).agg("n")
    shape = dict(shapes.iter_rows())
    found = hits(result)
    rows = []
    for row in result.frames["profile"].iter_rows(named=True):
        codes = [
            code for code, names in found.select("code", "columns").iter_rows() if row["column"] in names.split(", ")
        ]
        text = row["kind"] == "text"
        rows.append(
            {
                "Column": row["column"],
                "Kind": row["kind"],
                "Shape": shape.get(row["column"], []),
                "Missing": 100 * row["missing"] / max(1, row["rows"]),
                "Distinct (about)": row["distinct"],
                "Lowest": "" if text else _end(row["low"]),
                "Median": "" if row["median"] is None else words.significant(row["median"]),
                "Highest": "" if text else _end(row["high"]),
                "Hits": ", ".join(dict.fromkeys(codes)),
            }
        )
    texts = dict.fromkeys(("Lowest", "Median", "Highest"), pl.String)
    return pl.DataFrame(rows, schema_overrides={"Shape": pl.List(pl.Int64), **texts}, infer_schema_length=None)


def _end(value: str | None) -> str:
    if value is None:
        return ""
    try:
        return words.significant(float(value))
    except ValueError:
        return value[:16].removesuffix(" 00:00")


def bars(result: Result) -> pl.DataFrame:
    """Where a column's values lie: name, n, place; its bins, or its most frequent values."""
    histogram = result.frames["histogram"]
    if len(histogram) > 1 and result.frame["kind"][0] == "number":
        names = [f"{words.significant(low)} to {words.significant(high)}" for low, high, _ in histogram.iter_rows()]
        return pl.DataFrame({"name": names, "n": histogram["n"], "place": range(len(names))})
    if len(histogram) > 1:
        days = (pl.from_epoch(pl.col("low").cast(pl.Int64), time_unit="s")).dt.strftime("%Y-%m-%d")
        frame = histogram.select(days.alias("name"), "n")
        return frame.with_row_index("place").select("name", "n", pl.col("place").cast(pl.Int64))
    top = result.frames["top"]
    return pl.DataFrame({"name": top["value"], "n": top["n"], "place": range(len(top))})


@lru_cache(maxsize=8)
def bar_chart() -> dict[str, Any]:
    """Bars from the top down, or bins. Frame: see bars."""
    base = (
        alt.Chart(empty())
        .mark_bar(color=BLUE)
        .encode(
            y=alt.Y("name:N", title=None, sort=alt.SortField("place"), axis=axis(labelLimit=220)),
            x=alt.X("n:Q", title="rows", axis=axis(format=",d", tickMinStep=1)),
            tooltip=[alt.Tooltip("name:N", title="values"), alt.Tooltip("n:Q", title="rows", format=",")],
        )
    )
    return done(base.properties(height=alt.Step(18)))
