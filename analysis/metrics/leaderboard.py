"""The leaderboard: model versions ranked by paired comparisons, with honest ties.

A version's rank is one more than the number of versions proved better than it, after correction over every pair and
metric; versions of the same rank are tied. Ranks are therefore no claim beyond what the intervals allow.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from analysis.core import words
from analysis.core.settings import number, whole
from analysis.metrics import contrasts
from analysis.metrics.contrasts import Contrast
from analysis.metrics.definition import METRICS, Metric

VERSIONS: dict[str, Any] = {
    "metric": pl.String,
    "model": pl.String,
    "rank": pl.Int64,
    "tied": pl.Boolean,
    "value": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "n": pl.Int64,
    "difference_to_first": pl.Float64,
    "difference_low": pl.Float64,
    "difference_high": pl.Float64,
    "difference_n": pl.Int64,
    "difference_detectable": pl.Float64,
    "p": pl.Float64,
    "p_adjusted": pl.Float64,
    "method": pl.String,
}
MOST = 6
"""Versions compared pair by pair: their pairs grow with the square."""


@dataclass(frozen=True)
class Duel:
    """One metric of two versions on the same rows. settled: enough of the rows have their labels for a verdict."""

    metric: Metric
    first: str
    second: str
    contrast: Contrast
    settled: bool = True
    level: float = 0.95

    @property
    def p(self) -> float:
        """nan where labels or rows are too few for a verdict."""
        enough = min(self.contrast.first.n[0], self.contrast.second.n[0]) >= whole("small_group")
        return float(self.contrast.p[0]) if self.settled and enough else float("nan")

    def better(self, adjusted: float) -> str | None:
        """The version proved better at this adjusted p, None where neither is."""
        judged = self.contrast.judged.value[0]
        if not adjusted <= number("q") or judged == 0:
            return None
        return self.first if (judged > 0) == (self.metric.better == "higher") else self.second


def ranked(measured: pl.DataFrame, duels: list[Duel]) -> tuple[pl.DataFrame, int]:
    """(a row a metric and version, best first, in the columns VERSIONS; over how many looks was corrected).

    measured: a row a metric and version with value, low, high, n. duels: every pair of versions, for each metric with a
    better side. value is on the version's own rows, the difference on those it shares with the first of its metric.
    """
    own = {(row["metric"], row["model"]): row for row in measured.iter_rows(named=True)}
    p = np.array([duel.p for duel in duels], dtype=float)
    adjusted = contrasts.benjamini_hochberg(p)
    made: list[dict[str, Any]] = []
    for name in dict.fromkeys(duel.metric.name for duel in duels):
        mine = [(duel, each) for duel, each in zip(duels, adjusted, strict=True) if duel.metric.name == name]
        made += _standings(METRICS.get(name), own, mine)
    frame = pl.DataFrame(made, schema=VERSIONS, orient="row")
    return frame.with_columns(pl.col(pl.Float64).fill_nan(None)), int(np.sum(~np.isnan(p)))


def _standings(
    metric: Metric, own: dict[tuple[str, str], dict[str, Any]], duels: list[tuple[Duel, float]]
) -> list[dict[str, Any]]:
    names = list(dict.fromkeys(name for duel, _ in duels for name in (duel.first, duel.second)))
    beaten = dict.fromkeys(names, 0)
    for duel, adjusted in duels:
        winner = duel.better(adjusted)
        if winner is not None:
            beaten[duel.second if winner == duel.first else duel.first] += 1

    def worth(name: str) -> float:
        value = own[metric.name, name]["value"]
        if value is None:
            return -np.inf
        return -abs(value) if metric.better == "zero" else -value if metric.better == "lower" else value

    order = sorted(names, key=lambda name: (beaten[name], -worth(name)))
    first = order[0]
    rows = []
    for name in order:
        mine = own[metric.name, name]
        row = {"metric": metric.name, "model": name} | {key: mine[key] for key in ("value", "low", "high", "n")}
        row["rank"] = None if mine["value"] is None else beaten[name] + 1
        row["tied"] = mine["value"] is not None and sum(beaten[each] == beaten[name] for each in names) > 1
        rows.append(row | _to_first(name, first, duels))
    return rows


def _to_first(name: str, first: str, duels: list[tuple[Duel, float]]) -> dict[str, Any]:
    for duel, adjusted in duels:
        if {duel.first, duel.second} == {name, first} and name != first:
            d = duel.contrast.difference
            ends = (float(d.value[0]), float(d.low[0]), float(d.high[0]))
            value, low, high = ends if duel.first == name else (-ends[0], -ends[2], -ends[1])
            return {
                "difference_to_first": value,
                "difference_low": low,
                "difference_high": high,
                "difference_n": int(d.n[0]),
                "difference_detectable": float(contrasts.detectable(d, level=duel.level)[0]),
                "p": duel.p,
                "p_adjusted": float(adjusted),
                "method": d.method,
            }
    return {}


def sentence(frame: pl.DataFrame) -> str:
    """Who is first in what, and where nobody is: "On the rows both answered v2 is first in recall; tied: F1."."""
    wins: dict[str, list[str]] = {}
    ties: list[str] = []
    for name in frame["metric"].unique(maintain_order=True):
        leaders = frame.filter((pl.col("metric") == name) & (pl.col("rank") == 1))["model"].to_list()
        title = METRICS.get(name).title
        if len(leaders) == 1:
            wins.setdefault(leaders[0], []).append(title)
        elif leaders:
            ties.append(title)
    if not wins and not ties:
        return ""
    parts = [f"{model} is first in {words.listed(titles)}" for model, titles in wins.items()]
    if ties:
        parts.append(
            f"{'no version is ahead: tied for first in' if not wins else 'tied for first in'} {words.listed(ties)}"
        )
    both = "both" if frame["model"].n_unique() == 2 else "each two"
    return f"On the rows {both} answered, {'; '.join(parts)}."
