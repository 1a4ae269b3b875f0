"""Intervals: how far a value measured on these rows may lie from the truth. Arrays in, arrays of the same shape out.

Every function takes the confidence level as `level` (0.95) and returns nan ends where no interval can be given.
"""

from statistics import NormalDist

import numpy as np

from analysis.core.cube import Order
from analysis.core.errors import BadRequest

Ends = tuple[np.ndarray, np.ndarray]
FLAT = 1e-13
"""A variance below this share of its scale is rounding, not spread."""


def z_value(level: float) -> float:
    """The normal quantile that leaves (1 - level) / 2 above it.

    >>> round(z_value(0.95), 4)
    1.96
    """
    if not 0 < level < 1:
        raise BadRequest(f"The confidence level {level} must lie between 0 and 1; 0.95 is usual.")
    return NormalDist().inv_cdf((1 + level) / 2)


def t_value(level: float, df: np.ndarray) -> np.ndarray:
    """Student's quantile for each number of degrees of freedom; nan below one."""
    from scipy.special import stdtrit

    z_value(level)
    df = np.asarray(df, dtype=float)
    return np.where(df > 0, stdtrit(np.where(df > 0, df, 1.0), (1 + level) / 2), np.nan)


def divide(top: np.ndarray, bottom: np.ndarray) -> np.ndarray:
    """top / bottom, nan where bottom is not positive."""
    top, bottom = np.broadcast_arrays(np.asarray(top, dtype=float), np.asarray(bottom, dtype=float))
    return np.divide(top, bottom, out=np.full(top.shape, np.nan), where=bottom > 0)


def effective_n(w: np.ndarray, w2: np.ndarray) -> np.ndarray:
    """Kish's effective number of rows, (sum w)^2 / sum w^2: n without weights, 0 for no rows (Kish 1965)."""
    return np.nan_to_num(divide(np.square(np.asarray(w, dtype=float)), w2))


def reasons(size: int, *cases: tuple[np.ndarray, str]) -> np.ndarray:
    """(size,) objects: the text of the first case whose mask holds, None where none does."""
    found = np.full(size, None, dtype=object)
    for mask, text in reversed(cases):
        found[np.asarray(mask, dtype=bool)] = text
    return found


def wilson(k: np.ndarray, n: np.ndarray, level: float) -> Ends:
    """Wilson's score interval of a proportion, without correction (Wilson 1927).

    k: successes, n: trials, both real numbers (an effective n under weights). Within [0, 1]; never of zero width.

    >>> low, high = wilson(81, 263, 0.95)
    >>> round(float(low), 4), round(float(high), 4)
    (0.2553, 0.3662)
    """
    z = z_value(level)
    n = np.asarray(n, dtype=float)
    p = np.clip(divide(k, n), 0.0, 1.0)
    scale = 1 + divide(np.full(n.shape, z * z), n)
    centre = (p + divide(np.full(n.shape, z * z / 2), n)) / scale
    half = z / scale * np.sqrt(divide(p * (1 - p), n) + divide(np.full(n.shape, z * z / 4), n * n))
    low = np.where(p <= 0, np.where(np.isnan(p), np.nan, 0.0), np.clip(centre - half, 0.0, p))
    high = np.where(p >= 1, 1.0, np.clip(centre + half, p, 1.0))
    return low, np.where(np.isnan(p), np.nan, high)


def clopper_pearson(k: np.ndarray, n: np.ndarray, level: float) -> Ends:
    """The exact interval of a proportion, which holds the truth at least as often as `level` (Clopper, Pearson 1934).

    k, n as for `wilson`; an effective n need not be whole.

    >>> low, high = clopper_pearson(np.array([0.0, 3.0]), np.array([10.0, 10.0]), 0.95)
    >>> low.round(4).tolist(), high.round(4).tolist()
    ([0.0, 0.0667], [0.3085, 0.6525])
    """
    from scipy.special import betaincinv

    z_value(level)
    tail = (1 - level) / 2
    n = np.asarray(n, dtype=float)
    k = np.clip(np.asarray(k, dtype=float), 0, n)
    known, none, every = n > 0, k <= 0, k >= n
    low = betaincinv(np.where(none, 1.0, k), np.where(known, n - k + 1, 1.0), tail)
    high = betaincinv(np.where(known, k + 1, 1.0), np.where(every, 1.0, n - k), 1 - tail)
    low, high = np.where(none, 0.0, low), np.where(every, 1.0, high)
    return np.where(known, low, np.nan), np.where(known, high, np.nan)


