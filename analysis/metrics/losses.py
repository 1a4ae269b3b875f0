"""Where a total comes from: the share of all loss that the rows of each bin of the loss carry."""

import numpy as np
import polars as pl

from analysis.core.estimate import Estimates
from analysis.metrics.clusters import DEALT, correction
from analysis.metrics.intervals import divide, effective_n, t_value, z_value
from analysis.metrics.residuals import Parts


def concentration(sums: pl.DataFrame, edges: np.ndarray, *, level: float, parts: Parts | None = None) -> Estimates:
    """The share of the total loss in each bin, bins ascending in the loss: 0 to 1, they sum to 1.

    sums: a row a bin: n, w, w2 (rows, sums of weights and squared weights), s, q, q2 (sums of w l, w^2 l, w^2 l^2).
    edges: (B - 1,) the quantiles that part the bins, bin b being [edges[b - 1], edges[b]).
    The interval is that of a Lorenz share: normal, with the influence function that lets the quantiles vary too
    (Beach and Davidson 1983). Undefined where all losses are 0. By simulation a 95 % interval of the worst tenth
    covers 91 to 96 % from 200 rows on and 80 to 90 % at 50, where five rows make the tenth. parts: the same sums by
    random group of units, where rows belong to units.
    """
    n = sums["n"].to_numpy()
    w, w2, s, q, q2 = (sums[name].to_numpy().astype(float) for name in ("w", "w2", "s", "q", "q2"))
    weight, total = w.sum(), s.sum()
    share = divide(s, np.full(len(s), total))
    if total <= 0 or weight <= 0:
        nothing = np.full(len(s), np.nan)
        why = np.full(len(s), "all losses are 0" if n.sum() else "no row has a loss", dtype=object)
        return Estimates(nothing, nothing, nothing, n, "", why)
    mean = total / weight
    thresholds = np.concatenate([[0.0], edges])
    above = np.cumsum(w[::-1])[::-1] / weight
    tail = np.cumsum(s[::-1])[::-1] / weight
    bins = np.arange(len(s))
    inside = bins[None, :] >= bins[:, None]
    # influence of a row of bin b on the sum of losses from threshold k on: slope * loss + base
    slope = inside.astype(float)
    base = np.where(inside, -thresholds[:, None], 0.0) + (thresholds * above - tail)[:, None]
    ending = np.zeros((1, len(s)))
    slope, base = slope - np.vstack([slope[1:], ending]), base - np.vstack([base[1:], ending])
    slope, base = (slope - share[:, None]) / mean, (base + share[:, None] * mean) / mean
    squares = (slope**2) @ q2 + (2 * slope * base * q[None, :]).sum(axis=1) + (base**2) @ w2
    n_effective = float(effective_n(w.sum(keepdims=True), w2.sum(keepdims=True))[0])
    inflate: float | np.ndarray = n_effective / (n_effective - 1) if n_effective > 1 else np.nan
    quantile: float | np.ndarray = z_value(level)
    method = "Lorenz share, normal with estimated quantiles" + (
        ", linearised for the weights" if np.any(w != n) else ""
    )
    if parts is not None:
        squares = ((slope @ parts.s + base @ parts.w) ** 2).sum(axis=1)
        units = np.array((parts.w != 0).any(axis=0).sum())
        inflate, quantile = correction(units), t_value(level, units - 1.0)
        method = f"Lorenz share with estimated quantiles, Student's t, {DEALT}"
    half = quantile * np.sqrt(np.maximum(squares, 0.0) * inflate) / weight
    return Estimates(share, np.clip(share - half, 0, 1), np.clip(share + half, 0, 1), n, method)
