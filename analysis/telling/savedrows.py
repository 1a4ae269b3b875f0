"""Rows for the pictures and tables of saved segments: the words of each cell, bar and effect."""

from typing import Any

import polars as pl

from analysis.core import words
from analysis.core.receipt import Result
from analysis.core.settings import whole
from analysis.metrics import METRICS, defined

GLYPHS = {"better": "▲ ", "worse": "▼ ", "different": "◆ "}
NONE = "in none of them"
MOST = 15
MATRIX: dict[str, Any] = {
    "name": pl.String,
    "segment": pl.String,
    "place": pl.Int64,
    "title": pl.String,
    "place_2": pl.Int64,
    "text": pl.String,
    "shown": pl.String,
    "ends": pl.String,
    "n": pl.Int64,
    "n_text": pl.String,
    "small": pl.Boolean,
    "gap": pl.String,
    "earned": pl.String,
    "said": pl.String,
    "model": pl.String,
    "where": pl.String,
    "aria": pl.String,
}
OVERLAP: dict[str, Any] = {
    **dict.fromkeys(("kind", "name"), pl.String),
    **dict.fromkeys(("place", "place_2", "rows", "first", "last"), pl.Int64),
    "share": pl.Float64,
    "text": pl.String,
    **dict.fromkeys(("none", "inside"), pl.Boolean),
    **dict.fromkeys(("model", "where", "aria"), pl.String),
}


def _named(result: Result) -> dict[tuple[str, str], tuple[int, str]]:
    """{(segment, version): (place, name)} of the applicable segments; with several versions the name says which."""
    segments = result.frames["segments"].filter("applicable")["segment"].to_list()
    models = list(result.receipt.options["models"])
    pairs = [(segment, model) for segment in segments for model in models]
    several = len(models) > 1
    return {pair: (place, f"{pair[0]} · {pair[1]}" if several else pair[0]) for place, pair in enumerate(pairs)}


def matrix(result: Result) -> pl.DataFrame:
    """A row a segment, model version and metric (and class)."""
    where = dict(result.frames["segments"].select("segment", "where").iter_rows())
    rows, named = result.frame, _named(result)
    titles: list[str] = []
    made = []
    for row in rows.iter_rows(named=True):
        metric = defined(row["metric"], result.own)
        title = metric.title + (f", {row['class']}" if row.get("class") else "")
        titles += [] if title in titles else [title]
        value, ends = words.number(row["value"], metric.unit), words.interval(row["low"], row["high"], metric.unit)
        verdict = row["verdict"] or row["reason"] or words.DASH
        made.append(
            {
                "name": named[row["segment"], row["model"]][1],
                "segment": row["segment"],
                "place": named[row["segment"], row["model"]][0],
                "title": title,
                "place_2": titles.index(title),
                "text": value,
                "shown": GLYPHS.get(row["verdict"] or "", "") + value,
                "ends": ends,
                "n": row["n"],
                "n_text": f"n {row['n']:,}",
                "small": row["n"] < whole("small_group"),
                "gap": _difference(row, "difference", metric.unit),
                "earned": row["verdict"] if row["verdict"] in ("better", "worse", "different") else "none",
                "said": verdict,
                "model": row["model"],
                "where": where[row["segment"]],
                "aria": f"{row['segment']}, {row['model']}, {title}: {value}, 95% interval {ends}, n {row['n']:,}, "
                f"{verdict}",
            }
        )
    return pl.DataFrame(made, schema=MATRIX)


def numbers(result: Result) -> pl.DataFrame:
    """Every cell as a row of text: segment, version, metric, value and interval, the rest, difference, verdict."""
    made = []
    for row in result.frame.iter_rows(named=True):
        metric = defined(row["metric"], result.own)
        made.append(
            {
                "Segment": row["segment"],
                "Version": row["model"],
                "Metric": metric.title + (f", {row['class']}" if row.get("class") else ""),
                "Value": words.number(row["value"], metric.unit),
                "95% interval": words.interval(row["low"], row["high"], metric.unit),
                "n": row["n"],
                "Rest": words.number(row["other_value"], metric.unit),
                "Difference": _difference(row, "difference", metric.unit),
                "p, corrected": words.p_value(row["p_adjusted"]),
                "Verdict": GLYPHS.get(row["verdict"] or "", "") + (row["verdict"] or row["reason"] or words.DASH),
            }
        )
    return pl.DataFrame(made)


def left_out(result: Result) -> list[str]:
    """Each segment that is not applicable here, with the reason."""
    lost = result.frames["segments"].filter(~pl.col("applicable"))
    return [f"{row['segment']}: not applicable; {row['reason']}" for row in lost.iter_rows(named=True)]


