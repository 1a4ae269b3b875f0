"""skops models: scikit-learn estimators, loaded by skops with a constant list of types. Only in a worker process."""

import io
import warnings
import zipfile
from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl

from analysis.core import words
from analysis.core.errors import BadFile, LimitReached, ModelFailed
from analysis.core.model import Answers
from analysis.store.onnxmodel import first_line

ALLOWED = (
    "numpy.dtype",
    "sklearn.tree._tree.Tree",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.calibration._CalibratedClassifier",
    "sklearn.calibration._SigmoidCalibration",
    "sklearn.neural_network._stochastic_optimizers.AdamOptimizer",
)
ENTRIES, SCHEMA_MB = 200_000, 256


class SkopsModel:
    """A loaded scikit-learn estimator. BadFile for archives that are none or hold types that are not allowed."""

    def __init__(self, content: bytes, *, trusted: Sequence[str], inflated_mb: int) -> None:
        _looked_into(content, inflated_mb)
        import sklearn
        import skops
        from skops.io import get_untrusted_types, loads

        try:
            asked = get_untrusted_types(data=content)
        except MemoryError:
            raise
        except Exception as error:
            raise BadFile(f"This is no skops file, or it is damaged: {first_line(error)}.") from error
        refused = sorted(set(asked) - {*ALLOWED, *trusted})
        if refused:
            shown = ", ".join(refused[:8]) + (f" and {len(refused) - 8} more" if len(refused) > 8 else "")
            raise BadFile(
                f"The skops file holds {words.plural(len(refused), 'type')} that could run code of their own: {shown}. "
                "An operator who has read that code may allow them by the setting model_trusted."
            )
        try:
            with warnings.catch_warnings(record=True) as said:
                warnings.simplefilter("always")
                self.model = loads(content, trusted=[*ALLOWED, *trusted])
        except MemoryError:
            raise
        except Exception as error:
            raise BadFile(f"skops cannot load this file: {first_line(error)}.") from error
        if not callable(getattr(self.model, "predict", None)):
            raise BadFile(f"The skops file holds {type(self.model).__name__}, which cannot predict.")
        self.notes = tuple(
            dict.fromkeys(first_line(each.message) for each in said if isinstance(each.message, Warning))
        )
        self.versions = {"scikit-learn": sklearn.__version__, "skops": skops.__version__}
        names = getattr(self.model, "feature_names_in_", None)
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
            hint = f" (text among its features: {', '.join(text[:5])})" if text else ""
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

            columns = {name: _values(column) for name, column in zip(self.names, frame.get_columns(), strict=True)}
            return pandas.DataFrame(columns)
        values = [_values(column) for column in frame.get_columns()]
        if any(each.dtype == object for each in values):
            return np.column_stack([each.astype(object) for each in values])
        return np.column_stack(values).astype(float)


def _values(column: pl.Series) -> np.ndarray:
    """A feature as scikit-learn takes it: whole numbers without gaps stay whole, missing is nan."""
    if column.dtype == pl.String:
        return np.array([np.nan if each is None else each for each in column.to_list()], dtype=object)
    if column.dtype.is_integer() and not column.null_count():
        return column.to_numpy()
    return column.cast(pl.Float64).fill_null(np.nan).to_numpy()


def class_text(value: Any) -> str:
    """A class as text, as a table's label would be read: 1 and 1.0 are "1".

    >>> class_text(np.float64(1)), class_text(np.True_), class_text("yes")
    ('1', 'true', 'yes')
    """
    plain = value.item() if isinstance(value, np.generic) else value
    if isinstance(plain, bool):
        return str(plain).lower()
    return str(int(plain)) if isinstance(plain, float) and plain.is_integer() else str(plain)


def _looked_into(content: bytes, inflated_mb: int) -> None:
    """BadFile or LimitReached by the archive's own table of contents, which bounds what reading it can give."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError, EOFError) as error:
        raise BadFile("This is no skops file, or it is damaged.") from error
    sizes = {each.filename: each.file_size for each in entries}
    if "schema.json" not in sizes:
        raise BadFile("This is no skops file: the archive has no schema.json.")
    inflated = sum(each.file_size for each in entries)
    if len(entries) > ENTRIES or inflated > inflated_mb << 20 or sizes["schema.json"] > SCHEMA_MB << 20:
        raise LimitReached(
            f"The archive would inflate to {inflated >> 20:,} MB in {len(entries):,} files; {inflated_mb:,} MB is the "
            "limit (setting model_inflated_mb)."
        )
