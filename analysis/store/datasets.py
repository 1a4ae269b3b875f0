"""Datasets in the workspace: keep, find, look into, delete."""

import json
import shutil
import threading
from pathlib import Path
from typing import Any

import polars as pl
import sqlalchemy as sa

from analysis.core.dataset import Dataset, clean_name, split_reference
from analysis.core.errors import BadFile, NotFound, StorageError, UnknownName
from analysis.core.schema import Schema
from analysis.store import child, staging, tables
from analysis.store.catalog import now
from analysis.store.child import Progress, no_progress
from analysis.store.tables import dataset as table
from analysis.store.workspace import Workspace


def _made(row: Any) -> Dataset:
    return Dataset(
        id=row.id,
        name=row.name,
        version=row.version,
        schema=Schema.from_list(row.schema),
        rows=row.rows,
        rejected=row.rejected,
        fingerprint=row.fingerprint,
        source=row.source,
        source_bytes=row.source_bytes,
        created=row.created,
        actor=row.actor,
        options=row.options,
        facts=row.facts,
    )


def listed(workspace: Workspace) -> list[Dataset]:
    """Every kept version, newest first."""
    workspace.refresh()
    with workspace.catalog.read() as connection:
        rows = connection.execute(sa.select(table).where(table.c.deleted.is_(None)).order_by(table.c.created.desc()))
        made = [_made(row) for row in rows]
    return sorted(made, key=lambda each: (each.created, each.version), reverse=True)


def find(workspace: Workspace, reference: str) -> Dataset:
    """The dataset called `name` (its newest version), `name@version` or by its id; NotFound otherwise."""
    known = listed(workspace)
    for each in known:
        if each.id == reference:
            return each
    exact = [each for each in known if each.name == reference]
    if exact:
        return max(exact, key=lambda each: each.version)
    name, version, _ = split_reference(reference)
    matches = [each for each in known if each.name == name and version in (None, each.version)]
    if matches:
        return max(matches, key=lambda each: each.version)
    if version is not None and any(each.name == name for each in known):
        versions = ", ".join(str(each.version) for each in known if each.name == name)
        raise NotFound(f"The dataset '{name}' has no version {version}; it has {versions}.")
    raise NotFound(str(UnknownName("dataset", reference, dict.fromkeys(each.name for each in known))))


def preview(source: Path, *, label: str, options: dict[str, Any] | None = None) -> dict[str, Any]:
    """What a file looks like before it is kept: columns, guessed types, first rows. Nothing is stored."""
    return child.run("preview", {"source": str(source), "label": label, "options": options or {}}, queued=False)


def ingest(
    workspace: Workspace,
    source: Path,
    *,
    name: str,
    label: str | None = None,
    options: dict[str, Any] | None = None,
    progress: Progress = no_progress,
    cancelled: threading.Event | None = None,
    step: staging.Step = staging.no_step,
) -> tuple[Dataset, bool]:
    """Keep a file as the next version of the dataset `name`: (the dataset, whether it is new).

    The same bytes with the same options under the same name are not kept twice. Any failure leaves nothing behind.
    """
    name = clean_name(name)
    label = label or source.name
    options = options or {}
    try:
        size = source.stat().st_size
    except OSError as error:
        raise BadFile(f"{label} cannot be read: {error.strerror}.") from error
    twin = _twin(workspace, source, size, options)
    if twin is not None and twin.name == name:
        return twin, False
    with staging.staging(workspace.root, step) as place:
        if twin is not None:
            facts = {**twin.facts, "columns": twin.schema.to_list()}
            facts |= {"rows": twin.rows, "rejected": twin.rejected, "fingerprint": twin.fingerprint}
            _copy(workspace.file("dataset", twin.id), place.file)
        else:
            facts = _load(source, place, label, options, progress, cancelled)
        step("built")
        _verify(facts, label)
        step("verified")
        with staging.sealed(place.file, workspace.file("dataset", place.id), step) as (file_sha, file_bytes):
            _record(workspace, place.id, name, label, size, options, facts, file_sha, file_bytes)
        step("recorded")
    return find(workspace, place.id), True


def _load(
    source: Path,
    place: staging.Staging,
    label: str,
    options: dict[str, Any],
    progress: Progress,
    cancelled: threading.Event | None,
) -> dict[str, Any]:
    request = {"source": str(source.resolve()), "target": str(place.file), "label": label, "options": options}
    return child.run("load", request, progress=progress, cancelled=cancelled)


def _verify(facts: dict[str, Any], label: str) -> None:
    records = facts.get("records", facts["rows"] + facts["rejected"])
    if facts["rows"] + facts["rejected"] != records:
        raise StorageError(
            f"{label}: {facts['rows']:,} rows loaded and {facts['rejected']:,} rejected do not add up to the "
            f"{records:,} records counted. Nothing was stored."
        )


