"""Changes: how an estimate differs from the one before, as columns of a frame, and which of them earn a verdict."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
import polars as pl

from analysis.core.estimate import Estimates
from analysis.core.settings import number, whole
from analysis.metrics import contrasts, unpaired
from analysis.metrics.definition import Metric, defined

CHANGE: dict[str, Any] = {
    "change": pl.Float64,
    "change_low": pl.Float64,
    "change_high": pl.Float64,
    "change_n": pl.Int64,
    "change_detectable": pl.Float64,
    "p": pl.Float64,
    "judged": pl.Float64,
}


def at(estimates: Estimates, place: int) -> Estimates:
    """One group's estimate, as a column of length one."""
    pick = slice(place, place + 1)
    return Estimates(
        estimates.value[pick],
        estimates.low[pick],
        estimates.high[pick],
        estimates.n[pick],
        estimates.method,
        estimates.reason[pick],
        estimates.baseline[pick],
        estimates.bound[pick],
    )


def columns(
    metric: Metric,
    now: Estimates | None,
    then: Estimates | None,
    *,
    settled: bool = True,
    level: float = 0.95,
    together: np.ndarray | None = None,
) -> pl.DataFrame:
    """One row: change, its ends, its n (the smaller side), the smallest change that would have been found four times in
    five (see `contrasts.detectable`), p, and judged, the difference a verdict goes by.

    Where zero is best, judged is of the distances from zero. settled: whether both sides have their labels; without,
    there is no p and so no verdict. together: the correlation of both, where they share units. Empty where there is
    nothing to compare.
    """
    values: list[float | None] = [None] * len(CHANGE)
    if now is not None and then is not None:
        d = contrasts.difference(now, then, level=level, together=together)
        judged = unpaired.distances(now, then, together, level) if metric.better == "zero" else d
        p = float(contrasts.p_values(judged, level)[0]) if settled else np.nan
        ends = [_none(each[0]) for each in (d.value, d.low, d.high)]
        least = contrasts.detectable(d, level=level)[0]
        values = [*ends, int(d.n[0]), _none(least), _none(p), _none(judged.value[0])]
    return pl.DataFrame({name: [value] for name, value in zip(CHANGE, values, strict=True)}, schema=CHANGE)


def _none(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def judged(frame: pl.DataFrame, own: Mapping[str, Metric] = MappingProxyType({})) -> tuple[pl.DataFrame, int]:
    """The frame with p_adjusted and verdict, and over how many looks was corrected. own: metrics analysts defined."""
    p = frame["p"].to_numpy().astype(float)
    adjusted = contrasts.benjamini_hochberg(p)
    said = [_verdict(row, each, own) for row, each in zip(frame.iter_rows(named=True), adjusted, strict=True)]
    verdicts = pl.DataFrame(
        {"p_adjusted": adjusted, "verdict": said}, schema={"p_adjusted": pl.Float64, "verdict": pl.String}
    )
    made = frame.drop("judged").hstack(verdicts.with_columns(pl.col("p_adjusted").fill_nan(None)))
    return made, int(np.sum(~np.isnan(p)))


def _verdict(row: dict[str, Any], adjusted: float, own: Mapping[str, Metric]) -> str | None:
    if row["change"] is None:
        return None
    if row["change_n"] < whole("small_group") or np.isnan(adjusted):
        return contrasts.FEW
    better = defined(row["metric"], own).better
    if adjusted > number("q"):
        return contrasts.UNCLEAR
    if better is None:
        return "changed"
    return contrasts.BETTER if (row["judged"] > 0) == (better == "higher") else contrasts.WORSE
