"""The sample: the small files beside the app, taken in and evaluated as their recipes say."""

import json
import threading
from pathlib import Path
from typing import Any

from analysis.core.dataset import name_from_file
from analysis.core.errors import BadRequest
from analysis.core.evaluation import Evaluation
from analysis.core.roles import Roles
from analysis.store import datasets, evaluations
from analysis.store.child import Progress, no_progress
from analysis.store.workspace import ROOT, Workspace

FOLDER = ROOT / "sample_data"


def recipes(folder: Path = FOLDER) -> dict[str, list[dict[str, Any]]]:
    """{file: the evaluations made of it}; BadRequest where the sample is not there."""
    file = folder / "recipes.json"
    if not file.exists():
        raise BadRequest("The sample data is not here; make it with `make sample`.")
    return json.loads(file.read_text(encoding="utf-8"))


def load(
    workspace: Workspace,
    *,
    first_only: bool = False,
    progress: Progress = no_progress,
    cancelled: threading.Event | None = None,
) -> dict[str, Any]:
    """Take in every sample file and make its evaluations, or only the main one; what is there already is used."""
    plan = recipes()
    if first_only:
        file, wanted = next(iter(plan.items()))
        plan = {file: wanted[:1]}
    steps = sum(1 + len(made) for made in plan.values())
    done = 0
    names = []

    def part(share: float, doing: str) -> None:
        progress((done + share) / steps, doing)

    for file, wanted in plan.items():
        dataset, _ = datasets.ingest(
            workspace, FOLDER / file, name=name_from_file(file), progress=part, cancelled=cancelled
        )
        done += 1
        for each in wanted:
            made, _ = evaluations.create(
                workspace,
                dataset,
                name=each["name"],
                task=each["task"],
                roles=Roles.from_dict(each["roles"]),
                description=each.get("title", ""),
                progress=part,
                cancelled=cancelled,
            )
            done += 1
            names.append(made.mark)
    return {"evaluations": names}


def first(workspace: Workspace) -> Evaluation:
    """The sample's main evaluation."""
    return evaluations.find(workspace, next(iter(recipes().values()))[0]["name"])
