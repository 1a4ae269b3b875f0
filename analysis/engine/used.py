"""Rows used, dropped and why: as the engine counted them, so that they add up to the rows in scope."""

from analysis.core.cube import Cube
from analysis.core.receipt import Used


def rows_used(model: str, cube: Cube, of: str = "the model") -> Used:
    """What the numbers of one model version rest on: labelled rows it decided or scored.

    of: who had to answer, in words.
    """
    if cube.tally is None:
        raise ValueError("a cube nobody tallied")
    left = [int(cube.rows.sum())]
    dropped = {}
    for why, kept in (
        ("without a label yet", cube.tally.labelled),
        (f"without an answer of {of}", cube.tally.answered),
        ("without a weight", cube.tally.used),
    ):
        left.append(int(kept.sum()))
        if left[-1] < left[-2]:
            dropped[why] = left[-2] - left[-1]
    return Used(model, left[0], left[-1], dropped, int(cube.tally.review.sum()))
