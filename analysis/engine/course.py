"""Courses: one model version over time, in buckets, and all of it together from the same scan."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np

from analysis.core.cube import Cube
from analysis.core.evaluation import Evaluation
from analysis.core.period import DAY, HOUR, MONDAY, WIDTHS, Period, bucket_after, choose_bucket
from analysis.core.settings import number
from analysis.engine.query import Answer, OpenEvaluation, Query

STEPS = {"hour": timedelta(minutes=1), "day": HOUR}  # how near its ends a bucket must hold rows to be complete


@dataclass(frozen=True)
class Course:
    """A model version over time. starts: (T,) first local moments of the buckets that hold rows, ascending.

    cube: a group a bucket. complete: the bucket's time is over, and the data begins before it.
    """

    bucket: str
    cube: Cube
    starts: list[datetime]
    complete: np.ndarray

    def settled(self, *, labels: bool = True) -> np.ndarray:
        """Whether a bucket may earn a verdict: it is complete and, where labels matter, these have arrived."""
        return self.complete & (self.cube.labelled >= (number("labelled_share") if labels else 0.0))

    def last_two(self, *, labels: bool = True) -> tuple[int, int] | None:
        """The places of the last settled bucket and the one right before it, if that is settled too."""
        settled = self.settled(labels=labels)
        for last in np.flatnonzero(settled)[::-1]:
            if last and settled[last - 1] and bucket_after(self.starts[last - 1], self.bucket) == self.starts[last]:
                return int(last) - 1, int(last)
        return None


def bucket_for(facts: Evaluation, period: Period) -> str | None:
    """The bucket that cuts the period into at most 60 points; None without a time."""
    if not facts.time_low:
        return None
    low = max(datetime.fromisoformat(facts.time_low), period.start or datetime.min)
    high = min(datetime.fromisoformat(facts.time_high), period.end or datetime.max)
    return choose_bucket(low, max(low, high), facts.grain)


def total_and_course(evaluation: OpenEvaluation, query: Query, bucket: str | None) -> tuple[Answer, Course | None]:
    """The answer of the query as it is, and its course. With a bucket both come from one scan."""
    if bucket is None:
        return evaluation.ask(query), None
    parts = evaluation.ask(replace(query, bucket=bucket))
    whole = parts.cube.once("total", parts.cube.total)
    wholes = frozenset(need for need in query.needs if need.startswith("order:") or need in ("days", "rank_products"))
    seconds, cached = parts.seconds, parts.cached
    if evaluation.facts.roles.unit is not None:  # the rows of one unit lie in several buckets
        exact = evaluation.ask(query)
        whole, seconds, cached = exact.cube, seconds + exact.seconds, cached and exact.cached
    elif wholes:  # quantiles of parts do not add up to the quantile of the whole
        exact = evaluation.ask(replace(query, needs=wholes))
        own = {"orders": exact.cube.orders, "days": exact.cube.days, "rank_products": exact.cube.rank_products}
        whole = parts.cube.once("with wholes", lambda: replace(whole, **own))  # type: ignore[arg-type]
        seconds, cached = seconds + exact.seconds, cached and exact.cached
    timed = parts.cube.once("timed", lambda: parts.cube.pick(parts.cube.groups.to_series().is_not_null().to_numpy()))
    answer = replace(parts, cube=whole, seconds=seconds, cached=cached)
    return answer, _course(evaluation.facts, query.period, bucket, timed) if len(timed) else None


def _course(facts: Evaluation, period: Period, bucket: str, cube: Cube) -> Course:
    starts = [moment(text, bucket) for text in cube.groups.to_series().to_list()]
    low, high = datetime.fromisoformat(facts.time_low), datetime.fromisoformat(facts.time_high)
    step = DAY if facts.grain == "date" else STEPS.get(bucket, DAY)
    first = max(_floor(low, step), period.start or datetime.min)
    last_end = min(_floor(high, step) + step, period.end or datetime.max)
    complete = np.array([start >= first and bucket_after(start, bucket) <= last_end for start in starts])
    return Course(bucket, cube, starts, complete)


def moment(text: str, bucket: str) -> datetime:
    place = int(float(text))
    if bucket in WIDTHS:
        return MONDAY + place * WIDTHS[bucket]
    months = place * {"month": 1, "quarter": 3, "year": 12}[bucket]
    return datetime(months // 12, months % 12 + 1, 1)


def _floor(moment: datetime, step: timedelta) -> datetime:
    return MONDAY + (moment - MONDAY) // step * step
