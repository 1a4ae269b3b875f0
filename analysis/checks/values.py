"""Values: cells that do not mean what they say, or cannot be."""

import re
import unicodedata
from collections.abc import Iterable
from datetime import date, timedelta
from decimal import Decimal

import polars as pl

from analysis.checks.definition import CHECKS, FOUND, Check, Hit, Seen, clear, unfit
from analysis.core import words
from analysis.core.schema import FLOATS, Column
from analysis.core.segment import And, Compare, Matches, Missing, Not, OneOf, Or, Segment
from analysis.core.settings import number, whole
from analysis.engine.condition import quoted
from analysis.engine.profile import NUMBER, TEXT, TIME, moment

SPELLINGS = (
    *("n/a", "#n/a", "n.a.", "n.a", "null", "nan", "<na>", "nil", "-", "--", "---", "?", "??", ".", "unknown"),
    *("missing", "none given", "not given", "not available", "not applicable", "not known", "undefined", "unspecified"),
    *("(missing)", "(null)", "(unknown)", "no data", "tbd", ""),
)
"""Texts that mean missing, lower case and without space at the ends. 'na' and 'none' are left out: the one is also a
country's code, the other an answer."""
STANDING_IN = (*(-(10**n - 1) for n in range(1, 7)), -1, *(10**n - 1 for n in range(2, 9)), 99999.9)
"""Numbers that are used for missing: nines, and -1."""
FORMATS = {
    "numbers": r"^\s*[-+]?[0-9]+([.,][0-9]+)?\s*$",
    "dates written year first": r"^\s*[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([ T].*)?$",
    "dates with slashes": r"^\s*[0-9]{1,2}/[0-9]{1,2}/[0-9]{4}.*$",
    "dates with dots": r"^\s*[0-9]{1,2}\.[0-9]{1,2}\.[0-9]{4}.*$",
}
OLDEST = date(1900, 1, 1)
AGE = re.compile(r"(^|[^a-z])age([^a-z]|$)")
OLDEST_PERSON = 125


def _texts(seen: Seen) -> Iterable[Column]:
    return (column for column in seen.subject.columns if seen.profile.of(column.name)["kind"] == TEXT)


def _among(column: Column, values: list[str]) -> Segment:
    return Compare(column.name, "=", values[0]) if len(values) == 1 else OneOf(column.name, tuple(values))


def _shown(values: Iterable[str]) -> str:
    return words.listed([f"'{value}'" for value in values])


def spelled_missing(seen: Seen) -> list[Hit]:
    """Texts that mean missing."""
    subject, hits = seen.subject, []
    listed = ", ".join(quoted(each) for each in SPELLINGS)
    columns = list(_texts(seen))
    if not columns:
        return unfit("no column holds text")
    for column in columns:
        text = subject.text(column)
        frame = seen.values(column)
        if frame is not None:
            spelled = [value.strip(" ").lower() in SPELLINGS for value in frame["value"]]
            frame = frame.filter(pl.Series(spelled, dtype=pl.Boolean))
        else:
            frame = subject.scan(
                f"SELECT {text} AS value, count(*) AS n FROM {subject.relation} r "
                f"WHERE lower(trim({text})) IN ({listed}) GROUP BY 1 ORDER BY n DESC, 1"
            )
        values, n = frame["value"].to_list(), int(frame["n"].sum())
        if not n:
            continue
        said = f"'{column.name}' spells out missing values as {_shown(values)} in {words.plural(n, 'row')}."
        rest = subject.rows - seen.profile.of(column.name)["missing"] - n
        tests = f"lower(trim({text})) NOT IN ({listed}) AND TRY_CAST({text} AS DOUBLE) IS NULL AND {text} IS NOT NULL"
        if rest and not subject.one(f"SELECT count(*) FROM {subject.relation} r WHERE {tests}")[0]:
            said += " All its other values are numbers."
        fix = "Take the file in again with these spellings as missing (--missing)."
        hits.append(Hit(FOUND, said, n, (column.name,), _among(column, values), fix))
    return hits or clear("No text column spells out missing values.")


