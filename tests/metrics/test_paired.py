"""Paired differences against scipy, statsmodels, row-by-row jackknives and every pair looked at."""

import numpy as np
import pytest
from scipy import stats
from sklearn import metrics as sk
from statsmodels.stats.contingency_tables import mcnemar

from analysis.core.errors import BadRequest
from analysis.metrics import METRICS, contrasts, paired
from analysis.metrics.curves import of_average_precision
from analysis.metrics.influence import of_decisions
from tests.metrics import cubes, pairs


def two_models(seed, n=400, classes=2, weighted=False):
    """label, two correlated decisions, weight."""
    random = np.random.default_rng(seed)
    label = random.choice(classes, n, p=[0.6, 0.4] if classes == 2 else None)
    own = [np.where(random.random(n) < share, label, random.integers(0, classes, n)) for share in (0.6, 0.5)]
    second = np.where(random.random(n) < 0.5, own[0], own[1])
    return label, own[0], second, random.gamma(2, 1, n) if weighted else None


def two_scores(seed, n=300, digits=2):
    """label and two correlated scores with ties, strictly within 0 and 1."""
    random = np.random.default_rng(seed)
    label = (random.random(n) < 0.4).astype(int)
    shared = random.normal(0, 0.7, n)
    made = [stats.norm.cdf(apart * (label - 0.5) + shared + random.normal(0, 0.7, n)) for apart in (1.2, 1.0)]
    return label, *(np.clip(np.round(each, digits), 0.01, 0.99) for each in made)


def delong(label, first, second):
    """(difference, its variance) from every pair of a positive and a negative."""
    gaps = []
    for score in (first, second):
        up, down = score[label == 1], score[label == 0]
        gaps.append((up[:, None] > down[None, :]) + 0.5 * (up[:, None] == down[None, :]))
    gap = gaps[0] - gaps[1]
    m, n = gap.shape
    return gap.mean(), gap.mean(axis=1).var(ddof=1) / m + gap.mean(axis=0).var(ddof=1) / n


def of(name, *sides, level=0.95):
    return paired.difference(METRICS.get(name), *sides, level=level)


@pytest.mark.parametrize("digits", [1, 2, 6])
@pytest.mark.parametrize("seed", range(3))
def test_delong_is_that_of_every_pair(seed, digits):
    label, first, second = two_scores(seed, digits=digits)
    got = of("roc_auc", *pairs.scores(label, first, second))
    value, variance = delong(label, first, second)
    assert got.difference.value[0] == pytest.approx(value, abs=1e-12)
    reach = 1.959963984540054 * np.sqrt(variance)
    np.testing.assert_allclose(
        [got.difference.low[0], got.difference.high[0]], [value - reach, value + reach], rtol=1e-9
    )
    assert got.p[0] == pytest.approx(2 * stats.norm.sf(abs(value) / np.sqrt(variance)), rel=1e-9)
    assert got.first.value[0] == pytest.approx(sk.roc_auc_score(label, first), rel=1e-12)
    gini = of("gini", *pairs.scores(label, first, second))
    assert gini.difference.value[0] == pytest.approx(2 * value, abs=1e-12)
    assert gini.p[0] == pytest.approx(got.p[0], rel=1e-9)
    assert "paired" in got.difference.method


def test_delong_by_group_is_that_of_each_group_alone():
    label, first, second = two_scores(9, n=900)
    group = np.random.default_rng(1).integers(0, 3, 900)
    got = of("roc_auc", *pairs.scores(label, first, second, group=group))
    for place in range(3):
        mine = group == place
        value, variance = delong(label[mine], first[mine], second[mine])
        assert got.difference.value[place] == pytest.approx(value, abs=1e-12)
        assert got.difference.high[place] - value == pytest.approx(1.959963984540054 * np.sqrt(variance), rel=1e-9)


def test_coarser_joint_codes_hardly_move_the_variance():
    label, first, second = two_scores(4, n=5000, digits=4)
    fine = of("roc_auc", *pairs.scores(label, first, second)).difference
    coarse = of("roc_auc", *pairs.scores(label, first, second, steps=(5, 5))).difference
    assert coarse.value[0] == fine.value[0]
    np.testing.assert_allclose(coarse.high - coarse.low, fine.high - fine.low, rtol=5e-3)


