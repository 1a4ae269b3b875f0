"""The catalog: who, what and when. SQLite in the workspace by default, any SQLAlchemy URL for a shared deployment."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from analysis.core.errors import StorageError
from analysis.store import migrations
from analysis.store.tables import activity, migration

RESTORE = "Nothing was changed; restore catalog.sqlite from a backup or choose another workspace folder."
SENTENCES = {
    sqlite3.SQLITE_FULL: "The disk of the workspace is full. Nothing was stored; free some space.",
    sqlite3.SQLITE_BUSY: "Another process holds the catalog. Nothing was stored; try again.",
    sqlite3.SQLITE_READONLY: "The catalog cannot be written ({why}). Nothing was stored.",
    sqlite3.SQLITE_CANTOPEN: "The catalog cannot be opened ({why}). Nothing was changed.",
    sqlite3.SQLITE_IOERR: "The disk of the workspace cannot be read or written ({why}). Nothing was stored.",
    sqlite3.SQLITE_CORRUPT: "The catalog is damaged ({why}). " + RESTORE,
    sqlite3.SQLITE_NOTADB: "The catalog is damaged ({why}). " + RESTORE,
}


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
    def open(root: Path, url: str = "", *, expected: bool = False) -> "Catalog":
        """The workspace's catalog, brought up to date. StorageError when it is damaged, newer or out of reach.

        expected: there are data files, so that a missing or empty catalog is a loss and not a beginning.
        """
        file = root / "catalog.sqlite"
        if expected and not url and not (file.exists() and file.stat().st_size):
            raise StorageError(f"The catalog of {root} is missing or empty, but its data files are there. {RESTORE}")
        catalog = Catalog(url or f"sqlite:///{file}")
        try:
            with catalog.read() as connection:
                catalog._check(connection, expected)
            migrations.migrate(catalog.write)  # type: ignore[arg-type]
        except BaseException:
            catalog.close()
            raise
        return catalog

    def _check(self, connection: sa.Connection, expected: bool) -> None:
        if self.engine.dialect.name == "sqlite":
            answer = connection.exec_driver_sql("PRAGMA integrity_check(1)").scalar_one()
            if answer != "ok":
                raise StorageError(f"The catalog is damaged ({' '.join(answer.split())}). {RESTORE}")
        if expected and not sa.inspect(connection).has_table(migration.name):
            raise StorageError(f"The catalog is empty, but the workspace has data files. {RESTORE}")

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        with _sayable(), self.engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        with _sayable(), self.engine.connect() as plain:
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

    def shorten(self) -> None:
        """Empty SQLite's write-ahead log, so that what was deleted is gone from it too; readers may put it off."""
        if self.engine.dialect.name == "sqlite":
            with _sayable(), self.engine.connect() as connection:
                connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")

    def close(self) -> None:
        self.engine.dispose()


@contextmanager
def _sayable() -> Iterator[None]:
    """Turn a database that is full, busy, out of reach or damaged into a sentence; a wrong statement stays a bug."""
    try:
        yield
    except json.JSONDecodeError as error:
        raise StorageError(f"The catalog is damaged (a record cannot be read: {error}). {RESTORE}") from error
    except sa.exc.DBAPIError as error:
        code = getattr(error.orig, "sqlite_errorcode", None)
        if code is not None and code & 0xFF in SENTENCES:
            raise StorageError(SENTENCES[code & 0xFF].format(why=error.orig)) from error
        if error.connection_invalidated or "decode to UTF-8" in str(error.orig):
            raise StorageError(f"The catalog cannot be read ({error.orig}). Nothing was changed.") from error
        raise


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
