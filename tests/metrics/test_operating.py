"""Thresholds on cubes: decisions counted by hand, values and gains against the rows, their intervals by simulation."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from analysis.core.cube import Amounts
from analysis.core.cutoffs import Band, ByGroup
from analysis.core.errors import BadRequest
from analysis.core.goal import read_goal
from analysis.core.policy import Policy, named
from analysis.core.value import Values, read_values
from analysis.metrics import METRICS, choosing, operating, worth
from analysis.metrics.tradeoffs import sought
from tests.metrics import cubes

VALUES = read_values("tp=10,fp=-4,tn=0.5", "tp=0.2,fn=-0.6")


def drawn(random, size, weighted=False, missing=True):
    y = (random.random(size) < 0.3).astype(int)
    s = np.round(np.clip(random.beta(2, 3, size) + 0.25 * y, 0, 1), 3)
    a = random.gamma(2, 20, size) * (1 + y)
    if missing:
        y = np.where(random.random(size) < 0.1, -1, y)
    return y, s, a, random.gamma(3, 1, size) if weighted else None


def priced(y, s, a, w=None, group=None):
    """A cube with histogram and amounts; nan amounts are missing."""
    cube = cubes.binary_cube(y, score=s, weight=w, group=group)
    code, low, _ = cubes.codes(s)
    ids, groups = cubes._groups(group, len(y))
    index, shape = (ids, np.where(y < 0, 2, y), code), (groups, 3, len(low))
    weight, known = np.ones(len(y)) if w is None else w, ~np.isnan(a)
    held = np.where(known, a, 0.0)

    def count(values):
        return cubes._count(shape, index, np.where(known, values, 0.0))

    n = cubes._count(shape, index, known.astype(np.int64))
    parts = (
        count(weight),
        count(weight**2),
        count(weight * held),
        count(weight**2 * held),
        count((weight * held) ** 2),
    )
    lost = cubes._count(shape, index, (~known).astype(np.int64))
    return replace(cube, amounts=Amounts(n, *parts, lost, weighted=w is not None))


def per_row(y, positive, a, values=VALUES):
    """What each row's decision is worth."""
    kind = np.where(y == 1, np.where(positive, 0, 2), np.where(positive, 1, 3))
    return np.array(values.fixed)[kind] + np.array(values.share)[kind] * a


def test_decisions_at_places_are_those_of_the_rows():
    y, s, _, w = drawn(np.random.default_rng(1), 400, weighted=True)
    s = np.where(np.random.default_rng(2).random(400) < 0.1, np.nan, s)
    group = np.arange(400) % 3
    cube = cubes.binary_cube(y, score=s, decision=np.full(400, -1), weight=w, group=group)
    low = cube.histogram.low
    lower = np.array([[0, 40], [10, 60], [len(low), 5]])
    upper = np.minimum(lower + 20, len(low))
    made = operating.decided_at(cube, lower, upper).confusion
    at = np.append(low, np.inf)
    for place, (g, t) in enumerate((g, t) for g in range(3) for t in range(2)):
        decision = np.where(s >= at[upper[g, t]], 1, np.where(s < at[lower[g, t]], 0, -1))
        own = group == g
        counted = cubes.confusion(y[own], decision[own], 2, w[own])
        np.testing.assert_array_equal(made.n[place], counted.n[0])
        np.testing.assert_allclose(made.w[place], counted.w[0], atol=1e-9)
        np.testing.assert_allclose(made.w2[place], counted.w2[0], atol=1e-9)


def test_a_grid_has_few_places_and_holds_the_hundredths():
    random = np.random.default_rng(3)
    y, s = (random.random(30_000) < 0.3).astype(int), random.beta(1, 6, 30_000)
    histogram = cubes.histogram(y, s)
    places = operating.grid(histogram)
    assert len(places) <= operating.MOST
    assert np.all(np.diff(places) > 0)
    selected = operating.from_above(histogram.n.sum(axis=(0, 1)))[places]
    assert {int((s >= k / 100).sum()) for k in range(1, 60)} <= set(selected.tolist())
    few = cubes.histogram(y, np.round(s, 2))
    assert operating.values_at(few, operating.grid(few)).tolist() == np.unique(np.round(s, 2)).tolist()


def test_a_threshold_between_two_values_of_a_code_moves_to_its_nearer_end():
    low, high = np.array([0.0, 0.2, 0.6]), np.array([0.2, 0.6, 1.0])
    assert operating.cut(low, high, 0.2) == (0.2, 1)
    assert operating.cut(low, high, 0.3) == (0.2, 1)
    assert operating.cut(low, high, 0.5) == (0.6, 2)
    assert operating.cut(low, high, 1.5) == (1.5, 3)
    assert operating.cut(low, high, -1.0) == (-1.0, 0)
    assert operating.cut(low, low, 0.3) == (0.3, 2)


