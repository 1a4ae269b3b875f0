"""Cubes: the sufficient statistics of an evaluation, grouped. Bounded by bins times groups whatever the row count.

Every array's first axis is the group (G). Without weights every weighted sum equals its count, so that one formula
serves both; `weighted` says which it is. Missing is never dropped silently: it has a place of its own.
"""

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import numpy as np
import polars as pl

from analysis.core.classscores import Moments, Ranks
from analysis.core.joint import Joint, Pair
from analysis.core.replicates import Change, Dealt, by_group, left_out, once, others, placed
from analysis.core.wholes import Days, RankProducts, Units

T = TypeVar("T", bound=Any)
S = TypeVar("S", bound="Sums")


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
    negative (0), positive (1) or missing (2). Of one class's score among many: (G, C + 1, B), axis 1 the actual class,
    C = missing. Of the highest score: axis 1 says whether its class is wrong (0), right (1) or unknown (2).
    low, high: (B,) smallest and largest value a code may hold: bin b is [low, high), the last closed, and low == high
    marks a code that holds one single value (nothing is lost there).
    dealt: the same by random group of units, where an estimate wants to know them.
    """

    n: np.ndarray
    w: np.ndarray
    w2: np.ndarray
    low: np.ndarray
    high: np.ndarray
    weighted: bool = False
    dealt: Dealt | None = None

    @property
    def exact(self) -> bool:
        return bool(np.all(self.low == self.high))


@dataclass(frozen=True)
class Amounts:
    """The amounts of the rows that have one, by actual class and score code, as a Histogram has its counts.

    n, w, w2: (G, 3, B) such rows, their weights and squared weights. a: sums of w * amount, wa: of w^2 * amount, a2: of
    (w * amount)^2. missing: rows with a score and without an amount.
    """

    n: np.ndarray
    w: np.ndarray
    w2: np.ndarray
    a: np.ndarray
    wa: np.ndarray
    a2: np.ndarray
    missing: np.ndarray
    weighted: bool = False


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
class OwnSums(Sums):
    """Sums of an own expression x (terms x and x2) over the rows that have a value of it.

    by_unit: where rows belong to units, (G, 4): units, and over them the sums of X^2, X W and W^2, with X and W a
    unit's sums of w * x and of w; a row without a unit is one by itself.
    """

    by_unit: np.ndarray | None = None


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
    scored; used: of these, have a weight (all, without a weight column); review: of these, a band leaves to a person.
    """

    labelled: np.ndarray
    answered: np.ndarray
    used: np.ndarray
    review: np.ndarray


