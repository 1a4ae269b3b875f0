"""Rows of segments: a result's frame in the columns its charts and tables want, with the words of each mark."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import polars as pl

from analysis.core import words
from analysis.core.receipt import Result
from analysis.core.settings import whole
from analysis.metrics import defined
from analysis.metrics.contrasts import UNCLEAR

MISSING = "(missing)"
DRAWN = 30
"""Groups a chart shows at most; all are in the table."""
FOLDED_FROM = 12
"""From so many groups on the small ones are folded away until asked for."""
MARKS: dict[str, Any] = {
    "name": pl.String,
    "place": pl.Int64,
    "value": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "n": pl.Int64,
    "small": pl.Boolean,
    "earned": pl.String,
    "text": pl.String,
    "ends": pl.String,
    "n_text": pl.String,
    "gap": pl.String,
    "said": pl.String,
    "overall": pl.Float64,
    "chosen": pl.Boolean,
    "model": pl.String,
    "where": pl.String,
    "aria": pl.String,
}
EARNED = ("better", "worse", "different")
LONGEST = 60


@dataclass(frozen=True)
class Folded:
    """Groups that are not drawn. small: those of few rows, with their rows; further: others, beyond the most drawn."""

    small: int = 0
    rows: int = 0
    further: int = 0

    @property
    def sentence(self) -> str:
        """What is not drawn, "" where nothing is."""
        parts = []
        if self.small:
            least = whole("small_group")
            parts.append(f"{words.plural(self.small, 'group')} with n under {least}: {words.plural(self.rows, 'row')}")
        if self.further:
            parts.append(f"{self.further:,} further groups, smaller than those drawn, are in the table")
        return " · ".join(parts)


def names(result: Result) -> list[str]:
    """The frame's group columns."""
    return result.frame.columns[: result.frame.columns.index("model")]


def groups(
    result: Result, models: list[str], *, small: bool, chosen: Collection[str] = ()
) -> tuple[pl.DataFrame, Folded]:
    """(a row a group and model version, what is not drawn).

    Columns: name, place, value, low, high, n, small, earned, text, ends, n_text, gap, said, overall, chosen, model,
    where, aria. small: also the small groups where there are many. chosen: the `where` of the groups in focus,
    which are drawn whatever their size.
    """
    column = names(result)[0]
    frame = result.frame.filter(pl.col("model").is_in(models) & pl.col("value").is_not_null())
    sizes = frame.group_by("place", maintain_order=True).agg(
        pl.col("small").all(),
        pl.col("rows").max(),
        pl.col("where").is_in(list(chosen)).any().alias("chosen"),
        pl.col("place_2").first() if "place_2" in frame.columns else pl.len(),
    )
    tiny = sizes.filter(pl.col("small") & ~pl.col("chosen"))
    hidden = set() if small or len(sizes) < FOLDED_FROM else set(tiny["place"].to_list())
    folded = Folded(len(hidden), int(tiny["rows"].sum()) if hidden else 0)
    kept = sizes.filter(~pl.col("place").is_in(list(hidden)))
    if len(kept) > DRAWN:
        folded = Folded(folded.small, folded.rows, len(kept) - DRAWN)
        kept = kept.sort("chosen", "rows", descending=True).head(DRAWN)
    frame = frame.filter(pl.col("place").is_in(kept["place"].to_list()))
    overall = {row["model"]: row["value"] for row in result.frames["overall"].iter_rows(named=True)}
    return _rows(result, frame, column, overall, chosen), folded


def cross(result: Result, model: str) -> pl.DataFrame:
    """A row a cell: as `groups`, with second, place_2 and strength (0 to 1, the size of an earned difference)."""
    first, second = names(result)[:2]
    frame = result.frame.filter((pl.col("model") == model) & pl.col("value").is_not_null())
    made = _rows(result, frame, first, {}, ())
    widest = frame.filter(pl.col("verdict").is_in(EARNED))["difference"].abs().max()
    strength = [
        0.35 + 0.65 * abs(row["difference"]) / widest if row["verdict"] in EARNED and widest else 0.0
        for row in frame.iter_rows(named=True)
    ]
    return made.with_columns(
        pl.Series("second", [_called(each) for each in frame[second].to_list()], dtype=pl.String),
        frame["place_2"],
        pl.Series("strength", strength, dtype=pl.Float64),
        pl.Series(
            "aria",
            [f"{a}, {_called(b)}" for a, b in zip(made["aria"].to_list(), frame[second].to_list(), strict=True)],
            dtype=pl.String,
        ),
    )


