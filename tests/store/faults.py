"""Faults on purpose, in processes of their own.

`python -m tests.store.faults WHAT ...` is a process that a test kills, starves or lets crash at a named moment;
`python -m tests.store.faults child` is the child runner's child with a task that misbehaves as its options say.
"""

import ctypes
import json
import os
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from analysis.core.errors import AssayError, BadFile
from analysis.store import child, datasets, evaluations, jobs, migrations, staging, tasks
from analysis.store.catalog import Catalog
from analysis.store.workspace import Workspace
from tests.store.loans import ROLES, loans

COMMAND = (sys.executable, "-m", "tests.store.faults")
CRASH = 9


# What a child can be made to do ---------------------------------------------------------------------------------


def misbehave(request: dict[str, Any], **around: Any) -> dict[str, Any]:
    """A task that does what options["fault"] says; options["mark"] is a file that then holds the child's number."""
    options = request["options"]
    fault = FAULTS[options["fault"]]
    if "mark" in options:
        part = Path(options["mark"] + ".part")
        part.write_text(str(os.getpid()))
        part.rename(options["mark"])
    if "target" in request:
        Path(request["target"]).write_bytes(b"half of a file")
    return {"made": fault(around["progress"])}


def sleep(progress: child.Progress) -> None:
    progress(0.5, "Sleeping")
    time.sleep(60)


def spin(progress: child.Progress) -> None:
    sum(range(10**12))  # one long call that never lets another thread of this process run


def stop_at_once(progress: child.Progress) -> int:
    return 1


def talk(progress: child.Progress) -> str:
    sys.stdout.write('{"result": {"made": "a forgery"}}\n')
    os.write(1, b'{"error": {"kind": "BadFile", "message": "a forgery"}}\n')
    for _ in range(200):
        os.write(2, b"chatter" * 1000 + b"\n")
    progress(0.5, "two\nlines")
    sys.stdout.flush()
    return "the truth"


def crash(progress: child.Progress) -> None:
    ctypes.string_at(0)


def eat(progress: child.Progress) -> int:
    return len(bytearray(1 << 40))


def bomb(progress: child.Progress) -> None:
    import duckdb

    duckdb.sql("SELECT len(range(1000000000))").fetchall()


def burn(progress: child.Progress) -> None:
    while True:
        pass


def stumble(progress: child.Progress) -> None:
    raise KeyError("a bug")


def refuse(progress: child.Progress) -> None:
    raise BadFile("line 3 has too many columns")


def fill(progress: child.Progress) -> None:
    raise OSError(28, "No space left on device")


def flood(progress: child.Progress) -> str:
    return "x" * (2 << 20)


def surroundings(progress: child.Progress) -> dict[str, Any]:
    return {
        "given": Path("/proc/self/environ").read_bytes().decode(),
        "seen": dict(os.environ),
        "descriptors": sorted(int(each) for each in os.listdir("/proc/self/fd")),
        "session": os.getsid(0) == os.getpid(),
        "priority": os.getpriority(os.PRIO_PROCESS, 0),
        "core": resource.getrlimit(resource.RLIMIT_CORE)[0],
    }


FAULTS: dict[str, Callable[[child.Progress], Any]] = {
    each.__name__: each
    for each in (sleep, spin, stop_at_once, talk, crash, eat, bomb, burn, stumble, refuse, fill, flood, surroundings)
}


# What a process can be made to do -------------------------------------------------------------------------------


def say(**content: Any) -> None:
    sys.stdout.write(json.dumps(content) + "\n")
    sys.stdout.flush()


def crash_at(name: str) -> staging.Step:
    def step(reached: str) -> None:
        if reached == name:
            os._exit(CRASH)

    return step


def ingest(root: str, source: str, name: str, at: str = "") -> None:
    """Take a file in, and die at a step of publishing."""
    workspace = Workspace.open(root)
    say(ready=True)
    dataset, new = datasets.ingest(workspace, Path(source), name=name, step=crash_at(at))
    say(kept=dataset.label, new=new)


def create(root: str, name: str, at: str = "") -> None:
    """Evaluate the dataset 'loans', and die at a step of publishing."""
    workspace = Workspace.open(root)
    say(ready=True)
    dataset = datasets.find(workspace, "loans")
    made, new = evaluations.create(workspace, dataset, name=name, task="binary", roles=ROLES, step=crash_at(at))
    say(kept=made.label, new=new)


