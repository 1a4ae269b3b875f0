"""What a workspace may look like: the states a crash is allowed to leave, and the check that it left one of them."""

import contextlib
import hashlib
from collections.abc import Iterator
from pathlib import Path

from analysis.store import datasets, evaluations
from analysis.store.workspace import Workspace


def data_files(root: Path) -> dict[str, str]:
    """{path: sha256} of every data file."""
    found = sorted(file for folder in ("datasets", "evaluations") for file in (root / folder).iterdir())
    return {str(file.relative_to(root)): hashlib.sha256(file.read_bytes()).hexdigest() for file in found}


@contextlib.contextmanager
def reopened(root: Path, before: dict[str, str]) -> Iterator[Workspace]:
    """The workspace opened again after a fault, whatever it was: sound, swept, and with all it held before.

    Sound: exactly the recorded files are there, read-only, and every one can be read; no staging is left.
    """
    workspace = Workspace.open(root, actor="tester")
    try:
        check(workspace, before)
        yield workspace
    finally:
        workspace.close()


def check(workspace: Workspace, before: dict[str, str]) -> None:
    root = workspace.root
    now = data_files(root)
    assert {path: now.get(path) for path in before} == before, "a fault changed or lost what was kept before"
    known = [workspace.file("dataset", each.id) for each in datasets.listed(workspace)]
    known += [workspace.file("evaluation", each.id) for each in evaluations.listed(workspace)]
    assert sorted(now) == sorted(str(file.relative_to(root)) for file in known)
    assert {oct(file.stat().st_mode & 0o777) for file in known} <= {"0o444"}
    assert list((root / "staging").iterdir()) == []
    for each in datasets.listed(workspace):
        assert len(datasets.first_rows(workspace, each, rows=10**9)) == each.rows
    for made in evaluations.listed(workspace):
        with workspace.reader.open(workspace.file("evaluation", made.id)) as (cursor, alias):
            assert cursor.execute(f"SELECT count(*) FROM {alias}.rows").fetchone() == (made.rows,)