def _rows(
    result: Result, frame: pl.DataFrame, column: str, overall: dict[str, float], chosen: Collection[str]
) -> pl.DataFrame:
    unit = defined(str(result.receipt.options["metric"]), result.own).unit
    made: list[dict[str, Any]] = []
    for row in frame.iter_rows(named=True):
        name, value = _called(row[column]), words.number(row["value"], unit)
        ends = words.interval(row["low"], row["high"], unit)
        made.append(
            {
                "name": name,
                "place": row["place"],
                "value": row["value"],
                "low": row["low"],
                "high": row["high"],
                "n": row["n"],
                "small": row["small"],
                "earned": row["verdict"] if row["verdict"] in EARNED else "none",
                "text": value,
                "ends": ends,
                "n_text": f"n {row['n']:,}",
                "gap": _gap(row, unit),
                "said": _verdict(row),
                "overall": overall.get(row["model"]),
                "chosen": row["where"] in chosen,
                "model": row["model"],
                "where": row["where"],
                "aria": f"{name}: {value}, 95% interval {ends}, n {row['n']:,}, {row['model']}",
            }
        )
    return pl.DataFrame(made, schema=MARKS)


def _verdict(row: dict[str, Any]) -> str:
    said = "no clear difference" if row["verdict"] == UNCLEAR else row["verdict"]
    return str(said or row["reason"] or words.DASH)


def _called(value: Any) -> str:
    """A group's name as it is drawn; what is very long is cut, and whole in the table."""
    text = MISSING if value is None else str(value)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def _gap(row: dict[str, Any], unit: str) -> str:
    if row["difference"] is None:
        return words.DASH
    ends = f"{words.delta(row['difference_low'], unit)} to {words.delta(row['difference_high'], unit)}"
    return f"{words.delta(row['difference'], unit)} ({ends})"


def table(result: Result, models: list[str]) -> pl.DataFrame:
    """All groups in numbers: a row a group and model version."""
    unit = defined(str(result.receipt.options["metric"]), result.own).unit
    title = defined(str(result.receipt.options["metric"]), result.own).title
    made = []
    for row in result.frame.filter(pl.col("model").is_in(models)).iter_rows(named=True):
        line: dict[str, Any] = {name: MISSING if row[name] is None else str(row[name]) for name in names(result)}
        if len(models) > 1:
            line["model version"] = row["model"]
        value = words.number(row["value"], unit)
        ends = words.interval(row["low"], row["high"], unit)
        line |= {
            title: value if row["value"] is None else f"{value}  ({ends})",
            "n": row["n"],
            f"against {row['other']}": _gap(row, unit),
            "verdict": _verdict(row),
            "adjusted p": words.p_value(row["p_adjusted"]),
            "rows": row["rows"],
            "share of rows": words.number(row["share"], "share"),
        }
        made.append(line)
    return pl.DataFrame(made)


def choices(result: Result, model: str) -> dict[str, str]:
    """{`where` of a group: what it is called}, of one model version, in their order."""
    frame = result.frame.filter(pl.col("model") == model)
    columns = names(result)
    return {row["where"]: ", ".join(_called(row[name]) for name in columns) for row in frame.iter_rows(named=True)}


def other(result: Result) -> str:
    """What the groups are compared with."""
    return str(result.frame["other"][0]) if len(result.frame) else "the rest"


def overall(result: Result, models: list[str]) -> str:
    """The metric on all rows, in words."""
    definition = defined(str(result.receipt.options["metric"]), result.own)
    parts = []
    for row in result.frames["overall"].filter(pl.col("model").is_in(models)).iter_rows(named=True):
        if row["value"] is None:
            parts.append(f"{row['model']}: {row['reason']}")
            continue
        value = words.number(row["value"], definition.unit)
        ends = words.interval(row["low"], row["high"], definition.unit)
        base = "" if row["baseline"] is None else f", no skill {words.number(row['baseline'], definition.unit)}"
        parts.append(f"{row['model']} {value} ({ends}), n {row['n']:,}{base}")
    return f"All rows: {'; '.join(parts)}."
