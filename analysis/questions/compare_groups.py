"""How do groups, segments, periods or model versions differ? Differences with intervals, corrected for all looks."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

import numpy as np
import polars as pl

from analysis.core import words
from analysis.core.cube import Cube
from analysis.core.cutoffs import Threshold
from analysis.core.errors import BadRequest, Undecided
from analysis.core.evaluation import ModelFacts
from analysis.core.period import Period
from analysis.core.receipt import Receipt, Result, Used
from analysis.core.roles import BINARY
from analysis.core.segment import And, Everything, Not, Segment, every
from analysis.core.settings import number
from analysis.engine import binning, pairs, replicated
from analysis.engine.query import Answer, OpenEvaluation, Query
from analysis.engine.receipts import receipt_sql
from analysis.engine.used import rows_used
from analysis.metrics import against as against_
from analysis.metrics import differences, paired, panel, unpaired
from analysis.metrics.against import EARLIER, OVERALL, PARENTS, REST, ROW_AND_COLUMN, WHOLE
from analysis.metrics.contrasts import Contrast
from analysis.metrics.definition import Metric

LOOKS = {
    "binary": ("recall", "precision", "roc_auc", "selection_rate"),
    "multiclass": ("accuracy", "macro_recall", "macro_f1"),
    "regression": ("mae", "bias"),
}
"""What is compared unless asked otherwise: few, since every look costs the others some power."""
NONE: Mapping[str, str] = MappingProxyType({})
MEDIANS = "that of the rest does not follow from the groups: compare with a segment (--a, --b) or another group"


Difference = Callable[..., Contrast]


@dataclass
class _Found:
    """What one way of comparing has gathered."""

    pieces: list[pl.DataFrame] = field(default_factory=list)
    used: list[Used] = field(default_factory=list)
    sql: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)

    def add(
        self, asked: "_Asked", metric: Metric, why: str | None, one: Cube, two: Cube, how: Difference, **named: Any
    ) -> None:
        """One metric's differences between two cubes. named: the model, what the other side is called, the groups."""
        contrast = differences.unknown(len(one), why) if why else how(metric, one, two, level=asked.level)
        settled = np.ones(len(one), dtype=bool)
        if metric.needs != ("predictions",):
            settled = np.minimum(one.labelled, two.labelled) >= number("labelled_share")
        self.pieces.append(differences.rows(metric, contrast, one, settled=settled, level=asked.level, **named))


@dataclass(frozen=True)
class _Asked:
    """The options every way of comparing needs."""

    evaluation: OpenEvaluation
    metrics: list[Metric]
    query: Callable[[ModelFacts, list[Metric]], Query]
    versions: list[ModelFacts]
    threshold: Threshold | None
    level: float

    def possible(self, *models: ModelFacts) -> tuple[list[Metric], dict[str, str]]:
        """(metrics every one of the models can answer, {metric: why not} of the others)."""
        why: dict[str, str] = {}
        for metric in self.metrics:
            for model in models:
                reason = panel.obstacle(metric, self.evaluation.facts, model, self.threshold)
                if reason is not None:
                    why.setdefault(metric.name, reason)
        return [metric for metric in self.metrics if metric.name not in why], why


