"""Predictions: whether what a model version said can be what it meant to say."""

from collections.abc import Callable
from decimal import Decimal
from itertools import pairwise

import numpy as np

from analysis.checks.course import LEAST, over_time
from analysis.checks.definition import CHECKS, CLEAR, FOUND, Check, Hit, Seen, clear, unfit
from analysis.core import words
from analysis.core.segment import And, Compare, Missing, Not, Or, Segment, every
from analysis.core.settings import number
from analysis.engine.profile import TEXT
from analysis.engine.subject import Answered
from analysis.engine.timeline import runs

FINE = 1000
MOST_VALUES = 50
NO_SCORES = "no model version has scores of the positive class"


def _each(judge: Callable[[Seen, Answered], list[Hit]], fits: Callable[[Answered], bool], why: str, fine: str):
    """A check of every model version that it fits."""

    def judged(seen: Seen) -> list[Hit]:
        models = [model for model in seen.subject.models if fits(model)]
        if not models:
            return unfit(why)
        hits = [hit for model in models for hit in judge(seen, model)]
        return [hit for hit in hits if hit.outcome != CLEAR] or clear(fine)

    return judged


def _scored(model: Answered) -> bool:
    return bool(model.score)


def _limit(value: float) -> Decimal:
    return Decimal(repr(float(value)))


def _named(seen: Seen, model: Answered, what: str = "score") -> tuple[str, ...]:
    """The column of the file that holds it, where one does."""
    name = model.columns[what]
    return (name,) if any(column.name == name for column in seen.subject.columns) else ()


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
    return [Hit(FOUND, said, n, _named(seen, model), where, fix, model.name)]


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


def disagreeing(seen: Seen, model: Answered) -> list[Hit]:
    """Decisions that are not what the score and the threshold of the other decisions say."""
    subject, positive = seen.subject, seen.subject.roles.positive
    if positive is None:
        return []
    frame = subject.scan(
        f"SELECT s, count(*) FILTER (d) AS yes, count(*) FILTER (NOT d) AS no FROM (SELECT {model.score} AS s, "
        f"{model.decision} = '{positive.replace(chr(39), chr(39) * 2)}' AS d FROM {subject.relation} r) "
        "WHERE isfinite(s) AND d IS NOT NULL GROUP BY s ORDER BY s"
    )
    if not len(frame):
        return []
    scores, yes, no = frame["s"].to_numpy(), frame["yes"].to_numpy(), frame["no"].to_numpy()
    below = np.concatenate([[0], np.cumsum(yes)])
    above = np.concatenate([np.cumsum(no[::-1])[::-1], [0]])
    wrong = below + above
    at, total = int(np.argmin(wrong)), int(yes.sum() + no.sum())
    n = int(wrong[at])
    if not n or at in (0, len(scores)) or n > 0.25 * total:
        return []
    threshold, n = _roundest(scores, wrong, at)
    score, decision = model.columns["score"], model.columns["decision"]
    other = Not(Compare(decision, "=", positive))
    where = Or(
        (
            And((Compare(score, ">=", threshold), other, Not(Missing(decision)))),
            And((Compare(score, "<", threshold), Compare(decision, "=", positive))),
        )
    )
    share = words.number(n / total, "share")
    said = f"{words.plural(n, 'decision')} of {model.name} ({share}) contradict their score: all others follow the "
    said += f"threshold {threshold:f}."
    said += _whom(seen, subject.condition(where), n)
    fix = "Find out who or what overrode them; measure with the threshold to see the model itself."
    columns = (*_named(seen, model), *_named(seen, model, "decision"))
    return [Hit(FOUND, said, n, columns, where, fix, model.name)]


