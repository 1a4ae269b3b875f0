"""Differences that know units on both sides, and what scores give over random groups of units: against leaving units
out one by one, and by simulation."""

from dataclasses import replace

import numpy as np
import pytest

from analysis.metrics import METRICS, paired, unpaired
from analysis.metrics.clusters import BY_UNIT
from tests.metrics import cubes, pairs


def rows(seed, units=200, size=8, together=1.2):
    """label, two scores, unit, side: rows of a unit share a shift of their odds, and lie on either side."""
    random = np.random.default_rng(seed)
    n = units * size
    unit = np.repeat(np.arange(units), size)
    signal = random.normal(size=n) + 0.6 * np.repeat(random.normal(size=units), size)
    odds = signal + together * np.repeat(random.normal(size=units), size)
    label = (random.random(n) < 1 / (1 + np.exp(-odds))).astype(int)
    other = signal + 0.5 * random.normal(size=n) + 0.3 * np.repeat(random.normal(size=units), size)
    scores = (np.round(1 / (1 + np.exp(-each)), 3) for each in (signal, other))
    return label, *scores, unit, random.integers(0, 2, n)


def cube(label, score, unit, each, keep=slice(None)):
    """A cube with replicates: unit modulo `each`."""

    def made(group=None):
        return cubes.binary_cube(
            label[keep], score[keep], (score[keep] >= 0.5).astype(int), group=None if group is None else group[keep]
        )

    parts = made(unit % each)
    return replace(made(), replicates=parts if len(parts) == each else parts.placed(np.arange(len(parts)), each))


def two_sides(seed, each=None, **shape):
    label, score, _, unit, side = rows(seed, **shape)
    each = each or len(np.unique(unit))
    return [cube(label, score, unit, each, side == place) for place in (0, 1)]


def two_versions(seed, each=None, **shape):
    label, one, two, unit, _ = rows(seed, **shape)
    each = each or len(np.unique(unit))
    return [cube(label, score, unit, each) for score in (one, two)]


def leaving_out(value, unit):
    left = np.array([value(unit != u) for u in np.unique(unit)])
    m = len(left)
    return np.sqrt((m - 1) / m * np.sum((left - left.mean()) ** 2))


def half(got):
    return (got.difference.high[0] - got.difference.low[0]) / 2


OF_DECISIONS = ("accuracy", "precision", "recall", "f1", "mcc", "selection_rate", "informedness")
OF_SCORES = ("roc_auc", "gini", "log_loss", "brier")


def plain_value(name, label, score):
    return METRICS.get(name).estimate(cubes.binary_cube(label, score, (score >= 0.5).astype(int)), 0.95).value[0]


@pytest.mark.parametrize("name", OF_DECISIONS + OF_SCORES)
def test_sides_that_share_units_agree_with_leaving_units_out(name):
    label, score, _, unit, side = rows(3)

    def difference(keep):
        one, two = (plain_value(name, *(each[keep & (side == place)] for each in (label, score))) for place in (0, 1))
        return one - two

    got = unpaired.difference(METRICS.get(name), *two_sides(3))
    assert got.difference.value[0] == pytest.approx(difference(np.ones(len(unit), dtype=bool)), abs=1e-12)
    assert half(got) / 1.972 == pytest.approx(leaving_out(difference, unit), rel=0.04)
    assert BY_UNIT in got.difference.method


@pytest.mark.parametrize("name", [*OF_DECISIONS, *OF_SCORES, "average_precision"])
def test_versions_agree_with_leaving_units_out(name):
    label, one, two, unit, _ = rows(4)

    def difference(keep):
        first, second = (plain_value(name, label[keep], score[keep]) for score in (one, two))
        return first - second

    got = paired.difference(METRICS.get(name), *two_versions(4))
    assert got.difference.value[0] == pytest.approx(difference(np.ones(len(unit), dtype=bool)), abs=1e-12)
    assert half(got) / 1.972 == pytest.approx(leaving_out(difference, unit), rel=0.04)
    assert BY_UNIT in got.difference.method


@pytest.mark.parametrize("name", ["recall", "f1", "roc_auc", "log_loss"])
def test_a_few_hundred_random_groups_serve_many_units(name):
    """The groups are dealt by chance, so the width varies by one part in the root of twice their number: 6 % of 128."""
    single, dealt = (two_sides(5, each, units=2000, size=4) for each in (2000, 128))
    wide, rough = (half(unpaired.difference(METRICS.get(name), *sides)) for sides in (single, dealt))
    assert rough == pytest.approx(wide, rel=0.2)


