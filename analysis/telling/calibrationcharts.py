"""Charts of calibration: score against observed share, square, and how many rows each bin holds."""

from functools import lru_cache
from typing import Any

import altair as alt

from analysis.telling.spec import BLUE, mark_chosen
from analysis.telling.spec import axis as _axis
from analysis.telling.spec import done as _done
from analysis.telling.spec import empty as _empty


def _hue(several: bool, legend: bool = True) -> Any:
    if not several:
        return alt.value(BLUE)
    shown = alt.Legend(title=None, orient="top", labelLimit=200) if legend else None
    return alt.Color("name:N", sort=None, legend=shown)


def _diagonal(top: float) -> Any:
    one = alt.Chart(_empty()).transform_aggregate(rows="count()")
    ends = {"x": alt.X(datum=0), "y": alt.Y(datum=0), "x2": alt.X2(datum=top), "y2": alt.Y2(datum=top)}
    return one.mark_rule(color="currentColor", opacity=0.4, strokeDash=[4, 4], aria=False).encode(**ends)


@lru_cache(maxsize=64)
def diagram(several: bool, top: float, size: int = 400, chances: bool = True) -> dict[str, Any]:
    """A reliability diagram: dot a bin (area by rows), whisker its interval, diagonal where score and share agree.

    Bins of few rows are hollow. chances False: the scores are no probabilities, so there is no diagonal. small
    diagrams (below 300) leave titles and legend out. Frame: name, score, value, low, high, n, marked, from, to, model,
    where, aria.
    """
    small = size < 300
    scale = alt.Scale(domain=[0, top], nice=False) if chances else alt.Scale(zero=False)
    y_scale = alt.Scale(domain=[0, top if chances else 1], nice=False)
    ticks = 3 if small else 6
    x_axis = _axis(format="~g", tickCount=ticks, title=None if small else "mean score of the bin", labelFlush=False)
    y_axis = _axis(format=".0%", tickCount=ticks, title=None if small else "observed share of positives")
    base = alt.Chart(_empty()).encode(x=alt.X("score:Q", scale=scale, axis=x_axis))
    y = alt.Y("value:Q", scale=y_scale, axis=y_axis)
    hue = {"color": _hue(several, legend=not small)}
    edge = {"stroke": alt.Stroke("name:N", sort=None, legend=None) if several else alt.value(BLUE)}
    line = base.mark_line(strokeWidth=1.5, opacity=0.45, aria=False, clip=True).encode(y=y, **hue)
    low = alt.Y("low:Q", scale=y_scale, axis=y_axis)
    whisker = base.mark_rule(strokeWidth=2, opacity=0.75, aria=False, clip=True).encode(y=low, y2="high:Q", **hue)
    dots = base.mark_point(filled=True, opacity=1, strokeWidth=1.6, clip=True).encode(
        y=y,
        **hue,
        **edge,
        size=alt.Size("n:Q", scale=alt.Scale(range=[30, 130 if small else 320]), legend=None),
        fillOpacity=alt.condition("datum.marked", alt.value(0), alt.value(0.9)),
        description=alt.Description("aria:N"),
        tooltip=[
            alt.Tooltip("name:N", title=" "),
            alt.Tooltip("from:Q", title="bin from", format=".3~f"),
            alt.Tooltip("to:Q", title="bin to", format=".3~f"),
            alt.Tooltip("score:Q", title="mean score", format=".3f"),
            alt.Tooltip("text:N", title="observed"),
            alt.Tooltip("n:Q", title="rows", format=","),
        ],
    )
    layers = [*([_diagonal(top)] if chances else []), line, whisker, dots.add_params(mark_chosen())]
    return _done(alt.layer(*layers).properties(width=size, height=size))


@lru_cache(maxsize=64)
def counts(several: bool, top: float, width: int = 400, chances: bool = True) -> dict[str, Any]:
    """Rows by bin, under a diagram of the same width. Frame: name, from, to, n, aria."""
    scale = alt.Scale(domain=[0, top], nice=False) if chances else alt.Scale(zero=False)
    colour = _hue(several, legend=False)
    chart = (
        alt.Chart(_empty())
        .mark_rect(opacity=0.4, clip=True, strokeWidth=1)
        .encode(
            x=alt.X("from:Q", scale=scale, axis=_axis(labels=False, grid=False, title=None)),
            x2="to:Q",
            y2=alt.Y2(datum=0),
            y=alt.Y("n:Q", stack=None, scale=alt.Scale(zero=True), axis=_axis(tickCount=2, format="~s", title="rows")),
            color=colour,
            stroke=alt.Stroke("name:N", sort=None, legend=None) if several else alt.value(BLUE),
            description=alt.Description("aria:N"),
            tooltip=[
                alt.Tooltip("name:N", title=" "),
                alt.Tooltip("from:Q", title="bin from", format=".3~f"),
                alt.Tooltip("to:Q", title="bin to", format=".3~f"),
                alt.Tooltip("n:Q", title="rows", format=","),
            ],
        )
        .properties(width=width, height=70)
    )
    return _done(chart)
