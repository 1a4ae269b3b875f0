"""Memberships: how much of each group is in a set of rows, and how the set is made up against the rest."""

from dataclasses import dataclass

import numpy as np

from analysis.metrics.contrasts import two_proportions
from analysis.metrics.intervals import divide, mover_difference, wilson

MORE = ("more", "fewer")
"""What is said of a value that is commoner, or rarer, in the set than in the rest."""


@dataclass(frozen=True)
class Membership:
    """Of the groups that make up all rows, (G,) each. n: rows; inside: those in the set.

    part, rest: the share the group has of the set and of the rest; low, high: of their difference (Newcombe's hybrid
    score interval); p: two-sided, pooled z, that there is none; nan where the set or the rest is empty.
    """

    n: np.ndarray
    inside: np.ndarray
    part: np.ndarray
    rest: np.ndarray
    low: np.ndarray
    high: np.ndarray
    p: np.ndarray


def compared(n: np.ndarray, inside: np.ndarray, *, level: float = 0.95) -> Membership:
    """The memberships of groups with n rows, `inside` of them in the set.

    >>> found = compared(np.array([60, 40]), np.array([30, 10]))
    >>> found.part.tolist(), found.rest.tolist()
    ([0.75, 0.25], [0.5, 0.5])
    """
    n, inside = np.asarray(n), np.asarray(inside)
    size, others = np.full(len(n), float(inside.sum())), np.full(len(n), float((n - inside).sum()))
    k1, k2 = inside.astype(float), (n - inside).astype(float)
    part, rest = divide(k1, size), divide(k2, others)
    low, high = mover_difference(part, wilson(k1, size, level), rest, wilson(k2, others, level))
    return Membership(n, inside, part, rest, low, high, two_proportions(k1, size, k2, others))
