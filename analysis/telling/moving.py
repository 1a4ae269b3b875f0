"""Moving charts: what stays of a chart, what moves over it, and the plane both lie on."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, log10
from typing import Any

import polars as pl

from analysis.core.receipt import Result
from analysis.telling import curvecharts, curverows
from analysis.telling.curvecharts import Plane

SHARES = (0.0, 1.0)
CURVES = {
    "roc": ("roc", "fpr", "tpr", "false positive rate", "recall", "diagonal"),
    "pr": ("pr", "recall", "precision", "recall", "precision", ""),
    "gain": ("gain", "selected", "gain", "rows selected", "positives found", "diagonal"),
    "lift": ("gain", "selected", "lift", "rows selected", "times as many as by chance", "one"),
}
"""{curve: its frame, its two columns, their titles, what chance is}"""


@dataclass(frozen=True)
class Moving:
    """rows, spec: what stays wherever the rule in force stands. here, over: what moves.

    A row of `here` may have the segment of its mark too; to draw it takes only what `moving` has.
    """

    rows: pl.DataFrame
    spec: dict[str, Any]
    here: pl.DataFrame
    over: dict[str, Any]

    @property
    def moving(self) -> pl.DataFrame:
        """What is sent with every move."""
        return self.here.drop("model", "where", strict=False)

    @property
    def marks(self) -> pl.DataFrame:
        """All marks that can be looked into, where the rule in force stands first."""
        rows = self.rows.select("model", "where", "aria")
        if "where" not in self.here.columns:
            return rows
        return pl.concat([self.here.select("model", "where", "aria").drop_nulls(), rows])


def by_threshold(result: Result, model: str) -> Moving:
    """Metrics over the threshold."""
    rows = curverows.by_threshold(result, model)
    plane = Plane(_span(rows, "x"), _round(rows, "low", "high"), TITLE, None, ".2~f", ".0%", 280)
    here = curverows.by_threshold_here(result, model)
    return Moving(rows, curvecharts.by_threshold(plane), here, curvecharts.by_threshold_here(plane))


TITLE = "threshold: positive from this score on"


def curve(result: Result, model: str, name: str) -> Moving:
    """One of CURVES."""
    frame, x, y, x_title, y_title, chance = CURVES[name]
    rows = curverows.curve(result, model, frame, x, y)
    shares = y != "lift"
    top = SHARES if shares else _round(rows, "y", "high")
    plane = Plane(SHARES, top, x_title, y_title, ".0%", ".0%" if shares else ".1f", 300)
    spec = curvecharts.curve(plane, "share" if shares else "ratio", chance)
    here = curverows.curve_here(result, model, frame, x, y).select("x", "y", "model", "where", "aria")
    return Moving(rows, spec, here, curvecharts.curve_here(plane))


def value(result: Result, model: str) -> Moving:
    """What a decision is worth over the threshold."""
    rows = curverows.value(result, model)
    plane = Plane(_span(rows, "x"), _round(rows, "low", "high"), "threshold", "value a decision", ".2~f", ",.4~r", 260)
    return Moving(rows, curvecharts.value(plane), curverows.value_here(result, model), curvecharts.value_here(plane))


def distribution(result: Result, model: str) -> Moving:
    """Where the scores of each class lie."""
    rows = curverows.distribution(result, model)
    plane = Plane(_span(rows, "start", "end"), _round(rows, "share"), "score", "share of the class", ".2~f", ".0%", 220)
    here = curverows.distribution_here(result, model)
    return Moving(rows, curvecharts.distribution(plane), here, curvecharts.distribution_here(plane))


def _known(rows: pl.DataFrame, columns: Sequence[str]) -> list[float]:
    return [each for name in columns for each in rows[name].drop_nulls().to_list()]


def _span(rows: pl.DataFrame, *columns: str) -> tuple[float, float]:
    """From the least to the most; 0 to 1 where there is nothing."""
    known = _known(rows, columns)
    return (min(known), max(known)) if known and min(known) < max(known) else SHARES


def _round(rows: pl.DataFrame, *columns: str) -> tuple[float, float]:
    """Round ends around 0 and all that is drawn.

    >>> _round(pl.DataFrame({"y": [0.1, 0.87]}), "y")
    (0.0, 1.0)
    """
    known = [0.0, *_known(rows, columns)]
    low, high = min(known), max(known)
    if low == high:
        return SHARES
    step = 10 ** floor(log10((high - low) / 5))
    step = next(step * each for each in (1, 2, 5, 10) if (high - low) / (step * each) <= 5.5)
    return floor(low / step + 1e-9) * step + 0.0, round(ceil(high / step - 1e-9) * step, 12)
