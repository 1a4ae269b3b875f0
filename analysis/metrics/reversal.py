"""Reversals: the whole moves one way and all of its groups the other (Simpson 1951)."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import polars as pl

from analysis.core import words
from analysis.core.cube import Cube
from analysis.core.settings import whole
from analysis.metrics.definition import Metric

UP, DOWN = "up", "down"
FRAME: dict[str, Any] = {
    "first": pl.String,
    "second": pl.String,
    "whole": pl.Float64,
    "groups": pl.String,
    "sentence": pl.String,
}


@dataclass(frozen=True)
class Reversal:
    """first, second: what is compared, model versions or times. whole: the change from first to second on the whole.

    groups: which way every group moves, "up" or "down". model: whose, where times are compared.
    """

    first: str
    second: str
    whole: float
    groups: str
    model: str = ""

    def sentence(self, columns: Sequence[str]) -> str:
        """A warning in words."""
        whole, groups = ("higher", "lower") if self.whole > 0 else ("lower", "higher")
        said = (
            f"{self.model} is {whole} than in {self.first}"
            if self.model
            else f"{self.second} is {whole} than {self.first}"
        )
        return (
            f"Careful: {said} on the whole, yet {groups} in every group of {words.listed(columns)}: their rows are "
            "mixed differently (Simpson's paradox)."
        )


def reversed_way(total: float, groups: np.ndarray, n: np.ndarray, *, least: float) -> str | None:
    """The way the groups move, "up" or "down", where each of two or more moves against the whole; else None.

    total: how the whole changed. groups: (G,) how each group did, nan where that is unknown. n: (G,) the smaller side
    of each; groups below `least` are set aside.

    >>> reversed_way(0.1, np.array([-0.02, -0.05]), np.array([50, 60]), least=30)
    'down'
    """
    known = groups[(n >= least) & ~np.isnan(groups)]
    if len(known) < 2 or np.isnan(total):
        return None
    if total > 0 and np.all(known < 0):
        return DOWN
    return UP if total < 0 and np.all(known > 0) else None


def versions(frame: pl.DataFrame, overall: pl.DataFrame) -> list[Reversal]:
    """Pairs of model versions of which one is higher on the whole and the other in every group.

    frame: a row a model version and group; overall: a row a model version.
    """
    made = []
    names, keys = overall["model"].to_list(), frame.columns[: frame.columns.index("model")]
    for place, first in enumerate(names):
        for second in names[place + 1 :]:
            totals = [overall.filter(pl.col("model") == name)["value"][0] for name in (first, second)]
            sides = [frame.filter(pl.col("model") == name).select(*keys, "value", "n") for name in (first, second)]
            if None not in totals:
                made.append(_found(first, second, totals[1] - totals[0], *sides))
    return [each for each in made if each is not None]


def over_time(model: str, before: str, metric: Metric, earlier: Cube, later: Cube) -> Reversal | None:
    """A metric that moved one way from the period before, and the other way in every group."""
    totals = [metric.measure(cube.total()).value[0] for cube in (earlier, later)]
    sides = []
    for cube in (earlier, later):
        found = metric.measure(cube)
        sides.append(cube.groups.with_columns(pl.Series("value", found.value).fill_nan(None), pl.Series("n", found.n)))
    return _found(before, "now", float(totals[1] - totals[0]), *sides, model=model)


def _found(
    first: str, second: str, total: float, one: pl.DataFrame, two: pl.DataFrame, *, model: str = ""
) -> Reversal | None:
    keys = [name for name in one.columns if name not in ("value", "n")]
    both = one.join(two, on=keys, how="inner", nulls_equal=True, suffix="_second")
    change = (both["value_second"] - both["value"]).fill_null(np.nan).to_numpy()
    n = np.minimum(both["n"].to_numpy(), both["n_second"].to_numpy())
    way = reversed_way(total, change, n, least=whole("small_group"))
    return None if way is None else Reversal(first, second, total, way, model)


def listed(found: Sequence[Reversal], columns: Sequence[str]) -> pl.DataFrame:
    """A row a reversal, with its warning."""
    made = [{**asdict(each), "sentence": each.sentence(columns)} for each in found]
    return pl.DataFrame(made, schema=FRAME | {"model": pl.String}).select(*FRAME)
