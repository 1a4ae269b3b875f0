"""Weak spots for the screen: a result's frames in the columns a picture and a list want, with their words."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import altair as alt
import polars as pl

from analysis.core import words
from analysis.core.expression import parse
from analysis.core.receipt import Result
from analysis.core.segment import Segment, every
from analysis.engine.objectives import OBJECTIVES
from analysis.telling import segmentrows
from analysis.telling.spec import ACCENT, BLUE, FORMATS, axis, done, empty, mark_chosen

ON_CHART, LETTERS = 10, 88
SEEN = {
    "mse": "rmse",
    "calibration": "calibration_in_the_large",
    "cost": "cost_per_prediction",
    "amount_wrong": "accuracy",
}
"""{objective: the metric it is seen closer by, where it is none itself}."""


def _unit(result: Result) -> str:
    return OBJECTIVES.get(result.receipt.options["objective"]).unit


def metric(result: Result) -> str:
    """The metric a result's weak spots are seen closer by."""
    objective = str(result.receipt.options["objective"])
    return SEEN.get(objective, objective)


def versions(result: Result, spot: dict[str, Any]) -> list[str]:
    """The model versions a weak spot (a row of the frame) is seen in: its own, and the one it is compared with."""
    against = result.receipt.options["against"]
    return [*([against] if against not in ("", "reference") else []), spot["model"]]


def along(
    groups: Result, inside: Result, models: list[str], others: Segment, types: Mapping[str, str]
) -> tuple[pl.DataFrame, str]:
    """(the groups of a column among the rows where a weak spot's other conditions hold, those of the spot marked; what
    is not drawn). inside: the same groups among the spot's rows. Marks stand for their rows under these conditions."""
    held = dict(inside.frame.select("where", "rows").iter_rows())
    marked = {where for where, rows in groups.frame.select("where", "rows").iter_rows() if held.get(where) == rows}
    drawn, folded = segmentrows.groups(groups, models, small=True, chosen=marked)
    under = [every([others, parse(where, columns=types)]).expression() for where in drawn["where"].to_list()]
    return drawn.with_columns(pl.Series("where", under, dtype=pl.String)), folded.sentence


def title(result: Result) -> str:
    """What the numbers are: the objective, or its difference."""
    name, against = OBJECTIVES.get(result.receipt.options["objective"]).title, result.receipt.options["against"]
    if not against:
        return name
    return f"{name}: {'change since the reference period' if against == 'reference' else f'less that of {against}'}"


def _value(result: Result, value: float | None) -> str:
    unit = _unit(result)
    return words.delta(value, unit) if result.receipt.options["against"] else words.number(value, unit)


def points(result: Result) -> pl.DataFrame:
    """All weak spots as marks, of which the chart draws the first. Columns: name, place, value, rest, low, high (of the
    value, seen from the rest), text, elsewhere, n, segment, model, where, aria."""
    rows = []
    for place, row in enumerate(result.frame.iter_rows(named=True), start=1):
        said = row["sentence"]
        short = said if len(said) <= LETTERS else said[: LETTERS - 1].rstrip() + "…"
        rows.append(
            {
                "name": f"{place}. {short}",
                "place": place,
                "value": row["value"],
                "rest": row["rest"],
                "low": row["rest"] + row["low"],
                "high": row["rest"] + row["high"],
                "text": _value(result, row["value"]),
                "elsewhere": _value(result, row["rest"]),
                "n": row["n"],
                "segment": said,
                "model": row["model"],
                "where": row["where"],
                "aria": f"{place}. {said}: {_value(result, row['value'])}, elsewhere {_value(result, row['rest'])}",
            }
        )
    return pl.DataFrame(rows)


@lru_cache(maxsize=64)
def chart(unit: str, name: str, count: int) -> dict[str, Any]:
    """A row a weak spot: its value with the interval of its gap, and a tick for the rest. Frame: see points."""
    base = (
        alt.Chart(empty())
        .transform_filter(f"datum.place <= {ON_CHART}")
        .encode(y=alt.Y("place:O", title=None, axis=None))
    )
    scale = alt.Scale(zero=False, nice=False, padding=40)
    below = axis(format=FORMATS.get(unit, FORMATS["label"]), tickCount=5, labelFlush=False)
    x: dict[str, Any] = {"scale": scale, "axis": below, "title": name}
    gap = base.mark_rule(strokeWidth=1, strokeDash=[2, 3], opacity=0.5, color="currentColor", aria=False).encode(
        x=alt.X("value:Q", **x), x2="rest:Q"
    )
    whisker = base.mark_rule(strokeWidth=2.5, color=BLUE, aria=False).encode(x=alt.X("low:Q", **x), x2="high:Q")
    tick = base.mark_tick(thickness=2.5, size=18, color=ACCENT, aria=False).encode(x=alt.X("rest:Q", **x))
    dot = base.mark_point(filled=True, size=110, color=BLUE, opacity=1).encode(
        x=alt.X("value:Q", **x),
        description=alt.Description("aria:N"),
        tooltip=[
            alt.Tooltip("segment:N", title="where"),
            alt.Tooltip("text:N", title=name),
            alt.Tooltip("elsewhere:N", title="elsewhere"),
            alt.Tooltip("n:Q", title="n", format=","),
        ],
    )
    said = base.mark_text(color="currentColor", align="left", fontSize=12.5, dy=-15, aria=False)
    layers = alt.layer(said.encode(x=alt.value(0), text="name:N"), gap, whisker, tick, dot.add_params(mark_chosen()))
    return done(layers.properties(height=40 + 44 * count))