def test_sides_without_a_shared_unit_are_independent():
    label, score, _, unit, _ = rows(6)
    side = unit % 2
    sides = [cube(label, score, unit, 200, side == place) for place in (0, 1)]
    for name in ("recall", "roc_auc"):
        metric = METRICS.get(name)
        assert np.all(unpaired.together(metric, *sides, 0.95) == 0)
        got = unpaired.difference(metric, *sides)
        a, b = got.first, got.second
        width = np.hypot(a.value - a.low, b.high - b.value)
        assert got.difference.low == pytest.approx(got.difference.value - width)


@pytest.mark.parametrize("name", ["recall", "precision", "f1", "roc_auc", "brier"])
def test_units_of_one_row_each_are_rows(name):
    label, score, _, _, side = rows(7, units=1, size=3000, together=0)
    unit = np.arange(3000)
    sides = [cube(label, score, unit, 3000, side == place) for place in (0, 1)]
    known = unpaired.difference(METRICS.get(name), *sides).difference
    apart = unpaired.difference(METRICS.get(name), *(each.apart() for each in sides)).difference
    np.testing.assert_allclose([known.low, known.high], [apart.low, apart.high], rtol=0.02, atol=2e-4)


@pytest.mark.parametrize("name", ["accuracy", "recall", "roc_auc", "log_loss", "f1"])
def test_pairs_of_units_of_one_row_each_are_pairs_of_rows(name):
    label, one, two, _, _ = rows(8, units=1, size=3000, together=0)
    unit = np.arange(3000)
    known = paired.difference(METRICS.get(name), *(cube(label, s, unit, 3000) for s in (one, two))).difference
    joint = pairs.scores(label, one, two)
    if name in OF_DECISIONS:
        joint = pairs.decisions(label, *((each >= 0.5).astype(int) for each in (one, two)))
    apart = paired.difference(METRICS.get(name), *joint).difference
    np.testing.assert_allclose([known.low, known.high], [apart.low, apart.high], rtol=0.02, atol=2e-4)


def test_equal_versions_do_not_differ():
    label, score, _, unit, _ = rows(9)
    same = cube(label, score, unit, 200)
    for name in ("recall", "roc_auc", "brier"):
        got = paired.difference(METRICS.get(name), same, same)
        assert got.difference.value[0] == 0
        assert got.p[0] == 1


def covered(name, sides, compare, draws, **shape):
    """(share of intervals that hold the true difference, share of those that take rows one by one)."""
    metric, hits = METRICS.get(name), np.zeros(2)
    big = sides(1, 50, units=20_000, size=4)
    truth = compare(metric, *(each.apart() for each in big)).difference.value[0]
    for seed in range(draws):
        made = sides(1000 + seed, **shape)
        for place, both in enumerate((made, [each.apart() for each in made])):
            got = compare(metric, *both).difference
            hits[place] += got.low[0] <= truth <= got.high[0]
    return hits / draws


@pytest.mark.slow
@pytest.mark.parametrize(("units", "size"), [(40, 10), (120, 10)])
@pytest.mark.parametrize("name", ["recall", "precision", "f1", "roc_auc", "log_loss"])
def test_differences_of_sides_that_share_units_cover(name, units, size):
    known, _ = covered(name, two_sides, unpaired.difference, 500, units=units, size=size)
    assert 0.92 <= known <= 0.98


@pytest.mark.slow
@pytest.mark.parametrize(("units", "size"), [(40, 10), (120, 10)])
@pytest.mark.parametrize("name", ["recall", "precision", "f1", "roc_auc", "log_loss", "average_precision"])
def test_differences_of_versions_cover(name, units, size):
    known, _ = covered(name, two_versions, paired.difference, 500, units=units, size=size)
    assert 0.92 <= known <= 0.98


def sides_of_units(seed, each=None, **shape):
    """Every unit wholly on one side, as where customers are compared by region."""
    label, score, _, unit, _ = rows(seed, **shape)
    each = each or len(np.unique(unit))
    return [cube(label, score, unit, each, unit % 2 == place) for place in (0, 1)]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["recall", "roc_auc", "brier"])
def test_where_units_lie_on_one_side_rows_taken_one_by_one_are_too_sure(name):
    known, apart = covered(name, sides_of_units, unpaired.difference, 500, units=80, size=15, together=2.0)
    assert 0.92 <= known <= 0.98
    assert apart < 0.92
