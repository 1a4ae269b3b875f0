"""Wholes: statistics of a group that those of its parts do not add up to. All arrays have the groups (G,) first."""

from dataclasses import dataclass, replace
from typing import Self

import numpy as np


@dataclass(frozen=True)
class Whole:
    """What is picked with its groups and never summed over them."""

    def pick(self, places: np.ndarray) -> Self:
        """Only these groups."""
        arrays = {name: value[places] for name, value in vars(self).items() if isinstance(value, np.ndarray)}
        return replace(self, **arrays)


@dataclass(frozen=True)
class Days(Whole):
    """The rows a model answered, day by day. n: (G,) such rows that have a time; squares: sums over days of their
    squared counts; span: days from a group's first row to its last, both included, 0 without a time."""

    n: np.ndarray
    squares: np.ndarray
    span: np.ndarray


@dataclass(frozen=True)
class RankProducts(Whole):
    """How the ranks of label and prediction go together, over the rows with both.

    n, w, w2: (G,) rows, weights, squared weights. yy, pp, yp: sums of w times a product of two midranks less their
    mean; a midrank is the weight below plus half that of the ties. hidden_y, hidden_p: the most that yy and pp can lack
    because a code holds several values, whose order is not seen.
    """

    n: np.ndarray
    w: np.ndarray
    w2: np.ndarray
    yy: np.ndarray
    pp: np.ndarray
    yp: np.ndarray
    hidden_y: np.ndarray
    hidden_p: np.ndarray
    weighted: bool = False


@dataclass(frozen=True)
class Units:
    """How the rows of one unit (a customer, a patient) go together, for variances that know it.

    n: (G,) units that hold rows; a row without a unit is one by itself. cells: (G, K, K) sums over units of the
    products of their (weighted) counts in two cells of Confusion, K = (C + 1)^2 in the order of its flattened axes.
    terms: names of the rows of moments, (G, T, T): sums over units of the products of their (weighted) sums of two
    terms, "one" being the rows themselves; used: (G,) units with rows that have the terms. auc: (G,) sums over units of
    their squared sums of DeLong's placements, each over the size of its class; ranked: (G,) units among those. ranks:
    as cells, of the places of Ranks. dealt: whether what counts as a unit here is a random group of units.
    """

    n: np.ndarray
    cells: np.ndarray | None = None
    terms: tuple[str, ...] = ()
    moments: np.ndarray | None = None
    used: np.ndarray | None = None
    auc: np.ndarray | None = None
    ranked: np.ndarray | None = None
    ranks: np.ndarray | None = None
    dealt: bool = False

    @property
    def freedom(self) -> np.ndarray:
        """(G,) degrees of freedom of a variance over the units that hold the terms: one less than these."""
        return np.asarray(self.n if self.used is None else self.used, dtype=float) - 1

    def product(self, one: str, other: str) -> np.ndarray:
        """(G,) sum over units of the product of their sums of two terms."""
        assert self.moments is not None  # noqa: S101 - asked for only where terms were
        return self.moments[:, self.terms.index(one), self.terms.index(other)]

    def pick(self, places: np.ndarray) -> "Units":
        """Only these groups."""
        arrays = {name: value[places] for name, value in vars(self).items() if isinstance(value, np.ndarray)}
        return replace(self, **arrays)
