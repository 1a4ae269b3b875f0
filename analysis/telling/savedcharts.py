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
CELL, BAR, ROW = 44, 30, 34  # px a segment, a combination, an effect


def _names(most: int = 220) -> alt.Axis:
    """The axis with the segments' names, at most so many pixels long."""
    return axis(grid=False, labelFontSize=13, labelLimit=most)


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
def overlap(combinations: int) -> dict[str, Any]:
    """A bar a combination of segments: how many rows are in all of its members and in no other segment.

    Frame: see savedrows.overlap.
    """
    base = alt.Chart(empty()).encode(
        y=alt.Y("name:N", title=None, sort=alt.SortField("place"), axis=_names(300)),
        x=alt.X("rows:Q", title="rows", axis=axis(tickCount=4, format="~s")),
    )
    bar = base.mark_bar(cornerRadiusEnd=2).encode(
        fill=alt.condition("datum.none", alt.value(NEUTRAL), alt.value(BLUE)),
        fillOpacity=alt.condition("datum.none", alt.value(0.35), alt.value(0.85)),
        description=alt.Description("aria:N"),
        tooltip=[
            alt.Tooltip("name:N", title="in just"),
            alt.Tooltip("rows:Q", title="rows", format=","),
            alt.Tooltip("share:Q", title="of all", format=".1%"),
        ],
    )
    said = base.mark_text(color="currentColor", align="right", dx=118, fontSize=12, aria=False)
    said = said.encode(x=alt.value("width"), text="text:N")
    return done(alt.layer(bar.add_params(mark_chosen()), said).properties(height=40 + BAR * combinations))


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
