"""What a child can be asked to do: each task takes a JSON-able request and returns a JSON-able answer.

A child does one task and imports what that one needs, since importing is half of its time.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb

from analysis.core.errors import AssayError, LimitReached, StorageError
from analysis.store.child import Progress


def preview(request: dict[str, Any], *, limits: dict[str, int], progress: Progress) -> dict[str, Any]:
    """{source, label, options} -> what the file looks like."""
    from analysis.store import intake

    return intake.preview(Path(request["source"]), label=request["label"], options=request["options"])


def load(request: dict[str, Any], *, limits: dict[str, int], progress: Progress) -> dict[str, Any]:
    """{source, target, label, options} -> the facts of the dataset file made at target."""
    from analysis.store import intake

    with _full_disk():
        return intake.load(
            Path(request["source"]),
            Path(request["target"]),
            label=request["label"],
            options=request["options"],
            limits=limits,
            progress=progress,
        )


def build(request: dict[str, Any], *, limits: dict[str, int], progress: Progress) -> dict[str, Any]:
    """{source, schema, target, task, roles, seed} -> the facts of the evaluation file made at target."""
    from analysis.store.build import build

    with _full_disk(), _sayable(Path(request["source"])):
        return build(request, limits=limits, progress=progress)


def surrogate(request: dict[str, Any], *, limits: dict[str, int], progress: Progress) -> dict[str, Any]:
    """{lesson, target, features, classes, seed} -> {}; the fitted estimator is written to target."""
    from analysis.store import fitting

    with _full_disk():
        return fitting.fit(request, threads=1)


@contextmanager
def _full_disk() -> Iterator[None]:
    """Say that the disk is full where that is at the bottom of it: DuckDB tells it in several classes of error."""
    try:
        yield
    except (duckdb.Error, AssayError, OSError) as error:
        if any(words in f"{error} {error.__cause__}" for words in ("No space left", "File too large")):
            raise StorageError("The disk of the workspace is full. Nothing was kept; free some space.") from error
        raise


@contextmanager
def _sayable(source: Path) -> Iterator[None]:
    """Turn a damaged source, too little memory or a folder that cannot be written into a sentence."""
    try:
        yield
    except duckdb.OutOfMemoryException as error:
        raise LimitReached(
            "The evaluation needs more memory than a child may have (setting child_memory_mb)."
        ) from error
    except duckdb.Error as error:
        why = str(error).partition("\n")[0]
        if str(source) in why or type(error) is duckdb.Error:
            raise StorageError(f"The data of the dataset is gone or damaged ({why}). Nothing was kept.") from error
        if isinstance(error, duckdb.IOException):
            raise StorageError(f"The workspace cannot be written ({why}). Nothing was kept.") from error
        raise
