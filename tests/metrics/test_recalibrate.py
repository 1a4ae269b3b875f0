"""Fits against scikit-learn and scipy on the rows themselves, and what they change against paired rows."""

import numpy as np
import pytest
import statsmodels.api as sm
from scipy import optimize, stats
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

from analysis.core.mapping import Mapping
from analysis.metrics import METRICS, logistic, recalibrate
from tests.metrics.cubes import binary_cube

METHODS = ("platt", "isotonic", "beta")


def rows(seed, n=1500, weighted=False, digits=2, power=1.4):
    """Labels that scores of two decimals are too sure of."""
    random = np.random.default_rng(seed)
    s = np.round(random.beta(1.2, 2.2, n), digits)
    y = (random.random(n) < np.clip(s, 0.02, 0.98) ** power).astype(int)
    return y, s, random.gamma(2, 1, n) if weighted else None


def odds(s):
    s = np.clip(s, 1e-6, 1 - 1e-6)
    return np.log(s / (1 - s))


def fitted(method, y, s, w=None):
    fit = recalibrate.fitted(method, binary_cube(y, s, weight=w), "m")
    assert fit.reason is None
    assert fit.n == len(y)
    return fit.mapping


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_platt_is_logistic_regression(seed, weighted):
    y, s, w = rows(seed, weighted=weighted)
    got = dict(fitted("platt", y, s, w).parameters)
    theirs = LogisticRegression(C=np.inf, tol=1e-12, max_iter=10_000, solver="newton-cholesky")
    theirs.fit(odds(s)[:, None], y, sample_weight=w)
    assert got["slope"] == pytest.approx(theirs.coef_[0, 0], rel=1e-8)
    assert got["intercept"] == pytest.approx(theirs.intercept_[0], rel=1e-8)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_isotonic_is_scikit_learns(seed, weighted):
    y, s, w = rows(seed, weighted=weighted)
    theirs = IsotonicRegression(out_of_bounds="clip").fit(s, y, sample_weight=w)
    at = np.concatenate([np.linspace(-0.1, 1.1, 777), s])
    np.testing.assert_allclose(fitted("isotonic", y, s, w).apply(at), theirs.predict(at), rtol=1e-9, atol=1e-12)


def beta_by_scipy(y, s, w):
    """The likeliest beta calibration with neither weight below 0."""
    s = np.clip(s, 1e-6, 1 - 1e-6)
    design = np.column_stack([np.ones(len(s)), np.log(s), -np.log1p(-s)])

    def loss(c):
        line = design @ c
        p = 1 / (1 + np.exp(-line))
        return np.sum(w * np.where(y == 1, np.logaddexp(0, -line), np.logaddexp(0, line))), design.T @ (w * (p - y))

    bounds = [(None, None), (0, None), (0, None)]
    options = {"ftol": 1e-15, "gtol": 1e-10, "maxiter": 10_000}
    return optimize.minimize(loss, [0, 1, 1], jac=True, bounds=bounds, method="L-BFGS-B", options=options)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("power", [0.4, 1.4, 3.0])
def test_beta_is_the_likeliest_with_weights_not_below_0(power, weighted):
    y, s, w = rows(7, weighted=weighted, power=power)
    weight = np.ones(len(y)) if w is None else w
    theirs = beta_by_scipy(y, s, weight)
    mapping = fitted("beta", y, s, w)
    p = mapping.apply(s)
    ours = -np.sum(weight * np.where(y == 1, np.log(p), np.log1p(-p)))
    assert ours <= theirs.fun * (1 + 1e-9)
    np.testing.assert_allclose([value for _, value in mapping.parameters], theirs.x, rtol=2e-3, atol=2e-3)


def test_beta_drops_a_term_that_would_fall():
    random = np.random.default_rng(11)
    s = np.round(random.beta(1, 1, 4000), 2)
    y = (random.random(4000) < 0.1 + 0.8 * (s > 0.9)).astype(int)  # rises only near 1
    given = dict(fitted("beta", y, s).parameters)
    theirs = beta_by_scipy(y, s, np.ones(4000))
    assert given["rise"] == 0.0
    assert theirs.x[1] == pytest.approx(0, abs=1e-6)
    assert given["fall"] == pytest.approx(theirs.x[2], rel=1e-3)


@pytest.mark.parametrize("method", ["platt", "isotonic"])
def test_scores_that_are_no_probabilities_become_such(method):
    y, s, _ = rows(5)
    margin = 40 * (s - 0.4)
    mapping = fitted(method, y, margin)
    cube = recalibrate.mapped(binary_cube(y, margin), mapping)
    assert METRICS.get("calibration_in_the_large").measure(cube).value[0] == pytest.approx(0, abs=1e-9)
    if method == "platt":
        model = sm.GLM(y, sm.add_constant(margin), family=sm.families.Binomial()).fit(tol=1e-14)
        np.testing.assert_allclose([value for _, value in mapping.parameters], model.params, rtol=1e-8)


def test_what_cannot_be_fitted_is_said():
    y, s, _ = rows(6)
    backwards = binary_cube(y, 1 - s)
    for method in METHODS:
        assert "wrong way round" in recalibrate.fitted(method, backwards, "m").reason
    apart = binary_cube(np.repeat([0, 1], 50), np.repeat([0.2, 0.8], 50))
    assert "separates" in recalibrate.fitted("platt", apart, "m").reason
    assert "separates" in recalibrate.fitted("beta", apart, "m").reason
    steps = recalibrate.fitted("isotonic", apart, "m").mapping
    np.testing.assert_allclose(steps.apply(np.array([0.2, 0.5, 0.8])), [0, 0.5, 1], rtol=1e-12)
    few = binary_cube(np.repeat([0, 1], [80, 29]), np.linspace(0, 1, 109))
    assert "29 rows" in recalibrate.fitted("platt", few, "m").reason
    outside = binary_cube(y, s + 0.5)
    assert "no probabilities" in recalibrate.fitted("beta", outside, "m").reason


