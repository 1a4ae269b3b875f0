"""Pushes: by how much features move a model's answers, on the mean over rows, and whether two sets of rows differ.

Rows are the sampling units, or the units they belong to: what rows of one unit share is counted once.
"""

from dataclasses import dataclass

import numpy as np

from analysis.metrics.intervals import t_value

Units = np.ndarray | None
"""(rows,) names of the rows' units, None where each row is one by itself."""


@dataclass(frozen=True)
class Mean:
    """(features,) means with their interval and p (two-sided, that the mean is 0); nan where there are too few rows.

    sampled: how many rows, or units, they rest on.
    """

    value: np.ndarray
    low: np.ndarray
    high: np.ndarray
    p: np.ndarray
    sampled: int


def mean(values: np.ndarray, units: Units = None, *, level: float = 0.95) -> Mean:
    """values: (rows, features). Student's interval; with units, of their residuals' sums (Liang and Zeger 1986)."""
    if not len(values):
        return _nothing(values.shape[1])
    variance, sampled = _variance(_moved(values, units))
    df, largest = np.full(values.shape[1], sampled - 1.0), np.abs(values).max(axis=0)
    return _told(values.mean(axis=0), variance, df, largest, sampled, level)


def difference(
    here: np.ndarray, there: np.ndarray, units: Units = None, other: Units = None, *, level: float = 0.95
) -> Mean:
    """Of the means of two sets of rows, (rows, features) each: Welch's (1947); where units have rows in both sets, of
    what each unit moves the difference by. sampled: of the smaller set."""
    if not len(here) or not len(there):
        return _nothing(here.shape[1])
    value = here.mean(axis=0) - there.mean(axis=0)
    largest = np.maximum(np.abs(here).max(axis=0), np.abs(there).max(axis=0))
    parts = _moved(here, units), _moved(there, other)
    (first, n), (second, m) = (_variance(part) for part in parts)
    if units is not None and other is not None and np.isin(units, other).any():
        moved = np.concatenate([_spread(here) / len(here), -_spread(there) / len(there)])
        variance, _ = _variance(_summed(moved, np.concatenate([units, other])))
        return _told(value, variance, np.full(len(value), min(n, m) - 1.0), largest, min(n, m), level)
    with np.errstate(divide="ignore", invalid="ignore"):
        df = (first + second) ** 2 / (first**2 / (n - 1) + second**2 / (m - 1))
    df = np.where(np.isfinite(df), df, min(n, m) - 1.0)
    return _told(value, first + second, df, largest, min(n, m), level)


def _nothing(features: int) -> Mean:
    nan = np.full(features, np.nan)
    return Mean(nan, nan, nan, nan, 0)


def _spread(values: np.ndarray) -> np.ndarray:
    return values - values.mean(axis=0)


def _moved(values: np.ndarray, units: Units) -> np.ndarray:
    """(rows or units, features): what each of them moves the mean by."""
    moved = _spread(values) / len(values)
    return moved if units is None else _summed(moved, units)


def _summed(moved: np.ndarray, units: np.ndarray) -> np.ndarray:
    known, places = np.unique(units, return_inverse=True)
    sums = np.zeros((len(known), moved.shape[1]))
    np.add.at(sums, places, moved)
    return sums


def _variance(moved: np.ndarray) -> tuple[np.ndarray, int]:
    """(of the mean, (features,); how many rows or units moved it)."""
    n = len(moved)
    return (moved**2).sum(axis=0) * (n / (n - 1) if n > 1 else np.nan), n


def _told(
    value: np.ndarray, variance: np.ndarray, df: np.ndarray, largest: np.ndarray, sampled: int, level: float
) -> Mean:
    from scipy.special import stdtr

    if sampled < 2:
        nan = np.full(len(value), np.nan)
        return Mean(value, nan, nan, nan, sampled)
    error = np.sqrt(variance)
    reach = t_value(level, df) * error
    sure = error <= 1e-12 * largest
    p = 2 * stdtr(df, -np.abs(value) / np.where(sure, 1.0, error))
    p = np.where(sure, np.where(np.abs(value) <= 1e-12 * largest, 1.0, 0.0), p)
    return Mean(value, value - reach, value + reach, p, sampled)