def forget(root: str, name: str) -> None:
    """Delete a dataset, and die between the tombstone and the removal of its bytes."""
    workspace = Workspace.open(root)
    workspace.catalog.shorten = None  # type: ignore[assignment]
    Path.unlink = lambda self, missing_ok=False: os._exit(CRASH)  # type: ignore[method-assign,assignment]
    datasets.delete(workspace, datasets.find(workspace, name))


def rounds(root: str, folder: str, first: str, count: str) -> None:
    """Open the workspace, take in a new version of 'shared', read every version; again and again."""
    for turn in range(int(first), int(first) + int(count)):
        workspace = Workspace.open(root)
        source = Path(folder) / f"{turn}.csv"
        source.write_text(loans(50 + turn, seed=turn))
        dataset, _ = datasets.ingest(workspace, source, name="shared")
        seen = {
            each.version: len(datasets.first_rows(workspace, each, rows=1000)) for each in datasets.listed(workspace)
        }
        say(made=dataset.version, rows=dataset.rows, seen=seen)
        workspace.close()


def starve(root: str, source: str, size: str) -> None:
    """Take a file in while no file may grow beyond so many bytes; then show that the rest still works."""
    workspace = Workspace.open(root)
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(size), int(size)))
    try:
        datasets.ingest(workspace, Path(source), name="new")
        said = "kept"
    except AssayError as error:
        said = f"{type(error).__name__}: {error}"
    names = [each.name for each in datasets.listed(workspace)]
    say(said=said, names=names, rows=len(datasets.first_rows(workspace, datasets.find(workspace, "loans"))))


def read(root: str, name: str) -> None:
    """Read half of a dataset, wait for a word, read the rest, and let go of it."""
    workspace = Workspace.open(root)
    dataset = datasets.find(workspace, name)
    with workspace.reader.open(workspace.file("dataset", dataset.id)) as (cursor, alias):
        cursor.execute(f"SELECT sum(length(c4)) OVER (ORDER BY c0) FROM {alias}.data")
        half = len(cursor.fetchmany(dataset.rows // 2))
        say(read=half)
        sys.stdin.readline()
        say(read=half + len(cursor.fetchall()))
    try:
        datasets.first_rows(workspace, dataset)
        again = "read"
    except AssayError as error:
        again = f"{type(error).__name__}: {error}"
    say(again=again, listed=[each.name for each in datasets.listed(workspace)])
    sys.stdin.readline()


def hold(fault: str, mark: str) -> None:
    """Run a child that works on, until somebody kills this process."""
    child.COMMAND = (*COMMAND, "child")
    child.run("load", {"options": {"fault": fault, "mark": mark}})


def work(root: str) -> None:
    """Start a job that never ends, and say its id."""
    workspace = Workspace.open(root)
    job = jobs.start(workspace, kind="test", title="Endless", work=lambda progress, stop: time.sleep(60) or {})
    say(job=job.id)
    time.sleep(60)


def second(connection: sa.Connection) -> None:
    connection.exec_driver_sql("ALTER TABLE job ADD COLUMN place TEXT")
    connection.exec_driver_sql("CREATE TABLE second (x INTEGER)")


def third(connection: sa.Connection) -> None:
    connection.exec_driver_sql("CREATE TABLE third (y INTEGER)")
    connection.exec_driver_sql("INSERT INTO second VALUES (3)")


STEPS = [*migrations.MIGRATIONS, second, third]


def migrate(root: str, last: str) -> None:
    """Bring a catalog up to date, and die at the end of migration number `last`, before it is committed."""

    def dying(connection: sa.Connection) -> None:
        STEPS[int(last) - 1](connection)
        os._exit(CRASH)

    migrations.migrate(Catalog(f"sqlite:///{root}/catalog.sqlite").write, [*STEPS[: int(last) - 1], dying])  # type: ignore[arg-type]


def misbehaving_child() -> None:
    """The child runner's child, with every task replaced."""
    for name in child.TASKS:
        setattr(tasks, name, misbehave)
    child.main()
    os._exit(0)


if __name__ == "__main__":
    what = (ingest, create, forget, rounds, starve, read, hold, work, migrate)
    {each.__name__: each for each in what}.get(sys.argv[1], misbehaving_child)(*sys.argv[2:])
