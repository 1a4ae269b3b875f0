"""Models in the workspace: keep, find, ask, delete."""

import contextlib
import hashlib
import shutil
import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import sqlalchemy as sa

from analysis.core.dataset import clean_name, split_reference
from analysis.core.errors import BadRequest, NotFound, StorageError, UnknownName
from analysis.core.model import ANY, Answers, Asking, Explained, Model, Scorer, Standing
from analysis.store import datasets, endpoint, endpointcalls, modelasks, modelfile, staging, workers
from analysis.store.catalog import now
from analysis.store.endpoint import Endpoint
from analysis.store.tables import model as table
from analysis.store.workspace import Workspace


def _made(row: Any) -> Model:
    return Model.from_facts(
        row.facts,
        id=row.id,
        name=row.name,
        version=row.version,
        kind=row.kind,
        fingerprint=row.fingerprint,
        source=row.source,
        bytes=row.file_bytes,
        evaluation=row.evaluation,
        created=row.created,
        actor=row.actor,
    )


def listed(workspace: Workspace) -> list[Model]:
    """Every kept version, newest first."""
    with workspace.catalog.read() as connection:
        made = [_made(row) for row in connection.execute(sa.select(table).where(table.c.deleted.is_(None)))]
    return sorted(made, key=lambda each: (each.created, each.version), reverse=True)


def find(workspace: Workspace, reference: str) -> Model:
    """The model called `name` (its newest version), `name@version` or by its id; NotFound otherwise."""
    known = listed(workspace)
    for each in known:
        if each.id == reference:
            return each
    name, version, _ = split_reference(reference)
    own = [each for each in known if each.name == name]
    matches = [each for each in own if version in (None, each.version)]
    if matches:
        return max(matches, key=lambda each: each.version)
    if own:
        versions = ", ".join(str(each.version) for each in own)
        raise NotFound(f"The model '{name}' has no version {version}; it has {versions}.")
    raise NotFound(str(UnknownName("model", reference, dict.fromkeys(each.name for each in known))))


def added_for(workspace: Workspace, evaluation: str) -> list[Model]:
    """The versions added for an evaluation of this name: models themselves before surrogates, the newest first."""
    own = [each for each in listed(workspace) if each.evaluation == evaluation]
    return sorted(own, key=lambda each: bool(each.surrogate_of))


def asked_for(workspace: Workspace, evaluation: str, reference: str | None = None) -> Model:
    """The model `find` finds by its reference, else the first that was added for the evaluation; NotFound otherwise."""
    if reference:
        return find(workspace, reference)
    own = added_for(workspace, evaluation)
    if not own:
        raise NotFound(
            f"No model is kept for '{evaluation}'. Add the one that made its scores: python -m analysis models add "
            f"FILE --name NAME --evaluation {evaluation}; or fit one to them: python -m analysis models surrogate "
            f"{evaluation}"
        )
    return own[0]


def add(
    workspace: Workspace,
    source: Path,
    *,
    name: str,
    evaluation: str = "",
    features: Sequence[str] = (),
    label: str | None = None,
    cancelled: threading.Event | None = None,
    step: staging.Step = staging.no_step,
) -> tuple[Model, bool]:
    """Keep a model file as the next version of the model `name`: (the model, whether it is new).

    It is loaded once in a worker process before it is kept. BadFile for a pickle, a type that is not allowed, a damaged
    file; LimitReached for what grows beyond the settings. The same bytes under the same name are not kept twice.
    Whatever fails leaves nothing behind. evaluation: the name of the evaluation whose rows it scores. features: the
    columns a model without feature names takes, in its order; BadRequest where they are too few or too many for it.
    """
    name = clean_name(name, "model")
    label = label or source.name
    kind = modelfile.kind(source, label)
    mark = staging.sha256(source)
    for each in listed(workspace):
        same = (each.name, each.fingerprint, each.evaluation) == (name, mark, evaluation)
        same = same and (not features or [taken.name for taken in each.inputs] == list(features))
        if same and workspace.file("model", each.id).exists():
            return each, False
    with staging.staging(workspace.root, step) as place:
        with source.open("rb") as taken, place.file.open("wb") as given:
            shutil.copyfileobj(taken, given, 1 << 20)
        step("built")
        facts = _named(_facts(place, kind, label, mark, cancelled), features)
        return publish(workspace, place, name, kind, evaluation, label, facts, step), True


def add_endpoint(
    workspace: Workspace,
    found: Endpoint,
    probe: pl.DataFrame,
    *,
    name: str,
    evaluation: str = "",
    classes: Sequence[str] = (),
    cancelled: threading.Event | None = None,
) -> tuple[Model, bool]:
    """Keep an endpoint as the next version of the model `name`: (the model, whether it is new).

    It is asked once about the rows of `probe`, a column a feature; they are kept with its answers. classes: those of
    the evaluation, in order; () for a forecast. ModelFailed where it does not answer as it should, and then nothing is
    kept. The same endpoint that answers as before is not kept twice.
    """
    name = clean_name(name, "model")
    asked = replace(found, rows=tuple(tuple(endpoint.sent(each) for each in row) for row in probe.iter_rows()))
    with staging.staging(workspace.root) as place:
        place.file.write_bytes(asked.content())
        try:
            with (
                workers.loaded(place.id, place.file, modelfile.ENDPOINT, cancelled) as worker,
                endpointcalls.counted(workspace, found.address, worker, len(probe)) as calls,
            ):
                version, answers = modelasks.standing(worker, cancelled, calls)
        finally:
            workers.forget(place.id)  # it holds the definition without the answers
        made = endpoint.introduced(asked, version, answers, classes)
        content = made.content()
        mark = hashlib.sha256(content).hexdigest()
        for each in listed(workspace):
            if (each.name, each.fingerprint, each.evaluation) == (name, mark, evaluation):
                return each, False
        place.file.write_bytes(content)
        facts = _facts(place, modelfile.ENDPOINT, found.address, mark, cancelled)
        return publish(workspace, place, name, modelfile.ENDPOINT, evaluation, found.address, facts), True


