"""Operating points: the decisions every threshold of a score would make, as cubes any count metric is measured on.

A place is the first score code that counts as positive: place b means score >= low[b], and the last place, one past the
codes, selects nothing.
"""

from dataclasses import dataclass
from functools import partial

import numpy as np
import polars as pl

from analysis.core.cube import Confusion, Cube, Histogram
from analysis.core.errors import BadRequest
from analysis.metrics import cuts

MOST = 201
"""So many thresholds make a grid: more would not change a curve's picture."""


def scored(cube: Cube) -> Histogram:
    """The cube's histogram; BadRequest where it was asked for without scores."""
    if cube.histogram is None or not len(cube.histogram.low):
        raise BadRequest("No row has a score here, so there is no threshold to choose.")
    return cube.histogram


def cut(low: np.ndarray, high: np.ndarray, threshold: float) -> tuple[float, int]:
    """(the threshold in force, its place). Between two values of one code it is the nearer end of the code.
    BadRequest for what is not finite.

    low, high: (B,) as in Histogram. Where every code holds a single value a threshold stays as it was given.

    >>> cut(np.array([0.0, 0.5]), np.array([0.5, 1.0]), 0.4)
    (0.5, 1)
    """
    if not np.isfinite(threshold):
        raise BadRequest(f"A threshold is a number, not {threshold}.")
    place = int(np.searchsorted(low, threshold, side="left"))
    if place == 0 or threshold > high[-1] or np.array_equal(low, high):
        return threshold, place
    if place < len(low) and low[place] == threshold:
        return threshold, place
    before, after = place - 1, min(place, len(low) - 1)
    nearest = before if threshold - low[before] <= low[after] - threshold else after
    return float(low[nearest]), nearest


def grid(histogram: Histogram, more: tuple[int, ...] = ()) -> np.ndarray:
    """Places for a curve, ascending, at most MOST besides `more`: every code where they are few, else hundredths of the
    scores' range and codes that part the rows evenly."""
    codes = len(histogram.low)
    if codes <= MOST:
        places = np.arange(codes)
    else:
        low, high = float(histogram.low[0]), float(histogram.high[-1])
        start, stop = (0.0, 1.0) if low >= 0 and high <= 1 else (low, high)
        even = np.unique(np.searchsorted(histogram.low, start + (stop - start) * np.arange(101) / 100, side="left"))
        upto = np.cumsum(histogram.n.sum(axis=(0, 1)))
        ranks = np.unique(np.searchsorted(upto, upto[-1] * np.arange(1, 100) / 100, side="left"))
        places = np.unique(np.concatenate([even, ranks]))
        places = places[places < codes]
    return np.unique(np.concatenate([places, np.asarray(more, dtype=int)])).astype(int)


def values_at(histogram: Histogram, places: np.ndarray) -> np.ndarray:
    """The thresholds at these places: the smallest score that is selected; just above the highest where none is."""
    return np.append(histogram.low, np.nextafter(histogram.high[-1], np.inf))[places]


def from_above(cells: np.ndarray) -> np.ndarray:
    """(..., B + 1) sums over all codes at and above each place, of (..., B)."""
    summed = np.cumsum(cells[..., ::-1], axis=-1)[..., ::-1]
    return np.concatenate([summed, np.zeros((*cells.shape[:-1], 1), dtype=summed.dtype)], axis=-1)


def decided_at(cube: Cube, lower: np.ndarray, upper: np.ndarray | None = None) -> Cube:
    """A cube whose groups are the decisions at these places: negative below `lower`, positive from `upper` on.

    lower, upper: (G, T) places of each of the cube's groups; upper None is lower. What lies between has no decision,
    like a row without a score. The groups of the answer are G * T, group-major. Labels, rows and weights are those of
    the cube, so that a metric says the same here as where the engine decided; so are its units and replicates.
    """
    histogram = scored(cube)
    upper = lower if upper is None else upper
    units, parts = cuts.decided(cube, lower, upper)
    shape = lower.shape
    cells = []
    for name in ("n", "w", "w2"):
        above = cube.once(("above", name), partial(from_above, getattr(histogram, name)))
        positive, kept = (np.take_along_axis(above, at[:, None, :], axis=2) for at in (upper, lower))
        negative = above[:, :, :1] - kept
        everything = _labels(cube, name)
        unscored = everything - above[:, :, 0]
        undecided = np.maximum(unscored, 0)[:, :, None] + kept - positive
        three = np.stack([negative, positive, undecided], axis=3)  # (G, 3, T, 3): label, threshold, decision
        cells.append(three.transpose(0, 2, 1, 3).reshape(shape[0] * shape[1], 3, 3))
    rows = np.repeat(cube.rows, shape[1])
    thresholds = values_at(histogram, lower.reshape(-1))
    groups = pl.DataFrame({"threshold": thresholds})
    n, w, w2 = cells
    counts = Confusion(n, w, w2, histogram.weighted)
    return Cube(groups, rows, cube.classes, counts, units=units, replicates=parts)


def _labels(cube: Cube, name: str) -> np.ndarray:
    """(G, 3) rows by label, scored or not."""
    if cube.confusion is None:
        return getattr(scored(cube), name).sum(axis=2)
    return getattr(cube.confusion, name).sum(axis=2)


def every(cube: Cube, places: np.ndarray) -> Cube:
    """The decisions of each group at the same places (T,)."""
    return decided_at(cube, np.broadcast_to(places, (len(cube), len(places))))


@dataclass(frozen=True)
class Load:
    """How many rows a threshold selects, labelled or not: selected (B + 1,) weights by place, scored their total."""

    selected: np.ndarray
    scored: float


def load(cube: Cube) -> Load:
    """The load of every place, of all groups together."""
    above = from_above(scored(cube).w.sum(axis=(0, 1)).astype(float))
    return Load(above, float(above[0]))


def decisions(cube: Cube) -> np.ndarray:
    """(G,) weight of the rows each group selects, labelled or not, from its decisions."""
    if cube.confusion is None:
        raise BadRequest("These rows have no decisions.")
    return cube.confusion.w[:, :, 1].sum(axis=1).astype(float)