def mixed(seen: Seen) -> list[Hit]:
    """Text columns most of whose values are written one way, and some another."""
    subject, hits = seen.subject, []
    columns = list(_texts(seen))
    if not columns:
        return unfit("no column holds text")
    listed = ", ".join(quoted(each) for each in SPELLINGS)
    for column in columns:
        text = subject.text(column)
        few = seen.profile.of(column.name)["distinct"] <= whole("encode_values")
        table = f"(SELECT {text} AS v, {'count(*)' if few else '1'} AS n FROM {subject.relation} r"
        table += f" WHERE lower(trim({text})) NOT IN ({listed}){' GROUP BY 1' if few else ''})"
        tests = [f"coalesce(sum(n) FILTER (regexp_matches(v, {quoted(form)})), 0)" for form in FORMATS.values()]
        n, *counts = [int(each) for each in subject.one(f"SELECT coalesce(sum(n), 0), {', '.join(tests)} FROM {table}")]
        most, name = max(zip(counts, FORMATS, strict=True))
        if not n or most == n or most < 0.5 * n:
            continue
        where = And((Not(Matches(column.name, FORMATS[name])), Not(Missing(column.name))))
        other = n - most
        said = f"'{column.name}' holds {name} in {most:,} rows and something else in {words.plural(other, 'row')}."
        spelled = subject.scan(
            f"SELECT DISTINCT {text} AS v FROM {subject.relation} r WHERE lower(trim({text})) IN ({listed}) ORDER BY v"
        )
        if len(spelled):
            where = And((where, Not(_among(column, spelled["v"].to_list()))))
        fix = "Correct what is written otherwise, then take the column in with its type."
        hits.append(Hit(FOUND, said, other, (column.name,), where, fix))
    return hits or clear("Every text column is written one way.")


def _folded(text: str) -> str:
    """A spelling without case, accents and space."""
    bare = "".join(each for each in unicodedata.normalize("NFKD", text) if not unicodedata.combining(each))
    return re.sub(r"[\s_-]+", " ", bare).strip().casefold()


def spellings(seen: Seen) -> list[Hit]:
    """Categories that differ by case, space or accent alone; the most frequent spelling is taken to be right."""
    hits = []
    most = whole("encode_values")
    columns = [column for column in _texts(seen) if 1 < seen.profile.of(column.name)["distinct"] <= most]
    if not columns:
        return unfit("no text column has few values")
    for column in columns:
        groups: dict[str, list[tuple[str, int]]] = {}
        values_of = seen.values(column)
        for value, n in () if values_of is None else values_of.iter_rows():
            groups.setdefault(_folded(value), []).append((value, n))
        wrong = [(group[0][0], group[1:]) for group in groups.values() if len(group) > 1]
        if not wrong:
            continue
        values = [value for _, others in wrong for value, _ in others]
        n = sum(count for _, others in wrong for _, count in others)
        rights = _shown(right for right, _ in wrong[:5])
        said = f"'{column.name}' spells {rights} in other ways too: {_shown(values[:8])}, in {words.plural(n, 'row')}."
        fix = "Give each category one spelling, or its rows are counted as groups of their own."
        hits.append(Hit(FOUND, said, n, (column.name,), _among(column, values), fix))
    return hits or clear("No category is spelled in several ways.")


def standing_in(seen: Seen) -> list[Hit]:
    """Numbers that stand for missing: nines or -1 at an end of the column, frequent and far from the others."""
    subject, hits = seen.subject, []
    for column in subject.plain:
        row = seen.profile.of(column.name)
        if row["kind"] != NUMBER or row["low"] is None:
            continue
        for end, sign in (("high", 1), ("low", -1)):
            extreme = float(row[end])
            if extreme not in STANDING_IN:
                continue
            table = f"(SELECT CAST({seen.value(column)} AS DOUBLE) AS v FROM {subject.relation} r)"
            inner, nearest = ("<", "max") if sign > 0 else (">", "min")
            n, beside = subject.one(
                f"SELECT count(*) FILTER (v = {extreme!r}), {nearest}(v) FILTER (v {inner} {extreme!r}) FROM {table}"
            )
            if n < 3 or beside is None:
                continue
            others = int(subject.one(f"SELECT count(*) FROM {table} WHERE v = CAST('{beside!r}' AS DOUBLE)")[0])
            other_end = float(row["low" if sign > 0 else "high"])
            gap, spread = abs(extreme - beside), abs(beside - other_end)
            far = gap > number("check_placeholder_gap") * spread or (extreme < 0 <= beside)
            if n >= max(3, 3 * others) and far:
                shown = f"{extreme:g}"
                said = (
                    f"{shown} stands for missing in '{column.name}', as it seems: it occurs in {words.plural(n, 'row')}"
                )
                said += f", and the next value is {beside:g}."
                fix = f"Take the file in again with {shown} as missing (--missing), or leave these rows out."
                value = int(extreme) if extreme == int(extreme) else Decimal(shown)
                hits.append(Hit(FOUND, said, n, (column.name,), Compare(column.name, "=", value), fix))
    return hits or clear("No number at an end of its column looks as if it stood for missing.")