def test_the_influence_on_average_precision_is_its_derivative():
    label, first, _ = two_scores(3, n=200)
    cube = cubes.binary_cube(label, first)
    negative, positive = of_average_precision(cube.histogram)
    code = cubes.codes(first)[0]
    for row in (0, 7, 50, 120):
        moved = []
        for step in (1e-5, -1e-5):
            weight = np.ones(200)
            weight[row] += step
            moved.append(sk.average_precision_score(label, first, sample_weight=weight))
        found = (positive if label[row] else negative)[0, code[row]]
        assert found == pytest.approx((moved[0] - moved[1]) / 2e-5, abs=1e-8)


@pytest.mark.parametrize("name", ["f1", "precision", "mcc", "kappa", "balanced_accuracy"])
@pytest.mark.parametrize("weighted", [False, True])
def test_the_delta_method_of_cells_is_the_infinitesimal_jackknife(name, weighted):
    label, first, second, weight = two_models(5, n=120, weighted=weighted)
    oracle = {
        "f1": sk.f1_score, "precision": sk.precision_score, "mcc": sk.matthews_corrcoef,
        "kappa": sk.cohen_kappa_score, "balanced_accuracy": sk.balanced_accuracy_score,
    }[name]  # fmt: skip
    w = np.ones(len(label)) if weight is None else weight
    gaps = np.zeros(len(label))
    for row in range(len(label)):
        ends = []
        for step in (1e-4, -1e-4):
            moved = w.copy()
            moved[row] += step
            ends.append(oracle(label, first, sample_weight=moved) - oracle(label, second, sample_weight=moved))
        gaps[row] = (ends[0] - ends[1]) / 2e-4
    n, size = len(label), w.sum() ** 2 / (w**2).sum()
    error = np.sqrt(np.sum((w * gaps) ** 2) * n / (n - 1))
    got = of(name, *pairs.decisions(label, first, second, weight=weight))
    value = oracle(label, first, sample_weight=w) - oracle(label, second, sample_weight=w)
    assert got.difference.value[0] == pytest.approx(value, abs=1e-12)
    assert got.difference.high[0] - value == pytest.approx(stats.t.ppf(0.975, size - 1) * error, rel=1e-5)
    assert got.p[0] == pytest.approx(2 * stats.t.sf(abs(value) / error, size - 1), rel=1e-4)


def test_influences_of_a_metric_by_class_add_up_to_nothing():
    label, first, second, _ = two_models(6, classes=4)
    cube = pairs.decisions(label, first, second, 4)[0]
    for name in ("f1", "macro_f1", "accuracy"):
        found = of_decisions(METRICS.get(name), cube)
        assert found.shape == (1, 4 if name == "f1" else 1, 4, 4)
        counts = cube.confusion.n[:, :4, :4]
        np.testing.assert_allclose(np.einsum("gkyd,gyd->gk", found, counts), 0.0, atol=1e-8)


def test_a_class_never_predicted_makes_no_jump():
    label, first, second, _ = two_models(7, classes=4)
    first, second = (np.where(each == 3, 0, each) for each in (first, second))
    got = of("macro_precision", *pairs.decisions(label, first, second, 4)).difference
    assert got.high[0] - got.low[0] < 0.5


@pytest.mark.parametrize("name", ["accuracy", "recall", "specificity", "selection_rate"])
@pytest.mark.parametrize("seed", range(4))
def test_shares_have_mcnemars_p_and_newcombes_interval(name, seed):
    label, first, second, _ = two_models(seed, n=[40, 200, 1000, 4000][seed])
    base, ok = {
        "accuracy": (label >= 0, lambda d: d == label),
        "recall": (label == 1, lambda d: d == 1),
        "specificity": (label == 0, lambda d: d == 0),
        "selection_rate": (label >= 0, lambda d: d == 1),
    }[name]
    one, two = ok(first)[base], ok(second)[base]
    b, c = int(np.sum(one & ~two)), int(np.sum(~one & two))
    table = [[int(np.sum(one & two)), b], [c, int(np.sum(~one & ~two))]]
    wanted = mcnemar(table, exact=b + c < 25, correction=False)
    got = of(name, *pairs.decisions(label, first, second))
    assert got.p[0] == pytest.approx(wanted.pvalue, rel=1e-10)
    assert got.difference.value[0] == pytest.approx(one.mean() - two.mean(), abs=1e-12)
    assert got.difference.n[0] == base.sum()
    np.testing.assert_allclose([got.difference.low[0], got.difference.high[0]], newcombe(table), rtol=1e-9, atol=1e-12)


