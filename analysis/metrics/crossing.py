"""Crossing: what a cell of two columns adds beyond its row and its column.

All rows fall into four blocks, which share none: the cell, the rest of its row, the rest of its column, and all else.
The interaction is (cell - rest of row) - (rest of column - all else): 0 where row and column simply add up, whatever
each of them does by itself. It is the difference of differences of a 2 x 2 layout (Yates 1937).
"""

from dataclasses import dataclass, replace

import numpy as np

from analysis.core.cube import Cube
from analysis.core.estimate import Estimates
from analysis.metrics import contrasts
from analysis.metrics.contrasts import Contrast
from analysis.metrics.definition import Metric


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
    if metric.better == "zero":
        judged = _twice([contrasts.magnitude(each) for each in (cell, row, column, other)], level)
    found = _twice([cell, row, column, other], level)
    judged = judged if metric.better == "zero" else found
    expected = row.value + column.value - other.value
    nothing = np.full(len(cell), np.nan)
    second = Estimates(
        expected, nothing, nothing, np.minimum(np.minimum(row.n, column.n), other.n), "row + column - all else"
    )
    return Contrast(cell, second, found, judged, contrasts.p_values(judged, level))


def _twice(sides: list[Estimates], level: float) -> Estimates:
    cell, row, column, other = sides
    inner = contrasts.difference(cell, row, level=level)
    outer = contrasts.difference(column, other, level=level)
    made = contrasts.difference(inner, outer, level=level)
    why = [None if reason is None else "a block of its row or column is empty or undefined" for reason in made.reason]
    return replace(made, method="difference of differences: MOVER", reason=np.array(why, dtype=object))
