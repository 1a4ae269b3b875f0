"""Crashes, full disks and two processes at once: afterwards the workspace is in one of the states named here."""

import errno
import os
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from analysis.core.errors import StorageError
from analysis.store import datasets, evaluations, migrations, staging, tables
from analysis.store.workspace import Workspace
from tests.store import processes
from tests.store.faults import CRASH
from tests.store.loans import ROLES, loans
from tests.store.state import check, data_files, reopened

ABSENT, PRESENT = "absent", "present"
LEGAL = {
    "staged": ABSENT,
    "built": ABSENT,
    "verified": ABSENT,
    "synced": ABSENT,
    "sealed": ABSENT,
    "renamed": ABSENT,
    "recorded": PRESENT,
}


def test_every_step_has_its_legal_state() -> None:
    assert tuple(LEGAL) == staging.STEPS


@pytest.fixture
def copied(kept: Workspace, tmp_path: Path) -> Path:
    """The root of a copy of the workspace that holds the loans."""
    root = tmp_path / "workspace"
    with kept.catalog.read():
        shutil.copytree(kept.root, root)
    return root


@pytest.fixture
def source(tmp_path: Path) -> Path:
    file = tmp_path / "new.csv"
    file.write_text(loans(3000, seed=5))
    return file


@pytest.mark.parametrize("step", staging.STEPS)
def test_a_crash_while_taking_in_leaves_a_dataset_wholly_or_not_at_all(copied: Path, source: Path, step: str) -> None:
    before = data_files(copied)
    status, said, _ = processes.run("ingest", copied, source, "new", step)
    assert (status, said) == (CRASH, [{"ready": True}])
    with reopened(copied, before) as workspace:
        names = [each.name for each in datasets.listed(workspace)]
        assert names.count("new") == (LEGAL[step] == PRESENT)
        if step in ("renamed", "recorded"):
            again, new = datasets.ingest(workspace, source, name="new")
            assert (again.version, new, again.rows) == (1, LEGAL[step] == ABSENT, 3000)


@pytest.mark.parametrize("step", staging.STEPS)
def test_a_crash_while_evaluating_leaves_an_evaluation_wholly_or_not_at_all(copied: Path, step: str) -> None:
    before = data_files(copied)
    status, said, _ = processes.run("create", copied, "new", step)
    assert (status, said) == (CRASH, [{"ready": True}])
    with reopened(copied, before) as workspace:
        names = [each.name for each in evaluations.listed(workspace)]
        assert names.count("new") == (LEGAL[step] == PRESENT)


def test_a_crash_while_deleting_is_finished_by_the_next_start(copied: Path) -> None:
    before = {path: sha for path, sha in data_files(copied).items() if path.startswith("evaluations")}
    status, _, _ = processes.run("forget", copied, "loans")
    assert (status, len(data_files(copied))) == (CRASH, 2)
    with reopened(copied, before) as workspace:
        assert datasets.listed(workspace) == []


@pytest.mark.parametrize("seed", range(5))
def test_a_kill_at_any_moment_leaves_a_legal_state(copied: Path, source: Path, seed: int) -> None:
    killed_while_taking_in(copied, source, random.Random(seed).uniform(0, 0.7))


def killed_while_taking_in(root: Path, source: Path, after: float) -> str:
    """Kill an ingest so many seconds after it began; which state that left."""
    before = data_files(root)
    process = processes.start("ingest", root, source, "new")
    assert processes.heard(process) == {"ready": True}
    families: set[int] = set()
    end = time.monotonic() + after
    while time.monotonic() < end and process.poll() is None:
        families |= processes.children(process.pid)
        time.sleep(0.01)
    process.kill()
    status, said, complaint = processes.finish(process)
    assert status in (0, -signal.SIGKILL), complaint
    assert processes.gone_within(families, 2)
    with reopened(root, before) as workspace:
        found = [each.rows for each in datasets.listed(workspace) if each.name == "new"]
        assert found in ([], [3000])
        assert found or not said, "it was acknowledged and is lost"
    return PRESENT if found else ABSENT


@pytest.mark.parametrize("fault", ["sleep", "spin"])
def test_a_child_goes_within_two_seconds_of_its_parent(tmp_path: Path, fault: str) -> None:
    mark = tmp_path / "child"
    parent = processes.start("hold", fault, mark)
    child = int(processes.appears(mark))
    assert processes.alive(child)
    parent.kill()
    processes.finish(parent)
    assert processes.gone_within({child}, 2)


