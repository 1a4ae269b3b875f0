"""Which features does a model lean on? What a metric loses when each is shuffled, with its interval, direction, and
whether it changed over time.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import numpy as np

from analysis.core import words
from analysis.core.errors import BadRequest
from analysis.core.evaluation import Evaluation
from analysis.core.model import Model, Scorer, features
from analysis.core.period import BUCKETS, DAY, Period, bucket_after, bucket_start
from analysis.core.receipt import Receipt, Result, Used
from analysis.core.roles import BINARY, REGRESSION
from analysis.core.segment import Everything, Segment
from analysis.core.settings import number, whole
from analysis.core.surrogate import cautions
from analysis.engine import held, shuffling
from analysis.engine.asking import Reading, draw
from analysis.engine.kept import keep, kept
from analysis.engine.leanings import Leanings, related
from analysis.engine.piecework import Progress, missing
from analysis.engine.query import OpenEvaluation, Query
from analysis.engine.receipts import bare
from analysis.engine.shuffling import Plan, Shuffled
from analysis.metrics import METRICS, Metric, defined
from analysis.metrics.association import together

SEED = 20_260
MOST_PERIODS = 60
BY = BUCKETS[1:]
"""Buckets importance is told by: periods are whole days."""


@dataclass(frozen=True)
class Shuffles:
    """What is asked. metric: "" for the usual one (roc_auc; log_loss of more classes; r2; accuracy of labels alone).
    limit, repeats: rows and shuffles, None for the settings'. groups: features that are shuffled together; related:
    those that hang together are, too. by: a time bucket, to see whether importance changed. threshold: decides instead
    of the model's own labels."""

    metric: str = ""
    where: Segment | None = None
    period: Period = field(default_factory=Period)
    limit: int | None = None
    repeats: int | None = None
    groups: tuple[tuple[str, ...], ...] = ()
    related: bool = False
    by: str = ""
    threshold: float | None = None
    seed: int = SEED
    level: float = 0.95

    def understood(self, evaluation: OpenEvaluation, scorer: Scorer) -> "Shuffles":
        """The same with every default filled in; BadRequest where it cannot be asked."""
        facts = evaluation.facts
        names = [column.name for column in features(scorer.model, facts)]
        grouped = [name for group in self.groups for name in group]
        if len(set(grouped)) < len(grouped):
            raise BadRequest("A feature is shuffled together with one set of others only.")
        lost = next((name for name in grouped if name not in names), None)
        if lost is not None:
            raise BadRequest(
                f"The model {scorer.model.label} takes no feature '{lost}'. It takes {', '.join(names[:20])}."
            )
        metric = defined(self.metric or _usual(facts, scorer.model), evaluation.own)
        why = held.obstacle(metric, facts)
        if why is not None:
            raise BadRequest(why)
        limit = whole("importance_rows") if self.limit is None else self.limit
        repeats = whole("importance_repeats") if self.repeats is None else self.repeats
        if limit < 2 or not 1 <= repeats <= 100:
            raise BadRequest("Importance needs at least 2 rows, and 1 to 100 shuffles.")
        if not 0 <= self.seed < 1 << 32:
            raise BadRequest(f"A seed is a whole number from 0 to 4,294,967,295, not {self.seed}.")
        if self.by and self.by not in BY:
            raise BadRequest(f"--by-period is one of {', '.join(BY)}, not '{self.by}'.")
        return replace(self, metric=metric.name, limit=limit, repeats=repeats)

    def options(self, scorer: Scorer, evaluation: OpenEvaluation) -> dict[str, Any]:
        """For the receipt and for finding the answer again; of what was understood."""
        model = scorer.model
        return {
            "model": model.label,
            "model_fingerprint": model.fingerprint,
            "kind": model.kind,
            "libraries": model.libraries,
            "features": [column.name for column in features(model, evaluation.facts)],
            "metric": self.metric,
            "metric_defined": defined(self.metric, evaluation.own).mark,
            "where": "" if self.where is None or isinstance(self.where, Everything) else self.where.expression(),
            "from": str(self.period.first) if self.period.first else None,
            "to": str(self.period.last) if self.period.last else None,
            "limit": self.limit,
            "repeats": self.repeats,
            "groups": [list(group) for group in self.groups],
            "related": self.related,
            "by": self.by,
            "threshold": self.threshold,
            "seed": self.seed,
            "level": self.level,
            "positive": evaluation.facts.positive,
        }


