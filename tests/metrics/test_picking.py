"""Picking and confirming against planted segments, their decoys, and nothing at all."""

from dataclasses import replace

import numpy as np
import pytest

from analysis.metrics import joining
from analysis.metrics.confirming import confirmed, part_of, stability, standing, vanishes_outside
from analysis.metrics.contrasts import benjamini_hochberg
from analysis.metrics.lattice import Lattice, Rows
from analysis.metrics.picking import Aim, Pick, picked, prices
from tests.metrics.planted import AXES, Table, best, drawn, jaccard, search, with_noise

ONE = ((7, (3,)),)
TWO = ((0, (7, 8, 9)), (5, (2,)))
THREE = ((0, (0, 1, 2, 3)), (1, (6, 7, 8, 9)), (4, (1,)))
AIM = Aim(1, False, 30)
PAIRS = [(0, 0.2), (1, 0.15), (2, 0.09), (3, -0.2)]


CASES = [(ONE, 6000, 0.15), (TWO, 12_000, 0.2), (THREE, 30_000, 0.2)]


@pytest.mark.parametrize(("planted", "size", "gap"), CASES, ids=["one", "two", "three"])
@pytest.mark.parametrize("seed", range(4))
def test_what_is_planted_is_found_exactly_and_nothing_else_is(planted, size, gap, seed):
    table = drawn(seed, size, planted, gap=gap)
    found = search(table, depth=max(2, len(planted)))
    assert best(table, found) > 0.95
    assert len(found.hits) == 1


def test_what_is_planted_in_a_number_is_found():
    table = with_noise(drawn(1, 20_000, TWO, gap=0.6), 0.5)
    assert best(table, search(table)) > 0.9


@pytest.mark.parametrize("seed", range(6))
def test_a_decoy_does_not_displace_the_true_one_without_saying_so(seed):
    axes = (*AXES, AXES[7])
    table = drawn(seed, 12_000, ONE, gap=0.2, decoy=0.95)
    found = search(table, axes=axes)
    pick = next(pick for pick in found.searched.picks if pick.literals == found.hits[0])
    described = [pick.literals, *(each for each, _ in pick.copies)]
    assert {frozenset(axis for axis, _ in each) for each in described} >= {frozenset([7]), frozenset([9])}
    assert max(jaccard(table, each) for each in described) == 1.0
    for each, likeness in pick.copies:
        half = np.arange(len(table.rows)) % 2 == 0
        rows = table.rows.where(half)
        a, b = rows.inside(pick.literals), rows.inside(each)
        assert likeness == pytest.approx((a & b).sum() / (a | b).sum())


def test_a_parent_of_which_only_a_child_is_weak_is_its_shadow():
    table = drawn(2, 8000, TWO, gap=0.3)
    rows = (table.rows,)
    parent = table.rows.inside(((5, np.eye(4, dtype=np.uint8)[2].tobytes()),))
    child = table.truth
    assert part_of([child], [parent])
    assert not part_of([parent], [child])
    assert vanishes_outside(rows, [parent], [child])
    other = drawn(2, 8000, ((5, (2,)),), gap=0.3)
    assert not vanishes_outside((other.rows,), [parent], [child])


def test_rows_that_do_better_are_the_exception():
    random = np.random.default_rng(3)
    rows = drawn(3, 20_000).rows
    good = rows.codes[8] == 4
    x = (random.random(len(rows)) < np.where(good, 0.02, 0.5)).astype(float)
    searched = picked((rows.with_x(x),), Lattice(AXES, 2), AIM, most=25)
    assert not searched.picks[0].weak
    assert [pick for pick in searched.picks if pick.weak and pick.z > 5] == []


def test_the_same_rows_give_the_same_picks():
    table = drawn(4, 6000, TWO, gap=0.2)
    one, two = (search(table) for _ in range(2))
    assert one.searched.picks == two.searched.picks
    assert one.adjusted.tolist() == two.adjusted.tolist()


def test_a_strong_spot_is_stable_and_its_rivals_are_not_its_copies():
    table = drawn(5, 20_000, TWO, gap=0.3)
    lattice = Lattice(AXES, 2)
    pick = picked((table.rows,), lattice, AIM, most=3).picks[0]
    assert stability((table.rows,), pick, AIM, prices(lattice), blocks=20, seed=1) > 0.9
    assert pick.literals not in pick.rivals


NOTHING = [None] * len(AXES)
BOTH = ((7, (3, 5)),)


