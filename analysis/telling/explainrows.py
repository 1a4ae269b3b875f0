"""Explanations told: rows of their chart and tables, and the answer as JSON."""

import json
from typing import Any

import polars as pl

from analysis.core import words
from analysis.core.receipt import Result, records
from analysis.metrics.trusting import CANNOT, CARE, GOOD
from analysis.telling import answers

GLYPHS = {"found": "✕ doubt", "clear": "✓ clear", "noted": "● noted", "not applicable": "○ not applicable"}
COLOURS: dict[str, Any] = {GOOD: "green", CARE: "orange", CANNOT: "red"}
MEASURES = {"contribution": "What this value adds", "weight": "What a step up would do"}
MOST = 20
TOP_LEVEL = ("prediction", "surrogate", "fit", "grade")


def summary(result: Result) -> dict[str, Any]:
    """The one row of the summary."""
    return result.frames["summary"].row(0, named=True)


def told(result: Result, as_json: bool) -> str:
    """What the terminal prints; in JSON with prediction, surrogate, fit and grade beside the frame."""
    kept = {name: result.frames[name] for name in ("checks", "summary")}
    if not as_json:
        frame = result.frame.select(
            "feature", "value", "weight", "low", "high", "settled", "contribution", "occlusion", "outside"
        )
        lines = [result.sentence, graded(result)]
        lines += [f"  {GLYPHS[row['outcome']]}, {row['check']}: {row['sentence']}" for row in _checked(result)]
        return answers.told("\n".join(lines), frame, result.receipt.to_dict(), False)
    said = json.loads(answers.told_with(result.sentence, result.frame, kept, result.receipt.to_dict(), True))
    top = {name: records(result.frames["summary"])[0][name] for name in TOP_LEVEL}
    return json.dumps({"sentence": said["sentence"], **top, **said}, ensure_ascii=False, allow_nan=False)


def _checked(result: Result) -> list[dict[str, Any]]:
    return list(result.frames["checks"].iter_rows(named=True))


def graded(result: Result) -> str:
    """The trust grade and why."""
    row = summary(result)
    return f"Trust: {row['grade']}. {row['why']}".strip()


def bars(result: Result, measure: str) -> pl.DataFrame:
    """A row a bar, the largest first: name, value, low, high, solid (filled), text, ends, state, per, aria, column;
    occlusion and shap where the bars are contributions, to which they compare. measure: "contribution" or "weight"."""
    low, high = ("contribution_low", "contribution_high") if measure == "contribution" else ("low", "high")
    unit = _unit(result)
    once = result.frame["n"].max() == 1
    rows = []
    frame = result.frame.sort(pl.col(measure).abs(), descending=True, maintain_order=True).head(MOST)
    for place, row in enumerate(frame.iter_rows(named=True)):
        name = row["text"]
        state = (
            "not settled yet"
            if once
            else "settled"
            if row["settled"]
            else ("next to nothing" if row["negligible"] else "not settled")
        )
        said = words.delta(row[measure], unit)
        ends = words.interval(row[low], row[high], unit)
        beside = measure == "contribution"
        rows.append(
            {
                "name": name if row["settled"] or once or row["negligible"] else f"{name} · not settled",
                "place": place,
                "value": row[measure],
                "low": row[low],
                "high": row[high],
                "solid": bool(row["settled"]) or once,
                "occlusion": row["occlusion"] if beside else None,
                "shap": row["shap"] if beside else None,
                "text": said,
                "ends": ends,
                "state": state,
                "per": row["per"] if measure == "weight" else f"instead of {row['usual']}",
                "aria": f"{name}: {said}, {state}",
                "column": row["column"],
            }
        )
    return pl.DataFrame(rows, schema_overrides=dict.fromkeys(("value", "low", "high", "occlusion", "shap"), pl.Float64))


def _unit(result: Result) -> str:
    return "score" if summary(result)["class"] else "label"


def axis(result: Result, measure: str) -> tuple[str, str, str]:
    """(what the bars change, what the axis's lower and its upper end push to)."""
    cls = summary(result)["class"]
    if measure == "contribution":
        what = f"change of the {'score' if cls else 'forecast'} by this value"
    else:
        what = f"change of the {'score' if cls else 'forecast'} by a step up"
    return (what, f"← pushes away from {cls}", f"pushes to {cls} →") if cls else (what, "← lowers", "raises →")


def title(result: Result) -> tuple[str, str]:
    """The chart's title, and the local fit beside it."""
    row = summary(result)
    of = f" for {row['class']}" if row["class"] else ""
    fit = "no local fit" if row["fit"] is None else f"local fit {words.number(max(row['fit'], 0.0), 'share')}"
    low = ", which is low: a straight line misses half of what the model does here" if row["doubtful"] else ""
    return f"Why {words.number(row['prediction'], _unit(result))}{of}", f"{fit}{low}"


def legend(result: Result, measure: str) -> str:
    """How to read the chart."""
    row = summary(result)
    bars = "Filled: the sign is settled; hollow: not settled. Whisker: 95% interval over repeats."
    if row["repeats"] == 1:
        bars = "One repeat so far: nothing is settled yet."
    if "pieces" in result.frames:
        return f"{bars} Of each word, wherever it stands. Diamond: what the prediction loses without it (occlusion)."
    if measure == "weight":
        return f"{bars} Of a number the bar is one standard deviation more, of a text this value instead of another."
    shap = " Cross: its SHAP value." if result.frame["shap"].null_count() < len(result.frame) else ""
    return f"{bars} Diamond: what the prediction loses when this value alone is put to the usual one (occlusion).{shap}"


def highlighted(result: Result) -> list[tuple[str, str, bool]]:
    """(piece, tone, strong) of a text that was explained, in its order. tone: "more" and "less" where a word pushes to
    the class and away from it, "open" where its sign is not settled, "" of all else. strong: its weight is at least
    half of the largest."""
    once = result.frame["n"].max() == 1

    def tone(each: dict[str, Any]) -> str:
        if each["feature"] is None or each["negligible"] or not each["weight"]:
            return ""
        if not (each["settled"] or once):
            return "open"
        return "more" if each["weight"] > 0 else "less"

    half = float(result.frame["weight"].abs().to_numpy().max()) / 2
    return [
        (each["piece"], tone(each), abs(each["weight"] or 0.0) >= half)
        for each in result.frames["pieces"].iter_rows(named=True)
    ]


def checks(result: Result) -> pl.DataFrame:
    """A row a check, as people read it."""
    frame = result.frames["checks"]
    return frame.select(pl.col("outcome").replace(GLYPHS), pl.col("check"), pl.col("sentence").alias("what"))


def figures(result: Result) -> list[tuple[str, str]]:
    """(what, value) of the line above the chart: prediction, label, recorded."""
    row, unit = summary(result), _unit(result)
    made = [("The model gives", words.number(row["prediction"], unit))]
    made.append((f"Recorded by {row['version']}", words.number(row["recorded"], unit)))
    made.append(("Label", words.DASH if row["label"] is None else str(row["label"])))
    return made
