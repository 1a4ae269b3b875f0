"""Overlapping: how many rows several segments share, from the counts of their combinations.

A combination is a mask: bit i is set in segment i. frame: mask, rows.
"""

from typing import Any

import numpy as np
import polars as pl

from analysis.core.segment import Not, Segment, every

COMBINATIONS: dict[str, Any] = {
    "members": pl.List(pl.String),
    "rows": pl.Int64,
    "share": pl.Float64,
    "where": pl.String,
}
PAIRS: dict[str, Any] = {
    "a": pl.String,
    "b": pl.String,
    "shared": pl.Int64,
    "of_a": pl.Float64,
    "of_b": pl.Float64,
    "jaccard": pl.Float64,
}


def masks(frame: pl.DataFrame, size: int) -> np.ndarray:
    """(C, P) which segments each combination is in."""
    return (frame["mask"].to_numpy()[:, None] >> np.arange(size)[None, :]) & 1 == 1


def combinations(names: list[str], segments: list[Segment], frame: pl.DataFrame) -> pl.DataFrame:
    """A row a combination that has rows, the largest first: members, rows, share, where; that of none of them too."""
    total = int(frame["rows"].sum())
    rows = []
    for row, members in zip(frame.iter_rows(named=True), masks(frame, len(names)), strict=True):
        parts = [each if inside else Not(each) for each, inside in zip(segments, members, strict=True)]
        rows.append(
            {
                "members": [name for name, inside in zip(names, members, strict=True) if inside],
                "rows": row["rows"],
                "share": row["rows"] / total,
                "where": every(parts).expression(),
            }
        )
    return pl.DataFrame(rows, schema=COMBINATIONS).sort("rows", descending=True)


def pairs(names: list[str], frame: pl.DataFrame) -> pl.DataFrame:
    """Every two segments: the rows they share, of how much of each that is, and Jaccard's share of their union."""
    held, counts = masks(frame, len(names)).astype(np.int64), frame["rows"].to_numpy()
    shared = held.T @ (counts[:, None] * held)
    rows = []
    for one in range(len(names)):
        for two in range(one + 1, len(names)):
            both, a, b = (int(shared[at]) for at in ((one, two), (one, one), (two, two)))
            rows.append(
                {
                    "a": names[one],
                    "b": names[two],
                    "shared": both,
                    "of_a": both / a if a else None,
                    "of_b": both / b if b else None,
                    "jaccard": both / (a + b - both) if a + b else None,
                }
            )
    return pl.DataFrame(rows, schema=PAIRS)
