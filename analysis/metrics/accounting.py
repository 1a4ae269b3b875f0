"""Accounting: what belonging to each of several overlapping sets of rows goes with, the others held fixed.

A linear regression of a row's outcome on the indicators of the sets, worked out from the cells of their overlaps: it
needs no row. Its coefficients are differences in the outcome's own unit, so that they can be set beside the plain ones.
"""

from dataclasses import dataclass

import numpy as np

from analysis.metrics.clusters import BY_UNIT, DEALT
from analysis.metrics.intervals import t_value

BY_ROW = "least squares on the indicators, HC1 variance"


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
class Clusters:
    """The same rows by unit and cell, (K,) each. unit: its number, from 0 on without gaps; cell: a place among the
    cells; w, s: sums of w and w v. dealt: each "unit" is a random group of them."""

    unit: np.ndarray
    cell: np.ndarray
    w: np.ndarray
    s: np.ndarray
    dealt: bool = False


@dataclass(frozen=True)
class Effects:
    """Of each set, (P,). value: the difference in the outcome, the other sets held fixed; low, high: its interval; p:
    two-sided; all nan where a set follows from those before it (`twin`). freedom: of Student's t; method: the words.
    """

    value: np.ndarray
    low: np.ndarray
    high: np.ndarray
    p: np.ndarray
    twin: tuple[bool, ...]
    freedom: np.ndarray
    method: str


def effects(members: np.ndarray, cells: Cells, clusters: Clusters | None = None, *, level: float = 0.95) -> Effects:
    """The effects of P sets. members: (C, P) of bool, which sets each cell's rows are in.

    Least squares (weighted by the weights) with the sandwich variance and n / (n - P - 1) (HC1; MacKinnon and White
    1985), Student's t. Where rows belong to units the sandwich sums over these, with m / (m - 1) (n - 1) / (n - P - 1)
    (Liang and Zeger 1986), and a set's t has one degree of freedom fewer than it or its rest has units. A set that is
    empty, all rows, or made of the ones before it has no effect of its own.
    """
    from scipy.special import stdtr

    held = cells.n > 0
    sets, w = np.asarray(members, dtype=float)[held], np.asarray(cells.w, dtype=float)[held]
    s = np.asarray(cells.s, dtype=float)[held]
    n, places = float(cells.n.sum()), _independent(sets)
    size = sets.shape[1]
    value, low, high, p = (np.full(size, np.nan) for _ in range(4))
    method = BY_ROW if clusters is None else f"least squares on the indicators, {DEALT if clusters.dealt else BY_UNIT}"
    twin, freedom = tuple(place not in places for place in range(size)), np.full(size, n - len(places) - 1)
    if not places or freedom[0] <= 0:
        return Effects(value, low, high, p, twin, freedom, method)
    design = np.column_stack([np.ones(len(sets)), sets[:, places]])
    bread = np.linalg.inv(design.T @ (w[:, None] * design))
    found = bread @ (design.T @ s)
    if clusters is None:
        meat = _by_row(design, found, cells, held) * (n / freedom[0])
    else:
        at = np.cumsum(held)[clusters.cell] - 1
        meat = _by_unit(design[at], found, clusters) * ((n - 1) / freedom[0])
        freedom = _units(sets[at], clusters.unit) - 1.0
    error = np.sqrt(np.maximum(np.diag(bread @ meat @ bread), 0.0))[1:]
    own = freedom[places]
    error[own < 1] = np.nan
    reach = t_value(level, own) * error
    value[places], low[places], high[places] = found[1:], found[1:] - reach, found[1:] + reach
    with np.errstate(divide="ignore", invalid="ignore"):
        p[places] = np.where(error > 0, 2 * stdtr(own, -np.abs(found[1:]) / error), np.nan)
    return Effects(value, low, high, p, twin, freedom, method)


def _by_row(design: np.ndarray, found: np.ndarray, cells: Cells, held: np.ndarray) -> np.ndarray:
    """The sum of squared scores over rows."""
    w2, q, q2 = (np.asarray(each, dtype=float)[held] for each in (cells.w2, cells.q, cells.q2))
    fitted = design @ found
    square = np.maximum(q2 - 2 * fitted * q + fitted**2 * w2, 0.0)
    return np.asarray(design.T @ (square[:, None] * design))


def _by_unit(design: np.ndarray, found: np.ndarray, clusters: Clusters) -> np.ndarray:
    """The sum of squared scores over m units, m / (m - 1) times. design: (K, P + 1) of the clusters' cells."""
    score = (clusters.s - (design @ found) * clusters.w)[:, None] * design
    summed = np.column_stack([np.bincount(clusters.unit, each) for each in score.T])
    units = len(summed)
    return np.asarray(summed.T @ summed) * (units / (units - 1) if units > 1 else np.nan)


def _units(sets: np.ndarray, unit: np.ndarray) -> np.ndarray:
    """(P,) how many units a set has, or its rest where that has fewer. sets: (K, P) of the clusters' cells."""
    return np.array([min(len(np.unique(unit[held == side])) for side in (0, 1)) for held in sets.T])


def _independent(members: np.ndarray) -> list[int]:
    """The places of sets that do not follow from a constant and the ones before them."""
    kept: list[int] = []
    basis = np.ones((len(members), 1))
    for place in range(members.shape[1]):
        tried = np.column_stack([basis, members[:, place]])
        if np.linalg.matrix_rank(tried) == tried.shape[1]:
            basis, kept = tried, [*kept, place]
    return kept
