"""Settling: which of repeated explanations' weights have a sure sign, which are next to nothing, and which lead."""

import itertools
from dataclasses import dataclass

import numpy as np

from analysis.metrics.contrasts import benjamini_hochberg
from analysis.metrics.intervals import t_value

FEWEST = 3
"""Repeats below which nothing is settled: an interval from two is as wide as a guess."""


@dataclass(frozen=True)
class Settling:
    """Of (terms,) weights over repeats. mean; low, high: Student's interval of the mean, nan below FEWEST repeats.

    p, adjusted: that the mean is on the other side of 0 (two-sided), by Benjamini and Hochberg over the terms and times
    the looks. settled: the sign is sure. negligible: the interval lies within a small share of the largest weight.
    order: terms, the largest mean first. leading: the first `top` of them are surely the first. ordered: and in this
    order. n: repeats.
    """

    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray
    adjusted: np.ndarray
    settled: np.ndarray
    negligible: np.ndarray
    order: np.ndarray
    top: int
    leading: bool
    ordered: bool
    n: int

    @property
    def enough(self) -> bool:
        """Whether further repeats could change nothing that is shown."""
        return bool((self.settled | self.negligible).all() and self.leading)


@dataclass(frozen=True)
class OtherWidth:
    """What repeats settle with a kernel `width` that is so many `times` the usual one. fit: their mean weighted R2."""

    times: float
    width: float
    found: Settling
    fit: float


def turned(usual: Settling, others: list[OtherWidth]) -> np.ndarray:
    """(terms,) whether a sign that is settled at one width is settled the other way round at another."""
    known = [usual, *(each.found for each in others)]
    signs = np.stack([np.where(each.settled, np.sign(each.mean), 0.0) for each in known])
    return np.asarray((signs.max(axis=0) > 0) & (signs.min(axis=0) < 0))


def settling(
    weights: np.ndarray, *, looks: int, wrong: float, negligible: float, level: float = 0.95, top: int = 5
) -> Settling:
    """weights: (repeats, terms). looks: how often one stops to look, for all of which the p-values pay.

    wrong: the share of settled signs that may be wrong. negligible: the share of the largest mean.
    """
    n, terms = weights.shape
    mean = weights.mean(axis=0)
    order = np.argsort(-np.abs(mean), kind="stable")
    top = min(top, terms)
    if n < FEWEST:
        no, nan = np.zeros(terms, bool), np.full(terms, np.nan)
        return Settling(mean, nan, nan, nan, no, no, order, top, False, False, n)
    error = weights.std(axis=0, ddof=1) / np.sqrt(n)
    reach = t_value(level, np.array(n - 1.0)) * error
    low, high = mean - reach, mean + reach
    adjusted = np.minimum(benjamini_hochberg(_p(mean, error, n)) * looks, 1.0)
    largest = np.abs(mean).max(initial=0.0)
    small = np.maximum(np.abs(low), np.abs(high)) <= negligible * largest
    sizes = weights * np.where(mean < 0, -1.0, 1.0)
    ahead = [_ahead(sizes[:, one] - sizes[:, other]) for one, other in itertools.pairwise(order[:top])]
    beyond = [_ahead(sizes[:, order[top - 1]] - sizes[:, other]) for other in order[top:]]
    leading = largest > 0 and all(p * looks <= wrong for p in beyond)
    return Settling(
        mean,
        low,
        high,
        adjusted,
        (adjusted <= wrong) & ~small & (largest > 0),
        small,
        order,
        top,
        leading,
        leading and all(p * looks <= wrong for p in ahead),
        n,
    )


def _p(mean: np.ndarray, error: np.ndarray, n: int) -> np.ndarray:
    from scipy.special import stdtr

    sure = error <= 1e-12 * np.abs(mean).max(initial=0.0)
    strength = np.abs(mean) / np.where(sure, 1.0, error)
    return np.where(sure, np.where(mean == 0, 1.0, 0.0), 2 * stdtr(n - 1, -strength))


def _ahead(apart: np.ndarray) -> float:
    """p of a mean difference above 0 over repeats; two-sided, because the repeats also chose which one is ahead."""
    mean, error = apart.mean(), apart.std(ddof=1) / np.sqrt(len(apart))
    p = float(_p(np.array([mean]), np.array([error]), len(apart))[0])
    return p if mean > 0 else 1.0
