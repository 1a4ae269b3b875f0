"""Course: what changes suddenly from one bucket of time to the next."""

import math

import numpy as np
import polars as pl

from analysis.checks.definition import CHECKS, FOUND, Check, Hit, Seen, clear, quote, unfit
from analysis.core import words
from analysis.core.segment import Compare
from analysis.core.settings import number
from analysis.engine.profile import NUMBER, TEXT
from analysis.engine.timeline import Timeline, runs, timeline

LEAST = 30
MOST_VALUES = 60


def over_time(seen: Seen) -> Timeline | str:
    """The table over time, or why it has none."""
    return seen.once("timeline", lambda: timeline(seen.subject))


def missing_jumps(seen: Seen) -> list[Hit]:
    """Buckets in which a column is missing far more or far less often than in the others."""
    course = over_time(seen)
    if isinstance(course, str):
        return unfit(course)
    columns = [column for column in seen.subject.columns if seen.profile.of(column.name)["missing"] > 0]
    columns = [column for column in columns if column.name != seen.subject.roles.label]
    if not columns:
        return clear("No column has missing values.")
    asked = {column.name: f"count(*) - count({seen.value(column)})" for column in columns}
    least, hits = number("check_missing_change"), []
    alike: dict[tuple[tuple[int, int], ...], list[str]] = {}
    for name, lost in course.counted(asked).items():
        lost = np.nan_to_num(lost)
        share = np.divide(lost, course.rows, out=np.zeros_like(lost), where=course.rows > 0)
        usual = float(np.median(share[course.rows >= LEAST])) if (course.rows >= LEAST).any() else 0.0
        error = np.sqrt(max(usual * (1 - usual), 0.01) / np.maximum(course.rows, 1))
        odd = (np.abs(share - usual) >= least) & (np.abs(share - usual) > 5 * error) & (course.rows >= LEAST)
        if odd.any():
            alike.setdefault(tuple(runs(odd)), []).append(name)
    for spans, names in alike.items():
        for first, last in spans:
            column = seen.subject.column(names[0])
            where = course.segment(first, last)
            n = int(course.rows[first : last + 1].sum())
            count = int(np.nan_to_num(course.counted({"n": asked[column.name]})["n"])[first : last + 1].sum())
            elsewhere = seen.profile.of(column.name)["missing"] - count
            shares = words.number(count / n, "share"), words.number(elsewhere / max(1, course.rows.sum() - n), "share")
            said = f"In {course.span(first, last)} {quote(names)} {'is' if len(names) == 1 else 'are'} missing "
            said += f"in {shares[0]} of the rows, elsewhere in {shares[1]}."
            fix = "Ask what changed in the source then."
            hits.append(Hit(FOUND, said, n, tuple(names), where, fix))
    return hits or clear(f"No column is suddenly missing more or less often, by {course.bucket}.")


def volume(seen: Seen) -> list[Hit]:
    """Buckets with far fewer or far more rows than the others."""
    course = over_time(seen)
    if isinstance(course, str):
        return unfit(course)
    usual = float(np.median(course.rows[course.inner]))
    factor = number("check_volume_factor")
    little = (course.rows * factor < usual) & course.inner & (course.rows > 0)
    much = (course.rows > factor * usual) & course.inner
    hits = []
    for odd, how in ((little, "few"), (much, "many")):
        for first, last in runs(odd & (np.abs(course.rows - usual) > 5 * math.sqrt(max(usual, 1.0)))):
            n = int(course.rows[first : last + 1].sum())
            said = f"{course.span(first, last).capitalize()} has {how} rows: {n:,}, where {usual:,.0f} a "
            said += f"{course.bucket} are usual."
            fix = "Check whether the delivery was whole." if how == "few" else "Check for rows delivered twice."
            hits.append(Hit(FOUND, said, n, (seen.subject.roles.time or "",), course.segment(first, last), fix))
    return hits or clear(f"Every whole {course.bucket} has about as many rows as the others.")