def compare_groups(
    evaluation: OpenEvaluation,
    *,
    by: Sequence[str] = (),
    binnings: Mapping[str, str] = NONE,
    metrics: Sequence[str] = (),
    against: str = REST,
    a: Segment | None = None,
    b: Segment | None = None,
    periods: tuple[Period, Period] | None = None,
    pair: Sequence[str] = (),
    models: Sequence[str] = (),
    where: Segment | None = None,
    period: Period | None = None,
    threshold: Threshold | None = None,
    level: float = 0.95,
    claims: bool = False,
) -> Result:
    """The difference of each metric, one way of these: groups of `by` against the rest, the whole or one of them, of
    two columns their row and column ("parents"), or themselves at an earlier time ("before", "weekdays", "season");
    segment `a` against `b` (None: everything else); the first period against the second; the first model version of
    `pair` against the others on the rows both answered, overall or in each group of `by`. binnings: how columns of `by`
    are cut into bins, see engine/binning.py.

    Verdicts are corrected over the whole frame: Benjamini and Hochberg, or with `claims` Holm. BadRequest for sides
    that share rows, for no way or more than one.
    """
    facts = evaluation.facts
    ways = [name for name, given in (("a", a), ("periods", periods), ("pair", pair)) if given]
    if len(ways) > 1 or (ways in (["a"], ["periods"]) and by) or not (ways or by):
        raise BadRequest(
            "Say one thing to compare: groups of a column (--by), two segments (--a, --b), two periods (--periods) or "
            "model versions on the same rows (--models, also with --by)."
        )
    if threshold is not None and facts.task != BINARY:
        raise BadRequest(f"A threshold decides between two classes; '{facts.name}' is {facts.task}.")
    if by and not pair:
        against_.refuse(against, len(by), period or Period())
    chosen = panel.chosen(facts, metrics or LOOKS[facts.task], evaluation.own)
    where, period = where or Everything(), period or Period()

    def query(model: ModelFacts, measured: list[Metric]) -> Query:
        own = threshold if model.score or pair else None
        return Query(model.name, panel.needs(measured), by=keys, where=where, period=period, threshold=own)

    versions = [facts.model(name) for name in (pair or models)] if pair or models else list(facts.models)
    keys = binning.keys(evaluation, versions[0].name, by, binnings)
    asked = _Asked(evaluation, chosen, query, versions, threshold, level)
    if metrics:
        _refuse_undecided(asked)
    if pair:
        found = _versions(asked)
    elif a is not None:
        found = _segments(asked, a, b)
    elif periods is not None:
        found = _periods(asked, periods)
    else:
        found = _groups(asked, against)
    pieces = pl.concat(found.pieces, how="vertical_relaxed")
    frame, looks = differences.judged(pieces, claims=claims, own=evaluation.own)
    frame = frame if frame["class"].null_count() < len(frame) else frame.drop("class")
    options: dict[str, Any] = {
        "metrics": [metric.name for metric in chosen],
        "by": list(by),
        "binnings": dict(binnings),
        "against": against if by and not pair else None,
        "a": None if a is None else a.expression(),
        "b": None if b is None else b.expression(),
        "periods": None if periods is None else [[str(each.first), str(each.last)] for each in periods],
        "pair": list(pair),
        "models": [model.name for model in versions],
        "where": "" if isinstance(where, Everything) else where.expression(),
        "from": str(period.first) if period.first else None,
        "to": str(period.last) if period.last else None,
        "threshold": threshold,
        "level": level,
        "correction": "Holm" if claims else "Benjamini-Hochberg",
        "positive": facts.positive,
    }
    options |= panel.own_texts(chosen, evaluation.own)
    receipt = Receipt(
        "compare-groups",
        facts.label,
        facts.fingerprint,
        options,
        tuple(found.used),
        found.sql,
        m=looks or None,
        q=number("q") if looks else None,
        seconds=sum(each.seconds for each in found.answers),
        cached=all(each.cached for each in found.answers),
        notes=tuple(dict.fromkeys(found.notes)),
    )
    return Result(frame, differences.sentence(frame, where, evaluation.own), receipt, own=evaluation.own)


def _refuse_undecided(asked: _Asked) -> None:
    for metric in asked.metrics:
        for model in asked.versions:
            if panel.obstacle(metric, asked.evaluation.facts, model, asked.threshold) == panel.NEEDS_DECISION:
                raise Undecided(
                    f"'{metric.name}' needs a decision, and '{model.name}' has scores only: say from which score on a "
                    "row counts as positive, with --threshold."
                )


def _groups(asked: _Asked, against: str) -> _Found:
    """Each group against the rest (the whole less the group, from the same cube), the whole, one of the groups, what
    its row and column alone would give it, or itself at an earlier time."""
    found = _Found()
    for model in asked.versions:
        possible, why = asked.possible(model)
        query = asked.query(model, possible)
        answer = asked.evaluation.ask(query)
        how: Difference = unpaired.difference
        if against == OVERALL or against in EARLIER:
            then = query.period.earlier(against) if against in EARLIER else None
            one = replace(query, by=()) if then is None else replace(query, period=then)
            both = replicated.attached(asked.evaluation, [(query, answer), (one, asked.evaluation.ask(one))])
            answer = both[0]
            cube, other, said = both[0].cube, both[1].cube, OVERALL
            found.answers.append(both[1])
            if then is not None:
                other, said = against_.aligned(other, cube), against_.said(then)
            elif asked.evaluation.facts.roles.unit is None:
                found.notes.append(
                    "Every group is part of the whole it is compared with: the intervals are rather too wide."
                )
        else:
            answer = replicated.attached(asked.evaluation, [(query, answer)])[0]
            cube = answer.cube
            if against == PARENTS:
                other, said, how = cube, ROW_AND_COLUMN, against_.beyond
            elif against == REST:
                other, said = cube.rest(), "the rest"
            else:
                cube, other, said = *against_.one_of(cube, against), against
        found.answers.append(answer)
        found.used.append(rows_used(model.name, answer.cube))
        groups = cube.groups.rename(differences.names(query.by))
        for metric in asked.metrics:
            reason = why.get(metric.name)
            if reason is None and against in (REST, PARENTS) and any(need.startswith(WHOLE) for need in metric.needs):
                reason = MEDIANS
            named = {"model": model.name, "other": said, "groups": groups}
            found.add(asked, metric, reason, cube, other, how, **named)
            if reason is None and metric.sql is not None:
                sql = receipt_sql(asked.evaluation, query, metric, answer.threshold)
                found.sql[f"{metric.name} ({model.name})"] = sql
    return found


