"""Panels: which metrics can be answered for a model and why not, and a cube's estimates as rows of a frame."""

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

import numpy as np
import polars as pl

from analysis.core.cube import Cube
from analysis.core.cutoffs import Threshold
from analysis.core.errors import BadRequest
from analysis.core.estimate import Estimates
from analysis.core.evaluation import Evaluation, ModelFacts
from analysis.core.roles import BINARY, REGRESSION
from analysis.core.settings import whole
from analysis.metrics import contrasts, obstacles
from analysis.metrics.definition import METRICS, Metric, defined

NEEDS_DECISION = "needs a decision: this model has scores only, so choose a threshold (--threshold)"
REFUSED = "refused:"


def chosen(
    evaluation: Evaluation, names: Sequence[str], own: Mapping[str, Metric] = MappingProxyType({})
) -> list[Metric]:
    """The metrics called `names`, or every one of the evaluation's task whose roles some column has.

    own: what analysts defined for it.
    """
    if not names:
        known = (*METRICS, *own.values())
        return [each for each in known if evaluation.task in each.tasks and obstacles.offered(each, evaluation)]
    picked = [defined(name, own) for name in dict.fromkeys(names)]
    for metric in picked:
        if evaluation.task not in metric.tasks:
            raise BadRequest(
                f"'{metric.name}' is a metric of {' and '.join(metric.tasks)} tasks; "
                f"'{evaluation.name}' is {evaluation.task}."
            )
    return picked


def offered(evaluation: Evaluation, names: Sequence[str]) -> list[str]:
    """Those of these metrics whose roles some column has."""
    return [name for name in names if obstacles.offered(METRICS.get(name), evaluation)]


def answerable(
    evaluation: Evaluation, names: Sequence[str], model: ModelFacts, threshold: Threshold | None
) -> list[str]:
    """Those of these built-in metrics the model version has an answer to."""
    return [name for name in names if obstacle(METRICS.get(name), evaluation, model, threshold) is None]


def obstacle(metric: Metric, evaluation: Evaluation, model: ModelFacts, threshold: Threshold | None) -> str | None:
    """Why a metric cannot be answered for a model, None when it can."""
    if evaluation.roles.label is None and not obstacles.without_label(metric):
        return "no label: nobody knows yet what was right"
    for need in metric.needs:
        if need.startswith(REFUSED):
            return need.removeprefix(REFUSED)
        if need in ("decisions", "predictions") and not model.decision and threshold is None:
            return NEEDS_DECISION if model.score and evaluation.task == BINARY else "needs a prediction column"
        if need in ("scores", "has:score") and not model.score:
            return "needs a score column"
        if need in ("class_scores", "class_moments", "top_label", "ranks"):
            lacking = _not_coded(evaluation, model, need)
            if lacking is not None:
                return lacking
        if need == "probabilities" and not model.probabilities:
            return _not_probabilities(evaluation, model)
        lacking = obstacles.lacking(need, evaluation, model)
        if lacking is not None:
            return lacking
        if need.startswith("sum:") and evaluation.task != REGRESSION:
            if not model.score:
                return "needs a score column"
            if not model.probabilities:
                return _not_probabilities(evaluation, model)
    return None


def _not_coded(evaluation: Evaluation, model: ModelFacts, need: str) -> str | None:
    """Why the file holds no codes of every class's score, None where it does."""
    most = whole("coded_classes")
    if not model.score:
        return "needs a score column"
    if len(model.class_scores) < len(evaluation.classes):
        return "not every class has a score column"
    if need == "class_scores" and not model.class_codes and len(evaluation.classes) > most:
        return f"{len(evaluation.classes)} classes: the scores of every class are kept as codes up to {most} classes"
    if not (model.class_codes if need == "class_scores" else model.top_codes):
        return obstacles.OLDER
    return None


