"""Joints and pairs: how two model versions answered the same rows, cell by cell; only the cells that occur."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from analysis.core.cube import Sums


@dataclass(frozen=True)
class Joint:
    """A cell a combination of label and both answers that occurs: arrays of shape (K,), in no fixed order.

    group: its place in the cube. label: the actual class, the last index where there is none yet. first, second: what
    either version answered: a decided class or a score code. n, w, w2: rows, sums of weights and of squared weights
    (both n without weights). steps: how many neighbouring score codes of either side are one here; (1, 1): none.
    """

    group: np.ndarray
    label: np.ndarray
    first: np.ndarray
    second: np.ndarray
    n: np.ndarray
    w: np.ndarray
    w2: np.ndarray
    weighted: bool = False
    steps: tuple[int, int] = (1, 1)

    def __len__(self) -> int:
        return len(self.n)

    @property
    def nbytes(self) -> int:
        """About how much memory the cells take."""
        arrays = (self.group, self.label, self.first, self.second, self.n, self.w, self.w2)
        return sum({id(array): array.nbytes for array in arrays}.values())

    def pick(self, places: np.ndarray, groups: int) -> "Joint":
        """The cells of these places among so many groups, which become 0, 1, ..."""
        where = np.full(groups, -1, dtype=np.int64)
        where[places] = np.arange(len(places))
        kept = where[self.group] >= 0
        w, w2 = (self.w[kept], self.w2[kept]) if self.weighted else (self.n[kept],) * 2
        return Joint(
            where[self.group[kept]],
            self.label[kept],
            self.first[kept],
            self.second[kept],
            self.n[kept],
            w,
            w2,
            self.weighted,
            self.steps,
        )

    def total(self) -> "Joint":
        """The cells of all groups as those of one; a combination may then have several cells."""
        return replace(self, group=np.zeros(len(self), dtype=self.group.dtype))


@dataclass(frozen=True)
class Pair:
    """Two model versions on the rows both answered.

    decisions: the joint decisions of the rows both decided. scores: the joint score codes of the labelled rows both
    scored. sums: per-row differences, the first's term less the second's, as s[term], and their squares as s["term^2"].
    """

    decisions: Joint | None = None
    scores: Joint | None = None
    sums: "Sums | None" = None

    @property
    def nbytes(self) -> int:
        return sum(each.nbytes for each in (self.decisions, self.scores) if each is not None)

    def joined(self, change: Callable[[Joint], Joint]) -> "Pair":
        """With the joint cells changed; the sums stay."""
        decisions = None if self.decisions is None else change(self.decisions)
        return Pair(decisions, None if self.scores is None else change(self.scores), self.sums)
