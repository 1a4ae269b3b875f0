"""Versions: what the checks of each model version share."""

from collections.abc import Callable
from decimal import Decimal

from analysis.checks.definition import CLEAR, Hit, Judge, Seen, clear, unfit
from analysis.core import words
from analysis.engine.profile import TEXT
from analysis.engine.subject import Answered

MOST_VALUES = 50
NO_SCORES = "no model version has scores of the positive class"


def each_version(
    judge: Callable[[Seen, Answered], list[Hit]], fits: Callable[[Answered], bool], why: str, fine: str
) -> Judge:
    """A check of every model version that it fits."""

    def judged(seen: Seen) -> list[Hit]:
        models = [model for model in seen.subject.models if fits(model)]
        if not models:
            return unfit(why)
        hits = [hit for model in models for hit in judge(seen, model)]
        return [hit for hit in hits if hit.outcome != CLEAR] or clear(fine)

    return judged


def scored(model: Answered) -> bool:
    return bool(model.score)


def limit(value: float) -> Decimal:
    """A score as a segment says it."""
    return Decimal(repr(float(value)))


def named(seen: Seen, model: Answered, what: str = "score") -> tuple[str, ...]:
    """The column of the file that holds it, where one does."""
    name = model.columns[what]
    return (name,) if any(column.name == name for column in seen.subject.columns) else ()


def whom(seen: Seen, affected: str, n: int) -> str:
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
