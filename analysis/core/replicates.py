"""Replicates: the units of an evaluation dealt into random groups, each counted apart.

What is linear in counts can be added up over replicates, taken out of a whole one by one, and compared between any two
sets of rows: the same unit is in the same replicate everywhere (random groups; Wolter 2007, ch. 2).
"""

from collections.abc import Callable

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
