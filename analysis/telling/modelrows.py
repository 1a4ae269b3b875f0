"""Models told: the rows of their lists, of a check's chart and table, and what to do when it fails."""

from collections.abc import Callable, Sequence
from typing import Any

import polars as pl

from analysis.core import words
from analysis.core.model import Model
from analysis.core.receipt import Result
from analysis.core.surrogate import FORECAST, SurrogateOf

GLYPHS = {"found": "✕ found", "clear": "✓ clear", "not applicable": "○ not applicable"}
ADVICE = {
    "M01": "Name the columns as the model knows them when you take the file in, or export the model with those names.",
    "M02": "Ask the model in its own program about one of these rows; export it again when it answers there; "
    "where it is an endpoint, check again once it answers.",
    "M03": "Export the model with its class labels, or choose the positive class in Evaluations.",
    "M07": "Another model answers at this address than the one that was added. Add it again; explanations and checks "
    "made before were of the other one.",
    "M04": "Look at the rows below: when they lie in one period or segment, the recorded scores were made otherwise "
    "there. Explanations of rows that do not agree would explain another model.",
}
SHOWN: dict[str, Callable[[float], str]] = {"M06": "{:.4f}".format, "M02": "{:,.0f}".format, "M07": "{:,.0f}".format}
MARKS = 1500


def listed(known: Sequence[Model]) -> pl.DataFrame:
    """A row a model version."""
    return pl.DataFrame(
        [
            {
                "name": each.name,
                "version": each.version,
                "kind": each.kind.upper() if each.kind == "onnx" else each.kind,
                "takes": each.takes,
                "classes": ", ".join(each.classes) or words.DASH,
                "evaluation": each.evaluation,
                "file": each.source,
                "added": each.created.replace("T", " ")[:16],
                "by": each.actor,
            }
            for each in known
        ]
    )


def described(model: Model) -> str:
    """What a model is, in a line."""
    made = ", ".join(f"{name} {version}" for name, version in model.libraries.items())
    if model.kind == "endpoint":
        says = f"calls itself {model.libraries['endpoint']}" if model.libraries else "says nothing of itself"
        return f"{model.made}; {model.takes}; {says}. sha256 of its definition and probe {model.fingerprint[:12]}"
    return (
        f"{model.made}; {model.takes}; {model.bytes / 1e3:,.0f} kB; loaded by {made}. sha256 {model.fingerprint[:12]}"
    )


def checks(result: Result) -> pl.DataFrame:
    """A row a check, as people read it: outcome, what of which version, its value with interval and n, the sentence."""
    rows: list[dict[str, Any]] = []
    for row in result.frame.iter_rows(named=True):
        share = row["code"] == "M04" and row["value"] is not None
        value = words.number(row["value"], "share") if share else words.DASH
        if row["value"] is not None and not share:
            shown = SHOWN.get(row["code"], words.significant)
            value = shown(row["value"])
        ends = words.interval(row["low"], row["high"], "share")
        known = [value, *([] if row["low"] is None else [f"95%: {ends}"])]
        known += [] if row["n"] is None else [f"n {words.count(row['n'])}"]
        rows.append(
            {
                "outcome": GLYPHS[row["outcome"]],
                "check": f"{row['check']}, {row['model']}" if row["model"] else row["check"],
                "value": " · ".join(known) if row["value"] is not None or row["n"] is not None else words.DASH,
                "what": row["sentence"],
            }
        )
    return pl.DataFrame(rows)


def near(of: SurrogateOf) -> pl.DataFrame:
    """A row a number of how near a surrogate is."""
    unit = "label" if of.quantity == FORECAST else "score"
    at = "" if of.threshold is None else f" at {words.number(of.threshold, 'score')}"
    found = (
        (of.measure, of.fit, "score"),
        ("mean absolute difference", of.apart, unit),
        (f"same decision{at}", of.same, "share"),
    )
    return pl.DataFrame(
        [
            {
                "measure": name,
                "value": words.number(each.value, unit),
                "95% interval": words.interval(each.low, each.high, unit),
                "n": words.count(each.n),
                "method": each.method,
            }
            for name, each, unit in found
            if each is not None
        ]
    )


def understood(result: Result) -> list[str]:
    """How the model was understood: what it is given, and whose its scores are."""
    rows = result.frame.filter(pl.col("code").is_in(["M01", "M03"]) & (pl.col("outcome") == "clear"))
    return list(rows["sentence"])


def advice(result: Result) -> list[str]:
    """What to do about what was found, the first thing first; [] where nothing was."""
    codes = result.frame.filter(pl.col("outcome") == "found")["code"].unique(maintain_order=True).to_list()
    return [ADVICE[code] for code in codes if code in ADVICE]


def matched(result: Result) -> str:
    """The version the model was judged against, "" where there is none."""
    judged = result.frame.filter((pl.col("code") == "M04") & (pl.col("outcome") != "not applicable"))
    return str(judged["model"][0]) if len(judged) else ""


def pairs(result: Result) -> pl.DataFrame:
    """The chart's rows: at most MARKS of them, those that disagree first."""
    rows = result.frames["pairs"].filter(pl.col("model") == matched(result))
    kept = rows.filter(pl.col("answered").is_finite()).sort("agrees", maintain_order=True).head(MARKS)
    said = [
        f"recorded {row['recorded']:.4g}, the model gives {row['answered']:.4g}" for row in kept.iter_rows(named=True)
    ]
    return kept.with_columns(pl.Series("aria", said, dtype=pl.String)).select("recorded", "answered", "agrees", "aria")


def differences(result: Result) -> pl.DataFrame:
    """The rows that disagree most with the version judged, with their ids."""
    rows = result.frames["differences"]
    return rows.filter(pl.col("model") == matched(result)).drop("model")