def _roundest(scores: np.ndarray, wrong: np.ndarray, at: int) -> tuple[Decimal, int]:
    """(the threshold with the fewest decimals that contradicts hardly more decisions than the best one, how many).

    wrong: the contradictions of a threshold at each score, and above all; at: where they are fewest.
    """
    most = wrong[at] + max(2, wrong[at] // 50)
    for digits in (1, 2, 3):
        tried = np.arange(1, 10**digits) / 10**digits
        counts = wrong[np.searchsorted(scores, tried, side="left")]
        best = int(np.argmin(counts))
        if counts[best] <= (wrong[at] if digits == 1 else most):
            return Decimal(best + 1).scaleb(-digits), int(counts[best])
    return _limit(scores[at]), int(wrong[at])


def _whom(seen: Seen, affected: str, n: int) -> str:
    """The category that holds nearly all of them while others hold none, in words; "" where there is none."""
    subject = seen.subject
    for column in subject.plain:
        row = seen.profile.of(column.name)
        if row["kind"] != TEXT or not 1 < row["distinct"] <= MOST_VALUES:
            continue
        text = subject.text(column)
        frame = subject.scan(
            f"SELECT {text} AS v, count(*) AS n, count(*) FILTER ({affected}) AS k FROM {subject.relation} r "
            "GROUP BY 1 ORDER BY k DESC, v LIMIT 2"
        )
        value, size, k = frame.row(0)
        if k >= 0.9 * n and size <= 0.6 * subject.rows and value is not None:
            share = words.number(k / n, "share")
            return (
                f" {share} of them have '{column.name}' = '{value}', where they are {words.number(k / size, 'share')}."
            )
    return ""


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
        return [Hit(FOUND, said, None, _named(seen, model), None, fix, model.name)]
    if isinstance(course, str):
        return []
    value, error = areas(counts)
    hits = []
    for first, last in runs(value < 0.5 - 4 * error):
        part = counts[:, first : last + 1].sum(axis=1, keepdims=True)
        said = f"In {course.span(first, last)} the scores of {model.name} rank the wrong way round: their AUC is "
        said += f"{areas(part)[0][0]:.3f}, over all {whole[0]:.3f}."
        rows, where = int(course.rows[first : last + 1].sum()), course.segment(first, last)
        hits.append(Hit(FOUND, said, rows, _named(seen, model), where, fix, model.name))
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


def constant(seen: Seen, model: Answered) -> list[Hit]:
    """Scores or decisions that never vary."""
    subject, hits = seen.subject, []
    for what, sql in (("score", model.score), ("decision", model.decision)):
        if not sql:
            continue
        n, low, high = subject.one(
            f"SELECT count(v), min(v), max(v) FROM (SELECT {sql} AS v FROM {subject.relation} r)"
        )
        if n > 1 and low == high:
            said = f"Every {what} of {model.name} is {low}."
            fix = "A model that says the same of everyone was not asked, or its features were missing."
            hits.append(Hit(FOUND, said, n, _named(seen, model, what), None, fix, model.name, severity="high"))
    return hits


def rounded(seen: Seen, model: Answered) -> list[Hit]:
    """Scores rounded to two digits or fewer, and scores piled up at an end."""
    subject, hits = seen.subject, []
    n, few, low, high, at_low, at_high = subject.one(
        f"SELECT count(*), count(*) FILTER (abs(s * 100 - round(s * 100)) < 1e-7), any_value(low), any_value(high), "
        f"count(*) FILTER (s = low), count(*) FILTER (s = high) FROM (SELECT s, min(s) OVER () AS low, max(s) OVER () "
        f"AS high FROM (SELECT {model.score} AS s FROM {subject.relation} r) WHERE isfinite(s))"
    )
    if n < 10 * LEAST or low == high:
        return []
    if few == n and high - low <= 1.0:
        said = f"All scores of {model.name} have at most two decimals, so that many rows tie."
        fix = "Keep the scores as the model gave them: ranks and thresholds are only as fine as they are."
        hits.append(Hit(FOUND, said, None, _named(seen, model), None, fix, model.name, severity="low"))
        return hits
    for value, count in ((low, at_low), (high, at_high)):
        if count >= number("check_clipped") * n:
            share = words.number(count / n, "share")
            end = "lowest" if value == low else "highest"
            said = f"{share} of the scores of {model.name} are exactly {value:g}, the {end}: they were cut off there."
            where = Compare(model.columns["score"], "=", _limit(value))
            fix = "Keep the scores as the model gave them; beyond the wall rows cannot be ranked."
            hits.append(Hit(FOUND, said, count, _named(seen, model), where, fix, model.name, severity="low"))
    return hits


def missing(seen: Seen, model: Answered) -> list[Hit]:
    """Rows without an answer, and whom that hits."""
    subject = seen.subject
    n = int(subject.one(f"SELECT count(*) FILTER (NOT {model.given}) FROM {subject.relation} r")[0])
    if not n:
        return []
    parts: list[Segment] = []
    for what, sql in (("score", model.score), ("decision", model.decision)):
        if sql:
            parts.append(Missing(model.columns[what]))
    parts += [] if model.score else [Missing(name) for _, name, _ in model.class_scores]
    where = every(parts)
    if len(parts) == 2 and subject.count(parts[0]) == n:
        where = parts[0]
    share = words.number(n / subject.rows, "share")
    said = f"{model.name} gives no answer for {words.plural(n, 'row')} ({share})."
    said += _whom(seen, f"NOT {model.given}", n)
    fix = "Metrics leave these rows out: ask whether the others stand for them."
    columns = (*_named(seen, model), *_named(seen, model, "decision"))
    return [Hit(FOUND, said, n, columns, where, fix, model.name)]


def several(seen: Seen) -> list[Hit]:
    """Rows of a long file that answer again for an id and model version."""
    subject, roles = seen.subject, seen.subject.roles
    if not roles.id or roles.model_version is None:
        return unfit("no file with a row an id and model version: the roles id and model version are not both given")
    if subject.kind == "evaluation":
        return unfit("an evaluation holds one answer an id and model version; check its dataset as uploaded")
    names = [*roles.id, roles.model_version]
    places = subject.again(names)
    if not places:
        return clear("Every id has one answer of each model version.")
    said = f"{words.plural(len(places), 'row')} answer again for an id and model version."
    fix = "Keep one answer: the first, or the last."
    return [Hit(FOUND, said, len(places), tuple(names), None, fix, places=tuple(places[:1000]))]


def different_rows(seen: Seen) -> list[Hit]:
    """Rows that some model versions answered and others did not."""
    subject = seen.subject
    if len(subject.models) < 2:
        return unfit("there is only one model version")
    given = [f"CAST({model.given} AS INTEGER)" for model in subject.models]
    total = " + ".join(given)
    table = f"(SELECT {total} AS v FROM {subject.relation} r)"
    n = int(subject.one(f"SELECT count(*) FILTER (v BETWEEN 1 AND {len(given) - 1}) FROM {table}")[0])
    if not n:
        return clear("The model versions answered the same rows.")
    counts = subject.one(f"SELECT {', '.join(f'sum({each})' for each in given)} FROM {subject.relation} r")
    each = words.listed([f"{model.name} {int(k):,}" for model, k in zip(subject.models, counts, strict=True)])
    said = f"{words.plural(n, 'row')} have the answer of some model versions only (answered: {each})."
    fix = "Compare versions on the rows both answered, as Compare does; each one's own figures are of other rows."
    return [Hit(FOUND, said, n, (), None, fix)]


def crossed(seen: Seen, model: Answered) -> list[Hit]:
    """Quantiles of a lower level above those of a higher one."""
    subject = seen.subject
    values = [sql for _, _, sql in model.quantiles]
    tests = [f"{low} > {high}" for low, high in pairwise(values)]
    rows = subject.scan(f"SELECT r.rowid AS place FROM {subject.relation} r WHERE {' OR '.join(tests)} ORDER BY place")
    places = rows["place"].to_list()
    if not places:
        return []
    said = f"In {words.plural(len(places), 'row')} a lower quantile of {model.name} lies above a higher one."
    fix = "Sort them, or leave these rows out of coverage and quantile loss."
    columns = tuple(name for _, name, _ in model.quantiles)
    return [Hit(FOUND, said, len(places), columns, None, fix, model.name, places=tuple(places[:1000]))]


for check in (
    Check(
        *("P01", "Scores outside 0 to 1", "high", "Scores that are no probabilities."),
        _each(outside, _scored, NO_SCORES, "Every score lies between 0 and 1."),
    ),
    Check(
        *("P02", "Scores that do not sum to 1", "medium", "Scores of the classes that do not add up to 1."),
        _each(
            *(sums, lambda model: len(model.class_scores) > 1),
            *("no model version has a score for each class", "The scores of the classes add up to 1."),
        ),
        ("check_scale",),
    ),
    Check(
        *("P03", "Decisions against the score", "high", "Decisions that score and threshold contradict."),
        _each(
            *(disagreeing, lambda model: bool(model.score and model.decision)),
            *("no model version has both scores and decisions", "Every decision is what score and threshold say."),
        ),
    ),
    Check(
        *("P04", "Inverted scores", "high", "Scores that rank the wrong way round."),
        _each(inverted, _scored, NO_SCORES, "No time's scores rank the wrong way round."),
    ),
    Check(
        *("P05", "Constant predictions", "high", "Scores or decisions that never vary."),
        _each(
            *(constant, lambda model: bool(model.score or model.decision)),
            *("there are no predictions", "Scores and decisions vary."),
        ),
    ),
    Check(
        *("P06", "Rounded or clipped scores", "low", "Scores of two digits, or piled up at an end."),
        _each(rounded, _scored, NO_SCORES, "Scores are neither rounded nor cut off."),
        ("check_clipped",),
    ),
    Check(
        *("P07", "Missing predictions", "medium", "Rows without an answer, and whom that hits."),
        _each(missing, lambda model: model.given != "false", "there are no predictions", "Every row has an answer."),
    ),
    Check("P08", "Several predictions", "high", "Rows that answer again for an id and version.", several),
    Check("P09", "Versions on different rows", "low", "Rows only some versions answered.", different_rows),
    Check(
        *("P10", "Crossed quantiles", "medium", "Lower quantiles above higher ones."),
        _each(
            *(crossed, lambda model: len(model.quantiles) > 1),
            *("no model version has quantiles", "No quantile lies above a higher one."),
        ),
    ),
):
    CHECKS.add(check)
