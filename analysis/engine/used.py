"""Rows used, dropped and why: counted from the cube, so that they add up to the rows in scope."""

from analysis.core.cube import Cube
from analysis.core.evaluation import Evaluation, ModelFacts
from analysis.core.receipt import Used


def rows_used(evaluation: Evaluation, model: ModelFacts, cube: Cube) -> Used:
    """What the numbers of one model rest on: labelled rows it decided or scored."""
    rows = int(cube.rows.sum())
    if cube.confusion is not None:
        n = cube.confusion.n.sum(axis=0)
        last = cube.confusion.classes
        unlabelled = int(n[last, :].sum())
        silent = int(n[:last, last].sum())
        if cube.histogram is not None and not int(n[:, :last].sum()):
            silent = int(n[:last, :].sum()) - int(cube.histogram.n[:, :2].sum())
        used = rows - unlabelled - silent
    else:
        used = int(cube.sums.n.sum()) if cube.sums is not None else rows
        unlabelled, silent = rows - used, 0
    dropped = {}
    if unlabelled:
        dropped["without a label yet" if evaluation.task != "regression" else "without a label or a forecast"] = unlabelled
    if silent:
        dropped["without an answer of the model"] = silent
    return Used(model.name, rows, used, dropped)
