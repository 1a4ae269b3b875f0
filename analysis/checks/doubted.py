"""Doubted labels: whether scores contradict more labels than they expect to, everywhere or in one group."""

import numpy as np

from analysis.checks.definition import CHECKS, FOUND, Check, Hit, Seen, clear, unfit
from analysis.checks.versions import MOST_VALUES, limit
from analysis.core import words
from analysis.core.expression import parse
from analysis.core.literal import quoted, written
from analysis.core.segment import And, Compare, Not, Segment, every
from analysis.core.settings import number
from analysis.engine.doubts import EVERYTHING, Doubts, by_column, contradicted, counted
from analysis.engine.profile import TEXT
from analysis.metrics.confident import TOLERANCE, concentrated, surplus
from analysis.metrics.contrasts import benjamini_hochberg
from analysis.metrics.intervals import divide

SURE, TIMES, GROUPS = 1e-4, 2.0, 3
FIX = (
    "Look at them in Labels: confirm or reject each, and correct the dataset. It may also be the scores that are wrong."
)


def doubted(seen: Seen) -> list[Hit]:
    """More labels contradicted by every version than its scores expect: of all rows, else of a group beside the rest.

    A single version cannot tell a wrong label from a score that is wrong; several that agree make it less likely.
    """
    subject = seen.subject
    made = [counted(subject, model) for model in subject.models]
    known = [each for each in made if not isinstance(each, str)]
    if not known:
        return unfit(str(made[0]) if made else "no model version has scores")
    if any(each.thresholds[0] + each.thresholds[1] <= 1 for each in known if len(each.names) == 2):
        return unfit("a version's scores do not tell the classes apart")
    if all(_many(each) for each in known):
        return [_hit(seen, known[-1], EVERYTHING, "")]
    hits: list[Hit] = []
    outside: Segment = EVERYTHING
    while len(hits) < GROUPS:
        found = _group(seen, known)
        if found is None:
            break
        where, said = found
        hits.append(_hit(seen, known[-1], where, said))
        rest = Not(where)
        outside = rest if outside is EVERYTHING else every([outside, rest])
        known = [each for each in (counted(subject, one.model, outside) for one in known) if isinstance(each, Doubts)]
    return hits or clear("Labels are contradicted about as often as the scores expect, in every group.")


def _many(each: Doubts) -> bool:
    share = (each.found - each.expected) / max(1, int(each.labelled.sum()))
    p = surplus(np.array([each.found]), np.array([each.expected]), np.array([each.variance]), 0.95).p[0]
    return bool(share >= number("check_wrong_labels") and each.found >= TIMES * each.expected and p < SURE)


def _group(seen: Seen, known: list[Doubts]) -> tuple[Segment, str] | None:
    """The group most surely contradicted beyond the rest by every version, in words too."""
    apart = {"id", "split", "text", "time"}
    roles = seen.subject.roles.used()
    columns = [
        column
        for column in seen.subject.plain
        if seen.profile.of(column.name)["kind"] == TEXT
        and 1 < seen.profile.of(column.name)["distinct"] <= MOST_VALUES
        and not apart & set(roles.get(column.name, ()))
    ]
    worst: dict[tuple[str, str], float] = {}
    for at, each in enumerate(known):
        frame = by_column(each, columns).drop_nulls("group")
        if not len(frame):
            return None
        found, expected = frame["found"].to_numpy(), frame["expected"].to_numpy()
        rest, rest_expected = each.found - found, each.expected - expected
        p = benjamini_hochberg(concentrated(found, expected, rest, rest_expected))
        times = divide(divide(found, expected), divide(rest, rest_expected))
        odd = (p < SURE) & (times >= number("check_doubt_factor"))
        here = {
            (column, group): float(value)
            for column, group, value, is_odd in zip(frame["column"], frame["group"], p, odd, strict=True)
            if is_odd
        }
        worst = here if at == 0 else {key: max(p, worst[key]) for key, p in here.items() if key in worst}
    if not worst:
        return None
    column, group = min(worst, key=lambda key: (worst[key], key))
    return Compare(column, "=", group), f" where '{column}' is '{group}'"


def _hit(seen: Seen, each: Doubts, where: Segment, whose: str) -> Hit:
    found, expected = contradicted(each, where)
    said = f"{each.model.name} surely contradicts {words.plural(found, 'label')}{whose}, where its scores expect "
    said += f"{expected:,.0f}: about {found - expected:,.0f} are likely wrong."
    against = _against(seen, each)
    columns = (seen.subject.roles.label or "", *sorted(where.columns()))
    if against is None:
        return Hit(FOUND, said, found, columns, None, FIX)
    segment = against if where is EVERYTHING else And((where, against))
    return Hit(FOUND, said, seen.subject.count(segment), columns, segment, FIX)


def _against(seen: Seen, each: Doubts) -> Segment | None:
    """The contradicted rows as a segment, where two classes and a column of scores can say it."""
    subject, score = seen.subject, each.model.columns.get("score", "")
    types = {column.name: column.type for column in subject.columns}
    label = subject.roles.label or ""
    if len(each.names) != 2 or types.get(score) not in ("DOUBLE", "FLOAT") or label not in types:
        return None
    low, high = limit(1 - (each.thresholds[0] - TOLERANCE)), limit(each.thresholds[1] - TOLERANCE)
    sides = [
        f"({quoted(score)} {op} {edge:f} and {quoted(label)} = {written(name)})"
        for op, edge, name in ((">=", high, each.names[0]), ("<=", low, each.names[1]))
    ]
    return parse(" or ".join(sides), columns=types)


CHECKS.add(
    Check(
        *(
            "L08",
            "Labels likely wrong",
            "medium",
            "Labels that scores contradict more often than they expect.",
            doubted,
        ),
        ("check_wrong_labels", "check_doubt_factor"),
    )
)
