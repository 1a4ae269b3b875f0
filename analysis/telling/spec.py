"""Specs: what every chart's Vega-Lite spec is made with: colours for both themes, axes, the mark one chooses."""

from typing import Any

import altair as alt

ACCENT = "#D9730D"
BLUE = "#3B82C4"  # readable on both themes: 4.0 to 1 on white, 4.6 to 1 on the dark ground
FORMATS = {"share": ".1%", "score": ".3f", "ratio": ".3f", "label": ",.4~r"}
INK = {  # of axes and legends: the theme's own grey is too faint to read on white
    "axis": {"labelColor": "currentColor", "titleColor": "currentColor", "labelOpacity": 0.8, "titleOpacity": 0.8},
    "legend": {"labelColor": "currentColor", "titleColor": "currentColor", "labelOpacity": 0.8, "titleOpacity": 0.8},
}
AXIS = {"domain": False, "ticks": False, "labelPadding": 6, "titleFontWeight": "normal"}


def empty() -> Any:
    """Where the rows will be."""
    return alt.Data(name="rows")


def done(chart: Any) -> dict[str, Any]:
    """The chart as a spec without rows."""
    spec = chart.to_dict(validate=True)
    for key in ("datasets", "data", "$schema", "config"):
        spec.pop(key, None)
    for layer in spec.get("layer", []):
        layer.pop("data", None)
    spec["config"] = INK
    spec["padding"] = {"bottom": 0}  # else twenty pixels of nothing
    return spec


def axis(**options: Any) -> alt.Axis:
    """An axis in the house's look."""
    return alt.Axis(**{**AXIS, **options})


def mark_chosen(*more: str) -> alt.Parameter:
    """A click on a mark chooses it, by its segment and model version, and by more where several share these."""
    return alt.selection_point("mark", fields=["where", "model", *more], toggle=False, clear=False)
