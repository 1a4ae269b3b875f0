"""Staging: locked while it is worked on, sealed when it is published, swept when nobody holds it."""

import errno
import hashlib
import os
import shutil
import time
from pathlib import Path

import pytest

from analysis.core.errors import StorageError
from analysis.store import staging


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for folder in ("staging", "datasets"):
        (tmp_path / folder).mkdir()
    return tmp_path


def swept(root: Path) -> list[str]:
    discarded: list[str] = []
    staging.sweep_staging(root, discarded.append)
    return discarded


def test_ids_are_128_bits_and_never_the_same() -> None:
    made = {staging.new_id() for _ in range(1000)}
    assert len(made) == 1000
    assert {len(bytes.fromhex(each)) for each in made} == {16}


def test_a_folder_is_there_while_it_is_worked_on_and_gone_after(root: Path) -> None:
    with staging.staging(root) as place:
        assert place.file.parent == root / "staging" / place.id
        place.file.write_text("half")
        assert swept(root) == []
        assert place.file.read_text() == "half"
    assert list((root / "staging").iterdir()) == []


def test_a_failure_removes_the_folder_too(root: Path) -> None:
    def fail() -> None:
        with staging.staging(root) as place:
            place.file.write_text("half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert list((root / "staging").iterdir()) == []


def test_a_failure_before_the_work_begins_removes_the_folder_too(root: Path) -> None:
    def full(name: str) -> None:
        raise OSError(errno.ENOSPC, name)

    with pytest.raises(OSError, match="staged"), staging.staging(root, full):
        pytest.fail("the work must not begin")
    assert list((root / "staging").iterdir()) == []


def test_a_sweep_removes_what_nobody_holds_and_hands_its_id_over_first(root: Path) -> None:
    left = root / "staging" / "0123"
    (left / "spill").mkdir(parents=True)
    (left / "lock").touch()
    (left / "spill" / "big").write_bytes(bytes(100))
    seen: list[tuple[str, bool]] = []
    staging.sweep_staging(root, lambda name: seen.append((name, left.exists())))
    assert seen == [("0123", True)]
    assert not left.exists()


def test_a_folder_in_the_making_is_left_alone_for_a_minute(root: Path) -> None:
    young, old, bare = (root / "staging" / name for name in (".young", ".old", "bare"))
    for folder in (young, old, bare):
        folder.mkdir()
    long_ago = time.time() - 120
    os.utime(old, (long_ago, long_ago))
    assert swept(root) == []
    assert [each.name for each in (root / "staging").iterdir()] == [".young"]


def test_sealed_is_hashed_read_only_and_moved(root: Path) -> None:
    made, target = root / "staging" / "made", root / "datasets" / "target"
    made.write_bytes(b"rows" * 1_000_000)
    reached: list[str] = []
    with staging.sealed(made, target, reached.append) as (sha, size):
        assert (sha, size) == (hashlib.sha256(b"rows" * 1_000_000).hexdigest(), 4_000_000)
        assert oct(target.stat().st_mode & 0o777) == "0o444"
        assert not made.exists()
    assert target.exists()
    assert reached == ["synced", "sealed", "renamed"]


def test_what_cannot_be_recorded_is_not_published(root: Path) -> None:
    made, target = root / "staging" / "made", root / "datasets" / "target"
    made.write_bytes(b"rows")
    with pytest.raises(ZeroDivisionError), staging.sealed(made, target):
        raise ZeroDivisionError
    assert not target.exists()


def test_what_cannot_be_made_durable_is_not_published(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made, target = root / "staging" / "made", root / "datasets" / "target"
    made.write_bytes(b"rows")

    def fails(folder: Path) -> None:
        raise OSError(errno.EIO, "input/output error")

    monkeypatch.setattr(staging, "sync_folder", fails)
    with pytest.raises(OSError, match="input/output"), staging.sealed(made, target):
        pytest.fail("it must not be recorded")
    assert not target.exists()


def test_the_order_of_publishing(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Power may fail at any moment: fsync of the file, then the rename, then fsync of the folder, then the record."""
    made, target = root / "staging" / "made", root / "datasets" / "target"
    made.write_bytes(b"rows")
    order: list[str] = []
    fsync, rename = os.fsync, os.rename

    def noted_fsync(handle: int) -> None:
        order.append("fsync " + Path(os.readlink(f"/proc/self/fd/{handle}")).name)
        fsync(handle)

    def noted_rename(source: Path, to: Path) -> None:
        order.append("rename " + Path(source).name)
        rename(source, to)

    monkeypatch.setattr(os, "fsync", noted_fsync)
    monkeypatch.setattr(os, "rename", noted_rename)
    with staging.sealed(made, target):
        order.append("record")
    assert order == ["fsync made", "rename made", "fsync datasets", "record"]


@pytest.mark.parametrize(
    ("number", "sentence"),
    [
        (errno.ENOSPC, "The disk of the workspace is full"),
        (errno.EDQUOT, "The disk of the workspace is full"),
        (errno.EFBIG, "The disk of the workspace is full"),
        (errno.EROFS, "The workspace cannot be written: Read-only file system"),
        (errno.EACCES, "The workspace cannot be written: Permission denied"),
    ],
)
def test_errors_of_the_disk_are_said(number: int, sentence: str) -> None:
    with pytest.raises(StorageError, match=sentence), staging.disk_errors():
        raise OSError(number, os.strerror(number))


def test_other_errors_stay_bugs() -> None:
    with pytest.raises(IsADirectoryError), staging.disk_errors():
        raise IsADirectoryError(errno.EISDIR, "is a directory")


def test_free_space_is_asked_for_with_the_reserve(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(root)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=300 << 20))
    staging.check_free_space(root, 44 << 20)
    with pytest.raises(StorageError, match="has 300 MB free; this needs 301 MB"):
        staging.check_free_space(root, 45 << 20)


def test_only_old_files_are_removed(root: Path) -> None:
    for name, age in (("new", 10), ("old", 100), ("other", 100)):
        (root / name).touch()
        os.utime(root / name, (time.time() - age,) * 2)
    staging.remove_older(root, "o*d", 50)
    assert not (root / "old").exists()
    assert (root / "new").exists()
    assert (root / "other").exists()