def _copy(source: Path, target: Path) -> None:
    with source.open("rb") as taken, target.open("wb") as given:
        shutil.copyfileobj(taken, given, 1 << 20)


def _twin(workspace: Workspace, source: Path, size: int, options: dict[str, Any]) -> Dataset | None:
    candidates = [each for each in listed(workspace) if each.source_bytes == size and _same(each.options, options)]
    if not candidates:
        return None
    mark = staging.sha256(source)
    return next((each for each in candidates if each.fingerprint == mark and is_whole(workspace, each)), None)


def is_whole(workspace: Workspace, dataset: Dataset) -> bool:
    """Whether the data file is there and holds the bytes that were kept; reads all of it."""
    file = workspace.file("dataset", dataset.id)
    with workspace.catalog.read() as connection:
        kept = connection.scalar(sa.select(table.c.file_sha).where(table.c.id == dataset.id))
    return file.exists() and staging.sha256(file) == kept


def _same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


def _record(
    workspace: Workspace,
    id: str,
    name: str,
    label: str,
    size: int,
    options: dict[str, Any],
    facts: dict[str, Any],
    file_sha: str,
    file_bytes: int,
) -> None:
    kept = {key: value for key, value in facts.items() if key not in ("columns", "rows", "rejected", "fingerprint")}
    with workspace.catalog.write() as connection:
        newest = sa.select(sa.func.coalesce(sa.func.max(table.c.version), 0)).where(table.c.name == name)
        version = connection.execute(newest).scalar_one() + 1
        connection.execute(
            table.insert().values(
                id=id,
                name=name,
                version=version,
                fingerprint=facts["fingerprint"],
                rows=facts["rows"],
                rejected=facts["rejected"],
                schema=facts["columns"],
                source=label[:1000],
                source_bytes=size,
                options=options,
                facts=kept,
                file_sha=file_sha,
                file_bytes=file_bytes,
                created=now(),
                actor=workspace.actor,
            )
        )
        workspace.catalog.note(
            connection,
            actor=workspace.actor,
            action="ingest",
            kind="dataset",
            object=id,
            detail={"name": name, "version": version, "rows": facts["rows"], "rejected": facts["rejected"]},
        )


def dependants(workspace: Workspace, dataset: Dataset) -> list[str]:
    """The evaluations (name@version) built from this version."""
    evaluation = tables.evaluation
    with workspace.catalog.read() as connection:
        rows = connection.execute(sa.select(evaluation).where(evaluation.c.deleted.is_(None)))
        return [f"{row.name}@{row.version}" for row in rows if dataset.id in row.inputs]


def delete(workspace: Workspace, dataset: Dataset) -> None:
    """Forget a dataset version and its bytes. Evaluations built from it keep their own data."""
    forget(workspace, "dataset", table, dataset.id, dataset.label)


def forget(workspace: Workspace, kind: str, which: sa.Table, id: str, label: str) -> None:
    """Tombstone in one transaction, then unlink; the bytes go with the last reader.

    The tombstone keeps who, what and when, and none of the values that facts hold (rejected rows, classes, edges).
    """
    with workspace.catalog.write() as connection:
        connection.execute(which.update().where(which.c.id == id).values(deleted=now(), facts={}))
        workspace.catalog.note(
            connection, actor=workspace.actor, action="delete", kind=kind, object=id, detail={"label": label}
        )
    workspace.file(kind, id).unlink(missing_ok=True)
    workspace.reader.forget_missing()
    workspace.catalog.shorten()


def first_rows(workspace: Workspace, dataset: Dataset, *, rows: int = 100) -> pl.DataFrame:
    """The first rows as text under their labels, for looking at (missing = null)."""
    with workspace.reader.open(workspace.file("dataset", dataset.id), dataset.label) as (cursor, alias):
        picked = ", ".join(f"CAST({column.key} AS VARCHAR) AS {column.key}" for column in dataset.schema)
        frame = cursor.sql(f"SELECT {picked} FROM {alias}.data LIMIT {int(rows)}").pl()
    return frame.rename({column.key: column.name for column in dataset.schema})


def rejects(workspace: Workspace, dataset: Dataset, *, rows: int = 1000) -> pl.DataFrame:
    """The rejected rows of a CSV: line, reason, text."""
    if not dataset.rejected:
        return pl.DataFrame(schema={"line": pl.Int64, "reason": pl.String, "text": pl.String})
    with workspace.reader.open(workspace.file("dataset", dataset.id), dataset.label) as (cursor, alias):
        return cursor.sql(f"SELECT line, reason, text FROM {alias}.rejects ORDER BY line LIMIT {int(rows)}").pl()