def _segments(asked: _Asked, a: Segment, b: Segment | None) -> _Found:
    other = Not(a) if b is None else b
    model = asked.versions[0]
    if b is not None:
        shared = asked.query(model, [])
        both = asked.evaluation.ask(replace(shared, where=every([shared.where, And((a, b))])))
        if both.cube.rows.sum():
            raise BadRequest(
                f"The two segments share {words.plural(int(both.cube.rows.sum()), 'row')}, so they cannot be compared "
                "as groups of their own: take the shared rows out of one of them with 'and not (...)'."
            )
    said = "everything else" if b is None else other.sentence()
    sides = [(a.sentence(), lambda query, s=each: replace(query, where=every([query.where, s]))) for each in (a, other)]
    return _two(asked, "segment", (sides[0][0], said), (sides[0][1], sides[1][1]))


def _periods(asked: _Asked, periods: tuple[Period, Period]) -> _Found:
    for each in periods:
        if each.first is None or each.last is None:
            raise BadRequest("A period to compare needs its first and its last day, as 2026-01-01:2026-01-31.")
    early, late = sorted(periods, key=lambda each: str(each.first))
    if str(early.last) >= str(late.first):
        raise BadRequest("The two periods overlap; a comparison needs them apart.")
    changes = [lambda query, p=each: replace(query, period=p) for each in periods]
    said = [f"{each.first} to {each.last}" for each in periods]
    return _two(asked, "period", (said[0], said[1]), (changes[0], changes[1]))


def _two(
    asked: _Asked,
    column: str,
    said: tuple[str, str],
    changes: tuple[Callable[[Query], Query], Callable[[Query], Query]],
) -> _Found:
    """Two sets of different rows against each other."""
    found = _Found()
    for model in asked.versions:
        possible, why = asked.possible(model)
        queries = [change(asked.query(model, possible)) for change in changes]
        answers = [(query, asked.evaluation.ask(query)) for query in queries]
        one, two = replicated.attached(asked.evaluation, answers)
        found.answers += [one, two]
        found.used += [
            replace(rows_used(model.name, answer.cube), model=f"{model.name}, {name}")
            for answer, name in zip((one, two), said, strict=True)
        ]
        for metric in asked.metrics:
            reason = why.get(metric.name)
            named = {"model": model.name, "other": said[1], "groups": pl.DataFrame({column: [said[0]]})}
            found.add(asked, metric, reason, one.cube, two.cube, unpaired.difference, **named)
            for query, answer, name in zip(queries, (one, two), said, strict=True):
                if reason is None and metric.sql is not None:
                    sql = receipt_sql(asked.evaluation, query, metric, answer.threshold)
                    found.sql[f"{metric.name} ({model.name}, {name})"] = sql
    return found


def _versions(asked: _Asked) -> _Found:
    """The first model version against each of the others, on the rows both answered."""
    found = _Found()
    if len({model.name for model in asked.versions}) < 2:
        raise BadRequest("A paired comparison needs two different model versions, as in --models v1,v2.")
    first = asked.versions[0]
    for other in asked.versions[1:]:
        possible, why = asked.possible(first, other)
        why |= {metric.name: said for metric in possible if (said := pairs.unshared(metric)) is not None}
        possible = [metric for metric in possible if metric.name not in why]
        query = asked.query(first, possible)
        one, two = pairs.ask(asked.evaluation, query, other.name, possible)
        found.answers += [one, two]
        found.used.append(rows_used(f"{first.name} and {other.name}", one.cube, "both models"))
        found.notes.append(f"{first.name} and {other.name} are compared on the rows both answered.")
        groups = one.cube.groups.rename(differences.names(query.by)) if query.by else one.cube.groups
        for metric in asked.metrics:
            reason = why.get(metric.name)
            named = {"model": first.name, "other": other.name, "groups": groups}
            found.add(asked, metric, reason, one.cube, two.cube, paired.difference, **named)
            if reason is None and metric.sql is not None:
                for each, side in zip(pairs.queries(query, other.name, possible), (one, two), strict=True):
                    sql = receipt_sql(asked.evaluation, each, metric, side.threshold, side.other_threshold)
                    found.sql[f"{metric.name} ({each.model}, rows of {each.other} too)"] = sql
    return found
