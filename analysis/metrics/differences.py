"""Differences: contrasts as rows of a frame and in words, and which of all of them earn a verdict."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
import polars as pl

from analysis.core import words
from analysis.core.cube import Cube
from analysis.core.cut import Cut
from analysis.core.segment import Everything, Segment
from analysis.core.settings import number, whole
from analysis.metrics import contrasts
from analysis.metrics.contrasts import Contrast
from analysis.metrics.definition import Metric, defined
from analysis.metrics.panel import undefined

COLUMNS: dict[str, Any] = {
    "model": pl.String,
    "metric": pl.String,
    "class": pl.String,
    "value": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "n": pl.Int64,
    "other": pl.String,
    "other_value": pl.Float64,
    "other_n": pl.Int64,
    "difference": pl.Float64,
    "difference_low": pl.Float64,
    "difference_high": pl.Float64,
    "difference_n": pl.Int64,
    "p": pl.Float64,
    "p_adjusted": pl.Float64,
    "verdict": pl.String,
    "detectable": pl.Float64,
    "method": pl.String,
    "reason": pl.String,
    "judged": pl.Float64,
}
"""In the order they are shown; `difference_n` is the smaller side's n, or the shared rows'."""

MISSING = "(missing)"
NONE: Mapping[str, Metric] = MappingProxyType({})
LISTED = 3


def rows(
    metric: Metric,
    contrast: Contrast,
    cube: Cube,
    *,
    model: str,
    other: str,
    groups: pl.DataFrame,
    settled: np.ndarray | None = None,
    level: float = 0.95,
) -> pl.DataFrame:
    """A row a group (and class): the group columns, then COLUMNS, without adjusted p and verdict.

    groups: the group columns of the cube's groups, without columns where there are none. settled: (G,) whether both
    sides have their labels; without, there is no p and so no verdict.
    """
    size, each = len(contrast.difference), max(1, len(contrast.difference) // max(len(cube), 1))
    classes = list(cube.classes) * len(cube) if each > 1 else [None] * size
    d = contrast.difference
    known = np.ones(size, dtype=bool) if settled is None else np.repeat(settled, each)
    side = lambda array: np.broadcast_to(array, size)  # noqa: E731
    reason = [None if text is None else str(text) for text in d.reason]
    body = pl.DataFrame(
        {
            "model": [model] * size,
            "metric": [metric.name] * size,
            "class": classes,
            "value": side(contrast.first.value),
            "low": side(contrast.first.low),
            "high": side(contrast.first.high),
            "n": side(contrast.first.n).astype(np.int64),
            "other": [other] * size,
            "other_value": side(contrast.second.value),
            "other_n": side(contrast.second.n).astype(np.int64),
            "difference": d.value,
            "difference_low": d.low,
            "difference_high": d.high,
            "difference_n": np.asarray(d.n).astype(np.int64),
            "p": np.where(known, contrast.p, np.nan),
            "p_adjusted": np.full(size, np.nan),
            "verdict": [None] * size,
            "detectable": contrasts.detectable(d, level=level),
            "method": [d.method] * size,
            "reason": reason,
            "judged": contrast.judged.value,
        },
        schema=COLUMNS,
    ).with_columns(pl.col(pl.Float64).fill_nan(None))
    if not groups.width:
        return body
    return pl.concat([groups[np.repeat(np.arange(len(cube)), each)], body], how="horizontal")


def judged(frame: pl.DataFrame, *, claims: bool = False, own: Mapping[str, Metric] = NONE) -> tuple[pl.DataFrame, int]:
    """The frame with p adjusted over all of its rows and verdicts, and how many looks that were.

    A row with too few on one side can earn no verdict, whatever its p, so it is no look.

    own: metrics that analysts defined. claims: Holm, against any false claim at all, instead of Benjamini and
    Hochberg's share of false ones.
    """
    enough = pl.min_horizontal("n", "other_n", "difference_n") >= whole("small_group")
    p = frame.select(pl.when(enough).then("p").fill_null(np.nan)).to_series().fill_null(np.nan).to_numpy().astype(float)
    adjusted = contrasts.holm(p) if claims else contrasts.benjamini_hochberg(p)
    said = [_verdict(row, each, own) for row, each in zip(frame.iter_rows(named=True), adjusted, strict=True)]
    made = frame.with_columns(
        pl.Series("p_adjusted", adjusted, dtype=pl.Float64).fill_nan(None), pl.Series("verdict", said, dtype=pl.String)
    )
    return made.drop("judged"), int(np.sum(~np.isnan(p)))


def _verdict(row: dict[str, Any], adjusted: float, own: Mapping[str, Metric]) -> str | None:
    if row["difference"] is None:
        return None
    if min(row["n"], row["other_n"], row["difference_n"]) < whole("small_group") or np.isnan(adjusted):
        return contrasts.FEW
    if adjusted > number("q"):
        return contrasts.UNCLEAR
    better = defined(row["metric"], own).better
    if better is None:
        return contrasts.DIFFERENT
    return contrasts.BETTER if (row["judged"] > 0) == (better == "higher") else contrasts.WORSE


def unknown(groups: int, reason: str) -> Contrast:
    """The contrast of what cannot be compared, with the reason."""
    nothing = undefined(groups, reason)
    return Contrast(nothing, nothing, nothing, nothing, nothing.value)


def names(by: Sequence[str | Cut]) -> dict[str, str]:
    """Frame columns for the group columns: their own names, with `_` where one collides with the frame's."""
    made: list[str] = []
    for each in by:
        name = each if isinstance(each, str) else each.column
        while name in COLUMNS or name in made:
            name += "_"
        made.append(name)
    return {f"k{place}": name for place, name in enumerate(made)}


