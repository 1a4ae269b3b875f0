"""Judged columns: what the label and a model version say of a row, under names no column of the file has.

Segments of rows may use them beside the file's own columns, so that a cell of a confusion matrix or a bin of errors
can be said: `label_ = 'yes' and prediction_ = 'no'`, `error_ >= 10 and error_ < 20`.
"""

from datetime import datetime
from decimal import Decimal

from analysis.core.cutoffs import Threshold
from analysis.core.evaluation import Evaluation, ModelFacts
from analysis.core.roles import BINARY, REGRESSION
from analysis.core.segment import Compare, Missing, Not, Segment, every
from analysis.core.words import listed

KINDS = ("label", "prediction", "score", "error", "loss", "time")
LOSSES = {"log": "log loss", "absolute": "absolute error", "wrong": "right or wrong"}


def named(evaluation: Evaluation) -> dict[str, str]:
    """{what: its column name}; what: label, prediction, score, error, loss, time, as far as the evaluation has them.

    label, prediction: class names, or numbers where a number is forecast. score: of two classes the positive one's
    score, of more the probability given to the actual one. error: prediction - label. loss: see `loss_kind`, 0 to
    infinity, 0 = right and sure. time: the local moment. Each name is the word and as many `_` as make it unique.
    """
    kinds = ["label", "prediction", "error" if evaluation.task == REGRESSION else "score", "loss"]
    kinds += ["time"] if evaluation.roles.time else []
    taken = {column.name.casefold() for column in evaluation.columns}
    found = {}
    for kind in kinds:
        name = f"{kind}_"
        while name.casefold() in taken:
            name += "_"
        found[kind] = name
    return found


def types(evaluation: Evaluation) -> dict[str, str]:
    """{column name: DuckDB type} of the file's columns and the judged ones, as the filter's parser wants it."""
    texts = {"label", "prediction"} if evaluation.task != REGRESSION else set()
    kinds = {
        name: "TIMESTAMP" if kind == "time" else "VARCHAR" if kind in texts else "DOUBLE"
        for kind, name in named(evaluation).items()
    }
    return evaluation.types() | kinds


def own_to_each(evaluation: Evaluation, where: Segment) -> list[str]:
    """The judged columns a condition uses that each model version has its own of: all but label and time."""
    names = [name for what, name in named(evaluation).items() if what not in ("label", "time")]
    return [name for name in names if name in where.columns()]


def said_apart(evaluation: Evaluation, where: Segment, models: int) -> str:
    """What is to be said where a filter means other rows for each of several model versions; "" where it does not."""
    apart = own_to_each(evaluation, where) if models > 1 else []
    if not apart:
        return ""
    means = "means" if len(apart) == 1 else "mean"
    return f"In the filter {listed(apart)} {means} each model version's own, so the versions are on different rows."


def is_judged(name: str) -> bool:
    """Whether a column that a file does not have is called like a judged one.

    >>> is_judged("label_"), is_judged("label")
    (True, False)
    """
    return name.endswith("_") and name.rstrip("_") in KINDS


def loss_kind(evaluation: Evaluation, model: ModelFacts) -> str:
    """Which loss rows are ordered by: "log" (natural), "absolute", or "wrong" (1 for a wrong decision, 0 for a right
    one), where there are no probabilities."""
    if evaluation.task == REGRESSION:
        return "absolute"
    return "log" if model.score and model.probabilities and evaluation.roles.label else "wrong"


def between(column: str, low: float | datetime | None, high: float | datetime | None) -> Segment:
    """low <= column < high; an end that is None is open.

    >>> between("error_", 0.5, None).expression()
    'error_ >= 0.5'
    """
    parts: list[Segment] = []
    for op, end in ((">=", low), ("<", high)):
        if end is not None:
            parts.append(Compare(column, op, end if isinstance(end, datetime) else Decimal(repr(float(end)))))
    return every(parts)


def in_bucket(evaluation: Evaluation, start: datetime, end: datetime) -> Segment:
    """The rows of a time bucket: on the time column where it holds local moments itself, else on the judged one."""
    column = evaluation.column(str(evaluation.roles.time))
    own = column.type.startswith(("DATE", "TIMESTAMP")) and column.type != "TIMESTAMP WITH TIME ZONE"
    return between(column.name if own else named(evaluation)["time"], start, end)


def weighed(evaluation: Evaluation) -> list[Segment]:
    """The condition that leaves out rows no metric counts: those without a weight."""
    return [Not(Missing(evaluation.roles.weight))] if evaluation.roles.weight else []


def decided(evaluation: Evaluation, model: ModelFacts, threshold: Threshold | None) -> bool:
    """Whether the model's rows have a decided class or a forecast."""
    return model.decision or (evaluation.task == BINARY and model.score and threshold is not None)