# A full disk ----------------------------------------------------------------------------------------------------


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 6 MB of this test's own."""
    place = tmp_path / "disk"
    place.mkdir()
    try:
        made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", str(place)], capture_output=True)  # noqa: S607
    except FileNotFoundError:
        pytest.skip("there is no mount command here")
    if made.returncode:
        pytest.skip(f"no file system may be mounted here: {made.stderr.decode().strip()}")
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)  # noqa: S607


def fill(place: Path, leave: int) -> Path:
    """Fill a file system except for so many bytes, with a file that can be removed."""
    ballast = place / "ballast"
    free = shutil.disk_usage(place).free
    ballast.write_bytes(bytes(max(0, free - leave)))
    return ballast


def test_a_disk_that_fills_up_keeps_nothing_and_loses_nothing(
    small_disk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ASSAY_FREE_DISK_MB", "0")
    source = tmp_path / "loans.csv"
    source.write_text(loans(200))
    workspace = Workspace.open(small_disk / "workspace")
    dataset, _ = datasets.ingest(workspace, source, name="loans")
    evaluation, _ = evaluations.create(workspace, dataset, name="loans", task="binary", roles=ROLES)
    before = data_files(workspace.root)
    new = tmp_path / "new.csv"
    new.write_text(loans(20_000))
    attempts: list[Callable[[], Any]] = [
        lambda: datasets.ingest(workspace, new, name="new"),
        lambda: datasets.ingest(workspace, source, name="copy"),
        lambda: evaluations.create(workspace, dataset, name="new", task="binary", roles=ROLES),
    ]
    for leave in (0, 40_000, 200_000, 300_000, 500_000):
        ballast = fill(small_disk, leave)
        for attempt in attempts[: 1 if leave > 40_000 else 3]:
            with pytest.raises(StorageError, match="disk of the workspace is full"):
                attempt()
            check(workspace, before)
        ballast.unlink()
    ballast = fill(small_disk, 0)
    with pytest.raises(StorageError, match="disk of the workspace is full"):
        evaluations.describe(workspace, evaluation, "x" * 4000)
    ballast.unlink()
    assert evaluations.find(workspace, "loans").description == ""
    made, _ = datasets.ingest(workspace, new, name="new")
    assert made.rows == 20_000
    workspace.close()


@pytest.mark.parametrize("size", [40_000, 150_000, 400_000])
def test_a_file_that_may_not_grow_keeps_nothing_and_loses_nothing(copied: Path, tmp_path: Path, size: int) -> None:
    source = tmp_path / "new.csv"
    source.write_text(loans(20_000))
    before = data_files(copied)
    status, said, complaint = processes.run("starve", copied, source, size)
    assert status == 0, complaint
    assert said[0]["said"].startswith("StorageError"), said
    assert said[0]["names"] == ["loans"]
    assert said[0]["rows"] == 100
    with reopened(copied, before):
        pass


class Failing:
    """Calls counted inside a workspace; the one numbered `at` fails as a full disk does."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, root: Path, at: int = 0) -> None:
        self.root, self.at, self.count = str(root), at, 0
        for owner, name in ((os, "mkdir"), (os, "chmod"), (os, "rename"), (os, "fsync"), (shutil, "copyfileobj")):
            monkeypatch.setattr(owner, name, self.wrapped(getattr(owner, name), name))

    def wrapped(self, call: Callable[..., Any], name: str) -> Callable[..., Any]:
        def counted(what: Any, *others: Any, **options: Any) -> Any:
            if isinstance(what, int):
                what_file = os.readlink(f"/proc/self/fd/{what}")
            else:
                what_file = str(what) if isinstance(what, str | Path) else what.name
            if str(what_file).startswith(self.root):
                self.count += 1
                if self.count == self.at:
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), name)
            return call(what, *others, **options)

        return counted


def test_each_write_may_find_the_disk_full(copied: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = tmp_path / "loans.csv"
    source.write_text(loans(200))
    workspace = Workspace.open(copied, actor="tester")
    datasets.ingest(workspace, source, name="first")
    before = data_files(copied)
    with monkeypatch.context() as patched:
        counted = Failing(patched, copied)
        made, _ = datasets.ingest(workspace, source, name="copy")
    datasets.delete(workspace, made)
    assert counted.count >= 7
    for place in range(1, counted.count + 1):
        with monkeypatch.context() as patched:
            Failing(patched, copied, at=place)
            with pytest.raises(StorageError, match="disk of the workspace is full"):
                datasets.ingest(workspace, source, name="copy")
        check(workspace, before)
    made, _ = datasets.ingest(workspace, source, name="copy")
    assert made.version == 2
    workspace.close()


def test_a_catalog_without_room_keeps_nothing(copied: Path, tmp_path: Path) -> None:
    source = tmp_path / "loans.csv"
    source.write_text(loans(200))
    workspace = Workspace.open(copied, actor="tester")
    before = [data_files(copied)]

    def no_more_pages(connection: sa.Connection) -> None:
        connection.exec_driver_sql("PRAGMA max_page_count=1")

    sa.event.listen(workspace.catalog.engine, "begin", no_more_pages)

    def until_it_is_full() -> None:
        for turn in range(100):
            datasets.ingest(workspace, source, name=f"copy {turn}")
            before.append(data_files(copied))

    datasets.ingest(workspace, source, name="first")
    with pytest.raises(StorageError, match="disk of the workspace is full"):
        until_it_is_full()
    check(workspace, before[-1])
    workspace.close()


def test_an_upload_below_the_reserve_is_refused_before_its_first_byte(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "loans.csv"
    source.write_text(loans(20))
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=200 << 20))
    with pytest.raises(StorageError, match="has 200 MB free; this needs 256 MB"):
        datasets.ingest(workspace, source, name="loans")
    check(workspace, {})
    monkeypatch.setenv("ASSAY_FREE_DISK_MB", "199")
    assert datasets.ingest(workspace, source, name="loans")[1]


# Two processes --------------------------------------------------------------------------------------------------


def test_two_processes_take_in_and_read_at_once(tmp_path: Path) -> None:
    root = tmp_path / "workspace"
    both = [processes.start("rounds", root, tmp_path, first, 3) for first in (0, 100)]
    said = []
    for process in both:
        status, lines, complaint = processes.finish(process)
        assert status == 0, complaint
        said += lines
    assert sorted(each["made"] for each in said) == [1, 2, 3, 4, 5, 6]
    rows = {str(each["made"]): each["rows"] for each in said}
    for each in said:
        assert each["seen"].items() <= rows.items()
        assert str(each["made"]) in each["seen"]
    with reopened(root, {}) as workspace:
        with workspace.catalog.read() as connection:
            migrated = list(connection.scalars(sa.select(tables.migration.c.number)))
        assert migrated == list(range(1, len(migrations.MIGRATIONS) + 1))
        assert {str(each.version): each.rows for each in datasets.listed(workspace)} == rows


def test_a_sweep_leaves_the_work_of_others_alone_at_every_step(workspace: Workspace, tmp_path: Path) -> None:
    source = tmp_path / "loans.csv"
    source.write_text(loans(20))
    reached = []

    def somebody_else_starts(name: str) -> None:
        reached.append(name)
        Workspace.open(workspace.root).close()

    made, _ = datasets.ingest(workspace, source, name="loans", step=somebody_else_starts)
    assert tuple(reached) == staging.STEPS
    check(workspace, {})
    assert len(datasets.first_rows(workspace, made)) == 20


def test_a_reader_finishes_what_another_process_deletes_and_the_bytes_go(copied: Path, tmp_path: Path) -> None:
    source = tmp_path / "new.csv"
    source.write_text(loans(20_000))
    with reopened(copied, {}) as workspace:
        dataset, _ = datasets.ingest(workspace, source, name="new")
        other = processes.start("read", copied, "new")
        assert other.stdin is not None
        assert processes.heard(other) == {"read": 10_000}
        datasets.delete(workspace, dataset)
        assert not workspace.file("dataset", dataset.id).exists()
        other.stdin.write("\n")
        other.stdin.flush()
        assert processes.heard(other) == {"read": 20_000}
        after = processes.heard(other)
        assert after["listed"] == ["loans"]
        assert after["again"] in ("read", "StorageError: The data of 'new@1' was deleted.")
        held = [os.readlink(each) for each in Path(f"/proc/{other.pid}/fd").iterdir()]
        assert not [each for each in held if dataset.id in each]
        processes.finish(other)