def newcombe(table):
    """Square-and-add with the correlation of the pairs, one table at a time."""
    (a, b), (c, d) = table
    n = a + b + c + d
    ends = []
    for k in (a + b, a + c):
        centre, half = stats.binomtest(k, n).proportion_ci(method="wilson")
        ends.append((k / n, centre, half))
    (p1, l1, u1), (p2, l2, u2) = ends
    cross = a * d - b * c
    cross = max(cross - n / 2, 0) if cross > 0 else cross
    margin = (a + b) * (c + d) * (a + c) * (b + d)
    phi = cross / np.sqrt(margin) if margin else 0.0
    reach = lambda x, y: np.sqrt(x * x - 2 * phi * x * y + y * y)  # noqa: E731
    return p1 - p2 - reach(p1 - l1, u2 - p2), p1 - p2 + reach(u1 - p1, p2 - l2)


def test_recall_by_class_is_that_of_each_class():
    label, first, second, _ = two_models(8, classes=4)
    got = of("recall", *pairs.decisions(label, first, second, 4))
    for name in range(4):
        mine = label == name
        table = [[0, 0], [0, 0]]
        for one, two in zip(first[mine] != name, second[mine] != name, strict=True):
            table[int(one)][int(two)] += 1
        assert got.p[name] == pytest.approx(
            mcnemar(table, exact=table[0][1] + table[1][0] < 25, correction=False).pvalue
        )
        np.testing.assert_allclose([got.difference.low[name], got.difference.high[name]], newcombe(table), rtol=1e-9)


def test_mcnemar_refuses_weights():
    with pytest.raises(BadRequest, match="takes no weights"):
        contrasts.mcnemar(np.array([2.5]), np.array([7.0]))
    label, first, second, weight = two_models(1, weighted=True)
    got = of("accuracy", *pairs.decisions(label, first, second, weight=weight))
    assert "McNemar's test takes no weights" in got.difference.method
    w = weight / weight.sum()
    assert got.difference.value[0] == pytest.approx(w @ (first == label) - w @ (second == label), abs=1e-12)
    assert (got.p[0] < 0.05) == (got.difference.low[0] > 0 or got.difference.high[0] < 0)


def test_equal_weights_are_no_weights():
    label, first, second, _ = two_models(2)
    plain = of("accuracy", *pairs.decisions(label, first, second)).difference
    same = of("accuracy", *pairs.decisions(label, first, second, weight=np.full(400, 2.5))).difference
    np.testing.assert_allclose([same.low, same.high], [plain.low, plain.high], rtol=1e-9)


@pytest.mark.parametrize("name", ["log_loss", "brier"])
def test_means_of_losses_have_the_paired_t(name):
    label, first, second = two_scores(11)
    loss = {
        "log_loss": lambda s: -np.log(np.where(label == 1, s, 1 - s)),
        "brier": lambda s: (s - label) ** 2,
    }[name]
    wanted = stats.ttest_rel(loss(first), loss(second))
    got = of(name, *pairs.scores(label, first, second))
    assert got.p[0] == pytest.approx(wanted.pvalue, rel=1e-9)
    ends = wanted.confidence_interval(0.95)
    np.testing.assert_allclose([got.difference.low[0], got.difference.high[0]], [ends.low, ends.high], rtol=1e-9)


def two_forecasts(seed, n=300, weighted=False):
    random = np.random.default_rng(seed)
    label = random.lognormal(2, 0.6, n)
    shared = random.normal(0, 1, n)
    weight = random.gamma(2, 1, n) if weighted else None
    return label, label + shared + random.normal(0.3, 1, n), label + shared + random.normal(0, 1.2, n), weight


def test_mean_absolute_error_has_the_paired_t():
    label, first, second, _ = two_forecasts(1)
    wanted = stats.ttest_rel(np.abs(first - label), np.abs(second - label))
    got = of("mae", *pairs.forecasts(label, first, second))
    assert got.p[0] == pytest.approx(wanted.pvalue, rel=1e-9)
    assert got.difference.low[0] == pytest.approx(wanted.confidence_interval(0.95).low, rel=1e-9)


