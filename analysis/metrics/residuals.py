"""Residuals: the mean error of bins, from their sums."""

import polars as pl

from analysis.core.estimate import Estimates
from analysis.core.settings import whole
from analysis.metrics.contrasts import benjamini_hochberg, p_values
from analysis.metrics.intervals import divide, effective_n, mean_variance, plain

SUMS = ("n", "w", "w2", "s", "q", "q2")


def bias(sums: pl.DataFrame, level: float) -> Estimates:
    """The mean of the summed quantity in each bin, with Student's interval. sums: n, w, w2, s, q, q2, a row a bin."""
    n, w, w2, s, q, q2 = (sums[name].to_numpy().astype(float) for name in SUMS)
    value = divide(s, w)
    variance = mean_variance(n, w, q2, q, w2, value)
    low, high = plain(value, variance, level, effective_n(w, w2) - 1)
    weighted = bool((n != w).any())
    method = "mean, Student's t" + (", linearised for the weights" if weighted else "")
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