def mover_difference(
    a: np.ndarray, a_ends: Ends, b: np.ndarray, b_ends: Ends, together: np.ndarray | None = None
) -> Ends:
    """Ends of a - b from the intervals of a and b (Zou and Donner 2008). together: their correlation; None: none.

    With Wilson's intervals and no correlation this is Newcombe's hybrid (Newcombe 1998, method 10).
    """
    if together is None:
        low = (a - b) - np.hypot(a - a_ends[0], b_ends[1] - b)
        high = (a - b) + np.hypot(a_ends[1] - a, b - b_ends[0])
        return low, high

    def reach(one: np.ndarray, other: np.ndarray) -> np.ndarray:
        return np.sqrt(np.maximum(one * one - 2 * together * one * other + other * other, 0.0))

    return a - b - reach(a - a_ends[0], b_ends[1] - b), a - b + reach(a_ends[1] - a, b - b_ends[0])


def mover_mean(value: np.ndarray, ends: Ends, used: np.ndarray) -> Ends:
    """Ends of the mean over the last axis of independent values, from their own intervals (Zou and Donner 2008).

    value, ends, used: (..., C); where `used` is False the value is left out of the mean.
    """
    count = used.sum(axis=-1)
    mean = divide(np.where(used, value, 0.0).sum(axis=-1), count)
    down = np.sqrt(np.where(used, (value - ends[0]) ** 2, 0.0).sum(axis=-1))
    up = np.sqrt(np.where(used, (ends[1] - value) ** 2, 0.0).sum(axis=-1))
    return mean - divide(down, count), mean + divide(up, count)


def mean_variance(
    n: np.ndarray, w: np.ndarray, square: np.ndarray, cross: np.ndarray, ground: np.ndarray, ratio: np.ndarray
) -> np.ndarray:
    """Linearised variance of ratio = sum(w x) / sum(w v), with the n / (n - 1) correction (Cochran 1977, ch. 6).

    square, cross, ground: sums of w^2 x^2, w^2 x v and w^2 v^2; w: sum of w v. A mean has v = 1, and then this is
    (q[x^2] - 2 m q[x] + m^2 q[1]) / (sum w)^2. nan below two rows.
    """
    spread = square - 2 * ratio * cross + ratio * ratio * ground
    spread = np.where(spread <= FLAT * np.abs(square), 0.0, spread)
    return divide(spread * divide(n, np.asarray(n, dtype=float) - 1), np.square(w))


def plain(value: np.ndarray, variance: np.ndarray, level: float, df: np.ndarray | None = None) -> Ends:
    """value -+ quantile * standard error; Student's quantile where degrees of freedom are given."""
    quantile = z_value(level) if df is None else t_value(level, df)
    half = quantile * np.sqrt(variance)
    return value - half, value + half


def fisher(value: np.ndarray, variance: np.ndarray, level: float, df: np.ndarray | None = None) -> Ends:
    """The interval on the scale atanh(value), for a value strictly within -1 and 1; nan at the ends."""
    inside = np.abs(value) < 1
    safe = np.where(inside, value, 0.0)
    quantile = z_value(level) if df is None else t_value(level, df)
    half = quantile * np.sqrt(variance) / (1 - safe * safe)
    low, high = np.tanh(np.arctanh(safe) - half), np.tanh(np.arctanh(safe) + half)
    return np.where(inside, low, np.nan), np.where(inside, high, np.nan)


def logit(value: np.ndarray, variance: np.ndarray, level: float, df: np.ndarray | None = None) -> Ends:
    """The interval on the scale log(value / (1 - value)), for a value strictly within 0 and 1; nan at the ends."""
    low, high = fisher(2 * value - 1, 4 * variance, level, df)
    return (low + 1) / 2, (high + 1) / 2


def log_scale(value: np.ndarray, variance: np.ndarray, level: float, df: np.ndarray | None = None) -> Ends:
    """The interval on the scale log(value), for a positive value; at 0 both ends are 0."""
    quantile = z_value(level) if df is None else t_value(level, df)
    half = quantile * np.where(value > 0, divide(np.sqrt(variance), value), 0.0)
    with np.errstate(over="ignore"):
        return value * np.exp(-half), value * np.exp(half)


