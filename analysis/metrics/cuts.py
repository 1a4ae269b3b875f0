"""Cuts: what each replicate selects at places of a score, and so how uncertain a decision at any threshold is.

Replicates may be counted in cells of several neighbouring codes. A threshold inside a cell takes of every replicate the
share of the cell's rows that lies above it, and which rows these are is taken as independent of their units.
"""

from dataclasses import dataclass
from functools import partial

import numpy as np
import polars as pl

from analysis.core.cube import Confusion, Cube
from analysis.core.wholes import Units
from analysis.metrics.intervals import divide
from analysis.metrics.replicates import filled, split


@dataclass(frozen=True)
class Cuts:
    """Where places cut the cells of replicates, all (G, T) or (G, 3, T) by label.

    cell: the cell a place lies in, or one past the last. share: of the rows of the cell, by label, at and above the
    place. first, last: the codes of the cell, the last left out.
    """

    cell: np.ndarray
    share: np.ndarray
    first: np.ndarray
    last: np.ndarray

    def above(self, summed: np.ndarray) -> np.ndarray:
        """(G, R, L, T) sums at and above each place. summed: (G, R, L, B + 2) as `from_above` gives them by label and
        cell, of the first L labels."""
        cell, share = self.cell[:, None, None, :], self.share[:, None, : summed.shape[2], :]
        whole, beyond = (np.take_along_axis(summed, cell + step, axis=3) for step in (0, 1))
        return np.asarray(beyond + share * (whole - beyond))

    def loose(self, squares: np.ndarray) -> np.ndarray:
        """(G, L, T) the variance of what is above each place, given the cells: s (1 - s) of the squares in the cell.

        squares: (G, L, B) by label and code.
        """
        upto = _below(squares)
        last, first = (np.take_along_axis(upto, at[:, None, :], axis=2) for at in (self.last, self.first))
        share = self.share[:, : squares.shape[1]]
        return np.asarray(share * (1 - share) * (last - first))


def from_above(cells: np.ndarray) -> np.ndarray:
    """(..., B + 2) sums over all cells at and above each, of (..., B); 0 past the last."""
    summed = np.zeros((*cells.shape[:-1], cells.shape[-1] + 2))
    summed[..., :-2] = np.cumsum(cells[..., ::-1], axis=-1)[..., ::-1]
    return summed


def _below(cells: np.ndarray) -> np.ndarray:
    summed = np.zeros((*cells.shape[:-1], cells.shape[-1] + 1))
    np.cumsum(cells, axis=-1, out=summed[..., 1:])
    return summed


def cuts(cube: Cube, places: np.ndarray) -> Cuts:
    """Where places (G, T) of a cube's histogram cut the wider cells of its replicates."""
    assert cube.histogram is not None  # noqa: S101 - asked for only where there are
    assert cube.replicates is not None and cube.replicates.histogram is not None  # noqa: S101, PT018 - the same
    histogram, cells = cube.histogram, cube.replicates.histogram
    codes = len(histogram.low)
    edges = np.append(np.searchsorted(histogram.low, cells.low, side="left"), [codes, codes])
    cell = np.where(places < codes, np.searchsorted(edges[:-2], places, side="right") - 1, len(cells.low))
    first, last = edges[cell], edges[np.minimum(cell + 1, len(edges) - 1)]
    upto = cube.once("below", partial(_below, histogram.w))
    start, here, end = (np.take_along_axis(upto, at[:, None, :], axis=2) for at in (first, places, last))
    share = np.clip(np.nan_to_num(divide(end - here, end - start)), 0.0, 1.0)
    return Cuts(cell, np.where((places == first)[:, None, :], 1.0, share), first, last)


def decided(cube: Cube, lower: np.ndarray, upper: np.ndarray) -> tuple[Units | None, Cube | None]:
    """(units, replicates) of the decisions at these places, groups x places, group-major; (None, None) without any.

    lower, upper: (G, T) as in operating.decided_at, the same array where nothing stays undecided.
    """
    parts, histogram = cube.replicates, cube.histogram
    if parts is None or parts.histogram is None or histogram is None:
        return None, None
    held = parts.histogram
    summed = cube.once("replicates above", lambda: from_above(split(held.w, cube)))
    scored = summed[..., 0]
    labels = scored if parts.confusion is None else split(parts.confusion.w.astype(float), cube).sum(axis=3)
    at = [cuts(cube, places) for places in ((lower,) if lower is upper else (lower, upper))]
    kept, positive = (at[end].above(summed) for end in (0, -1))
    undecided = np.maximum(labels - scored, 0.0)[..., None] + kept - positive
    three = np.stack([scored[..., None] - kept, positive, undecided], axis=4)  # (G, R, 3, T, 3)
    by_place = three.transpose(0, 3, 1, 2, 4)  # (G, T, R, label, decision)
    flat = by_place.reshape(-1, by_place.shape[2], 9)
    moments = np.swapaxes(flat, 1, 2) @ flat
    moves = [(1, 0)] if lower is upper else [(2, 0), (1, 2)]
    squares = histogram.w2.astype(float)
    for cut, (up, down) in zip(at, moves, strict=True):
        loose = cut.loose(squares).transpose(0, 2, 1).reshape(-1, 3)
        for label in range(3):
            one, two = 3 * label + up, 3 * label + down
            moments[:, one, one] += loose[:, label]
            moments[:, two, two] += loose[:, label]
            moments[:, one, two] -= loose[:, label]
            moments[:, two, one] -= loose[:, label]
    times = lower.shape[1]
    units = Units(np.repeat(filled(cube).sum(axis=1), times), cells=moments, dealt=True)
    rows = np.repeat(split(parts.rows, cube), times, axis=0).reshape(-1)
    cells = flat.reshape(-1, 3, 3)
    made = Cube(pl.DataFrame(), rows, cube.classes, Confusion(cells, cells, cells, histogram.weighted))
    return units, made
