"""Intervals against statsmodels, scipy and published examples."""

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.proportion import proportion_confint
from statsmodels.stats.weightstats import DescrStatsW

from analysis.core.errors import BadRequest
from analysis.metrics import METRICS, intervals
from tests.metrics import cubes, oracles


@pytest.mark.parametrize(("k", "n"), [(0, 5), (5, 5), (1, 3), (81, 263), (15, 148), (29, 29), (123_456, 9_000_000)])
@pytest.mark.parametrize("level", [0.8, 0.95, 0.999])
def test_wilson_is_that_of_statsmodels(k, n, level):
    got = intervals.wilson(np.array([k]), np.array([n]), level)
    np.testing.assert_allclose(np.ravel(got), proportion_confint(k, n, 1 - level, "wilson"), rtol=1e-10, atol=1e-15)


def test_wilson_of_newcombes_table():
    """Newcombe 1998 (Statistics in Medicine 17:857), table I, method 3."""
    got = intervals.wilson(np.array([81, 15, 0, 1]), np.array([263, 148, 20, 29]), 0.95)
    np.testing.assert_allclose(got[0], [0.2553, 0.0624, 0.0, 0.0061], atol=5e-5)
    np.testing.assert_allclose(got[1], [0.3662, 0.1605, 0.1611, 0.1718], atol=5e-5)


def test_wilson_without_trials_is_nan():
    assert np.isnan(intervals.wilson(np.array([0.0]), np.array([0.0]), 0.95)).all()


@pytest.mark.parametrize("level", [0.0, 1.0, 95, -0.1])
def test_a_level_outside_0_to_1_is_refused(level):
    with pytest.raises(BadRequest, match="between 0 and 1"):
        intervals.z_value(level)
    with pytest.raises(BadRequest, match="between 0 and 1"):
        METRICS.get("accuracy").estimate(oracles.cube("binary", oracles.binary_rows(1)), level)


def test_a_mean_has_students_interval():
    rows = oracles.binary_rows(2)
    kept = oracles.take(rows, (rows["label"] >= 0) & ~np.isnan(rows["score"]))
    loss = (kept["score"] - kept["label"]) ** 2
    got = METRICS.get("brier").estimate(oracles.cube("binary", rows), 0.9)[0]
    expected = stats.t.interval(0.9, len(loss) - 1, loss.mean(), stats.sem(loss))
    np.testing.assert_allclose([got.low, got.high], expected, rtol=1e-10)


def linearised(values, w, mean):
    n = len(values)
    return np.sum((w * (values - mean)) ** 2) / w.sum() ** 2 * n / (n - 1)


def test_a_weighted_mean_is_linearised():
    rows = oracles.take(oracles.regression_rows(3, True), np.arange(200))
    kept = oracles.take(rows, ~np.isnan(rows["label"] + rows["prediction"]))
    ae, w = np.abs(kept["label"] - kept["prediction"]), kept["weight"]
    mean = DescrStatsW(ae, w).mean
    half = stats.t.ppf(0.975, w.sum() ** 2 / np.sum(w**2) - 1) * np.sqrt(linearised(ae, w, mean))
    got = METRICS.get("mae").estimate(oracles.cube("regression", rows), 0.95)[0]
    np.testing.assert_allclose([got.low, got.high], [mean - half, mean + half], rtol=1e-10)


def test_weighted_proportions_use_the_effective_n():
    rows = oracles.binary_rows(4, True)
    kept = oracles.take(rows, (rows["label"] == 1) & (rows["decision"] >= 0))
    w = kept["weight"]
    size = w.sum() ** 2 / np.sum(w**2)
    got = METRICS.get("recall").estimate(oracles.cube("binary", rows), 0.95)[0]
    expected = proportion_confint(got.value * size, size, 0.05, "wilson")
    np.testing.assert_allclose([got.low, got.high], expected, rtol=1e-10)
    assert got.n == len(w)
    assert "effective" in got.method


def influence(function, rows, w):
    """Variance of a weighted statistic, each row's weight moved a little: an oracle of the delta method."""
    base, parts = function(w), []
    for row in range(len(w)):
        moved = w.copy()
        moved[row] += 1e-5
        parts.append((function(moved) - base) / 1e-5 * w[row])
    return np.sum(np.square(parts)) * len(w) / (len(w) - 1)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(
    ("name", "task", "scale", "student"),
    [
        ("mcc", "binary", np.arctanh, False),
        ("mcc", "multiclass", np.arctanh, False),
        ("kappa", "multiclass", np.arctanh, False),
        ("macro_f1", "multiclass", lambda v: np.log(v / (1 - v)), False),
        ("rmse", "regression", np.log, True),
        ("r2", "regression", lambda v: np.log(1 - v), True),
        ("wape", "regression", lambda v: v, True),
    ],
)
def test_the_delta_method_finds_the_variance(name, task, scale, student, weighted):
    rows = oracles.take(oracles.ROWS[task](5, weighted), np.arange(160))
    known = rows["decision" if "decision" in rows else "prediction"]
    keep = (rows["label"] >= 0) & (known >= 0) if task != "regression" else ~np.isnan(rows["label"] + known)
    rows = oracles.take(rows, keep)
    w = rows["weight"] if weighted else np.ones(keep.sum())
    variance = influence(lambda moved: scale(oracles.ORACLES[name]({**rows, "weight": moved})), rows, w)
    got = METRICS.get(name).estimate(oracles.cube(task, rows), 0.95)[0]
    quantile = stats.t.ppf(0.975, w.sum() ** 2 / np.sum(w**2) - 1) if student else stats.norm.ppf(0.975)
    ends = sorted(scale(np.array([got.low, got.high])))
    middle = scale(got.value)
    np.testing.assert_allclose([middle - ends[0], ends[1] - middle], quantile * np.sqrt(variance), rtol=1e-3)


