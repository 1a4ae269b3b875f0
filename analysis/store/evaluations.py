"""Evaluations in the workspace: build, find, change what may change, delete."""

import hashlib
import json
import threading
from typing import Any

import sqlalchemy as sa

from analysis.core.dataset import Dataset, clean_name, split_reference
from analysis.core.errors import BadRequest, NotFound, UnknownName
from analysis.core.evaluation import Evaluation
from analysis.core.roles import BINARY, TASKS, Roles
from analysis.store import child, datasets, staging
from analysis.store.catalog import now
from analysis.store.child import Progress, no_progress
from analysis.store.tables import definition
from analysis.store.tables import evaluation as table
from analysis.store.tables import model as scorer
from analysis.store.workspace import Workspace

LAYOUT = 3
SEED = 20260105


def _made(row: Any) -> Evaluation:
    return Evaluation.from_facts(
        row.facts,
        id=row.id,
        name=row.name,
        version=row.version,
        fingerprint=row.fingerprint,
        task=row.task,
        roles=Roles.from_dict(row.roles),
        inputs=tuple(row.inputs),
        description=row.description,
        created=row.created,
        actor=row.actor,
    )


def listed(workspace: Workspace) -> list[Evaluation]:
    """Every kept version, newest first."""
    workspace.refresh()
    with workspace.catalog.read() as connection:
        rows = connection.execute(sa.select(table).where(table.c.deleted.is_(None)))
        made = [_made(row) for row in rows]
    return sorted(made, key=lambda each: (each.created, each.version), reverse=True)


def newest(workspace: Workspace) -> list[Evaluation]:
    """The newest version of each name, newest first."""
    seen: dict[str, Evaluation] = {}
    for each in listed(workspace):
        if each.name not in seen or each.version > seen[each.name].version:
            seen[each.name] = each
    return list(seen.values())


def find(workspace: Workspace, reference: str) -> Evaluation:
    """The evaluation called `name` (its newest version), `name@version`, `name~fingerprint` or by id; else NotFound."""
    known = listed(workspace)
    for each in known:
        if each.id == reference:
            return each
    exact = [each for each in known if each.name == reference]
    if exact:
        return max(exact, key=lambda each: each.version)
    name, version, mark = split_reference(reference)
    own = [each for each in known if each.name == name]
    for each in sorted(own, key=lambda each: -each.version):
        if version in (None, each.version) and each.fingerprint.startswith(mark or ""):
            return each
    if own and version is not None:
        versions = ", ".join(str(each.version) for each in own)
        raise NotFound(f"The evaluation '{name}' has no version {version}; it has {versions}.")
    raise NotFound(str(UnknownName("evaluation", reference, dict.fromkeys(each.name for each in known))))


def fingerprint(dataset: Dataset, task: str, roles: Roles) -> str:
    """What makes two evaluations the same: bytes taken in and how, task, roles, layout of the file, seed."""
    said = {
        "input": dataset.fingerprint,
        "options": dataset.options,
        "task": task,
        "roles": roles.to_dict(),
        "layout": LAYOUT,
        "seed": SEED,
    }
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def checked(dataset: Dataset, task: str, roles: Roles) -> None:
    """BadRequest when roles name columns that are not there, or contradict one another."""
    if task not in TASKS:
        raise UnknownName("task", task, TASKS)
    for column, played in roles.used().items():
        dataset.schema.column(column)
        single = [role for role in played if role in ("label", "prediction", "weight", "time", "model_version")]
        if len(single) > 1:
            raise BadRequest(f"The column '{column}' cannot be both {single[0]} and {single[1]}; choose one.")
    if not roles.models:
        raise BadRequest("No column is a prediction or a score, so there is nothing to measure. Name at least one.")
    names = [model.name for model in roles.models]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise BadRequest(f"Two model versions are called '{twice[0]}'; give each its own name.")
    for model in roles.models:
        if model.prediction is None and not model.scores and model.mapping is None:
            raise BadRequest(f"The model version '{model.name}' has neither a prediction nor a score column.")
        if model.mapping is not None and task != BINARY:
            raise BadRequest("Only the score of a two-class task can be mapped to another.")


