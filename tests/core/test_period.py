"""Periods and buckets against Python's calendar."""

from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.core.errors import BadRequest
from analysis.core.period import (
    BUCKETS,
    MOST_POINTS,
    Period,
    bucket_after,
    bucket_place,
    bucket_start,
    choose_bucket,
    read_period,
)

moments = st.datetimes(datetime(1900, 1, 2), datetime(2200, 1, 1))
CALENDAR = {
    "hour": lambda moment: moment.replace(minute=0, second=0, microsecond=0),
    "day": lambda moment: datetime(moment.year, moment.month, moment.day),
    "week": lambda moment: datetime.fromisocalendar(*moment.isocalendar()[:2], 1),
    "month": lambda moment: datetime(moment.year, moment.month, 1),
    "quarter": lambda moment: datetime(moment.year, {1: 1, 2: 4, 3: 7, 4: 10}[-(-moment.month // 3)], 1),
    "year": lambda moment: datetime(moment.year, 1, 1),
}


@pytest.mark.parametrize("bucket", BUCKETS)
@given(moment=moments)
def test_a_bucket_starts_where_the_calendar_says_and_the_next_follows(bucket, moment):
    start = bucket_start(moment, bucket)
    assert start == CALENDAR[bucket](moment)
    after = bucket_after(start, bucket)
    assert start <= moment < after
    assert CALENDAR[bucket](after) == after
    assert bucket_place(after, bucket) == bucket_place(moment, bucket) + 1


@given(moments, st.timedeltas(timedelta(0), timedelta(days=20_000)), st.sampled_from(["date", "timestamp"]))
def test_the_finest_bucket_of_at_most_60_points_is_chosen(low, span, grain):
    high = low + span
    chosen = choose_bucket(low, high, grain)

    def points(bucket):
        return bucket_place(high, bucket) - bucket_place(low, bucket) + 1

    assert points(chosen) <= MOST_POINTS
    finer = [bucket for bucket in BUCKETS[: BUCKETS.index(chosen)] if (bucket, grain) != ("hour", "date")]
    assert all(points(bucket) > MOST_POINTS for bucket in finer)


def test_sixty_days_that_touch_61_are_cut_into_weeks():
    assert choose_bucket(datetime(2026, 1, 1, 12), datetime(2026, 3, 1, 11), "date") == "day"
    assert choose_bucket(datetime(2026, 1, 1, 12), datetime(2026, 3, 2, 11), "date") == "week"


@given(st.dates(date(1900, 1, 1), date(2200, 1, 1)), st.integers(0, 500))
def test_the_period_before_is_as_long_and_ends_where_this_begins(first, days):
    period = Period(first, first + timedelta(days=days))
    before = period.before()
    assert before.days == period.days == days + 1
    assert before.end == period.start


def test_open_periods_have_no_before():
    assert Period(date(2026, 1, 1)).before() is None
    assert Period(None, date(2026, 1, 1)).before() is None
    assert Period().everything
    assert Period().before() is None


def test_a_period_ends_with_its_last_day():
    period = read_period("2026-01-31", "2026-01-31T23:00:00")
    assert (period.start, period.end) == (datetime(2026, 1, 31), datetime(2026, 2, 1))
    assert period.sentence() == "from 2026-01-31 to 2026-01-31"
    assert read_period(None, "").everything


@pytest.mark.parametrize(
    ("first", "last", "said"), [("31.1.2026", None, "is not a date"), ("2026-02-01", "2026-01-31", "before it begins")]
)
def test_what_is_no_period_is_refused(first, last, said):
    with pytest.raises(BadRequest, match=said):
        read_period(first, last)
