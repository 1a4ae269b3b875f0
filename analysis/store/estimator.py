"""Estimators: a scikit-learn model that was loaded, and how one asks it. Only in a worker process."""

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl

from analysis.core.classorder import class_text
from analysis.core.errors import BadFile, ModelFailed
from analysis.core.model import Answers
from analysis.store.onnxmodel import first_line


class Estimator:
    """A scikit-learn estimator, or what predicts like one. libraries: {name: version} that loaded it. notes: what they
    said while they did. file: what it came in. BadFile for what cannot predict. without_infinity: it is given a missing
    value for infinity, as it was fitted.
    """

    without_infinity = False

    def __init__(self, model: Any, libraries: dict[str, str], notes: Sequence[str], file: str) -> None:
        if not callable(getattr(model, "predict", None)):
            raise BadFile(f"The {file} holds {type(model).__name__}, which cannot predict.")
        self.model, self.versions = model, libraries
        self.notes = tuple(dict.fromkeys(notes))
        names = getattr(model, "feature_names_in_", None)
        self.names = tuple(map(str, names)) if names is not None else ()

    def facts(self) -> dict[str, Any]:
        steps = [each for _, each in getattr(self.model, "steps", [])] or [self.model]
        return {
            "inputs": [{"name": name, "type": "any"} for name in self.names],
            "width": 0 if self.names else int(getattr(self.model, "n_features_in_", 0)),
            "classes": [class_text(each) for each in self._classes()],
            "scores": self._ask() != "predict" or not self._classes(),
            "made": ", ".join(type(each).__name__ for each in steps),
            "libraries": self.versions,
            "notes": list(self.notes[:5]),
        }

    def _classes(self) -> list[Any]:
        found = getattr(self.model, "classes_", None)
        return list(found) if isinstance(found, np.ndarray) and found.ndim == 1 else []

    def _ask(self) -> str:
        if not self._classes():
            return "predict"
        methods = ("predict_proba", "decision_function")
        return next((each for each in methods if callable(getattr(self.model, each, None))), "predict")

    def predict(self, frame: pl.DataFrame) -> Answers:
        """What it says of rows; the frame's columns are its features in order."""
        rows = self._rows(frame)
        classes = tuple(class_text(each) for each in self._classes())
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of rows a model is asked about, not of anything to act on
                said = np.asarray(getattr(self.model, self._ask())(rows))
                if self._ask() == "predict" and classes:
                    decided = pl.Series([class_text(each) for each in said.reshape(-1)], dtype=pl.String)
                    return Answers(np.empty((len(said), 0)), classes, decided)
                scores = said.astype(float)
        except MemoryError:
            raise
        except Exception as error:
            text = [column.name for column in frame.get_columns() if column.dtype == pl.String]
            told = "convert" in str(error)  # scikit-learn's own words for a text it cannot take
            hint = f" (text among its features: {', '.join(text[:5])})" if text and told else ""
            raise ModelFailed(f"The model stopped on these rows: {first_line(error)}{hint}.") from error
        if scores.ndim == 1 and len(classes) == 2:
            scores = np.column_stack([-scores, scores])
        labels = None
        if len(classes) == scores.shape[-1] and scores.ndim == 2 and len(scores):
            labels = pl.Series(
                [classes[at] for at in np.nan_to_num(scores, nan=-np.inf).argmax(axis=1)], dtype=pl.String
            )
        return Answers(scores, classes, labels)

    def _rows(self, frame: pl.DataFrame) -> Any:
        if self.names:
            import pandas

            given = [_finite(each) if self.without_infinity else each for each in frame.get_columns()]
            columns = {name: _values(column) for name, column in zip(self.names, given, strict=True)}
            return pandas.DataFrame(columns)
        values = [_values(column) for column in frame.get_columns()]
        if any(each.dtype == object for each in values):
            return np.column_stack([each.astype(object) for each in values])
        return np.column_stack(values).astype(float)


def _finite(column: pl.Series) -> pl.Series:
    """Infinity as a missing value."""
    if not column.dtype.is_float():
        return column
    return column.to_frame("v").select(pl.when(pl.col("v").is_finite()).then("v"))["v"]


def _values(column: pl.Series) -> np.ndarray:
    """A feature as scikit-learn takes it: whole numbers without gaps stay whole, missing is nan."""
    if column.dtype == pl.String:
        return np.array([np.nan if each is None else each for each in column.to_list()], dtype=object)
    if column.dtype.is_integer() and not column.null_count():
        return column.to_numpy()
    return column.cast(pl.Float64).fill_null(np.nan).to_numpy()
