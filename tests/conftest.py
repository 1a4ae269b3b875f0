"""Fixtures many tests share: an empty workspace, and one that holds the loans, made once through the real path."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from analysis.store import datasets, evaluations
from analysis.store.workspace import Workspace
from tests.store.loans import ROLES, loans


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    """An empty workspace of this test's own."""
    opened = Workspace.open(tmp_path / "workspace", actor="tester")
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """A workspace with the dataset and the evaluation 'loans' of 400 rows, two of them rejected. For reading only."""
    folder = tmp_path_factory.mktemp("kept")
    opened = Workspace.open(folder / "workspace", actor="tester")
    source = folder / "loans.csv"
    source.write_text(loans(400) + "1,2,3,4,5,6,7\n1,2\n")
    dataset, _ = datasets.ingest(opened, source, name="loans", options={"allow_rejects": "2"})
    evaluations.create(opened, dataset, name="loans", task="binary", roles=ROLES)
    yield opened
    opened.close()


def pytest_make_parametrize_id(val: object) -> str | None:
    """Bytes may hold the time they were made (gzip, zip), so they are no names: every worker must see the same ones."""
    return "bytes" if isinstance(val, bytes) else None
