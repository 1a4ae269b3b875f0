"""Agreement: whether a model gives again the answers that were recorded."""

from dataclasses import dataclass

import numpy as np

from analysis.core import words
from analysis.metrics.intervals import wilson

EQUAL = 1e-6
ROUNDED_TO = range(2, 6)  # decimals that scores are commonly written with; more are within EQUAL anyway
ENOUGH_VALUES = 20


@dataclass(frozen=True)
class Agreement:
    """share: of the n rows that agree, with its interval (Wilson). largest: largest difference, nan for labels.

    correlation: Pearson's, -1 to 1, nan for labels or where one side is constant. tolerance: what counts as equal.
    turned: the share that agrees with 1 - answer, nan but for one score a row. agree: (n,) which rows; difference: (n,)
    of each, nan where the answer is.
    """

    share: float
    low: float
    high: float
    n: int
    largest: float
    correlation: float
    tolerance: float
    turned: float
    agree: np.ndarray
    difference: np.ndarray

    @property
    def closeness(self) -> float:
        """What ranks agreements of equal share: the nearer the higher."""
        return -self.largest if np.isfinite(self.largest) else 0.0

    @property
    def said(self) -> str:
        """The agreement in words."""
        equal = f"{words.number(self.share, 'share')} of {words.plural(self.n, 'row')} agree"
        if np.isnan(self.largest):
            return equal
        return f"{equal} (within {self.within}; the largest difference is {words.significant(self.largest)})"

    @property
    def within(self) -> str:
        """The tolerance in words."""
        return f"{self.tolerance:.6f}".rstrip("0").rstrip(".")


def verb(found: Agreement, good: bool) -> str:
    """What a model does with the recorded answers."""
    if good:
        return "reproduces"
    return "reproduces most but not all of" if found.share >= 0.5 else "does not reproduce"


def measured(recorded: np.ndarray, answered: np.ndarray, *, relative: bool, level: float) -> Agreement:
    """Of numbers or of text, whichever they are."""
    if recorded.dtype == object:
        return labels(recorded, answered, level=level)
    return numbers(recorded, answered, relative=relative, level=level)


def numbers(recorded: np.ndarray, answered: np.ndarray, *, relative: bool, level: float) -> Agreement:
    """Of scores or forecasts: (n,) or (n, classes) each; a row agrees when all its differences are within tolerance.

    An answer that is nan agrees with nothing and has no difference. relative: the tolerance grows with values above 1,
    as for forecasts. Recorded values that were rounded are given half a unit of their last decimal.
    """
    recorded, answered = (each.reshape(len(each), -1) for each in (recorded, answered))
    rounded = rounding(recorded)
    tolerance = max(EQUAL, rounded)
    allowed = np.maximum(rounded, EQUAL * np.maximum(1.0, np.abs(recorded) if relative else 0.0))
    apart = np.abs(answered - recorded)
    agree = (apart <= allowed).all(axis=1)
    row = np.where(np.isnan(apart).any(axis=1), np.nan, apart.max(axis=1, initial=0.0))
    known = ~np.isnan(row)
    largest = float(row[known].max()) if known.any() else np.nan
    correlation = _correlation(recorded[known].ravel(), answered[known].ravel())
    turned = float((np.abs(1 - answered - recorded) <= allowed).mean()) if recorded.shape[1] == 1 else np.nan
    return _made(agree, largest, correlation, tolerance, turned, row, level)


def labels(recorded: np.ndarray, answered: np.ndarray, *, level: float) -> Agreement:
    """Of decisions: (n,) text each."""
    agree = recorded == answered
    return _made(agree, np.nan, np.nan, 0.0, np.nan, np.where(agree, 0.0, 1.0), level)


def _made(
    agree: np.ndarray,
    largest: float,
    correlation: float,
    tolerance: float,
    turned: float,
    difference: np.ndarray,
    level: float,
) -> Agreement:
    n, equal = len(agree), int(agree.sum())
    low, high = wilson(np.array(float(equal)), np.array(float(n)), level)
    share = equal / n if n else np.nan
    return Agreement(share, float(low), float(high), n, largest, correlation, tolerance, turned, agree, difference)


def rounding(recorded: np.ndarray) -> float:
    """Half a unit of the last decimal where all values are rounded to 2 to 5 decimals, else 0.

    >>> rounding(np.arange(100) / 100)
    0.00500001
    """
    values = recorded[np.isfinite(recorded)]
    if len(np.unique(values)) < ENOUGH_VALUES:
        return 0.0
    for decimals in ROUNDED_TO:
        scaled = values * 10.0**decimals
        if (np.abs(scaled - np.round(scaled)) <= 1e-12 * np.maximum(np.abs(scaled), 10.0**decimals)).all():
            return round(0.5 * 10.0**-decimals + 10.0**-8, 12)
    return 0.0


def _correlation(one: np.ndarray, other: np.ndarray) -> float:
    if len(one) < 2 or np.ptp(one) == 0 or np.ptp(other) == 0:
        return np.nan
    a, b = one - one.mean(), other - other.mean()
    return float((a @ b) / np.sqrt((a @ a) * (b @ b)))
