"""Effects of overlapping sets of rows: from cells as from rows, by hand, and covering what they claim to."""

import numpy as np
import pytest
import statsmodels.api as sm

from analysis.metrics.accounting import Cells, effects


def cells(inside, value, weight=None):
    """(members, Cells) of rows: a cell a combination."""
    weight = np.ones(len(value)) if weight is None else weight
    masks, place = np.unique(inside, axis=0, return_inverse=True)

    def total(each):
        return np.bincount(place.ravel(), each, minlength=len(masks))

    sums = (np.ones(len(value)), weight, weight**2, weight * value, weight**2 * value, (weight * value) ** 2)
    return masks, Cells(*map(total, sums))


def test_one_set_is_the_difference_of_two_means():
    members, held = cells(np.array([[1], [1], [1], [0], [0], [0]], dtype=bool), np.array([1.0, 0, 0, 1, 1, 0]))
    found = effects(members, held)
    assert found.value[0] == pytest.approx(-1 / 3)
    assert found.freedom == 4


def test_cells_give_what_the_rows_give():
    random = np.random.default_rng(4)
    inside = random.random((500, 4)) < [0.5, 0.3, 0.1, 0.8]
    value, weight = random.normal(1, 2, 500) + inside @ [1.0, 0.0, -2.0, 0.5], random.gamma(2, 1, 500)
    found = effects(*cells(inside, value, weight), level=0.9)
    fit = sm.WLS(value, sm.add_constant(inside.astype(float)), weights=weight).fit(cov_type="HC1", use_t=True)
    np.testing.assert_allclose(found.value, fit.params[1:], rtol=1e-10)
    np.testing.assert_allclose(np.column_stack([found.low, found.high]), fit.conf_int(0.1)[1:], rtol=1e-9)
    np.testing.assert_allclose(found.p, fit.pvalues[1:], rtol=1e-7)


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
