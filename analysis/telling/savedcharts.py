"""Charts of saved segments: the matrix of segment by metric, bars of their overlaps, effects alone and accounted for.

As in charts.py: specs are built once, rows are sent beside them. Colour appears only where a verdict is earned.
"""

from functools import lru_cache
from typing import Any

import altair as alt

from analysis.telling.spec import BLUE, FORMATS, axis, done, empty, mark_chosen

NEUTRAL, WORSE, OTHER = "#7A8797", "#D9480F", "#8A63B8"
EARNED = ["better", "worse", "different", "none"]
HUES = [BLUE, WORSE, OTHER, NEUTRAL]
SHAPES = ["triangle-up", "triangle-down", "diamond", "circle"]
CELL, ROW = 44, 34  # px a segment, an effect
HEAD, BARS, GAP, LINE = 46, 220, 10, 28  # px of the overlaps: above the bars, down to their feet, to the lines, a line
SIZES, NAME, SIDE = 64, 112, 244  # px at the left of the overlaps: the segments' bars, their names, all with their rows


@lru_cache(maxsize=64)
def matrix(segments: int) -> dict[str, Any]:
    """Segments (and model versions) by metrics: each cell its value and n, coloured where it differs from the rest.

    Frame: see savedrows.matrix.
    """
    base = alt.Chart(empty()).encode(
        x=alt.X(
            "title:N",
            title=None,
            sort=alt.SortField("place_2"),
            axis=axis(orient="top", labelAngle=0, grid=False, labelFontSize=12, labelLimit=130),
        ),
        y=alt.Y(
            "name:N",
            title=None,
            sort=alt.SortField("place"),
            axis=axis(grid=False, labelFontSize=13, labelLimit=170),
        ),
    )
    cell = base.mark_rect(cornerRadius=3, stroke="currentColor").encode(
        fill=alt.Fill("earned:N", legend=None, scale=alt.Scale(domain=EARNED, range=HUES)),
        fillOpacity=alt.condition("datum.earned == 'none'", alt.value(0.06), alt.value(0.5)),
        strokeOpacity=alt.condition("datum.small", alt.value(0.5), alt.value(0.12)),
        strokeDash=alt.condition("datum.small", alt.value([3, 3]), alt.value([1, 0])),
        description=alt.Description("aria:N"),
        tooltip=[
            alt.Tooltip("name:N", title="segment"),
            alt.Tooltip("title:N", title="metric"),
            alt.Tooltip("text:N", title="value"),
            alt.Tooltip("ends:N", title="95% interval"),
            alt.Tooltip("n:Q", title="n", format=","),
            alt.Tooltip("gap:N", title="against the rest"),
            alt.Tooltip("said:N", title="verdict"),
        ],
    )
    text = base.mark_text(color="currentColor", fontSize=14, dy=-7, aria=False).encode(text="shown:N")
    n = base.mark_text(color="currentColor", fontSize=11, dy=10, opacity=0.75, aria=False).encode(text="n_text:N")
    return done(alt.layer(cell.add_params(mark_chosen()), text, n).properties(height=30 + CELL * segments))


