"""What was recorded of sampled rows beside what a model answers about them."""

from collections.abc import Sequence

import numpy as np
import polars as pl

from analysis.core.classorder import ClassOrder, same
from analysis.core.evaluation import Evaluation, ModelFacts
from analysis.core.model import Answers
from analysis.core.roles import BINARY, REGRESSION
from analysis.engine.sampled import recorded

Pair = tuple[np.ndarray, np.ndarray, np.ndarray]


def pair(
    facts: Evaluation, version: ModelFacts, sample: pl.DataFrame, answers: Answers, order: ClassOrder | None
) -> Pair | None:
    """(recorded, answered, which rows are recorded) of one model version, of the rows of a Sampled frame.

    Forecasts, and scores of the positive class: (n, 1) numbers; scores of more classes: (n, classes); else decisions:
    (n,) text. None where nothing is recorded that the model answers too.
    """
    if facts.task == REGRESSION:
        rec = _numbers(sample, [f"p{version.index}"])
        return rec, answers.scores, _known(rec)
    if order is not None and version.score:
        columns = [f"s{version.index}"] if facts.task == BINARY else recorded(facts, version)
        if columns:
            rec, scores = _numbers(sample, columns), order.scores(answers)
            return rec, scores[:, 1:2] if facts.task == BINARY else scores, _known(rec)
    if not version.decision or answers.labels is None:
        return None
    given = sample[f"p{version.index}"]
    names = {each: _named(each, facts.classes) for each in answers.labels.unique().to_list()}
    answered = np.array([names[each] for each in answers.labels.to_list()], dtype=object)
    return np.array(given.to_list(), dtype=object), answered, given.is_not_null().to_numpy()


def _named(name: str, classes: Sequence[str]) -> str:
    return next((each for each in classes if same(each, name)), name)


def _known(values: np.ndarray) -> np.ndarray:
    return ~np.isnan(values).any(axis=1)


def _numbers(sample: pl.DataFrame, columns: Sequence[str]) -> np.ndarray:
    return sample.select(pl.col(name).cast(pl.Float64).fill_null(float("nan")) for name in columns).to_numpy()
