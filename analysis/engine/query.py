"""Queries: what to count. Narrow on purpose, so that another engine can answer the same request."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from analysis.core.cube import Cube
from analysis.core.cut import Cut
from analysis.core.cutoffs import Threshold
from analysis.core.evaluation import Evaluation
from analysis.core.period import Period
from analysis.core.segment import Everything, Segment
from analysis.engine.cache import CubeCache, Shelf
from analysis.metrics.definition import Metric

if TYPE_CHECKING:
    from analysis.engine.rows import Found, Judged, Listed, RowQuery


@dataclass(frozen=True)
class Query:
    """Group by these keys, under this filter and period, and give counts and sums for one model version.

    needs: what the cube must hold, in the words of metrics ("decisions", "scores", "sum:TERM", "order:QUANTITY").
    other: a second model version; then only rows both answered count, and "pair:decisions", "pair:scores" and
    "pair:TERM" (the difference of a per-row term) may be needed too.
    by: column names, or columns cut at edges. bucket: a time bucket as a further, last key; rows without a time are a
    group of their own.
    units: whether how the rows of single units go together is counted, where rows belong to them.
    replicates: into how many random groups the units are dealt, as the last key of all; 0: not at all.
    halves: the file's random half bit as a key after `by` ("true", "false"): what one half chose the other checks.
    threshold: what decides by score instead of the recorded decision (of two versions: for each that has scores).
    """

    model: str
    needs: frozenset[str]
    by: tuple[str | Cut, ...] = ()
    bucket: str | None = None
    halves: bool = False
    where: Segment = field(default_factory=Everything)
    period: Period = field(default_factory=Period)
    threshold: Threshold | None = None
    other: str | None = None
    units: bool = True
    replicates: int = 0


@dataclass(frozen=True)
class Answer:
    """A cube with how it came about. threshold: what is in force, its numbers snapped to edges of the score codes;
    other_threshold: of the second model version."""

    cube: Cube
    sql: tuple[str, ...]
    seconds: float
    cached: bool
    threshold: Threshold | None = None
    other_threshold: Threshold | None = None


@dataclass(frozen=True)
class OpenEvaluation:
    """An evaluation one can ask. location: the file, relative to the workspace, for receipts.
    own: the metrics analysts defined for it, by name.

    ask_all: the answers of many queries, in their order; those that differ only in `by` share their scans.
    rows: what is asked of the rows themselves (engine/rows.py). export: all rows of a listing as a CSV file in the
    workspace's exports/ (its path, its rows). judge: how a model version judges rows at a threshold. scan: what one of
    our own statements answers, which no cache keeps: rows by the million. kept: the cache of answers.
    """

    facts: Evaluation
    ask: Callable[[Query], Answer]
    ask_all: Callable[[Sequence[Query]], list[Answer]]
    rows: "Callable[[RowQuery], Found]"
    export: "Callable[[Listed, str], tuple[Path, int]]"
    judge: "Callable[[str, Threshold | None], Judged]"
    scan: "Callable[[str], pl.DataFrame]"
    kept: CubeCache
    location: str = ""
    own: Mapping[str, Metric] = field(default_factory=dict)

    @property
    def shelf(self) -> Shelf:
        """Where answers of this evaluation are kept."""
        return Shelf(self.kept, self.facts.id)
