"""Pushes told: the rows of the chart and the tables of an explained segment or difference, with their words."""

import polars as pl

from analysis.core import words
from analysis.core.receipt import Result
from analysis.core.roles import REGRESSION
from analysis.engine.pushframes import ALONE, DOWN, FEW, FLAT, LESS, MORE, NOT_SHOWN, UP
from analysis.telling import answers

MOST = 15
MEASURES = {"lean": "How much it moves the answer", "push": "Which way it pushes"}
GLYPHS = {MORE: "▲", UP: "▲", LESS: "▼", DOWN: "▼", NOT_SHOWN: "●", FEW: "○", FLAT: "○", ALONE: "○"}
FOR_PEOPLE = ("feature", "here", "there", "difference", "p_adjusted", "verdict")
LEANS = ("lean_here", "lean_there", "lean_p_adjusted", "lean_verdict", "n", "n_other")


def told(result: Result, as_json: bool) -> str:
    """What the terminal prints."""
    if as_json:
        return answers.told_with(result.sentence, result.frame, result.frames, result.receipt.to_dict(), True)
    shown = result.frame.select(*FOR_PEOPLE, *LEANS)
    if alone(result):
        shown = result.frames["overall"].select("feature", "lean", "lean_low", "lean_high", "weight", "push", "n")
    further = {name: frame for name, frame in result.frames.items() if name != "overall"}
    return answers.told_with(result.sentence, shown, further, {}, False)


def alone(result: Result) -> bool:
    """Whether there is one side only."""
    return not result.frame["n_other"].max()


def unit(task: str) -> str:
    return "label" if task == REGRESSION else "score"


def sides(result: Result) -> tuple[str, ...]:
    """What the sides are called."""
    return tuple(result.frames["sides"]["side"].to_list())


def points(result: Result, measure: str, task: str) -> pl.DataFrame:
    """Two marks a feature (one where there is one side), the first MOST. Columns: feature, side, place, value, low,
    high, text (of the difference, at the first side), glyph, verdict, earned, interval, aria."""
    kind, mark, rows = unit(task), "lean_" if measure == "lean" else "", []
    for place, row in enumerate(result.frame.head(MOST).iter_rows(named=True)):
        verdict = row[f"{mark}verdict"]
        said = "" if alone(result) else f"{GLYPHS[verdict]} {words.delta(row[f'{mark}difference'], kind)}"
        said = "○ does not vary" if verdict == FLAT else said
        for side, name in zip(sides(result), ("here", "there"), strict=False):
            value, low, high = (row[f"{mark}{name}{end}"] for end in ("", "_low", "_high"))
            text = (words.size if measure == "lean" else words.delta)(value, kind)
            ends = words.interval(low, high, kind)
            rows.append(
                {
                    "feature": row["feature"],
                    "side": side,
                    "place": place,
                    "value": value,
                    "low": low,
                    "high": high,
                    "said": text,
                    "interval": ends,
                    "text": said if name == "here" else "",
                    "verdict": verdict,
                    "earned": verdict in (MORE, LESS, UP, DOWN, ALONE),
                    "aria": f"{row['feature']}, {side}: {text} ({ends}); difference {said or 'none'}, {verdict}",
                }
            )
    schema = {"text": pl.String, "value": pl.Float64, "low": pl.Float64, "high": pl.Float64}
    return pl.DataFrame(rows, schema_overrides=schema)


def table(result: Result, measure: str, task: str) -> pl.DataFrame:
    """The same as a table, all features."""
    kind, mark, names = unit(task), "lean_" if measure == "lean" else "", sides(result)
    made: dict[str, list[str]] = {"Feature": result.frame["feature"].to_list()}
    columns = list(zip(names, ("here", "there"), strict=False))
    for title, name in columns if alone(result) else [*columns, ("Difference", "difference")]:
        made[title] = [
            f"{words.delta(value, kind)} ({words.interval(low, high, kind)})"
            for value, low, high in result.frame.select(
                f"{mark}{name}", f"{mark}{name}_low", f"{mark}{name}_high"
            ).iter_rows()
        ]
    if not alone(result):
        made["p, adjusted"] = [words.p_value(p) for p in result.frame[f"{mark}p_adjusted"]]
        made["Verdict"] = result.frame[f"{mark}verdict"].to_list()
    return pl.DataFrame(made)


def counted(result: Result) -> str:
    """How many rows of each side count, in words."""
    parts = [
        f"{row['side']}: {row['used']:,} of {words.plural(row['drawn'], 'explained row')} count"
        for row in result.frames["sides"].iter_rows(named=True)
    ]
    return " · ".join(parts)
