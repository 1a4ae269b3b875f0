"""ONNX models: loaded from bytes into ONNX Runtime, asked by matrix or by named inputs. Only in a worker process."""

import re
from collections import Counter
from typing import Any

import numpy as np
import polars as pl

from analysis.core.errors import BadFile, ModelFailed
from analysis.core.model import NUMBER, TEXT, Answers
from analysis.store.onnxfile import held

TYPES: dict[str, Any] = {
    "tensor(float)": np.float32,
    "tensor(double)": np.float64,
    "tensor(float16)": np.float16,
    "tensor(int64)": np.int64,
    "tensor(int32)": np.int32,
    "tensor(bool)": np.bool_,
    "tensor(string)": np.str_,
}
REAL = ("tensor(float)", "tensor(double)", "tensor(float16)")
MAPS = re.compile(r"seq\(map\((string|int64),tensor\((float|double)\)\)\)")


class OnnxModel:
    """A loaded ONNX model. BadFile for what is no model of rows, or keeps its values in other files."""

    def __init__(self, content: bytes) -> None:
        self.held = held(content)
        if self.held.external:
            raise BadFile(
                "The ONNX file keeps its values in other files (external data), which are never opened; save it with "
                "the values inside."
            )
        import onnxruntime

        onnxruntime.set_default_logger_severity(4)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 4
        try:
            self.session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        except Exception as error:
            raise BadFile(f"ONNX Runtime cannot load this file: {first_line(error)}.") from error
        self.version = onnxruntime.__version__
        self.inputs = self.session.get_inputs()
        self._understand_inputs()
        self._understand_outputs()

    def _understand_inputs(self) -> None:
        for each in self.inputs:
            if each.type not in TYPES:
                raise BadFile(f"The model's input '{each.name}' is {each.type}; rows of a table hold numbers and text.")
            if len(each.shape) > 2:
                raise BadFile(
                    f"The model's input '{each.name}' has {len(each.shape)} dimensions; a row of a table has one."
                )
        if not self.inputs:
            raise BadFile("The model takes no input.")
        self.named = len(self.inputs) > 1
        wide = [each.name for at, each in enumerate(self.inputs) if self.named and self._width(at) != 1]
        if wide:
            raise BadFile(
                f"The model has several inputs, and '{wide[0]}' takes more than one column; give each its own."
            )

    def _width(self, at: int) -> int:
        """Columns of an input, 0 where the file does not say."""
        shape = self.inputs[at].shape
        if len(shape) < 2:
            return 1 if len(self.inputs) > 1 else 0
        return shape[1] if isinstance(shape[1], int) else (1 if len(self.inputs) > 1 else 0)

    def _understand_outputs(self) -> None:
        outputs = self.session.get_outputs()
        self.label = next((each.name for each in outputs if each.type in ("tensor(string)", "tensor(int64)")), "")
        real = [each for each in outputs if each.type in REAL]
        mapped = [each for each in outputs if MAPS.fullmatch(each.type)]
        self.mapped = bool(mapped)
        wide = [each for each in real if len(each.shape) == 2 and each.shape[1] not in (1,)]
        chosen = mapped or [each for each in wide if "prob" in each.name.lower()] or wide or real
        self.score = chosen[0].name if chosen else ""
        if not self.score and not self.label:
            raise BadFile("The model answers neither numbers nor labels.")

    def facts(self) -> dict[str, Any]:
        kinds = [TEXT if each.type == "tensor(string)" else NUMBER for each in self.inputs]
        named = [{"name": each.name, "type": kind} for each, kind in zip(self.inputs, kinds, strict=True)]
        counted = Counter(self.held.operators)
        shown = ", ".join(f"{name}" if n == 1 else f"{n} {name}" for name, n in counted.most_common(6))
        return {
            "inputs": named if self.named else [],
            "width": 0 if self.named else self._width(0),
            "classes": list(self.held.classes),
            "scores": bool(self.score),
            "made": f"{self.held.producer or 'ONNX'}: {shown}{' and more' if len(counted) > 6 else ''}",
            "libraries": {"onnxruntime": self.version},
            "notes": [],
        }

    def predict(self, frame: pl.DataFrame) -> Answers:
        """What it says of rows; the frame's columns are its features in order."""
        if self.named:
            feed = {
                each.name: self._cast(frame.to_series(at), each).reshape(-1, *[1] * (len(each.shape) - 1))
                for at, each in enumerate(self.inputs)
            }
        else:
            only = self.inputs[0]
            feed = {only.name: np.column_stack([self._cast(column, only) for column in frame.get_columns()])}
        wanted = [name for name in (self.score, self.label) if name]
        try:
            said = dict(zip(wanted, self.session.run(wanted, feed), strict=True))
        except MemoryError:
            raise
        except Exception as error:
            raise ModelFailed(f"The model stopped on these rows: {first_line(error)}.") from error
        labels = None
        if self.label:
            labels = pl.Series(
                [str(each) for each in np.asarray(said[self.label]).reshape(-1).tolist()], dtype=pl.String
            )
        if not self.score:
            return Answers(np.empty((len(frame), 0)), self.held.classes, labels)
        if self.mapped:
            rows = said[self.score]
            classes = list(rows[0]) if rows else []
            scores = np.array([[row.get(each, np.nan) for each in classes] for row in rows], dtype=float)
            return Answers(scores.reshape(len(rows), len(classes)), tuple(map(str, classes)), labels)
        scores = np.asarray(said[self.score], dtype=float)
        return Answers(scores, self.held.classes if scores.ndim == 2 else (), labels)

    def _cast(self, column: pl.Series, wanted: Any) -> np.ndarray:
        kind = TYPES[wanted.type]
        if kind is np.str_:
            return np.array(column.cast(pl.String).fill_null("").to_list(), dtype=object)
        if column.dtype == pl.String:
            raise ModelFailed(f"The model takes numbers, and '{column.name}' is text.")
        if wanted.type in REAL:
            return column.cast(pl.Float64).fill_null(np.nan).to_numpy().astype(kind)
        missing = column.null_count()
        if missing:
            raise ModelFailed(f"The model takes whole numbers, and '{column.name}' is missing in {missing:,} rows.")
        return column.to_numpy().astype(kind)


def first_line(error: BaseException) -> str:
    """The first line of what a library complains of, short and without the sign that ends a sentence."""
    text = next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
    text = re.sub(r"^\[ONNXRuntimeError\] : \d+ : ", "", text)
    return (text if len(text) <= 300 else text[:297] + "...").rstrip(".: ")