@pytest.mark.parametrize("name", ["rmse", "r2", "wape"])
@pytest.mark.parametrize("weighted", [False, True])
def test_ratios_and_roots_are_the_infinitesimal_jackknife(name, weighted):
    label, first, second, weight = two_forecasts(2, weighted=weighted)
    oracle = {
        "rmse": lambda p, w: np.sqrt(np.average((p - label) ** 2, weights=w)),
        "r2": lambda p, w: sk.r2_score(label, p, sample_weight=w),
        "wape": lambda p, w: np.sum(w * np.abs(p - label)) / np.sum(w * np.abs(label)),
    }[name]
    w = np.ones(len(label)) if weight is None else weight
    gaps = np.zeros(len(label))
    for row in range(len(label)):
        ends = []
        for step in (1e-4, -1e-4):
            moved = w.copy()
            moved[row] += step
            ends.append(oracle(first, moved) - oracle(second, moved))
        gaps[row] = (ends[0] - ends[1]) / 2e-4
    n, size = len(label), w.sum() ** 2 / (w**2).sum()
    error = np.sqrt(np.sum((w * gaps) ** 2) * n / (n - 1))
    got = of(name, *pairs.forecasts(label, first, second, weight))
    value = oracle(first, w) - oracle(second, w)
    assert got.difference.value[0] == pytest.approx(value, rel=1e-9)
    assert got.difference.high[0] - value == pytest.approx(stats.t.ppf(0.975, size - 1) * error, rel=1e-5)


def test_the_bias_is_judged_by_its_distance_from_zero():
    label, first, second, _ = two_forecasts(3)
    got = of("bias", *pairs.forecasts(label, first, second))
    wanted = stats.ttest_rel(first - label, second - label)
    assert got.difference.low[0] == pytest.approx(wanted.confidence_interval(0.95).low, rel=1e-9)
    distance = abs((first - label).mean()) - abs((second - label).mean())
    assert got.judged.value[0] == pytest.approx(distance, rel=1e-9)


def test_a_model_against_itself_differs_by_nothing():
    label, first, _, _ = two_models(3)
    for name in ("accuracy", "recall", "f1", "mcc"):
        got = of(name, *pairs.decisions(label, first, first))
        assert got.difference.value[0] == 0
        assert got.p[0] == 1.0
        assert got.difference.low[0] < 0 < got.difference.high[0]
    label, score, _ = two_scores(3)
    for name in ("roc_auc", "average_precision", "log_loss"):
        got = of(name, *pairs.scores(label, score, score))
        assert (got.difference.value[0], got.p[0]) == (0, 1.0)


def test_what_has_no_joint_statistic_says_so():
    label, first, second = two_scores(5)
    got = of("ks", *pairs.scores(label, first, second))
    assert got.difference.method.startswith("as if unpaired (rather too wide)")
    assert got.difference.low[0] < got.difference.value[0] < got.difference.high[0]


def test_an_undefined_side_leaves_the_difference_undefined():
    label, first, second, _ = two_models(4)
    got = of("precision", *pairs.decisions(label, first * 0, second))
    assert np.isnan(got.difference.value[0])
    assert np.isnan(got.p[0])
    assert "nothing was predicted" in got.difference.reason[0]


SIZES = [60, 200, 1000]


@pytest.mark.slow
@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("name", ["accuracy", "recall", "precision", "f1", "mcc", "kappa", "balanced_accuracy"])
def test_coverage_of_decisions(name, n):
    """1,000 draws as 1,000 groups of one cube; 60 rows hold 24 positives, of which Newcombe's interval covers 98 %."""
    draws = 1000
    label, first, second, _ = two_models(n, n=n * draws)
    truth = of(name, *pairs.decisions(*two_models(99, n=1_000_000)[:3])).difference.value[0]
    got = of(name, *pairs.decisions(label, first, second, group=np.repeat(np.arange(draws), n))).difference
    inside = np.mean((got.low <= truth) & (truth <= got.high))
    assert 0.93 <= inside <= (0.985 if n == 60 else 0.975)


@pytest.mark.slow
@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("name", ["roc_auc", "average_precision", "log_loss", "brier"])
def test_coverage_of_scores(name, n):
    draws = 600
    label, first, second = two_scores(n, n=n * draws)
    truth = of(name, *pairs.scores(*two_scores(99, n=1_000_000))).difference.value[0]
    got = of(name, *pairs.scores(label, first, second, group=np.repeat(np.arange(draws), n))).difference
    inside = np.mean((got.low <= truth) & (truth <= got.high))
    assert 0.925 <= inside <= 0.975


@pytest.mark.slow
@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("name", ["mae", "rmse", "r2", "wape", "bias"])
def test_coverage_of_forecasts(name, n):
    draws = 500
    label, first, second, _ = two_forecasts(n, n=n * draws)
    truth = of(name, *pairs.forecasts(*two_forecasts(99, n=1_000_000)[:3])).difference.value[0]
    got = of(name, *pairs.forecasts(label, first, second, group=np.repeat(np.arange(draws), n))).difference
    inside = np.mean((got.low <= truth) & (truth <= got.high))
    assert 0.925 <= inside <= 0.975
