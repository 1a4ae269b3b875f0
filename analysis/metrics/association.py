"""Association: how much two columns tell of each other, 0 (nothing) to 1 (all), whatever they hold."""

import numpy as np

from analysis.metrics.intervals import divide

STRONG = 0.7
"""From here on shuffling one of two features alone makes rows that do not occur, and each hides the other's part."""


def ranks(values: np.ndarray) -> np.ndarray:
    """Midranks; nan stays nan.

    >>> ranks(np.array([3.0, 1.0, 3.0])).tolist()
    [2.5, 1.0, 2.5]
    """
    known = ~np.isnan(values)
    out = np.full(len(values), np.nan)
    _, place, counts = np.unique(values[known], return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    out[known] = (last - (counts - 1) / 2)[place]
    return out


def spearman(one: np.ndarray, two: np.ndarray) -> float:
    """Spearman's rank correlation over the rows that have both, -1 to 1; nan where one does not vary."""
    both = ~np.isnan(one) & ~np.isnan(two)
    if both.sum() < 3:
        return float("nan")
    a, b = ranks(one[both]), ranks(two[both])
    a, b = a - a.mean(), b - b.mean()
    return float(divide(np.array((a * b).sum()), np.array(np.sqrt((a * a).sum() * (b * b).sum()))))


def correlation_ratio(groups: np.ndarray, values: np.ndarray) -> float:
    """The root of the share of the ranks' variance that lies between groups, 0 to 1 (Fisher 1925, on ranks), adjusted
    for what as many groups explain by chance. groups: (n,) codes."""
    known = ~np.isnan(values)
    groups, rank = np.unique(groups[known], return_inverse=True)[1], ranks(values[known])
    n, k = len(rank), int(groups.max(initial=-1)) + 1
    if n <= k or k < 2:
        return float("nan")
    counts, sums = np.bincount(groups), np.bincount(groups, rank)
    total = ((rank - rank.mean()) ** 2).sum()
    between = (counts * (sums / counts - rank.mean()) ** 2).sum()
    if total <= 0:
        return float("nan")
    return float(np.sqrt(max(0.0, 1 - (1 - between / total) * (n - 1) / (n - k))))


def cramer(one: np.ndarray, two: np.ndarray) -> float:
    """Cramer's V of two code columns, 0 to 1, corrected for its bias (Bergsma 2013)."""
    a, b = (np.unique(each, return_inverse=True)[1] for each in (one, two))
    r, k, n = int(a.max(initial=-1)) + 1, int(b.max(initial=-1)) + 1, len(a)
    if r < 2 or k < 2 or n < 2:
        return float("nan")
    table = np.bincount(a * k + b, minlength=r * k).reshape(r, k).astype(float)
    expected = table.sum(axis=1, keepdims=True) * table.sum(axis=0, keepdims=True) / n
    phi = ((table - expected) ** 2 / expected).sum() / n
    phi = max(0.0, phi - (r - 1) * (k - 1) / (n - 1))
    least = min(r - (r - 1) ** 2 / (n - 1), k - (k - 1) ** 2 / (n - 1)) - 1
    return float(np.sqrt(min(1.0, phi / least))) if least > 0 else float("nan")


def association(one: np.ndarray, two: np.ndarray) -> tuple[float, str]:
    """(0 to 1 or nan, what it is) of two columns: floats are numbers, integers are codes of values."""
    numbers = [each.dtype.kind == "f" for each in (one, two)]
    if all(numbers):
        return abs(spearman(one, two)), "Spearman's rank correlation"
    if not any(numbers):
        return cramer(one, two), "Cramer's V"
    groups, values = (two, one) if numbers[0] else (one, two)
    return correlation_ratio(groups, values), "correlation ratio of ranks"


def together(names: list[str], pairs: list[tuple[str, str]]) -> list[tuple[str, ...]]:
    """The names that hang together by pairs, in their order; those alone are left out.

    >>> together(["a", "b", "c", "d"], [("a", "c"), ("c", "d")])
    [('a', 'c', 'd')]
    """
    group = {name: {name} for name in names}
    for one, two in pairs:
        if one not in group or two not in group:
            continue
        joined = group[one] | group[two]
        for each in joined:
            group[each] = joined
    seen: list[tuple[str, ...]] = []
    for name in names:
        made = tuple(each for each in names if each in group[name])
        if len(made) > 1 and made not in seen:
            seen.append(made)
    return seen
