"""The cube cache: cubes in each process's memory, and what statements answered in the workspace's cubes/ folder.

A key says the whole question, and it is asked of an immutable file, so an entry is never stale; the least recently
used go first.
"""

import contextlib
import hashlib
import io
import os
import threading
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

import polars as pl

from analysis.core.settings import whole

UNSEEN = 1 / 32
"""The share of the cache a process may fill before it looks again how large the folder is."""
V = TypeVar("V")


class Recent(Generic[V]):
    """The most recently used values by key, up to a total size in bytes; safe to use from many threads."""

    def __init__(self, most: int) -> None:
        self.most = most
        self._kept: OrderedDict[Hashable, tuple[V, int]] = OrderedDict()
        self._size = 0
        self._lock = threading.Lock()

    def get(self, key: Hashable) -> V | None:
        with self._lock:
            if key not in self._kept:
                return None
            self._kept.move_to_end(key)
            return self._kept[key][0]

    def put(self, key: Hashable, value: V, size: int) -> None:
        with self._lock:
            if key in self._kept or size > self.most:
                return
            self._kept[key] = (value, size)
            self._size += size
            while self._size > self.most:
                self._size -= self._kept.popitem(last=False)[1][1]


class CubeCache:
    """Answers of statements in the workspace's cubes/ folder, by evaluation and statement."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._written = -1
        self._lock = threading.Lock()

    def _file(self, evaluation: str, statement: str) -> Path:
        return self.folder / f"{evaluation}-{hashlib.sha256(statement.encode()).hexdigest()[:32]}.arrow"

    def holds(self, evaluation: str, statement: str) -> bool:
        """Whether there is an answer, which may be gone or unreadable when it is asked for."""
        return self._file(evaluation, statement).exists()

    def get(self, evaluation: str, statement: str) -> pl.DataFrame | None:
        file = self._file(evaluation, statement)
        try:
            frame = pl.read_ipc(io.BytesIO(file.read_bytes()))
            os.utime(file)
        except FileNotFoundError:
            return None
        except (pl.exceptions.PolarsError, OSError):
            # A cache entry is never the only copy: one that cannot be read is made again.
            file.unlink(missing_ok=True)
            return None
        return frame

    def put(self, evaluation: str, statement: str, frame: pl.DataFrame) -> None:
        file = self._file(evaluation, statement)
        part = file.with_name(f".{file.name}.{os.getpid()}.{threading.get_ident()}")
        try:
            frame.write_ipc(part, compression="zstd")
            size = part.stat().st_size
            part.replace(file)
            self._trim(size)
        except (OSError, pl.exceptions.PolarsError):
            # A full or read-only disk costs the next process a query, not this one its answer.
            with contextlib.suppress(OSError):
                part.unlink(missing_ok=True)

    def _trim(self, written: int) -> None:
        """Make room once the first and then enough was written: to look at every file each time costs more than it."""
        most = whole("cube_cache_mb") << 20
        unseen = int(most * UNSEEN)
        with self._lock:
            self._written = unseen + 1 if self._written < 0 else self._written + written
            if self._written <= unseen:
                return
            self._written = 0
        files = []
        for file in self.folder.glob("*.arrow"):
            with contextlib.suppress(FileNotFoundError):
                facts = file.stat()
                files.append((facts.st_mtime, facts.st_size, file))
        room = most - unseen - sum(size for _, size, _ in files)
        for _, size, file in sorted(files):
            if room >= 0:
                return
            file.unlink(missing_ok=True)
            room += size


@dataclass(frozen=True, eq=False)
class Shelf:
    """The place in the cache for the answers of one immutable file, by its id."""

    cache: CubeCache
    id: str
