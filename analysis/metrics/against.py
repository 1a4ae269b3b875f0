"""Against: what the groups of a cube are compared with beside the rest: an earlier time, or their row and column."""

from dataclasses import replace

import numpy as np
import polars as pl

from analysis.core.cube import Cube
from analysis.core.errors import BadRequest, UnknownName
from analysis.core.period import Period
from analysis.metrics import crossing, differences
from analysis.metrics.contrasts import Contrast
from analysis.metrics.definition import Metric

REST, OVERALL, PARENTS = "rest", "overall", "parents"
EARLIER = ("before", "weekdays", "season")
WHOLE = ("order:", "days", "rank_products")
"""Needs of a cube that the other groups do not add up to."""
ROW_AND_COLUMN = "its row and column"


def aligned(cube: Cube, like: Cube) -> Cube:
    """A cube with the groups of another in their order, empty where it has none of a kind."""
    names = like.groups.columns
    places = like.groups.with_row_index("at").join(cube.groups.with_row_index("own"), on=names, nulls_equal=True)
    own, at = (places[name].cast(pl.Int64).to_numpy() for name in ("own", "at"))
    return replace(cube.pick(own).placed(at, len(like)), groups=like.groups)


def places(values: pl.Series) -> np.ndarray:
    """(G,) the place of each group's value among the values of its column, in the cube's order."""
    known = {value: place for place, value in enumerate(values.unique(maintain_order=True).to_list())}
    return np.array([known[value] for value in values.to_list()], dtype=np.int64)


def said(period: Period) -> str:
    """An earlier time as the other side of a comparison."""
    return f"{period.first} to {period.last}"


def refuse(against: str, columns: int, period: Period) -> None:
    """BadRequest where groups of so many columns and this period have no such other side."""
    if against == PARENTS and columns != 2:
        raise BadRequest("A cell is compared with its row and column (parents): break out by two columns.")
    if against in EARLIER and period.before() is None:
        raise BadRequest("An earlier time is compared with a period: choose one, with both its ends (--from, --to).")


def beyond(metric: Metric, cube: Cube, _: Cube | None = None, *, level: float = 0.95) -> Contrast:
    """What each cell of two columns adds beyond its row and its column."""
    first, second = (places(cube.groups[f"k{at}"]) for at in range(2))
    return crossing.beyond(metric, cube.once("blocks", lambda: crossing.blocks(cube, first, second)), level=level)


def one_of(cube: Cube, group: str) -> tuple[Cube, Cube]:
    """(the other groups, the group that is called so); UnknownName where none is."""
    labels = [
        differences.MISSING if None in row and len(row) == 1 else ", ".join(str(each) for each in row)
        for row in cube.groups.rows()
    ]
    if group not in labels:
        raise UnknownName("group", group, labels)
    place = labels.index(group)
    kept = np.array([each for each in range(len(cube)) if each != place], dtype=int)
    return cube.pick(kept), cube.pick(np.array([place]))
