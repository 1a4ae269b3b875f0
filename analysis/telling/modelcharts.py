"""Charts of models: what was recorded against what the model answers."""

from functools import lru_cache
from typing import Any

import altair as alt

from analysis.telling.spec import ACCENT, BLUE, axis, done, empty


@lru_cache(maxsize=8)
def agreement(title: str) -> dict[str, Any]:
    """Recorded against answered: blue on the diagonal where they agree, hollow and orange off it. Frame: recorded,
    answered, agrees, aria."""
    base = alt.Chart(empty())
    span = alt.Scale(zero=False, nice=True)
    marks = base.mark_point(strokeWidth=1.4, size=26, clip=True).encode(
        x=alt.X("recorded:Q", scale=span, axis=axis(format="~g", tickCount=6, title=f"recorded {title}")),
        y=alt.Y("answered:Q", scale=span, axis=axis(format="~g", tickCount=6, title=f"{title} the model gives")),
        color=alt.condition("datum.agrees", alt.value(BLUE), alt.value(ACCENT)),
        fill=alt.condition("datum.agrees", alt.value(BLUE), alt.value("transparent")),
        opacity=alt.condition("datum.agrees", alt.value(0.5), alt.value(0.9)),
        description=alt.Description("aria:N"),
        tooltip=[
            alt.Tooltip("recorded:Q", format=".6~g"),
            alt.Tooltip("answered:Q", title="the model", format=".6~g"),
            alt.Tooltip("agrees:N"),
        ],
    )
    return done(marks.properties(width="container", height=330))