@dataclass(frozen=True)
class Cube:
    """What one query of an evaluation returned, for one model.

    groups: one row a group, a column a key (empty keys: one row, no columns). rows: (G,) rows in the group, whatever
    they lack. classes: names of the classes in index order (empty for regression). tally: what an engine counted.
    histogram: of two classes. class_histograms: of more, each class's score in index order; top_label: of the highest.
    own: the sums of own expressions, by their text.
    pair: where a second model version was named; the other parts then hold only the rows both answered.
    over: sums over other rows than those of `sums`, by the name of these rows (engine/rowsets.py).
    replicates: the same of each random group of units, over groups x replicates, group-major (core/replicates.py).
    """

    groups: pl.DataFrame
    rows: np.ndarray
    classes: tuple[str, ...] = ()
    confusion: Confusion | None = None
    histogram: Histogram | None = None
    amounts: Amounts | None = None
    sums: Sums | None = None
    orders: dict[str, Order] = field(default_factory=dict)
    class_histograms: tuple[Histogram, ...] = ()
    top_label: Histogram | None = None
    ranks: Ranks | None = None
    class_moments: Moments | None = None
    tally: Tally | None = None
    units: Units | None = None
    own: dict[str, OwnSums] = field(default_factory=dict)
    pair: Pair | None = None
    over: dict[str, Sums] = field(default_factory=dict)
    days: Days | None = None
    rank_products: RankProducts | None = None
    replicates: "Cube | None" = None
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
        parts = (self.confusion, self.histogram, self.top_label, self.amounts)
        for part in (each for each in (*parts, *self.class_histograms, *self.orders.values()) if each is not None):
            held += len({id(array): array for array in (part.n, part.w)}) * part.n.nbytes
        if self.class_moments is not None:
            held += self.class_moments.second.nbytes
        if self.amounts is not None:
            held += 4 * self.amounts.a.nbytes
        held += sum(part.nbytes for part in (self.pair, self.replicates) if part is not None)
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
        picked = self._each(lambda array: array[places], self.groups[places])
        if picked.pair is not None:
            picked = replace(picked, pair=picked.pair.joined(lambda joint: joint.pick(places, len(self))))
        return replace(
            picked,
            units=None if self.units is None else self.units.pick(places),
            days=None if self.days is None else self.days.pick(places),
            rank_products=None if self.rank_products is None else self.rank_products.pick(places),
        )

    def apart(self) -> "Cube":
        """The same rows without what is known of their units."""
        own = {text: replace(sums, by_unit=None) for text, sums in self.own.items()}
        return replace(self, units=None, own=own, replicates=None)

    def left_out(self) -> "Cube":
        """What each group holds without each of its replicates, group-major; scores are left out."""
        if self.replicates is None:
            raise ValueError("a cube without replicates")
        parts, each = self.replicates, len(self.replicates) // max(len(self), 1)
        return replace(parts, histogram=None, amounts=None)._each(left_out(len(self), each), parts.groups)

    def placed(self, places: np.ndarray, size: int) -> "Cube":
        """The groups at these places among so many, which are empty elsewhere and have no names."""
        return self._each(placed(places, size), pl.DataFrame())

    def total(self) -> "Cube":
        """All groups as one. What the parts do not give of the whole is left out: order statistics, ranks, days, and
        units, whose rows may lie in several groups."""
        one = self._each(lambda array: array.sum(axis=0, keepdims=True), pl.DataFrame())
        pair = None if one.pair is None else one.pair.joined(Joint.total)
        return replace(one._sums_alone(), pair=pair)

    def rest(self) -> "Cube":
        """For every group all the others as one: added up anew, so that no difference of large sums loses digits.

        Order statistics, units, pairs, days and products of ranks are left out.
        """
        return self._each(others, self.groups)._sums_alone()

    def mix(self, sums: np.ndarray) -> "Cube":
        """Groups added up into others, as `rest` does. sums: (H, G) of 0 and 1, a row says of which groups one is."""
        weights = np.asarray(sums, dtype=float)

        def added(array: np.ndarray) -> np.ndarray:
            made = (weights @ array.reshape(len(array), -1)).reshape(len(weights), *array.shape[1:])
            return np.rint(made).astype(array.dtype) if array.dtype.kind in "iu" else made

        return self._each(added, pl.DataFrame({"place": np.arange(len(weights))}))._sums_alone()

    def _sums_alone(self) -> "Cube":
        """Without what is not summed over groups."""
        own = {text: replace(sums, by_unit=None) for text, sums in self.own.items()}
        return replace(self, orders={}, units=None, pair=None, own=own, days=None, rank_products=None)

    def _each(self, change: Change, groups: pl.DataFrame) -> "Cube":
        change = once(change)  # without weights three names stand for the same counts

        def changed(part: T, *names: str) -> T:
            if part is None:
                return part
            return replace(part, **{name: change(getattr(part, name)) for name in names})

        def summed(sums: S) -> S:
            s, q = ({name: change(array) for name, array in each.items()} for each in (sums.s, sums.q))
            return replace(changed(sums, "n", "w", "w2"), s=s, q=q)

        def added(sums: Sums | None) -> Sums | None:
            return None if sums is None else summed(sums)

        def owned(sums: OwnSums) -> OwnSums:
            return summed(sums if sums.by_unit is None else replace(sums, by_unit=change(sums.by_unit)))

        parts = self.replicates
        if parts is not None:
            parts = parts._each(by_group(change, len(self), len(parts) // max(len(self), 1)), pl.DataFrame())
        orders = {
            name: replace(changed(order, "n", "w"), exact={at: change(array) for at, array in order.exact.items()})
            for name, order in self.orders.items()
        }
        return replace(
            self,
            groups=groups,
            rows=change(self.rows),
            confusion=changed(self.confusion, "n", "w", "w2"),
            histogram=changed(self.histogram and replace(self.histogram, dealt=None), "n", "w", "w2"),
            amounts=changed(self.amounts, "n", "w", "w2", "a", "wa", "a2", "missing"),
            sums=added(self.sums),
            own={text: owned(sums) for text, sums in self.own.items()},
            over={name: summed(sums) for name, sums in self.over.items()},
            orders=orders,
            class_histograms=tuple(changed(replace(h, dealt=None), "n", "w", "w2") for h in self.class_histograms),
            top_label=changed(self.top_label and replace(self.top_label, dealt=None), "n", "w", "w2"),
            ranks=changed(self.ranks, "n", "w", "w2"),
            class_moments=changed(self.class_moments, "n", "first", "second"),
            tally=changed(self.tally, "labelled", "answered", "used", "review"),
            pair=None if self.pair is None else replace(self.pair, sums=added(self.pair.sums)),
            replicates=parts,
        )
