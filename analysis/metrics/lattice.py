"""The lattice of candidates: every conjunction of up to three columns' levels, and sums over the rows of each at once.

A column is an axis of codes; a level is a set of its codes (a value, a range of neighbouring bins, missing). Rows are
counted by code only, several columns in one pass; sums over levels, ranges and conjunctions follow from those tables by
small matrix products. Conjunctions of three take at most a handful of levels a column, the coarse ones.
"""

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

CELLS = 1 << 14
"""Cells of a table counted in one pass: it stays in the processor's cache."""

Literals = tuple[tuple[int, bytes], ...]
"""A candidate: (axis, which of its codes belong, a byte each) for each of its conditions."""


@dataclass(frozen=True)
class Axis:
    """A column as codes 0 to size - 1, and how they are searched.

    ordered: how many of them, the first ones, stand in an order, so that neighbours make ranges; 0 where none do.
    fine: (size,) the code a code has among fewer, in conjunctions of one and two; levels: (L, codes among fewer) which
    of these belong to each level. coarse, coarse_levels: the same for conjunctions of three.
    """

    size: int
    ordered: int
    fine: np.ndarray
    levels: np.ndarray
    coarse: np.ndarray
    coarse_levels: np.ndarray

    def grouped(self, fine: bool) -> np.ndarray:
        return self.fine if fine else self.coarse

    def over(self, fine: bool) -> np.ndarray:
        return self.levels if fine else self.coarse_levels

    def codes_of(self, level: int, fine: bool) -> bytes:
        """Which codes belong to a level, a byte each."""
        return self.over(fine)[level][self.grouped(fine)].astype(np.uint8).tobytes()

    def range_of(self, first: int, last: int) -> bytes:
        """The ordered codes from first to last."""
        held = np.zeros(self.size, dtype=np.uint8)
        held[first : last + 1] = 1
        return held.tobytes()


@dataclass(frozen=True)
class Rows:
    """Rows with their codes (an array an axis), the term x and its weight w, the number of their unit and block.

    Without weights w is None; without units unit is None.
    """

    codes: tuple[np.ndarray, ...]
    x: np.ndarray
    w: np.ndarray | None = None
    unit: np.ndarray | None = None
    block: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.x)

    def inside(self, literals: Literals) -> np.ndarray:
        """(n,) whether all conditions of a candidate hold."""
        held = np.ones(len(self), dtype=bool)
        for axis, codes in literals:
            held &= np.frombuffer(codes, dtype=bool)[self.codes[axis]]
        return held

    def where(self, held: np.ndarray) -> "Rows":
        """The rows of a mask."""
        places = np.flatnonzero(held)
        parts = [None if each is None else each[places] for each in (self.w, self.unit, self.block)]
        return Rows(tuple(codes[places] for codes in self.codes), self.x[places], *parts)

    def with_x(self, x: np.ndarray) -> "Rows":
        return Rows(self.codes, x, self.w, self.unit, self.block)


@dataclass(frozen=True)
class _Set:
    """The candidates of one set of columns: those of a dense block of places, `shape` levels each."""

    axes: tuple[int, ...]
    fine: bool
    start: int
    shape: tuple[int, ...]

    @property
    def size(self) -> int:
        return math.prod(self.shape)