def drawn(result: Result) -> dict[str, Any]:
    """The chart of a result."""
    return chart(_unit(result), title(result), min(ON_CHART, len(result.frame)))


def facts(result: Result, row: dict[str, Any]) -> list[str]:
    """What is known of one weak spot, a line a thought; row: of the result's frame."""
    unit, aim = _unit(result), OBJECTIVES.get(row["metric"])
    side = "below" if row["gap"] < 0 else "above"
    ends = sorted((abs(row["low"]), abs(row["high"])))
    apart = f"{_size(row['gap'], unit)} {side} ({_size(ends[0], unit)} – {_size(ends[1], unit)})"
    gain = f"as good as elsewhere, {aim.title.lower()} would be {_size(row['recoverable'], unit)} "
    gain += "nearer to zero" if aim.better == "zero" else aim.better
    if row["rows_lost"] is not None:
        gain += f": {row['rows_lost']:,.0f} fewer {aim.loss}"
        gain += "" if row["rows_a_month"] is None else f", {row['rows_a_month']:,.0f} a month"
    evidence = [
        f"adjusted p {words.p_value(row['p_adjusted'])}",
        f"chosen again in {words.number(row['stability'], 'share')} of resamples",
        f"a gap from {_size(row['detectable'], unit)} on would show here",
    ]
    lines = [
        f"{row['n']:,} {aim.counts} ({words.number(row['share'], 'share')}) · "
        f"{_value(result, row['value'])}, elsewhere {_value(result, row['rest'])} · {apart}",
        gain[0].upper() + gain[1:],
        " · ".join(evidence),
    ]
    more = {"same_rows": "Nearly the same rows", "part_of": "Part of", "holds": "Holds all of the gap of"}
    return lines + [f"{what}: {row[key]}" for key, what in more.items() if row[key] is not None]


def _size(value: float | None, unit: str) -> str:
    return words.delta(None if value is None else abs(value), unit).removeprefix("+")


def unconfirmed(result: Result) -> pl.DataFrame:
    """What stood out on one half of the rows and not on the other."""
    unit = _unit(result)
    return _table(
        result.frames["unconfirmed"],
        lambda row: {
            "Where": row["sentence"],
            "n": row["n"],
            "Gap on rows that did not choose it": words.delta(row["tested_value"] - row["tested_rest"], unit),
            "Adjusted p": words.p_value(row["p_adjusted"]),
        },
    )


def folded(result: Result) -> pl.DataFrame:
    """Descriptions that are told with another one."""
    return _table(
        result.frames["folded"],
        lambda row: {
            "Where": row["sentence"],
            "Told with": row["into"],
            "Because": row["why"],
            "Rows in common": words.number(row["jaccard"], "share"),
        },
    )


def columns(result: Result) -> pl.DataFrame:
    """What was searched and what was not."""
    return _table(
        result.frames["columns"],
        lambda row: {
            "Column": row["column"],
            "Levels": row["levels"],
            "Outcome": row["outcome"],
            "Why": row["why"],
        },
    )


def power(result: Result) -> pl.DataFrame:
    """How small a gap the search would have shown, by size of the segment."""
    unit = _unit(result)
    return _table(
        result.frames["power"],
        lambda row: {
            "Share of rows": words.number(row["share"], "share"),
            "Rows": row["rows"],
            "Conditions": row["conditions"],
            "Smallest gap": words.delta(row["gap"], unit).removeprefix("+"),
        },
    )


def _table(frame: pl.DataFrame, made: Any) -> pl.DataFrame:
    return pl.DataFrame([made(row) for row in frame.iter_rows(named=True)])


def searched(result: Result) -> str:
    """What was searched, in a sentence."""
    row = result.frames["search"].row(0, named=True)
    part = "all" if row["searched"] == row["candidates"] else f"{row['searched']:,} of"
    return (
        f"Searched: {part} {row['candidates']:,} segments of {words.plural(row['columns'], 'column')}, each of at "
        f"least {row['minimum']:,} rows. {row['stood_out']:,} stood out on one half of {row['rows']:,} rows and were "
        f"tested on the other; {row['weak_spots']:,} are listed."
    )
