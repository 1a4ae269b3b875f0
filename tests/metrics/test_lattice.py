"""The lattice: its sums are those of plain masks, in every block, and it holds every conjunction once, in its order."""

import itertools

import numpy as np
import pytest

from analysis.metrics.lattice import Lattice, Rows
from tests.metrics.planted import AXES, drawn


def codes(literals):
    return tuple((axis, tuple(np.flatnonzero(np.frombuffer(held, dtype=bool)))) for axis, held in literals)


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_sums_are_those_of_masks(depth):
    rows = drawn(3, 3000).rows
    random = np.random.default_rng(4)
    weights = random.gamma(2, 1, len(rows))
    lattice = Lattice(AXES, depth)
    sums, counted = lattice.sums(rows, [None, weights])
    assert counted.all()
    for place in random.integers(0, lattice.total, 400):
        literals = lattice.literals(int(place))
        held = np.logical_and.reduce([np.isin(rows.codes[axis], own) for axis, own in codes(literals)])
        assert (held == rows.inside(literals)).all()
        assert sums[0, place] == held.sum()
        assert sums[1, place] == pytest.approx(weights[held].sum(), rel=1e-12, abs=1e-9)
        assert len(literals) == lattice.depths[place]


def test_every_conjunction_is_there_once():
    lattice = Lattice(AXES[-3:], 2)
    single = [(axis, (code,)) for axis in range(3) for code in range(AXES[-3 + axis].size)]
    pairs = [pair for pair in itertools.combinations(single, 2) if pair[0][0] != pair[1][0]]
    wanted = {*((each,) for each in single), *pairs}
    found = [codes(lattice.literals(place)) for place in range(lattice.total)]
    assert len(found) == len(wanted)
    assert set(found) == wanted
    assert [len(each) for each in found] == sorted(len(each) for each in found)


def test_a_budget_takes_the_first_whole_sets_of_columns():
    whole, part = Lattice(AXES, 2), Lattice(AXES, 2, budget=2000)
    assert 0 < part.total <= 2000 < whole.total == part.offered
    assert [part.literals(place) for place in range(part.total)] == [whole.literals(p) for p in range(part.total)]


def test_a_stop_leaves_the_rest_uncounted():
    lattice = Lattice(AXES, 2)
    rows = drawn(5, 500).rows
    whole, _ = lattice.sums(rows, [None])
    sums, counted = lattice.sums(rows, [None], lambda share: share > 0.4)
    assert 0 < counted.sum() < lattice.total
    assert (sums[0, counted] == whole[0, counted]).all()
    assert not sums[0, ~counted].any()


def test_a_column_of_finer_codes_is_searched_in_groups():
    from dataclasses import replace

    axis = replace(AXES[0], size=20, ordered=20, fine=np.arange(20) // 2, coarse=np.arange(20) // 4)
    random = np.random.default_rng(6)
    rows = Rows((random.integers(0, 20, 900).astype(np.uint8),), random.random(900))
    lattice = Lattice([axis], 1)
    sums, _ = lattice.sums(rows, [None])
    assert [rows.inside(lattice.literals(place)).sum() for place in range(lattice.total)] == sums[0].tolist()