def _facts(
    place: staging.Staging, kind: str, label: str, mark: str, cancelled: threading.Event | None
) -> dict[str, Any]:
    """What a staged model says of itself when it is loaded. mark: the sha256 it was read with."""
    with workers.loaded(place.id, place.file, kind, cancelled) as worker:  # and stays warm for its first questions
        facts, read = worker.said["facts"], worker.said["fingerprint"]
    if read != mark:
        workers.forget(place.id)
        raise StorageError(f"{label} changed while it was read. Nothing was stored; try again.")
    return dict(facts)


def publish(
    workspace: Workspace,
    place: staging.Staging,
    name: str,
    kind: str,
    evaluation: str,
    label: str,
    facts: dict[str, Any],
    step: staging.Step = staging.no_step,
) -> Model:
    """Keep a staged file that has been loaded once as the next version of the model `name`. label: its source."""
    step("verified")
    with staging.sealed(place.file, workspace.file("model", place.id), step) as (file_sha, file_bytes):
        _record(workspace, place.id, name, kind, evaluation, label, facts, file_sha, file_bytes)
    step("recorded")
    return find(workspace, place.id)


def _named(facts: dict[str, Any], features: Sequence[str]) -> dict[str, Any]:
    if not features:
        return facts
    if facts["inputs"]:
        raise BadRequest("The model names its features itself; leave out --features.")
    if facts["width"] not in (0, len(features)):
        raise BadRequest(f"The model takes {facts['width']:,} features, and {len(features):,} are named.")
    return {**facts, "inputs": [{"name": each, "type": ANY} for each in features]}


def _record(
    workspace: Workspace,
    id: str,
    name: str,
    kind: str,
    evaluation: str,
    label: str,
    facts: dict[str, Any],
    file_sha: str,
    file_bytes: int,
) -> None:
    with workspace.catalog.write() as connection:
        newest = sa.select(sa.func.coalesce(sa.func.max(table.c.version), 0)).where(table.c.name == name)
        version = connection.execute(newest).scalar_one() + 1
        connection.execute(
            table.insert().values(
                id=id,
                name=name,
                version=version,
                fingerprint=file_sha,
                kind=kind,
                evaluation=evaluation,
                source=label[:1000],
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
            action="add",
            kind="model",
            object=id,
            detail={"name": name, "version": version, "kind": kind, "fingerprint": file_sha},
        )


def scorer(workspace: Workspace, model: Model, stop: threading.Event | None = None) -> Scorer:
    """A model one can ask, in a warm worker of its own. StorageError where its file is gone or damaged.

    stop: ends a call under way, and the worker with it, where the call brings no such event of its own.
    """
    file = workspace.file("model", model.id)

    @contextlib.contextmanager
    def asked(cancelled: threading.Event | None) -> Iterator[workers.Worker]:
        if not file.exists():
            raise StorageError(f"The file of the model '{model.label}' was deleted.")
        with workers.loaded(model.id, file, model.kind, cancelled) as worker:
            if worker.said["fingerprint"] != model.fingerprint:
                raise StorageError(f"The file of the model '{model.label}' is damaged; delete it and add it again.")
            yield worker

    @contextlib.contextmanager
    def metered(rows: int, cancelled: threading.Event | None) -> Iterator[tuple[workers.Worker, int | None]]:
        with asked(cancelled) as worker:
            if model.kind != modelfile.ENDPOINT:
                yield worker, None
                return
            with endpointcalls.counted(workspace, model.source, worker, rows) as calls:
                yield worker, calls

    def predict(frame: pl.DataFrame, cancelled: threading.Event | None = stop) -> Answers:
        with metered(len(frame), cancelled) as (worker, calls):
            return modelasks.predict(worker, frame, cancelled, calls)

    def explain(asking: Asking, cancelled: threading.Event | None = stop) -> Explained:
        with metered(len(asking.seeds) * asking.samples, cancelled) as (worker, calls):
            return modelasks.explain(worker, asking, cancelled, calls)

    def standing(cancelled: threading.Event | None = stop) -> Standing:
        kept = endpoint.read(file.read_bytes())
        with metered(len(kept.rows), cancelled) as (worker, calls):
            return endpoint.standing(kept, *modelasks.standing(worker, cancelled, calls))

    return Scorer(model, predict, explain, standing if model.kind == modelfile.ENDPOINT else None)


def delete(workspace: Workspace, model: Model) -> None:
    """Forget a model version, its bytes and its warm worker."""
    datasets.forget(workspace, "model", table, model.id, model.label)
    workers.forget(model.id)
