"""Charts: a result's frame as a Vega-Lite spec. No arithmetic, no rows: built once with Altair, data sent beside it.

Marks take their hues from the theme in the browser; ink is `currentColor`, so that a theme switch needs no rerun.
A frame's columns are Assay's own names; an analyst's labels appear as titles and values only.
"""

from functools import lru_cache
from typing import Any

import altair as alt

from analysis.telling.spec import ACCENT, BLUE, FORMATS, mark_chosen
from analysis.telling.spec import axis as _axis
from analysis.telling.spec import done as _done
from analysis.telling.spec import empty as _empty

LANES = 3
BESIDE = {"minExtent": 44, "maxExtent": 44}
"""Of the vertical axes of charts above each other, so that their times stand above each other too."""


@lru_cache(maxsize=64)
def trend(unit: str, title: str, several: bool, height: int = 260, marked: bool = False) -> dict[str, Any]:
    """A metric over time: line, points and band; unsettled buckets hollow, the overall value a dashed rule.

    Frame: start, value, low, high, model, settled, where, aria, and overall (the same in every row of a model); marked:
    also rows with a marker (the title, else null), its kind, lane, start and aria, each drawn as a rule with its title.
    """
    plain = alt.Chart(_empty())
    if marked:
        plain = plain.transform_filter("datum.marker == null")
    base = plain.encode(
        x=alt.X(
            "start:T",
            title=None,
            scale=alt.Scale(type="utc"),
            axis=_axis(grid=False, labelOverlap=True, format="%d %b", labelLimit=160),
        )
    )
    y_axis = _axis(format=FORMATS[unit], title=title, tickCount=5, **BESIDE)
    y = alt.Y("value:Q", scale=alt.Scale(zero=False), axis=y_axis)
    hue = {"color": alt.Color("model:N", legend=None if not several else alt.Legend(title=None, orient="top"))}
    low = alt.Y("low:Q", axis=y_axis, title=title)
    band = base.mark_area(opacity=0.2, aria=False).encode(y=low, y2="high:Q", **hue)
    line = base.mark_line(strokeWidth=2, aria=False).encode(y=y, **hue)
    points = base.mark_point(filled=True, size=52, opacity=1, strokeWidth=1.8).encode(
        y=y,
        **hue,
        stroke=alt.Stroke("model:N", legend=None),
        fillOpacity=alt.condition("datum.settled", alt.value(1), alt.value(0)),
        description=alt.Description("aria:N"),
        tooltip=[
            alt.Tooltip("start:T", title="from", format="%a %d %b %Y %H:%M"),
            alt.Tooltip("model:N", title="model version"),
            alt.Tooltip("value:Q", title=title, format=FORMATS[unit]),
            alt.Tooltip("low:Q", title="low", format=FORMATS[unit]),
            alt.Tooltip("high:Q", title="high", format=FORMATS[unit]),
            alt.Tooltip("n:Q", title="n", format=","),
            alt.Tooltip("labelled:Q", title="labelled", format=".0%"),
        ],
    )
    points = points.add_params(mark_chosen())
    overall = plain.mark_rule(strokeDash=[5, 4], color=ACCENT, aria=False, opacity=0.9)
    rule = overall.encode(y=alt.Y("overall:Q", aggregate="min"), detail="model:N")
    layers = [band, rule, line, points, *(_markers() if marked else [])]
    return _done(alt.layer(*layers).properties(height=height))


def _markers() -> list[Any]:
    """Rules at markers, dashed for incidents, with their titles in three lanes, so that neighbours stay apart."""
    marked = alt.Chart(_empty()).transform_filter("datum.marker != null")
    at = alt.X("start:T", title=None, scale=alt.Scale(type="utc"))
    tooltip = [
        alt.Tooltip("marker:N", title="marker"),
        alt.Tooltip("kind:N", title="kind"),
        alt.Tooltip("start:T", title="at", format="%a %d %b %Y %H:%M"),
    ]
    rules = [
        marked.transform_filter(f"{test} 'incident'")
        .mark_rule(color="currentColor", opacity=0.65, strokeWidth=1.5, strokeDash=dash)
        .encode(x=at, description=alt.Description("aria:N"), tooltip=tooltip)
        for test, dash in (("datum.kind !=", [1, 0]), ("datum.kind ==", [3, 3]))
    ]
    titles = [
        marked.transform_filter(f"datum.lane == {lane}")
        .mark_text(color="currentColor", align="left", baseline="top", dx=5, fontSize=12, limit=170, aria=False)
        .encode(x=at, y=alt.value(14 * lane), text="marker:N")
        for lane in range(LANES)
    ]
    return [*rules, *titles]


