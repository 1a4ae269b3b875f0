"""Curves against scikit-learn, scipy and pair-by-pair counts."""

import time

import numpy as np
import pytest
from scipy import stats
from sklearn import metrics as sk

from analysis.core.cube import Histogram
from analysis.metrics import METRICS, curves, reliability
from analysis.metrics.intervals import mann_whitney
from tests.metrics.cubes import binary_cube, histogram

SHAPES = {
    "uniform": lambda random, n: random.random(n),
    "skewed": lambda random, n: random.beta(0.05, 3, n),
    "clustered": lambda random, n: np.clip(random.choice([0.1, 0.2, 0.9], n) + random.normal(0, 1e-4, n), 0, 1),
    "heaped": lambda random, n: np.where(random.random(n) < 0.4, 0.3, random.random(n)),
}


def delong(positives, negatives):
    """Every pair looked at; variance with ddof 1 on the placements."""
    wins = (positives[:, None] > negatives[None, :]) + 0.5 * (positives[:, None] == negatives[None, :])
    m, n = wins.shape
    return wins.mean(), wins.mean(axis=1).var(ddof=1) / m + wins.mean(axis=0).var(ddof=1) / n


@pytest.mark.parametrize("digits", [1, 2, 6])
@pytest.mark.parametrize(("m", "n"), [(2, 3), (12, 40), (150, 220)])
def test_auc_and_its_variance_pair_by_pair(m, n, digits):
    random = np.random.default_rng(m * n + digits)
    positives, negatives = np.round(random.normal(0.7, 1, m), digits), np.round(random.normal(0, 1, n), digits)
    value, variance = delong(positives, negatives)
    got = curves.auc(histogram(np.repeat([1, 0], [m, n]), np.concatenate([positives, negatives])))
    np.testing.assert_allclose([got.value[0], got.variance[0]], [value, variance], rtol=1e-12)
    assert got.bound[0] == 0


def jackknife(function, label, score, weight):
    """Variance of a weighted statistic from its numerical influence: each row's weight moved a little."""
    base, parts = function(label, score, sample_weight=weight), []
    for row in range(len(label)):
        moved = weight.copy()
        moved[row] += 1e-5
        parts.append((function(label, score, sample_weight=moved) - base) / 1e-5 * weight[row])
    n = len(label)
    return np.sum(np.square(parts)) * n / (n - 1)


@pytest.mark.parametrize("weighted", [False, True])
def test_average_precision_is_linearised_correctly(weighted):
    random = np.random.default_rng(5)
    score, weight = np.round(random.random(120), 2), random.gamma(2, 1, 120) if weighted else None
    label = (random.random(120) < score).astype(int)
    got = curves.average_precision(histogram(label, score, weight))
    ones = np.ones(120) if weight is None else weight
    expected = jackknife(sk.average_precision_score, label, score, ones)
    np.testing.assert_allclose(got.variance[0], expected, rtol=1e-3)


@pytest.mark.parametrize("shape", SHAPES)
def test_what_binning_costs_is_within_its_bound_and_small(shape):
    random = np.random.default_rng(6)
    score = SHAPES[shape](random, 200_000)
    label = (random.random(200_000) < 0.1 + 0.6 * score).astype(int)
    cells = histogram(label, score)
    assert len(cells.low) < 8_500
    exact = {
        curves.auc: sk.roc_auc_score(label, score),
        curves.average_precision: sk.average_precision_score(label, score),
        curves.separation: stats.ks_2samp(score[label == 1], score[label == 0]).statistic,
    }
    for function, value in exact.items():
        got = function(cells)
        assert 0 < got.bound[0] < 2e-3
        assert abs(got.value[0] - value) <= got.bound[0]
    assert curves.auc(cells).bound[0] < 1e-4
    assert abs(curves.auc(cells).value[0] - exact[curves.auc]) < 1e-5


