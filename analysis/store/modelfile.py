"""Model files: what may be loaded, told by the first bytes; the loading itself happens in a worker process."""

from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import polars as pl

from analysis.core.errors import BadFile, LimitReached
from analysis.core.model import Answers
from analysis.core.settings import setting, whole
from analysis.core.surrogate import KIND

ONNX, SKOPS, PICKLE, ENDPOINT = "onnx", "skops", "pickle", "endpoint"
PICKLES = (".pkl", ".pickle", ".joblib", ".dill", ".cloudpickle", ".sav")
PACKED = {b"\x1f\x8b": "gzip", b"BZh": "bzip2", b"\xfd7zXZ": "xz", b"\x04\x22\x4d\x18": "lz4"}
ZLIB = (b"\x78\x01", b"\x78\x5e", b"\x78\x9c", b"\x78\xda")  # as joblib packs
NO_PICKLE = (
    "is a pickle (joblib writes them too). Opening a pickle runs whatever code its author put in, so Assay does not; "
    "save the model as ONNX (skl2onnx) or with skops."
)


class LoadedModel(Protocol):
    """A model a worker holds."""

    def facts(self) -> dict[str, Any]:
        """What it is, as core/model.py keeps it."""

    def predict(self, frame: pl.DataFrame) -> Answers:
        """What it says of rows; the frame's columns are its features in order."""


@runtime_checkable
class FarModel(LoadedModel, Protocol):
    """A model that is somewhere else, so that asking it takes calls. spent: those for the question under way."""

    spent: int

    def begin(self, calls: int | None) -> None:
        """A new question, for which so many calls may be made; None: as many as the settings say."""

    def standing(self) -> dict[str, Any]:
        """What it says now of itself, and of the rows kept with it."""


def pickles_allowed() -> bool:
    """Whether the operator lets pickles be opened: by the setting, and only where the app has one local user."""
    return whole("model_pickles") == 1 and setting("access") == "local"


def kind(file: Path, label: str) -> str:
    """ONNX or SKOPS, and PICKLE where the operator allows it, from the size, the ending and the first bytes alone.

    BadFile for pickles and for what is none of these; LimitReached for what is too large.
    """
    try:
        size = file.stat().st_size
        with file.open("rb") as opened:
            start = opened.read(8)
    except OSError as error:
        raise BadFile(f"{label} cannot be read: {error.strerror}.") from error
    if size > whole("model_mb") << 20:
        raise LimitReached(f"{label} has {size >> 20:,} MB; {whole('model_mb'):,} MB is the limit (setting model_mb).")
    pickled = start[:1] == b"\x80" and len(start) > 1 and start[1] <= 10
    if label.lower().endswith(PICKLES) or pickled or start.startswith(ZLIB):
        if pickles_allowed():
            return PICKLE
        raise BadFile(f"{label} {NO_PICKLE}")
    for mark, name in PACKED.items():
        if start.startswith(mark):
            raise BadFile(f"{label} is packed with {name}; unpack it first.")
    if start.startswith(b"PK\x03\x04"):
        return SKOPS
    if start.startswith(b"\x08") or label.lower().endswith(".onnx"):
        return ONNX
    raise BadFile(f"{label} is neither an ONNX model nor one saved by skops.")


def secrets(kind: str, file: Path) -> dict[str, str]:
    """The environment variables a model needs beside its file; ModelFailed where one is not set."""
    if kind != ENDPOINT:
        return {}
    from analysis.store import endpoint

    return endpoint.needed(file)


def load(kind: str, content: bytes) -> LoadedModel:
    """A model from its bytes. Only for a worker process: a file may crash what reads it.

    A surrogate is a file of skops; it takes infinity for missing, as it was fitted.
    """
    if kind == ONNX:
        from analysis.store.onnxmodel import OnnxModel

        return OnnxModel(content)
    if kind == ENDPOINT:
        from analysis.store.endpointmodel import EndpointModel

        return EndpointModel(content)
    if kind == PICKLE:
        if not pickles_allowed():
            raise BadFile(f"The model {NO_PICKLE}")
        from analysis.store.picklemodel import PickleModel

        return PickleModel(content)
    from analysis.store.skopsmodel import SkopsModel

    trusted = [each.strip() for each in str(setting("model_trusted")).split(",") if each.strip()]
    made = SkopsModel(content, trusted=trusted, inflated_mb=whole("model_inflated_mb"))
    made.without_infinity = kind == KIND
    return made
