"""The catalog: who, what and when. SQLite in the workspace by default, any SQLAlchemy URL for a shared deployment."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from analysis.core.errors import StorageError
from analysis.store import migrations
from analysis.store.tables import activity


def now() -> str:
    """The moment in UTC, ISO 8601, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


class Catalog:
    """Transactions on the catalog database.

    read() and write() yield a connection. Leaving write() commits, unless a statement failed inside: then it raises,
    also when the error was swallowed on the way, so that nothing is ever half saved.
    """

    def __init__(self, url: str) -> None:
        self.engine = sa.create_engine(url)
        if self.engine.dialect.name == "sqlite":
            sa.event.listen(self.engine, "connect", _prepare_sqlite)
            sa.event.listen(self.engine, "begin", _begin_sqlite)
        sa.event.listen(self.engine, "handle_error", _remember_error)

    @staticmethod
    def open(root: Path, url: str = "") -> "Catalog":
        """The workspace's catalog, brought up to date. StorageError when it is damaged, newer or out of reach."""
        catalog = Catalog(url or f"sqlite:///{root / 'catalog.sqlite'}")
        try:
            catalog._check()
            migrations.migrate(catalog.write)  # type: ignore[arg-type]
        except sa.exc.DBAPIError as error:
            raise StorageError(
                f"The catalog of {root} cannot be opened ({error.orig}). Nothing was changed; restore "
                "catalog.sqlite from a backup or choose another workspace folder."
            ) from error
        return catalog

    def _check(self) -> None:
        if self.engine.dialect.name != "sqlite":
            return
        with self.read() as connection:
            answer = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar_one()
        if answer != "ok":
            raise StorageError(f"The catalog is damaged: {answer}. Nothing was changed; restore it from a backup.")

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        with self.engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        with self.engine.connect() as plain:
            connection = plain.execution_options(assay_write=True)
            connection.info.pop("failed", None)
            with connection.begin():
                yield connection
                failed = connection.info.pop("failed", None)
                if failed is not None:
                    raise StorageError(f"A statement failed and its error was passed over: {failed}. Nothing was kept.")

    def note(
        self, connection: sa.Connection, *, actor: str, action: str, kind: str, object: str, detail: dict[str, Any]
    ) -> None:
        """Record who did what, in the same transaction as the deed."""
        connection.execute(
            activity.insert().values(at=now(), actor=actor, action=action, kind=kind, object=object, detail=detail)
        )

    def close(self) -> None:
        self.engine.dispose()


def _prepare_sqlite(connection: Any, record: Any) -> None:
    connection.isolation_level = None  # the driver's own BEGIN would come too late and exclude DDL
    for pragma in ("busy_timeout=20000", "journal_mode=WAL", "synchronous=FULL", "secure_delete=ON", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: sa.Connection) -> None:
    write = connection.get_execution_options().get("assay_write", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")


def _remember_error(context: sa.engine.ExceptionContext) -> None:
    if context.connection is not None:
        context.connection.info["failed"] = str(context.original_exception)
