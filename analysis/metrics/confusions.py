"""Confusions: what is taken for what, as shares of the actual and of the predicted class, and an order of classes that
puts those confused with each other side by side."""

from collections.abc import Sequence

import numpy as np
import polars as pl

from analysis.core.cube import Confusion
from analysis.core.wholes import Units
from analysis.metrics.clusters import correction, share_size
from analysis.metrics.intervals import divide, effective_n, wilson

CELLS = {
    "actual": pl.String,
    "predicted": pl.String,
    "n": pl.Int64,
    "n_actual": pl.Int64,
    "n_predicted": pl.Int64,
    "share_of_actual": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "share_of_predicted": pl.Float64,
    "method": pl.String,
}


def square(confusion: Confusion) -> Confusion:
    """Only the rows that have both a label and a decision, of a cube's only group: (1, C, C)."""
    size = confusion.classes
    n, w, w2 = (each[:1, :size, :size] for each in (confusion.n, confusion.w, confusion.w2))
    return Confusion(n, w, w2, confusion.weighted)


def trials(confusion: Confusion, units: Units | None, level: float) -> np.ndarray | None:
    """(C, C) the effective n of each cell's share of its actual class, of a cube's only group; None where how rows of
    one unit go together is not known. confusion: as `square` gives it."""
    if units is None or units.cells is None:
        return None
    w, w2 = confusion.w[0].astype(float), confusion.w2[0].astype(float)
    size, sums = len(w), w.sum(axis=1)
    share = np.nan_to_num(divide(w, np.broadcast_to(sums[:, None], w.shape)))
    spread = np.zeros(w.shape)
    for own in range(size):
        here = own * (size + 1) + np.arange(size)
        pairs = units.cells[0][np.ix_(here, here)]
        spread[own] = np.diag(pairs) - 2 * share[own] * pairs.sum(axis=0) + share[own] ** 2 * pairs.sum()
    variance = divide(spread, np.broadcast_to(sums[:, None] ** 2, w.shape)) * correction(units.n[:1])
    rows = np.broadcast_to(effective_n(sums, w2.sum(axis=1))[:, None], w.shape)
    return share_size(share, np.nan_to_num(variance), np.broadcast_to(units.n[:1], w.shape), rows, level)


def cells(
    confusion: Confusion, names: Sequence[str], level: float, size: np.ndarray | None = None, how: str = ""
) -> pl.DataFrame:
    """A row a cell, actual classes in the order of `names` and in each the predicted ones.

    confusion: (1, C, C), the axes as long as names. share_of_actual: the cell among its actual class, with Wilson's
    interval low to high (under weights on the effective n); share_of_predicted: among its predicted class. Shares are
    nan where their class has no rows. size: (C, C) the effective n of each cell, where rows belong to units, and how
    it is called.
    """
    n, w, w2 = confusion.n[0], confusion.w[0].astype(float), confusion.w2[0].astype(float)
    count = len(names)
    rows = np.broadcast_to(w.sum(axis=1, keepdims=True), w.shape)
    share = divide(w, rows)
    used = np.broadcast_to(effective_n(w.sum(axis=1), w2.sum(axis=1))[:, None], w.shape) if size is None else size
    low, high = wilson(share * used, used, level)
    method = "Wilson on the effective n" if confusion.weighted or size is not None else "Wilson"
    return pl.DataFrame(
        {
            "actual": np.repeat(np.array(names, dtype=object), count).tolist(),
            "predicted": list(names) * count,
            "n": n.ravel(),
            "n_actual": np.repeat(n.sum(axis=1), count),
            "n_predicted": np.tile(n.sum(axis=0), count),
            "share_of_actual": share.ravel(),
            "low": low.ravel(),
            "high": high.ravel(),
            "share_of_predicted": divide(w, np.broadcast_to(w.sum(axis=0, keepdims=True), w.shape)).ravel(),
            "method": [method + how] * count * count,
        },
        schema=CELLS,
    ).with_columns(pl.col("share_of_actual", "low", "high", "share_of_predicted").fill_nan(None))


def merged(confusion: Confusion, kept: Sequence[int]) -> Confusion:
    """The kept classes in this order, and all others as one last class. confusion: (1, C, C), as `square` gives it."""
    place = np.full(confusion.n.shape[1], len(kept))
    place[list(kept)] = np.arange(len(kept))

    def fold(cell: np.ndarray) -> np.ndarray:
        made = np.zeros((1, len(kept) + 1, len(kept) + 1), dtype=cell.dtype)
        np.add.at(made[0], (place[:, None], place[None, :]), cell[0])
        return made

    return Confusion(fold(confusion.n), fold(confusion.w), fold(confusion.w2), confusion.weighted)


def most_confused(n: np.ndarray, most: int) -> list[int]:
    """The at most `most` classes with the most errors of either kind, in their given order. n: (C, C) counts."""
    errors = n.sum(axis=0) + n.sum(axis=1) - 2 * np.diag(n)
    return sorted(np.argsort(-errors, kind="stable")[:most].tolist())


def side_by_side(n: np.ndarray) -> list[int]:
    """An order of the classes in which those confused with each other stand together; the given one for two.

    n: (C, C) counts. Spectral seriation (Atkins, Boman and Hendrickson 1998): by the Fiedler vector of the graph
    whose edges are the shares of each pair that are confused, either way. The end nearer to the given order is first.
    """
    size = len(n)
    if size < 3:
        return list(range(size))
    shares = np.nan_to_num(divide(n, np.broadcast_to(n.sum(axis=1, keepdims=True), n.shape)))
    likeness = shares + shares.T
    np.fill_diagonal(likeness, 0.0)
    scale = likeness.max()
    if scale <= 0:
        return list(range(size))
    likeness = likeness / scale + 1e-6 * (1 - np.eye(size))
    laplacian = np.diag(likeness.sum(axis=1)) - likeness
    vector = np.linalg.eigh(laplacian)[1][:, 1].round(9)
    order = np.argsort(vector, kind="stable")
    places = np.arange(size)
    if np.dot(np.argsort(order) - places.mean(), places - places.mean()) < 0:
        order = np.argsort(-vector, kind="stable")
    return [int(each) for each in order]
