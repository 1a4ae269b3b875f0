"""Intervals that know which rows belong to one unit: against statsmodels, a jackknife, and by simulation."""

from dataclasses import replace

import numpy as np
import pytest
import statsmodels.api as sm

from analysis.metrics import METRICS, clusters
from analysis.metrics.intervals import wilson
from tests.metrics import cubes, oracles


def clustered_scores(seed, units=60, size=12, together=1.0):
    """label, score, unit: the rows of a unit share a shift of their odds that the score does not know."""
    random = np.random.default_rng(seed)
    unit = np.repeat(np.arange(units), size)
    signal = random.normal(size=units * size) + 0.6 * np.repeat(random.normal(size=units), size)
    odds = signal + together * np.repeat(random.normal(size=units), size)
    label = (random.random(units * size) < 1 / (1 + np.exp(-odds))).astype(int)
    return label, 1 / (1 + np.exp(-signal)), unit


def scored_cube(label, score, unit, weight=None):
    cube = cubes.binary_cube(label, score, (score >= 0.5).astype(int), weight)
    p = np.clip(score, 1e-12, 1 - 1e-12)
    terms = {"ll": -np.where(label == 1, np.log(p), np.log1p(-p)), "sq": (score - label) ** 2}
    made = cubes.units(unit, terms, (label, (score >= 0.5).astype(int), 2), (label, score), weight)
    return replace(cube, units=made)


def numbers_cube(seed, units=50, size=10, weighted=False):
    random = np.random.default_rng(seed)
    unit = np.repeat(np.arange(units), size)
    label = random.normal(20, 4, units * size)
    prediction = label + np.repeat(random.normal(0, 1.5, units), size) + random.normal(0.2, 1, units * size)
    weight = random.gamma(2, 1, units * size) if weighted else None
    cube = cubes.regression_cube(label, prediction, weight)
    e, y = prediction - label, label - label.mean()
    terms = {"e": e, "ae": abs(e), "e2": e**2, "y": y, "y2": y**2, "ay": abs(label)}
    return label, prediction, unit, weight, replace(cube, units=cubes.units(unit, terms, weight=weight))


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("name", ["bias", "mae"])
def test_the_variance_of_a_mean_is_that_of_statsmodels(name, weighted):
    label, prediction, unit, weight, cube = numbers_cube(3, weighted=weighted)
    values = prediction - label if name == "bias" else abs(prediction - label)
    model = sm.WLS(values, np.ones_like(values), weights=1.0 if weight is None else weight)
    fit = model.fit(cov_type="cluster", cov_kwds={"groups": unit}, use_t=True)
    got = METRICS.get(name).measure(cube)
    assert got.value[0] == pytest.approx(fit.params[0], rel=1e-12)
    np.testing.assert_allclose([got.low[0], got.high[0]], fit.conf_int()[0], rtol=1e-9)
    assert clusters.BY_UNIT in got.method


@pytest.mark.parametrize("name", ["rmse", "r2", "wape"])
def test_ratios_agree_with_leaving_units_out(name):
    """The jackknife over units is another way to the same variance; they meet as units get many."""
    label, prediction, unit, _, cube = numbers_cube(4, units=400, size=5)
    metric = METRICS.get(name)
    left = [
        metric.estimate(cubes.regression_cube(label[unit != u], prediction[unit != u]), 0.95).value[0]
        for u in np.unique(unit)
    ]
    m = len(left)
    error = np.sqrt((m - 1) / m * np.sum((left - np.mean(left)) ** 2))
    got = metric.measure(cube)
    assert (got.high[0] - got.low[0]) / 2 / 1.966 == pytest.approx(error, rel=0.03)


def test_the_auc_agrees_with_leaving_units_out():
    label, score, unit = clustered_scores(5, units=300, size=6)
    metric = METRICS.get("roc_auc")
    left = [
        metric.estimate(cubes.binary_cube(label[unit != u], score[unit != u]), 0.95).value[0] for u in np.unique(unit)
    ]
    m = len(left)
    error = np.sqrt((m - 1) / m * np.sum((left - np.mean(left)) ** 2))
    got = metric.measure(scored_cube(label, score, unit))
    assert (got.high[0] - got.low[0]) / 2 / 1.968 == pytest.approx(error, rel=0.02)
    assert clusters.BY_UNIT in got.method


@pytest.mark.parametrize("name", ["roc_auc", "log_loss", "brier"])
def test_rows_that_are_units_of_their_own_change_nothing_but_the_quantile(name):
    rows = oracles.take(oracles.binary_rows(6), slice(None))
    keep = (rows["label"] >= 0) & ~np.isnan(rows["score"])
    label, score = rows["label"][keep], rows["score"][keep]
    cube = scored_cube(label, score, np.arange(len(label)))
    metric = METRICS.get(name)
    alone, together = metric.measure(replace(cube, units=None)), metric.measure(cube)
    np.testing.assert_allclose(together.value, alone.value, rtol=1e-12)
    np.testing.assert_allclose([together.low, together.high], [alone.low, alone.high], rtol=5e-3)


COUNTED = (
    *(
        "accuracy",
        "precision",
        "recall",
        "specificity",
        "selection_rate",
        "prevalence",
        "f1",
        "f2",
        "balanced_accuracy",
    ),
    *("mcc", "kappa", "informedness", "lift", "false_positive_rate", "negative_predictive_value"),
)


