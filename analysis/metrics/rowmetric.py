"""Estimates of an analyst's own row expression: its mean, its share, its sum, or how many rows meet it.

avg of numbers: mean with Student's t (linearised where there are weights); avg of a condition: the share of the rows
that meet it, Wilson; sum: the total over as many rows, linearised; count: as the share, times the rows. Where rows
belong to units, variances are between units.
"""

from dataclasses import dataclass

import numpy as np

from analysis.core.cube import Cube, OwnSums
from analysis.core.errors import BadRequest
from analysis.core.estimate import Estimates
from analysis.metrics.clusters import BY_UNIT, share_size
from analysis.metrics.intervals import divide, effective_n, mean_variance, plain, reasons, wilson

NOBODY = "no row has a value of the expression"
TOO_LARGE = "its values are too large to be added up"


@dataclass(frozen=True)
class RowEstimator:
    """The estimator of one expression. aggregate: avg, share, sum or count."""

    text: str
    aggregate: str

    def __call__(self, cube: Cube, level: float) -> Estimates:
        if self.text not in cube.own:
            raise BadRequest(f"The cube was asked for without the expression '{self.text[:80]}'.")
        sums = cube.own[self.text]
        with np.errstate(over="ignore", invalid="ignore"):
            value, low, high, method = getattr(self, self.aggregate)(sums, level)
        value = np.where((sums.n > 0) & np.isfinite(value), value, np.nan)
        low, high = (np.where(np.isnan(value) | ~np.isfinite(end), np.nan, end) for end in (low, high))
        why = reasons(
            len(value),
            (sums.n == 0, NOBODY),
            (np.isnan(value) & (np.nan_to_num(sums.w) <= 0), "the weights add up to 0"),
            (np.isnan(value), TOO_LARGE),
        )
        return Estimates(value, low, high, sums.n, method, why)

    def avg(self, sums: OwnSums, level: float) -> tuple[np.ndarray, np.ndarray, np.ndarray, str]:
        mean = divide(sums.s["x"], sums.w)
        low, high = plain(mean, variance(sums, mean), level, freedom(sums))
        return mean, low, high, "mean with Student's t" + _how(sums, ", linearised for the weights")

    def share(self, sums: OwnSums, level: float) -> tuple[np.ndarray, np.ndarray, np.ndarray, str]:
        share, size = divide(sums.s["x"], sums.w), effective_n(sums.w, sums.w2)
        if sums.by_unit is not None:
            size = share_size(share, variance(sums, share), sums.by_unit[:, 0], size, level)
        low, high = wilson(share * size, size, level)
        return share, low, high, "Wilson" + _how(sums, " on the effective n")

    def count(self, sums: OwnSums, level: float) -> tuple[np.ndarray, np.ndarray, np.ndarray, str]:
        _, low, high, method = self.share(sums, level)
        return sums.s["x"], low * sums.w, high * sums.w, f"{method}, times the rows"

    def sum(self, sums: OwnSums, level: float) -> tuple[np.ndarray, np.ndarray, np.ndarray, str]:
        """The total of as many rows (or units) as there are: their number is taken as given, their values are not."""
        total = np.asarray(sums.s["x"], dtype=float)
        if sums.by_unit is None:
            n, squares = np.asarray(sums.n, dtype=float), (sums.q if sums.weighted else sums.s)["x2"]
        else:
            n, squares = sums.by_unit[:, 0], sums.by_unit[:, 1]
        spread = np.maximum(squares - divide(total * total, n), 0.0) * divide(n, n - 1)
        low, high = plain(total, spread, level, freedom(sums))
        what = "rows" if sums.by_unit is None else "units"
        return total, low, high, f"total of as many {what}, linearised, Student's t"


def _how(sums: OwnSums, weighted: str) -> str:
    return f", {BY_UNIT}" if sums.by_unit is not None else weighted if sums.weighted else ""


def freedom(sums: OwnSums) -> np.ndarray:
    """(G,) rows, or units where rows belong to them, less one."""
    return (sums.n if sums.by_unit is None else sums.by_unit[:, 0]) - 1


def variance(sums: OwnSums, mean: np.ndarray) -> np.ndarray:
    """(G,) of a (weighted) mean: linearised, by unit where rows belong to units."""
    if sums.by_unit is not None:
        units, square, cross, ground = sums.by_unit.T
        return mean_variance(units, sums.w, square, cross, ground, mean)
    q = sums.q if sums.weighted else sums.s
    return mean_variance(sums.n, sums.w, q["x2"], q["x"], sums.w2 if sums.weighted else sums.n, mean)


def no_skill(cube: Cube) -> np.ndarray:
    """An expression has no no-skill value: nan."""
    return np.full(len(cube), np.nan)
