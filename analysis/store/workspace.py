"""The workspace: one folder with everything the analysts keep."""

import getpass
import os
import threading
import time
from pathlib import Path

import sqlalchemy as sa

from analysis.core.errors import StorageError
from analysis.core.settings import setting
from analysis.store import tables
from analysis.store.catalog import Catalog
from analysis.store.reader import Reader
from analysis.store.staging import sweep_staging

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("datasets", "evaluations", "staging", "cubes", "exports", "uploads")
SWEEP_EVERY = 30.0


class Workspace:
    """An open workspace: its folder, its catalog, its reader, and who is acting.

    Any number of processes may have one workspace open at once.
    """

    def __init__(self, root: Path, actor: str) -> None:
        self.root = root
        self.actor = actor
        try:
            for folder in FOLDERS:
                (root / folder).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StorageError(f"The workspace {root} cannot be made: {error.strerror}.") from error
        self.catalog = Catalog.open(root, str(setting("catalog")))
        self.reader = Reader()
        self._refreshed = time.monotonic()
        self._refreshing = threading.Lock()
        self.sweep()

    @staticmethod
    def open(root: str | Path | None = None, *, actor: str | None = None) -> "Workspace":
        """Open (or make) a workspace: `root`, else ASSAY_WORKSPACE, else `workspace/` beside the app."""
        chosen = Path(root) if root is not None else Path(str(setting("workspace")))
        if not chosen.is_absolute():
            chosen = (Path.cwd() if root is not None else ROOT) / chosen
        return Workspace(chosen.resolve(), actor or system_user())

    def file(self, kind: str, id: str) -> Path:
        """Where the data of a dataset or evaluation lies."""
        return self.root / f"{kind}s" / f"{id}.duckdb"

    def sweep(self) -> None:
        """Remove what crashed work left behind: staging nobody holds, files and cubes nobody recorded."""
        kinds = {"datasets": tables.dataset, "evaluations": tables.evaluation}
        files = [file for folder in kinds for file in (self.root / folder).glob("*.duckdb*")]
        # In this order a file published meanwhile is either still locked or already recorded.
        busy = sweep_staging(self.root)
        with self.catalog.read() as connection:
            known = {
                id for table in kinds.values() for id in connection.scalars(sa.select(table.c.id).where(table.c.deleted.is_(None)))
            }
        for file in files:
            if file.stem not in known and file.stem not in busy:
                file.unlink(missing_ok=True)
        for leftover in (self.root / "uploads").glob("*"):
            if time.time() - leftover.stat().st_mtime > 3600:
                leftover.unlink(missing_ok=True)

    def refresh(self) -> None:
        """Let go of files another process deleted; cheap enough to call at every request."""
        if time.monotonic() - self._refreshed > SWEEP_EVERY and self._refreshing.acquire(blocking=False):
            try:
                self.reader.forget_missing()
                self._refreshed = time.monotonic()
            finally:
                self._refreshing.release()

    def close(self) -> None:
        self.reader.close()
        self.catalog.close()


def system_user() -> str:
    """The operating system's user, who acts in local mode."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"
