"""What a child can be asked to do: each task takes a JSON-able request and returns a JSON-able answer."""

from pathlib import Path
from typing import Any

from analysis.store import build as building
from analysis.store import intake
from analysis.store.child import Progress


def preview(request: dict[str, Any], *, limits: dict[str, int], progress: Progress) -> dict[str, Any]:
    """{source, label, options} -> what the file looks like."""
    return intake.preview(Path(request["source"]), label=request["label"], options=request["options"])


def load(request: dict[str, Any], *, limits: dict[str, int], progress: Progress) -> dict[str, Any]:
    """{source, target, label, options} -> the facts of the dataset file made at target."""
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
    return building.build(request, limits=limits, progress=progress)
