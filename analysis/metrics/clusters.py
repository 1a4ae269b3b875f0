"""Clusters: variances that know that the rows of one unit (a customer, a patient) go together.

A metric is close to linear in what is summed, so the influence of its rows, summed by unit, is as variable as it is
itself. Rows of one unit that are alike make its interval wider than rows taken one by one would (Liang and Zeger 1986).
"""

from collections.abc import Mapping

import numpy as np

from analysis.core.cube import Cube
from analysis.core.wholes import Units
from analysis.metrics.intervals import divide, t_value, z_value

BY_UNIT = "clustered by unit"
DEALT = f"{BY_UNIT} in random groups"
APART = "the rows of a unit taken one by one, which is too narrow where they are alike"


def correction(units: np.ndarray) -> np.ndarray:
    """m / (m - 1) of (G,) units; nan below two."""
    return divide(units, np.asarray(units, dtype=float) - 1)


def knows_terms(cube: Cube, *terms: str) -> bool:
    """Whether the cube has the sums of these terms by unit."""
    return cube.units is not None and {"one", *terms} <= set(cube.units.terms)


def term_variance(units: Units, parts: Mapping[str, np.ndarray | float], scale: np.ndarray) -> np.ndarray:
    """(G,) variance of a value whose influence is a sum of terms over a scale, from their sums by unit.

    parts: {term: its factor, (G,) or a number}; "one" is the row itself. A mean m of x has {x: 1, one: -m} and scale
    sum of weights. nan below two units.
    """
    names = list(parts)
    factors = np.stack([np.broadcast_to(np.asarray(parts[name], dtype=float), scale.shape) for name in names], axis=-1)
    places = [units.terms.index(name) for name in names]
    assert units.moments is not None and units.used is not None  # noqa: S101, PT018 - see knows_terms
    picked = units.moments[:, places][:, :, places]
    spread = np.einsum("gi,gij,gj->g", factors, picked, factors)
    size = np.einsum("gi,gij,gj->g", np.abs(factors), np.abs(picked), np.abs(factors))
    spread = np.where(spread <= 1e-13 * size, 0.0, spread)
    return divide(spread, np.square(scale)) * correction(units.used)


def influence_variance(influence: np.ndarray, moments: np.ndarray, units: np.ndarray) -> np.ndarray:
    """(...,) variance of a value that is linear in counts. influence: (..., K) of one row by cell; moments: (..., K, K)
    sums over units of products of their counts; units: (...,) how many there are. nan below two units."""
    spread = np.einsum("...i,...ij,...j->...", influence, moments, influence)
    size = np.einsum("...i,...ij,...j->...", np.abs(influence), moments, np.abs(influence))
    return np.where(spread <= 1e-13 * size, 0.0, spread) * correction(units)


def share_size(
    share: np.ndarray, variance: np.ndarray, units: np.ndarray, rows: np.ndarray, level: float
) -> np.ndarray:
    """The effective n of a share with this clustered variance, as Wilson's interval wants it (Korn and Graubard 1998).

    rows: the effective n of rows taken one by one, which it never exceeds; where nothing varies it is at most the
    number of units. Student's quantile on the units being larger than the normal one makes it smaller. nan below two
    units.
    """
    spread = share * (1 - share)
    flat = ~(variance > 0) | ~(spread > 0)
    size = np.where(flat, np.minimum(units, rows), np.minimum(divide(spread, variance), rows))
    size = size * np.square(z_value(level) / t_value(level, np.asarray(units, dtype=float) - 1))
    return np.where(units >= 2, size, np.nan)