def importance_metrics(evaluation: OpenEvaluation, model: Model) -> dict[str, str]:
    """{name: title} of the metrics a model can lose, the usual one first."""
    facts = evaluation.facts
    known = [*METRICS, *evaluation.own.values()]
    found = {
        metric.name: metric.title
        for metric in known
        if held.measurable(metric, facts) and (model.scores or not held.of_scores(metric, facts))
    }
    first = _usual(facts, model)
    return {first: found[first]} | found


def _usual(facts: Evaluation, model: Model) -> str:
    if facts.task == REGRESSION:
        return "r2"
    return {BINARY: "roc_auc"}.get(facts.task, "log_loss") if model.scores else "accuracy"


def importance_known(evaluation: OpenEvaluation, scorer: Scorer, asked: Shuffles) -> Result | None:
    """What `importance` answered to the same before, None where nobody asked."""
    return kept(evaluation.shelf, "importance", asked.understood(evaluation, scorer).options(scorer, evaluation))


def importance_left(evaluation: OpenEvaluation, scorer: Scorer, asked: Shuffles) -> tuple[int, int]:
    """(parts of the work that are not kept yet, all of them)."""
    work = _Work(evaluation, scorer, asked.understood(evaluation, scorer))
    pieces = [piece for each in work.drawn for piece in shuffling.pieces(each, work.plan)]
    return len(missing(evaluation, pieces)), len(pieces)


