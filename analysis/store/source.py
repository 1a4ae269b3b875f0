"""The source of a build: the relation the rows are read from, and looks at it that are the same every time."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import duckdb
import numpy as np


@dataclass(frozen=True)
class Source:
    """relation: what to select from, as `relation r`; it has a rowid. rows: how many."""

    connection: duckdb.DuckDBPyConnection
    relation: str
    rows: int

    def one(self, query: str) -> tuple[Any, ...]:
        """The one row of an aggregate."""
        rows = self.connection.execute(query).fetchall()  # to the end: an unfinished result blocks the connection
        return rows[0]

    def values(self, expression: str, most: int) -> np.ndarray:
        """At most `most` distinct values, in no order."""
        return self.connection.execute(
            f"SELECT DISTINCT v FROM (SELECT {expression} AS v FROM {self.relation} r) WHERE v IS NOT NULL LIMIT {most}"
        ).fetchnumpy()["v"]

    def sample(self, expressions: Sequence[str], most: int) -> list[np.ndarray]:
        """The finite values of each expression in about `most` rows, evenly spaced."""
        every = max(1, self.rows // most)
        picked = ", ".join(f"CAST({each} AS DOUBLE) AS v{place}" for place, each in enumerate(expressions))
        where = "" if every == 1 else f" WHERE r.rowid % {every} = 0"
        found = self.connection.execute(f"SELECT {picked} FROM {self.relation} r{where}").fetchnumpy()
        taken = []
        for place in range(len(expressions)):
            values = np.ma.filled(found[f"v{place}"].astype(np.float64), np.nan)
            taken.append(np.asarray(values)[np.isfinite(values)])
        return taken
