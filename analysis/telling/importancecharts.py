"""Charts of importance and dependence: specs without rows, built once."""

from functools import lru_cache
from typing import Any

import altair as alt

from analysis.telling.spec import ACCENT, BLUE, FORMATS, axis, done, empty

Ends = tuple[float, float] | None
SIDES: tuple[tuple[bool, Any, int], ...] = ((True, "left", -4), (False, "right", 4))
GRAY = "#8A94A0"  # readable on both grounds


@lru_cache(maxsize=64)
def ranking(unit: str, title: str, count: int) -> dict[str, Any]:
    """A row a feature: dot and 95 % whisker, value above, direction below; blue: it matters, orange: it hurts,
    hollow grey where nothing is shown. Frame: see importancerows.points."""
    hue = {
        "condition": [{"test": "datum.earned", "value": BLUE}, {"test": "datum.hurts", "value": ACCENT}],
        "value": GRAY,
    }
    sort = alt.SortField("rank")
    names = axis(labelFontSize=13, grid=False, labelLimit=190)
    base = alt.Chart(empty()).encode(y=alt.Y("feature:N", title=None, sort=sort, axis=names))
    scale = alt.Scale(zero=True, nice=False, padding=24)
    x: dict[str, Any] = {
        "scale": scale,
        "axis": axis(format=FORMATS.get(unit, FORMATS["label"]), tickCount=5, labelFlush=False),
        "title": title,
    }
    target = base.mark_bar(opacity=0.001, color="currentColor", aria=False).encode(
        x=alt.value(0), x2=alt.value("width"), opacity=alt.condition("datum.chosen", alt.value(0.1), alt.value(0.001))
    )
    once = alt.Chart(empty()).transform_aggregate(rows="count()")
    zero = once.mark_rule(color="currentColor", opacity=0.35, aria=False).encode(x=alt.X(datum=0))
    whisker = base.mark_rule(strokeWidth=2.5, aria=False).encode(x=alt.X("low:Q", **x), x2="high:Q", color=hue)
    dot = base.mark_point(filled=True, size=110, opacity=1, strokeWidth=2).encode(
        x=alt.X("value:Q", **x),
        color=hue,
        stroke=hue,
        fillOpacity=alt.condition("datum.earned || datum.hurts", alt.value(1), alt.value(0)),
        description=alt.Description("aria:N"),
        tooltip=[
            alt.Tooltip("feature:N"),
            alt.Tooltip("text:N", title=title),
            alt.Tooltip("interval:N", title="95% interval"),
            alt.Tooltip("verdict:N"),
            alt.Tooltip("direction:N"),
        ],
    )
    said = base.mark_text(color="currentColor", fontSize=12.5, dy=-15, aria=False).encode(
        x=alt.X("value:Q", **x), text="text:N"
    )
    told = [
        base.transform_filter(f"datum.left == {str(left).lower()}")
        .mark_text(color="currentColor", fontSize=11.5, opacity=0.75, align=align, dx=dx, dy=15, aria=False)
        .encode(x=alt.X("value:Q", **x), text="direction:N")
        for left, align, dx in SIDES
    ]
    picked = alt.selection_point("mark", fields=["feature"], toggle=False, clear=False)
    layers = alt.layer(target.add_params(picked), zero, whisker, dot, said, *told)
    return done(layers.properties(height=30 + 48 * count))


