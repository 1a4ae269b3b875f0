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
PERFECT_BITS = 20  # crosses of two encoded columns are counted in an array rather than a hash table: half the time
BROKEN = (duckdb.IOException, duckdb.SerializationException)


class Reader:
    """Cursors on the files of one workspace."""

    def __init__(self) -> None:
        config = dict(SAFE, memory_limit=f"{whole('reader_memory_mb')}MB", temp_directory="")
        config["perfect_ht_threshold"] = str(PERFECT_BITS)
        if whole("threads"):
            config["threads"] = str(whole("threads"))
        self._database = duckdb.connect(":memory:", config=config)  # type: ignore[arg-type]
        self._lock = threading.Lock()
        self._users: OrderedDict[Path, int] = OrderedDict()

    @contextlib.contextmanager
    def open(self, file: Path, label: str = "") -> Iterator[tuple[duckdb.DuckDBPyConnection, str]]:
        """(a cursor of its own, the schema name of the attached file), for the length of the block.

        StorageError where the file is gone or damaged, naming `label` (default: the file).
        """
        alias = "f_" + file.stem
        with self._lock, _damage(file, label):
            if file not in self._users:
                self._attach(file, alias)
                self._users[file] = 0
            self._users[file] += 1
            self._users.move_to_end(file)
        try:
            with _damage(file, label), self._database.cursor() as cursor:
                yield cursor, alias
        finally:
            with self._lock:
                self._users[file] -= 1
                self._trim()

    def _attach(self, file: Path, alias: str) -> None:
        path = str(file).replace("'", "''")
        with self._database.cursor() as cursor:
            cursor.execute(f"ATTACH '{path}' AS {alias} (READ_ONLY)")

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


@contextlib.contextmanager
def _damage(file: Path, label: str) -> Iterator[None]:
    """Tell a file that is gone or damaged from a statement that is wrong, which is a bug and stays one."""
    try:
        yield
    except duckdb.Error as error:
        # DuckDB has no class of its own for a block whose checksum is wrong: it raises the bare base class.
        if type(error) is not duckdb.Error and not isinstance(error, BROKEN):
            raise
        what = f"'{label}'" if label else f"the file {file.name}"
        if not file.exists():
            raise StorageError(f"The data of {what} was deleted.") from error
        why = str(error).partition("\n")[0].replace(str(file), file.name)
        raise StorageError(
            f"The data of {what} is damaged and cannot be read ({why}); restore {file.name} from a backup, or delete "
            "this version and take its source in again."
        ) from error
