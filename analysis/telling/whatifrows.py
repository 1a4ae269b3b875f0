"""What-if told: the rows of its charts and tables."""

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from analysis.core import words
from analysis.core.receipt import Result

MISSING = "missing"
SHOWN = 6


def distribution(result: Result, feature: str, now: str) -> pl.DataFrame:
    """The rows of a feature's tiny chart. now: its value as the form has it, as text."""
    bars = result.frames["lies"].filter(pl.col("feature") == feature)
    row = result.frames["row"].row(by_predicate=pl.col("feature") == feature, named=True)
    changed = now != row["value"]
    if row["kind"] == "number":
        value = float(now) if changed and now != MISSING else None
        return bars.with_columns(
            pl.lit(row["number"], dtype=pl.Float64).alias("was"),
            pl.lit(value, dtype=pl.Float64).alias("now"),
            pl.format("{} of rows", pl.col("share").map_elements(_share, return_dtype=pl.String)).alias("aria"),
        ).drop("feature", "label")
    here = [("now" if changed and label == now else "was" if label == row["value"] else "") for label in bars["label"]]
    aria = [f"{label}: {_share(share)} of rows" for label, share in bars.select("label", "share").iter_rows()]
    return bars.with_columns(pl.Series("here", here, dtype=pl.String), pl.Series("aria", aria, dtype=pl.String)).select(
        "label", "share", "here", "aria"
    )


def _share(value: float) -> str:
    return words.number(value, "share")


def place(row: Mapping[str, Any]) -> str:
    """Where a feature's value lies, in a few words."""
    if row["value"] == MISSING:
        return "missing in this row"
    if row["below"] is None:
        return f"here {row['value']}"
    if row["kind"] == "number":
        return f"here {row['value']}, above {_share(row['below'])} of rows"
    return f"here {row['value']}, as {_share(row['below'])} of rows"


def changed(changes: Mapping[str, str], values: Mapping[str, str]) -> str:
    """The changes of a try in words."""
    parts = [f"{name} {values[name]} → {to}" for name, to in changes.items()]
    return ", ".join(parts) or "as it is"


def tries(kept: Sequence[Mapping[str, Any]], threshold: float | None) -> pl.DataFrame:
    """The history: a row a try. kept: said, prediction, decision of each."""
    return pl.DataFrame(
        [
            {
                "try": at,
                "prediction": each["prediction"],
                "threshold": threshold,
                "said": each["said"],
                "decision": each["decision"] or words.DASH,
                "aria": f"try {at}: {each['said']}, {each['prediction']:.4g}",
            }
            for at, each in enumerate(kept)
        ],
        schema={
            "try": pl.Int64,
            "prediction": pl.Float64,
            "threshold": pl.Float64,
            "said": pl.String,
            "decision": pl.String,
            "aria": pl.String,
        },
    )


def history(frame: pl.DataFrame, unit: str) -> pl.DataFrame:
    """The same as a table, the last try first."""
    shown = [words.number(each, unit) for each in frame["prediction"]]
    table = frame.select(
        "try", pl.Series("prediction", shown, dtype=pl.String), "decision", pl.col("said").alias("with")
    )
    return table.tail(SHOWN).reverse()


def alone(result: Result) -> pl.DataFrame:
    """What each change does by itself."""
    unit = result.receipt.options["unit"]
    return pl.DataFrame(
        [
            {
                "feature": each["feature"],
                "from": each["from"],
                "to": each["to"],
                "with it alone": words.number(each["alone"], unit),
                "change": words.delta(each["change"], unit),
                "decision": each["decision"] or words.DASH,
                "value": each["where"],
            }
            for each in result.frame.iter_rows(named=True)
        ]
    )


def opposite(result: Result) -> pl.DataFrame:
    """The nearest row beside this one, feature by feature; ● where they differ."""
    return pl.DataFrame(
        [
            {
                "": "●" if each["differs"] else "",
                "feature": each["feature"],
                "this row": each["from"],
                "nearest opposite": each["to"],
                "apart": f"{each['apart']:.2f}",
            }
            for each in result.frame.iter_rows(named=True)
            if each["row"] == result.frame["row"][0]
        ]
    )


def turn(row: Mapping[str, Any], unit: str) -> str:
    """A change that turns the decision, in a line."""
    gives = f"{words.number(row['prediction'], unit)} ({row['decision']})"
    return f"{row['feature']}: {row['from']} → {row['to']}, gives {gives}"