@pytest.mark.parametrize("seed", range(20))
def test_coarse_codes_keep_their_bounds(seed):
    random = np.random.default_rng(seed)
    score = np.round(random.random(300), 3)
    chance = score if seed % 2 else 1 - score
    label = (random.random(300) < chance ** random.uniform(0.2, 4)).astype(int)
    coarse = binary_cube(label, score, limit=12)
    fine = binary_cube(label, score)
    assert not coarse.histogram.exact
    for name in ("roc_auc", "gini", "average_precision", "ks", "ece"):
        near, true = METRICS.get(name).estimate(coarse, 0.95), METRICS.get(name).estimate(fine, 0.95)
        assert abs(near.value[0] - true.value[0]) <= near.bound[0] + 1e-12, name
        assert near.bound[0] < 0.2


@pytest.mark.parametrize("name", ["roc_auc", "average_precision", "ks"])
@pytest.mark.parametrize("step", [1, -1], ids=["best", "worst"])
@pytest.mark.parametrize("shift", [0, 30])
def test_the_best_and_the_worst_order_inside_a_code_keep_the_bound(name, step, shift):
    """40 rows a code; inside a code the positives all come first or all last. Codes hold 1 to 20 positives."""
    positives = np.arange(1, 21)[:: -1 if shift else 1]
    label = np.concatenate([np.repeat([0, 1][::step], [40 - k, k][::step]) for k in positives])
    fine = histogram(label, np.arange(800) / 800)
    n = fine.n.reshape(1, 3, 20, 40).sum(axis=3)
    coarse = Histogram(n, n, n, np.arange(20) / 20, np.arange(1, 21) / 20)
    function = {"roc_auc": curves.auc, "average_precision": curves.average_precision, "ks": curves.separation}[name]
    moved, bound = abs(function(coarse).value[0] - function(fine).value[0]), function(coarse).bound[0]
    assert moved <= bound + 1e-12
    assert bound < 0.1
    if name == "roc_auc":
        assert moved == pytest.approx(bound, rel=1e-9)


def test_one_negative_above_many_positives_is_within_the_bound():
    cells = np.zeros((1, 3, 1))
    cells[0, :2, 0] = [1, 39]
    coarse = curves.average_precision(Histogram(cells, cells, cells, np.zeros(1), np.ones(1)))
    worst = sk.average_precision_score(np.repeat([0, 1], [1, 39]), np.linspace(1, 0, 40))
    assert 0.05 < coarse.value[0] - worst <= coarse.bound[0] < 0.1


def test_average_precision_uses_students_quantile_on_the_logit_scale():
    random = np.random.default_rng(13)
    score = random.random(80)
    label = (random.random(80) < score * 0.3).astype(int)
    area = curves.average_precision(histogram(label, score))
    got = METRICS.get("average_precision").estimate(binary_cube(label, score), 0.95)[0]
    value, error = area.value[0], np.sqrt(area.variance[0])
    half = stats.t.ppf(0.975, label.sum() - 1) * error / (value * (1 - value))
    middle = np.log(value / (1 - value))
    np.testing.assert_allclose([got.low, got.high], 1 / (1 + np.exp([-(middle - half), -(middle + half)])), rtol=1e-9)
    assert got.n == label.sum()


def test_the_bootstrap_of_few_rows_is_never_narrower_than_newcombes():
    random = np.random.default_rng(14)
    for few in (2, 3, 5, 9):
        score = np.concatenate([random.normal(1, 1, few), random.normal(0, 1, 100)])
        cube = binary_cube(np.repeat([1, 0], [few, 100]), score)
        got = METRICS.get("roc_auc").estimate(cube, 0.95)[0]
        low, high = mann_whitney(np.array([got.value]), np.array([few]), np.array([100]), 0.95)
        assert got.low <= low[0]
        assert got.high >= high[0]


def test_a_code_across_an_edge_of_the_calibration_bins_is_doubted():
    cells = np.zeros((1, 3, 1))
    cells[0, :2, 0] = 10
    got = reliability.calibration_error(Histogram(cells, cells, cells, np.array([0.1]), np.array([0.5])))
    assert got.bound[0] == 1.0


