"""Replicates: the units of an evaluation dealt into random groups, each counted apart.

What is linear in counts can be added up over replicates, taken out of a whole one by one, and compared between any two
sets of rows: the same unit is in the same replicate everywhere (random groups; Wolter 2007, ch. 2).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

Change = Callable[[np.ndarray], np.ndarray]


def others(array: np.ndarray) -> np.ndarray:
    """Sums over all other places of the first axis, without a subtraction, so that no digits are lost.

    >>> others(np.array([1, 2, 4])).tolist()
    [6, 5, 3]
    """
    before, after = np.zeros_like(array), np.zeros_like(array)
    before[1:] = np.cumsum(array[:-1], axis=0)
    after[:-1] = np.cumsum(array[:0:-1], axis=0)[::-1]
    return before + after


def once(change: Change) -> Change:
    """The change, made once of each array: without weights three names stand for the same counts."""
    made: dict[int, tuple[np.ndarray, np.ndarray]] = {}

    def changed(array: np.ndarray) -> np.ndarray:
        if id(array) not in made:
            made[id(array)] = array, change(array)
        return made[id(array)][1]

    return changed


def by_group(change: Change, groups: int, each: int) -> Change:
    """A change of groups for arrays over groups x replicates, group-major. each: replicates of a group."""

    def changed(array: np.ndarray) -> np.ndarray:
        made = change(array.reshape(groups, each, *array.shape[1:]))
        return made.reshape(-1, *array.shape[1:])

    return changed


def left_out(groups: int, each: int) -> Change:
    """The change that gives every replicate what its group holds without it."""

    def changed(array: np.ndarray) -> np.ndarray:
        split = array.reshape(groups, each, *array.shape[1:])
        return np.moveaxis(others(np.moveaxis(split, 1, 0)), 0, 1).reshape(array.shape)

    return changed


def placed(places: np.ndarray, size: int) -> Change:
    """The change that puts groups at these places among so many, with nothing elsewhere."""

    def changed(array: np.ndarray) -> np.ndarray:
        made = np.zeros((size, *array.shape[1:]), dtype=array.dtype)
        made[places] = array
        return made

    return changed


@dataclass(frozen=True)
class Dealt:
    """The labelled rows of a histogram by replicate, in cells of neighbouring codes.

    w: (G, R, L, C) sums of weights by label and cell. cell: (B,) the cell of each code, ascending. held: (G, R) which
    replicates have labelled rows.
    """

    w: np.ndarray
    cell: np.ndarray
    held: np.ndarray

    def pick(self, groups: slice) -> "Dealt":
        """Only these groups."""
        return Dealt(self.w[groups], self.cell, self.held[groups])

    @property
    def units(self) -> np.ndarray:
        """(G,) replicates that have labelled rows."""
        return np.asarray(self.held.sum(axis=1))

    def summed(self, of_code: np.ndarray, w: np.ndarray, w2: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(sums over the rows of each replicate (G, R, ...), what cells hide of their squares (G, ...)) of a quantity
        that goes by label and code.

        of_code: (G, L, B, ...); w, w2: (G, L, B) the histogram's. Inside a cell a replicate is given the cell's mean,
        and rows are taken to lie there independently of their units.
        """
        tail = (1,) * (of_code.ndim - 3)
        of_code = np.nan_to_num(of_code)
        weight, square = (each.astype(float).reshape(*each.shape, *tail) for each in (w, w2))
        firsts = np.flatnonzero(np.diff(self.cell, prepend=-1))
        present = self.cell[firsts]
        size = np.add.reduceat(weight, firsts, axis=2)
        total = np.add.reduceat(weight * of_code, firsts, axis=2)
        mean = np.divide(total, size, out=np.zeros(total.shape), where=np.broadcast_to(size > 0, total.shape))
        apart = of_code - np.repeat(mean, np.diff(np.append(firsts, len(self.cell))), axis=2)
        hidden = (square * apart**2).sum(axis=(1, 2))
        groups, each = self.w.shape[:2]
        flat = mean.reshape(groups, -1, int(np.prod(of_code.shape[3:], dtype=int)))
        made = self.w[..., present].reshape(groups, each, -1).astype(float) @ flat
        return made.reshape(groups, each, *of_code.shape[3:]), hidden


@dataclass(frozen=True)
class Moved:
    """By how much each replicate moves a value. by_part: (G, R), or groups x classes; hidden: (G,) the variance that
    the cells of replicates hide."""

    by_part: np.ndarray
    hidden: np.ndarray

    @property
    def squares(self) -> np.ndarray:
        """(G,) sums of squares."""
        return np.asarray((self.by_part**2).sum(axis=1) + self.hidden)
