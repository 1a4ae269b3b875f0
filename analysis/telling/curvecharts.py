"""Charts of a moving threshold: specs without rows, built once. Bands are pointwise 95 % intervals."""

from functools import lru_cache
from typing import Any

import altair as alt

from analysis.telling.spec import ACCENT, BLUE, FORMATS, axis, done, empty, mark_chosen

GRAY = "#8A94A0"  # readable on both grounds
INK: dict[str, Any] = {"color": "currentColor"}


def _point(**encoding: Any) -> Any:
    """The threshold in force: one mark, from the row that is `here`."""
    mark = alt.Chart(empty()).transform_filter("datum.here").mark_point(filled=True, size=120, opacity=1, color=ACCENT)
    return mark.encode(**encoding)


def _rule(field: str = "at") -> Any:
    """A dashed rule at the threshold in force, the same in every row."""
    rule = alt.Chart(empty()).mark_rule(strokeDash=[5, 4], color=ACCENT, strokeWidth=2, aria=False)
    return rule.encode(x=alt.X(f"{field}:Q", aggregate="min"))


@lru_cache(maxsize=16)
def confusion(height: int = 230) -> dict[str, Any]:
    """Two by two: counts and shares, right decisions in one hue and wrong ones in another.

    Frame: actual_name, predicted_name, cell, right, share, count, told, aria.
    """
    down = axis(labelFontSize=13, grid=False, labelLimit=200, labelAngle=0)
    base = alt.Chart(empty()).encode(
        x=alt.X(
            "predicted_name:N",
            axis=axis(labelFontSize=13, grid=False, labelAngle=0, orient="top"),
            sort=None,
            title=None,
        ),
        y=alt.Y("actual_name:N", axis=down, sort=None, title=None),
    )
    cell = base.mark_rect(cornerRadius=6, stroke="currentColor", strokeOpacity=0.15).encode(
        fill=alt.condition("datum.right", alt.value(BLUE), alt.value(ACCENT)),
        fillOpacity=alt.FillOpacity("share:Q", legend=None, scale=alt.Scale(domain=[0, 1], range=[0.08, 0.6])),
        description=alt.Description("aria:N"),
        tooltip=[
            alt.Tooltip("actual_name:N", title=" "),
            alt.Tooltip("predicted_name:N", title=" "),
            alt.Tooltip("n:Q", title="rows", format=","),
            alt.Tooltip("share:Q", title="share", format=".1%"),
        ],
    )
    count = base.mark_text(fontSize=22, fontWeight=600, dy=-8, aria=False, **INK).encode(text="count:N")
    told = base.mark_text(fontSize=12.5, dy=16, opacity=0.8, aria=False, **INK).encode(text="told:N")
    return done(alt.layer(cell.add_params(mark_chosen()), count, told).properties(height=height))


@lru_cache(maxsize=16)
def by_threshold(height: int = 280) -> dict[str, Any]:
    """Metrics over the threshold: a line and a band each, the threshold in force as a rule with a point on each line.

    Frame: threshold, name, value, low, high, n, at, here, aria.
    """
    x_axis = axis(grid=False, format=".2~f", title="threshold: positive from this score on")
    x = alt.X("threshold:Q", axis=x_axis, scale=alt.Scale(nice=False))
    y_axis = axis(format=".0%", title=None, tickCount=5)
    legend = alt.Legend(title=None, orient="top", symbolOpacity=1, symbolType="stroke", symbolStrokeWidth=3)
    hue = alt.Color("name:N", sort=None, legend=legend)
    base = alt.Chart(empty()).encode(x=x, color=hue)
    y = alt.Y("value:Q", axis=y_axis)
    band = base.mark_area(opacity=0.18, aria=False).encode(y=alt.Y("low:Q", axis=y_axis, title=None), y2="high:Q")
    line = base.mark_line(strokeWidth=2, aria=False).encode(y=y)
    hover = base.mark_point(filled=True).encode(
        y=y,
        size=alt.condition("datum.here", alt.value(110), alt.value(40)),
        opacity=alt.condition("datum.here", alt.value(1), alt.value(0)),
        description=alt.Description("aria:N"),
        tooltip=[
            alt.Tooltip("name:N", title=" "),
            alt.Tooltip("threshold:Q", title="threshold", format=".3f"),
            alt.Tooltip("value:Q", title="value", format=".1%"),
            alt.Tooltip("low:Q", title="low", format=".1%"),
            alt.Tooltip("high:Q", title="high", format=".1%"),
            alt.Tooltip("n:Q", title="n", format=","),
        ],
    )
    return done(alt.layer(band, line, _rule(), hover).properties(height=height))


