"""Own metrics: their values against the built-in ones, their intervals by simulation and against scipy."""

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from analysis.core.cube import Cube, OwnSums
from analysis.core.errors import BadRequest, UnknownName
from analysis.core.ownmetric import own_metric
from analysis.metrics import METRICS
from analysis.metrics.own import formula_metric
from analysis.metrics.rowmetric import RowEstimator
from tests.metrics import oracles, simulate

F1 = "2 * precision * recall / (precision + recall)"
FORMULAS = (
    F1,
    "0.7 * recall + 0.3 * specificity",
    "recall - 2 * prevalence",
    "max(recall, specificity)",
    "accuracy * mcc",
)
SAME = {
    "binary": {
        F1: "f1",
        "(recall + specificity) / 2": "balanced_accuracy",
        "2 * roc_auc - 1": "gini",
        "max(recall, recall)": "recall",
    },
    "multiclass": {F1: "f1", "macro_recall": "macro_recall"},
    "regression": {"rmse * rmse / rmse": "rmse"},
}
CASES = [(task, text, name) for task, same in SAME.items() for text, name in same.items()]


def made(text, task="binary"):
    return formula_metric(own_metric("own", formula=text), task)


@pytest.mark.parametrize("weighted", [False, True], ids=["counts", "weights"])
@pytest.mark.parametrize(("task", "text", "name"), CASES, ids=[f"{task}-{name}" for task, _, name in CASES])
def test_a_formula_has_the_value_of_the_metric_it_spells(task, text, name, weighted):
    rows = oracles.ROWS[task](5, weighted)
    cube = oracles.cube(task, rows, np.random.default_rng(1).integers(0, 4, len(rows["label"])))
    got, wanted = made(text, task).measure(cube), METRICS.get(name).measure(cube)
    np.testing.assert_allclose(got.value, wanted.value, rtol=1e-12)
    assert [why is None for why in got.reason] == [not np.isnan(value) for value in got.value]
    known = ~np.isnan(got.low)
    assert known.any()
    assert np.all((got.low <= got.value)[known] & (got.value <= got.high)[known])


def test_one_part_named_once_keeps_its_own_interval():
    rows = oracles.ROWS["binary"](5)
    got, auc = made("1 - roc_auc").measure(oracles.cube("binary", rows)), METRICS.get("roc_auc")
    wanted = auc.measure(oracles.cube("binary", rows))
    np.testing.assert_allclose([got.low[0], got.high[0]], [1 - wanted.high[0], 1 - wanted.low[0]])
    assert "DeLong" in got.method


def test_parts_of_different_kinds_are_enclosed():
    cube = oracles.cube("binary", oracles.ROWS["binary"](5))
    got = made("roc_auc + recall").measure(cube)
    wide = [METRICS.get(name).measure(cube, level=0.975) for name in ("roc_auc", "recall")]
    assert got.low[0] == pytest.approx(sum(each.low[0] for each in wide))
    assert got.high[0] == pytest.approx(sum(each.high[0] for each in wide))


def test_the_numeric_gradient_is_the_delta_method():
    """Weighted recall + specificity at 40,000 rows, where smoothing is nothing: variances of two proportions."""
    rng = np.random.default_rng(3)
    label = rng.integers(0, 2, 40_000)
    decision = np.where(rng.random(40_000) < 0.8, label, 1 - label)
    weight = rng.gamma(2, 1, 40_000)
    rows = {**oracles.ROWS["binary"](5, True, n=40_000), "label": label, "decision": decision, "weight": weight}
    rows["score"] = rng.random(40_000)
    got = made("recall + specificity").measure(oracles.cube("binary", rows))
    variance = 0.0
    for kind in (0, 1):
        hit, w = (decision == kind)[label == kind], weight[label == kind]
        variance += np.sum(w**2 * (hit - np.average(hit, weights=w)) ** 2) / w.sum() ** 2
    assert got.high[0] - got.low[0] == pytest.approx(2 * stats.norm.ppf(0.975) * np.sqrt(variance), rel=2e-3)


def test_dividing_by_nothing_is_undefined_with_the_reason():
    cube = oracles.cube("binary", oracles.ROWS["binary"](5))
    got = made("recall / (recall - recall)").measure(cube)
    assert np.isnan([got.value[0], got.low[0], got.high[0]]).all()
    assert got.reason[0] == "the formula divides by 0"


def test_a_formula_names_only_metrics_of_its_task():
    with pytest.raises(UnknownName, match="Did you mean 'recall'"):
        made("recal * 2")
    with pytest.raises(BadRequest, match="no metric of binary tasks"):
        made("rmse * 2")


@pytest.mark.slow
@pytest.mark.parametrize("n", [50, 200, 1000, 5000])
@pytest.mark.parametrize("population", ["even", "rare"])
@pytest.mark.parametrize("text", FORMULAS)
def test_coverage(text, population, n):
    low = 0.925 if n > 50 or population == "even" else 0.85
    metric = made(text)
    truth = metric.estimate(simulate.decisions(population, 0, 0, 0), 0.95).value[0]
    got = simulate.covered(metric.estimate(simulate.decisions(population, n, 2000, n), 0.95), truth)[0]
    assert low <= got <= 0.98


