"""The workspace: one folder with everything the analysts keep."""

import getpass
import os
import threading
import weakref
from pathlib import Path

import sqlalchemy as sa

from analysis.core.errors import StorageError
from analysis.core.settings import setting
from analysis.store import tables
from analysis.store.catalog import Catalog
from analysis.store.reader import Reader
from analysis.store.staging import disk_errors, remove_older, sweep_staging

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("datasets", "evaluations", "models", "staging", "cubes", "exports", "uploads", "jobs")
KINDS = {"dataset": tables.dataset, "evaluation": tables.evaluation, "model": tables.model}
ENDINGS = {"dataset": "duckdb", "evaluation": "duckdb", "model": "model"}
LET_GO_EVERY = 30.0
FORGOTTEN_AFTER = 3600.0


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
        held = any(True for kind in KINDS for _ in self.file(kind, "").parent.glob(f"*.{ENDINGS[kind]}"))
        self.catalog = Catalog.open(root, str(setting("catalog")), expected=held)
        self.reader = Reader()
        self.sweep()
        closed = threading.Event()
        letting_go = threading.Thread(target=_let_go, args=(weakref.ref(self.reader), closed), daemon=True)
        letting_go.start()
        self._stop = weakref.finalize(self, _end, letting_go, closed)

    @staticmethod
    def open(root: str | Path | None = None, *, actor: str | None = None) -> "Workspace":
        """Open (or make) a workspace: `root`, else ASSAY_WORKSPACE, else `workspace/` beside the app."""
        chosen = Path(root) if root is not None else Path(str(setting("workspace")))
        if not chosen.is_absolute():
            chosen = (Path.cwd() if root is not None else ROOT) / chosen
        return Workspace(chosen.resolve(), actor or system_user())

    def file(self, kind: str, id: str) -> Path:
        """Where the data of a dataset or evaluation lies, or the bytes of a model."""
        return self.root / f"{kind}s" / f"{id}.{ENDINGS[kind]}"

    def sweep(self) -> None:
        """Remove what crashed work left behind: staging nobody holds and what it published without recording it, the
        files of deletions cut short, uploads nobody came back for.

        A file the catalog does not know is otherwise left alone: the catalog may be an older copy.
        """
        with disk_errors():
            sweep_staging(self.root, self._discard)
            with self.catalog.read() as connection:
                deleted = {
                    id
                    for table in KINDS.values()
                    for id in connection.scalars(sa.select(table.c.id).where(table.c.deleted.is_not(None)))
                }
            for folder in ("datasets", "evaluations", "models", "cubes"):
                for file in (self.root / folder).glob("*"):
                    if file.name.lstrip(".")[:32] in deleted:
                        file.unlink(missing_ok=True)
            remove_older(self.root / "cubes", ".*", FORGOTTEN_AFTER)
            remove_older(self.root / "exports", ".*", FORGOTTEN_AFTER)
            remove_older(self.root / "uploads", "*", FORGOTTEN_AFTER)

    def _discard(self, id: str) -> None:
        with self.catalog.read() as connection:
            known = [connection.scalar(sa.select(table.c.id).where(table.c.id == id)) for table in KINDS.values()]
        if known == [None] * len(KINDS):
            for kind in KINDS:
                self.file(kind, id).unlink(missing_ok=True)

    def refresh(self) -> None:
        """Let go of files another process deleted; cheap enough to call at every request."""
        self.reader.forget_missing()

    def close(self) -> None:
        self._stop()
        self.reader.close()
        self.catalog.close()


def _let_go(reader: "weakref.ref[Reader]", closed: threading.Event) -> None:
    """An idle process, too, frees the bytes of what another one deleted."""
    while not closed.wait(LET_GO_EVERY):
        alive = reader()
        if alive is None:
            return
        alive.forget_missing()
        del alive


def _end(thread: threading.Thread, closed: threading.Event) -> None:
    closed.set()
    thread.join()


def system_user() -> str:
    """The operating system's user, who acts in local mode."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"
