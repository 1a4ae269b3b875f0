"""Sweeps: one model version's scores, counted once, on which any threshold can be tried."""

from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from analysis.core.cube import Cube
from analysis.core.errors import BadRequest
from analysis.core.value import Values
from analysis.engine import replicated
from analysis.engine.query import Answer, OpenEvaluation, Query
from analysis.metrics import METRICS, operating, panel, worth
from analysis.metrics.definition import Metric
from analysis.metrics.tradeoffs import sought


def moves(metric: Metric) -> bool:
    """Whether a metric is made of decisions alone, so that it is known at every threshold."""
    return set(metric.needs) <= {"decisions", "predictions", "labels"}


@dataclass
class Sweep:
    """One model version's scores, ready to choose on. halves: a group a half of the rows, with the replicates of units
    where rows belong to them; query: what it answers.

    values: what decisions are worth; level: of the intervals. answers: what was asked besides.
    """

    evaluation: OpenEvaluation
    query: Query
    halves: Answer
    values: Values
    level: float
    answers: list[Answer] = field(default_factory=list)

    @cached_property
    def total(self) -> Cube:
        return self.halves.cube.once("total", self.halves.cube.total)

    def half(self, name: str) -> Cube:
        cube = self.halves.cube
        return cube.once(("half", name), lambda: cube.pick((cube.groups.to_series() == name).to_numpy()))

    def metric(self, name: str) -> Metric:
        """A metric that a threshold moves, by name; BadRequest for any other."""
        if name == "value":
            if not self.values.given:
                raise BadRequest("'value' needs to know what decisions are worth: --value tp=..,fp=.. or --amount.")
            return worth.metric(self.values)
        own = self.evaluation.own
        found = own[name] if name in own and name not in METRICS else sought(name)
        if not moves(found):
            why = "is not made of decisions alone" if name in own else "does not depend on a threshold"
            raise BadRequest(f"'{found.name}' {why}; ask for it with measure.")
        return found

    def obstacle(self, metric: Metric) -> str | None:
        """Why a metric has no value at any threshold."""
        facts = self.evaluation.facts
        return panel.obstacle(metric, facts, facts.model(self.query.model), 0.0)

    def cut(self, threshold: float, cube: Cube | None = None) -> tuple[float, int]:
        histogram = operating.scored(cube or self.total)
        return operating.cut(histogram.low, histogram.high, threshold)

    @property
    def span(self) -> list[float]:
        """From where to where thresholds make a difference: 0 to 1 for probabilities, else the scores' range."""
        histogram = operating.scored(self.total)
        low, high = float(histogram.low[0]), float(histogram.high[-1])
        return [0.0, 1.0] if low >= 0 and high <= 1 else [low, high]

    def at(self, place: int) -> float:
        return float(operating.values_at(operating.scored(self.total), np.array([place]))[0])

    def days(self, threshold: float | None = None) -> Cube:
        """A group a day that holds rows."""
        asked = replace(self.query, halves=False, bucket="day", needs=frozenset(), threshold=threshold)
        self.answers.append(self.evaluation.ask(asked))
        cube = self.answers[-1].cube
        return cube.pick(cube.groups.to_series().is_not_null().to_numpy())

    def by(self, column: str) -> Cube:
        """A group a value of the column and half."""
        named = self.evaluation.facts.column(column).name
        asked = replicated.ask(self.evaluation, replace(self.query, by=(named,)))
        self.answers.append(asked)
        return asked.cube