def test_the_curve_is_scikit_learns():
    random = np.random.default_rng(8)
    score, weight = np.round(random.random(200), 1), random.gamma(2, 1, 200)
    label = (random.random(200) < score).astype(int)
    got = curves.roc(histogram(label, score, weight))
    fpr, tpr, threshold = sk.roc_curve(label, score, sample_weight=weight, drop_intermediate=False)
    np.testing.assert_allclose(got.fpr, fpr, rtol=1e-12)
    np.testing.assert_allclose(got.tpr, tpr, rtol=1e-12)
    np.testing.assert_array_equal(got.threshold, threshold)
    precision, recall, _ = sk.precision_recall_curve(label, score, sample_weight=weight)
    np.testing.assert_allclose(got.precision[1:], precision[-2::-1], rtol=1e-12)
    np.testing.assert_allclose(got.tpr[1:], recall[-2::-1], rtol=1e-12)


def test_the_threshold_of_the_largest_gap_gives_that_gap():
    random = np.random.default_rng(9)
    label = random.integers(0, 2, 400)
    score = np.round(random.normal(label, 1), 1)
    got = curves.separation(histogram(label, score))
    chosen = score >= got.threshold[0]
    assert chosen[label == 1].mean() - chosen[label == 0].mean() == pytest.approx(got.value[0], rel=1e-12)


def test_a_score_the_wrong_way_round_is_not_flipped():
    label = np.tile([0, 1], 50)
    cube = binary_cube(label, 1 - label * 0.5)
    assert METRICS.get("roc_auc").estimate(cube, 0.95)[0].value == 0.0
    assert METRICS.get("ks").estimate(cube, 0.95)[0].value == 1.0


def test_methods_say_which_interval_was_made():
    random = np.random.default_rng(10)

    def auc(m, n, apart, weight=None):
        score = np.concatenate([random.normal(apart, 1, m), random.normal(0, 1, n)])
        cube = binary_cube(np.repeat([1, 0], [m, n]), score, weight=weight)
        return METRICS.get("roc_auc").estimate(cube, 0.95)[0]

    assert auc(100, 100, 1).method == "DeLong"
    assert "logit" in auc(200, 200, 3).method
    assert auc(200, 200, 3).high < 1
    few = auc(6, 200, 1)
    assert "bootstrap" in few.method
    assert "seed" in few.method
    apart = auc(30, 30, 50)
    assert apart.method.startswith("Newcombe")
    assert (apart.value, apart.high) == (1.0, 1.0)
    assert 0.85 < apart.low < 0.97
    assert "bootstrap" not in auc(6, 200, 1, np.ones(206)).method


def test_the_bootstrap_is_that_of_the_rows():
    """The folded cells give the same distribution as drawing rows of both classes with replacement."""
    from analysis.metrics.scores import bootstrap

    random = np.random.default_rng(11)
    positives, negatives = np.round(random.normal(0.6, 1, 8), 1), np.round(random.normal(0, 1, 300), 1)
    cells = histogram(np.repeat([1, 0], [8, 300]), np.concatenate([positives, negatives])).n[0]
    draws = [
        sk.roc_auc_score(
            np.repeat([1, 0], [8, 300]),
            np.concatenate([random.choice(positives, 8), random.choice(negatives, 300)]),
        )
        for _ in range(800)
    ]
    np.testing.assert_allclose(bootstrap(cells[0], cells[1], 0.9), np.quantile(draws, [0.05, 0.95]), atol=0.025)
    flipped = bootstrap(cells[1][::-1], cells[0][::-1], 0.9)
    np.testing.assert_allclose(flipped, bootstrap(cells[0], cells[1], 0.9), atol=0.02)


def test_a_histogram_without_codes_is_undefined():
    empty = np.zeros((2, 3, 0))
    cells = Histogram(empty, empty, empty, np.empty(0), np.empty(0))
    for function in (curves.auc, curves.average_precision, curves.separation, reliability.calibration_error):
        assert np.isnan(function(cells).value).tolist() == [True, True]


def test_fifty_groups_of_8192_codes_take_a_moment():
    random = np.random.default_rng(12)
    cells = random.poisson(2, (50, 3, 8192)).astype(np.int64)
    edges = np.linspace(0, 1, 8193)
    wide = Histogram(cells, cells, cells, edges[:-1], edges[1:])
    took = []
    for _ in range(3):
        start = time.perf_counter()
        curves.auc(wide)
        took.append(time.perf_counter() - start)
    assert min(took) < 0.1
