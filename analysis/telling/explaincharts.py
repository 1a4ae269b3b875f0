"""Charts of explanations: signed bars around 0 with their intervals, hollow where a sign is not settled."""

from functools import lru_cache
from typing import Any

import altair as alt

from analysis.telling.spec import ACCENT, BLUE, axis, done, empty

SHAP = "#A9438C"


@lru_cache(maxsize=64)
def bars(
    count: int, title: str, less: str, more: str, faint: bool, beside: bool, chosen: bool = False
) -> dict[str, Any]:
    """Frame: see explainrows.bars. less, more: the words at the ends. faint: the fit is too low to trust. beside: marks
    of occlusion and SHAP values on the same axis. chosen: a click on a line chooses its column."""
    shade = 0.35 if faint else 1.0
    y = alt.Y(
        "name:N", sort=alt.SortField("place"), title=None, axis=axis(grid=False, labelLimit=270, labelFontSize=13)
    )
    base = alt.Chart(empty()).encode(y=y)
    tooltip = [
        alt.Tooltip("name:N", title="feature"),
        alt.Tooltip("text:N", title=title),
        alt.Tooltip("ends:N", title="95% interval"),
        alt.Tooltip("state:N", title="sign"),
        alt.Tooltip("per:N", title="per"),
    ]
    colour = alt.condition("datum.value >= 0", alt.value(BLUE), alt.value(ACCENT))
    bar = base.mark_bar(height=15, strokeWidth=1.6, opacity=shade).encode(
        x=alt.X("value:Q", title=f"{less}  ·  {more}", axis=axis(format=",.3~g", tickCount=7)),
        x2=alt.X2Datum(0),
        stroke=colour,
        fill=colour,
        fillOpacity=alt.condition("datum.solid", alt.value(0.85), alt.value(0)),
        strokeDash=alt.condition("datum.solid", alt.value([1, 0]), alt.value([3, 2])),
        description=alt.Description("aria:N"),
        tooltip=tooltip,
    )
    zero = alt.Chart(empty()).mark_rule(color="currentColor", opacity=0.5, aria=False).encode(x=alt.XDatum(0))
    whisker = base.mark_rule(color="currentColor", strokeWidth=1.8, aria=False, opacity=shade).encode(
        x="low:Q", x2="high:Q"
    )
    layers = [bar, zero, whisker]
    if chosen:
        target = base.mark_bar(opacity=0.001, color="currentColor", aria=False, cursor="pointer").encode(
            x=alt.value(0), x2=alt.value("width")
        )
        picked = alt.selection_point("mark", fields=["column"], toggle=False, clear=False)
        layers.insert(0, target.add_params(picked))
    if beside:
        tick = base.mark_point(
            shape="diamond", size=52, filled=False, strokeWidth=1.6, aria=False, color="currentColor"
        )
        layers.append(tick.encode(x="occlusion:Q", tooltip=[alt.Tooltip("occlusion:Q", format="+.3f")]))
        cross = base.mark_point(shape="cross", size=44, filled=True, aria=False, color=SHAP)
        layers.append(cross.encode(x="shap:Q", tooltip=[alt.Tooltip("shap:Q", title="SHAP value", format="+.3f")]))
    return done(alt.layer(*layers).properties(height=46 + 27 * count))