def told_together(table):
    """(what is found, the joins that are confirmed at 5 % among all that was tested)."""
    found, half = search(table), np.arange(len(table.rows)) % 2 == 1
    made = joining.joins(found.searched.picks, AXES, NOTHING)
    sides = (table.rows.where(half),)
    tests = [joining.tested(sides, each, found.tests, AIM, 0.95) for each in made]
    every = benjamini_hochberg(np.array([each.p for each in (*found.tests, *tests)]))
    held = [place for place in range(len(made)) if every[len(found.tests) + place] <= 0.05]
    return found, every, [made[place] for place in held]


@pytest.mark.parametrize("seed", range(4))
def test_two_values_that_are_worse_alike_are_told_together(seed):
    table = drawn(seed, 12_000, BOTH, gap=0.25)
    found, every, [join] = told_together(table)
    assert join.pick.literals == ((7, np.isin(np.arange(8), (3, 5)).astype(np.uint8).tobytes()),)
    assert jaccard(table, join.pick.literals) == 1.0
    assert {found.searched.picks[place].literals for place in join.members} == {
        ((7, (np.arange(8) == code).astype(np.uint8).tobytes()),) for code in (3, 5)
    }
    assert all(every[place] <= 0.05 for place in join.members)


def test_values_whose_gaps_are_far_apart_or_missing_are_told_alone():
    picks = [Pick(((7, (np.arange(8) == code).astype(np.uint8).tobytes()),), 5.0, gap) for code, gap in PAIRS]
    assert [each.members for each in joining.joins(picks, AXES, NOTHING)] == [(0, 1)]
    assert joining.joins(picks, AXES, [*NOTHING[:7], 1, None]) == []
    ordered = [replace(pick, literals=((0, bytes(10 * [0]).replace(b"\0", b"\1", 1)),)) for pick in picks]
    assert joining.joins(ordered, AXES, NOTHING) == []


# Oracles of the test ------------------------------------------------------------------------------------------------


def test_a_share_is_tested_as_two_proportions():
    from statsmodels.stats.proportion import confint_proportions_2indep, proportions_ztest

    table = drawn(6, 4000, ONE, gap=0.1)
    literals = ((7, np.eye(8, dtype=np.uint8)[3].tobytes()),)
    [test] = confirmed((table.rows,), [(literals, 1.0)], AIM, 0.95)
    held = table.truth
    k, n = (table.rows.x[held].sum(), table.rows.x[~held].sum()), (held.sum(), (~held).sum())
    assert test.p == pytest.approx(proportions_ztest(k, n)[1], rel=1e-9)
    low, high = confint_proportions_2indep(k[0], n[0], k[1], n[1], method="newcomb")
    assert (test.low, test.high) == pytest.approx((low, high), abs=1e-9)
    assert (test.standing.n, test.standing.value) == (held.sum(), pytest.approx(table.rows.x[held].mean()))


def test_a_number_is_tested_as_welch_does():
    from scipy import stats

    table = with_noise(drawn(7, 3000, ONE, gap=0.5), 0.4)
    literals = ((7, np.eye(8, dtype=np.uint8)[3].tobytes()),)
    [test] = confirmed((table.rows,), [(literals, 1.0)], AIM, 0.95)
    welch = stats.ttest_ind(table.rows.x[table.truth], table.rows.x[~table.truth], equal_var=False)
    assert test.p == pytest.approx(welch.pvalue, rel=1e-9)
    assert (test.low, test.high) == pytest.approx(tuple(welch.confidence_interval()), rel=1e-9)


def test_weights_and_units_are_tested_as_a_clustered_regression_does():
    import statsmodels.api as sm

    random = np.random.default_rng(8)
    plain = drawn(8, 3000, ONE, gap=0.1)
    unit = random.integers(0, 300, 3000)
    w = random.gamma(2, 1, 3000)
    x = plain.rows.x + 0.3 * random.normal(size=300)[unit]
    rows = Rows(plain.rows.codes, x, w, unit)
    literals = ((7, np.eye(8, dtype=np.uint8)[3].tobytes()),)
    [test] = confirmed((rows,), [(literals, 1.0)], AIM, 0.95)
    design = sm.add_constant(plain.truth.astype(float))
    fit = sm.WLS(x, design, weights=w).fit(
        cov_type="cluster", cov_kwds={"groups": unit, "use_correction": False}, use_t=False
    )
    assert test.standing.gap == pytest.approx(fit.params[1])
    half = (test.high - test.low) / 2
    from scipy import stats

    counts = len(np.unique(unit[plain.truth])), len(np.unique(unit[~plain.truth]))
    quantile = stats.t.ppf(0.975, min(counts) - 1)
    assert half / quantile == pytest.approx(fit.bse[1] * np.sqrt(300 / 299), rel=1e-9)