@lru_cache(maxsize=16)
def curve(x_title: str, y_title: str, unit: str = "share", chance: str = "", height: int = 300) -> dict[str, Any]:
    """One curve with its band, and the threshold in force as a point. chance: "diagonal", "one" (a level of 1) or "".

    Frame: threshold, x, y, low, high, here, aria.
    """
    format_y = ".0%" if unit == "share" else ".1f"
    top: dict[str, Any] = {"domain": [0, 1]} if unit == "share" else {"zero": True}
    x = alt.X("x:Q", title=x_title, scale=alt.Scale(domain=[0, 1]), axis=axis(format=".0%", tickCount=5))
    y_axis = axis(format=format_y, title=y_title, tickCount=5)
    y = alt.Y("y:Q", scale=alt.Scale(**top), axis=y_axis)
    base = alt.Chart(empty()).encode(x=x)
    low = alt.Y("low:Q", scale=alt.Scale(**top), axis=y_axis, title=y_title)
    band = base.mark_area(opacity=0.2, color=BLUE, aria=False).encode(y=low, y2="high:Q")
    line = base.mark_line(strokeWidth=2, color=BLUE, aria=False).encode(y=y, order=alt.Order("x:Q"))
    tips = [
        alt.Tooltip("threshold:Q", title="threshold", format=".3f"),
        alt.Tooltip("x:Q", title=x_title, format=".1%"),
        alt.Tooltip("y:Q", title=y_title, format=FORMATS[unit]),
        alt.Tooltip("low:Q", title="low", format=FORMATS[unit]),
        alt.Tooltip("high:Q", title="high", format=FORMATS[unit]),
    ]
    points = base.mark_point(filled=True, color=ACCENT).encode(
        y=y,
        size=alt.condition("datum.here", alt.value(120), alt.value(40)),
        opacity=alt.condition("datum.here", alt.value(1), alt.value(0)),
        tooltip=tips,
        description=alt.Description("aria:N"),
    )
    layers = [band, line, points.add_params(mark_chosen())]
    if chance:
        ends = {"diagonal": (0, 1), "one": (1, 1)}[chance]
        once = alt.Chart(empty()).transform_filter("datum.here")
        diagonal = once.mark_rule(strokeDash=[4, 4], opacity=0.45, aria=False, **INK).encode(
            x=alt.datum(0), x2=alt.datum(1), y=alt.datum(ends[0]), y2=alt.datum(ends[1])
        )
        layers.insert(2, diagonal)
    return done(alt.layer(*layers).properties(height=height))


@lru_cache(maxsize=16)
def value(height: int = 260) -> dict[str, Any]:
    """Value a decision over the threshold with its band; the best threshold as a diamond, the one in force as a rule.

    Frame: threshold, value, low, high, n, total, best, here, at, none, aria.
    """
    x = alt.X("threshold:Q", axis=axis(grid=False, format=".2~f", title="threshold"), scale=alt.Scale(nice=False))
    y_axis = axis(format=",.4~r", title="value a decision", tickCount=5)
    y = alt.Y("value:Q", axis=y_axis)
    line_rows = alt.Chart(empty()).transform_filter("!datum.here").encode(x=x)
    low = alt.Y("low:Q", axis=y_axis, title="value a decision")
    band = line_rows.mark_area(opacity=0.2, color=BLUE, aria=False).encode(y=low, y2="high:Q")
    line = line_rows.mark_line(strokeWidth=2, color=BLUE, aria=False).encode(y=y)
    tips = [
        alt.Tooltip("threshold:Q", title="threshold", format=".3f"),
        alt.Tooltip("value:Q", title="a decision", format=",.4~r"),
        alt.Tooltip("low:Q", title="low", format=",.4~r"),
        alt.Tooltip("high:Q", title="high", format=",.4~r"),
        alt.Tooltip("total:Q", title="in all", format=",.0f"),
    ]
    said = {"tooltip": tips, "description": alt.Description("aria:N")}
    hover = line_rows.mark_point(filled=True, size=40, opacity=0).encode(y=y, **said)
    best = (
        alt.Chart(empty())
        .transform_filter("datum.best")
        .mark_point(
            shape="diamond", size=170, filled=True, opacity=1, color=BLUE, stroke="currentColor", strokeWidth=1.2
        )
    )
    either = alt.Chart(empty()).mark_rule(strokeDash=[2, 4], opacity=0.55, aria=False, **INK)
    layers = [
        either.encode(y=alt.Y("none:Q", aggregate="min")),
        band,
        line,
        _rule(),
        hover,
        best.encode(x=x, y=y, **said),
    ]
    return done(alt.layer(*layers, _point(x=x, y=y, **said)).properties(height=height))


@lru_cache(maxsize=16)
def distribution(height: int = 220) -> dict[str, Any]:
    """Where the scores of each class lie, as shares of the class; the threshold in force as a rule.

    Frame: start, end, name, n, share, at, aria.
    """
    x = alt.X("start:Q", title="score", axis=axis(grid=False, format=".2~f"), scale=alt.Scale(nice=False))
    hues = alt.Scale(range=[BLUE, ACCENT, GRAY])
    bars = (
        alt.Chart(empty())
        .mark_bar(opacity=0.55, binSpacing=0)
        .encode(
            x=x.bin("binned"),
            x2="end:Q",
            y=alt.Y("share:Q", stack=None, title="share of the class", axis=axis(format=".0%", tickCount=4)),
            color=alt.Color("name:N", sort=None, scale=hues, legend=alt.Legend(title=None, orient="top")),
            description=alt.Description("aria:N"),
            tooltip=[
                alt.Tooltip("name:N", title=" "),
                alt.Tooltip("start:Q", title="from", format=".3f"),
                alt.Tooltip("end:Q", title="to", format=".3f"),
                alt.Tooltip("n:Q", title="rows", format=","),
                alt.Tooltip("share:Q", title="share", format=".1%"),
            ],
        )
    )
    return done(alt.layer(bars.add_params(mark_chosen()), _rule()).properties(height=height))
