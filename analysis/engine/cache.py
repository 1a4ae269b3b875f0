"""The cube cache: answers of statements, in memory and in the workspace's cubes/ folder.

The key is the statement itself, over an immutable file, so an entry is never stale; the least recently used go first.
"""

import contextlib
import hashlib
import io
import os
import threading
from collections import OrderedDict
from pathlib import Path

import polars as pl

from analysis.core.settings import whole


class CubeCache:
    """Frames by (evaluation id, statement)."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._memory: OrderedDict[str, pl.DataFrame] = OrderedDict()
        self._size = 0
        self._lock = threading.Lock()

    def _key(self, evaluation: str, statement: str) -> str:
        return f"{evaluation}-{hashlib.sha256(statement.encode()).hexdigest()[:32]}"

    def get(self, evaluation: str, statement: str) -> pl.DataFrame | None:
        key = self._key(evaluation, statement)
        with self._lock:
            if key in self._memory:
                self._memory.move_to_end(key)
                return self._memory[key]
        file = self.folder / f"{key}.arrow"
        try:
            frame = pl.read_ipc(io.BytesIO(file.read_bytes()))
            os.utime(file)
        except FileNotFoundError:
            return None
        except (pl.exceptions.PolarsError, OSError):
            # A cache entry is never the only copy: one that cannot be read is made again.
            file.unlink(missing_ok=True)
            return None
        self._remember(key, frame)
        return frame

    def put(self, evaluation: str, statement: str, frame: pl.DataFrame) -> None:
        key = self._key(evaluation, statement)
        self._remember(key, frame)
        part = self.folder / f".{key}.{os.getpid()}.{threading.get_ident()}"
        try:
            frame.write_ipc(part, compression="zstd")
            part.replace(self.folder / f"{key}.arrow")
            self._trim()
        except (OSError, pl.exceptions.PolarsError):
            # A full or read-only disk costs the next process a query, not this one its answer.
            with contextlib.suppress(OSError):
                part.unlink(missing_ok=True)

    def _remember(self, key: str, frame: pl.DataFrame) -> None:
        with self._lock:
            if key in self._memory:
                return
            self._memory[key] = frame
            self._size += frame.estimated_size()
            while self._size > whole("cube_memory_mb") << 20 and len(self._memory) > 1:
                _, old = self._memory.popitem(last=False)
                self._size -= old.estimated_size()

    def _trim(self) -> None:
        files = []
        for file in self.folder.glob("*.arrow"):
            with contextlib.suppress(FileNotFoundError):
                facts = file.stat()
                files.append((facts.st_mtime, facts.st_size, file))
        room = (whole("cube_cache_mb") << 20) - sum(size for _, size, _ in files)
        for _, size, file in sorted(files):
            if room >= 0:
                return
            file.unlink(missing_ok=True)
            room += size
