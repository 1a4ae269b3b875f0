"""A measurement in a fresh process: what ran before it, imports and caches included, does not help it."""

import importlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
DROP = Path("/proc/sys/vm/drop_caches")


def call(function: Callable[..., Any], *arguments: Any) -> Any:
    """What a module's function answers in a process of its own; arguments and answer are values JSON can hold.

    RuntimeError with what the process complained of.
    """
    command = [sys.executable, "-m", __name__, function.__module__, function.__name__, json.dumps(arguments)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{function.__module__}.{function.__name__} failed:\n{done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])


def warm(file: Path) -> None:
    """Read a file once, so that its pages are in the system's cache."""
    with file.open("rb") as opened:
        while opened.read(1 << 24):
            pass


def cool(file: Path) -> str:
    """Drop a file's pages from the system's cache; how it was done, in words."""
    os.sync()
    try:
        DROP.write_text("1")
        return "the system's page cache was dropped"
    except OSError:
        with file.open("rb") as opened:
            os.posix_fadvise(opened.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        return "only the file's pages were dropped, the system's page cache could not be"


def bytes_read() -> int:
    """How many bytes this process fetched from a disk so far; 0 where the system does not count them."""
    counts = Path("/proc/self/io")
    if not counts.exists():
        return 0
    return int(next(line for line in counts.read_text().splitlines() if line.startswith("read_bytes")).split()[1])


if __name__ == "__main__":
    module, name, said = sys.argv[1:]
    print(json.dumps(getattr(importlib.import_module(module), name)(*json.loads(said))))