def sentence(frame: pl.DataFrame, where: Segment, own: Mapping[str, Metric] = NONE) -> str:
    """What holds after correction, the surest three first; else the nearest to it. Every number is in the frame."""
    among = "" if isinstance(where, Everything) else f" among rows where {where.sentence()}"
    defined = frame.filter(pl.col("difference").is_not_null())
    if not len(defined):
        reasons = [each for each in frame["reason"].unique(maintain_order=True).to_list() if each]
        return f"Nothing could be compared{among}: {reasons[0] if reasons else 'no rows'}."
    claims = defined.filter(pl.col("verdict").is_in([contrasts.BETTER, contrasts.WORSE, contrasts.DIFFERENT]))
    if not len(claims):
        judged = defined.filter(pl.col("verdict") == contrasts.UNCLEAR)
        if not len(judged):
            return f"Every group{among} is too small, or has too few labels, to judge; see the table."
        row = judged.sort("p", nulls_last=True).row(0, named=True)
        return f"No difference{among} holds after correction for all looks; the nearest: {_line(frame, row, own)}."
    ranked = claims.sort("p_adjusted", pl.col("difference").abs(), descending=[False, True])
    told = "; ".join(_line(frame, row, own) for row in ranked.head(LISTED).iter_rows(named=True))
    more = " More differences hold; see the table." if len(ranked) > LISTED else ""
    return f"{told[0].upper()}{told[1:]}{among}. All hold after correction for all looks.{more}"


def _line(frame: pl.DataFrame, row: dict[str, Any], own: Mapping[str, Metric]) -> str:
    metric = defined(row["metric"], own)
    groups = [
        str(row[name]) if row[name] is not None else MISSING for name in frame.columns[: frame.columns.index("model")]
    ]
    whose = ", ".join([*groups, row["model"]]) + (f", class {row['class']}" if row.get("class") else "")
    change = words.delta(row["difference"], metric.unit)
    ends = f"{words.delta(row['difference_low'], metric.unit)} to {words.delta(row['difference_high'], metric.unit)}"
    verdict = "" if row["verdict"] == contrasts.UNCLEAR else f", {row['verdict']}"
    return (
        f"{metric.title} of {whose} is {words.number(row['value'], metric.unit)} on {row['n']:,}, {change} ({ends}) "
        f"against {row['other']}{verdict}"
    )
