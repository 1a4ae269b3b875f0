"""Shuffling: what a metric of drawn rows loses when the values of features are dealt to other rows."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import polars as pl

from analysis.core.errors import BadRequest
from analysis.core.model import Answers
from analysis.core.roles import MULTICLASS
from analysis.engine import held, piecework
from analysis.engine.asking import Drawn, Reading, answered, reading, unpacked
from analysis.engine.piecework import Piece, Progress
from analysis.engine.query import OpenEvaluation
from analysis.metrics import Metric, shuffled
from analysis.metrics.shuffled import Loss

Group = tuple[str, ...]


@dataclass(frozen=True)
class Plan:
    """What is shuffled and measured. metric: of a model with what it answered. groups: features shuffled as one.
    threshold: decides instead of the model's own labels."""

    metric: Callable[[Reading], Metric]
    groups: Sequence[Group]
    repeats: int
    seed: int
    threshold: float | None = None
    level: float = 0.95


@dataclass(frozen=True)
class Shuffled:
    """One set of rows: the metric as it is, its n, and the loss of each group; directions: of single numeric features,
    None elsewhere."""

    metric: Metric
    value: float
    n: int
    losses: tuple[Loss, ...]
    directions: tuple[str | None, ...]


def pieces(drawn: Drawn, plan: Plan) -> list[Piece]:
    """The answers to the rows as they are, then with each group shuffled: the same shuffles for all groups."""
    given = shuffled.dealt(len(drawn), plan.repeats, plan.seed)
    label, scorer = drawn.scorer.model.label, drawn.scorer
    first = Piece(
        {**drawn.mark, "what": "answers"},
        f"{label} answers the rows as they are",
        lambda report: answered(scorer, drawn.inputs, report),
        len(drawn),
    )
    found = [first]
    for group in plan.groups:
        places = [drawn.place(name) for name in group]
        mark = {**drawn.mark, "what": "shuffled", "group": list(group), "repeats": plan.repeats, "dealt": plan.seed}
        found.append(
            Piece(mark, f"Shuffling {named(group)}", partial(_asked, drawn, places, given), len(drawn) * plan.repeats)
        )
    return found


def named(group: Group) -> str:
    """A group of features in words."""
    return " + ".join(group)


def _asked(drawn: Drawn, places: Sequence[int], given: np.ndarray, report: Callable[[float], None]) -> pl.DataFrame:
    inputs = drawn.inputs
    changed = [inputs.with_columns(inputs[f"v{at}"].gather(order).alias(f"v{at}") for at in places) for order in given]
    return answered(drawn.scorer, pl.concat(changed), report)


def measured(
    opened: OpenEvaluation,
    drawn: Sequence[Drawn],
    plan: Plan,
    *,
    progress: Progress = lambda share, doing: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> list[Shuffled]:
    """What each set of rows loses. Interrupted where it was cancelled; ModelFailed, BadRequest where it cannot be."""
    todo = [piece for each in drawn for piece in pieces(each, plan)]
    made = piecework.made(opened, todo, progress=progress, cancelled=cancelled)
    return [_Measure(each, plan, unpacked(next(made))).of(made) for each in drawn]


class _Measure:
    """One set of rows under way: as it is, and then with each group shuffled."""

    def __init__(self, drawn: Drawn, plan: Plan, answers: Answers) -> None:
        self.drawn, self.plan, self.answers = drawn, plan, answers
        self.read = reading(drawn, answers, plan.threshold)
        self.metric = metric = plan.metric(self.read)
        self.decides = not held.of_scores(metric, drawn.facts)
        self.given = shuffled.dealt(len(drawn), plan.repeats, plan.seed)
        self.units = drawn.units()
        self.whole = self.read.held(drawn, answers, decide=self.decides)
        if self.whole.outside and held.of_probabilities(metric, drawn.facts):
            raise BadRequest(
                f"The scores of the model {drawn.scorer.model.label} go outside 0 to 1, so they are no probabilities, "
                f"which '{metric.name}' needs."
            )
        as_is = held.terms(drawn.facts, self.whole, metric)
        self.value, self.n = as_is.value(metric, plan.level)
        self.influence = as_is.influence(metric, plan.level)

    def of(self, made: Iterator[pl.DataFrame]) -> Shuffled:
        losses, directions = [], []
        for group in self.plan.groups:
            said = unpacked(next(made))
            losses.append(self._loss(said))
            directions.append(self._direction(group, said))
        return Shuffled(self.metric, self.value, self.n, tuple(losses), tuple(directions))

    def _loss(self, said: Answers) -> Loss:
        n, repeats, metric = len(self.drawn), self.plan.repeats, self.metric
        wide = held.terms(
            self.drawn.facts, self.read.held(self.drawn, said, decide=self.decides, times=repeats), metric
        )
        values, moved = np.empty(repeats), np.empty((repeats, n))
        for place in range(repeats):
            each = wide.rows(slice(place * n, (place + 1) * n))
            value, _ = each.value(metric, self.plan.level)
            values[place] = self._worse(value) - self._worse(self.value)
            moved[place] = self._turn(value) * each.influence(metric, self.plan.level)
            moved[place] -= self._turn(self.value) * self.influence
        return shuffled.loss(values, moved, self.given, self.units, same=self._same(said))

    def _worse(self, value: float) -> float:
        """The metric as a loss: the more the worse."""
        return abs(value) if self.metric.better == "zero" else self._turn(value) * value

    def _turn(self, value: float) -> float:
        """By how much the loss grows with the metric."""
        return {"higher": -1.0, "lower": 1.0}.get(str(self.metric.better), float(np.sign(value)))

    def _same(self, said: Answers) -> bool:
        """Whether no answer changed in any shuffle."""
        repeats = self.plan.repeats
        if not np.array_equal(np.tile(self.answers.scores, (repeats, 1)), said.scores):
            return False
        if self.answers.labels is None or said.labels is None:
            return self.answers.labels is said.labels
        return self.answers.labels.to_list() * repeats == said.labels.to_list()

    def _direction(self, group: Group, said: Answers) -> str | None:
        at = self.drawn.place(group[0])
        before, after = self.read.score(self.answers), self.read.score(said)
        if len(group) > 1 or not self.drawn.numeric(at) or self.drawn.facts.task == MULTICLASS:
            return None
        if before is None or after is None:
            return None
        values = self.drawn.codes(at)[self.given.reshape(-1)]
        return shuffled.direction(values, after - np.tile(before, self.plan.repeats))
