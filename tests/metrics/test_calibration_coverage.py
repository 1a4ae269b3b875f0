"""How often the intervals of calibration hold the truth, by simulation."""

import pytest

from analysis.metrics import METRICS
from tests.metrics import simulate
from tests.metrics.test_coverage import KINDS, coverage, truth

CONSERVATIVE = ("mce", "brier_reliability", "brier_resolution")
LEVEL = ("calibration_in_the_large", "calibration_slope", "calibration_intercept", "brier_uncertainty")
EVERY_KIND = pytest.mark.parametrize("kind", KINDS)
EVERY_SIZE = pytest.mark.parametrize("n", [50, 200, 1000, 5000])


def held(name, kind, n, draws=2000):
    population = simulate.scores(0, 0, 0, **KINDS[kind])
    return coverage(name, simulate.scores(n, draws, n, **KINDS[kind]), truth(name, population))


@pytest.mark.slow
@EVERY_SIZE
@EVERY_KIND
@pytest.mark.parametrize("name", CONSERVATIVE)
def test_what_is_squared_or_largest_is_rather_too_wide(name, kind, n):
    assert held(name, kind, n) >= 0.94


@pytest.mark.slow
@EVERY_SIZE
@EVERY_KIND
@pytest.mark.parametrize("name", LEVEL)
def test_the_others_keep_their_level(name, kind, n):
    """At 50 rows few positives or a strong model leave too little to see, as each method says."""
    low = {50: 0.80 if kind in ("rare", "strong") else 0.93, 200: 0.925}.get(n, 0.93)
    assert low <= held(name, kind, n) <= (0.985 if n <= 200 else 0.97)


@pytest.mark.slow
@EVERY_KIND
@pytest.mark.parametrize("n", [200, 1000, 5000])
def test_what_happens_inside_the_bins_keeps_its_level_from_a_thousand_rows_on(kind, n):
    assert (0.86 if n == 200 else 0.93) <= held("brier_remainder", kind, n) <= 0.975


@pytest.mark.parametrize("name", [*CONSERVATIVE, *LEVEL, "brier_remainder"])
def test_smoke(name):
    got = held(name, "sure", 600, draws=1500)
    assert got >= (0.95 if name in CONSERVATIVE else 0.915)
    assert got <= 0.985 or name in CONSERVATIVE
    assert name in METRICS
