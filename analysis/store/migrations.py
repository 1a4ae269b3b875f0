"""Numbered migrations, each atomic with its own record. A migration is history: it is never edited, only followed."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from analysis.core.errors import StorageError
from analysis.store.tables import migration

Step = Callable[[sa.Connection], None]
MIGRATIONS: list[Step] = []


def _migration(step: Step) -> Step:
    MIGRATIONS.append(step)
    return step


@_migration
def first_tables(connection: sa.Connection) -> None:
    """Datasets, evaluations, jobs and activity."""
    tables = sa.MetaData()
    text, whole, data = sa.Text, sa.BigInteger, sa.JSON

    def column(name: str, kind: type[sa.types.TypeEngine[Any]], nullable: bool = False) -> sa.Column[Any]:
        return sa.Column(name, kind, nullable=nullable)

    def stored() -> list[sa.Column[Any]]:
        return [
            sa.Column("file_sha", sa.String(64), nullable=False),
            column("file_bytes", whole),
            column("created", text),
            column("actor", text),
            column("deleted", text, nullable=True),
        ]

    def named() -> list[sa.Column[Any]]:
        return [
            sa.Column("id", sa.String(32), primary_key=True),
            column("name", text),
            sa.Column("version", sa.Integer, nullable=False),
            sa.Column("fingerprint", sa.String(64), nullable=False),
        ]

    sa.Table(
        "dataset",
        tables,
        *named(),
        *[column("rows", whole), column("rejected", whole), column("schema", data), column("source", text)],
        *[column("source_bytes", whole), column("options", data), column("facts", data)],
        *stored(),
        sa.UniqueConstraint("name", "version", name="dataset_name_version"),
    )
    sa.Table(
        "evaluation",
        tables,
        *named(),
        *[column("task", text), column("roles", data), column("inputs", data), column("description", text)],
        column("facts", data),
        *stored(),
        sa.UniqueConstraint("name", "version", name="evaluation_name_version"),
    )
    sa.Table(
        "job",
        tables,
        sa.Column("id", sa.String(32), primary_key=True),
        *[column("kind", text), column("title", text), column("state", text), column("outcome", data)],
        *[column("started", text), column("ended", text, nullable=True), column("process", text)],
        column("actor", text),
    )
    sa.Table(
        "activity",
        tables,
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
        *[column("at", text), column("actor", text), column("action", text), column("kind", text)],
        *[column("object", text), column("detail", data)],
    )
    tables.create_all(connection, checkfirst=False)


@_migration
def definitions(connection: sa.Connection) -> None:
    """What analysts define: policies, metrics of their own, targets, markers, calibrations, segments, rules."""
    tables = sa.MetaData()
    sa.Table(
        "definition",
        tables,
        sa.Column("id", sa.String(32), primary_key=True),
        *[sa.Column(name, sa.Text, nullable=False) for name in ("kind", "scope", "name")],
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("body", sa.JSON, nullable=False),
        *[sa.Column(name, sa.Text, nullable=False) for name in ("created", "actor")],
        sa.Column("deleted", sa.Text, nullable=True),
        sa.UniqueConstraint("kind", "scope", "name", "version", name="definition_name_version"),
    )
    tables.create_all(connection, checkfirst=False)


@_migration
def models(connection: sa.Connection) -> None:
    """Models the workspace keeps."""
    tables = sa.MetaData()
    sa.Table(
        "model",
        tables,
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("fingerprint", sa.String(64), nullable=False),
        *[sa.Column(name, sa.Text, nullable=False) for name in ("kind", "evaluation", "source")],
        sa.Column("facts", sa.JSON, nullable=False),
        sa.Column("file_sha", sa.String(64), nullable=False),
        sa.Column("file_bytes", sa.BigInteger, nullable=False),
        *[sa.Column(name, sa.Text, nullable=False) for name in ("created", "actor")],
        sa.Column("deleted", sa.Text, nullable=True),
        sa.UniqueConstraint("name", "version", name="model_name_version"),
    )
    tables.create_all(connection, checkfirst=False)


@_migration
def endpoint_calls(connection: sa.Connection) -> None:
    """How often the endpoints of models were called, a row an address and day."""
    tables = sa.MetaData()
    sa.Table(
        "endpoint_calls",
        tables,
        sa.Column("address", sa.Text, primary_key=True),
        sa.Column("day", sa.String(10), primary_key=True),
        sa.Column("calls", sa.Integer, nullable=False),
    )
    tables.create_all(connection, checkfirst=False)


def migrate(write: Callable[[], "sa.engine.base.Connection"], steps: list[Step] | None = None) -> int:
    """Bring the catalog up to date; returns how many steps were applied.

    write() is a context manager that yields a connection in a write transaction: a step and its record are one.
    A catalog made by a newer Assay is left untouched with a StorageError.
    """
    steps = MIGRATIONS if steps is None else steps
    applied = 0
    while True:
        with write() as connection:
            migration.create(connection, checkfirst=True)
            done = connection.execute(sa.select(sa.func.coalesce(sa.func.max(migration.c.number), 0))).scalar_one()
            if done > len(steps):
                raise StorageError(
                    f"This workspace was made by a newer Assay (its catalog is at {done}, this program knows "
                    f"{len(steps)}). Nothing was changed; update Assay to open it."
                )
            if done == len(steps):
                return applied
            step = steps[done]
            step(connection)
            now = datetime.now(UTC).isoformat(timespec="seconds")
            connection.execute(migration.insert().values(number=done + 1, name=step.__name__, applied=now))
            applied += 1
