"""Derived model versions: a kept mapping applied to the scores of a version, as a new version of the evaluation."""

import threading
from dataclasses import replace

from analysis.core.dataset import clean_name
from analysis.core.errors import BadRequest, NotFound
from analysis.core.evaluation import Evaluation
from analysis.core.mapping import Mapping
from analysis.core.roles import ModelColumns
from analysis.store import datasets, definitions, evaluations
from analysis.store.child import Progress, no_progress
from analysis.store.workspace import Workspace

KIND = "calibration"


def derive(
    workspace: Workspace,
    evaluation: Evaluation,
    mapping: Mapping,
    *,
    name: str,
    progress: Progress = no_progress,
    cancelled: threading.Event | None = None,
) -> tuple[Evaluation, bool]:
    """The evaluation's next version, with a model version `name` whose score is the mapping of `mapping.model`'s.

    It keeps that version's recorded decisions. The mapping is kept too, as a definition of kind "calibration". Returns
    (the evaluation, whether it is new); links to older versions go on working.
    """
    name = clean_name(name, "model version")
    source = evaluation.model(mapping.model)
    if name in (each.name for each in evaluation.models):
        raise BadRequest(f"There is a model version '{name}' already; give the derived one a name of its own.")
    if not source.score:
        raise BadRequest(f"The model version '{source.name}' has no score column, so nothing can be mapped.")
    roles = evaluation.roles
    given = {each.name: each for each in roles.models}
    long = roles.model_version is not None
    columns = roles.models[0] if long and source.name not in given else given[source.name]
    if columns.mapping is not None:
        origin = columns.mapping.get("model")
        raise BadRequest(f"'{source.name}' is derived itself; calibrate '{origin}', which it comes from.")
    own = ModelColumns(name) if long else replace(columns, name=name)
    own = replace(own, mapping=mapping.to_dict())
    dataset = next((each for each in datasets.listed(workspace) if each.id in evaluation.inputs), None)
    if dataset is None:
        raise NotFound(
            f"The dataset '{evaluation.name}' was made of was deleted, so it cannot be built again; take the file in "
            "once more and evaluate it."
        )
    made, new = evaluations.create(
        workspace,
        dataset,
        name=evaluation.name,
        task=evaluation.task,
        roles=roles.with_(models=(*roles.models, own)),
        description=evaluation.description,
        reasons=evaluation.reasons,
        progress=progress,
        cancelled=cancelled,
    )
    definitions.keep(workspace, kind=KIND, name=name, body=mapping.to_dict(), scope=evaluation.name)
    return made, new