@lru_cache(maxsize=64)
def labelled(height: int = 130) -> dict[str, Any]:
    """Rows and how many of them are labelled, by time. Frame: start, kind, count, model, where, aria."""
    chart = (
        alt.Chart(_empty())
        .mark_bar(size=9)
        .encode(
            x=alt.X("start:T", title=None, scale=alt.Scale(type="utc"), axis=_axis(grid=False, labels=False)),
            y=alt.Y("count:Q", title="rows", scale=alt.Scale(nice=2), axis=_axis(tickCount=2, format="~s", **BESIDE)),
            opacity=alt.Opacity(
                "kind:N",
                scale=alt.Scale(domain=["labelled", "not yet"], range=[0.85, 0.25]),
                legend=alt.Legend(title=None, orient="top", direction="horizontal"),
            ),
            order=alt.Order("kind:N"),
            description=alt.Description("aria:N"),
            tooltip=[
                alt.Tooltip("start:T", title="from", format="%a %d %b %Y"),
                alt.Tooltip("kind:N", title="label"),
                alt.Tooltip("count:Q", title="rows", format=","),
            ],
        )
        .add_params(mark_chosen())
        .properties(height=height)
    )
    return _done(chart)


@lru_cache(maxsize=64)
def point_range(unit: str, title: str, height: int, one_hue: bool = False) -> dict[str, Any]:
    """One row a name: dot, 95 % whisker, value, interval and n above them; small n hollow.

    Few names, each with a hue of its own, show no skill as a tick; many (one_hue) are zoomed to their intervals.

    Frame: name, place, value, low, high, n, small, baseline, text, model, where, aria.
    """
    names = _axis(labelFontSize=13, grid=False, labelLimit=180)
    y = alt.Y("name:N", title=None, sort=alt.SortField("place"), axis=names)
    order: dict[str, Any] = {"legend": None, "sort": alt.SortField("place")}
    hue = {"color": alt.value(BLUE) if one_hue else alt.Color("name:N", **order)}
    edge = {"stroke": alt.value(BLUE) if one_hue else alt.Stroke("name:N", **order)}
    x_axis = _axis(format=FORMATS[unit], tickCount=5, labelFlush=False)
    base = alt.Chart(_empty()).encode(y=y)
    scale = alt.Scale(zero=False, nice=False, padding=90)
    whisker = base.mark_rule(strokeWidth=2, aria=False).encode(
        x=alt.X("low:Q", scale=scale, axis=x_axis, title=title),
        x2="high:Q",
        **hue,
        opacity=alt.condition("datum.small", alt.value(0.55), alt.value(1)),
    )
    dot = base.mark_point(filled=True, size=110, opacity=1, strokeWidth=2).encode(
        x=alt.X("value:Q", scale=scale, axis=x_axis, title=title),
        **hue,
        **edge,
        fillOpacity=alt.condition("datum.small", alt.value(0), alt.value(1)),
        description=alt.Description("aria:N"),
        tooltip=[
            alt.Tooltip("name:N", title=" "),
            alt.Tooltip("text:N", title=title),
            alt.Tooltip("n:Q", title="n", format=","),
            alt.Tooltip("baseline:Q", title="no skill", format=FORMATS[unit]),
        ],
    )
    dot = dot.add_params(mark_chosen())
    baseline = base.mark_tick(thickness=2, size=26, color=ACCENT, aria=False).encode(x=alt.X("baseline:Q", scale=scale))
    value = base.mark_text(color="currentColor", fontSize=12.5, aria=False, dy=-16)
    said = value.encode(text="text:N", x=alt.X("value:Q", scale=scale))
    layers = [whisker, dot, said] if one_hue else [baseline, whisker, dot, said]
    return _done(alt.layer(*layers).properties(height=height))