@lru_cache(maxsize=64)
def overlap(combinations: int, segments: int) -> dict[str, Any]:
    """Above a bar a combination of segments: the rows in all of its members and in no other segment. Below it a dot in
    the line of each segment it lies in; at the left a bar a segment: all of its rows.

    All of it is one layered chart with its scales set in pixels, so that it is as wide as its place. Frame: see
    savedrows.overlap.
    """
    top, bottom = BARS + GAP, BARS + GAP + LINE * segments
    places, lines = list(range(combinations)), list(range(segments))

    def of(kind: str) -> Any:
        return alt.Chart(empty()).transform_filter(f"datum.kind == '{kind}'")

    x = alt.X("place:O", title=None, axis=None, scale=alt.Scale(domain=places, range=[SIDE, "width"]))
    up = alt.Y("rows:Q", axis=None, scale=alt.Scale(range=[BARS, HEAD], zero=True, nice=False))
    scaled = axis(tickCount=4, format="~s", offset=-SIDE, titlePadding=8)

    def along(field: str = "place_2") -> Any:
        return alt.Y(f"{field}:O", title=None, axis=None, scale=alt.Scale(domain=lines, range=[top, bottom]))

    told = [
        alt.Tooltip("name:N", title="in"),
        alt.Tooltip("rows:Q", title="rows", format=","),
        alt.Tooltip("share:Q", title="of all", format=".1%"),
    ]
    stripe = of("segment").mark_rect(color="currentColor", opacity=0.05, aria=False)
    stripe = stripe.transform_filter("datum.place_2 % 2 == 0").encode(y=along(), x=alt.value(0), x2=alt.value("width"))
    bar = (
        of("combination")
        .mark_bar(cornerRadiusEnd=2, aria=False)
        .encode(
            x=x,
            y=up.title("rows").axis(scaled),
            y2=alt.datum(0),
            fill=alt.condition("datum.none", alt.value(NEUTRAL), alt.value(BLUE)),
            fillOpacity=alt.condition("datum.none", alt.value(0.5), alt.value(0.9)),
        )
    )
    turned = {"angle": 270, "align": "left", "dx": 5} if combinations > 7 else {"dy": -8}
    count = of("combination").mark_text(color="currentColor", fontSize=12, aria=False, **turned)
    count = count.encode(x=x, y=up, text="text:N")
    dot = of("dot").mark_circle(size=110, color="currentColor", aria=False)
    dot = dot.encode(x=x, y=along(), opacity=alt.condition("datum.inside", alt.value(0.9), alt.value(0.14)))
    link = (
        of("combination")
        .transform_filter("datum.first < datum.last")
        .mark_rule(color="currentColor", opacity=0.9, strokeWidth=2, aria=False)
    )
    link = link.encode(x=x, y=along("first"), y2="last:O")
    column = (
        of("combination")
        .mark_bar(opacity=0)
        .encode(  # a low bar is hard to hit
            x=x, y=alt.value(HEAD), y2=alt.value(bottom), description=alt.Description("aria:N"), tooltip=told
        )
    )
    size = (
        of("segment")
        .mark_bar(color=NEUTRAL, height=alt.RelativeBandSize(0.55), aria=False)
        .encode(
            x=alt.X("rows:Q", axis=None, scale=alt.Scale(range=[SIZES, 0], zero=True, nice=False)),
            x2=alt.datum(0),
            y=along(),
            tooltip=told,
        )
    )
    text = of("segment").mark_text(color="currentColor", align="left", fontSize=13, limit=NAME, aria=False)
    name = text.encode(x=alt.value(SIZES + 8), y=along(), text="name:N")
    rows = of("segment").mark_text(color="currentColor", align="right", fontSize=12, opacity=0.8, aria=False)
    rows = rows.encode(x=alt.value(SIDE - 12), y=along(), text="text:N")
    layers = [stripe, bar, count, dot, link, size, name, rows, column.add_params(mark_chosen())]
    chart = alt.layer(*layers).resolve_scale(x="independent", y="independent")
    return done(chart.properties(height=bottom + GAP))


@lru_cache(maxsize=64)
def effects(unit: str, title: str, segments: int) -> dict[str, Any]:
    """A row a segment: a tick where its difference is alone; point and whisker with the other segments held fixed.

    Frame: see savedrows.effects.
    """
    base = alt.Chart(empty()).encode(
        y=alt.Y(
            "name:N",
            title=None,
            sort=alt.SortField("place"),
            axis=axis(grid=False, labelFontSize=13, labelLimit=170),
        )
    )
    scale = alt.Scale(domain=EARNED, range=HUES)
    x_axis = axis(format=FORMATS[unit], tickCount=5, labelFlush=False)
    x = alt.X("effect:Q", title=title, axis=x_axis, scale=alt.Scale(zero=True, padding=20))
    hue = alt.Color("earned:N", legend=None, scale=scale)
    zero = base.mark_rule(color="currentColor", opacity=0.5, aria=False).encode(x=alt.datum(0), y=alt.value(0))
    zero = zero.encode(y2=alt.value("height"))
    alone = base.mark_tick(thickness=2, color="currentColor", opacity=0.6, bandSize=20, aria=False)
    alone = alone.encode(x=alt.X("alone:Q", title=title))
    whisker = base.mark_rule(strokeWidth=2, aria=False).encode(x=alt.X("low:Q", title=title), x2="high:Q", color=hue)
    dot = base.mark_point(filled=True, size=100, opacity=1).encode(
        x=x,
        color=hue,
        shape=alt.Shape("earned:N", legend=None, scale=alt.Scale(domain=EARNED, range=SHAPES)),
        description=alt.Description("aria:N"),
        tooltip=[
            alt.Tooltip("name:N", title="segment"),
            alt.Tooltip("alone_text:N", title="alone"),
            alt.Tooltip("text:N", title="others held fixed"),
            alt.Tooltip("said:N", title="verdict"),
        ],
    )
    layers = [zero, alone, whisker, dot.add_params(mark_chosen())]
    return done(alt.layer(*layers).properties(height=50 + ROW * segments))
