"""Decisions: whether they are what score and threshold say, for all rows alike."""

from dataclasses import dataclass
from decimal import Decimal

import numpy as np
import polars as pl

from analysis.checks.definition import CHECKS, FOUND, Check, Hit, Seen
from analysis.checks.versions import MOST_VALUES, each_version, limit, named, whom
from analysis.core import words
from analysis.core.segment import And, Compare, Missing, Not, Or, Segment
from analysis.engine.condition import quoted
from analysis.engine.profile import TEXT
from analysis.engine.subject import Answered

MANY, MOST = 0.005, 0.25
"""Shares of contradicted decisions: from the first on groups may have thresholds of their own; beyond the second the
decisions follow no threshold at all."""
EXPLAINED, GROUP = 0.2, 100


@dataclass(frozen=True)
class Cut:
    """The threshold decisions follow. wrong: how many contradict it; n: of how many."""

    threshold: Decimal
    wrong: int
    n: int


def followed(frame: pl.DataFrame) -> Cut | None:
    """Of counts by score (s, yes, no; ascending): the threshold fewest decisions contradict, None where all are alike.

    Of thresholds that hardly more contradict than the best one it is that with the fewest decimals.
    """
    scores, yes, no = frame["s"].to_numpy(), frame["yes"].to_numpy(), frame["no"].to_numpy()
    wrong = np.concatenate([[0], np.cumsum(yes)]) + np.concatenate([np.cumsum(no[::-1])[::-1], [0]])
    at, n = int(np.argmin(wrong)), int(yes.sum() + no.sum())
    if at in (0, len(scores)):
        return None
    for digits in (1, 2, 3):
        tried = np.arange(1, 10**digits) / 10**digits
        counts = wrong[np.searchsorted(scores, tried, side="left")]
        best = int(np.argmin(counts))
        if counts[best] <= wrong[at] + (0 if digits == 1 else max(2, wrong[at] // 50)):
            return Cut(Decimal(best + 1).scaleb(-digits), int(counts[best]), n)
    return Cut(limit(scores[at]), int(wrong[at]), n)


def disagreeing(seen: Seen, model: Answered) -> list[Hit]:
    """Decisions that are not what the score and the threshold of the other decisions say."""
    subject, positive = seen.subject, seen.subject.roles.positive
    if positive is None:
        return []
    whole = followed(_counts(seen, model, positive))
    if whole is None or not whole.wrong or whole.wrong > MOST * whole.n:
        return []
    apart = _apart(seen, model, positive, whole) if whole.wrong > max(MANY * whole.n, 30) else None
    threshold = whole.threshold if apart is None else apart[0]
    where = _against(model, positive, threshold)
    n = subject.count(where)
    share = words.number(n / whole.n, "share")
    said = f"{words.plural(n, 'decision')} of {model.name} ({share}) contradict their score at the threshold "
    said += f"{threshold:f} that the others follow."
    said += apart[1] if apart is not None else whom(seen, subject.condition(where), n)
    fix = "Find out who or what overrode them; measure with the threshold to see the model itself."
    if apart is not None:
        fix = "A group is decided on by a rule of its own: ask whether that is meant, and look at its error rates."
    columns = (*named(seen, model), *named(seen, model, "decision"), *(apart[2] if apart is not None else ()))
    return [Hit(FOUND, said, n, columns, where, fix, model.name)]


def _counts(seen: Seen, model: Answered, positive: str, group: str = "") -> pl.DataFrame:
    by = "v, " if group else ""
    inner = f"{group} AS v, " if group else ""
    return seen.subject.scan(
        f"SELECT {by}s, count(*) FILTER (d) AS yes, count(*) FILTER (NOT d) AS no FROM (SELECT {inner}{model.score} "
        f"AS s, {model.decision} = {quoted(positive)} AS d FROM {seen.subject.relation} r) "
        f"WHERE isfinite(s) AND d IS NOT NULL GROUP BY {by}s ORDER BY {by}s"
    )


def _apart(seen: Seen, model: Answered, positive: str, whole: Cut) -> tuple[Decimal, str, tuple[str]] | None:
    """(the threshold of most groups, of equals that of most rows; the groups that follow another
    one in words; their column), where a column's groups with a threshold each leave few contradictions."""
    subject = seen.subject
    best: tuple[int, str, dict[str, Cut]] | None = None
    for column in subject.plain:
        row = seen.profile.of(column.name)
        if row["kind"] != TEXT or not 1 < row["distinct"] <= MOST_VALUES:
            continue
        frames = _counts(seen, model, positive, subject.text(column)).partition_by("v", as_dict=True)
        cuts = {str(value): followed(frame) for (value,), frame in frames.items()}
        known = {value: cut for value, cut in cuts.items() if cut is not None and cut.n >= GROUP}
        wrong = sum(cut.wrong for cut in known.values())
        covered = sum(cut.n for cut in known.values()) >= 0.9 * whole.n
        if covered and wrong <= EXPLAINED * whole.wrong and (best is None or wrong < best[0]):
            best = wrong, column.name, known
    if best is None:
        return None
    _, name, known = best
    followers: dict[Decimal, tuple[int, int]] = {}
    for cut in known.values():
        groups, rows = followers.get(cut.threshold, (0, 0))
        followers[cut.threshold] = groups + 1, rows + cut.n
    usual = max(followers, key=lambda each: followers[each])
    others = [f"{value!r} {cut.threshold:f}" for value, cut in sorted(known.items()) if cut.threshold != usual]
    return usual, f" Groups of '{name}' follow thresholds of their own: {words.listed(others)}.", (name,)


def _against(model: Answered, positive: str, threshold: Decimal) -> Segment:
    """The decisions that contradict the threshold."""
    score, decision = model.columns["score"], model.columns["decision"]
    known = (Not(Compare(decision, "=", positive)), Not(Missing(decision)))
    return Or(
        (
            And((Compare(score, ">=", threshold), *known)),
            And((Compare(score, "<", threshold), Compare(decision, "=", positive))),
        )
    )


CHECKS.add(
    Check(
        *("P03", "Decisions against the score", "high", "Decisions that score and threshold contradict."),
        each_version(
            *(disagreeing, lambda model: bool(model.score and model.decision)),
            *("no model version has both scores and decisions", "Every decision is what score and threshold say."),
        ),
    )
)
