"""Residuals: the mean error of bins, from their sums."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from analysis.core.estimate import Estimates
from analysis.core.settings import whole
from analysis.metrics.clusters import DEALT, correction
from analysis.metrics.contrasts import benjamini_hochberg, p_values
from analysis.metrics.intervals import divide, effective_n, mean_variance, plain


@dataclass(frozen=True)
class Parts:
    """Sums of a quantity in bins by random group of units. w, s: (B, R) sums of w and of w v, bins ascending."""

    w: np.ndarray
    s: np.ndarray

    @staticmethod
    def of(sums: pl.DataFrame, replicates: int) -> "Parts":
        """From a row a bin `i0` and group `part`; bins without rows are left out."""
        _, place = np.unique(sums["i0"].to_numpy(), return_inverse=True)
        shape = (int(place.max(initial=-1)) + 1, replicates)
        made = []
        for name in ("w", "s"):
            array = np.zeros(shape)
            array[place, sums["part"].to_numpy()] = sums[name].to_numpy()
            made.append(array)
        return Parts(*made)

    @property
    def units(self) -> np.ndarray:
        """(B,) groups that have rows in each bin."""
        return np.asarray((self.w != 0).sum(axis=1))


SUMS = ("n", "w", "w2", "s", "q", "q2")


def bias(sums: pl.DataFrame, level: float, parts: Parts | None = None) -> Estimates:
    """The mean of the summed quantity in each bin, with Student's interval. sums: n, w, w2, s, q, q2, a row a bin.

    parts: the same by random group of units, where rows belong to units, in the same order.
    """
    n, w, w2, s, q, q2 = (sums[name].to_numpy().astype(float) for name in SUMS)
    value = divide(s, w)
    variance = mean_variance(n, w, q2, q, w2, value)
    freedom = effective_n(w, w2) - 1
    method = "mean, Student's t" + (", linearised for the weights" if bool((n != w).any()) else "")
    if parts is not None:
        moved = parts.s - value[:, None] * parts.w
        variance = divide((moved**2).sum(axis=1), w * w) * correction(parts.units)
        freedom, method = parts.units - 1.0, f"mean, Student's t, {DEALT}"
    low, high = plain(value, variance, level, freedom)
    return Estimates(value, low, high, sums["n"].to_numpy(), method)


def columns(estimates: Estimates, level: float) -> pl.DataFrame:
    """n, bias, low, high, method, small, p, p_adjusted: corrected over the bins that are large enough to be judged."""
    small = estimates.n < whole("small_group")
    p = p_values(estimates, level)
    p[small] = float("nan")
    return pl.DataFrame(
        {
            "n": estimates.n,
            "bias": estimates.value,
            "low": estimates.low,
            "high": estimates.high,
            "method": [estimates.method] * len(estimates),
            "small": small,
            "p": p,
            "p_adjusted": benjamini_hochberg(p),
        }
    ).with_columns(pl.col("bias", "low", "high", "p", "p_adjusted").fill_nan(None))