def overlap(result: Result) -> pl.DataFrame:
    """The largest combinations, at most 15, and the segments they are made of; a row a mark, of a kind each.

    "combination": place, rows, share, text, none, first and last (the lines of its
    uppermost and lowest segment). "dot": place, name, place_2 (the segment's line) and inside, whether the combination
    lies in that segment. "segment": name, place_2, rows, text. Combinations and segments have model, where, aria.
    """
    drawn = list(result.frames["overlap"].head(MOST).iter_rows(named=True))
    known = result.frames["segments"].filter("applicable").sort("rows", descending=True, maintain_order=True)
    order = known["segment"].to_list()
    model = result.receipt.options["models"][-1]
    made: list[dict[str, Any]] = []
    for place, row in enumerate(drawn):
        inside = [name for name in order if name in row["members"]]
        name = " + ".join(inside) or NONE
        share = words.number(row["share"], "share")
        made.append(
            {
                "kind": "combination",
                "name": name,
                "place": place,
                "rows": row["rows"],
                "share": row["share"],
                "text": f"{row['rows']:,}",
                "none": not inside,
                "first": order.index(inside[0]) if inside else None,
                "last": order.index(inside[-1]) if inside else None,
                "model": model,
                "where": row["where"],
                "aria": f"{name if len(inside) != 1 else f'only {name}'}: {row['rows']:,} rows ({share})",
            }
        )
        made += [
            {"kind": "dot", "name": each, "place": place, "place_2": at, "inside": each in inside}
            for at, each in enumerate(order)
        ]
    for place, row in enumerate(known.iter_rows(named=True)):
        said = {"text": f"{row['rows']:,}", "aria": f"{row['segment']}: {row['rows']:,} rows in all"}
        where = {"model": model, "where": row["where"], "rows": row["rows"], "share": row["share"]}
        made.append({"kind": "segment", "name": row["segment"], "place_2": place, **where, **said})
    return pl.DataFrame(made, schema=OVERLAP)


def size(result: Result) -> tuple[int, int]:
    """(how many combinations, how many segments) `overlap` has."""
    return min(MOST, len(result.frames["overlap"])), int(result.frames["segments"]["applicable"].sum())


def not_drawn(result: Result) -> str:
    """The combinations beyond those drawn, "" where there are none."""
    rest = result.frames["overlap"][MOST:]
    rows = words.plural(int(rest["rows"].sum()), "row")
    return f"{words.plural(len(rest), 'further combination')} of {rows} not drawn." if len(rest) else ""


def pairs(result: Result) -> pl.DataFrame:
    """Every two segments in words: how many rows they share, and of how much of each that is."""
    made = [
        {
            "One": row["a"],
            "Other": row["b"],
            "Shared rows": row["shared"],
            "Of one": words.number(row["of_a"], "share"),
            "Of the other": words.number(row["of_b"], "share"),
            "Of both together": words.number(row["jaccard"], "share"),
        }
        for row in result.frames["pairs"].sort("shared", descending=True).iter_rows(named=True)
    ]
    return pl.DataFrame(made)


def effects(result: Result) -> pl.DataFrame:
    """A row a segment and model version: alone, effect, low, high, their words, earned, model, where, aria."""
    where = dict(result.frames["segments"].select("segment", "where").iter_rows())
    named = _named(result)
    made = []
    for row in result.frames["effects"].iter_rows(named=True):
        unit = METRICS.get(row["outcome"]).unit
        text = _difference(row, "effect", unit)
        made.append(
            {
                "name": named[row["segment"], row["model"]][1],
                "place": named[row["segment"], row["model"]][0],
                "alone": row["alone"],
                "effect": row["effect"],
                "low": row["low"],
                "high": row["high"],
                "alone_text": words.delta(row["alone"], unit),
                "text": text,
                "earned": row["verdict"] if row["verdict"] in ("better", "worse") else "none",
                "said": row["verdict"] or row["reason"] or words.DASH,
                "model": row["model"],
                "where": where[row["segment"]],
                "aria": f"{named[row['segment'], row['model']][1]}: {words.delta(row['alone'], unit)} alone, {text} "
                "with the others held fixed",
            }
        )
    numbers = dict.fromkeys(("alone", "effect", "low", "high"), pl.Float64)
    return pl.DataFrame(made, schema_overrides=numbers)


def effect_table(drawn: pl.DataFrame) -> pl.DataFrame:
    """The same effects in words."""
    drawn = drawn.sort("place")
    names = {"name": "Segment", "alone_text": "Alone", "text": "Others held fixed", "said": "Verdict"}
    return drawn.select(pl.col(each).alias(title) for each, title in names.items())


def _difference(row: dict[str, Any], name: str, unit: str) -> str:
    if row[name] is None:
        return words.DASH
    ends = ("difference_low", "difference_high") if name == "difference" else ("low", "high")
    low, high = (words.delta(row[end], unit) for end in ends)
    return f"{words.delta(row[name], unit)} ({low} to {high})"
