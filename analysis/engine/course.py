"""Courses: one model version over time, in buckets, and all of it together from the same scan."""

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

import numpy as np

from analysis.core.cube import Cube
from analysis.core.evaluation import Evaluation
from analysis.core.period import DAY, HOUR, MONDAY, WIDTHS, Period, bucket_after, choose_bucket
from analysis.core.settings import number
from analysis.engine import replicated
from analysis.engine.parts.units import singly
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


def total_and_course(
    evaluation: OpenEvaluation, query: Query, bucket: str | None, *, replicates: bool = False
) -> tuple[Answer, Course | None]:
    """The answer of the query as it is, and its course. With a bucket both come from one scan.

    replicates: whether both are to hold those of units, where rows belong to them.
    """

    def ask(asked: Query) -> Answer:
        return replicated.ask(evaluation, asked) if replicates else evaluation.ask(asked)

    if bucket is None:
        return ask(query), None
    parts = ask(replace(query, bucket=bucket))
    whole = parts.cube.once("total", parts.cube.total)
    wholes = frozenset(need for need in query.needs if need.startswith("order:") or need in ("days", "rank_products"))
    seconds, cached = parts.seconds, parts.cached
    if singly(evaluation.facts):  # the rows of one unit lie in several buckets
        exact = ask(query)
        whole, seconds, cached = exact.cube, seconds + exact.seconds, cached and exact.cached
    elif wholes:  # quantiles of parts do not add up to the quantile of the whole
        exact = evaluation.ask(replace(query, needs=wholes))
        own = {"orders": exact.cube.orders, "days": exact.cube.days, "rank_products": exact.cube.rank_products}
        whole = parts.cube.once("with wholes", lambda: replace(whole, **own))  # type: ignore[arg-type]
        seconds, cached = seconds + exact.seconds, cached and exact.cached
    timed = parts.cube.once("timed", lambda: parts.cube.pick(parts.cube.groups.to_series().is_not_null().to_numpy()))
    answer = replace(parts, cube=whole, seconds=seconds, cached=cached)
    return answer, _course(evaluation.facts, query.period, bucket, timed) if len(timed) else None


def shared_units(
    evaluation: OpenEvaluation, query: Query, now: Answer, before: Answer | None, course: Course | None
) -> tuple[tuple[Cube, Cube] | None, list[Answer]]:
    """((now, then) with the replicates of what a change compares, what was asked); None where rows have no units.

    now: the answer of the query; before: that of the period before it; without one, the last two settled buckets.
    """
    pair = course.last_two() if course is not None else None
    if evaluation.facts.roles.unit is None or course is None or (before is None and pair is None):
        return None, []
    if before is not None:
        period = query.period.before() or query.period
        asked = replicated.attached(evaluation, [(query, now), (replace(query, period=period), before)])
        return (asked[0].cube, asked[1].cube), asked
    assert pair is not None  # noqa: S101 - see above
    if course.cube.replicates is not None:
        return (course.cube.pick(np.array([pair[1]])), course.cube.pick(np.array([pair[0]]))), []
    first, end = course.starts[pair[0]], bucket_after(course.starts[pair[1]], course.bucket)
    last, whole = (end - timedelta(microseconds=1)).date(), query.period
    period = Period(max(first.date(), whole.first or date.min), min(last, whole.last or date.max))
    answer = replicated.ask(evaluation, replace(query, bucket=course.bucket, period=period))
    names, wanted = answer.cube.groups.to_series().to_list(), course.cube.groups.to_series()
    then, later = (answer.cube.pick(np.array([names.index(wanted[place])])) for place in pair)
    return (later, then), [answer]


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
