"""Charts of pushes: a feature's dot and whisker on each of two sides, with the difference beside them."""

from functools import lru_cache
from typing import Any

import altair as alt

from analysis.telling.spec import ACCENT, BLUE, FORMATS, axis, done, empty


@lru_cache(maxsize=64)
def two_sides(sides: tuple[str, ...], kind: str, title: str, count: int) -> dict[str, Any]:
    """Frame: see pushrows.points. The first side is orange, the other blue; hollow where no difference is shown."""
    y = alt.Y(
        "feature:N",
        sort=alt.SortField("place"),
        title=None,
        axis=axis(grid=False, labelLimit=190, labelFontSize=13),
        scale=alt.Scale(paddingInner=0.35, paddingOuter=0.2),
    )
    domain = list(sides)
    offset = alt.YOffset("side:N", sort=domain, scale=alt.Scale(domain=domain, paddingOuter=0.4))
    legend = alt.Legend(orient="top", title=None, labelLimit=420, labelFontSize=13, symbolOpacity=1)
    hue = alt.Color(
        "side:N", scale=alt.Scale(domain=domain, range=[ACCENT, BLUE][: len(domain)]), legend=legend, sort=domain
    )
    x: dict[str, Any] = {
        "axis": axis(format=FORMATS[kind], tickCount=5, labelFlush=False),
        "scale": alt.Scale(zero=True, nice=True),
        "title": title,
    }
    base = alt.Chart(empty()).encode(y=y, yOffset=offset)
    zero = (
        alt.Chart(empty())
        .transform_aggregate(rows="count()")
        .mark_rule(color="currentColor", opacity=0.4, aria=False)
        .encode(x=alt.XDatum(0))
    )
    whisker = base.mark_rule(strokeWidth=2.5, aria=False).encode(x=alt.X("low:Q", **x), x2="high:Q", color=hue)
    dot = base.mark_point(filled=True, size=95, opacity=1, strokeWidth=2).encode(
        x=alt.X("value:Q", **x),
        color=hue,
        stroke=hue,
        fillOpacity=alt.condition("datum.earned", alt.value(1), alt.value(0)),
        description=alt.Description("aria:N"),
        tooltip=[
            alt.Tooltip("feature:N"),
            alt.Tooltip("side:N"),
            alt.Tooltip("said:N", title=title),
            alt.Tooltip("interval:N", title="95% interval"),
            alt.Tooltip("verdict:N"),
        ],
    )
    said = (
        alt.Chart(empty())
        .encode(y=y)
        .transform_filter("datum.text != ''")
        .mark_text(color="currentColor", fontSize=12.5, align="left", dx=10, aria=False)
        .encode(
            x=alt.value("width"),
            text="text:N",
            opacity=alt.condition("datum.earned", alt.value(1), alt.value(0.65)),
        )
    )
    return done(alt.layer(zero, whisker, dot, said).properties(height=70 + 21 * max(len(domain), 1) * count))
