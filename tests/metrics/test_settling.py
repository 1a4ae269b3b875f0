"""Settling and trust: what repeats settle, and what the checks of an explanation add up to."""

import numpy as np
import pytest
from scipy import stats

from analysis.metrics import trusting
from analysis.metrics.settling import settling
from analysis.metrics.trusting import CANNOT, CARE, CLEAR, FOUND, GOOD, OPEN, Check, grade

USUAL = {"looks": 1, "wrong": 0.01, "negligible": 0.02}


def repeats(means, spread=0.01, n=8, seed=0):
    return np.array(means) + spread * np.random.default_rng(seed).normal(size=(n, len(means)))


def test_the_interval_and_p_are_those_of_scipy():
    weights = repeats([0.3, -0.2, 0.01])
    found = settling(weights, **USUAL)
    ends = stats.t.interval(0.95, 7, weights.mean(axis=0), stats.sem(weights, axis=0))
    np.testing.assert_allclose([found.low, found.high], ends)
    p = stats.ttest_1samp(weights, 0).pvalue
    np.testing.assert_allclose(found.adjusted, stats.false_discovery_control(p), rtol=1e-9)
    looked = settling(weights, **{**USUAL, "looks": 20})
    np.testing.assert_allclose(looked.adjusted, np.minimum(20 * found.adjusted, 1))


def test_a_weight_is_settled_negligible_or_neither():
    found = settling(repeats([0.9, -0.4, 0.0, 0.02], 0.003), **USUAL)
    assert found.settled.tolist()[:3] == [True, True, False]
    assert found.negligible.tolist() == [False, False, True, False]
    wide = settling(repeats([0.9, 0.0], 0.2), **USUAL)
    assert not wide.settled[1]
    assert not wide.negligible[1]
    assert not wide.enough


def test_what_leads_is_settled_only_where_it_is_apart():
    apart = settling(repeats([9, 8, 7, 6, 5, 1, 1]), **USUAL)
    assert (apart.leading, apart.ordered, apart.order[:5].tolist()) == (True, True, [0, 1, 2, 3, 4])
    tied = settling(repeats([9, 8, 7, 6, 1, 1.001]), **USUAL)
    assert not tied.leading
    order = settling(repeats([9, 8.999, 7, 6, 5, 1]), **USUAL)
    assert (order.leading, order.ordered) == (True, False)
    two = settling(repeats([1, -2]), **USUAL)
    assert (two.top, two.leading, two.order.tolist()) == (2, True, [1, 0])


def test_few_repeats_settle_nothing_and_equal_ones_everything():
    once = settling(repeats([1, 2], n=2), **USUAL)
    assert not once.settled.any()
    assert np.isnan(once.low).all()
    same = settling(np.tile([0.5, 0.0, -0.2], (4, 1)), **USUAL)
    assert same.settled.tolist() == [True, False, True]
    assert same.enough
    nothing = settling(np.zeros((4, 3)), **USUAL)
    assert not nothing.settled.any()
    assert not nothing.leading


def test_signs_settle_wrongly_as_rarely_as_promised():
    random, wrong = np.random.default_rng(5), 0
    for _ in range(400):
        wrong += int(settling(random.normal(size=(8, 10)), **USUAL).settled.any())
    assert wrong <= 400 * 0.01 + 3 * np.sqrt(400 * 0.01)


def test_the_grade_is_that_of_the_worst_check():
    clear, doubt = (Check("E01", "x", outcome, None, None, outcome) for outcome in (CLEAR, FOUND))
    hopeless = Check("E01", "x", FOUND, None, None, "no shape", True)
    assert grade([clear], 4)[0] == GOOD
    assert grade([clear], 1) == (OPEN, [])
    assert grade([clear, doubt], 4) == (CARE, ["found"])
    assert grade([doubt, hopeless], 1) == (CANNOT, ["no shape"])


@pytest.mark.parametrize(
    ("fit", "outcome", "hopeless"), [(0.7, CLEAR, False), (0.4, FOUND, False), (0.05, FOUND, True)]
)
def test_the_local_fit_is_judged_in_three_steps(fit, outcome, hopeless):
    said = trusting.local_fit(fit, 5000)
    assert (said.outcome, said.hopeless) == (outcome, hopeless)


def test_ranks_go_together_as_scipy_has_it():
    one, other = np.random.default_rng(2).integers(0, 6, (2, 12)).astype(float)
    assert trusting.ranks_alike(one, other) == pytest.approx(stats.spearmanr(one, other).statistic)


def test_occlusion_agrees_by_sign_and_leaves_out_what_does_not_move():
    order = np.array([0, 1, 2, 3])
    said = trusting.occlusion(np.array([0.3, -0.2, 0.0, 0.1]), np.array([0.2, -0.1, 0.0, -0.1]), order, 4)
    assert (said.outcome, said.n, said.value) == (FOUND, 3, pytest.approx(2 / 3))
    still = trusting.occlusion(np.zeros(2), np.zeros(2), order[:2], 2)
    assert still.outcome == "not applicable"
