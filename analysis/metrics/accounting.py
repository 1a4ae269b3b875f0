"""Accounting: what belonging to each of several overlapping sets of rows goes with, the others held fixed.

A linear regression of a row's outcome on the indicators of the sets, worked out from the cells of their overlaps: it
needs no row. Its coefficients are differences in the outcome's own unit, so that they can be set beside the plain ones.
"""

from dataclasses import dataclass

import numpy as np

from analysis.metrics.intervals import t_value


@dataclass(frozen=True)
class Cells:
    """Rows by their membership, one cell a combination, (C,) each.

    n: rows with an outcome; w, w2: sums of weights and squared weights; s: of w v; q: of w^2 v; q2: of w^2 v^2.
    """

    n: np.ndarray
    w: np.ndarray
    w2: np.ndarray
    s: np.ndarray
    q: np.ndarray
    q2: np.ndarray


@dataclass(frozen=True)
class Effects:
    """Of each set, (P,). value: the difference in the outcome, the other sets held fixed; low, high: its interval; p:
    two-sided; all nan where a set follows from those before it (`twin`). freedom: of Student's t.
    """

    value: np.ndarray
    low: np.ndarray
    high: np.ndarray
    p: np.ndarray
    twin: tuple[bool, ...]
    freedom: float


def effects(members: np.ndarray, cells: Cells, *, level: float = 0.95) -> Effects:
    """The effects of P sets. members: (C, P) of bool, which sets each cell's rows are in.

    Least squares (weighted by the weights) with the sandwich variance and n / (n - P - 1) (HC1; MacKinnon and White
    1985), Student's t. A set that is empty, all rows, or made of the ones before it has no effect of its own.
    """
    from scipy.special import stdtr

    held = cells.n > 0
    members, w = np.asarray(members, dtype=float)[held], np.asarray(cells.w, dtype=float)[held]
    w2, s, q, q2 = (np.asarray(each, dtype=float)[held] for each in (cells.w2, cells.s, cells.q, cells.q2))
    n, places = float(cells.n.sum()), _independent(members)
    size = members.shape[1]
    value, low, high, p = (np.full(size, np.nan) for _ in range(4))
    freedom = n - len(places) - 1
    twin = tuple(place not in places for place in range(size))
    if not places or freedom <= 0:
        return Effects(value, low, high, p, twin, freedom)
    design = np.column_stack([np.ones(len(members)), members[:, places]])
    bread = np.linalg.inv(design.T @ (w[:, None] * design))
    found = bread @ (design.T @ s)
    fitted = design @ found
    square = np.maximum(q2 - 2 * fitted * q + fitted**2 * w2, 0.0)
    cover = bread @ (design.T @ (square[:, None] * design)) @ bread * (n / freedom)
    error = np.sqrt(np.maximum(np.diag(cover), 0.0))[1:]
    reach = t_value(level, np.full(len(places), freedom)) * error
    value[places], low[places], high[places] = found[1:], found[1:] - reach, found[1:] + reach
    with np.errstate(divide="ignore", invalid="ignore"):
        p[places] = np.where(error > 0, 2 * stdtr(freedom, -np.abs(found[1:]) / error), np.nan)
    return Effects(value, low, high, p, twin, freedom)


def _independent(members: np.ndarray) -> list[int]:
    """The places of sets that do not follow from a constant and the ones before them."""
    kept: list[int] = []
    basis = np.ones((len(members), 1))
    for place in range(members.shape[1]):
        tried = np.column_stack([basis, members[:, place]])
        if np.linalg.matrix_rank(tried) == tried.shape[1]:
            basis, kept = tried, [*kept, place]
    return kept