def create(
    workspace: Workspace,
    dataset: Dataset,
    *,
    name: str,
    task: str,
    roles: Roles,
    description: str = "",
    reasons: dict[str, str] | None = None,
    progress: Progress = no_progress,
    cancelled: threading.Event | None = None,
    step: staging.Step = staging.no_step,
) -> tuple[Evaluation, bool]:
    """Build the next version of the evaluation `name`: (the evaluation, whether it is new).

    The same data with the same roles under the same name is not built twice. Any failure leaves nothing behind.
    """
    name = clean_name(name, "evaluation")
    checked(dataset, task, roles)
    mark = fingerprint(dataset, task, roles)
    for each in listed(workspace):
        if each.name == name and each.fingerprint == mark and workspace.file("evaluation", each.id).exists():
            return each, False
    with staging.staging(workspace.root, step) as place:
        request = {
            "source": str(workspace.file("dataset", dataset.id)),
            "schema": dataset.schema.to_list(),
            "target": str(place.file),
            "task": task,
            "roles": roles.to_dict(),
            "seed": SEED,
        }
        facts = child.run("build", request, progress=progress, cancelled=cancelled)
        facts["reasons"] = reasons or {}
        step("built")
        if facts["rows"] > dataset.rows:
            raise BadRequest("The evaluation has more rows than its dataset. Nothing was stored.")
        step("verified")
        target = workspace.file("evaluation", place.id)
        with staging.sealed(place.file, target, step) as (file_sha, file_bytes):
            _record(workspace, place.id, name, dataset, task, roles, description, facts, mark, file_sha, file_bytes)
        step("recorded")
    return find(workspace, place.id), True


def _record(
    workspace: Workspace,
    id: str,
    name: str,
    dataset: Dataset,
    task: str,
    roles: Roles,
    description: str,
    facts: dict[str, Any],
    mark: str,
    file_sha: str,
    file_bytes: int,
) -> None:
    if facts["classes"] and task == "binary":
        roles = roles.with_(positive=facts["classes"][1])
    with workspace.catalog.write() as connection:
        last = sa.select(sa.func.coalesce(sa.func.max(table.c.version), 0)).where(table.c.name == name)
        version = connection.execute(last).scalar_one() + 1
        connection.execute(
            table.insert().values(
                id=id,
                name=name,
                version=version,
                fingerprint=mark,
                task=task,
                roles=roles.to_dict(),
                inputs=[dataset.id],
                description=description,
                facts=facts,
                file_sha=file_sha,
                file_bytes=file_bytes,
                created=now(),
                actor=workspace.actor,
            )
        )
        workspace.catalog.note(
            connection,
            actor=workspace.actor,
            action="evaluate",
            kind="evaluation",
            object=id,
            detail={"name": name, "version": version, "dataset": dataset.label},
        )


def rename(workspace: Workspace, evaluation: Evaluation, name: str) -> None:
    """Give every version of an evaluation another name. Links carry the fingerprint and find it still."""
    name = clean_name(name, "evaluation")
    if name == evaluation.name:
        return
    with workspace.catalog.write() as connection:
        taken = connection.execute(sa.select(table.c.id).where(table.c.name == name)).first()
        if taken is not None:
            raise BadRequest(f"There is already an evaluation called '{name}'; choose another name.")
        connection.execute(table.update().where(table.c.name == evaluation.name).values(name=name))
        own = definition.c.scope == evaluation.name
        connection.execute(definition.update().where(own).values(scope=name))
        connection.execute(scorer.update().where(scorer.c.evaluation == evaluation.name).values(evaluation=name))
        workspace.catalog.note(
            connection,
            actor=workspace.actor,
            action="rename",
            kind="evaluation",
            object=evaluation.id,
            detail={"from": evaluation.name, "to": name},
        )


def describe(workspace: Workspace, evaluation: Evaluation, description: str) -> None:
    """Keep the analyst's words on what this evaluation is for."""
    with workspace.catalog.write() as connection:
        connection.execute(table.update().where(table.c.id == evaluation.id).values(description=description[:4000]))
        workspace.catalog.note(
            connection,
            actor=workspace.actor,
            action="describe",
            kind="evaluation",
            object=evaluation.id,
            detail={"description": description[:4000]},
        )


def delete(workspace: Workspace, evaluation: Evaluation) -> None:
    """Forget an evaluation version, its file and its cubes."""
    datasets.forget(workspace, "evaluation", table, evaluation.id, evaluation.label)
    for cube in (workspace.root / "cubes").glob(f"{evaluation.id}-*"):
        cube.unlink(missing_ok=True)
