"""Unpaired differences against scipy, statsmodels and every pair looked at."""

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.power import TTestIndPower, TTestPower
from statsmodels.stats.proportion import power_proportions_2indep, proportions_ztest

from analysis.metrics import METRICS, contrasts, unpaired
from tests.metrics import cubes, simulate


def of(name, first, second, level=0.95):
    return unpaired.difference(METRICS.get(name), first, second, level=level)


def scored(seed, n, apart=1.0):
    random = np.random.default_rng(seed)
    label = np.concatenate([np.zeros(n[0], dtype=int), np.ones(n[1], dtype=int)])
    return label, np.clip(np.round(stats.norm.cdf(random.normal(apart * label - 0.5, 1)), 2), 0.01, 0.99)


def delong(label, score):
    """(AUC, its variance's two parts with their degrees of freedom) from every pair."""
    up, down = score[label == 1], score[label == 0]
    wins = (up[:, None] > down[None, :]) + 0.5 * (up[:, None] == down[None, :])
    m, n = wins.shape
    return wins.mean(), [(wins.mean(axis=1).var(ddof=1) / m, m - 1), (wins.mean(axis=0).var(ddof=1) / n, n - 1)]


@pytest.mark.parametrize("sizes", [((60, 40), (200, 90)), ((25, 14), (40, 60)), ((500, 29), (500, 400))])
def test_areas_have_delongs_z_or_welchs_t_below_30_of_a_class(sizes):
    sides = [scored(place, n) for place, n in enumerate(sizes)]
    (one, parts), (two, more) = (delong(*side) for side in sides)
    got = of("roc_auc", *(cubes.binary_cube(*side) for side in sides))
    variance = sum(v for v, _ in parts + more)
    freedom = variance**2 / sum(v**2 / df for v, df in parts + more)
    small = min(min(n) for n in sizes) < 30
    law = stats.t(freedom) if small else stats.norm()
    assert got.difference.value[0] == pytest.approx(one - two, abs=1e-12)
    assert got.difference.high[0] - got.difference.value[0] == pytest.approx(law.ppf(0.975) * variance**0.5, rel=1e-9)
    assert got.p[0] == pytest.approx(2 * law.sf(abs(one - two) / variance**0.5), rel=1e-9)
    assert got.difference.method.startswith("unpaired")
    assert ("Welch" in got.difference.method) is small


def test_below_ten_of_a_class_the_intervals_of_the_sides_are_combined():
    first, second = cubes.binary_cube(*scored(1, (40, 6))), cubes.binary_cube(*scored(2, (90, 80)))
    got = of("roc_auc", first, second)
    sides = (METRICS.get("roc_auc").measure(each) for each in (first, second))
    rough = contrasts.difference(*sides)
    assert (got.difference.low[0], got.difference.high[0]) == (rough.low[0], rough.high[0])


@pytest.mark.parametrize("name", ["log_loss", "brier"])
def test_means_have_welchs_t(name):
    sides = [scored(3, (80, 30)), scored(4, (30, 25))]
    loss = {
        "log_loss": lambda y, s: -np.log(np.where(y == 1, s, 1 - s)),
        "brier": lambda y, s: (s - y) ** 2,
    }[name]
    wanted = stats.ttest_ind(*(loss(*side) for side in sides), equal_var=False)
    got = of(name, *(cubes.binary_cube(*side) for side in sides))
    assert got.p[0] == pytest.approx(wanted.pvalue, rel=1e-9)
    ends = wanted.confidence_interval(0.95)
    np.testing.assert_allclose([got.difference.low[0], got.difference.high[0]], [ends.low, ends.high], rtol=1e-9)


def test_shares_have_the_pooled_z_and_newcombes_interval():
    random = np.random.default_rng(5)
    sides = []
    for n, right in ((150, 0.8), (400, 0.7)):
        label = random.integers(0, 2, n)
        sides.append((label, np.where(random.random(n) < right, label, 1 - label)))
    got = of("accuracy", *(cubes.binary_cube(y, None, d) for y, d in sides))
    wanted = proportions_ztest([np.sum(y == d) for y, d in sides], [len(y) for y, _ in sides])[1]
    assert got.p[0] == pytest.approx(wanted, rel=1e-9)
    assert got.difference.method == "unpaired: Newcombe's hybrid; z with the pooled standard error"


def test_where_all_of_both_succeed_nothing_differs():
    label = np.array([0, 1] * 40)
    got = of("accuracy", cubes.binary_cube(label, None, label), cubes.binary_cube(label, None, label))
    assert got.p[0] == 1.0
    assert got.difference.low[0] < 0 < got.difference.high[0]


@pytest.mark.parametrize("name", ["f1", "mcc", "rmse", "r2"])
def test_others_are_tested_by_their_own_interval(name):
    if name in ("f1", "mcc"):
        first, second = (simulate.decisions("even", n, 40, n) for n in (120, 300))
    else:
        first, second = (simulate.numbers(n, 40, n) for n in (60, 90))
    got = of(name, first, second)
    out = (got.difference.low > 0) | (got.difference.high < 0)
    np.testing.assert_array_equal(got.p < 0.05, out)