def mann_whitney(auc: np.ndarray, positives: np.ndarray, negatives: np.ndarray, level: float) -> Ends:
    """Score-type interval of an AUC, which has width at 0 and 1 too (Newcombe 2006, part 2, method 5).

    Solves |auc - A| = z * sqrt(V(A)) for A, with Hanley and McNeil's variance and both class sizes less one replaced
    by their mean less one. Within [0, 1]; nan without a row of each class.
    """
    z = z_value(level)
    m, n = np.asarray(positives, dtype=float), np.asarray(negatives, dtype=float)
    known = (m > 0) & (n > 0)
    pairs, middle = np.where(known, m * n, 1.0), np.maximum((m + n) / 2 - 1, 0.0)

    def beyond(a: np.ndarray) -> np.ndarray:
        variance = a * (1 - a) * (1 + middle * ((1 - a) / (2 - a) + a / (1 + a))) / pairs
        return (auc - a) ** 2 > z * z * variance

    def solve(outer: np.ndarray, inner: np.ndarray) -> np.ndarray:
        for _ in range(60):
            half = (outer + inner) / 2
            far = beyond(half)
            outer, inner = np.where(far, half, outer), np.where(far, inner, half)
        return inner

    auc = np.asarray(auc, dtype=float)
    low = np.where(auc <= 0, 0.0, solve(np.zeros(auc.shape), auc))
    high = np.where(auc >= 1, 1.0, solve(np.ones(auc.shape), auc))
    return np.where(known, low, np.nan), np.where(known, high, np.nan)


def order_ranks(n: np.ndarray, level: float, quantile: float = 0.5) -> tuple[np.ndarray, np.ndarray]:
    """Ranks (1 the smallest) of the order statistics that hold the quantile with at least `level` (binomial tails).

    Distribution-free and conservative (Conover 1999, ch. 3.2). 0 where so few rows reach no such rank: below six for
    a median at 95 %.

    >>> low, high = order_ranks(np.array([5, 20]), 0.95)
    >>> low.tolist(), high.tolist()
    ([0, 6], [0, 15])
    """
    from scipy.special import bdtr

    z_value(level)
    n = np.asarray(n, dtype=np.int64)
    tail = (1 - level) / 2

    def first(share: float) -> np.ndarray:
        """The smallest k with P(Binomial <= k) > share (lower tail) or >= share (upper tail)."""
        below, above = np.full(n.shape, -1, dtype=np.int64), n.copy()
        while np.any(above - below > 1):
            half = (below + above) // 2
            chance = bdtr(np.maximum(half, 0).astype(float), np.maximum(n, 1), quantile)
            reached = (chance > share) if share < 0.5 else (chance >= share)
            reached &= half >= 0
            above, below = np.where(reached, half, above), np.where(reached, below, half)
        return above

    low, high = first(tail), first(1 - tail) + 1
    possible = (low >= 1) & (high <= n)
    return np.where(possible, low, 0), np.where(possible, high, 0)


def order_ends(order: Order, level: float, quantile: float = 0.5) -> Ends:
    """Ends of a quantile from its order statistics: the limits of the codes that hold the two ranks.

    Conservative by the codes' widths. Weighted: Woodruff's interval, Wilson's limits of the share on the effective n
    read off the weighted distribution (Woodruff 1952). nan where too few rows reach the level.
    """
    count = order.n.sum(axis=1)
    if not len(order.low):
        return np.full(len(count), np.nan), np.full(len(count), np.nan)
    if order.weighted:
        upto = np.cumsum(order.w, axis=1)
        total = upto[:, -1:]
        size = effective_n(total[:, 0], _squares(order))
        shares = wilson(quantile * size, size, level)
        first, last = (_code_at(divide(upto, total), share) for share in shares)
        known = order_ranks(np.floor(size).astype(np.int64), level, quantile)[0] > 0
    else:
        low_rank, high_rank = order_ranks(count, level, quantile)
        upto = np.cumsum(order.n, axis=1)
        first, last = _code_at(upto, low_rank), _code_at(upto, high_rank)
        known = low_rank > 0
    return np.where(known, order.low[first], np.nan), np.where(known, order.high[last], np.nan)


def _squares(order: Order) -> np.ndarray:
    """Sums of squared weights as if weights were even within a code, which is where an Order keeps them."""
    return np.nan_to_num(divide(order.w**2, order.n)).sum(axis=1)


def _code_at(upto: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """(G,) the first code at which the cumulated row reaches what is wanted."""
    return np.minimum((upto < np.asarray(wanted)[:, None]).sum(axis=1), upto.shape[1] - 1)


def combine(*choices: tuple[np.ndarray, Ends]) -> Ends:
    """The ends of the first choice whose mask holds, group by group; nan where none does."""
    shape = np.shape(choices[0][0])
    low, high = np.full(shape, np.nan), np.full(shape, np.nan)
    for mask, ends in reversed(choices):
        low, high = np.where(mask, ends[0], low), np.where(mask, ends[1], high)
    return low, high