@pytest.mark.parametrize("n", [6, 7, 20, 101, 1000, 30_000])
@pytest.mark.parametrize("quantile", [0.5, 0.9])
def test_order_ranks_hold_the_level_and_not_more_than_needed(n, quantile):
    low, high = (int(each[0]) for each in intervals.order_ranks(np.array([n]), 0.95, quantile))
    if low == 0:
        assert stats.binom.cdf(0, n, quantile) > 0.025 or stats.binom.sf(n - 1, n, quantile) > 0.025
        return
    below = stats.binom(n, quantile)
    assert below.cdf(low - 1) <= 0.025 < below.cdf(low)
    assert below.sf(high - 1) <= 0.025 < below.sf(high - 2)


def test_a_median_has_its_order_statistics_for_ends():
    rows = oracles.regression_rows(6, n=60)
    kept = oracles.take(rows, ~np.isnan(rows["label"] + rows["prediction"]))
    ordered = np.sort(np.abs(kept["label"] - kept["prediction"]))
    low, high = (int(each[0]) for each in intervals.order_ranks(np.array([len(ordered)]), 0.95))
    exact = METRICS.get("median_ae").estimate(oracles.cube("regression", rows), 0.95)[0]
    assert (exact.low, exact.high) == (ordered[low - 1], ordered[high - 1])
    coarse = METRICS.get("median_ae").estimate(oracles.cube("regression", rows, limit=10), 0.95)[0]
    assert coarse.low <= exact.low
    assert coarse.high >= exact.high
    assert coarse.value == exact.value


@pytest.mark.parametrize(("auc", "m", "n"), [(1.0, 10, 20), (0.0, 10, 20), (0.8, 30, 40), (0.5, 5, 5)])
def test_the_score_type_interval_solves_its_equation(auc, m, n):
    def gap(a):
        spread = 1 + ((m + n) / 2 - 1) * ((1 - a) / (2 - a) + a / (1 + a))
        return abs(auc - a) - stats.norm.ppf(0.975) * np.sqrt(a * (1 - a) * spread / (m * n))

    low, high = (float(end[0]) for end in intervals.mann_whitney(np.array([auc]), np.array([m]), np.array([n]), 0.95))
    assert low == 0.0 if auc == 0 else gap(low) == pytest.approx(0, abs=1e-9)
    assert high == 1.0 if auc == 1 else gap(high) == pytest.approx(0, abs=1e-9)
    assert low < high


def test_mover_of_a_mean_of_two_is_half_that_of_a_sum():
    """Balanced accuracy: the interval of the sum of two independent proportions is that of p1 - (1 - p2)."""
    from statsmodels.stats.proportion import confint_proportions_2indep

    label, decision = (
        np.repeat([0, 1], [80, 40]),
        np.concatenate([np.repeat([0, 1], [62, 18]), np.repeat([0, 1], [9, 31])]),
    )
    got = METRICS.get("balanced_accuracy").estimate(cubes.binary_cube(label, None, decision), 0.95)[0]
    low, high = confint_proportions_2indep(31, 40, 18, 80, method="newcomb", compare="diff", alpha=0.05)
    np.testing.assert_allclose([got.low, got.high], [(low + 1) / 2, (high + 1) / 2], rtol=1e-6)


def test_f1_has_the_interval_of_its_proportion():
    rows = oracles.binary_rows(7)
    kept = oracles.take(rows, (rows["label"] >= 0) & (rows["decision"] >= 0))
    right = np.sum((kept["label"] == 1) & (kept["decision"] == 1))
    touched = np.sum((kept["label"] == 1) | (kept["decision"] == 1))
    low, high = proportion_confint(right, touched, 0.05, "wilson")
    got = METRICS.get("f1").estimate(oracles.cube("binary", rows), 0.95)[0]
    np.testing.assert_allclose([got.low, got.high], [2 * low / (1 + low), 2 * high / (1 + high)], rtol=1e-10)
    assert got.n == touched