def test_the_rest_of_a_group_is_one_side_a_group():
    random = np.random.default_rng(6)
    label, decision = random.integers(0, 2, (2, 900))
    group = random.integers(0, 3, 900)
    cube = cubes.binary_cube(label, None, decision, group=group)
    got = of("recall", cube, cube.rest())
    for place in range(3):
        mine, rest = (decision[(label == 1) & side] for side in (group == place, group != place))
        assert got.difference.value[place] == pytest.approx(mine.mean() - rest.mean(), abs=1e-12)
        assert got.p[place] == pytest.approx(proportions_ztest([mine.sum(), rest.sum()], [len(mine), len(rest)])[1])


def test_the_smallest_detectable_difference_is_found_four_times_in_five():
    """Power at exactly that difference, by simulation of shares of 2,000 rows."""
    random = np.random.default_rng(7)
    share = lambda k, n: contrasts.Estimates(k / n, *contrasts.wilson(k, n, 0.95), np.full(k.shape, n), "Wilson")  # noqa: E731
    even = np.full(1, 1000.0)
    least = contrasts.detectable(contrasts.difference(share(even, 2000), share(even, 2000)))[0]
    assert least == pytest.approx(2.8016 * (2 * 0.25 / 2000) ** 0.5, rel=2e-3)
    k = random.binomial(2000, [[0.5 + least / 2], [0.5 - least / 2]], (2, 4000)).astype(float)
    assert np.mean(contrasts.two_proportions(k[0], 2000, k[1], 2000) < 0.05) == pytest.approx(0.8, abs=0.02)


@pytest.mark.slow
@pytest.mark.parametrize("n", [60, 200, 1000])
@pytest.mark.parametrize("name", ["roc_auc", "log_loss", "brier"])
def test_coverage(name, n):
    """Two samples of one population: their difference is 0, and the test says otherwise about one time in twenty."""
    first, second = (simulate.scores(n, 1000, seed) for seed in (n, n + 1))
    got = of(name, first, second)
    inside = np.mean((got.difference.low <= 0) & (got.difference.high >= 0))
    assert 0.93 <= inside <= 0.975
    assert np.mean(got.p < 0.05) == pytest.approx(1 - inside, abs=0.005)


@pytest.mark.parametrize("n", [20, 50, 400, 3000])
def test_what_a_mean_can_detect_is_what_statsmodels_says(n):
    """Of one mean against a fixed value, and of two; statsmodels solves Student's non-central t."""
    values = np.random.default_rng(n).standard_normal((2, n))
    cubes_ = [cubes.regression_cube(np.zeros(n), side) for side in values]
    means = [METRICS.get("bias").estimate(each, 0.95) for each in cubes_]
    one = contrasts.detectable(means[0])[0]
    wanted = TTestPower().solve_power(nobs=n, alpha=0.05, power=0.8) * values[0].std(ddof=1)
    assert one == pytest.approx(wanted, rel=0.015)
    both = contrasts.detectable(contrasts.difference(*means))[0]
    spread = np.sqrt((values.var(axis=1, ddof=1)).mean())
    wanted = TTestIndPower().solve_power(nobs1=n, alpha=0.05, power=0.8) * spread
    assert both == pytest.approx(wanted, rel=0.05 if n < 100 else 0.01)


@pytest.mark.parametrize(("share", "n"), [(0.5, 200), (0.2, 400), (0.05, 3000), (0.9, 1000)])
def test_what_a_share_can_detect_is_what_statsmodels_says(share, n):
    k, size = np.array([share * n]), np.array([float(n)])
    side = contrasts.Estimates(k / size, *contrasts.wilson(k, size, 0.95), size, "Wilson")
    least = contrasts.detectable(contrasts.difference(side, side))[0]
    power = power_proportions_2indep(least, share - least / 2, n, alpha=0.05).power
    assert power == pytest.approx(0.8, abs=0.02)


@pytest.mark.slow
@pytest.mark.parametrize(("share", "n"), [(0.5, 200), (0.2, 200), (0.05, 1000), (0.8, 5000)])
def test_the_power_at_what_a_share_can_detect(share, n):
    """Of two shares, by the test, and of one against a fixed value, by the interval, on either side together."""
    random, size = np.random.default_rng(n), np.full(20_000, float(n))
    estimate = lambda k: contrasts.Estimates(k / size[: len(k)], *contrasts.wilson(k, size[: len(k)], 0.95), size, "")  # noqa: E731
    least = contrasts.detectable(estimate(np.array([share * n])))[0]
    drawn = estimate(random.binomial(n, share, 20_000).astype(float))
    found = [np.mean((drawn.low > fixed) | (drawn.high < fixed)) for fixed in (share - least, share + least)]
    assert np.mean(found) == pytest.approx(0.8, abs=0.03)
    assert 0.65 <= min(found) <= max(found) <= 0.91
    side = estimate(np.array([share * n]))
    least = contrasts.detectable(contrasts.difference(side, side))[0]
    k = random.binomial(n, [[share + least / 2], [share - least / 2]], (2, 20_000)).astype(float)
    assert 0.78 <= np.mean(contrasts.two_proportions(k[0], size, k[1], size) < 0.05) <= 0.83
