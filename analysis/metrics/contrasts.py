"""Contrasts: how two estimates of the same metric differ, and which of many differences earn a verdict."""

import numpy as np

from analysis.core.errors import BadRequest
from analysis.core.estimate import Estimates
from analysis.metrics.intervals import divide, mover_difference, reasons, z_value

BETTER, WORSE, UNCLEAR, FEW = "better", "worse", "no clear change", "not enough data"


def difference(a: Estimates, b: Estimates, *, level: float = 0.95) -> Estimates:
    """a - b of independent groups, from intervals at the same level (MOVER; Zou and Donner 2008).

    Where both intervals are Wilson's this is Newcombe's hybrid (1998, method 10). a and b have the same length, or one
    of them has length 1. n is the smaller of the two; bound is the sum of both.
    """
    z_value(level)
    size = max(len(a), len(b))
    if len(a) != len(b) and 1 not in (len(a), len(b)):
        raise BadRequest(f"A difference needs groups in pairs, but there are {len(a)} and {len(b)}.")
    value = a.value - b.value
    low, high = mover_difference(a.value, (a.low, a.high), b.value, (b.low, b.high))
    why = reasons(size)
    for text, side in (("the second", b), ("the first", a)):
        for group, reason in enumerate(np.broadcast_to(side.reason, size)):
            if reason is not None:
                why[group] = f"{text} is undefined: {reason}"
    method = f"MOVER of: {a.method}" if a.method == b.method else f"MOVER of: {a.method} | {b.method}"
    if a.method == b.method == "Wilson":
        method = "Newcombe's hybrid"
    return Estimates(value, low, high, np.minimum(a.n, b.n), method, why, bound=a.bound + b.bound)


def magnitude(a: Estimates) -> Estimates:
    """The distance from zero, with an interval that reaches 0 where the value's own does; for `better="zero"`."""
    low, high = np.abs(a.low), np.abs(a.high)
    inner = np.where(a.low * a.high <= 0, 0.0, np.minimum(low, high))
    inner = np.where(np.isnan(low), np.nan, inner)
    outer, method = np.maximum(low, high), f"size of: {a.method}"
    return Estimates(np.abs(a.value), inner, outer, a.n, method, a.reason, np.abs(a.baseline), a.bound)


def p_values(difference: Estimates, level: float = 0.95) -> np.ndarray:
    """(G,) two-sided p that the difference is 0, from the end of the interval that faces zero.

    It is below 1 - level exactly where the interval leaves 0 out, so that verdict and picture agree. nan where there
    is no interval; 1 where the difference is 0.
    """
    from scipy.special import ndtr

    value = difference.value
    facing = np.where(value > 0, value - difference.low, difference.high - value)
    strength = divide(np.abs(value) * z_value(level), facing)
    p = 2 * ndtr(-strength)
    p = np.where(value == 0, 1.0, np.where(facing == 0, 0.0, p))
    return np.where(np.isnan(value) | np.isnan(facing), np.nan, p)


def two_proportions(k1: np.ndarray, n1: np.ndarray, k2: np.ndarray, n2: np.ndarray) -> np.ndarray:
    """Two-sided p that two independent proportions are equal: z with the pooled standard error, no correction.

    nan where a group is empty or all trials of both end alike.

    >>> round(float(two_proportions(60, 100, 45, 100)), 4)
    0.0337
    """
    from scipy.special import ndtr

    k1, n1, k2, n2 = (np.asarray(each, dtype=float) for each in (k1, n1, k2, n2))
    pooled = divide(k1 + k2, n1 + n2)
    error = np.sqrt(pooled * (1 - pooled) * (divide(np.ones_like(n1), n1) + divide(np.ones_like(n2), n2)))
    return 2 * ndtr(-np.abs(divide(divide(k1, n1) - divide(k2, n2), error)))


def benjamini_hochberg(p: np.ndarray) -> np.ndarray:
    """p adjusted for the false-discovery rate; nan stays nan and is left out of m (Benjamini and Hochberg 1995).

    >>> benjamini_hochberg(np.array([0.01, 0.04, 0.03])).round(4).tolist()
    [0.03, 0.04, 0.04]
    """
    p = np.asarray(p, dtype=float)
    out, known = np.full(p.shape, np.nan), np.flatnonzero(~np.isnan(p))
    order = known[np.argsort(p[known], kind="stable")]
    raised = p[order] * len(order) / np.arange(1, len(order) + 1)
    out[order] = np.minimum(np.minimum.accumulate(raised[::-1])[::-1], 1.0)
    return out


def holm(p: np.ndarray) -> np.ndarray:
    """p adjusted for the chance of any false claim; nan stays nan and is left out of m (Holm 1979).

    >>> holm(np.array([0.01, 0.04, 0.03])).round(4).tolist()
    [0.03, 0.06, 0.06]
    """
    p = np.asarray(p, dtype=float)
    out, known = np.full(p.shape, np.nan), np.flatnonzero(~np.isnan(p))
    order = known[np.argsort(p[known], kind="stable")]
    out[order] = np.minimum(np.maximum.accumulate(p[order] * np.arange(len(order), 0, -1)), 1.0)
    return out


def verdicts(difference: Estimates, *, better: str | None, adjusted: np.ndarray, q: float, n_min: float) -> np.ndarray:
    """(G,) "better", "worse", "no clear change" or "not enough data", of the first against the second.

    better: "higher" or "lower", the metric's direction; "zero" asks for a difference of `magnitude`. adjusted: p after
    correction for all looks of the result; a verdict is earned at adjusted <= q. n_min: the smallest n of either side.
    """
    if better not in ("higher", "lower", "zero"):
        raise BadRequest("This metric has no better side, so its difference earns no verdict; show the interval.")
    up = difference.value > 0 if better == "higher" else difference.value < 0
    adjusted = np.asarray(adjusted, dtype=float)
    words = np.where(adjusted <= q, np.where(up, BETTER, WORSE), UNCLEAR)
    thin = np.isnan(difference.value) | np.isnan(adjusted) | (difference.n < n_min)
    return np.where(thin, FEW, words).astype(object)
