"""Reading: one in-memory DuckDB a process, to which the immutable files are attached read-only; a cursor a call."""

import contextlib
import threading
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path

import duckdb

from analysis.core.errors import StorageError
from analysis.core.settings import whole

SAFE = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "allow_community_extensions": "false",
    "python_enable_replacements": "false",
}
KEPT_ATTACHED = 64


class Reader:
    """Cursors on the files of one workspace."""

    def __init__(self) -> None:
        config = dict(SAFE, memory_limit=f"{whole('reader_memory_mb')}MB", temp_directory="")
        if whole("threads"):
            config["threads"] = str(whole("threads"))
        self._database = duckdb.connect(":memory:", config=config)  # type: ignore[arg-type]
        self._lock = threading.Lock()
        self._users: OrderedDict[Path, int] = OrderedDict()

    @contextlib.contextmanager
    def open(self, file: Path) -> Iterator[tuple[duckdb.DuckDBPyConnection, str]]:
        """(a cursor of its own, the schema name of the attached file), for the length of the block."""
        alias = "f_" + file.stem
        with self._lock:
            if file not in self._users:
                self._attach(file, alias)
                self._users[file] = 0
            self._users[file] += 1
            self._users.move_to_end(file)
        try:
            with self._database.cursor() as cursor:
                yield cursor, alias
        finally:
            with self._lock:
                self._users[file] -= 1
                self._trim()

    def _attach(self, file: Path, alias: str) -> None:
        path = str(file).replace("'", "''")
        try:
            with self._database.cursor() as cursor:
                cursor.execute(f"ATTACH '{path}' AS {alias} (READ_ONLY)")
        except duckdb.Error as error:
            if not file.exists():
                raise StorageError("The data of this version was deleted.") from error
            raise StorageError(f"The data file {file.name} is damaged: {error}") from error

    def _trim(self) -> None:
        idle = [file for file, users in self._users.items() if users == 0]
        for file in idle[: max(0, len(self._users) - KEPT_ATTACHED)]:
            self._detach(file)

    def _detach(self, file: Path) -> None:
        with self._database.cursor() as cursor:
            cursor.execute(f"DETACH f_{file.stem}")
        del self._users[file]

    def forget_missing(self) -> None:
        """Let go of files that were deleted, so that their bytes are freed; those in use go later."""
        with self._lock:
            for file in [file for file, users in self._users.items() if users == 0 and not file.exists()]:
                self._detach(file)

    def close(self) -> None:
        self._database.close()
