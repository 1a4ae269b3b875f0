"""Periods: a time window in the evaluation's own zone, and the buckets it is cut into."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from analysis.core.errors import BadRequest

HOUR, DAY, WEEK = timedelta(hours=1), timedelta(days=1), timedelta(days=7)
WIDTHS = {"hour": HOUR, "day": DAY, "week": WEEK}
MONTHS = {"month": 1, "quarter": 3, "year": 12}
BUCKETS = ("hour", "day", "week", "month", "quarter", "year")
MOST_POINTS = 60
MONDAY = datetime(1970, 1, 5)


@dataclass(frozen=True)
class Period:
    """From the start of the day `first` to the end of the day `last`; None leaves that end open."""

    first: date | None = None
    last: date | None = None

    def __post_init__(self) -> None:
        if self.first and self.last and self.first > self.last:
            raise BadRequest(f"The period ends ({self.last}) before it begins ({self.first}).")

    @property
    def everything(self) -> bool:
        return self.first is None and self.last is None

    @property
    def start(self) -> datetime | None:
        return None if self.first is None else datetime.combine(self.first, datetime.min.time())

    @property
    def end(self) -> datetime | None:
        """The first moment after the period."""
        return None if self.last is None else datetime.combine(self.last + DAY, datetime.min.time())

    @property
    def days(self) -> int | None:
        return None if self.first is None or self.last is None else (self.last - self.first).days + 1

    def before(self) -> "Period | None":
        """The equally long period right before; None when an end is open.

        >>> Period(date(2026, 1, 8), date(2026, 1, 14)).before()
        Period(first=datetime.date(2026, 1, 1), last=datetime.date(2026, 1, 7))
        """
        if self.first is None or self.last is None:
            return None
        return Period(self.first - (self.last - self.first) - DAY, self.first - DAY)

    def earlier(self, how: str) -> "Period | None":
        """The period it is compared with: the one right "before"; as long, with the same "weekdays", as few whole weeks
        earlier as it can be; or in the same "season", 52 weeks earlier, on the same weekdays. None when an end is open.

        >>> Period(date(2026, 1, 9), date(2026, 1, 12)).earlier("weekdays")
        Period(first=datetime.date(2026, 1, 2), last=datetime.date(2026, 1, 5))
        """
        if how == "before" or self.first is None or self.last is None:
            return self.before()
        weeks = 52 if how == "season" else -(-((self.last - self.first).days + 1) // 7)
        return Period(self.first - 7 * weeks * DAY, self.last - 7 * weeks * DAY)

    def sentence(self) -> str:
        if self.first and self.last:
            return f"from {self.first} to {self.last}"
        if self.first:
            return f"from {self.first} on"
        return f"until {self.last}" if self.last else "over the whole time"


def read_period(first: str | None, last: str | None) -> Period:
    """A period from two ISO dates, either of which may be missing."""

    def read(text: str | None) -> date | None:
        if not text:
            return None
        try:
            return date.fromisoformat(text[:10])
        except ValueError as error:
            raise BadRequest(f"'{text}' is not a date; write it as 2026-03-31.") from error

    return Period(read(first), read(last))


def choose_bucket(low: datetime, high: datetime, grain: str) -> str:
    """The finest bucket that cuts [low, high] into at most 60 points; years whatever their number.

    >>> choose_bucket(datetime(2026, 1, 5), datetime(2026, 7, 5), "timestamp")
    'week'
    """
    for bucket in BUCKETS:
        if bucket == "hour" and grain == "date":
            continue
        if bucket_place(high, bucket) - bucket_place(low, bucket) < MOST_POINTS:
            return bucket
    return "year"


def bucket_place(moment: datetime, bucket: str) -> int:
    """The number of the bucket that holds `moment`: counted from Monday 1970-01-05, or from the year 0."""
    if bucket in WIDTHS:
        return (moment - MONDAY) // WIDTHS[bucket]
    return (moment.year * 12 + moment.month - 1) // MONTHS[bucket]


def bucket_start(moment: datetime, bucket: str) -> datetime:
    """The first moment of the bucket that holds `moment`; weeks begin on Monday."""
    if bucket in WIDTHS:
        return MONDAY + bucket_place(moment, bucket) * WIDTHS[bucket]
    months = bucket_place(moment, bucket) * MONTHS[bucket]
    return datetime(months // 12, months % 12 + 1, 1)


def bucket_after(start: datetime, bucket: str) -> datetime:
    """The first moment of the next bucket."""
    if bucket in WIDTHS:
        return start + WIDTHS[bucket]
    total = start.year * 12 + start.month - 1 + MONTHS[bucket]
    return datetime(total // 12, total % 12 + 1, 1)
