"""Contrasts: how two estimates of the same metric differ, and which of many differences earn a verdict."""

from dataclasses import dataclass

import numpy as np

from analysis.core.errors import BadRequest
from analysis.core.estimate import Estimates
from analysis.metrics.intervals import Ends, divide, mover_difference, reasons, wilson, z_value

BETTER, WORSE, UNCLEAR, FEW = "better", "worse", "no clear change", "not enough data"
DIFFERENT = "different"
"""Said of a metric without a better side."""
EXACT_BELOW = 25
"""Discordant pairs below which McNemar's test is the exact binomial one."""
POWER = 0.8


@dataclass(frozen=True)
class Contrast:
    """How a metric differs between two sides, (G,) each (G * C for a metric by class).

    first, second: the estimates. difference: first - second. p: two-sided, that there is none. judged: the difference a
    verdict goes by; where zero is best that of the distances from zero, else `difference` itself.
    """

    first: Estimates
    second: Estimates
    difference: Estimates
    judged: Estimates
    p: np.ndarray


def difference(a: Estimates, b: Estimates, *, level: float = 0.95, together: np.ndarray | None = None) -> Estimates:
    """a - b of independent groups, from intervals at the same level (MOVER; Zou and Donner 2008).

    Where both intervals are Wilson's this is Newcombe's hybrid (1998, method 10). a and b have the same length, or one
    of them has length 1. n is the smaller of the two; bound is the sum of both. together: their correlation, where the
    same units are in both.
    """
    z_value(level)
    size = max(len(a), len(b))
    if len(a) != len(b) and 1 not in (len(a), len(b)):
        raise BadRequest(f"A difference needs groups in pairs, but there are {len(a)} and {len(b)}.")
    value = a.value - b.value
    low, high = mover_difference(a.value, (a.low, a.high), b.value, (b.low, b.high), together)
    why = reasons(size)
    for text, side in (("the second", b), ("the first", a)):
        for group, reason in enumerate(np.broadcast_to(side.reason, size)):
            if reason is not None:
                why[group] = f"{text} is undefined: {reason}"
    method = f"MOVER of: {a.method}" if a.method == b.method else f"MOVER of: {a.method} | {b.method}"
    if a.method == b.method == "Wilson":
        method = "Newcombe's hybrid"
    if together is not None:
        method = method.replace("MOVER", "MOVER, with the correlation over shared units,", 1)
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


def detectable(difference: Estimates, *, level: float = 0.95) -> np.ndarray:
    """(G,) the smallest true difference a test at 95 % would find with power 0.8: (z(0.975) + z(0.8)) standard errors.

    The standard error is half the interval's width over its quantile (Cohen 1988). nan where there is no interval.
    Of a single estimate: the smallest distance from a value fixed beforehand, such as a target. It is of one look by
    itself: where verdicts are corrected for many, the smallest that earns one is larger. By simulation the power of
    two shares is 78 to 83 % from 200 rows on, that of one 80 % on both sides together: at a share of 5 % a fixed value
    below it is found nine times in ten, one above it seven.
    """
    error = (difference.high - difference.low) / (2 * z_value(level))
    return (z_value(0.95) + z_value(2 * POWER - 1)) * error


def newcombe_paired(both: np.ndarray, first: np.ndarray, second: np.ndarray, neither: np.ndarray, level: float) -> Ends:
    """Interval of (first - second) / n for two proportions of the same rows (Newcombe 1998, method 10 for pairs).

    both, first, second, neither: rows where both, only the first, only the second, neither succeeded; real numbers (on
    an effective n) under weights. nan without rows.

    >>> low, high = newcombe_paired(*(np.array([each]) for each in (1, 1, 7, 12)), 0.95)
    >>> round(float(low[0]), 3), round(float(high[0]), 3)
    (-0.507, -0.026)
    """
    both, first, second, neither = (np.asarray(each, dtype=float) for each in (both, first, second, neither))
    n = both + first + second + neither
    one, two = divide(both + first, n), divide(both + second, n)
    one_ends, two_ends = wilson(both + first, n, level), wilson(both + second, n, level)
    cross = both * neither - first * second
    cross = np.where(cross > 0, np.maximum(cross - n / 2, 0.0), cross)
    margins = (both + first) * (second + neither) * (both + second) * (first + neither)
    phi = np.nan_to_num(divide(cross, np.sqrt(margins)))

    def reach(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return np.sqrt(np.maximum(a * a - 2 * phi * a * b + b * b, 0.0))

    low = one - two - reach(one - one_ends[0], two_ends[1] - two)
    high = one - two + reach(one_ends[1] - one, two - two_ends[0])
    return low, high


def mcnemar(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """(G,) two-sided p that two versions succeed equally often on the same rows, from the discordant pairs alone.

    first, second: whole numbers of rows where only that one succeeded. Exact below 25 of both together, above the
    chi-square without correction; 1 where there are none. Weights are refused: weighted rows are no trials.

    >>> mcnemar(np.array([2, 0, 40]), np.array([9, 0, 20])).round(4).tolist()
    [0.0654, 1.0, 0.0098]
    """
    from scipy.special import bdtr, chdtrc

    first, second = np.asarray(first), np.asarray(second)
    if not (np.array_equal(first, np.rint(first)) and np.array_equal(second, np.rint(second))):
        raise BadRequest("McNemar's test counts rows, so it takes no weights; use the interval of the difference.")
    first, second = (np.rint(each).astype(np.int64) for each in (first, second))
    n, least = first + second, np.minimum(first, second)
    exact = np.minimum(2 * bdtr(least.astype(float), np.maximum(n, 1), 0.5), 1.0)
    rough = chdtrc(1, np.nan_to_num(divide((first - second) ** 2, n)))
    return np.where(n < EXACT_BELOW, np.where(n == 0, 1.0, exact), rough)


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
