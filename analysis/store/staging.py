"""Staging and publishing: a file is wholly there or not at all.

Build in staging/<id>/ under a lock, verify, hash, fsync, make read-only, rename, fsync the folder, record in the
catalog, and only then acknowledge. What a crash leaves behind is swept by whoever can take its lock.
"""

import contextlib
import errno
import fcntl
import hashlib
import os
import secrets
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from analysis.core.errors import StorageError
from analysis.core.settings import whole

Step = Callable[[str], None]
STEPS = ("staged", "built", "verified", "synced", "sealed", "renamed", "recorded")


def no_step(name: str) -> None:
    """What happens between two steps of publishing: nothing."""


def new_id() -> str:
    """A server-made 128-bit id, hex."""
    return secrets.token_hex(16)


@dataclass(frozen=True)
class Staging:
    """A locked folder of its own for one file in the making."""

    id: str
    folder: Path

    @property
    def file(self) -> Path:
        return self.folder / "data.duckdb"


@contextlib.contextmanager
def staging(root: Path, step: Step = no_step) -> Iterator[Staging]:
    """A fresh locked staging folder under root/staging, removed on the way out whatever happened."""
    check_free_space(root)
    id = new_id()
    made = Staging(id, root / "staging" / id)
    # Locked before it can be seen under its own name: a sweep never finds it unlocked.
    hidden = made.folder.with_name("." + made.id)
    with contextlib.ExitStack() as undo:
        with disk_errors():
            hidden.mkdir(parents=True)
            undo.callback(shutil.rmtree, hidden, ignore_errors=True)
            lock = os.open(hidden / "lock", os.O_RDWR | os.O_CREAT, 0o600)
            undo.callback(os.close, lock)
            fcntl.flock(lock, fcntl.LOCK_EX)
            hidden.rename(made.folder)
            undo.callback(shutil.rmtree, made.folder, ignore_errors=True)
        step("staged")
        with disk_errors():
            yield made


@contextlib.contextmanager
def sealed(file: Path, target: Path, step: Step = no_step) -> Iterator[tuple[str, int]]:
    """Make `file` durable and immutable and move it to `target`: (sha256 hex, bytes) of it.

    The block records it in the catalog; when that fails, the file goes again.
    """
    try:
        yield _seal(file, target, step)
    except BaseException:
        target.unlink(missing_ok=True)
        raise


def _seal(file: Path, target: Path, step: Step) -> tuple[str, int]:
    digest, size = sha256(file), file.stat().st_size
    with file.open("rb") as made:
        os.fsync(made.fileno())
    step("synced")
    file.chmod(0o444)
    step("sealed")
    file.rename(target)
    sync_folder(target.parent)
    step("renamed")
    return digest, size


def sha256(file: Path) -> str:
    """The sha256 of a file's bytes, hex."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sweep_staging(root: Path, discard: Callable[[str], None]) -> None:
    """Remove the staging folders nobody holds the lock of, each after discard(its id).

    A folder outlives the moment its file is published and goes only after the file was recorded: what a crash left
    published but unrecorded always has one.
    """
    for folder in (root / "staging").glob("*"):
        if folder.name.startswith(".") and age(folder) < 60:
            continue
        try:
            lock = os.open(folder / "lock", os.O_RDWR)
        except FileNotFoundError:
            # A folder is locked before it appears under its id: this one was being made or removed.
            shutil.rmtree(folder, ignore_errors=True)
            continue
        with os.fdopen(lock), contextlib.suppress(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            discard(folder.name)
            shutil.rmtree(folder, ignore_errors=True)


def age(path: Path) -> float:
    """Seconds since `path` was changed, 0 where it is gone."""
    try:
        return time.time() - path.stat().st_mtime
    except FileNotFoundError:
        return 0.0


def remove_older(folder: Path, pattern: str, seconds: float) -> None:
    """Remove the files of a folder that match a pattern and were not changed for so many seconds."""
    for file in folder.glob(pattern):
        if age(file) > seconds:
            file.unlink(missing_ok=True)


def check_free_space(root: Path, needed: int = 0) -> None:
    """StorageError when the disk of `root` would be left with less than the reserve in the settings."""
    reserve = whole("free_disk_mb") << 20
    free = shutil.disk_usage(root).free
    if free < needed + reserve:
        raise StorageError(
            f"The disk of the workspace has {free >> 20:,} MB free; this needs {(needed + reserve) >> 20:,} MB. "
            "Delete datasets or exports that are no longer needed, or move the workspace."
        )


@contextlib.contextmanager
def disk_errors() -> Iterator[None]:
    """Turn a full or read-only disk into the sentence an analyst can act on."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise StorageError("The disk of the workspace is full. Nothing was stored; free some space.") from error
        if error.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
            raise StorageError(f"The workspace cannot be written: {error.strerror}. Nothing was stored.") from error
        raise
