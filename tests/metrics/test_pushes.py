"""Pushes: means and differences against scipy and statsmodels; representative rows against the lime package."""

import numpy as np
import pytest
from scipy import stats

from analysis.metrics import pushes, submodular

RANDOM = np.random.default_rng(11)


def test_means_and_differences_are_students_and_welchs():
    here, there = RANDOM.normal(0.3, 1, (40, 3)) ** 3, RANDOM.normal(0, 2, (55, 3))
    one = pushes.mean(here)
    test = stats.ttest_1samp(here, 0)
    ends = test.confidence_interval(0.95)
    assert one.value == pytest.approx(here.mean(axis=0), abs=1e-12)
    assert one.p == pytest.approx(test.pvalue, abs=1e-12)
    assert one.low == pytest.approx(ends.low, abs=1e-12)
    assert one.high == pytest.approx(ends.high, abs=1e-12)
    both = pushes.difference(here, there)
    welch = stats.ttest_ind(here, there, equal_var=False)
    ends = welch.confidence_interval(0.95)
    assert both.p == pytest.approx(welch.pvalue, abs=1e-12)
    assert both.low == pytest.approx(ends.low, abs=1e-12)
    assert both.high == pytest.approx(ends.high, abs=1e-12)
    assert (one.sampled, both.sampled) == (40, 40)


def test_rows_of_a_unit_count_together():
    import statsmodels.api as sm

    units = np.repeat([f"u{at}" for at in range(25)], 4)
    values = RANDOM.normal(size=(100, 2)) + np.repeat(RANDOM.normal(size=(25, 2)), 4, axis=0)
    found = pushes.mean(values, units)
    side = np.tile([True, True, False, False], 25)  # every unit is on both sides
    apart = pushes.difference(values[side], values[~side], units[side], units[~side])
    codes = np.unique(units, return_inverse=True)[1]
    for at in range(2):
        fitted = sm.OLS(values[:, at], np.ones(100)).fit(cov_type="cluster", cov_kwds={"groups": codes}, use_t=True)
        raised = np.sqrt(99 / 100)  # statsmodels also corrects for the number of rows: n - 1 over n - parameters is 1
        assert (found.high - found.value)[at] == pytest.approx(
            stats.t.ppf(0.975, 24) * float(fitted.bse[0]) * raised / np.sqrt(99 / 100), rel=1e-9
        )
        design = np.column_stack([np.ones(100), side])
        told = sm.OLS(values[:, at], design).fit(cov_type="cluster", cov_kwds={"groups": codes}, use_t=True)
        raised = np.sqrt(98 / 99)
        assert (apart.high - apart.value)[at] == pytest.approx(
            stats.t.ppf(0.975, 24) * float(told.bse[1]) * raised, rel=1e-9
        )
    assert found.sampled == apart.sampled == 25
    alone = np.array([f"r{at}" for at in range(100)])
    assert pushes.mean(values, alone).p == pytest.approx(pushes.mean(values).p, abs=1e-12)


def test_too_few_rows_and_rows_that_do_not_vary():
    nothing = pushes.mean(np.empty((0, 2)))
    assert np.isnan(nothing.value).all()
    single = pushes.mean(np.array([[1.0, 0.0]]))
    assert single.value.tolist() == [1.0, 0.0]
    assert np.isnan(single.low).all()
    assert np.isnan(single.p).all()
    flat = pushes.difference(np.tile([1.0, 0.5], (40, 1)), np.tile([1.0, 0.25], (40, 1)))
    assert flat.p.tolist() == [1.0, 0.0]
    assert np.isnan(pushes.difference(np.ones((3, 1)), np.empty((0, 1))).p).all()


class _Told:
    """An explanation as lime's submodular pick reads it."""

    mode = "regression"

    def __init__(self, weights):
        self.weights = weights

    def as_list(self, label):
        return [(str(at), float(self.weights[at])) for at in np.flatnonzero(self.weights)]


def test_representative_rows_are_those_lime_picks(monkeypatch):
    from lime.submodular_pick import SubmodularPick

    for seed in range(20):
        weights = submodular.sparse(np.random.default_rng(seed).normal(size=(30, 9)), 3)
        assert ((weights != 0).sum(axis=1) == 3).all()
        told = iter([_Told(row) for row in weights])

        class Explainer:
            def explain_instance(self, row, predict, told=told, **_):
                return next(told)

        found = submodular.picked(weights, 5)
        by_lime = SubmodularPick(
            Explainer(), np.zeros((30, 9)), None, method="full", num_features=3, num_exps_desired=len(found)
        )
        worth = np.sqrt(np.abs(weights).sum(axis=0))
        for count in range(1, len(found) + 1):  # of rows that cover as much, it takes another
            ours, its = ((weights[each[:count]] != 0).any(axis=0) @ worth for each in (found, by_lime.V))
            assert ours == pytest.approx(its, rel=1e-12)
        covered = (weights[found] != 0).any(axis=0)
        assert len(found) == 5 or covered.all()
    assert submodular.picked(np.zeros((4, 2)), 3) == []
