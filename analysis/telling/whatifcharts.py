"""Charts of what-if: where a value lies among all, and how the prediction moved from try to try."""

from functools import lru_cache
from typing import Any

import altair as alt

from analysis.telling.spec import ACCENT, BLUE, FORMATS, axis, done, empty

TICKS = "abs(datum.value) < 1000 ? format(datum.value, '.3~g') : format(datum.value, '~s')"


@lru_cache(maxsize=8)
def lies(number: bool) -> dict[str, Any]:
    """A tiny distribution: bars, the row's value dashed in ink, the changed one solid and orange. Frame: low, high or
    label, share, was, now (the same in every row; null where there is none), here, aria."""
    base = alt.Chart(empty())
    height = alt.Y("share:Q", axis=None)
    if number:
        x = alt.X(
            "low:Q",
            title=None,
            scale=alt.Scale(zero=False, nice=False),
            axis=axis(grid=False, tickCount=3, labelExpr=TICKS),
        )
        bars = base.mark_bar(color=BLUE, opacity=0.45, binSpacing=0.5).encode(
            x=x, x2="high:Q", y=height, y2=alt.datum(0), description=alt.Description("aria:N")
        )
        was = base.mark_rule(color="currentColor", strokeDash=[3, 3], strokeWidth=1.4, aria=False).encode(
            x=alt.X("was:Q", aggregate="min")
        )
        now = base.mark_rule(color=ACCENT, strokeWidth=2.4, aria=False).encode(x=alt.X("now:Q", aggregate="min"))
        return done(alt.layer(bars, was, now).properties(width="container", height=46))
    bars = base.mark_bar(color=BLUE).encode(
        x=alt.X(
            "label:N", title=None, sort=None, axis=axis(grid=False, labelAngle=0, labelLimit=60, labelOverlap=True)
        ),
        y=height,
        color=alt.Color(
            "here:N", legend=None, scale=alt.Scale(domain=["was", "now", ""], range=["#6B7785", ACCENT, BLUE])
        ),
        opacity=alt.condition("datum.here == ''", alt.value(0.45), alt.value(1)),
        description=alt.Description("aria:N"),
    )
    return done(bars.properties(width="container", height=46))


@lru_cache(maxsize=8)
def tries(unit: str, title: str) -> dict[str, Any]:
    """The prediction try by try, the threshold dashed. Frame: try, prediction, threshold (null: none), said, aria."""
    base = alt.Chart(empty())
    x = alt.X("try:O", title=None, axis=axis(grid=False, labelAngle=0))
    y = alt.Y(
        "prediction:Q",
        title=title,
        scale=alt.Scale(zero=False, nice=True),
        axis=axis(format=FORMATS[unit], tickCount=4),
    )
    line = base.mark_line(strokeWidth=2, color=BLUE, aria=False).encode(x=x, y=y)
    dots = base.mark_point(filled=True, size=70, color=BLUE, opacity=1).encode(
        x=x,
        y=y,
        description=alt.Description("aria:N"),
        tooltip=[alt.Tooltip("said:N", title="with"), alt.Tooltip("prediction:Q", format=FORMATS[unit])],
    )
    cut = base.mark_rule(color=ACCENT, strokeDash=[5, 4], aria=False).encode(y=alt.Y("threshold:Q", aggregate="min"))
    return done(alt.layer(cut, line, dots).properties(width="container", height=150))
