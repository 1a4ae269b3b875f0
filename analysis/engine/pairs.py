"""Pairs: two model versions asked about the same rows, each side's cube over the rows both answered."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from types import MappingProxyType

from analysis.core import judged
from analysis.core.cube import Cube
from analysis.core.cutoffs import Band
from analysis.core.evaluation import Evaluation, ModelFacts
from analysis.core.settings import number
from analysis.engine import replicated
from analysis.engine.query import Answer, OpenEvaluation, Query
from analysis.metrics import leaderboard, paired, panel
from analysis.metrics.contrasts import Contrast
from analysis.metrics.definition import Metric
from analysis.metrics.leaderboard import Duel
from analysis.metrics.obstacles import without_label

OWN_ROWS = ("days", "rank_products", "amounts", "over:", "own:")
"""Needs whose parts count a version's own rows, whoever else answered them."""


def unshared(metric: Metric) -> str | None:
    """Why a metric cannot be compared on shared rows, None where it can."""
    if any(need.startswith(OWN_ROWS) for need in metric.needs):
        return "it is counted on each version's own rows, so there are no shared rows to compare"
    return None


def queries(query: Query, other: str, metrics: Iterable[Metric]) -> tuple[Query, Query]:
    """The queries of both sides; the first side's carries what the pair needs."""
    needed = frozenset(need for metric in metrics for need in paired.needs(metric))
    return replace(query, other=other, needs=query.needs | needed), replace(query, model=other, other=query.model)


def everywhere(facts: Evaluation, model: ModelFacts) -> bool:
    """Whether a model version decided and scored every row, so that any rows it shares with another are the other's."""
    return model.scored == facts.rows and model.undecided == 0 and model.unscored == 0


def ask(evaluation: OpenEvaluation, query: Query, other: str, metrics: Iterable[Metric]) -> tuple[Answer, Answer]:
    """The answers of both sides, whose groups are the same in the same order."""
    if evaluation.facts.roles.unit is None:
        one, two = evaluation.ask_all(queries(query, other, metrics))
        return one, two
    asked = queries(query, other, ())  # units, not joint cells, say how the versions go together
    one, two = replicated.attached(evaluation, list(zip(asked, evaluation.ask_all(asked), strict=True)))
    return one, two


def _sides(
    evaluation: OpenEvaluation, query: Query, other: str, metrics: Sequence[Metric], alone: Mapping[str, Answer]
) -> tuple[Answer, Answer]:
    """The answers of both sides; where both answered every row, their answers alone and only the pair is counted."""
    sides = [alone[name] for name in (query.model, other) if name in alone]
    complete = all(everywhere(evaluation.facts, evaluation.facts.model(name)) for name in (query.model, other))
    if len(sides) < 2 or not complete or isinstance(query.threshold, Band):
        return ask(evaluation, query, other, metrics)
    if evaluation.facts.roles.unit is not None:
        asked = [replace(query, model=name) for name in (query.model, other)]
        known = replicated.attached(evaluation, list(zip(asked, sides, strict=True)))
        return known[0], known[1]
    joint = evaluation.ask(queries(replace(query, needs=frozenset()), other, metrics)[0])

    def together() -> tuple[Cube, Cube]:
        first, second = (side.cube for side in sides)
        return replace(first, pair=joint.cube.pair), second

    one, two = joint.cube.once(("sides", query.needs), together)
    return replace(joint, cube=one), replace(sides[1], cube=two)


def duels(
    evaluation: OpenEvaluation,
    base: Query,
    metrics: Sequence[Metric],
    models: Sequence[ModelFacts],
    *,
    level: float,
    alone: Mapping[str, Answer] = MappingProxyType({}),
) -> tuple[list[Duel], list[Answer]]:
    """(every pair of the model versions, in every metric with a better side that both can answer; the answers used).

    base: filter, period and threshold; its model is replaced. alone: {model: the answer of the same query for it by
    itself}, where there is one. None where there are more versions than are ranked, or where
    by the filter each is on other rows.
    """
    made: list[Duel] = []
    answers: list[Answer] = []
    facts = evaluation.facts
    if judged.own_to_each(facts, base.where):  # the versions are on different rows
        return [], []
    for one, two in combinations(models, 2) if len(models) <= leaderboard.MOST else ():
        able = [
            metric
            for metric in metrics
            if metric.better is not None
            and unshared(metric) is None
            and not metric.per_class_of(facts.classes)
            and all(panel.obstacle(metric, facts, model, base.threshold) is None for model in (one, two))
        ]
        if not able:
            continue
        query = replace(base, model=one.name, needs=panel.needs(able))
        first, second = sides = _sides(evaluation, query, two.name, able, alone)
        answers += sides
        settled = bool(first.cube.labelled[0] >= number("labelled_share"))
        for metric in able:
            kept = first.cube.once((metric.name, two.name, level), _compared(metric, first, second, level))
            made.append(Duel(metric, one.name, two.name, kept, settled or without_label(metric), level))
    return made, answers


def _compared(metric: Metric, first: Answer, second: Answer, level: float) -> Callable[[], Contrast]:
    return lambda: paired.difference(metric, first.cube, second.cube, level=level)
