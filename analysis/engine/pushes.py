"""Pushes: what features do to a model's answers in rows that were explained."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from analysis.core.settings import number
from analysis.engine.manyexplained import SCHEMA, Rows
from analysis.explaining.neighbourhood import FLAG


@dataclass(frozen=True)
class Pushes:
    """rows: those that count. terms: as explanations name them, columns before flags. values: (rows, terms) the weight
    times how far the row is from the usual value; 0 where a row has no such term. sizes: of the weights, as a piece has
    them; leans: the same times how far. fit, prediction: (rows,). drawn: how many were explained; left_out: of them,
    those that do not count."""

    rows: Rows
    terms: tuple[str, ...]
    values: np.ndarray
    sizes: np.ndarray
    leans: np.ndarray
    fit: np.ndarray
    prediction: np.ndarray
    drawn: int

    @property
    def left_out(self) -> int:
        return self.drawn - len(self.rows)

    def of(self, terms: Sequence[str]) -> "Pushes":
        """The same with these terms in this order; nan of a term that no row has, since nothing varies there."""
        places = {name: at for at, name in enumerate(self.terms)}
        parts = []
        for known in (self.values, self.sizes, self.leans):
            made = np.full((len(self.rows), len(terms)), np.nan)
            for at, name in enumerate(terms):
                if name in places:
                    made[:, at] = known[:, places[name]]
            parts.append(made)
        values, sizes, leans = parts
        return replace(self, terms=tuple(terms), values=values, sizes=sizes, leans=leans)

    def take(self, places: np.ndarray) -> "Pushes":
        rows = self.rows.take(places.tolist())
        return Pushes(
            rows,
            self.terms,
            self.values[places],
            self.sizes[places],
            self.leans[places],
            self.fit[places],
            self.prediction[places],
            self.drawn,
        )


def together(rows: Rows, made: Iterable[pl.DataFrame]) -> Pushes:
    """What was made of these rows' pieces; of all of them, well fitted or not."""
    frames = list(made)
    frame = pl.concat(frames) if frames else pl.DataFrame(schema=SCHEMA)
    known = frame.select("term", "column", "kind").unique().sort(pl.col("kind") == FLAG, "column")
    terms = known["term"].unique(maintain_order=True).to_list()
    at = {name: place for place, name in enumerate(terms)}
    places = {row: place for place, row in enumerate(rows.frame["row"].to_list())}
    values, sizes, leans = (np.zeros((len(rows), len(terms))) for _ in range(3))
    one, other = [places[row] for row in frame["row"]], [at[name] for name in frame["term"]]
    sizes[one, other] = frame["size"].to_numpy()
    leans[one, other] = (frame["size"] * frame["steps"].abs()).to_numpy()
    values[one, other] = (frame["weight"] * frame["steps"]).to_numpy()
    whole = frame.group_by("row").agg(pl.col("fit", "prediction").first())
    fit, prediction = np.full(len(rows), np.nan), np.full(len(rows), np.nan)
    order = [places[row] for row in whole["row"]]
    fit[order], prediction[order] = whole["fit"].to_numpy(), whole["prediction"].to_numpy()
    return Pushes(rows, tuple(terms), values, sizes, leans, fit, prediction, len(rows))


def well_fitted(found: Pushes) -> Pushes:
    """The rows near which a straight line explains enough of what the model does (setting explain_fit)."""
    return found.take(np.flatnonzero(found.fit >= number("explain_fit")))