def importance(
    evaluation: OpenEvaluation,
    scorer: Scorer,
    asked: Shuffles | None = None,
    *,
    progress: Progress = lambda share, doing: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Result:
    """A row a feature (or features shuffled together), the most important first.

    `importance`: by how much the metric gets worse when the feature's values are dealt to other rows, the mean of the
    shuffles, in the metric's unit; `low`, `high`: its interval, over the rows drawn and the dealing; p: two-sided, that
    it is 0; p_adjusted: Benjamini-Hochberg over the rows of the frame; verdict: matters, hurts (the metric is better
    without it), not shown, not enough data; direction: whether the answer rises or falls with the feature, or is mixed
    (numeric features with a verdict; scores of two classes and forecasts); related: features it hangs together with.
    metric, as_is: what is lost, and its value with nothing shuffled. Further frames: `related` (feature, other,
    association, kind), and with `by` `periods` (period, from, to, feature, importance, low, high, n) and `changes`
    (feature, p, p_adjusted, periods, verdict: changed, not shown, not enough data).
    """
    began = time.perf_counter()
    asked = (asked or Shuffles()).understood(evaluation, scorer)
    options = asked.options(scorer, evaluation)
    known = kept(evaluation.shelf, "importance", options)
    if known is not None:
        return known
    work = _Work(evaluation, scorer, asked)
    found = shuffling.measured(evaluation, work.drawn, work.plan, progress=progress, cancelled=cancelled)
    result = work.result(found, options, began)
    keep(evaluation.shelf, options, result)
    return result


class _Work:
    """What is asked, as rows and a plan, and the answer made of what was measured."""

    def __init__(self, evaluation: OpenEvaluation, scorer: Scorer, asked: Shuffles) -> None:
        self.evaluation, self.facts, self.scorer, self.asked = evaluation, evaluation.facts, scorer, asked
        assert asked.limit is not None and asked.repeats is not None  # noqa: S101, PT018 - it is understood
        self.periods = [asked.period, *self._periods()]
        self.drawn = [
            draw(evaluation, scorer, where=asked.where, period=each, limit=asked.limit, seed=asked.seed, truth=True)
            for each in self.periods
        ]
        names = [column.name for column in self.drawn[0].columns]
        self.related = related(self.drawn[0])
        pairs = list(zip(self.related["feature"], self.related["other"], strict=True))
        grouped = {name: group for group in asked.groups for name in group}
        self.sets = together([name for name in names if name not in grouped], pairs)
        if asked.related:
            grouped |= {name: group for group in self.sets for name in group}
        groups = dict.fromkeys(grouped.get(name, (name,)) for name in names)
        self.plan = Plan(self._metric, list(groups), asked.repeats, asked.seed, asked.threshold, asked.level)

    def _periods(self) -> list[Period]:
        if not self.asked.by:
            return []
        facts = self.facts
        if not facts.time_low:
            raise BadRequest(f"'{facts.name}' has no time column, so there are no periods; give one the role time.")
        low, high = datetime.fromisoformat(facts.time_low), datetime.fromisoformat(facts.time_high)
        low, end = max(low, self.asked.period.start or low), min(high, self.asked.period.end or high)
        start, made = bucket_start(low, self.asked.by), []
        while start <= end:
            after = bucket_after(start, self.asked.by)
            first, last = max(start, low).date(), min(after - DAY, end).date()
            made.append(Period(first, max(first, last)))
            start = after
            if len(made) > MOST_PERIODS:
                raise BadRequest(f"That is more than {MOST_PERIODS} periods; choose a coarser one, or --from and --to.")
        return made

    def _metric(self, read: Reading) -> Metric:
        """The metric asked for, where the model answers what it needs."""
        metric = defined(self.asked.metric, self.evaluation.own)
        if held.of_scores(metric, self.facts) and read.order is None:
            raise read.no_scores(f"'{metric.name}'")
        return metric

    def result(self, found: Sequence[Shuffled], options: dict[str, Any], began: float) -> Result:
        where, drawn, groups = self.asked.where or Everything(), self.drawn[0], self.plan.groups
        scope = self.evaluation.ask(
            Query(self.facts.models[-1].name, frozenset(), where=where, period=self.asked.period)
        )
        rows, share = int(scope.cube.rows.sum()), float(scope.cube.total().labelled[0])
        label, sets = self.scorer.model.label, [] if self.asked.related else self.sets
        said = Leanings(label, groups, found, self.periods[1:], self.related, sets, share, self.asked.level)
        receipt = Receipt(
            "importance",
            self.facts.label,
            self.facts.fingerprint,
            options | {"groups": [list(each) for each in groups if len(each) > 1]},
            (Used(label, rows, len(drawn), _dropped(rows, round(share * rows), len(drawn))),),
            {"rows": bare(self.evaluation, drawn.sql)},
            seed=self.asked.seed,
            m=int(np.isfinite(said.adjusted).sum()),
            q=number("q"),
            seconds=time.perf_counter() - began,
            notes=self._notes(said.metric),
        )
        sentence = "\n".join([said.sentence(), *cautions(self.scorer.model)[:1]])
        return Result(said.frame(), sentence, receipt, said.frames())

    def _notes(self, metric: Metric) -> tuple[str, ...]:
        rows = words.plural(len(self.drawn[0]), "row")
        shuffles = words.plural(int(self.asked.repeats or 0), "shuffle")
        notes = [f"{metric.title} of {rows} with {shuffles} of each feature, the same shuffles for all."]
        if self.facts.weighted:
            notes.append("Values are dealt to other rows whatever their weights; the metric weighs the rows.")
        if len(self.related):
            notes.append(
                "Of related features each hides the other's part, and shuffling one alone makes rows that do not occur."
            )
        return (*notes, *cautions(self.scorer.model), *self.scorer.model.notes)


def _dropped(rows: int, labelled: int, drawn: int) -> dict[str, int]:
    lost = {"without a label yet": rows - labelled, "not drawn into the sample": labelled - drawn}
    return {why: count for why, count in lost.items() if count > 0}
