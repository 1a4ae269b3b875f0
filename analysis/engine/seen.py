"""Seen: one look at an evaluation's errors. What is measured, and what it took to find it: statements, time, notes."""

from dataclasses import dataclass, field
from typing import Any

import polars as pl

from analysis.core import judged
from analysis.core.cutoffs import Threshold, snapped
from analysis.core.evaluation import ModelFacts
from analysis.core.period import Period
from analysis.core.receipt import Used
from analysis.core.roles import BINARY
from analysis.core.segment import Segment, every
from analysis.engine import replicated
from analysis.engine.course import bucket_for
from analysis.engine.query import Answer, OpenEvaluation, Query
from analysis.engine.receipts import bare
from analysis.engine.rows import Binned, Found, RowQuery
from analysis.engine.used import rows_used
from analysis.metrics.residuals import Parts


@dataclass
class Seen:
    """What every part of one question asks under, and a record of what was asked."""

    evaluation: OpenEvaluation
    where: Segment
    period: Period
    threshold: Threshold | None
    level: float
    sql: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    seconds: float = 0.0
    cached: bool = True
    _tallied: dict[str, Answer] = field(default_factory=dict)

    @property
    def bucket(self) -> str | None:
        """The time bucket that suits the period; None without a time."""
        return bucket_for(self.evaluation.facts, self.period)

    def cut(self, model: ModelFacts) -> Threshold | None:
        """The threshold as it applies to a model: not to one without scores."""
        return self.threshold if model.score and self.evaluation.facts.task == BINARY else None

    def counts(self, model: ModelFacts) -> Answer:
        """The cube of decisions and tallies."""
        if model.name not in self._tallied:
            query = Query(model.name, frozenset(), where=self.where, period=self.period, threshold=self.cut(model))
            answer = self.evaluation.ask(query)
            if replicated.wanted(self.evaluation, ()):
                answer = replicated.attached(self.evaluation, [(query, answer)])[0]
            self._record(answer)
            self.notes += snapped(self.threshold, answer.threshold, model.name)
            self._tallied[model.name] = answer
        return self._tallied[model.name]

    def used(self, model: ModelFacts) -> Used:
        """Rows used, dropped and why."""
        return rows_used(model.name, self.counts(model).cube)

    def rows(self, kind: type[RowQuery], model: ModelFacts, what: str = "", **options: Any) -> pl.DataFrame:
        """What a RowQuery finds; with `what`, its statement is kept for the receipt."""
        query = kind(model.name, self.where, self.period, self.cut(model), **options)
        found = self.evaluation.rows(query)
        self._record(found)
        if what:
            self.sql[f"{what} ({model.name})"] = bare(self.evaluation, found.sql)
        return found.frame

    def by_unit(self, model: ModelFacts, axes: tuple[tuple[str, tuple[float, ...]], ...], value: str) -> Parts | None:
        """The sums of a Binned with one axis by random group of units; None where rows belong to none."""
        if self.evaluation.facts.roles.unit is None:
            return None
        frame = self.rows(Binned, model, axes=axes, value=value, replicates=replicated.MOST)
        return Parts.of(frame, replicated.MOST)

    def segment(self, *parts: Segment) -> str:
        """The expression of the rows for which all parts hold and which a metric counts."""
        return every([*parts, *judged.weighed(self.evaluation.facts)]).expression()

    def _record(self, answer: Answer | Found) -> None:
        self.seconds += answer.seconds
        self.cached = self.cached and answer.cached
