"""Effects of overlapping sets of rows: from cells as from rows, by hand, and covering what they claim to."""

import numpy as np
import pytest
import statsmodels.api as sm

from analysis.metrics.accounting import Cells, Clusters, effects
from analysis.metrics.intervals import t_value


def cells(inside, value, weight=None):
    """(members, Cells) of rows: a cell a combination."""
    weight = np.ones(len(value)) if weight is None else weight
    masks, place = np.unique(inside, axis=0, return_inverse=True)

    def total(each):
        return np.bincount(place.ravel(), each, minlength=len(masks))

    sums = (np.ones(len(value)), weight, weight**2, weight * value, weight**2 * value, (weight * value) ** 2)
    return masks, Cells(*map(total, sums))


def clusters(inside, value, unit, weight=None):
    """Clusters of rows: a line a unit and combination, in the cells' order."""
    weight = np.ones(len(value)) if weight is None else weight
    _, place = np.unique(inside, axis=0, return_inverse=True)
    both, at = np.unique(np.column_stack([unit, place.ravel()]), axis=0, return_inverse=True)
    w, s = (np.bincount(at.ravel(), each) for each in (weight, weight * value))
    return Clusters(both[:, 0], both[:, 1], w, s)


def grouped(random, units, rows, apart=0.5):
    """(which sets rows are in, outcome, unit): rows of a unit share much of all three."""
    unit = np.repeat(np.arange(units), rows)
    inside = (random.random((units, 2)) < 0.4)[unit] ^ (random.random((units * rows, 2)) < 0.15)
    value = inside @ [-0.5, 0.0] + apart * random.normal(size=units)[unit] + random.normal(size=units * rows)
    return inside, value, unit


def test_one_set_is_the_difference_of_two_means():
    members, held = cells(np.array([[1], [1], [1], [0], [0], [0]], dtype=bool), np.array([1.0, 0, 0, 1, 1, 0]))
    found = effects(members, held)
    assert found.value[0] == pytest.approx(-1 / 3)
    assert found.freedom.tolist() == [4]


def test_cells_give_what_the_rows_give():
    random = np.random.default_rng(4)
    inside = random.random((500, 4)) < [0.5, 0.3, 0.1, 0.8]
    value, weight = random.normal(1, 2, 500) + inside @ [1.0, 0.0, -2.0, 0.5], random.gamma(2, 1, 500)
    found = effects(*cells(inside, value, weight), level=0.9)
    fit = sm.WLS(value, sm.add_constant(inside.astype(float)), weights=weight).fit(cov_type="HC1", use_t=True)
    np.testing.assert_allclose(found.value, fit.params[1:], rtol=1e-10)
    np.testing.assert_allclose(np.column_stack([found.low, found.high]), fit.conf_int(0.1)[1:], rtol=1e-9)
    np.testing.assert_allclose(found.p, fit.pvalues[1:], rtol=1e-7)


@pytest.mark.parametrize("weighted", [False, True])
def test_by_unit_they_have_the_errors_of_a_clustered_regression(weighted):
    random = np.random.default_rng(14)
    inside, value, unit = grouped(random, 60, 9)
    weight = random.gamma(2, 1, len(value)) if weighted else np.ones(len(value))
    found = effects(*cells(inside, value, weight), clusters(inside, value, unit, weight))
    model = sm.WLS(value, sm.add_constant(inside.astype(float)), weights=weight)
    fit = model.fit(cov_type="cluster", cov_kwds={"groups": unit}, use_t=True)
    np.testing.assert_allclose(found.value, fit.params[1:], rtol=1e-10)
    for place, held in enumerate(inside.T):
        freedom = min(len(np.unique(unit[held])), len(np.unique(unit[~held]))) - 1
        assert found.freedom[place] == freedom
        error = (found.high - found.low)[place] / 2 / t_value(0.95, np.array([float(freedom)]))[0]
        assert error == pytest.approx(fit.bse[place + 1], rel=1e-9)
    assert found.method.endswith("clustered by unit")
    plain = effects(*cells(inside, value, weight))
    assert np.all(found.high - found.low > 1.1 * (plain.high - plain.low))


def test_a_set_of_one_unit_has_no_interval():
    unit = np.repeat(np.arange(4), 5)
    inside = np.column_stack([unit == 0, unit % 2 == 0])
    value = np.random.default_rng(15).normal(size=20)
    found = effects(*cells(inside, value), clusters(inside, value, unit))
    assert not np.isnan(found.value).any()
    assert np.isnan(found.low).tolist() == [True, False]
    assert np.isnan(found.p).tolist() == [True, False]


def test_a_set_that_follows_from_others_is_named_and_changes_nothing():
    random = np.random.default_rng(5)
    inside = random.random((300, 2)) < 0.4
    value = random.normal(size=300)
    more = np.column_stack([inside[:, 0], ~inside[:, 0], np.zeros(300, bool), inside[:, 1], np.ones(300, bool)])
    found, plain = effects(*cells(more, value)), effects(*cells(inside, value))
    assert found.twin == (False, True, True, False, True)
    np.testing.assert_allclose(found.value[[0, 3]], plain.value)
    np.testing.assert_allclose(found.low[[0, 3]], plain.low)
    assert np.isnan(found.value[[1, 2, 4]]).all()


def test_nothing_known_gives_nothing():
    nothing = np.zeros(2)
    members = np.array([[True], [False]])
    assert np.isnan(effects(members, Cells(*[nothing] * 6)).value).all()
    one = Cells(*[np.array([1.0, 0.0])] * 6)
    assert np.isnan(effects(members, one).p).all()


@pytest.mark.slow
def test_intervals_cover_what_they_claim():
    random = np.random.default_rng(6)
    truth, hit, alarms = np.array([-0.2, 0.0]), np.zeros(2), 0
    for _ in range(2000):
        first = random.random(400) < 0.4
        inside = np.column_stack([first, random.random(400) < np.where(first, 0.7, 0.2)])
        value = (random.random(400) < 0.8 + inside @ truth).astype(float)
        found = effects(*cells(inside, value))
        hit += (found.low <= truth) & (truth <= found.high)
        alarms += found.p[1] <= 0.05
    assert np.all((hit / 2000 > 0.935) & (hit / 2000 < 0.965)), hit / 2000
    assert 0.035 < alarms / 2000 < 0.065


@pytest.mark.slow
@pytest.mark.parametrize(("units", "rows"), [(30, 20), (200, 5)])
def test_intervals_by_unit_cover_what_they_claim_and_those_by_row_do_not(units, rows):
    random = np.random.default_rng(16)
    truth, hit, by_row, draws = np.array([-0.5, 0.0]), np.zeros(2), np.zeros(2), 1500
    for _ in range(draws):
        inside, value, unit = grouped(random, units, rows, apart=1.0)
        held = cells(inside, value)
        for count, found in ((hit, effects(*held, clusters(inside, value, unit))), (by_row, effects(*held))):
            count += (found.low <= truth) & (truth <= found.high)
    assert np.all((hit / draws > 0.93) & (hit / draws < 0.975)), hit / draws
    assert np.all(by_row / draws < 0.9), by_row / draws