@lru_cache(maxsize=32)
def curves(ends: Ends, feature: str, title: str, unit: str, height: int = 300) -> dict[str, Any]:
    """The mean answer with its interval over the curves of single rows; an asked row's own in orange, with a
    diamond where it is. Frame: see importancerows.curves. ends: from where to where a number goes, None of a
    category."""
    numeric = ends is not None
    if numeric:
        x: Any = alt.X(
            "at:Q", title=feature, axis=axis(grid=False, format=FORMATS["label"], tickCount=6), scale=_wide(ends)
        )
    else:
        x = alt.X("value:N", title=feature, sort=alt.SortField("place"), axis=axis(grid=False, labelLimit=120))
    base = alt.Chart(empty()).encode(x=x)
    y_axis = axis(format=FORMATS.get(unit, FORMATS["label"]), tickCount=5, title=title, minExtent=44, maxExtent=44)
    y = alt.Y("score:Q", scale=alt.Scale(zero=False), axis=y_axis)
    mean = base.transform_filter("datum.kind == 'mean'")
    own = base.transform_filter("datum.kind == 'own'")
    tooltip = [
        alt.Tooltip("row:N"),
        alt.Tooltip("value:N", title=feature),
        alt.Tooltip("score:Q", title=title, format=".4~g"),
    ]
    single = (
        base.transform_filter("datum.kind == 'row'")
        .mark_line(strokeWidth=1, opacity=0.28, color="currentColor", aria=False, point=False)
        .encode(y=y, detail="row:N")
    )
    low = alt.Y("low:Q", scale=alt.Scale(zero=False), axis=y_axis)
    layers = [single]
    if numeric:
        layers.append(mean.mark_area(opacity=0.25, color=BLUE, aria=False).encode(y=low, y2="high:Q"))
        layers.append(mean.mark_line(strokeWidth=3, color=BLUE, aria=False).encode(y=y))
    else:
        layers.append(mean.mark_rule(strokeWidth=2.5, color=BLUE, aria=False).encode(y=low, y2="high:Q"))
    layers.append(
        mean.mark_point(size=46 if numeric else 100, color=BLUE, filled=True, opacity=1).encode(
            y=y, description=alt.Description("aria:N"), tooltip=tooltip
        )
    )
    layers.append(own.mark_line(strokeWidth=2.5, color=ACCENT, aria=False).encode(y=y))
    layers.append(
        own.mark_point(size=46, color=ACCENT, filled=True, opacity=1).encode(
            y=y, description=alt.Description("aria:N"), tooltip=tooltip
        )
    )
    here = base.transform_filter("datum.kind == 'here'").mark_point(
        size=260, shape="diamond", color=ACCENT, filled=True, opacity=1, clip=True
    )
    layers.append(here.encode(y=y, description=alt.Description("aria:N"), tooltip=tooltip))
    return done(alt.layer(*layers).properties(height=height))


def _wide(ends: Ends) -> alt.Scale:
    return alt.Scale(domain=list(ends or ()), nice=False, padding=8)


@lru_cache(maxsize=32)
def spread(ends: Ends, feature: str, height: int = 70) -> dict[str, Any]:
    """How many rows hold which values, under the curves. Frame: value, low, high, n, place, aria."""
    numeric = ends is not None
    y_axis = axis(tickCount=2, format="~s", title="rows", minExtent=44, maxExtent=44)
    tooltip = [alt.Tooltip("value:N", title=feature), alt.Tooltip("n:Q", title="rows", format=",")]
    shared: dict[str, Any] = {"description": alt.Description("aria:N"), "tooltip": tooltip, "color": alt.value(BLUE)}
    base = alt.Chart(empty())
    bare = axis(labels=False, grid=False, title=None)
    if numeric:
        mark = base.mark_rect(opacity=0.4, stroke=BLUE, strokeWidth=1).encode(
            x=alt.X("low:Q", axis=bare, scale=_wide(ends)),
            x2="high:Q",
            y=alt.Y("n:Q", axis=y_axis),
            y2=alt.Y2(datum=0),
            **shared,
        )
    else:
        mark = base.mark_bar(opacity=0.5).encode(
            x=alt.X("value:N", sort=alt.SortField("place"), axis=bare), y=alt.Y("n:Q", axis=y_axis), **shared
        )
    return done(mark.properties(height=height))


@lru_cache(maxsize=32)
def over_time(unit: str, title: str, height: int = 200) -> dict[str, Any]:
    """One feature's importance by period with its interval. Frame: start, value, low, high, n, aria."""
    x = alt.X(
        "start:T", title=None, scale=alt.Scale(type="utc"), axis=axis(grid=False, format="%d %b", labelOverlap=True)
    )
    y_axis = axis(format=FORMATS.get(unit, FORMATS["label"]), tickCount=4, title=title)
    base = alt.Chart(empty()).encode(x=x)
    whisker = base.mark_rule(strokeWidth=2.5, color=BLUE, aria=False).encode(
        y=alt.Y("low:Q", axis=y_axis, scale=alt.Scale(zero=True)), y2="high:Q"
    )
    dot = base.mark_point(filled=True, size=80, color=BLUE, opacity=1).encode(
        y=alt.Y("value:Q", axis=y_axis),
        description=alt.Description("aria:N"),
        tooltip=[
            alt.Tooltip("start:T", title="from", format="%d %b %Y"),
            alt.Tooltip("value:Q", title=title, format=".4~g"),
            alt.Tooltip("n:Q", title="rows", format=","),
        ],
    )
    return done(alt.layer(whisker, dot).properties(height=height))
