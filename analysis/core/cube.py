"""Cubes: the sufficient statistics of an evaluation, grouped. Bounded by bins times groups whatever the row count.

Every array's first axis is the group (G). Without weights every weighted sum equals its count, so that one formula
serves both; `weighted` says which it is. Missing is never dropped silently: it has a place of its own.
"""

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import numpy as np
import polars as pl

T = TypeVar("T", bound=Any)


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
class Tally:
    """How many of a group's rows serve, each (G,). labelled: have a label; answered: of these, the model decided or
    scored; used: of these, have a weight (all, without a weight column).
    """

    labelled: np.ndarray
    answered: np.ndarray
    used: np.ndarray


@dataclass(frozen=True)
class Cube:
    """What one query of an evaluation returned, for one model.

    groups: one row a group, a column a key (empty keys: one row, no columns). rows: (G,) rows in the group, whatever
    they lack. classes: names of the classes in index order (empty for regression). tally: what an engine counted.
    own: by its text, the sums of an own expression (terms x and x2) over the rows that have a value of it.
    """

    groups: pl.DataFrame
    rows: np.ndarray
    classes: tuple[str, ...] = ()
    confusion: Confusion | None = None
    histogram: Histogram | None = None
    sums: Sums | None = None
    orders: dict[str, Order] = field(default_factory=dict)
    tally: Tally | None = None
    own: dict[str, Sums] = field(default_factory=dict)
    _memo: dict[Hashable, Any] = field(default_factory=dict, init=False, repr=False, compare=False)

    def once(self, key: Hashable, make: Callable[[], T]) -> T:
        """What `make` gives, worked out once for this cube: a cube that is kept keeps its estimates too."""
        if key not in self._memo:
            self._memo[key] = make()
        return self._memo[key]

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def nbytes(self) -> int:
        """About how much memory the cube takes."""
        held = 0
        for part in (self.confusion, self.histogram, *self.orders.values()):
            if part is not None:
                held += len({id(array): array for array in (part.n, part.w)}) * part.n.nbytes
        return held + 2048 + 64 * len(self)

    @property
    def labelled(self) -> np.ndarray:
        """(G,) share of the rows that have a label; 1 where there are no rows."""
        known = self.rows if self.tally is None else self.tally.labelled
        return np.divide(known, self.rows, out=np.ones(len(self)), where=self.rows > 0)

    def pick(self, groups: np.ndarray) -> "Cube":
        """Only these groups. groups: (G,) of bool, or places."""
        places = np.flatnonzero(groups) if groups.dtype == bool else groups
        if np.array_equal(places, np.arange(len(self))):
            return self
        return self._each(lambda array: array[places], self.groups[places])

    def total(self) -> "Cube":
        """All groups as one. Order statistics are left out: those of the parts do not give those of the whole."""
        one = self._each(lambda array: array.sum(axis=0, keepdims=True), pl.DataFrame())
        return replace(one, orders={})

    def _each(self, change: Callable[[np.ndarray], np.ndarray], groups: pl.DataFrame) -> "Cube":
        def changed(part: T, *names: str) -> T:
            if part is None:
                return part
            return replace(part, **{name: change(getattr(part, name)) for name in names})

        def summed(sums: Sums) -> Sums:
            s, q = ({name: change(array) for name, array in each.items()} for each in (sums.s, sums.q))
            return replace(changed(sums, "n", "w", "w2"), s=s, q=q)

        orders = {
            name: replace(changed(order, "n", "w"), exact={at: change(array) for at, array in order.exact.items()})
            for name, order in self.orders.items()
        }
        return replace(
            self,
            groups=groups,
            rows=change(self.rows),
            confusion=changed(self.confusion, "n", "w", "w2"),
            histogram=changed(self.histogram, "n", "w", "w2"),
            sums=None if self.sums is None else summed(self.sums),
            own={text: summed(sums) for text, sums in self.own.items()},
            orders=orders,
            tally=changed(self.tally, "labelled", "answered", "used"),
        )
