"""Confusions and losses: shares against scikit-learn, an order that undoes a shuffle, and intervals by simulation."""

import numpy as np
import polars as pl
import pytest
import sklearn.metrics as sk
from statsmodels.stats.proportion import proportion_confint

from analysis.core.cube import Confusion
from analysis.metrics import confusions, residuals
from analysis.metrics.losses import concentration


def confusion(n):
    n = np.asarray(n)[None]
    return Confusion(n, n, n)


def test_cells_are_the_shares_of_scikit_learn_with_wilsons_interval():
    random = np.random.default_rng(1)
    y, p = random.integers(0, 4, 500), random.integers(0, 4, 500)
    p = np.where(random.random(500) < 0.6, y, p)
    names = list("abcd")
    found = confusions.cells(confusion(sk.confusion_matrix(y, p)), names, 0.95)
    for column, normalize in (("n", None), ("share_of_actual", "true"), ("share_of_predicted", "pred")):
        wanted = sk.confusion_matrix(y, p, normalize=normalize)
        np.testing.assert_allclose(found[column].to_numpy().reshape(4, 4), wanted, rtol=1e-12)
    low, high = proportion_confint(found["n"].to_numpy(), found["n_actual"].to_numpy(), 0.05, "wilson")
    np.testing.assert_allclose(found["low"], low, atol=1e-12)
    np.testing.assert_allclose(found["high"], high, atol=1e-12)
    assert found["actual"].to_list() == [name for name in names for _ in names]
    assert found["predicted"].to_list() == names * 4


def test_a_class_without_rows_has_no_shares():
    found = confusions.cells(confusion([[3, 0], [0, 0]]), ["a", "b"], 0.95)
    empty = found.filter(actual="b")
    assert empty["share_of_actual"].null_count() == empty["low"].null_count() == empty["high"].null_count() == 2
    assert found.filter(predicted="b")["share_of_predicted"].null_count() == 2
    assert found["n_actual"].to_list() == [3, 3, 0, 0]


def test_weighted_cells_count_rows_and_share_weights():
    n, w, w2 = (np.array(each, dtype=float)[None] for each in ([[2, 1], [1, 1]], [[4, 1], [2, 3]], [[8, 1], [4, 9]]))
    found = confusions.cells(Confusion(n.astype(int), w, w2, True), ["a", "b"], 0.95)
    assert found["share_of_actual"].to_list() == pytest.approx([0.8, 0.2, 0.4, 0.6])
    assert found["share_of_predicted"].to_list() == pytest.approx([4 / 6, 1 / 4, 2 / 6, 3 / 4])
    effective = 5**2 / 9
    low, high = proportion_confint(0.2 * effective, effective, 0.05, "wilson")
    assert (found["low"][1], found["high"][1]) == pytest.approx((low, high))


def test_merging_keeps_every_row():
    random = np.random.default_rng(2)
    n = random.integers(0, 9, (6, 6))
    merged = confusions.merged(confusion(n), [4, 1])
    assert merged.n.sum() == n.sum()
    assert merged.n[0, 0, 1] == n[4, 1]
    rest = [0, 2, 3, 5]
    assert merged.n[0, 2, 0] == n[rest, 4].sum()
    assert merged.n[0, 2, 2] == n[np.ix_(rest, rest)].sum()


def test_the_most_confused_are_those_with_the_most_errors_of_either_kind():
    n = np.diag([100, 100, 100, 100])
    n[0, 2], n[3, 0], n[1, 2] = 5, 4, 1
    assert confusions.most_confused(n, 2) == [0, 2]
    assert confusions.most_confused(n, 9) == [0, 1, 2, 3]


@pytest.mark.parametrize("seed", range(5))
def test_neighbours_stand_side_by_side_again_after_a_shuffle(seed):
    size = 12
    chain = np.diag([200] * size) + np.diag([20] * (size - 1), 1) + np.diag([12] * (size - 1), -1)
    shuffle = np.random.default_rng(seed).permutation(size)
    order = confusions.side_by_side(chain[np.ix_(shuffle, shuffle)])
    restored = shuffle[order].tolist()
    assert restored in (list(range(size)), list(range(size))[::-1])


