"""Means: metrics that are means of a per-row term, and the standard error of each side; paired and unpaired."""

from dataclasses import dataclass

import numpy as np

from analysis.core.cube import Cube
from analysis.metrics.intervals import divide, effective_n, mean_variance

MEANS = {
    "log_loss": ("ll", "ll2"),
    "brier": ("sq", "sq2"),
    "mae": ("ae", "e2"),
    "bias": ("e", "e2"),
    "smape": ("sape", "sape2"),
    "mape": ("ape", "ape2"),
}
"""{metric: (its term, the term's square)}"""


@dataclass(frozen=True)
class Spread:
    """variance: of a mean, (G,). freedom: its degrees of freedom, the effective number of rows less one."""

    variance: np.ndarray
    freedom: np.ndarray


def spread(metric: str, cube: Cube) -> Spread | None:
    """Of a metric in MEANS; None where the cube holds no sums."""
    s = cube.sums
    if s is None or metric not in MEANS:
        return None
    term, square = MEANS[metric]
    mean = divide(s.s[term], s.w)
    return Spread(mean_variance(s.n, s.w, s.q[square], s.q[term], s.w2, mean), effective_n(s.w, s.w2) - 1)


def welch(*parts: Spread) -> Spread:
    """The sum of independent variances with Satterthwaite's degrees of freedom (Welch 1947); one group serves all."""
    variance = sum(part.variance for part in parts)
    small = sum(divide(part.variance**2, part.freedom) for part in parts)
    return Spread(np.asarray(variance), divide(np.asarray(variance) ** 2, np.asarray(small)))
