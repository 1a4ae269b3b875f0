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
