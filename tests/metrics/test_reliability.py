"""Bins against a count of the rows, and the parts of the Brier score against the whole."""

import numpy as np
import pytest
from scipy import stats
from sklearn.calibration import calibration_curve

from analysis.core.errors import BadRequest
from analysis.metrics import METRICS, reliability
from analysis.metrics.intervals import clopper_pearson
from tests.metrics import oracles
from tests.metrics.cubes import binary_cube, histogram


def rows(seed, weighted=False):
    made = oracles.binary_rows(seed, weighted)
    kept = oracles.take(made, (made["label"] >= 0) & ~np.isnan(made["score"]))
    return kept["label"], kept["score"], kept["weight"]


@pytest.mark.parametrize("bins", [5, 15])
def test_bins_of_equal_width_are_scikit_learns(bins):
    y, s, _ = rows(1)
    found = histogram(y, s)
    table = reliability.table(found, reliability.width_bins(found, bins))
    edges = np.arange(bins + 1) / bins
    away = ~np.isin(s, edges)  # scikit-learn closes bins on the other side
    found = histogram(y[away], s[away])
    table = reliability.table(found, reliability.width_bins(found, bins))
    share, score = calibration_curve(y[away], s[away], n_bins=bins)
    filled = table.n[0] > 0
    np.testing.assert_allclose(table.value[0][filled], share, rtol=1e-12)
    np.testing.assert_allclose(table.score[0][filled], score, rtol=1e-12)
    assert np.all(np.isnan(table.value[0][~filled]))


@pytest.mark.parametrize("weighted", [False, True])
def test_a_bin_holds_its_edge_below_and_the_last_both(weighted):
    s = np.array([0.0, 0.1999, 0.2, 0.5, 0.8, 1.0])
    y = np.array([0, 1, 1, 0, 1, 1])
    weight = np.array([1.0, 3, 2, 1, 1, 1]) if weighted else None
    found = histogram(y, s, weight)
    table = reliability.table(found, reliability.width_bins(found, 5))
    assert table.n[0].tolist() == [2, 1, 1, 0, 2]
    assert table.value[0][0] == pytest.approx(0.75 if weighted else 0.5)


@pytest.mark.parametrize("bins", [4, 10])
def test_bins_of_equal_count_hold_about_as_many_rows_and_no_value_twice(bins):
    y, s, _ = rows(2)
    found = histogram(y, s)
    picked = reliability.count_bins(found, bins)
    table = reliability.table(found, picked)
    most = np.unique(s, return_counts=True)[1].max()
    assert np.all(np.abs(table.n[0] - len(s) / bins) <= most + 1)
    assert table.n[0].sum() == len(s)
    assert np.all(np.diff(picked.edges) > 0)
    for k in range(len(picked)):
        inside = (s >= picked.edges[k]) & ((s < picked.edges[k + 1]) if k < len(picked) - 1 else True)
        assert table.n[0][k] == inside.sum()
        assert table.value[0][k] == pytest.approx(y[inside].mean(), rel=1e-12)


def test_one_value_is_one_bin_of_equal_count():
    found = histogram(np.array([0, 1, 1]), np.full(3, 0.4))
    assert len(reliability.count_bins(found, 15)) == 1


@pytest.mark.parametrize("weighted", [False, True])
def test_the_parts_add_up_to_the_brier_score(weighted):
    made = oracles.binary_rows(3, weighted)
    cube = oracles.cube("binary", made, np.arange(len(made["label"])) % 3)
    part = {name: METRICS.get(f"brier_{name}").measure(cube).value for name in PARTS}
    whole = part["reliability"] - part["resolution"] + part["uncertainty"] + part["remainder"]
    np.testing.assert_allclose(whole, METRICS.get("brier").measure(cube).value, rtol=1e-12)


PARTS = ("reliability", "resolution", "uncertainty", "remainder")


def test_scores_that_do_not_vary_inside_a_bin_leave_no_remainder():
    got = METRICS.get("brier_remainder").measure(binary_cube(np.tile([0, 1, 1], 30), np.repeat([0.1, 0.5, 0.9], 30)))
    assert abs(got.value[0]) < 1e-15


@pytest.mark.parametrize("limit", [40, 200])
@pytest.mark.parametrize(
    "name", ["ece", "mce", "calibration_in_the_large", "brier_reliability", "brier_resolution", "brier_remainder"]
)
def test_binned_codes_stay_within_their_bound(name, limit):
    random = np.random.default_rng(4)
    s = random.beta(1.5, 3, 5000)
    y = (random.random(5000) < s**1.3).astype(int)
    exact, coarse = (METRICS.get(name).measure(binary_cube(y, s, limit=each)) for each in (8192, limit))
    assert exact.bound[0] == 0
    assert abs(exact.value[0] - coarse.value[0]) <= coarse.bound[0]
    assert coarse.bound[0] < 0.1


@pytest.mark.parametrize(("kind", "bins"), [("wide", 15), ("width", 1), ("width", 101)])
def test_bins_nobody_can_mean_are_refused(kind, bins):
    with pytest.raises(BadRequest):
        reliability.binned(histogram(np.array([0, 1]), np.array([0.1, 0.9])), kind, bins)


@pytest.mark.parametrize("level", [0.8, 0.95])
def test_clopper_and_pearson_are_scipys(level):
    k, n = np.array([0, 1, 7, 20, 0]), np.array([20, 20, 20, 20, 0])
    low, high = clopper_pearson(k, n, level)
    for place in range(4):
        ends = stats.binomtest(int(k[place]), int(n[place])).proportion_ci(level, method="exact")
        assert (low[place], high[place]) == (pytest.approx(ends.low, abs=1e-12), pytest.approx(ends.high, abs=1e-12))
    assert np.isnan([low[4], high[4]]).all()
