"""Expected: what chance alone makes of a share, or of a distribution, in a table drawn like the reference."""

import math

import numpy as np

ENUMERATED = 20_000
"""Rows of a new table whose counts are enumerated; a larger one is taken for one of so many, which is more lenient."""


def most_expected(k: float, n: float, m: int, certainty: float = 0.999) -> float:
    """The share (0 to 1) that m new rows exceed with a chance of at most 1 - certainty, when k of n rows had it.

    The predictive distribution of a binomial count under Jeffreys' prior: a beta-binomial of m, k + 1/2, n - k + 1/2
    (Brown, Cai and DasGupta 2001, section 4.3, for the prior). 1 where there is nothing to go by.

    >>> round(most_expected(0, 1000, 1000), 4), round(most_expected(50, 1000, 1000), 4)
    (0.008, 0.084)
    """
    from scipy.special import betaln, gammaln

    if n <= 0 or m <= 0:
        return 1.0
    m = min(m, ENUMERATED)
    a, b, j = k + 0.5, n - k + 0.5, np.arange(m + 1)
    logs = gammaln(m + 1) - gammaln(j + 1) - gammaln(m - j + 1) + betaln(j + a, m - j + b) - betaln(a, b)
    return float(np.searchsorted(np.cumsum(np.exp(logs)), certainty) / m)


def most_off(sizes: np.ndarray, m: int, certainty: float = 0.999, seed: int = 0, draws: int = 4000) -> float:
    """The total variation (0 to 1) from the reference's shares that m new rows exceed with a chance of about
    1 - certainty, when `sizes` (bins,) rows of the reference lay in each bin.

    Simulated: true shares from their posterior under Jeffreys' prior, counts of m rows from these; its upper tail is
    taken as that of a normal curve with their mean and deviation where the draws are too few to reach it.
    """
    random, n = np.random.default_rng(seed), sizes.sum()
    if n <= 0 or m <= 0:
        return 1.0
    true = random.dirichlet(sizes + 0.5, draws)
    counts = random.multinomial(min(m, 2**31 - 1), true)
    off = np.abs(counts / m - sizes / n).sum(axis=1) / 2
    tail = float(np.quantile(off, certainty))
    normal = float(off.mean() + _z(certainty) * off.std())
    return min(1.0, max(tail, normal))


def _z(certainty: float) -> float:
    from scipy.special import ndtri

    return math.nan if not 0 < certainty < 1 else float(ndtri(certainty))