def test_a_perfect_fit_has_slope_1_and_nothing_left_on_average():
    y, s, w = rows(8, weighted=True)
    s = np.clip(s, 0.01, 0.99)
    after = recalibrate.mapped(binary_cube(y, s, weight=w), fitted("platt", y, s, w))
    assert METRICS.get("calibration_slope").measure(after).value[0] == pytest.approx(1, rel=1e-9)
    assert METRICS.get("calibration_intercept").measure(after).value[0] == pytest.approx(0, abs=1e-9)
    assert METRICS.get("calibration_in_the_large").measure(after).value[0] == pytest.approx(0, abs=1e-12)


def row_losses(kind, y, p):
    p = np.clip(p, np.finfo(float).eps, 1 - np.finfo(float).eps)
    return (y - p) ** 2 if kind == "brier" else -np.where(y == 1, np.log(p), np.log1p(-p))


@pytest.mark.parametrize("kind", ["log_loss", "brier"])
@pytest.mark.parametrize("method", METHODS)
def test_a_change_is_the_paired_one_of_the_rows(kind, method):
    y, s, _ = rows(9)
    mapping = fitted(method, *rows(10)[:2])
    before = binary_cube(y, s)
    after = recalibrate.mapped(before, mapping)
    apart = row_losses(kind, y, mapping.apply(s)) - row_losses(kind, y, s)
    got = recalibrate.loss_change(kind, before, after, 0.95)[0]
    ends = stats.ttest_1samp(apart, 0).confidence_interval(0.95)
    assert got.value == pytest.approx(apart.mean(), rel=1e-9)
    assert (got.low, got.high) == (pytest.approx(ends.low, rel=1e-9), pytest.approx(ends.high, rel=1e-9))
    whole = recalibrate.mean_loss(kind, before, 0.95)[0]
    known = METRICS.get(kind).measure(before)[0]
    for part in ("value", "low", "high"):
        assert getattr(whole, part) == pytest.approx(getattr(known, part), rel=1e-9)


@pytest.mark.parametrize("kind", ["log_loss", "brier"])
def test_codes_of_many_values_stay_within_the_bound(kind):
    random = np.random.default_rng(12)
    s = random.beta(2, 3, 4000)
    y = (random.random(4000) < s**1.4).astype(int)
    mapping = Mapping("platt", (("intercept", -0.3), ("slope", 1.2)))
    exact, coarse = (binary_cube(y, s, limit=limit) for limit in (8192, 60))
    for measure in (
        lambda cube: recalibrate.mean_loss(kind, recalibrate.mapped(cube, mapping), 0.95),
        lambda cube: recalibrate.loss_change(kind, cube, recalibrate.mapped(cube, mapping), 0.95),
    ):
        one, two = measure(exact), measure(coarse)
        assert one.bound[0] == 0
        assert 0 < abs(one.value[0] - two.value[0]) <= two.bound[0]


def test_spiegelhalters_z_is_that_of_the_rows():
    y, s, _ = rows(13)
    z, p = recalibrate.spiegelhalter(binary_cube(y, s))
    expected = np.sum((y - s) * (1 - 2 * s)) / np.sqrt(np.sum((1 - 2 * s) ** 2 * s * (1 - s)))
    assert z.value[0] == pytest.approx(expected, rel=1e-12)
    assert p.value[0] == pytest.approx(2 * stats.norm.sf(abs(expected)), rel=1e-9)
    weighted = recalibrate.spiegelhalter(binary_cube(y, s, weight=np.ones(len(y))))[0]
    assert "weights" in weighted.reason[0]
    flat = recalibrate.spiegelhalter(binary_cube(y, np.full(len(y), 0.5)))[0]
    assert "one half" in flat.reason[0]


def test_spiegelhalters_test_alarms_one_time_in_twenty_on_calibrated_scores_and_mostly_on_others():
    random = np.random.default_rng(14)
    s = np.round(random.beta(1.5, 2.5, (1500, 400)), 2)
    group = np.repeat(np.arange(1500), 400)

    def share(chance):
        y = (random.random(s.shape) < chance).astype(int)
        return np.mean(recalibrate.spiegelhalter(binary_cube(y.ravel(), s.ravel(), group=group))[1].value < 0.05)

    assert 0.035 <= share(s) <= 0.065
    assert share(np.where(s > 0.5, s - 0.15, s + 0.05)) > 0.5


def test_groups_are_fitted_as_if_alone_and_one_without_a_fit_spoils_none():
    y, s, w = rows(15, weighted=True)
    group = np.arange(len(y)) % 4
    y = np.where(group == 2, 1, y)
    x = odds(np.unique(s))
    cells = np.zeros((2, 4, len(x)))
    np.add.at(cells, (y, group, np.searchsorted(np.unique(s), s)), w)
    got = logistic.fit(np.column_stack([np.ones(len(x)), x]), *cells).coefficients
    assert np.isnan(got[2]).all()
    for k in (0, 1, 3):
        mine = group == k
        model = sm.GLM(y[mine], sm.add_constant(odds(s[mine])), family=sm.families.Binomial(), freq_weights=w[mine])
        np.testing.assert_allclose(got[k], model.fit(tol=1e-15).params, rtol=1e-9)
