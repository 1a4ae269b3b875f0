"""Charts of errors: the confusion matrix, residuals in bins with their mean, their distribution, where loss comes from.

As in charts.py: specs are built once, rows are sent beside them, states are opacity and hollow marks.
"""

from functools import lru_cache
from typing import Any

import altair as alt

from analysis.telling.spec import ACCENT, BLUE, axis, done, empty, mark_chosen

COUNTED = alt.Tooltip("n:Q", title="rows", format=",")


@lru_cache(maxsize=64)
def matrix(classes: int) -> dict[str, Any]:
    """Actual by predicted: the errors coloured by their share, the diagonal muted, each cell with its text.

    Frame: see errorrows.matrix.
    """
    side = 96 if classes == 2 else 44 if classes <= 10 else 30
    labels: dict[str, Any] = {"labelFontSize": 13 if classes <= 10 else 11, "labelLimit": 120}
    base = alt.Chart(empty()).encode(
        x=alt.X(
            "predicted:N",
            title="predicted",
            sort=alt.SortField("x"),
            axis=axis(orient="top", labelAngle=0 if classes <= 10 else -45, grid=False, **labels),
        ),
        y=alt.Y("actual:N", title="actual", sort=alt.SortField("y"), axis=axis(grid=False, **labels)),
    )
    cell = base.mark_rect(cornerRadius=3, stroke="currentColor", strokeOpacity=0.12).encode(
        fill=alt.condition("datum.diagonal", alt.value("#7A8797"), alt.value(BLUE)),
        fillOpacity=alt.condition(
            "datum.diagonal",
            alt.value(0.13),
            alt.Opacity("strength:Q", legend=None, scale=alt.Scale(domain=[0, 1], range=[0, 0.72])),
        ),
        description=alt.Description("aria:N"),
        tooltip=[
            alt.Tooltip("actual:N", title="actual"),
            alt.Tooltip("predicted:N", title="predicted"),
            COUNTED,
            alt.Tooltip("of_actual:N", title="of the actual"),
            alt.Tooltip("ends:N", title="95% interval"),
            alt.Tooltip("of_predicted:N", title="of the predicted"),
        ],
    )
    text = base.mark_text(color="currentColor", fontSize=15 if classes == 2 else 12, aria=False).encode(text="text:N")
    text = text.encode(opacity=alt.condition("datum.diagonal", alt.value(0.75), alt.value(1)))
    layers = alt.layer(cell.add_params(mark_chosen()), text)
    return done(layers.properties(height=side * classes))


@lru_cache(maxsize=64)
def heat(over_time: bool, across: str, height: int = 330) -> dict[str, Any]:
    """Counts in bins of something by the error, and the mean error of each of its bins with its 95 % whisker.

    Frame: see errorrows.heat; across: the title of the axis below.
    """
    kind = "T" if over_time else "Q"
    scale: dict[str, Any] = {"type": "utc"} if over_time else {"zero": False, "nice": False}
    below = axis(
        grid=False, labelOverlap=True, tickCount=12, **({"format": "%d %b"} if over_time else {"format": ",.4~r"})
    )
    x: dict[str, Any] = {"scale": alt.Scale(**scale), "title": across or None, "axis": below}
    y: dict[str, Any] = {"title": "error (forecast less actual)", "axis": axis(format=",.4~r", tickCount=7)}
    base = alt.Chart(empty())
    cells = (
        base.transform_filter("datum.kind == 'cell'")
        .mark_rect(fill=BLUE, aria=True)
        .encode(
            x=alt.X(f"x_from:{kind}", **x),
            x2="x_to",
            y=alt.Y("y_from:Q", **y),
            y2="y_to",
            fillOpacity=alt.Opacity("n:Q", legend=None, scale=alt.Scale(type="sqrt", range=[0.06, 0.8], zero=True)),
            description=alt.Description("aria:N"),
            tooltip=[alt.Tooltip("aria:N", title="bin")],
        )
        .add_params(mark_chosen())
    )
    zero = base.mark_rule(color="currentColor", opacity=0.55, aria=False).encode(y=alt.YDatum(0))
    means = base.transform_filter("datum.kind == 'mean'").encode(x=alt.X(f"x:{kind}", **x))
    line = means.mark_line(color=ACCENT, strokeWidth=1.6, aria=False).encode(y=alt.Y("value:Q", **y))
    # The whisker of a small bin may be as long as the data: it is cut where the cells end.
    whisker = means.mark_rule(color=ACCENT, strokeWidth=2, aria=False, clip=True).encode(
        y=alt.Y("low:Q", **y),
        y2="high:Q",
        opacity=alt.condition("datum.small", alt.value(0.4), alt.value(1)),
    )
    dot = means.mark_point(filled=True, size=46, stroke=ACCENT, fill=ACCENT, strokeWidth=1.6).encode(
        y=alt.Y("value:Q", **y),
        fillOpacity=alt.condition("datum.small", alt.value(0), alt.value(1)),
        description=alt.Description("aria:N"),
        tooltip=[alt.Tooltip("aria:N", title="bias")],
    )
    return done(alt.layer(cells, zero, line, whisker, dot).properties(height=height))


@lru_cache(maxsize=8)
def distribution(height: int = 200) -> dict[str, Any]:
    """How many rows have which error. Frame: see errorrows.distribution."""
    bars = (
        alt.Chart(empty())
        .mark_rect(fill=BLUE, fillOpacity=0.75, stroke="currentColor", strokeOpacity=0.12)
        .encode(
            x=alt.X("x_from:Q", title="error (forecast less actual)", axis=axis(grid=False, format=",.4~r")),
            x2="x_to",
            y=alt.Y("n:Q", title="rows", axis=axis(format="~s", tickCount=4)),
            y2=alt.Y2Datum(0),
            description=alt.Description("aria:N"),
            tooltip=[alt.Tooltip("bin:N", title="error"), COUNTED, alt.Tooltip("share:Q", format=".1%")],
        )
        .add_params(mark_chosen())
    )
    zero = alt.Chart(empty()).mark_rule(color=ACCENT, strokeDash=[5, 4], aria=False).encode(x=alt.XDatum(0))
    return done(alt.layer(bars, zero).properties(height=height))


@lru_cache(maxsize=32)
def losses(bins: int, title: str) -> dict[str, Any]:
    """What share of all loss each tenth of the rows carries, the worst at the top. Frame: see errorrows.losses."""
    base = alt.Chart(empty()).encode(
        y=alt.Y("name:N", sort=alt.SortField("place"), title=title, axis=axis(grid=False, labelLimit=170))
    )
    scale = alt.Scale(domainMin=0, nice=False)
    bar = base.mark_bar(fill=BLUE, fillOpacity=0.75, height=15).encode(
        x=alt.X("share:Q", title="share of all loss", axis=axis(format=".0%", tickCount=5), scale=scale),
        description=alt.Description("aria:N"),
        tooltip=[alt.Tooltip("name:N", title=title), alt.Tooltip("text:N", title="share of all loss"), COUNTED],
    )
    whisker = base.mark_rule(color="currentColor", strokeWidth=1.6, aria=False).encode(x="low:Q", x2="high:Q")
    text = base.mark_text(color="currentColor", align="left", dx=8, fontSize=12, aria=False)
    said = text.encode(x="high:Q", text="text:N")
    room = base.mark_point(opacity=0, aria=False).encode(x="room:Q")
    return done(alt.layer(bar.add_params(mark_chosen()), room, whisker, said).properties(height=50 + 26 * bins))
