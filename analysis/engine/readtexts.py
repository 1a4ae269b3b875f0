"""Texts a model reads: the columns that can be explained word by word."""

from collections.abc import Sequence

from analysis.core.evaluation import EvalColumn, Evaluation
from analysis.core.model import TEXTS, Model, features, fits


def readable(facts: Evaluation, columns: Sequence[EvalColumn]) -> list[str]:
    """The texts among these columns that can be explained word by word: those with the role text, else any."""
    texts = [column.name for column in columns if column.type in TEXTS]
    return [name for name in texts if name in facts.roles.text] or texts


def texts(model: Model, facts: Evaluation) -> list[str]:
    """The columns with the role text that a model reads; none where it does not fit the evaluation."""
    if not facts.roles.text or not fits(model, facts):
        return []
    return [name for name in readable(facts, features(model, facts)) if name in facts.roles.text]
