"""Pictures: a chart as an SVG or PNG file that stands alone, with its title and a caption of where it is from."""

import json
from dataclasses import dataclass
from typing import Any

import polars as pl

from analysis.core.receipt import records

WIDTH, INK, PAPER = 760, "#1f2328", "#ffffff"


@dataclass(frozen=True)
class Drawn:
    """A chart as it was drawn: its rows, its spec, what it shows, and what lies over it on the same axes."""

    rows: pl.DataFrame
    spec: dict[str, Any]
    title: str
    over: "Drawn | None" = None


def svg(chart: Drawn, caption: str) -> bytes:
    """The chart as SVG in black on white; its title and the caption above it."""
    import vl_convert

    drawn = _laid(chart)
    drawn |= {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "background": PAPER,
        "padding": 14,
        "autosize": {"type": "fit-x", "contains": "padding"},
        "title": {"text": chart.title, "subtitle": caption, "anchor": "start", "fontSize": 14, "subtitlePadding": 6},
    }
    drawn.setdefault("width", WIDTH)
    return str(vl_convert.vegalite_to_svg(json.dumps(drawn))).encode()


def _laid(chart: Drawn) -> dict[str, Any]:
    """The spec with its rows; of what lies over it only the marks."""
    drawn: dict[str, Any] = json.loads(json.dumps(chart.spec).replace("currentColor", INK))
    drawn["data"] = {"name": "rows", "values": records(_moments(chart.rows))}
    if chart.over is None:
        return drawn
    over = _bare(json.loads(json.dumps(chart.over.spec)))
    over["data"] = {"name": "over", "values": records(chart.over.rows)}
    kept = {name: drawn.pop(name) for name in ("config", "height", "width") if name in drawn}
    apart = {"axis": {"x": "independent", "y": "independent"}, "legend": {"color": "independent"}}
    return kept | {"layer": [_inner(drawn), _inner(over)], "resolve": apart}


def _inner(spec: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in spec.items() if name in ("data", "layer", "mark", "encoding", "transform")}


def _bare(part: Any) -> Any:
    """A spec without axes and legends."""
    if isinstance(part, list):
        return [_bare(each) for each in part]
    if isinstance(part, dict):
        return {name: None if name in ("axis", "legend") else _bare(value) for name, value in part.items()}
    return part


def png(chart: Drawn, caption: str) -> bytes:
    """The same as PNG, twice as fine as a screen."""
    import vl_convert

    return bytes(vl_convert.svg_to_png(svg(chart, caption).decode(), scale=2))


def _moments(rows: pl.DataFrame) -> pl.DataFrame:
    """Moments as ISO text, which Vega reads as such."""
    times = [name for name, kind in rows.schema.items() if kind == pl.Datetime]
    return rows.with_columns(pl.col(name).dt.strftime("%Y-%m-%dT%H:%M:%SZ") for name in times)
