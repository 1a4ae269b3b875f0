"""Expected: the limits of suggested rules against scipy, and how often chance alone breaks them."""

import numpy as np
import pytest
from scipy import stats

from analysis.metrics.expected import most_expected, most_off

ALARM = 0.001


@pytest.mark.parametrize(("k", "n", "m"), [(0, 500, 500), (3, 500, 200), (250, 500, 1000), (500, 500, 7), (0, 1, 1)])
def test_the_limit_is_scipys_beta_binomial(k, n, m):
    assert most_expected(k, n, m) == stats.betabinom.ppf(1 - ALARM, m, k + 0.5, n - k + 0.5) / m


def test_without_a_reference_everything_is_expected():
    assert most_expected(0, 0, 10) == 1.0
    assert most_off(np.zeros(3), 10) == 1.0


@pytest.mark.parametrize("p", [0.0005, 0.02, 0.4])
def test_a_share_of_the_same_source_rarely_breaks_its_limit(p):
    random, draws, n, m = np.random.default_rng(3), 20_000, 3000, 700
    limits = {k: most_expected(k, n, m) for k in range(n + 1) if stats.binom.pmf(k, n, p) > 1e-9}
    k = random.binomial(n, p, draws)
    broken = np.mean([random.binomial(m, p) / m > limits[int(each)] for each in k])
    assert broken <= ALARM + 3 * np.sqrt(ALARM / draws)


@pytest.mark.parametrize(("n", "m", "bins"), [(3000, 700, 20), (400, 400, 4)])
def test_a_distribution_of_the_same_source_rarely_breaks_its_limit(n, m, bins):
    random, tables = np.random.default_rng(4), 40
    broken = []
    for seed in range(tables):
        p = random.dirichlet(np.full(bins, 2.0))
        sizes = random.multinomial(n, p).astype(float)
        limit = most_off(sizes, m, seed=seed, draws=1000)
        off = np.abs(random.multinomial(m, p, 500) / m - sizes / n).sum(axis=1) / 2
        broken.append(np.mean(off > limit))
        moved = np.roll(p, 1)
        assert np.abs(moved - p).sum() / 2 < 0.15 or np.abs(moved - sizes / n).sum() / 2 > limit
    assert np.mean(broken) <= 5 * ALARM