@pytest.mark.parametrize("name", ["recall", "precision", "accuracy", "selection_rate"])
def test_the_variance_of_a_share_is_that_of_statsmodels(name):
    """Wilson's interval is on an effective n; what the n stands for is the standard error over the shares' rows."""
    label, score, unit = clustered_scores(8)
    decision = (score >= 0.5).astype(int)
    among = {"recall": label == 1, "precision": decision == 1}.get(name, np.ones(len(label), dtype=bool))
    hit = {"accuracy": decision == label, "selection_rate": decision == 1, "precision": label == 1}.get(
        name, decision == 1
    )
    hit = hit[among].astype(float)
    fit = sm.OLS(hit, np.ones_like(hit)).fit(cov_type="cluster", cov_kwds={"groups": unit[among]}, use_t=True)
    cube = scored_cube(label, score, unit)
    got = METRICS.get(name).measure(cube)
    m, p = len(np.unique(unit)), got.value[0]
    variance = fit.cov_params()[0, 0] * (m / (m - 1)) / correction(unit[among])
    size = clusters.share_size(np.array([p]), np.array([variance]), np.array([m]), np.array([among.sum()]), 0.95)
    low, high = wilson(p * size, size, 0.95)
    assert p == pytest.approx(fit.params[0], rel=1e-12)
    np.testing.assert_allclose([got.low[0], got.high[0]], [low[0], high[0]], rtol=1e-9)


def correction(unit):
    m = len(np.unique(unit))
    return m / (m - 1)


@pytest.mark.parametrize("name", COUNTED)
def test_count_metrics_agree_with_leaving_units_out(name):
    label, score, unit = clustered_scores(9, units=200, size=8)
    metric, decision = METRICS.get(name), (score >= 0.5).astype(int)
    left = [
        metric.estimate(cubes.binary_cube(label[unit != u], None, decision[unit != u]), 0.95).value[0]
        for u in np.unique(unit)
    ]
    m = len(left)
    error = np.sqrt((m - 1) / m * np.sum((left - np.mean(left)) ** 2))
    got = metric.measure(scored_cube(label, score, unit))
    apart = metric.measure(cubes.binary_cube(label, None, decision))
    assert (got.high[0] - got.low[0]) / 2 / 1.972 == pytest.approx(error, rel=0.05)
    assert got.value[0] == apart.value[0]
    assert clusters.BY_UNIT in got.method


@pytest.mark.parametrize(
    "name", ["accuracy", "macro_recall", "macro_precision", "macro_f1", "mcc", "weighted_f1", "recall"]
)
def test_class_metrics_agree_with_leaving_units_out(name):
    random = np.random.default_rng(10)
    unit = np.repeat(np.arange(200), 8)
    label = (np.repeat(random.integers(0, 3, 200), 8) + (random.random(1600) < 0.4)) % 3
    decision = np.where(
        random.random(1600) < 0.6 + 0.3 * np.repeat(random.random(200) < 0.5, 8), label, (label + 1) % 3
    )
    metric = METRICS.get(name)

    def cube(keep):
        return cubes.multiclass_cube(label[keep], decision[keep], classes=3)

    left = np.array([metric.estimate(cube(unit != u), 0.95).value for u in np.unique(unit)])
    m = len(left)
    error = np.sqrt((m - 1) / m * np.sum((left - left.mean(axis=0)) ** 2, axis=0))
    whole = replace(cube(slice(None)), units=cubes.units(unit, None, (label, decision, 3)))
    got = metric.measure(whole)
    np.testing.assert_allclose((got.high - got.low) / 2 / 1.972, error, rtol=0.05)


def test_a_group_of_one_unit_has_a_value_and_no_interval():
    label, score, _ = clustered_scores(7, units=4)
    for name in ("brier", "roc_auc", "recall"):
        got = METRICS.get(name).measure(scored_cube(label, score, np.zeros(len(label), dtype=int)))
        assert not np.isnan(got.value[0])
        assert np.isnan(got.low[0])
        assert np.isnan(got.high[0])


def covered(name, draws, units, size):
    """(share of clustered intervals that hold the truth, the same of intervals that take rows one by one)."""
    metric = METRICS.get(name)
    truth = metric.estimate(scored_cube(*clustered_scores(1, 20_000, 1)), 0.95).value[0]
    hits = np.zeros(2)
    for seed in range(draws):
        cube = scored_cube(*clustered_scores(1000 + seed, units, size))
        for place, each in enumerate((cube, replace(cube, units=None))):
            got = metric.measure(each)
            hits[place] += got.low[0] <= truth <= got.high[0]
    return hits / draws


@pytest.mark.slow
@pytest.mark.parametrize(("units", "size"), [(30, 10), (100, 10)])
@pytest.mark.parametrize("name", ["roc_auc", "log_loss", "brier", "recall", "precision", "f1", "mcc", "informedness"])
def test_clustered_intervals_cover(name, units, size):
    clustered, apart = covered(name, 600, units, size)
    assert 0.92 <= clustered <= 0.98
    assert apart < clustered


def test_smoke_of_clustered_intervals():
    clustered, apart = covered("brier", 150, 40, 15)
    assert 0.9 <= clustered <= 0.99
    assert apart < clustered