@pytest.mark.parametrize("text", FORMULAS)
def test_smoke_of_coverage(text):
    metric = made(text)
    truth = metric.estimate(simulate.decisions("even", 0, 0, 0), 0.95).value[0]
    assert 0.92 <= simulate.covered(metric.estimate(simulate.decisions("even", 300, 600, 7), 0.95), truth)[0] <= 0.98


def test_an_enclosure_is_rather_too_wide():
    metric = made("roc_auc - log_loss")
    truth = metric.estimate(simulate.scores(0, 0, 0), 0.95).value[0]
    assert simulate.covered(metric.estimate(simulate.scores(300, 600, 8), 0.95), truth)[0] >= 0.95


# Row expressions -------------------------------------------------------------------------------------------------


def summed(values, weight=None, group=None):
    """A cube with the sums of one expression `x`; nan is a row without a value."""
    group = np.zeros(len(values), dtype=int) if group is None else group
    known = ~np.isnan(values)
    size, w = group.max() + 1, np.ones(len(values)) if weight is None else weight

    def total(term):
        return np.bincount(group[known], weights=term[known], minlength=size)

    n = np.bincount(group[known], minlength=size)
    s = {"x": total(w * values), "x2": total(w * values**2)}
    q = {"x": total(w**2 * values), "x2": total(w**2 * values**2)}
    sums = OwnSums(n, total(w), total(w**2), s, q if weight is not None else s, weight is not None)
    cube = simulate._blank(size, 2)
    return Cube(cube.groups, cube.rows, cube.classes, own={"x": sums})


def test_a_mean_has_student_s_interval():
    values = np.random.default_rng(1).gamma(2, 50, 60)
    got = RowEstimator("x", "avg")(summed(values), 0.9)
    wanted = stats.t.interval(0.9, 59, loc=values.mean(), scale=stats.sem(values))
    np.testing.assert_allclose([got.low[0], got.high[0]], wanted, rtol=1e-9)
    total = RowEstimator("x", "sum")(summed(values), 0.9)
    np.testing.assert_allclose([total.low[0], total.high[0]], np.array(wanted) * 60, rtol=1e-9)
    assert (total.value[0], total.n[0]) == (pytest.approx(values.sum()), 60)


def test_a_condition_has_wilson_s_interval():
    values = np.array([1.0] * 7 + [0.0] * 33)
    wanted = proportion_confint(7, 40, method="wilson")
    share, count = (RowEstimator("x", each)(summed(values), 0.95) for each in ("share", "count"))
    np.testing.assert_allclose([share.low[0], share.high[0]], wanted, rtol=1e-9)
    np.testing.assert_allclose([count.low[0], count.high[0]], np.array(wanted) * 40, rtol=1e-9)
    assert count.value[0] == 7


@pytest.mark.parametrize("aggregate", ["avg", "share", "sum", "count"])
def test_equal_weights_change_no_mean_and_scale_totals(aggregate):
    values = np.random.default_rng(2).integers(0, 2, 50).astype(float)
    plain = RowEstimator("x", aggregate)(summed(values), 0.95)
    same = RowEstimator("x", aggregate)(summed(values, np.full(50, 2.0)), 0.95)
    by = 2 if aggregate in ("sum", "count") else 1
    for name in ("value", "low", "high"):
        np.testing.assert_allclose(getattr(same, name), by * getattr(plain, name), rtol=1e-9)


@pytest.mark.parametrize("weighted", [False, True], ids=["counts", "weights"])
@pytest.mark.parametrize("aggregate", ["avg", "sum"])
def test_smoke_of_coverage_of_rows(aggregate, weighted):
    rng, draws, n = np.random.default_rng(4), 1500, 120
    values, group = rng.gamma(2, 50, draws * n), np.repeat(np.arange(draws), n)
    weight = rng.gamma(4, 0.25, draws * n) if weighted else None
    got = RowEstimator("x", aggregate)(summed(values, weight, group), 0.95)
    truth = 100.0 if aggregate == "avg" else 100.0 * n
    assert 0.925 <= np.mean((got.low <= truth) & (truth <= got.high)) <= 0.965


def test_where_no_row_has_a_value_it_is_undefined():
    got = RowEstimator("x", "avg")(summed(np.array([1.0, 2.0, np.nan]), group=np.array([0, 0, 1])), 0.95)
    assert got.reason.tolist() == [None, "no row has a value of the expression"]
    assert got.n.tolist() == [2, 0]
    with np.errstate(over="ignore"):
        cube = summed(np.array([1e308, 1e308]))
    huge = RowEstimator("x", "sum")(cube, 0.95)
    assert huge.reason[0] == "its values are too large to be added up"
