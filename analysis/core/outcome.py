"""Outcomes: what a model's answers come to for an evaluation: one number a row, and what is decided by it."""

from dataclasses import dataclass

import numpy as np

from analysis.core.classorder import ClassOrder, class_order, same
from analysis.core.errors import BadRequest, ModelFailed, UnknownName
from analysis.core.evaluation import Evaluation
from analysis.core.model import Answers
from analysis.core.roles import BINARY, REGRESSION


@dataclass(frozen=True)
class Cutoff:
    """From which score on a row is positive (high), below which it is negative (low); apart where a person decides in
    between. how: in words, where it comes from."""

    low: float
    high: float
    how: str


@dataclass(frozen=True)
class Reading:
    """How a model's answers are read. cls: the class whose score is followed, "" for a forecast. cutoff: of two
    classes; None where the class of the highest score, or the model's own label, is decided."""

    evaluation: Evaluation
    cls: str
    cutoff: Cutoff | None

    @property
    def quantity(self) -> str:
        if self.evaluation.task == REGRESSION:
            return "forecast"
        return "score" if self.evaluation.task == BINARY else f"score of '{self.cls}'"

    @property
    def unit(self) -> str:
        return "label" if self.evaluation.task == REGRESSION else "score"


@dataclass(frozen=True)
class Outcome:
    """values: (n,) the number followed, nan where the model gave none. decided: (n,) class names, None where undecided;
    all None for forecasts."""

    values: np.ndarray
    decided: np.ndarray


def reading(facts: Evaluation, answers: Answers, cutoff: Cutoff | None, cls: str = "") -> Reading:
    """How to read answers, of which the first row's matters: of several classes the one it is given is followed unless
    `cls` names another. UnknownName for a class there is not."""
    if facts.task == REGRESSION:
        return Reading(facts, "", None)
    if cls:
        named = next((each for each in facts.classes if same(each, cls)), None)
        if named is None:
            raise UnknownName("class", cls, facts.classes)
        return Reading(facts, named, cutoff)
    if facts.task == BINARY:
        return Reading(facts, facts.classes[1], cutoff)
    first = outcome(Reading(facts, facts.classes[0], None), answers).decided[0]
    return Reading(facts, first or facts.classes[0], None)


def outcome(how: Reading, answers: Answers) -> Outcome:
    """What answers come to. ModelFailed where they cannot be read: several numbers for one forecast, nothing at all."""
    facts, n = how.evaluation, len(answers.scores)
    nobody = np.full(n, None, dtype=object)
    if facts.task == REGRESSION:
        if answers.scores.shape[1] != 1:
            raise ModelFailed(f"The model gives {answers.scores.shape[1]:,} numbers a row where one is forecast.")
        return Outcome(answers.scores[:, 0].astype(float), nobody)
    if not answers.scores.shape[1]:
        return _labelled(how, answers)
    order = class_order(answers, facts.classes)
    if facts.task == BINARY:
        scores = _binary(order, answers)
        positive = scores if how.cls == facts.classes[1] else 1 - scores
        return Outcome(positive, _cut(how, scores, answers))
    scores = order.scores(answers)
    known = np.isfinite(scores).any(axis=1)
    highest = np.nan_to_num(scores, nan=-np.inf).argmax(axis=1)
    decided = np.array(facts.classes, dtype=object)[highest]
    decided[~known] = None
    return Outcome(scores[:, facts.classes.index(how.cls)], decided)


def _binary(order: ClassOrder, answers: Answers) -> np.ndarray:
    """The positive class's score."""
    scores: np.ndarray = order.scores(answers)[:, 1]
    return scores


def _cut(how: Reading, scores: np.ndarray, answers: Answers) -> np.ndarray:
    facts = how.evaluation
    decided = np.full(len(scores), None, dtype=object)
    if how.cutoff is None:
        return _labelled(how, answers).decided if answers.labels is not None else decided
    decided[scores >= how.cutoff.high] = facts.classes[1]
    decided[scores < how.cutoff.low] = facts.classes[0]
    return decided


def _labelled(how: Reading, answers: Answers) -> Outcome:
    """Labels alone: 1 where it is the class followed, 0 where it is another."""
    if answers.labels is None:
        raise ModelFailed("The model answers nothing that can be followed: no scores and no labels.")
    names = {
        each: next((c for c in how.evaluation.classes if each is not None and same(c, each)), each)
        for each in answers.labels.unique().to_list()
    }
    decided = np.array([names[each] for each in answers.labels.to_list()], dtype=object)
    return Outcome((decided == how.cls).astype(float), decided)


def decides(facts: Evaluation) -> None:
    """BadRequest where there are no decisions that could turn."""
    if facts.task == REGRESSION:
        raise BadRequest(f"'{facts.name}' is a forecast: there is no decision that could turn into another one.")
