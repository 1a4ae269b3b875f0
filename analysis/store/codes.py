"""Codes: a continuous quantity as a small integer, so that a histogram is a group-by.

Up to 8,192 distinct values each get a code of their own and nothing is lost. Beyond, codes are equal-frequency bins
[a, b), the last closed, with extra edges where analysts look (k/15, k/100, the recorded threshold). A value so
frequent that it would fill a bin gets a bin of its own, so that ties stay ties.
"""

from dataclasses import dataclass

import numpy as np

SAMPLE = 1_000_000


@dataclass(frozen=True)
class Codes:
    """low, high: (B,) smallest and largest value of each code, ascending; low == high holds one single value."""

    low: np.ndarray
    high: np.ndarray

    def of(self, values: np.ndarray) -> np.ndarray:
        """The code of each value, as uint16; values below the first edge get code 0."""
        found = np.searchsorted(self.low, values, side="right") - 1
        return np.clip(found, 0, len(self.low) - 1).astype(np.uint16)

    @property
    def exact(self) -> bool:
        return bool(np.all(self.low == self.high))


def exact_codes(values: np.ndarray) -> Codes:
    """One code a distinct value. values: distinct, any order."""
    ordered = np.sort(np.asarray(values, dtype=np.float64))
    return Codes(ordered, ordered.copy())


def binned_codes(sample: np.ndarray, *, low: float, high: float, most: int, extra: np.ndarray) -> Codes:
    """At most about `most` equal-frequency codes from a sample of the values, which lie in [low, high].

    extra: edges that must be there (those outside [low, high] are left out).
    """
    ordered = np.sort(np.asarray(sample, dtype=np.float64))
    picked = ordered[np.linspace(0, len(ordered) - 1, max(2, most - len(extra) - 2)).astype(np.int64)]
    values, times = np.unique(picked, return_counts=True)
    heavy = values[times > 1]
    alone = np.nextafter(heavy, np.inf)
    extra = extra[(extra > low) & (extra < high)]
    edges = np.unique(np.concatenate([[low], values, alone, extra]))
    edges = edges[(edges >= low) & (edges <= high)]
    tops = np.append(edges[1:], high)
    single = tops == np.nextafter(edges, np.inf)
    tops = np.where(single, edges, tops)
    return Codes(edges, tops)


def quantile_edges(sample: np.ndarray, bins: int) -> np.ndarray:
    """The at most bins + 1 distinct edges of about equally frequent bins, from a sample."""
    return np.unique(np.quantile(np.asarray(sample, dtype=np.float64), np.linspace(0, 1, bins + 1), method="lower"))
