"""The workspace: made where it is asked for, swept when it is opened, and never at the cost of data."""

import getpass
import os
import time
from pathlib import Path

import pytest

from analysis.core.errors import StorageError
from analysis.store import datasets
from analysis.store import workspace as room
from analysis.store.workspace import Workspace
from tests.store.loans import loans
from tests.store.state import check, data_files, reopened


def test_it_is_made_where_it_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ASSAY_WORKSPACE", str(tmp_path / "named"))
    for asked, place in ((tmp_path / "given", "given"), ("relative", "relative"), (None, "named")):
        opened = Workspace.open(asked)
        assert opened.root == tmp_path / place
        assert {each.name for each in opened.root.iterdir() if each.is_dir()} == set(room.FOLDERS)
        opened.close()


def test_without_a_word_it_lies_beside_the_app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ASSAY_WORKSPACE", raising=False)
    monkeypatch.setattr(room, "ROOT", tmp_path / "app")
    opened = Workspace.open()
    assert opened.root == tmp_path / "app" / "workspace"
    opened.close()


def test_the_actor_is_the_system_user_unless_another_acts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened, other = Workspace.open(tmp_path / "w"), Workspace.open(tmp_path / "w", actor="Ann")
    assert (opened.actor, other.actor) == (getpass.getuser(), "Ann")
    opened.close()
    other.close()

    def nobody() -> str:
        raise KeyError("getpwuid(): uid not found")

    monkeypatch.setattr(getpass, "getuser", nobody)
    assert room.system_user() == f"uid {os.getuid()}"


def test_a_place_that_is_no_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match=r"The workspace .*file cannot be made: (File exists|Not a directory)"):
        Workspace.open(tmp_path / "file")


def test_what_deletions_and_uploads_left_is_swept(workspace: Workspace, tmp_path: Path) -> None:
    source = tmp_path / "loans.csv"
    source.write_text(loans(20))
    made, _ = datasets.ingest(workspace, source, name="loans")
    datasets.delete(workspace, made)
    left = [workspace.file("dataset", made.id), workspace.root / "cubes" / f"{made.id}-1.arrow"]
    left += [workspace.root / "cubes" / f".{made.id}-2.77.88"]
    young, old = workspace.root / "uploads" / "young", workspace.root / "uploads" / "old"
    for file in (*left, young, old):
        file.write_text("")
    os.utime(old, (time.time() - 4000,) * 2)
    Workspace.open(workspace.root).close()
    assert [file for file in (*left, old) if file.exists()] == []
    assert young.exists()


def test_a_published_file_nobody_recorded_goes_with_its_staging(workspace: Workspace) -> None:
    for kind in ("dataset", "evaluation"):
        workspace.file(kind, "ab" * 16).write_text("")
    (workspace.root / "staging" / ("ab" * 16)).mkdir()
    (workspace.root / "staging" / ("ab" * 16) / "lock").touch()
    with reopened(workspace.root, {}):
        assert data_files(workspace.root) == {}


def test_a_file_the_catalog_never_knew_is_left_alone(workspace: Workspace, tmp_path: Path) -> None:
    """An older copy of the catalog must not cost the data that came after it."""
    source = tmp_path / "loans.csv"
    source.write_text(loans(20))
    datasets.ingest(workspace, source, name="loans")
    older = tmp_path / "older.sqlite"
    with workspace.catalog.engine.connect() as connection:
        connection.exec_driver_sql("COMMIT")
        connection.exec_driver_sql(f"VACUUM INTO '{older}'")
        connection.exec_driver_sql("BEGIN")
    source.write_text(loans(30))
    datasets.ingest(workspace, source, name="loans")
    before = data_files(workspace.root)
    assert len(before) == 2
    workspace.close()
    for file in workspace.root.glob("catalog.sqlite-*"):
        file.unlink()
    older.replace(workspace.root / "catalog.sqlite")
    opened = Workspace.open(workspace.root)
    assert [each.version for each in datasets.listed(opened)] == [1]
    assert data_files(opened.root) == before
    opened.close()


def test_a_folder_that_cannot_be_written_is_said(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(root: Path, discard: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(room, "sweep_staging", denied)
    with pytest.raises(StorageError, match="cannot be written: Permission denied"):
        workspace.sweep()


def test_an_idle_process_lets_go_of_what_another_deleted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "LET_GO_EVERY", 0.05)
    source = tmp_path / "loans.csv"
    source.write_text(loans(20))
    opened = Workspace.open(tmp_path / "w")
    made, _ = datasets.ingest(opened, source, name="loans")
    datasets.first_rows(opened, made)
    file = opened.file("dataset", made.id)
    held = Path("/proc/self/fd")
    assert [each for each in held.iterdir() if os.path.realpath(each) == str(file)]
    file.unlink()
    end = time.monotonic() + 5
    while any(made.id in os.path.realpath(each) for each in held.iterdir()):
        assert time.monotonic() < end
        time.sleep(0.02)
    opened.close()


def test_closing_twice_is_closing(tmp_path: Path) -> None:
    opened = Workspace.open(tmp_path / "w")
    opened.close()
    opened.close()


def test_a_fresh_workspace_is_sound(workspace: Workspace) -> None:
    check(workspace, {})
