"""Shipped: two real data sets that come with scikit-learn, each with honest predictions of two real models.

Every prediction is made by a model that did not see the row: five fixed folds, each predicted by a fit on the others.
"""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import polars as pl
from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_digits
from sklearn.ensemble import GradientBoostingRegressor, RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression, QuantileRegressor
from sklearn.model_selection import KFold, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

FOLDS = 5
SEED = 7


def out_of_fold(
    model: Any, x: np.ndarray, y: np.ndarray, fold: np.ndarray, ask: Callable[[Any, np.ndarray], np.ndarray]
) -> np.ndarray:
    """What `ask` (fitted model, rows) says of each row when the model was fitted on the other folds (1 to 5)."""
    rows = [np.flatnonzero(fold == held) for held in range(1, FOLDS + 1)]
    parts = [ask(clone(model).fit(np.delete(x, out, axis=0), np.delete(y, out)), x[out]) for out in rows]
    return np.concatenate(parts)[np.argsort(np.concatenate(rows))]


def numbered(splits: Iterator[tuple[np.ndarray, np.ndarray]], rows: int) -> np.ndarray:
    """(rows,) the fold, from 1 on, in which a row is held out."""
    fold = np.zeros(rows, dtype=int)
    for number, (_, out) in enumerate(splits, start=1):
        fold[out] = number
    return fold


def classifiers() -> dict[str, Any]:
    """{name: unfitted model} of the digits."""
    return {
        "logreg": make_pipeline(StandardScaler(), LogisticRegression(C=0.05, max_iter=2000)),
        "forest": RandomForestClassifier(n_estimators=80, min_samples_leaf=2, random_state=SEED, n_jobs=1),
    }


def regressors() -> dict[str, Any]:
    """{column: unfitted model} of the progression: a mean and two quantiles of each kind."""

    def boosted(**options: Any) -> GradientBoostingRegressor:
        return GradientBoostingRegressor(
            n_estimators=80, max_depth=2, learning_rate=0.06, min_samples_leaf=12, random_state=SEED, **options
        )

    return {
        "linear_prediction": make_pipeline(StandardScaler(), LinearRegression()),
        "linear_q10": make_pipeline(StandardScaler(), QuantileRegressor(quantile=0.1, alpha=0.005)),
        "linear_q90": make_pipeline(StandardScaler(), QuantileRegressor(quantile=0.9, alpha=0.005)),
        "boosted_prediction": boosted(),
        "boosted_q10": boosted(loss="quantile", alpha=0.1),
        "boosted_q90": boosted(loss="quantile", alpha=0.9),
    }


def digits() -> pl.DataFrame:
    """1,797 scanned digits of 8 x 8 pixels; six summary features instead of the pixels the models read."""
    x, y = load_digits(return_X_y=True)
    image = x.reshape(-1, 8, 8)
    fold = numbered(StratifiedKFold(FOLDS, shuffle=True, random_state=SEED).split(x, y), len(y))
    ink = image.sum(axis=(1, 2))
    marked = image >= 8
    columns: dict[str, Any] = {
        "image_id": [f"D{number:04d}" for number in range(1, len(y) + 1)],
        "fold": fold,
        "digit": y,
        "ink": ink.astype(int),
        "ink_left": np.round(image[:, :, :4].sum(axis=(1, 2)) / ink, 3),
        "ink_top": np.round(image[:, :4, :].sum(axis=(1, 2)) / ink, 3),
        "symmetry": np.round(1 - np.abs(image - image[:, :, ::-1]).sum(axis=(1, 2)) / (2 * ink), 3),
        "width": marked.any(axis=1).sum(axis=1),
        "height": marked.any(axis=2).sum(axis=1),
        "stroke": np.where(ink < 280, "thin", np.where(ink < 345, "middle", "bold")),
    }
    for name, model in classifiers().items():
        chance = out_of_fold(model, x, y, fold, lambda fitted, rows: fitted.predict_proba(rows))
        columns[f"{name}_prediction"] = chance.argmax(axis=1)
        for digit in range(10):
            columns[f"{name}_proba_{digit}"] = np.round(chance[:, digit], 5)
    return pl.DataFrame(columns)


def diabetes() -> pl.DataFrame:
    """442 patients, their measurements in plain units, and the disease's progression a year later."""
    data = load_diabetes(scaled=False)
    x, y = data.data, data.target
    fold = numbered(KFold(FOLDS, shuffle=True, random_state=SEED).split(x), len(y))
    columns: dict[str, Any] = {"patient_id": [f"P{number:03d}" for number in range(1, len(y) + 1)], "fold": fold}
    for position, name in enumerate(data.feature_names):
        columns[name] = np.round(x[:, position], 4)
    columns["age"] = x[:, 0].astype(int)
    columns["sex"] = np.where(x[:, 1] == 1, "sex 1", "sex 2")
    columns["progression"] = y
    for name, model in regressors().items():
        columns[name] = np.round(out_of_fold(model, x, y, fold, lambda fitted, rows: fitted.predict(rows)), 2)
    return pl.DataFrame(columns)


def tables() -> dict[str, pl.DataFrame]:
    """{file name: table} of both."""
    with threadpool_limits(1):
        return {"digits.csv": digits(), "diabetes.csv": diabetes()}
