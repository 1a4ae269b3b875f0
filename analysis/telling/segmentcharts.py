"""Charts of segments: a point and its interval for each group with values and n beside it, and a cross as a heat map.

As in charts.py: specs are built once, rows are sent beside them. Colour and shape appear only where a verdict is
earned.
"""

from functools import lru_cache
from typing import Any

import altair as alt

from analysis.telling.spec import ACCENT, BLUE, FORMATS, axis, done, empty, mark_chosen

NEUTRAL = "#7A8797"
WORSE = "#D9480F"
EARNED = ["better", "worse", "different", "none"]
HUES = [BLUE, WORSE, "#8A63B8", NEUTRAL]
SHAPES = ["triangle-up", "triangle-down", "diamond", "circle"]
ROW, PAIR = 34, 50  # px a group, of one model version and of two
AXIS = 62  # px below the groups


@lru_cache(maxsize=64)
def groups(unit: str, title: str, count: int, several: bool) -> dict[str, Any]:
    """A row a group: interval, point, and at the right its value and n; small groups hollow, the chosen one in a band.

    Frame: see segmentrows.groups. several: more than one model version, each with a hue of its own.
    """
    height = AXIS + (PAIR if several else ROW) * count
    base = alt.Chart(empty()).encode(
        y=alt.Y(
            "name:N",
            title=None,
            sort=alt.SortField("place"),
            axis=axis(labelFontSize=13, grid=False, labelLimit=170),
            scale=alt.Scale(paddingInner=0.25, paddingOuter=0.15),
        )
    )
    if several:
        base = base.encode(yOffset=alt.YOffset("model:N", scale=alt.Scale(paddingInner=0.2)))
        hue: dict[str, Any] = {"color": alt.Color("model:N", legend=alt.Legend(title=None, orient="top"))}
        edge: dict[str, Any] = {"stroke": alt.Stroke("model:N", legend=None)}
    else:
        scale = alt.Scale(domain=EARNED, range=HUES)
        hue = {"color": alt.Color("earned:N", legend=None, scale=scale)}
        edge = {"stroke": alt.Stroke("earned:N", legend=None, scale=scale)}
    x = alt.X(
        "value:Q",
        title=title,
        scale=alt.Scale(zero=False, padding=14),
        axis=axis(format=FORMATS[unit], tickCount=5, labelFlush=False),
    )
    low = alt.X("low:Q", title=title)
    overall = base.mark_tick(thickness=1.5, color=ACCENT, aria=False, bandSize=26, opacity=0.9)
    whisker = base.mark_rule(strokeWidth=2, aria=False).encode(
        x=low, x2="high:Q", **hue, opacity=alt.condition("datum.small", alt.value(0.5), alt.value(0.95))
    )
    dot = base.mark_point(filled=True, size=95, opacity=1, strokeWidth=1.8).encode(
        x=x,
        **hue,
        **edge,
        shape=alt.Shape("earned:N", legend=None, scale=alt.Scale(domain=EARNED, range=SHAPES)),
        fillOpacity=alt.condition("datum.small", alt.value(0), alt.value(1)),
        description=alt.Description("aria:N"),
        tooltip=[
            alt.Tooltip("name:N", title="group"),
            alt.Tooltip("model:N", title="model version"),
            alt.Tooltip("text:N", title=title),
            alt.Tooltip("ends:N", title="95% interval"),
            alt.Tooltip("n:Q", title="n", format=","),
            alt.Tooltip("gap:N", title="against the rest"),
            alt.Tooltip("said:N", title="verdict"),
        ],
    )
    dot = dot.add_params(mark_chosen())
    size = 13 if not several else 12
    said = base.mark_text(align="right", color="currentColor", aria=False, fontSize=size, fontWeight=600, dx=64)
    said = said.encode(x=alt.value("width"), text="text:N")
    n = base.mark_text(align="right", color="currentColor", aria=False, fontSize=12, dx=140, opacity=0.75)
    n = n.encode(x=alt.value("width"), text="n_text:N")
    chosen = base.transform_filter("datum.chosen").mark_bar(aria=False, opacity=0.1, color=BLUE)
    chosen = chosen.encode(x=alt.value(0), x2=alt.value("width"))
    whole = overall.encode(x=alt.X("overall:Q", title=title))
    return done(alt.layer(chosen, whole, whisker, dot, said, n).properties(height=height))


@lru_cache(maxsize=64)
def cross(first: int, second: int, texts: bool) -> dict[str, Any]:
    """Two columns as cells: colour where a verdict is earned, its strength the size of the difference.

    Frame: see segmentrows.cross. texts: whether a cell is wide enough for its value.
    """
    slanted = second > 8
    base = alt.Chart(empty()).encode(
        x=alt.X(
            "second:N",
            title=None,
            sort=alt.SortField("place_2"),
            axis=axis(
                orient="top",
                labelAngle=-40 if slanted else 0,
                labelOverlap=False,
                grid=False,
                labelFontSize=12,
                labelLimit=130,
            ),
        ),
        y=alt.Y(
            "name:N", title=None, sort=alt.SortField("place"), axis=axis(grid=False, labelFontSize=13, labelLimit=170)
        ),
    )
    cell = base.mark_rect(cornerRadius=3, stroke="currentColor").encode(
        fill=alt.Fill("earned:N", legend=None, scale=alt.Scale(domain=EARNED, range=HUES)),
        fillOpacity=alt.Opacity("strength:Q", legend=None, scale=alt.Scale(domain=[0, 1], range=[0.06, 0.75])),
        strokeOpacity=alt.condition("datum.small", alt.value(0.5), alt.value(0.12)),
        strokeDash=alt.condition("datum.small", alt.value([3, 3]), alt.value([1, 0])),
        description=alt.Description("aria:N"),
        tooltip=[
            alt.Tooltip("name:N", title=" "),
            alt.Tooltip("second:N", title=" "),
            alt.Tooltip("text:N", title="value"),
            alt.Tooltip("ends:N", title="95% interval"),
            alt.Tooltip("n:Q", title="n", format=","),
            alt.Tooltip("gap:N", title="difference"),
            alt.Tooltip("said:N", title="verdict"),
        ],
    )
    text = base.mark_text(color="currentColor", fontSize=13 if second <= 8 else 11, aria=False).encode(
        text="text:N", opacity=alt.condition("datum.small", alt.value(0.55), alt.value(1))
    )
    layers = [cell.add_params(mark_chosen()), *([text] if texts else [])]
    return done(alt.layer(*layers).properties(height=AXIS // 2 + 38 * first))
