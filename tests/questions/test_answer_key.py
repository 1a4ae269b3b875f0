"""The weak segments planted in the sample are found: in the file beside the app, with other seeds, in other words."""

import pytest

from analysis.store.workspace import Workspace
from tests.questions.answer_key import SHOWS, drawn, made, overlap, shipped

EXACT = {"pair_failure", "miscalibrated_group", "label_noise"}


def check(folder, files):
    """Every fault has a hit that lies inside its place; where the fault is alike for all its rows it is that place."""
    workspace = Workspace.open(folder / "workspace", actor="tester")
    try:
        known, key = made(workspace, *files)
        for fault in SHOWS:
            likeness, inside, held, hit = overlap(workspace, known, key, fault)
            assert inside >= 0.95, (fault, hit)
            assert held >= 0.3, (fault, hit, held)
            assert likeness >= 0.8 or fault not in EXACT, (fault, hit, likeness)
    finally:
        workspace.close()


def test_the_sample(tmp_path):
    check(tmp_path, shipped())


@pytest.mark.slow
@pytest.mark.parametrize(("schema", "seed"), [("loans", 8), ("loans", 9), ("loans", 10), ("claims", 7), ("claims", 8)])
def test_other_seeds_and_another_schema(tmp_path, schema, seed):
    check(tmp_path, drawn(tmp_path, schema, seed))
