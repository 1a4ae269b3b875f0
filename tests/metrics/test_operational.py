"""Operation, money, ranks and quantiles: the corners, and how often their intervals hold the truth."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from analysis.core.cube import Sums
from analysis.core.errors import BadRequest
from analysis.core.wholes import Days, RankProducts
from analysis.metrics import METRICS
from analysis.metrics.intervals import order_ranks
from tests.metrics import cubes, operations, oracles, simulate


def estimated(name, cube, level=0.95):
    return METRICS.get(name).estimate(cube, level)


def with_parts(rows, **parts):
    return replace(simulate._blank(rows, 0), **parts)


def sums(**terms):
    """Sums of (draws, n) arrays of terms, a draw a group."""
    draws, n = next(iter(terms.values())).shape
    rows = np.full(draws, n)
    summed = {name: term.sum(axis=1) for name, term in terms.items()}
    return Sums(rows, rows, rows, summed, summed)


# Corners --------------------------------------------------------------------------------------------------------


def test_whole_weights_are_repeated_rows_for_spearman():
    random = np.random.default_rng(1)
    label, weight = np.round(random.normal(size=200), 1), random.integers(0, 5, 200)
    forecast = np.round(label + random.normal(size=200), 1)
    got = with_parts(1, rank_products=operations.rank_products(label, forecast, weight.astype(float)))
    expected = stats.spearmanr(np.repeat(label, weight), np.repeat(forecast, weight)).statistic
    assert estimated("spearman", got).value == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("side", [1, -1])
def test_a_perfect_order_has_an_interval_with_width(side):
    label = np.arange(50.0)
    got = estimated("spearman", with_parts(1, rank_products=operations.rank_products(label, side * label**3)))[0]
    assert got.value == side
    assert sorted(abs(end) for end in (got.low, got.high))[0] == pytest.approx(0.9998, abs=1e-4)
    assert 1.0 in (got.high, -got.low)


def test_a_constant_forecast_has_no_order():
    got = estimated("spearman", with_parts(1, rank_products=operations.rank_products(np.arange(9.0), np.full(9, 0.1))))[
        0
    ]
    assert np.isnan([got.value, got.low, got.high]).all()
    assert got.reason == "the labels or predictions do not vary"


def test_three_rows_have_a_rank_correlation_and_no_interval():
    products = operations.rank_products(np.arange(3.0), np.array([0.0, 2.0, 1.0]))
    got = estimated("spearman", with_parts(1, rank_products=products))[0]
    assert got.value == pytest.approx(0.5)
    assert np.isnan([got.low, got.high]).all()


def test_the_bound_of_coarse_codes_holds_the_true_rank_correlation():
    random = np.random.default_rng(2)
    for codes in (4, 20, 200):
        label = random.normal(size=5000)
        forecast = label + random.normal(size=5000)
        coarse = [np.floor(stats.rankdata(values) / 5000.0001 * codes) for values in (label, forecast)]
        products = operations.rank_products(*coarse)
        ties = [np.unique(each, return_counts=True)[1] for each in coarse]
        hidden = [np.array([(each**3).sum() / 12]) for each in ties]
        got = estimated(
            "spearman", with_parts(1, rank_products=replace(products, hidden_y=hidden[0], hidden_p=hidden[1]))
        )
        true = stats.spearmanr(label, forecast).statistic
        assert abs(got.value[0] - true) <= got.bound[0] <= 5 / codes


def test_one_day_has_a_rate_and_no_interval():
    got = estimated("throughput", with_parts(1, days=Days(np.array([12]), np.array([144.0]), np.array([1]))))[0]
    assert (got.value, got.n) == (12.0, 12)
    assert np.isnan([got.low, got.high]).all()


def test_no_right_decision_has_no_cost_each():
    paid, none = np.array([[1.0, 2.0]]), np.zeros((1, 2))
    cube = with_parts(1, over={"decided_costs": sums(cost=paid, cost2=paid**2, right=none, cost_right=none)})
    got = estimated("cost_per_correct_decision", cube)[0]
    assert np.isnan([got.value, got.low, got.high]).all()
    assert got.reason == "no decision was right"


def test_a_far_percentile_of_few_rows_has_no_interval():
    for n, known in ((71, False), (72, True)):
        order = cubes.order(np.arange(float(n)), levels=(0.95,))
        got = estimated("latency_p95", with_parts(1, orders={"latency": order}))[0]
        assert got.value == pytest.approx(0.95 * (n - 1))
        assert np.isnan(got.low) != known


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("latency_p95", "role latency"),
        ("throughput", "role time"),
        ("cost_per_prediction", "costs"),
        ("spearman", "numeric label"),
        ("interval_width", "bands"),
    ],
)
def test_without_its_columns_it_is_refused_in_words(name, said):
    with pytest.raises(BadRequest, match=said):
        estimated(name, with_parts(1))


def test_shares_of_errors_know_the_units():
    rows = oracles.regression_rows(3)
    unit = np.repeat(np.arange(70), 10)
    error = rows["prediction"] - rows["label"]
    over = np.where(np.isnan(error), np.nan, error > 0)
    over[unit % 2 == 0] = np.where(np.isnan(over[unit % 2 == 0]), np.nan, 1.0)
    cube = with_parts(1, sums=cubes.sums({"over": over}))
    alone = estimated("over_prediction_share", cube)[0]
    clustered = estimated("over_prediction_share", replace(cube, units=cubes.units(unit, terms={"over": over})))[0]
    assert clustered.value == alone.value
    assert clustered.method == "Wilson on the effective n, clustered by unit"
    assert clustered.high - clustered.low > 1.5 * (alone.high - alone.low)


# Coverage -------------------------------------------------------------------------------------------------------


def pairs(rho, n, draws, seed):
    """The rank products of `draws` samples of n normal pairs, and the true rank correlation of these."""
    random = np.random.default_rng(seed)
    x = random.standard_normal((draws, n))
    y = rho * x + np.sqrt(1 - rho**2) * random.standard_normal((draws, n))
    a, b = (stats.rankdata(each, axis=1) - (n + 1) / 2 for each in (x, y))
    rows, none = np.full(draws, n), np.zeros(draws)
    moments = ((a * a).sum(axis=1), (b * b).sum(axis=1), (a * b).sum(axis=1))
    return with_parts(draws, rank_products=RankProducts(rows, rows, rows, *moments, none, none)), (
        6 / np.pi * np.arcsin(rho / 2)
    )


def costs(n, draws, seed, sigma=0.5):
    """Log-normal costs of which 0.7 are of right decisions; the means they come from."""
    random = np.random.default_rng(seed)
    paid, right = random.lognormal(0, sigma, (draws, n)), (random.random((draws, n)) < 0.7).astype(float)
    each = sums(cost=paid, cost2=paid**2, right=right, cost_right=paid * right)
    true = np.exp(sigma**2 / 2)
    return with_parts(draws, over={"costs": each, "decided_costs": each}), true


def bands(n, draws, seed):
    """Normal labels and the three quantiles of a forecast that knows half of their variance."""
    random = np.random.default_rng(seed)
    known = random.standard_normal((draws, n))
    label = known + random.standard_normal((draws, n))
    quantiles = known[..., None] + stats.norm.ppf(operations.LEVELS)
    loss = operations.pinball(label.ravel(), quantiles.reshape(-1, 3)).reshape(draws, n)
    inside = ((label >= quantiles[..., 0]) & (label <= quantiles[..., 2])).astype(float)
    return with_parts(draws, over={"quantiles": sums(loss=loss, loss2=loss**2, inside=inside)})


def busy(days, draws, seed, spread=0.5, level=40.0):
    """Daily counts that vary by `spread` of their mean beside chance."""
    random = np.random.default_rng(seed)
    counts = random.poisson(level * random.gamma(1 / spread**2, spread**2, (draws, days)))
    spans = np.full(draws, days)
    return with_parts(draws, days=Days(counts.sum(axis=1), (counts**2.0).sum(axis=1), spans))


def covered(name, draws, true):
    return simulate.covered(estimated(name, draws), true)[0]


@pytest.mark.parametrize("rho", [0.0, 0.5, 0.9])
@pytest.mark.parametrize("n", [50, 200, 1000])
def test_rank_correlation(rho, n):
    draws, true = pairs(rho, n, 2000, n)
    assert 0.93 <= covered("spearman", draws, true) <= 0.97


@pytest.mark.parametrize("n", [50, 200, 1000])
def test_cost(n):
    draws, true = costs(n, 2000, n)
    assert 0.925 <= covered("cost_per_prediction", draws, true) <= 0.965
    assert 0.93 <= covered("cost_per_correct_decision", draws, true / 0.7) <= 0.965


@pytest.mark.parametrize(("n", "least"), [(50, 0.87), (200, 0.91), (2000, 0.93)])
def test_cost_that_is_skewed_covers_less(n, least):
    draws, true = costs(n, 2000, n, sigma=1.0)
    assert least <= covered("cost_per_prediction", draws, true) <= 0.96


@pytest.mark.parametrize("n", [50, 200, 1000])
def test_quantiles(n):
    draws = bands(n, 2000, n)
    true = estimated("quantile_loss", bands(1_000_000, 1, 9)).value[0]
    assert 0.92 <= covered("quantile_loss", draws, true) <= 0.965
    assert 0.93 <= covered("interval_coverage", draws, 0.8) <= 0.97


@pytest.mark.parametrize("days", [7, 30, 365])
def test_throughput(days):
    assert 0.93 <= covered("throughput", busy(days, 3000, days), 40.0) <= 0.97


@pytest.mark.parametrize("quantile", [0.5, 0.95, 0.99])
def test_order_statistics_hold_a_percentile_with_the_level_and_little_more(quantile):
    """Exactly: the number of rows below the percentile is binomial."""
    n = np.unique(np.geomspace(50, 100_000, 60).astype(int))
    low, high = order_ranks(n, 0.95, quantile)
    n, low, high = (each[low > 0] for each in (n, low, high))
    chance = stats.binom.cdf(high - 1, n, quantile) - stats.binom.cdf(low - 1, n, quantile)
    assert np.all(chance >= 0.95)
    assert np.all(chance[n >= 1000] <= 0.97)
    assert np.all(chance <= 0.99)


@pytest.mark.slow
@pytest.mark.parametrize(("quantile", "n"), [(50, 200), (95, 500), (99, 2000)])
@pytest.mark.parametrize("weighted", [False, True], ids=["counts", "weights"])
def test_latency(quantile, n, weighted):
    random = np.random.default_rng(n)
    taken = np.round(random.lognormal(4, 0.5, n * 400), 1)
    weight = random.gamma(2, 1, n * 400) if weighted else None
    order = cubes.order(taken, weight, np.repeat(np.arange(400), n), levels=(quantile / 100,))
    true = stats.lognorm(0.5, scale=np.exp(4)).ppf(quantile / 100)
    got = covered(f"latency_p{quantile}", with_parts(400, orders={"latency": order}), true)
    assert (0.9 if weighted else 0.945) <= got <= 0.995
