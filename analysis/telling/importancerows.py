"""Importance told: the rows of its charts and tables, with their words."""

from typing import Any

import polars as pl

from analysis.core import words
from analysis.core.receipt import Result
from analysis.core.roles import REGRESSION
from analysis.engine.leanings import HURTS, MATTERS
from analysis.metrics import Metric, defined

GLYPHS = {
    "matters": "● matters",
    "hurts": "▼ hurts",
    "not shown": "○ not shown",
    "not enough data": "○ not enough data",
}
ARROWS = {
    "rises": "↗ more raises the {what}",
    "falls": "↘ more lowers the {what}",
    "mixed": "↝ the {what} goes both ways",
}
MOST = 20


def metric(result: Result) -> Metric:
    """What is lost."""
    return defined(str(result.frame["metric"][0]), result.own)


def title(result: Result) -> str:
    """What the numbers are."""
    return f"{metric(result).title} lost when shuffled"


def members(result: Result) -> dict[str, list[str]]:
    """{a set of features shuffled as one, as the frame calls it: its features}."""
    return {" + ".join(each): list(each) for each in result.receipt.options["groups"]}


def row_of(result: Result, feature: str) -> str:
    """What the frame calls the row that holds a feature."""
    return next((name for name, each in members(result).items() if feature in each), feature)


def interval(row: dict[str, Any], unit: str) -> str:
    """The interval of a loss."""
    return " to ".join(words.delta(row[end], unit).removeprefix("+") for end in ("low", "high"))


def direction(row: dict[str, Any], task: str) -> str:
    """A feature's direction in words, "" where none is told."""
    what = "forecast" if task == REGRESSION else "score"
    return ARROWS[row["direction"]].format(what=what) if row["direction"] else ""


def points(result: Result, task: str, chosen: str) -> pl.DataFrame:
    """A mark a feature, the first MOST. Columns: feature, rank, value, low, high, text, interval, direction, verdict,
    earned, hurts, left (it is in the left half of the chart), chosen, aria."""
    unit, rows, chosen = metric(result).unit, [], row_of(result, chosen)
    most = max(result.frame["importance"].drop_nulls().to_list(), default=0.0)
    for row in result.frame.head(MOST).iter_rows(named=True):
        said = words.delta(row["importance"], unit)
        told = direction(row, task)
        ends = interval(row, unit)
        rows.append(
            {
                "feature": row["feature"],
                "rank": row["rank"],
                "value": row["importance"],
                "low": row["low"],
                "high": row["high"],
                "text": said.removeprefix("+"),
                "interval": ends,
                "direction": told,
                "verdict": row["verdict"],
                "earned": row["verdict"] == MATTERS,
                "hurts": row["verdict"] == HURTS,
                "left": (row["importance"] or 0.0) <= most / 2,
                "chosen": row["feature"] == chosen,
                "aria": f"{row['feature']}: {said} ({ends}), {row['verdict']}{f', {told[2:]}' if told else ''}",
            }
        )
    return pl.DataFrame(rows)


def table(result: Result, task: str) -> pl.DataFrame:
    """A row a feature, as people read it."""
    unit = metric(result).unit
    return pl.DataFrame(
        [
            {
                "feature": row["feature"],
                "lost": words.delta(row["importance"], unit).removeprefix("+"),
                "95% interval": interval(row, unit),
                "adjusted p": words.p_value(row["p_adjusted"]),
                "verdict": GLYPHS[row["verdict"]],
                "direction": direction(row, task) or words.DASH,
                "hangs together with": row["related"] or words.DASH,
            }
            for row in result.frame.iter_rows(named=True)
        ]
    )


def over_time(result: Result, feature: str) -> pl.DataFrame:
    """One feature's importance by period. Columns: start, end, value, low, high, n, text, aria."""
    unit, rows = metric(result).unit, []
    for row in result.frames["periods"].filter(pl.col("feature") == row_of(result, feature)).iter_rows(named=True):
        said, ends = words.delta(row["importance"], unit), interval(row, unit)
        rows.append(
            {
                "start": row["from"],
                "value": row["importance"],
                "low": row["low"],
                "high": row["high"],
                "n": row["n"],
                "aria": f"{row['period']}: {said} ({ends}), {row['n']:,} rows",
            }
        )
    return pl.DataFrame(rows)


def changed(result: Result, feature: str) -> str:
    """Whether one feature's importance changed, in a sentence."""
    feature = row_of(result, feature)
    row = result.frames["changes"].row(by_predicate=pl.col("feature") == feature, named=True)
    said = {"changed": "changed", "not shown": "is not shown to have changed"}.get(row["verdict"])
    if said is None:
        return f"There are too few rows to say whether the importance of {feature} changed."
    p = words.p_value(row["p_adjusted"])
    return f"The importance of {feature} {said} over {row['periods']} periods (adjusted p {p})."


def curves(result: Result) -> pl.DataFrame:
    """The mean curve and those of single rows, as marks. Columns: kind (mean, row; of an asked row own, and here as it
    is), row, value, at, place, score, low, high, aria."""
    frame = result.frame.with_row_index("place")
    mean = frame.select(
        pl.lit("mean").alias("kind"),
        pl.lit("mean").alias("row"),
        "value",
        "at",
        pl.col("place").cast(pl.Int64),
        pl.col("mean").alias("score"),
        "low",
        "high",
    )
    none = pl.lit(None, dtype=pl.Float64)
    single = result.frames["curves"].select(
        pl.when("own").then(pl.lit("own")).otherwise(pl.lit("row")).alias("kind"),
        "row",
        "value",
        "at",
        pl.col("place").cast(pl.Int64),
        "score",
        none.alias("low"),
        none.alias("high"),
    )
    parts = [single, mean]
    if "here" in result.frames:
        places = dict(zip(frame["value"], frame["place"], strict=True))
        here = result.frames["here"].with_columns(pl.lit("here").alias("kind"), none.alias("low"), none.alias("high"))
        place = pl.lit(places.get(here["value"][0], len(places)), dtype=pl.Int64).alias("place")
        parts.append(here.with_columns(place).select(single.columns))
    made = pl.concat(parts)
    said = [f"{row['row']} at {row['value']}: {row['score']:.4g}" for row in made.iter_rows(named=True)]
    return made.with_columns(pl.Series("aria", said, dtype=pl.String))


def spread(result: Result) -> pl.DataFrame:
    """Where the values lie. Columns: value, low, high, n, place, aria."""
    frame = result.frames["spread"].with_row_index("place")
    said = [f"{row['value']}: {row['n']:,} rows" for row in frame.iter_rows(named=True)]
    return frame.with_columns(pl.col("place").cast(pl.Int64), pl.Series("aria", said, dtype=pl.String))


def ends(result: Result) -> tuple[float, float] | None:
    """From where to where the charts of a number go; None of a category."""
    if result.frame["at"].null_count() == len(result.frame):
        return None
    rows = result.frames["spread"]
    return float(rows["low"][0]), float(rows["high"][-1])


def answer(task: str, which: str) -> str:
    """What a curve is of."""
    return "Mean forecast" if task == REGRESSION else f"Mean score of '{which}'"