def _not_probabilities(evaluation: Evaluation, model: ModelFacts) -> str:
    if evaluation.task == BINARY:
        return f"the scores are no probabilities: {model.outside:,} lie outside 0 to 1"
    if len(model.class_scores) < len(evaluation.classes):
        return "not every class has a score column"
    return f"the scores are no probabilities: {model.outside:,} rows do not sum to 1"


def needs(metrics: Iterable[Metric]) -> frozenset[str]:
    """Everything the metrics need or want of a cube."""
    return frozenset(need for metric in metrics for need in (*metric.needs, *metric.wants))


def own_texts(metrics: Iterable[Metric], own: Mapping[str, Metric]) -> dict[str, dict[str, str]]:
    """What a receipt says of own metrics, {"own": {name: text}}; nothing where there is none among them."""
    texts = {metric.name: metric.source for metric in metrics if own.get(metric.name) is metric}
    return {"own": texts} if texts else {}


def group_names(names: Sequence[str], taken: Iterable[str]) -> list[str]:
    """Frame columns for group columns: their own names, with `_` where one collides with the frame's."""
    known, made = set(taken), list[str]()
    for name in names:
        while name in known or name in made:
            name += "_"
        made.append(name)
    return made


def undefined(groups: int, reason: str) -> Estimates:
    nothing = np.full(groups, np.nan)
    return Estimates(nothing, nothing, nothing, np.zeros(groups, dtype=np.int64), "", np.full(groups, reason, object))


def rows(
    cube: Cube, metric: Metric, model: str, estimates: Estimates, groups: pl.DataFrame, *, level: float = 0.95
) -> pl.DataFrame:
    """Estimates as rows: group columns, model, metric, class, value, low, high, n, method, reason, baseline, bound, and
    detectable: the smallest distance from a fixed value that is found four times in five (`contrasts.detectable`).

    level: of the intervals. detectable is null where an interval is cut at an end of the metric's range.
    """
    by_class = len(estimates) != len(cube)
    classes: list[str | None] = [None] * len(cube)
    if by_class:
        size = len(cube.classes)
        groups = groups[np.repeat(np.arange(len(cube)), size)] if groups.width else groups
        classes = [name for _ in range(len(cube)) for name in cube.classes]
    body = pl.DataFrame(
        {
            "model": [model] * len(estimates),
            "metric": [metric.name] * len(estimates),
            "class": classes,
            "value": estimates.value,
            "low": estimates.low,
            "high": estimates.high,
            "n": estimates.n.astype(np.int64),
            "method": [estimates.method] * len(estimates),
            "reason": [None if each is None else str(each) for each in estimates.reason],
            "baseline": estimates.baseline,
            "bound": estimates.bound,
            "detectable": _detectable(metric, estimates, level),
        },
        schema_overrides={"class": pl.String, "reason": pl.String},
    ).with_columns(pl.col("value", "low", "high", "baseline", "bound", "detectable").fill_nan(None))
    return pl.concat([groups, body], how="horizontal") if groups.width else body


def _detectable(metric: Metric, estimates: Estimates, level: float) -> np.ndarray:
    whole = (estimates.low > metric.low) & (estimates.high < metric.high)
    return np.where(whole, contrasts.detectable(estimates, level=level), np.nan)


def skill(metric: Metric) -> pl.Expr:
    """Whether the whole interval lies on one side of no skill: "above", "below" (worse), "unclear", or nothing."""
    known = pl.col("baseline").is_not_null() & pl.col("low").is_not_null()
    over, under = pl.col("low") > pl.col("baseline"), pl.col("high") < pl.col("baseline")
    if metric.better == "lower":
        over, under = under, over
    told = pl.when(over).then(pl.lit("above")).when(under).then(pl.lit("below")).otherwise(pl.lit("unclear"))
    directed = pl.lit(metric.better in ("higher", "lower"))
    return pl.when(known & directed).then(told).otherwise(pl.lit(None, dtype=pl.String)).alias("skill")
