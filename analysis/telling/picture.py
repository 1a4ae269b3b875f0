"""Pictures: a chart as an SVG or PNG file that stands alone, with its title and a caption of where it is from."""

import json
from dataclasses import dataclass
from typing import Any

import polars as pl

from analysis.core.receipt import records

WIDTH, INK, PAPER = 760, "#1f2328", "#ffffff"


@dataclass(frozen=True)
class Drawn:
    """A chart as it was drawn: its rows, its spec, what it shows."""

    rows: pl.DataFrame
    spec: dict[str, Any]
    title: str


def svg(chart: Drawn, caption: str) -> bytes:
    """The chart as SVG in black on white; its title and the caption above it."""
    import vl_convert

    drawn = json.loads(json.dumps(chart.spec).replace("currentColor", INK))
    drawn |= {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "data": {"name": "rows", "values": records(_moments(chart.rows))},
        "background": PAPER,
        "padding": 14,
        "autosize": {"type": "fit-x", "contains": "padding"},
        "title": {"text": chart.title, "subtitle": caption, "anchor": "start", "fontSize": 14, "subtitlePadding": 6},
    }
    drawn.setdefault("width", WIDTH)
    return str(vl_convert.vegalite_to_svg(json.dumps(drawn))).encode()


def png(chart: Drawn, caption: str) -> bytes:
    """The same as PNG, twice as fine as a screen."""
    import vl_convert

    return bytes(vl_convert.svg_to_png(svg(chart, caption).decode(), scale=2))


def _moments(rows: pl.DataFrame) -> pl.DataFrame:
    """Moments as ISO text, which Vega reads as such."""
    times = [name for name, kind in rows.schema.items() if kind == pl.Datetime]
    return rows.with_columns(pl.col(name).dt.strftime("%Y-%m-%dT%H:%M:%SZ") for name in times)
