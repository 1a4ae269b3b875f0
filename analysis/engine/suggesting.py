"""Suggesting: rules a reference lets one expect, with limits from its sampling error, and how often they had fired."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from analysis.core.rule import IN_RANGE, IN_SET, LIKE, NOT_MISSING, UNIQUE, WARN, Rule
from analysis.core.schema import Column
from analysis.core.settings import number
from analysis.engine.profile import NUMBER, TEXT, Profile, distinct, top
from analysis.engine.ruling import OF_VALUES, place, sizes_of, variation
from analysis.engine.subject import Subject
from analysis.engine.timeline import LEAST_ROWS, Timeline
from analysis.metrics.expected import most_expected, most_off

FEW, MANY, BINS = 50, 20, 20
EDGE = 0.001
DIGITS = 4


@dataclass(frozen=True)
class Suggested:
    """A rule with what it rests on. fired: of `periods` past periods in how many it would have; None where the table
    has none."""

    rule: Rule
    value: float
    fired: int | None
    periods: int


def suggested(
    subject: Subject, counted: Profile, course: Timeline | str, progress: Callable[[float, str], None]
) -> list[Suggested]:
    """Rules of every column that the reference keeps to, in the columns' order.

    The limits are what chance makes of a new table like it, once in `rules_alarm` of tables, of as many rows as a
    period of the reference usually has, or as the reference itself where it has no periods.
    """
    usual = subject.rows if isinstance(course, str) else int(np.median(course.rows[course.rows > 0]))
    found = []
    for at, column in enumerate(subject.columns):
        progress(at / len(subject.columns), column.name)
        for rule, value in _of_column(subject, counted, column, usual):
            fired, periods = _fired(subject, rule, column, course)
            found.append(Suggested(rule, value, fired, periods))
    return found


def _of_column(subject: Subject, counted: Profile, column: Column, usual: int) -> list[tuple[Rule, float]]:
    row, roles = counted.of(column.name), subject.roles.used().get(column.name, ())
    certainty, n = 1 - number("rules_alarm"), subject.rows - row["missing"]
    share = row["missing"] / subject.rows if subject.rows else 0.0
    limit = most_expected(row["missing"], subject.rows, usual, certainty)
    made = [(Rule(column.name, NOT_MISSING, at_most=_up(limit)), share)] if share < 0.5 else []
    if not n:
        return made
    expected = max(1, round(usual * n / subject.rows))
    if "id" in roles:
        return [*made, (Rule(column.name, UNIQUE), 0.0)] if distinct(subject, column) == n else made
    if row["kind"] == TEXT and row["distinct"] <= FEW and n >= 10 * row["distinct"]:
        values = top(subject, column, 2 * FEW)
        names, sizes = tuple(values["value"].to_list()), np.array([*values["n"].to_list(), 0], dtype=float)
        limit = most_expected(0, n, expected, certainty)
        made.append((Rule(column.name, IN_SET, at_most=_up(limit), values=names), 0.0))
        like = Rule(column.name, LIKE, WARN, values=names, shares=tuple((sizes / sizes.sum()).tolist()))
        made.append((replace(like, at_most=_up(most_off(sizes, expected, certainty))), 0.0))
    if row["kind"] == NUMBER and row["distinct"] > MANY and "time" not in roles and row["infinite"] == 0:
        made += _of_number(subject, column, n, expected, certainty)
    return made


def _of_number(subject: Subject, column: Column, n: int, expected: int, certainty: float) -> list[tuple[Rule, float]]:
    levels = [EDGE, *np.linspace(0, 1, BINS + 1)[1:-1].tolist(), 1 - EDGE]
    value = f"CAST({subject.value(column)} AS DOUBLE)"
    low, *cuts, high = subject.one(f"SELECT quantile_cont({value}, {levels}) FROM {subject.relation} r")[0]
    spread = Rule(column.name, IN_RANGE, low=_shown(low, False), high=_shown(high, True))
    where = spread.broken({column.name: column.type})
    out = 0 if where is None else subject.count(where)
    made = [(replace(spread, at_most=_up(most_expected(out, n, expected, certainty))), out / n)]
    edges = tuple(dict.fromkeys(float(cut) for cut in cuts))
    like = Rule(column.name, LIKE, WARN, cuts=edges, shares=(0.0,) * (len(edges) + 1))
    counted = subject.scan(
        f"SELECT {place(like, subject.value(column))} AS place, count(*) AS n FROM {subject.relation} r GROUP BY 1"
    )
    sizes = sizes_of(counted, len(like.shares))
    like = replace(
        like, shares=tuple((sizes / sizes.sum()).tolist()), at_most=_up(most_off(sizes, expected, certainty))
    )
    return [*made, (like, 0.0)]


def _shown(value: float, up: bool) -> str:
    """A limit with four digits, no narrower than it is."""
    rounded = float(f"{value:.{DIGITS}g}")
    step = 10.0 ** (np.floor(np.log10(abs(value))) - DIGITS + 1) if value else 0.0
    if up and rounded < value:
        rounded += step
    if not up and rounded > value:
        rounded -= step
    return f"{float(f'{rounded:.{DIGITS}g}'):.15g}"


def _up(limit: float) -> float:
    """A limit with four decimals, no stricter than it is."""
    return float(min(1.0, np.ceil(limit * 10_000) / 10_000))


def _fired(subject: Subject, rule: Rule, column: Column, course: Timeline | str) -> tuple[int | None, int]:
    """(in how many periods of the reference with rows enough it would have fired, of how many)."""
    if isinstance(course, str):
        return None, 0
    known = course.rows >= LEAST_ROWS
    if rule.expectation == LIKE:
        frame = course.by_value(place(rule, subject.value(column)))
        sizes = np.zeros((len(course.starts), len(rule.shares)))
        np.add.at(sizes, (frame["place"].to_numpy(), frame["value"].cast(int).to_numpy()), frame["n"].to_numpy())
        off = np.array([variation(each, rule.shares) for each in sizes])
        return int((off[known] > rule.at_most).sum()), int(known.sum())
    where = rule.broken({column.name: column.type})
    of = f"count({subject.value(column)})" if rule.expectation in OF_VALUES else "count(*)"
    if where is None:
        again = f"count({subject.value(column)}) - count(DISTINCT {subject.value(column)})"
    else:
        again = f"count(*) FILTER ({subject.condition(where)})"
    found = course.counted({"n": of, "k": again})
    n, k = np.nan_to_num(found["n"]), np.nan_to_num(found["k"])
    share = np.divide(k, n, out=np.zeros_like(k), where=n > 0)
    return int((share[known] > rule.at_most).sum()), int(known.sum())
