"""Scores: whether they can be what they are taken for."""

import numpy as np

from analysis.checks.course import LEAST, over_time
from analysis.checks.definition import CHECKS, FOUND, Check, Hit, Seen
from analysis.checks.versions import NO_SCORES, each_version, limit, named, scored
from analysis.core import words
from analysis.core.segment import Compare, Or
from analysis.core.settings import number
from analysis.engine.subject import Answered
from analysis.engine.timeline import runs

FINE = 1000


def outside(seen: Seen, model: Answered) -> list[Hit]:
    """Scores below 0 or above 1."""
    subject, column = seen.subject, model.columns["score"]
    n, low, high = subject.one(
        f"SELECT count(*) FILTER (s < 0 OR s > 1), min(s), max(s) FROM (SELECT {model.score} AS s FROM "
        f"{subject.relation} r) WHERE isfinite(s)"
    )
    if not n:
        return []
    where = Or((Compare(column, "<", 0), Compare(column, ">", 1)))
    said = f"{words.plural(n, 'score')} of {model.name} lie outside 0 to 1; they reach from {low:g} to {high:g}."
    fix = "Say how they become probabilities (a calibration does), or use metrics of ranks alone."
    return [Hit(FOUND, said, n, named(seen, model), where, fix, model.name)]


def sums(seen: Seen, model: Answered) -> list[Hit]:
    """Scores of the classes that do not add up to 1."""
    subject = seen.subject
    total = " + ".join(sql for _, _, sql in model.class_scores)
    reach = number("check_scale")
    n, known = subject.one(
        f"SELECT count(*) FILTER (abs(v - 1) > {reach}), count(v) FROM (SELECT {total} AS v FROM {subject.relation} r)"
    )
    if not n:
        return []
    said = f"In {n:,} of {words.plural(known, 'row')} the scores of {model.name} do not add up to 1."
    fix = "Check that every class has its score and that they are of one model."
    return [Hit(FOUND, said, n, tuple(name for _, name, _ in model.class_scores), None, fix, model.name)]


def inverted(seen: Seen, model: Answered) -> list[Hit]:
    """Scores that rank the wrong way round, over all or for a time."""
    subject = seen.subject
    if not subject.positive:
        return []
    course = over_time(seen)
    low, high = subject.one(
        f"SELECT min(s), max(s) FROM (SELECT {model.score} AS s FROM {subject.relation} r) WHERE isfinite(s)"
    )
    if low is None or low == high:
        return []
    bucket = f"{course.sql} - {course.first}" if not isinstance(course, str) else "0"
    code = f"CAST(floor((s - CAST('{low!r}' AS DOUBLE)) / CAST('{high - low!r}' AS DOUBLE) * {FINE}) AS INTEGER)"
    frame = subject.scan(
        f"SELECT place, {code} AS code, count(*) FILTER (y) AS pos, count(*) FILTER (NOT y) AS neg FROM "
        f"(SELECT {bucket} AS place, {model.score} AS s, {subject.positive} AS y FROM {subject.relation} r) "
        "WHERE isfinite(s) AND y IS NOT NULL AND place IS NOT NULL GROUP BY ALL"
    )
    size = len(course.starts) if not isinstance(course, str) else 1
    counts = np.zeros((2, size, FINE + 1))
    for side, name in enumerate(("neg", "pos")):
        counts[side, frame["place"].to_numpy(), frame["code"].to_numpy()] = frame[name].to_numpy()
    whole, sure = areas(counts.sum(axis=1, keepdims=True))
    fix = "Turn them round, or check which class the score is of."
    if whole[0] < 0.5 - 3 * sure[0]:
        said = f"The scores of {model.name} rank the wrong way round: their AUC is {whole[0]:.3f}."
        return [Hit(FOUND, said, None, named(seen, model), None, fix, model.name)]
    if isinstance(course, str):
        return []
    value, error = areas(counts)
    hits = []
    for first, last in runs(value < 0.5 - 4 * error):
        part = counts[:, first : last + 1].sum(axis=1, keepdims=True)
        said = f"In {course.span(first, last)} the scores of {model.name} rank the wrong way round: their AUC is "
        said += f"{areas(part)[0][0]:.3f}, over all {whole[0]:.3f}."
        rows, where = int(course.rows[first : last + 1].sum()), course.segment(first, last)
        hits.append(Hit(FOUND, said, rows, named(seen, model), where, fix, model.name))
    return hits


def areas(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(B,) AUC of counts (2: negatives and positives, B, codes) and its standard error where there is no skill; nan
    where a class has fewer than ten rows."""
    neg, pos = counts
    n0, n1 = neg.sum(axis=1), pos.sum(axis=1)
    below = np.cumsum(neg, axis=1) - neg / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        value = (pos * below).sum(axis=1) / (n0 * n1)
        error = np.sqrt((n0 + n1 + 1) / (12 * n0 * n1))
    return np.where(np.minimum(n0, n1) < 10, np.nan, value), error


def rounded(seen: Seen, model: Answered) -> list[Hit]:
    """Scores rounded to two digits or fewer, and scores piled up at an end."""
    subject, hits = seen.subject, []
    table = f"(SELECT CAST({model.score} AS DOUBLE) AS s FROM {subject.relation} r) WHERE isfinite(s)"
    n, few, low, high = subject.one(
        f"SELECT count(*), count(*) FILTER (abs(s * 100 - round(s * 100)) < 1e-7), min(s), max(s) FROM {table}"
    )
    if n < 10 * LEAST or low == high:
        return []
    ends = (f"count(*) FILTER (s = CAST('{end!r}' AS DOUBLE))" for end in (low, high))
    at_low, at_high = subject.one(f"SELECT {', '.join(ends)} FROM {table}")
    if few == n and high - low <= 1.0:
        said = f"All scores of {model.name} have at most two decimals, so that many rows tie."
        fix = "Keep the scores as the model gave them: ranks and thresholds are only as fine as they are."
        hits.append(Hit(FOUND, said, None, named(seen, model), None, fix, model.name, severity="low"))
        return hits
    for value, count in ((low, at_low), (high, at_high)):
        if count >= number("check_clipped") * n:
            share = words.number(count / n, "share")
            end = "lowest" if value == low else "highest"
            said = f"{share} of the scores of {model.name} are exactly {value:g}, the {end}: they were cut off there."
            where = Compare(model.columns["score"], "=", limit(value))
            fix = "Keep the scores as the model gave them; beyond the wall rows cannot be ranked."
            hits.append(Hit(FOUND, said, count, named(seen, model), where, fix, model.name, severity="low"))
    return hits


for check in (
    Check(
        *("P01", "Scores outside 0 to 1", "high", "Scores that are no probabilities."),
        each_version(outside, scored, NO_SCORES, "Every score lies between 0 and 1."),
    ),
    Check(
        *("P02", "Scores that do not sum to 1", "medium", "Scores of the classes that do not add up to 1."),
        each_version(
            *(sums, lambda model: len(model.class_scores) > 1),
            *("no model version has a score for each class", "The scores of the classes add up to 1."),
        ),
        ("check_scale",),
    ),
    Check(
        *("P04", "Inverted scores", "high", "Scores that rank the wrong way round."),
        each_version(inverted, scored, NO_SCORES, "No time's scores rank the wrong way round."),
    ),
    Check(
        *("P06", "Rounded or clipped scores", "low", "Scores of two digits, or piled up at an end."),
        each_version(rounded, scored, NO_SCORES, "Scores are neither rounded nor cut off."),
        ("check_clipped",),
    ),
):
    CHECKS.add(check)
