"""Contrasts against statsmodels and Newcombe's published examples."""

import numpy as np
import pytest
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import confint_proportions_2indep, proportions_ztest

from analysis.core.errors import BadRequest
from analysis.core.estimate import Estimates
from analysis.metrics import METRICS, contrasts, intervals
from tests.metrics.cubes import binary_cube


def share(k, n, level=0.95):
    k, n = np.atleast_1d(k), np.atleast_1d(n)
    low, high = intervals.wilson(k, n, level)
    return Estimates(intervals.divide(k, n), low, high, n, "Wilson")


def test_newcombes_hybrid_of_his_table():
    """Newcombe 1998 (Statistics in Medicine 17:873), table II, method 10."""
    got = contrasts.difference(share([56, 9, 10, 10], [70, 10, 10, 10]), share([48, 3, 0, 0], [80, 10, 20, 10]))
    np.testing.assert_allclose(got.low, [0.0524, 0.1705, 0.6791, 0.6075], atol=5e-5)
    np.testing.assert_allclose(got.high, [0.3339, 0.8090, 1.0, 1.0], atol=5e-5)
    assert got.method == "Newcombe's hybrid"


@pytest.mark.parametrize(("k1", "n1", "k2", "n2"), [(3, 40, 9, 35), (0, 12, 5, 80), (700, 1000, 650, 900)])
def test_newcombes_hybrid_is_that_of_statsmodels(k1, n1, k2, n2):
    got = contrasts.difference(share(k1, n1), share(k2, n2))[0]
    expected = confint_proportions_2indep(k1, n1, k2, n2, method="newcomb", compare="diff", alpha=0.05)
    np.testing.assert_allclose([got.low, got.high], expected, rtol=1e-6)
    assert got.n == min(n1, n2)


@pytest.mark.parametrize(("k1", "n1", "k2", "n2"), [(3, 40, 9, 35), (0, 12, 5, 80), (700, 1000, 650, 900)])
def test_two_proportions_is_the_pooled_z(k1, n1, k2, n2):
    expected = proportions_ztest([k1, k2], [n1, n2])[1]
    assert contrasts.two_proportions(k1, n1, k2, n2) == pytest.approx(expected, rel=1e-10)
    assert np.isnan(contrasts.two_proportions(0, 10, 0, 10))


def test_one_side_may_serve_all_groups():
    got = contrasts.difference(share([5, 8, 0], [10, 10, 0]), share(50, 100))
    np.testing.assert_allclose(got.value[:2], [0.0, 0.3], atol=1e-15)
    assert np.isnan(got.value[2])


def test_groups_that_do_not_pair_are_refused():
    with pytest.raises(BadRequest, match="2 and 3"):
        contrasts.difference(share([1, 2], [5, 5]), share([1, 2, 3], [5, 5, 5]))


def test_an_undefined_side_makes_the_difference_undefined_and_says_which():
    label = np.tile([0, 1], 10)
    none = METRICS.get("precision").estimate(binary_cube(label, None, np.zeros(20, dtype=int)), 0.95)
    some = METRICS.get("precision").estimate(binary_cube(label, None, label), 0.95)
    assert contrasts.difference(none, some)[0].reason == "the first is undefined: nothing was predicted as this class"
    got = contrasts.difference(some, none)
    assert got[0].reason.startswith("the second is undefined")
    assert np.isnan(got.value[0])
    assert np.isnan(contrasts.p_values(got)[0])


@pytest.mark.parametrize("level", [0.8, 0.95, 0.99])
def test_p_agrees_with_the_interval(level):
    random = np.random.default_rng(1)
    n = random.integers(20, 200, 300)
    a, b = share(random.binomial(n, 0.3), n, level), share(random.binomial(n, random.choice([0.1, 0.5], 300)), n, level)
    got = contrasts.difference(a, b, level=level)
    p = contrasts.p_values(got, level)
    leaves_out = (got.low > 0) | (got.high < 0)
    np.testing.assert_array_equal(p < 1 - level, leaves_out)
    assert 0 < leaves_out.sum() < 300
    assert np.all((p >= 0) & (p <= 1))


def test_p_of_a_symmetric_interval_is_that_of_z():
    one = Estimates(np.array([0.3]), np.array([0.3 - 1.959963984540054 * 0.1]), np.array([0.5]), np.array([9]), "")
    assert contrasts.p_values(one)[0] == pytest.approx(0.0026997960632601866, rel=1e-9)
    assert contrasts.p_values(contrasts.difference(share(5, 10), share(5, 10)))[0] == 1.0


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(("ours", "theirs"), [("benjamini_hochberg", "fdr_bh"), ("holm", "holm")])
def test_corrections_are_those_of_statsmodels_without_the_nan(ours, theirs, seed):
    p = np.random.default_rng(seed).random(40) ** 3
    p[[3, 17, 30]] = np.nan
    p[5] = p[6]
    got = getattr(contrasts, ours)(p)
    known = ~np.isnan(p)
    np.testing.assert_allclose(got[known], multipletests(p[known], method=theirs)[1], rtol=1e-12)
    assert np.isnan(got[~known]).all()


def test_corrections_of_nothing():
    for function in (contrasts.benjamini_hochberg, contrasts.holm):
        assert function(np.array([])).shape == (0,)
        assert np.isnan(function(np.array([np.nan]))).all()


def test_verdicts():
    value = np.array([0.2, -0.2, 0.2, 0.2, np.nan, 0.0])
    made = Estimates(value, value - 0.1, value + 0.1, np.array([100, 30, 100, 29, 100, 100]), "")
    adjusted = np.array([0.01, 0.05, 0.06, 0.01, np.nan, 1.0])
    say = lambda better: list(contrasts.verdicts(made, better=better, adjusted=adjusted, q=0.05, n_min=30))  # noqa: E731
    few, unclear = "not enough data", "no clear change"
    assert say("higher") == ["better", "worse", unclear, few, few, unclear]
    assert say("lower") == ["worse", "better", unclear, few, few, unclear]
    with pytest.raises(BadRequest, match="no better side"):
        say(None)


def test_nearer_to_zero_is_better_for_a_bias():
    bias = Estimates(np.array([-3.0, 0.1]), np.array([-4.0, -1.0]), np.array([-2.0, 1.2]), np.array([50, 50]), "mean")
    size = contrasts.magnitude(bias)
    assert size.value.tolist() == [3.0, 0.1]
    assert size.low.tolist() == [2.0, 0.0]
    assert size.high.tolist() == [4.0, 1.2]
    got = contrasts.difference(contrasts.magnitude(bias), Estimates(*(np.zeros(1),) * 3, np.array([50]), "none"))
    verdict = contrasts.verdicts(got, better="zero", adjusted=contrasts.p_values(got), q=0.05, n_min=30)
    assert list(verdict) == ["worse", "no clear change"]
