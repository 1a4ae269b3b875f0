"""Crossing: what a cell of two columns adds beyond its row and its column.

All rows fall into four blocks, which share none: the cell, the rest of its row, the rest of its column, and all else.
The interaction is (cell - rest of row) - (rest of column - all else): 0 where row and column simply add up, whatever
each of them does by itself. It is the difference of differences of a 2 x 2 layout (Yates 1937).
"""

from dataclasses import dataclass, replace

import numpy as np

from analysis.core.cube import Cube
from analysis.core.estimate import Estimates
from analysis.metrics import contrasts, replicates
from analysis.metrics.contrasts import Contrast
from analysis.metrics.definition import Metric
from analysis.metrics.replicates import Moved


@dataclass(frozen=True)
class Blocks:
    """The four blocks of each cell of a cross, (G,) groups each."""

    cell: Cube
    row: Cube
    column: Cube
    other: Cube


def blocks(cube: Cube, first: np.ndarray, second: np.ndarray) -> Blocks:
    """first, second: (G,) which row and which column each group of the cube lies in."""
    rows, columns = first[:, None] == first[None, :], second[:, None] == second[None, :]
    return Blocks(cube, cube.mix(rows & ~columns), cube.mix(columns & ~rows), cube.mix(~rows & ~columns))


def beyond(metric: Metric, made: Blocks, *, level: float = 0.95) -> Contrast:
    """The interaction of each cell; second is what its row and column alone would give it.

    Undefined where a block is: a cell that is all of its row has nothing to be compared with.
    """
    cell, row, column, other = (
        metric.measure(each, level=level) for each in (made.cell, made.row, made.column, made.other)
    )
    sides = [cell, row, column, other]
    moved = [replicates.influence(metric, each, level) for each in (made.cell, made.row, made.column, made.other)]
    judged = found = _twice(sides, moved, level)
    if metric.better == "zero":
        turned = [
            None if each is None else replace(each, by_part=each.by_part * np.sign(side.value)[:, None])
            for each, side in zip(moved, sides, strict=True)
        ]
        judged = _twice([contrasts.magnitude(each) for each in sides], turned, level)
    expected = row.value + column.value - other.value
    nothing = np.full(len(cell), np.nan)
    second = Estimates(
        expected, nothing, nothing, np.minimum(np.minimum(row.n, column.n), other.n), "row + column - all else"
    )
    return Contrast(cell, second, found, judged, contrasts.p_values(judged, level))


def _twice(sides: list[Estimates], moved: list[Moved | None], level: float) -> Estimates:
    """moved: by how much groups of units move each side, where rows belong to units."""
    cell, row, column, other = sides
    pairs = [replicates.correlation(moved[0], moved[1]), replicates.correlation(moved[2], moved[3])]
    inner = contrasts.difference(cell, row, level=level, together=pairs[0])
    outer = contrasts.difference(column, other, level=level, together=pairs[1])
    both = replicates.correlation(_less(moved[0], moved[1]), _less(moved[2], moved[3]))
    found = contrasts.difference(inner, outer, level=level, together=both)
    why = [None if reason is None else "a block of its row or column is empty or undefined" for reason in found.reason]
    method = "difference of differences: MOVER"
    if both is not None:
        method += ", with the correlations over shared units"
    return replace(found, method=method, reason=np.array(why, dtype=object))


def _less(first: Moved | None, second: Moved | None) -> Moved | None:
    if first is None or second is None:
        return None
    return Moved(first.by_part - second.by_part, first.hidden + second.hidden)
