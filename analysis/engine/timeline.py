"""Timelines: a table cut into buckets of time, so that what changes from one to the next can be seen."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

import numpy as np
import polars as pl

from analysis.core.period import BUCKETS, bucket_after, bucket_place, bucket_start, choose_bucket
from analysis.core.segment import And, Compare, Segment
from analysis.engine.judgement import bucket_sql
from analysis.engine.subject import Subject

LEAST_ROWS = 30
"""Rows a bucket has on average, at least; otherwise a coarser one is taken."""
LEAST_BUCKETS = 6


@dataclass(frozen=True)
class Timeline:
    """bucket: its width. starts: of every bucket from the first row's to the last one's, empty ones included. rows: in
    each."""

    subject: Subject
    bucket: str
    starts: tuple[datetime, ...]
    rows: np.ndarray

    def counted(self, columns: Mapping[str, str]) -> dict[str, np.ndarray]:
        """Aggregates by bucket, (B,) each as floats; nan where a bucket has no row."""
        picked = ", ".join(f"CAST({sql} AS DOUBLE) AS a{at}" for at, sql in enumerate(columns.values()))
        frame = self.subject.scan(
            f"SELECT {self.sql} AS bucket, {picked} FROM {self.subject.relation} r "
            f"WHERE {self.subject.time} IS NOT NULL GROUP BY 1"
        )
        places = frame["bucket"].to_numpy() - self.first
        made = {}
        for at, name in enumerate(columns):
            values = np.full(len(self.starts), np.nan)
            values[places] = frame[f"a{at}"].cast(pl.Float64).fill_null(np.nan).to_numpy()
            made[name] = values
        return made

    def by_value(self, value: str, where: str = "true") -> pl.DataFrame:
        """Rows by bucket and value: place, value (as text), n."""
        frame = self.subject.scan(
            f"SELECT {self.sql} - {self.first} AS place, CAST({value} AS VARCHAR) AS value, count(*) AS n "
            f"FROM {self.subject.relation} r WHERE {self.subject.time} IS NOT NULL AND {value} IS NOT NULL AND {where} "
            "GROUP BY ALL"
        )
        return frame.sort("place", "value")

    @cached_property
    def first(self) -> int:
        return bucket_place(self.starts[0], self.bucket)

    @property
    def sql(self) -> str:
        """The bucket's number."""
        return bucket_sql(self.bucket).replace("r.t", self.subject.time)

    @property
    def inner(self) -> np.ndarray:
        """(B,) the buckets that are surely whole: all but the first and the last."""
        made = np.ones(len(self.starts), dtype=bool)
        made[[0, -1]] = False
        return made

    def named(self, place: int) -> str:
        """A bucket in words."""
        start = self.starts[place]
        if self.bucket == "hour":
            return f"the hour from {start:%Y-%m-%d %H:%M}"
        return f"the {self.bucket} from {start:%Y-%m-%d}" if self.bucket != "day" else f"{start:%Y-%m-%d}"

    def span(self, first: int, last: int) -> str:
        """Buckets first to last in words."""
        return self.named(first) if first == last else f"{self.named(first)} to {self.named(last)}"

    def segment(self, first: int, last: int) -> Segment | None:
        """The rows of buckets first to last; None where no column says the moment."""
        column = self.subject.time_column
        if not column:
            return None
        start, end = self.starts[first], bucket_after(self.starts[last], self.bucket)
        whole = self.bucket != "hour"
        ends = [each.date() if whole else each for each in (start, end)]
        return And((Compare(column, ">=", ends[0]), Compare(column, "<", ends[1])))


def timeline(subject: Subject) -> Timeline | str:
    """The table over time, or why it has none."""
    if not subject.time:
        return "no column has the role time" if subject.roles.time is None else "the time column holds no times"
    low, high, rows = subject.one(
        f"SELECT min({subject.time}), max({subject.time}), count({subject.time}) FROM {subject.relation} r"
    )
    if low is None:
        return "no row has a time"
    grain = "date" if subject.roles.time and subject.column(subject.roles.time).type == "DATE" else "timestamp"
    bucket = choose_bucket(low, high, grain)
    for wider in BUCKETS[BUCKETS.index(bucket) :]:
        bucket = wider
        if rows / (bucket_place(high, bucket) - bucket_place(low, bucket) + 1) >= LEAST_ROWS:
            break
    count = bucket_place(high, bucket) - bucket_place(low, bucket) + 1
    if count < LEAST_BUCKETS:
        return f"there are only {count} buckets of at least {LEAST_ROWS} rows"
    starts = [bucket_start(low, bucket)]
    while len(starts) < count:
        starts.append(bucket_after(starts[-1], bucket))
    made = Timeline(subject, bucket, tuple(starts), np.zeros(count))
    return Timeline(subject, bucket, tuple(starts), np.nan_to_num(made.counted({"n": "count(*)"})["n"]))


def runs(flags: np.ndarray) -> list[tuple[int, int]]:
    """Neighbouring buckets that are flagged, as (first, last)."""
    found: list[tuple[int, int]] = []
    for place in np.flatnonzero(flags):
        if found and found[-1][1] == place - 1:
            found[-1] = (found[-1][0], int(place))
        else:
            found.append((int(place), int(place)))
    return found
