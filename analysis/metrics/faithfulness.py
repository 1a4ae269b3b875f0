"""Faithfulness: how near the answers of a surrogate are to those it was fitted to, on rows it has not seen."""

from collections.abc import Callable

import numpy as np

from analysis.core.surrogate import Closeness
from analysis.metrics.intervals import wilson, z_value

RESAMPLES = 200
CLIP = 1e-6


def logits(scores: np.ndarray) -> np.ndarray:
    """log(p / (1 - p)) of probabilities kept 1e-6 away from 0 and 1."""
    kept = np.clip(scores, CLIP, 1 - CLIP)
    return np.log(kept / (1 - kept))


def explained(recorded: np.ndarray, answered: np.ndarray, *, level: float, seed: int) -> Closeness:
    """R2 of (n, k) numbers, over all k at once: 1 - the squared differences / those to each column's mean.

    -infinity to 1, 1 = the same. nan where what was recorded does not vary. Interval: bootstrap of the rows.
    """

    def share(weight: np.ndarray) -> np.ndarray:
        rows = weight.sum(axis=1)
        around = weight @ (recorded**2).sum(axis=1) - ((weight @ recorded) ** 2).sum(axis=1) / rows
        missed = weight @ ((recorded - answered) ** 2).sum(axis=1)
        return 1 - np.divide(missed, around, out=np.full(len(rows), np.nan), where=around > 0)

    return _resampled(share, len(recorded), level, seed)


def agreed(recorded: np.ndarray, answered: np.ndarray, *, level: float, seed: int) -> Closeness:
    """Cohen's kappa of two (n,) labellings: 1 = the same, 0 = as by chance. Interval: bootstrap of the rows."""
    _, codes = np.unique(np.concatenate([recorded, answered]).astype(str), return_inverse=True)
    one, other = (np.eye(codes.max() + 1)[part] for part in np.split(codes, 2))

    def kappa(weight: np.ndarray) -> np.ndarray:
        rows = weight.sum(axis=1)
        seen = weight @ (one * other).sum(axis=1) / rows
        chance = ((weight @ one) * (weight @ other)).sum(axis=1) / rows**2
        return np.divide(seen - chance, 1 - chance, out=np.full(len(rows), np.nan), where=chance < 1)

    return _resampled(kappa, len(recorded), level, seed)


def _resampled(statistic: Callable[[np.ndarray], np.ndarray], n: int, level: float, seed: int) -> Closeness:
    rng = np.random.default_rng(seed)
    value = float(statistic(np.ones((1, n)))[0])
    drawn = statistic(rng.multinomial(n, np.full(n, 1 / n), RESAMPLES).astype(float))
    ends = np.nanquantile(drawn, [(1 - level) / 2, (1 + level) / 2]) if np.isfinite(drawn).any() else (None, None)
    low, high = (None if each is None else float(each) for each in ends)
    return Closeness(value, low, high, n, f"bootstrap of the rows, {RESAMPLES} times, percentiles")


def apart(recorded: np.ndarray, answered: np.ndarray, *, level: float) -> Closeness:
    """The mean absolute difference of (n, k) numbers, 0 = the same. Interval: normal, from the rows' means."""
    rows = np.abs(recorded - answered).mean(axis=1)
    value = float(rows.mean())
    reach = z_value(level) * float(rows.std(ddof=1)) / np.sqrt(len(rows)) if len(rows) > 1 else np.nan
    return Closeness(value, max(0.0, value - reach), value + reach, len(rows), "normal, mean of the rows")


def same(recorded: np.ndarray, answered: np.ndarray, *, level: float) -> Closeness:
    """The share of equal decisions, with Wilson's interval."""
    equal, n = int((recorded == answered).sum()), len(recorded)
    low, high = wilson(np.array(float(equal)), np.array(float(n)), level)
    return Closeness(equal / n, float(low), float(high), n, "Wilson")