@pytest.mark.parametrize("weighted", [False, True], ids=["counts", "weights"])
def test_a_value_is_the_mean_of_its_rows_with_the_linearised_variance(weighted):
    y, s, a, w = drawn(np.random.default_rng(4), 500, weighted)
    a = np.where(np.random.default_rng(5).random(500) < 0.1, np.nan, a)
    cube, kept = priced(y, s, a, w), (y >= 0) & ~np.isnan(a)
    weight = np.ones(500) if w is None else w
    places = np.arange(0, len(cube.histogram.low) + 1, 37)[None, :]
    found = worth.per_decision(cube, places, VALUES, 0.95)
    for place, at in enumerate(operating.values_at(cube.histogram, places[0])):
        v, u, n = per_row(y, s >= at, a)[kept], weight[kept], kept.sum()
        mean = (u * v).sum() / u.sum()
        error = np.sqrt((u**2 * (v - mean) ** 2).sum() * n / (n - 1)) / u.sum()
        assert found.value[place] == pytest.approx(mean, rel=1e-10)
        assert (found.high[place] - found.low[place]) / 2 == pytest.approx(1.959964 * error, rel=1e-5)
        assert found.n[place] == n
    assert worth.weight(cube)[0] == pytest.approx(weight[kept].sum())
    either = max(
        np.average(per_row(y, flag, a)[kept], weights=weight[kept])
        for flag in (np.ones(500, bool), np.zeros(500, bool))
    )
    assert found.baseline[0] == pytest.approx(either)


@pytest.mark.parametrize("weighted", [False, True], ids=["counts", "weights"])
def test_the_gain_of_groups_thresholds_is_the_difference_on_the_same_rows(weighted):
    random = np.random.default_rng(6)
    y, s, a, w = drawn(random, 900, weighted, missing=False)
    group, weight = np.arange(900) % 3, np.ones(900) if w is None else w
    cube = priced(y, s, a, w, group)
    chosen, single = np.array([200, 400, 300]), np.full(3, 320)
    at = operating.values_at(cube.histogram, chosen)[group]
    one, other = s >= at, s >= operating.values_at(cube.histogram, single)[group]
    right, before = (one == (y == 1)).astype(float), (other == (y == 1)).astype(float)
    for metric, difference in (("accuracy", right - before), ("value", per_row(y, one, a) - per_row(y, other, a))):
        definition = worth.metric(VALUES) if metric == "value" else METRICS.get(metric)
        found = choosing.gain(cube, chosen, single, definition, VALUES, 0.95)
        mean = np.average(difference, weights=weight)
        error = np.sqrt((weight**2 * (difference - mean) ** 2).sum() * 900 / 899) / weight.sum()
        assert found.value[0] == pytest.approx(mean, abs=1e-10)
        quantile = stats.t.ppf(0.975, (one != other).sum() - 1)
        assert (found.high[0] - found.low[0]) / 2 == pytest.approx(quantile * error, rel=1e-4)


def test_f_beta_has_the_interval_of_f1_where_beta_is_one():
    y, s, _, w = drawn(np.random.default_rng(7), 4000, weighted=True)
    cube = cubes.binary_cube(y, decision=(s > 0.5).astype(int), weight=w)
    one, f1 = sought("f1.0").measure(cube), METRICS.get("f1").measure(cube)
    assert one.value[0] == pytest.approx(f1.value[0], rel=1e-12)
    assert one.baseline[0] == pytest.approx(f1.baseline[0], rel=1e-12)
    assert (one.low[0], one.high[0]) == pytest.approx((f1.low[0], f1.high[0]), abs=2e-3)


@pytest.mark.parametrize(
    "text", ["max f0.5", "recall >= 0.8", "at most 200 a day", "equal recall by region", "band 0.05"]
)
def test_a_goal_is_read_back_from_its_own_words(text):
    assert read_goal(text).text == text
    assert read_goal(read_goal(text).text) == read_goal(text)


def test_a_policy_goes_to_the_catalog_and_back():
    for policy in (
        Policy("v2", 0.37, goal="max f1", source="loans@1"),
        Policy("v2", Band(0.2, 0.4)),
        Policy("v2", ByGroup(0.37, "region", (("North", 0.3), (None, 0.5)))),
    ):
        assert Policy.from_dict(policy.to_dict()) == policy
    with pytest.raises(BadRequest, match="needs two thresholds"):
        Policy("v2", Band(0.4, 0.4))
    with pytest.raises(BadRequest, match="lower to a higher"):
        Policy("v2", Band(0.4, 0.2))
    with pytest.raises(BadRequest, match="could not tell"):
        named("0.37")
    assert not Values().given


@pytest.mark.slow
@pytest.mark.parametrize("size", [100, 2000])
@pytest.mark.parametrize("weighted", [False, True], ids=["counts", "weights"])
def test_the_intervals_of_a_value_and_a_gain_cover_the_truth(size, weighted):
    """95 % of 1,000 draws; the truth from a large draw with the same thresholds. At n = 100: 92 to 98.5 %."""
    random = np.random.default_rng(8)

    def told(size):
        y, s, a, w = drawn(random, size, weighted, missing=False)
        s, group = np.append(np.round(s, 2), [0.0, 1.0]), np.append(np.arange(size) % 2, [0, 1])
        y, a, w = np.append(y, [0, 1]), np.append(a, [40, 80]), None if w is None else np.append(w, [3.0, 3.0])
        cube = priced(y, s, a, w, group)
        place = [operating.cut(cube.histogram.low, cube.histogram.high, at)[1] for at in (0.35, 0.5, 0.42)]
        value = worth.per_decision(cube.total(), np.array([[place[0]]]), VALUES, 0.95)[0]
        apart, alone = np.array(place[:2]), np.full(2, place[2])
        return value, *(
            choosing.gain(cube, apart, alone, each, VALUES, 0.95)[0]
            for each in (METRICS.get("f1"), worth.metric(VALUES))
        )

    truth = [each.value for each in told(1_000_000)]
    draws = [told(size) for _ in range(1000)]
    for place, aim in enumerate(truth):
        covered = np.mean([draw[place].low <= aim <= draw[place].high for draw in draws])
        low, high = (0.92, 0.985) if size < 1000 else (0.93, 0.97)
        assert low <= covered <= high, (place, covered)
