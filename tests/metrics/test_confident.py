"""Confident learning's counts and intervals: by hand, against sampling, and where nothing can be said."""

import numpy as np
import pytest
from scipy import stats

from analysis.metrics.confident import concentrated, joint_of, spread, surplus, wrong


def test_shares_by_hand():
    joint = np.array([[90, 10], [5, 15]])
    said = wrong(joint, np.array([300, 100]), np.zeros(3), 0.95)
    assert said.value.tolist() == [0.1, 0.25, pytest.approx(0.75 * 0.1 + 0.25 * 0.25)]
    assert said.n.tolist() == [100, 20, 400]
    assert (said.low[:2], said.high[:2]) == (
        pytest.approx([0.0552, 0.1119], abs=1e-4),
        pytest.approx([0.1744, 0.4687], abs=1e-4),
    )
    wider = wrong(joint, np.array([300, 100]), np.array([0.01, 0.01, 0.01]), 0.95)
    assert (wider.high > said.high).all()
    assert (wider.low < said.low).all()


def test_undefined_says_why():
    nobody = wrong(np.zeros((2, 2)), np.zeros(2), np.zeros(3), 0.95)
    assert np.isnan(nobody.value).all()
    assert list(nobody.reason) == ["no labelled row has scores"] * 3
    unsure = wrong(np.array([[5, 1], [0, 0]]), np.array([10, 10]), np.zeros(3), 0.95)
    assert list(unsure.reason) == [None, *["no row of a class has a confident score"] * 2]
    assert np.isnan(unsure.low[1:]).all()


def test_a_surplus_is_that_of_right_scores():
    random = np.random.default_rng(3)
    p = []
    for _ in range(400):
        s = random.beta(8, 2, 300)
        found = (random.random(300) > s).sum()
        p.append(surplus([found], [(1 - s).sum()], [(s * (1 - s)).sum()], 0.95).p[0])
    assert stats.kstest(p, "uniform").pvalue > 0.001
    assert np.isnan(surplus([1], [2.0], [1.5], 0.95).p[0])
    said = surplus([40], [20.0], [16.0], 0.95)
    assert said.ratio[0] == 2.0
    assert said.p[0] == pytest.approx(2 * stats.norm.sf(5.0))
    assert (said.low[0], said.high[0]) == pytest.approx((2 - 1.959964 * 4 / 20, 2 + 1.959964 * 4 / 20))


def test_concentration_is_the_exact_binomial_test():
    p = concentrated(np.array([30.0, 2.0]), np.array([10.0, 1.0]), np.array([40.0, 68.0]), np.array([60.0, 69.0]))
    below, above = stats.binom.cdf(30, 70, 1 / 7), stats.binom.sf(29, 70, 1 / 7)
    assert p[0] == pytest.approx(2 * min(below, above))
    assert np.isnan(p[1])


@pytest.mark.slow
def test_the_interval_holds_what_many_rows_would_give():
    """Thresholds are estimated from the same rows and move with them."""
    random = np.random.default_rng(11)

    def drawn(n):
        truth = (random.random(n) < 0.3).astype(int)
        score = np.clip(random.normal(0.3 + 0.35 * truth, 0.15), 0.01, 0.99)
        y = np.where(random.random(n) < 0.07, 1 - truth, truth)
        return y, np.column_stack([1 - score, score]), np.ones(n, dtype=bool)

    rows = drawn(2_000_000)
    goal = wrong(joint_of(*rows), np.bincount(rows[0]), np.zeros(3), 0.95).value
    inside = np.zeros(3)
    for _ in range(600):
        rows = drawn(1500)
        said = wrong(joint_of(*rows), np.bincount(rows[0]), spread(*rows), 0.95)
        inside += (said.low <= goal) & (goal <= said.high)
    assert (inside / 600 >= 0.93).all()
    assert (inside / 600 <= 0.97).all()
