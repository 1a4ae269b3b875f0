"""Fitting a surrogate: boosted trees that learn what was recorded of rows. Only in a child process.

A score that is a probability is learned as one: each row is shown once for every class, weighing as much as that
class's score, so that the trees' log loss is the cross entropy between the recorded scores and theirs. Texts become
the places of their values in an order: what the library itself does with categories, skops does not load by default.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from analysis.core.errors import BadRequest

ROUNDS, LEAST_ROUNDS, LEAVES, LEAST = 200, 40, 15, 20
SHRUNK = 10  # a value's place among others is drawn to the middle by as many rows
LIGHT = 1e-4  # a class with less weight of a row teaches nothing and costs as much as any


@dataclass(frozen=True)
class Lesson:
    """What is to be learned. features: a column each, as a model takes them. targets: (rows, k) of k classes, the
    weight of each; (rows, 1) numbers, with no classes."""

    features: pl.DataFrame
    targets: np.ndarray
    classes: tuple[str, ...] = ()


def fitted(lesson: Lesson, *, seed: int, threads: int) -> Any:
    """The estimator, fitted to all rows. The same lesson and seed give the same answers; BadRequest where there is
    nothing to learn."""
    from threadpoolctl import threadpool_limits

    rows, target, weight = _shown(lesson)
    if np.ptp(np.unique(target, return_inverse=True)[1]) == 0:
        raise BadRequest("All recorded answers of these rows are the same; there is nothing for a surrogate to learn.")
    texts = [name for name in lesson.features.columns if lesson.features.schema[name] == pl.String]
    made = _estimator(lesson, {name: _ordered(rows[name].to_numpy(), target, weight) for name in texts}, seed)
    with threadpool_limits(threads):
        if texts:
            return made.fit(rows, target, trees__sample_weight=weight)
        return made.fit(rows, target, sample_weight=weight)


def _shown(lesson: Lesson) -> tuple[Any, np.ndarray, np.ndarray]:
    """(rows as pandas, what to learn of each, its weight)."""
    import pandas

    columns = {}
    for column in lesson.features.get_columns():
        if column.dtype == pl.String:
            columns[column.name] = np.array([np.nan if v is None else v for v in column.to_list()], dtype=object)
        else:
            numbers = column.cast(pl.Float64).fill_null(np.nan).to_numpy()
            columns[column.name] = np.where(np.isfinite(numbers), numbers, np.nan)
    frame = pandas.DataFrame(columns)
    if not lesson.classes:
        return frame, lesson.targets[:, 0], np.ones(len(frame))
    row, at = np.nonzero(lesson.targets > LIGHT)
    return frame.iloc[row], np.array(lesson.classes, dtype=object)[at], lesson.targets[row, at]


def _ordered(values: np.ndarray, target: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """A column's texts by what goes with them, so that a cut between two of them parts them well.

    That is the mean of what is learned, or the share of the class that weighs most.
    """
    if target.dtype == object:
        names, codes = np.unique(target.astype(str), return_inverse=True)
        followed = codes == np.bincount(codes, weight, len(names)).argmax()
    else:
        followed = target
    known = np.array([isinstance(each, str) for each in values])
    found, codes = np.unique(values[known].astype(str), return_inverse=True)
    middle = np.average(followed, weights=weight)
    counts = np.bincount(codes, weight[known], len(found))
    sums = np.bincount(codes, (weight * followed)[known], len(found))
    order = np.lexsort((found, (sums + SHRUNK * middle) / (counts + SHRUNK)))
    return found[order].astype(object)


def _estimator(lesson: Lesson, texts: dict[str, np.ndarray], seed: int) -> Any:
    from sklearn.compose import ColumnTransformer
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import OrdinalEncoder, StandardScaler

    kind = HistGradientBoostingClassifier if lesson.classes else HistGradientBoostingRegressor
    trees = kind(
        max_iter=max(LEAST_ROUNDS, 2 * ROUNDS // max(2, len(lesson.classes))),  # a round is a tree a class
        max_leaf_nodes=LEAVES,
        min_samples_leaf=LEAST * (2 if lesson.classes else 1),
        early_stopping=False,
        random_state=seed,
    )
    if not texts:
        return trees
    codes = OrdinalEncoder(categories=list(texts.values()), handle_unknown="use_encoded_value", unknown_value=np.nan)
    parts = [("texts", codes, list(texts))]
    numbers = [name for name in lesson.features.columns if name not in texts]
    if numbers:
        parts.append(("numbers", StandardScaler(with_mean=False, with_std=False), numbers))  # as they are
    return Pipeline([("columns", ColumnTransformer(parts)), ("trees", trees)])


def fit(request: dict[str, Any], threads: int) -> dict[str, Any]:
    """{lesson: an Arrow IPC file with the features by name and y0, y1, ...; features, classes, seed, target} -> {};
    the estimator is written to target as skops does."""
    import skops.io

    frame = pl.read_ipc(request["lesson"])
    targets = frame.select(f"y{at}" for at in range(len(request["classes"]) or 1)).to_numpy()
    named = dict(zip((f"v{at}" for at in range(len(request["features"]))), request["features"], strict=True))
    lesson = Lesson(frame.select(*named).rename(named), targets, tuple(request["classes"]))
    skops.io.dump(fitted(lesson, seed=request["seed"], threads=threads), request["target"])
    return {}