def categories(seen: Seen) -> list[Hit]:
    """Categories that appear late or vanish early, where chance cannot be why."""
    course = over_time(seen)
    if isinstance(course, str):
        return unfit(course)
    subject, hits = seen.subject, []
    columns = [
        column
        for column in subject.plain
        if seen.profile.of(column.name)["kind"] == TEXT and 1 < seen.profile.of(column.name)["distinct"] <= MOST_VALUES
    ]
    if not columns:
        return unfit("no text column has few values")
    before = np.concatenate([[0.0], np.cumsum(course.rows)])
    for column in columns:
        frame = course.by_value(subject.text(column))
        ends = frame.group_by("value").agg(
            pl.col("place").min().alias("first"), pl.col("place").max().alias("last"), pl.col("n").sum()
        )
        for value, first, last, n in ends.sort("value").iter_rows():
            for late, missed, inside in (
                (True, before[first], before[-1] - before[first]),
                (False, before[-1] - before[last + 1], before[last + 1]),
            ):
                if n < LEAST or missed == 0 or inside == 0 or n / inside < number("check_category_share"):
                    continue
                if missed * math.log1p(-min(n / inside, 0.999999)) > math.log(1e-9):
                    continue
                edge = course.named(first if late else last)
                what = f"appears only from {edge} on" if late else f"is gone after {edge}"
                share, when = words.number(n / inside, "share"), "there" if late else "until then"
                said = f"'{value}' in '{column.name}' {what}; {when} it is {share} of the rows."
                fix = "A model fitted before does not know it." if late else "Ask whether it has another name now."
                hits.append(Hit(FOUND, said, n, (column.name,), Compare(column.name, "=", value), fix))
    return hits or clear("No category appears late or vanishes early.")


def units(seen: Seen) -> list[Hit]:
    """Buckets in which a column's numbers are many times larger or smaller than in the others."""
    course = over_time(seen)
    if isinstance(course, str):
        return unfit(course)
    subject, hits = seen.subject, []
    columns = [
        column
        for column in subject.plain
        if seen.profile.of(column.name)["kind"] == NUMBER and seen.profile.of(column.name)["distinct"] > 20
    ]
    if not columns:
        return unfit("no column holds numbers with many values")
    asked = {}
    for column in columns:
        real = f"CAST({seen.value(column)} AS DOUBLE)"
        finite = f" AND isfinite({real})" if seen.profile.of(column.name)["infinite"] else ""
        asked[column.name] = f"avg(CASE WHEN {real} <> 0{finite} THEN ln(abs({real})) END)"
    factor = math.log(number("check_unit_factor"))
    for name, means in course.counted(asked).items():
        known = np.isfinite(means) & (course.rows >= LEAST)
        if known.sum() < 4:
            continue
        shift = np.where(known, means - np.median(means[known]), 0.0)
        scatter = float(np.median(np.abs(shift[known])))
        odd = known & (np.abs(shift) > factor) & (np.abs(shift) > 10 * scatter)
        for first, last in runs(odd):
            n = int(course.rows[first : last + 1].sum())
            times = math.exp(float(np.mean(shift[first : last + 1])))
            how = f"{times:,.0f} times as large" if times > 1 else f"smaller by a factor of {1 / times:,.0f}"
            said = f"In {course.span(first, last)} the values of '{name}' are {how} than usual, as in another unit."
            fix = "Bring these rows to the unit of the others."
            hits.append(Hit(FOUND, said, n, (name,), course.segment(first, last), fix, severity="high"))
    return hits or clear("No column's numbers are suddenly in another unit.")


def gaps(seen: Seen) -> list[Hit]:
    """Buckets without any row between others; days of the week that never have rows are no gaps."""
    course = over_time(seen)
    if isinstance(course, str):
        return unfit(course)
    empty = course.rows == 0
    if course.bucket == "day":
        weekdays = np.array([start.weekday() for start in course.starts])
        closed = [day for day in range(7) if empty[weekdays == day].mean() > 0.8] if len(empty) > 14 else []
        empty &= ~np.isin(weekdays, closed)
    hits = [
        Hit(
            FOUND,
            f"There is no row in {course.span(first, last)}.",
            0,
            (seen.subject.roles.time or "",),
            None,
            "Ask whether a delivery is missing.",
        )
        for first, last in runs(empty)
    ]
    return hits or clear(f"Every {course.bucket} between the first and the last has rows.")


for check in (
    Check(
        *("Q14", "Sudden missing values", "medium", "Columns missing far more often for a time.", missing_jumps),
        ("check_missing_change",),
    ),
    Check("Q15", "Sudden volume", "medium", "Times with far fewer or more rows.", volume, ("check_volume_factor",)),
    Check(
        *("Q16", "New and vanished categories", "medium", "Categories of only a part of the time.", categories),
        ("check_category_share",),
    ),
    Check("Q17", "Jumps of unit", "high", "Times whose numbers are in another unit.", units, ("check_unit_factor",)),
    Check("Q18", "Time gaps", "low", "Times without any row.", gaps),
):
    CHECKS.add(check)