def test_two_sides_are_a_difference_of_differences():
    before, after = drawn(9, 4000).rows, drawn(10, 4000, ONE, gap=0.2)
    literals = ((7, np.eye(8, dtype=np.uint8)[3].tobytes()),)
    seen = standing([(before, after.rows)], literals)
    held = before.codes[7] == 3
    inside = after.rows.x[after.truth].mean() - before.x[held].mean()
    outside = after.rows.x[~after.truth].mean() - before.x[~held].mean()
    assert (seen.value, seen.rest) == pytest.approx((inside, outside))
    assert seen.n == held.sum() + after.truth.sum()
    [test] = confirmed((before, after.rows), [(literals, 1.0)], Aim(1, True, 30), 0.95)
    assert test.p < 1e-6
    found = picked((before, after.rows), Lattice(AXES, 2), Aim(1, True, 30), most=5)
    assert found.picks[0].literals == literals


def test_a_gap_on_the_other_side_is_no_confirmation():
    table = drawn(11, 4000, ONE, gap=0.2)
    literals = ((7, np.eye(8, dtype=np.uint8)[3].tobytes()),)
    [test] = confirmed((table.rows,), [(literals, -1.0)], AIM, 0.95)
    assert test.p == 1.0


# Promises, by simulation ------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize(("depth", "size"), [(2, 4000), (2, 20_000), (3, 6000)])
def test_on_nothing_at_most_q_of_the_tables_have_a_hit(depth, size):
    tables = 400
    hits = sum(bool(search(drawn(5000 + seed, size), depth=depth).hits) for seed in range(tables))
    q = 0.05
    assert hits / tables <= q + 2 * np.sqrt(q * (1 - q) / tables)


@pytest.mark.slow
def test_units_that_go_together_are_no_discovery():
    tables, hits = 200, 0
    for seed in range(tables):
        random = np.random.default_rng(seed)
        unit = random.integers(0, 150, 3000)
        codes = tuple(
            np.where(random.random(3000) < 0.9, random.integers(0, axis.size, 150)[unit], 0).astype(np.uint8)
            for axis in AXES
        )
        risk = np.clip(0.2 + 0.15 * random.normal(size=150), 0.01, 0.99)[unit]
        rows = Rows(codes, (random.random(3000) < risk).astype(float), None, unit, None)
        half = unit % 2 == 0
        searched = picked((rows.where(half),), Lattice(AXES, 2), AIM, most=25)
        weak = [(pick.literals, pick.gap) for pick in searched.picks]
        tests = confirmed((rows.where(~half),), weak, AIM, 0.95)
        p = np.array([test.p for test, pick in zip(tests, searched.picks, strict=True) if pick.weak])
        hits += bool((benjamini_hochberg(p) <= 0.05).any())
    assert hits / tables <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / tables)


@pytest.mark.slow
def test_what_lies_beside_a_planted_segment_is_rarely_called_weak():
    """False discoveries among all: hits that share less than half their rows with what is planted."""
    false = every = 0
    for seed in range(120):
        table: Table = drawn(9000 + seed, 12_000, TWO, gap=0.25)
        for hit in search(table).hits:
            every += 1
            inside = table.rows.inside(hit)
            false += (inside & table.truth).sum() < 0.5 * inside.sum()
    assert every >= 115
    assert false / every <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / every)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("planted", "size"), [(ONE, 12_000), (TWO, 12_000), (THREE, 20_000)], ids=["one", "two", "three"]
)
def test_a_gap_that_outweighs_its_price_is_found_in_about_four_of_five_searches(planted, size):
    depth, tables = max(2, len(planted)), 100
    price = prices(Lattice(AXES, depth))[len(planted)]
    share = drawn(0, size, planted).truth.mean()
    spread = np.sqrt(0.15 * 0.85 * (1 / share + 1 / (1 - share)) / (size / 2))
    gap = (np.sqrt(price) + 0.84) * spread
    tables_of = [drawn(seed, size, planted, gap=gap) for seed in range(tables)]
    found = sum(best(table, search(table, depth=depth)) > 0.5 for table in tables_of)
    assert 0.68 <= found / tables <= 0.95


@pytest.mark.slow
@pytest.mark.parametrize("beside", [0.0, 0.2])
def test_a_value_that_is_not_worse_is_rarely_told_with_one_that_is(beside):
    """At most 5 % of tables tell a good value together with a bad one; nor does a join come without its values."""
    tables, false = 200, 0
    for seed in range(tables):
        table = drawn(20_000 + seed, 8_000, ONE, gap=0.25)
        better = table.rows.codes[7] == 6
        random = np.random.default_rng(seed)
        x = np.where(better & (random.random(len(better)) < beside), 0.0, table.rows.x)
        _, every, held = told_together(replace(table, rows=table.rows.with_x(x)))
        false += bool(held)
        assert all(every[place] <= 0.05 for join in held for place in join.members)
    assert false / tables <= 0.05
