"""Grids: a model asked about drawn rows with one feature set to each of a few observed values in turn."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import polars as pl

from analysis.core import words
from analysis.core.errors import BadRequest
from analysis.engine.asking import Drawn, answered
from analysis.engine.piecework import Piece

MOST = 20
ENDS = (0.01, 0.99)
"""Shares of the rows between which a number is moved: beyond lie single values far away."""


@dataclass(frozen=True)
class Grid:
    """The values a feature is set to, in order, as the model takes them. at: as numbers, nan of categories."""

    feature: str
    place: int
    values: pl.Series
    numeric: bool

    @property
    def at(self) -> np.ndarray:
        if not self.numeric:
            return np.full(len(self.values), np.nan)
        return self.values.cast(pl.Float64).to_numpy()

    @property
    def texts(self) -> list[str]:
        if self.numeric:
            return [words.plain_number(each) for each in self.at]
        return [str(each) for each in self.values]


def observed(drawn: Drawn, feature: str, most: int = MOST) -> Grid:
    """At most `most` values that occur: quantiles of numbers, the most frequent ones of anything else, in their order.

    BadRequest where the feature is missing in every row.
    """
    place = drawn.place(feature)
    column = drawn.frame[f"v{place}"].drop_nulls()
    numeric = drawn.numeric(place)
    if numeric and column.dtype.is_float():
        column = column.filter(column.is_finite())
    if not len(column):
        raise BadRequest(f"'{feature}' is missing in all of {words.plural(len(drawn), 'row')}.")
    if numeric:
        values = np.quantile(column.to_numpy(), np.linspace(*ENDS, most), method="inverted_cdf")
        return Grid(feature, place, pl.Series(values).unique().sort().cast(column.dtype), True)
    counted = column.cast(pl.String).value_counts(name="n").sort("n", column.name, descending=[True, False])
    return Grid(feature, place, counted[column.name].head(most).sort(), False)


def asked(drawn: Drawn, grid: Grid) -> Piece:
    """The answers to every drawn row at every value of the grid: value by value, the rows in their order."""
    mark = {**drawn.mark, "what": "grid", "grid": grid.feature, "values": [str(each) for each in grid.values]}
    doing = f"{drawn.scorer.model.label} answers with {grid.feature} set to {words.plural(len(grid.values), 'value')}"
    return Piece(mark, doing, partial(_asked, drawn, grid), len(drawn) * len(grid.values))


def filled(drawn: Drawn, grid: Grid) -> pl.DataFrame:
    """The rows with the feature at each value of the grid, value by value."""
    name, inputs = f"v{grid.place}", drawn.inputs
    kind = inputs[name].dtype if grid.numeric else pl.String
    return pl.concat([inputs.with_columns(pl.lit(value, dtype=kind).alias(name)) for value in grid.values])


def _asked(drawn: Drawn, grid: Grid, report: Callable[[float], None]) -> pl.DataFrame:
    return answered(drawn.scorer, filled(drawn, grid), report)
