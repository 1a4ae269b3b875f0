"""Starting, watching and killing the processes of tests/store/faults.py."""

import json
import os
import subprocess
import time
from pathlib import Path
from typing import Any

from tests.store.faults import COMMAND

ROOT = Path(__file__).resolve().parents[2]


def start(*words: object, **environment: str) -> "subprocess.Popen[str]":
    """A fault process, its output readable line by line."""
    return subprocess.Popen(
        [*COMMAND, *map(str, words)],
        cwd=ROOT,
        env={**os.environ, **environment},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process: "subprocess.Popen[str]") -> tuple[int, list[dict[str, Any]], str]:
    """(status, what it said, what it complained of), once it has ended."""
    out, complaint = process.communicate(timeout=120)
    return process.returncode, [json.loads(line) for line in out.splitlines()], complaint


def run(*words: object, **environment: str) -> tuple[int, list[dict[str, Any]], str]:
    return finish(start(*words, **environment))


def heard(process: "subprocess.Popen[str]") -> dict[str, Any]:
    """The next line it says."""
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line, f"it said nothing: {process.stderr.read() if process.stderr else ''}"
    return dict(json.loads(line))


def children(parent: int) -> set[int]:
    """The numbers of a process's children."""
    found = set()
    for stat in Path("/proc").glob("[0-9]*/stat"):
        fields = _fields(stat)
        if fields and int(fields[1]) == parent:
            found.add(int(stat.parent.name))
    return found


def alive(pid: int) -> bool:
    """Whether a process is there and not merely waiting to be buried."""
    fields = _fields(Path(f"/proc/{pid}/stat"))
    return bool(fields) and fields[0] not in "ZX"


def _fields(stat: Path) -> list[str]:
    try:
        return stat.read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []


def gone_within(pids: set[int], seconds: float) -> bool:
    """Whether all of them end in time."""
    end = time.monotonic() + seconds
    while any(alive(pid) for pid in pids):
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def appears(file: Path, seconds: float = 30) -> str:
    """What a file holds, once it is there."""
    end = time.monotonic() + seconds
    while not file.exists():
        assert time.monotonic() < end, f"{file.name} never appeared"
        time.sleep(0.01)
    return file.read_text()
