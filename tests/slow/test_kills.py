"""Kills at random moments, many of them: whatever the moment, the workspace is in a legal state."""

import random
from pathlib import Path

import pytest

from analysis.store import datasets
from analysis.store.workspace import Workspace
from tests.store.loans import loans
from tests.store.test_faults import ABSENT, PRESENT, killed_while_taking_in

KILLS = 30


@pytest.mark.slow
def test_thirty_kills_at_random_moments(tmp_path: Path) -> None:
    old, source = tmp_path / "old.csv", tmp_path / "new.csv"
    old.write_text(loans(500))
    source.write_text(loans(3000, seed=5))
    seen = set()
    for turn in range(KILLS):
        root = tmp_path / str(turn)
        workspace = Workspace.open(root)
        datasets.ingest(workspace, old, name="loans")
        workspace.close()
        seen.add(killed_while_taking_in(root, source, random.Random(turn).uniform(0, 1.2)))
    assert seen == {ABSENT, PRESENT}, "the moments were all too early or all too late to show anything"