def test_the_given_order_stays_where_nothing_is_confused_or_there_are_two():
    assert confusions.side_by_side(np.diag([5, 6, 7])) == [0, 1, 2]
    assert confusions.side_by_side(np.array([[5, 4], [3, 2]])) == [0, 1]
    assert sorted(confusions.side_by_side(np.array([[5, 4, 0], [3, 2, 0], [0, 0, 0]]))) == [0, 1, 2]


def tenths(losses, weights=None):
    """The sums of losses by tenths, as the engine gives them, and the edges."""
    weights = np.ones(len(losses)) if weights is None else weights
    edges = np.unique(np.quantile(losses, np.arange(1, 10) / 10, method="inverted_cdf"))
    place = np.searchsorted(edges, losses, side="right")

    def summed(values):
        return np.bincount(place, values, minlength=len(edges) + 1)

    columns = {"w": weights, "w2": weights**2, "s": weights * losses}
    columns |= {"q": weights**2 * losses, "q2": (weights * losses) ** 2}
    made = {"n": summed(np.ones(len(losses))).astype(int)} | {name: summed(each) for name, each in columns.items()}
    return pl.DataFrame(made), edges


def test_shares_of_the_loss_are_those_of_the_sorted_rows_and_sum_to_one():
    losses = np.random.default_rng(3).exponential(2, 1000)
    found = concentration(*tenths(losses), level=0.95)
    wanted = np.sort(losses).reshape(10, 100).sum(axis=1) / losses.sum()
    # the quantile itself belongs to the bin above, which moves one row a bin
    assert np.abs(found.value - wanted).max() < 0.006
    assert found.value.sum() == pytest.approx(1)
    assert np.all((found.low < found.value) & (found.value < found.high))
    assert found.n.sum() == 1000


def test_weights_that_are_all_alike_change_no_share_and_no_interval():
    losses = np.random.default_rng(4).exponential(2, 400)
    plain = concentration(*tenths(losses), level=0.9)
    weighted = concentration(*tenths(losses, np.full(400, 3.0)), level=0.9)
    for each in ("value", "low", "high"):
        np.testing.assert_allclose(getattr(weighted, each), getattr(plain, each), rtol=1e-10)


@pytest.mark.parametrize(("losses", "reason"), [([0.0, 0.0], "all losses are 0"), ([], "no row has a loss")])
def test_without_any_loss_there_is_no_share(losses, reason):
    sums = pl.DataFrame({"n": [len(losses)], **{name: [0.0] for name in ("w", "w2", "s", "q", "q2")}})
    found = concentration(sums, np.empty(0), level=0.95)
    assert np.isnan(found.value).all()
    assert found.reason.tolist() == [reason]


@pytest.mark.slow
@pytest.mark.parametrize(("size", "least"), [(200, 0.90), (1000, 0.93), (5000, 0.93)])
@pytest.mark.parametrize("kind", ["exponential", "half normal"])
def test_the_worst_tenth_is_covered(kind, size, least):
    random = np.random.default_rng(5)

    def draw(count):
        return random.exponential(1, count) if kind == "exponential" else np.abs(random.normal(0, 1, count))

    # E[l; l >= q] / E[l] at the 90 % quantile
    truth = 0.1 * (1 + np.log(10)) if kind == "exponential" else np.exp(-(1.6448536269514722**2) / 2)
    runs = 1000
    hits = 0
    for _ in range(runs):
        found = concentration(*tenths(draw(size)), level=0.95)
        hits += found.low[-1] <= truth <= found.high[-1]
    assert least <= hits / runs <= 0.97


def test_bias_is_the_mean_with_students_interval():
    from scipy import stats

    random = np.random.default_rng(6)
    groups = [random.normal(2, 5, 40), random.normal(-1, 3, 10)]
    rows = [{"n": len(e), "w": len(e), "w2": len(e), "s": e.sum(), "q": e.sum(), "q2": (e * e).sum()} for e in groups]
    found = residuals.columns(residuals.bias(pl.DataFrame(rows), 0.95), 0.95)
    for row, errors in zip(found.iter_rows(named=True), groups, strict=True):
        low, high = stats.t.interval(0.95, len(errors) - 1, errors.mean(), stats.sem(errors))
        assert (row["bias"], row["low"], row["high"]) == pytest.approx((errors.mean(), low, high))
    assert found["small"].to_list() == [False, True]
    assert found["p_adjusted"].null_count() == 1
