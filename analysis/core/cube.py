"""Cubes: the sufficient statistics of an evaluation, grouped. Bounded by bins times groups whatever the row count.

Every array's first axis is the group (G). Without weights every weighted sum equals its count, so that one formula
serves both; `weighted` says which it is. Missing is never dropped silently: it has a place of its own.
"""

from dataclasses import dataclass, field

import numpy as np
import polars as pl


@dataclass(frozen=True)
class Confusion:
    """Actual x predicted class counts.

    n, w, w2: (G, C + 1, C + 1) counts, sums of weights and of squared weights; axis 1 the actual class, axis 2 the
    predicted one, index C on either axis = missing (no label yet, no decision). Binary: class 1 is the positive one.
    """

    n: np.ndarray
    w: np.ndarray
    w2: np.ndarray
    weighted: bool = False

    @property
    def classes(self) -> int:
        return self.n.shape[1] - 1


@dataclass(frozen=True)
class Histogram:
    """Scores by actual class.

    n, w, w2: (G, 3, B) counts, sums of weights and of squared weights of rows with score code b whose label is
    negative (0), positive (1) or missing (2). low, high: (B,) smallest and largest value a code may hold: bin b is
    [low, high), the last closed, and low == high marks a code that holds one single value (nothing is lost there).
    """

    n: np.ndarray
    w: np.ndarray
    w2: np.ndarray
    low: np.ndarray
    high: np.ndarray
    weighted: bool = False

    @property
    def exact(self) -> bool:
        return bool(np.all(self.low == self.high))


@dataclass(frozen=True)
class Sums:
    """Sums of per-row terms over rows that have a label and a score (classification) or a prediction (regression).

    n: (G,) rows. w, w2: (G,) sums of weights and squared weights (both n when unweighted).
    s[name]: (G,) sum of w * term; q[name]: (G,) sum of w^2 * term, which variances need.
    The terms are products named by their factors: see analysis/metrics for which a metric asks.
    """

    n: np.ndarray
    w: np.ndarray
    w2: np.ndarray
    s: dict[str, np.ndarray]
    q: dict[str, np.ndarray]
    weighted: bool = False


@dataclass(frozen=True)
class Order:
    """The order statistics of one per-row quantity, for medians and quantiles.

    n, w: (G, B) counts and weights by code; low, high: (B,) the values a code may hold, as in Histogram.
    exact: {quantile: (G,)} exact sample quantiles (linear interpolation), nan for an empty group.
    """

    n: np.ndarray
    w: np.ndarray
    low: np.ndarray
    high: np.ndarray
    exact: dict[float, np.ndarray]
    weighted: bool = False


@dataclass(frozen=True)
class Cube:
    """What one query of an evaluation returned, for one model.

    groups: one row a group, a column a key (empty keys: one row, no columns). rows: (G,) rows in the group, whatever
    they lack. classes: names of the classes in index order (empty for regression).
    """

    groups: pl.DataFrame
    rows: np.ndarray
    classes: tuple[str, ...] = ()
    confusion: Confusion | None = None
    histogram: Histogram | None = None
    sums: Sums | None = None
    orders: dict[str, Order] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.rows)