class Lattice:
    """All candidates in a fixed order: one column, two, three; within these by the axes' order.

    depth: 1 to 3 conditions. budget: stop before the first set of columns that would exceed so many candidates.
    """

    def __init__(self, axes: Sequence[Axis], depth: int, budget: int | None = None) -> None:
        self.axes = tuple(axes)
        self._held = {
            (place, fine): axis.over(fine).astype(float)
            for place, axis in enumerate(self.axes)
            for fine in (True, False)
        }
        self.sets: list[_Set] = []
        self.offered, start, full = 0, 0, False
        self.by_depth = [0] * (depth + 1)
        for size in range(1, depth + 1):
            for chosen in itertools.combinations(range(len(self.axes)), size):
                fine = size < 3
                shape = tuple(len(self._levels(axis, fine)) for axis in chosen)
                count = math.prod(shape)
                self.offered += count
                full = full or (budget is not None and start + count > budget)
                if not full and count:
                    self.sets.append(_Set(chosen, fine, start, shape))
                    self.by_depth[size] += count
                    start += count
        self.total = start
        self.starts = np.array([each.start for each in self.sets] or [0])
        self.depths = np.zeros(start, dtype=np.int8)
        for each in self.sets:
            self.depths[each.start : each.start + each.size] = len(each.axes)
        self.blocks = [
            (block, fine, held)
            for fine in (True, False)
            for block, held in _cover([each for each in self.sets if each.fine == fine], self._sizes(fine))
        ]

    def _levels(self, axis: int, fine: bool) -> np.ndarray:
        return self.axes[axis].over(fine)

    def _sizes(self, fine: bool) -> list[int]:
        return [each.over(fine).shape[1] for each in self.axes]

    def literals(self, place: int) -> Literals:
        """The candidate at a place."""
        of = self.sets[int(np.searchsorted(self.starts, place, side="right")) - 1]
        levels = np.unravel_index(place - of.start, of.shape)
        return tuple(
            (axis, self.axes[axis].codes_of(int(level), of.fine)) for axis, level in zip(of.axes, levels, strict=True)
        )

    def best_by_set(self, values: np.ndarray) -> list[tuple[tuple[int, ...], int]]:
        """(its columns, the place of its largest value) of every set of columns."""
        return [
            (each.axes, each.start + int(np.argmax(values[each.start : each.start + each.size]))) for each in self.sets
        ]

    def sums(
        self, rows: Rows, weights: Sequence[np.ndarray | None], done: Callable[[float], bool] = lambda share: False
    ) -> tuple[np.ndarray, np.ndarray]:
        """((len(weights), total) sums of each weight (None: counts) over every candidate's rows, (total,) counted).

        done(share) is asked after each pass; once it says so, what is left is not counted and stays 0.
        """
        found = np.zeros((len(weights), self.total))
        counted = np.zeros(self.total, dtype=bool)
        grouped: dict[tuple[int, bool], np.ndarray] = {}

        def codes_of(axis: int, fine: bool) -> np.ndarray:
            if (axis, fine) not in grouped:
                fewer = self.axes[axis].grouped(fine)
                same = np.array_equal(fewer, np.arange(len(fewer)))
                codes = rows.codes[axis]
                grouped[axis, fine] = codes if same else fewer.astype(np.uint8)[codes]
            return grouped[axis, fine]

        for turn, (block, fine, held) in enumerate(self.blocks):
            sizes = [self._sizes(fine)[axis] for axis in block]
            key: np.ndarray = np.zeros(0)
            for place, axis in enumerate(block):
                codes = codes_of(axis, fine)
                if place == 0:
                    key = codes.astype(np.intp)
                else:
                    key *= sizes[place]
                    key += codes
            for number, weight in enumerate(weights):
                table = np.bincount(key, weight, minlength=math.prod(sizes)).reshape(sizes)
                for each in held:
                    gone = tuple(place for place, axis in enumerate(block) if axis not in each.axes)
                    made = self._over_levels(table.sum(axis=gone), each)
                    found[number, each.start : each.start + each.size] = made.ravel()
            for each in held:
                counted[each.start : each.start + each.size] = True
            if done((turn + 1) / len(self.blocks)):
                break
        return found, counted

    def _over_levels(self, table: np.ndarray, of: _Set) -> np.ndarray:
        """A table over codes as one over levels."""
        first, *others = (self._held[axis, of.fine] for axis in of.axes)
        made = (first @ table.reshape(len(table), -1)).reshape(len(first), *table.shape[1:])
        if not others:
            return made
        return made @ others[0].T if len(others) == 1 else (others[0] @ made) @ others[1].T


def _cover(sets: list[_Set], sizes: list[int]) -> list[tuple[tuple[int, ...], list[_Set]]]:
    """Blocks of columns that are counted together, and the sets each of them serves; every set once."""
    waiting = {each.axes: each for each in sets}
    most = max((len(axes) for axes in waiting), default=0)

    def served(block: list[int], axis: int) -> list[tuple[int, ...]]:
        """The waiting sets that hold this axis and else only axes of the block."""
        others = [tuple(sorted((axis, *each))) for size in range(most) for each in itertools.combinations(block, size)]
        return [each for each in others if each in waiting]

    found = []
    while waiting:
        block = list(next(iter(waiting)))
        cells = math.prod(sizes[axis] for axis in block)
        while True:
            room = [axis for axis in range(len(sizes)) if axis not in block and cells * sizes[axis] <= CELLS]
            gains = [(len(served(block, axis)), -sizes[axis], -axis) for axis in room]
            if not gains or not max(gains)[0]:
                break
            axis = -max(gains)[2]
            block.append(axis)
            cells *= sizes[axis]
        block.sort()
        inside = [each for size in range(1, most + 1) for each in itertools.combinations(block, size)]
        found.append((tuple(block), [waiting.pop(each) for each in inside if each in waiting]))
    return found