def future(seen: Seen) -> list[Hit]:
    """Dates after the table was taken in and after its last event, and dates before 1900."""
    subject, hits = seen.subject, []
    columns = [column for column in subject.columns if seen.profile.of(column.name)["kind"] == TIME]
    if not columns:
        return unfit("no column holds dates or times")
    last = _last(seen)
    today = max(filter(None, (subject.made if subject.made != date.max else None, last)), default=date.max)
    for column in columns:
        high, low = moment(seen.profile.of(column.name)["high"]), moment(seen.profile.of(column.name)["low"])
        parts: list[tuple[str, Segment, date]] = []
        if (
            high is not None
            and today != date.max
            and high > today + timedelta(days=1)
            and column.name != subject.roles.time
        ):
            parts.append(("after", Compare(column.name, ">", today + timedelta(days=1)), today))
        if low is not None and low < OLDEST:
            parts.append(("before", Compare(column.name, "<", OLDEST), OLDEST))
        present = subject.rows - seen.profile.of(column.name)["missing"]
        for side, where, limit in parts:
            n = subject.count(where)
            if not n or n > number("check_future_share") * present:
                continue
            extreme = high if side == "after" else low
            said = f"{words.plural(n, 'row')} have a date in '{column.name}' {side} {limit}, as far as {extreme}."
            fix = "Correct these dates, or take them for missing: what is worked out from them is wrong."
            hits.append(Hit(FOUND, said, n, (column.name,), where, fix))
    return hits or clear("No date lies in the future or before 1900, but where most of a column do.")


def _last(seen: Seen) -> date | None:
    """The day of the last event."""
    time = seen.subject.roles.time
    return None if time is None or seen.profile.of(time)["kind"] != TIME else moment(seen.profile.of(time)["high"])


def impossible(seen: Seen) -> list[Hit]:
    """Numbers that cannot be: infinite ones, and ages below 0 or beyond 125."""
    subject, hits = seen.subject, []
    for column in subject.columns:
        row = seen.profile.of(column.name)
        if row["kind"] != NUMBER or (row["low"] is None and not row["infinite"]):
            continue
        if column.type in FLOATS and row["infinite"]:
            ends: list[Segment] = [Compare(column.name, ">", Decimal("1.7976931348623157e308"))]
            ends.append(Compare(column.name, "<", Decimal("-1.7976931348623157e308")))
            said = f"'{column.name}' is infinite in {words.plural(row['infinite'], 'row')}."
            fix = "A division by zero or an overflow made them; take them for missing."
            hits.append(Hit(FOUND, said, row["infinite"], (column.name,), Or(tuple(ends)), fix))
        if AGE.search(column.name.lower()) and row["low"] is not None:
            where = Or((Compare(column.name, "<", 0), Compare(column.name, ">", OLDEST_PERSON)))
            n = subject.count(where) if float(row["low"]) < 0 or float(row["high"]) > OLDEST_PERSON else 0
            if 0 < n <= number("check_future_share") * subject.rows:
                said = f"'{column.name}' lies below 0 or beyond {OLDEST_PERSON} in {words.plural(n, 'row')}."
                hits.append(Hit(FOUND, said, n, (column.name,), where, "No person is that old; take them for missing."))
    return hits or clear("No number is infinite, and no age is out of reach.")


for check in (
    Check("Q08", "Missing values spelled out", "medium", "Texts that mean missing.", spelled_missing),
    Check("Q09", "Mixed formats", "medium", "Text columns written in more than one way.", mixed),
    Check(
        *("Q10", "Numbers that stand for missing", "medium", "Nines or -1 at an end of a column.", standing_in),
        ("check_placeholder_gap",),
    ),
    Check("Q11", "Impossible dates", "medium", "Dates in the future or before 1900.", future, ("check_future_share",)),
    Check("Q12", "Impossible numbers", "medium", "Infinite numbers and ages out of reach.", impossible),
    Check("Q13", "Spellings of a category", "medium", "Categories that differ by case, space or accent.", spellings),
):
    CHECKS.add(check)
