"""Every metric against scikit-learn, scipy or a count of the rows: ties, weights, missing labels and decisions."""

import warnings
from dataclasses import replace

import numpy as np
import pytest

from analysis.core.cube import Confusion
from analysis.metrics import METRICS
from tests.metrics import oracles
from tests.metrics.cubes import binary_cube, multiclass_cube, regression_cube

CASES = [(metric, task) for metric in METRICS for task in metric.tasks]
OF_DECISIONS = ("precision", "recall", "f1")
WHOLE = [(metric, task) for metric, task in CASES if not (metric.name in OF_DECISIONS and task == oracles.MULTICLASS)]
EVERY = pytest.mark.parametrize(("metric", "task"), CASES, ids=[f"{m.name}-{t}" for m, t in CASES])


@EVERY
@pytest.mark.parametrize("weighted", [False, True], ids=["counts", "weights"])
@pytest.mark.parametrize("seed", range(3))
def test_the_value_is_the_oracles(metric, task, weighted, seed):
    rows = oracles.ROWS[task](seed, weighted)
    got = metric.estimate(oracles.cube(task, rows), 0.95)
    np.testing.assert_allclose(got.value, np.atleast_1d(oracles.ORACLES[metric.name](rows)), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize(("metric", "task"), WHOLE, ids=[f"{m.name}-{t}" for m, t in WHOLE])
@pytest.mark.parametrize("weighted", [False, True], ids=["counts", "weights"])
def test_the_baseline_is_the_oracles(metric, task, weighted):
    rows = oracles.ROWS[task](23, weighted)
    got = metric.baseline(oracles.cube(task, rows))
    np.testing.assert_allclose(got, np.atleast_1d(oracles.BASELINES[metric.name](rows)), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("name", OF_DECISIONS)
def test_a_class_is_measured_as_that_class_against_the_rest(name):
    rows, metric = oracles.multiclass_rows(29), METRICS.get(name)
    got = metric.measure(oracles.cube("multiclass", rows))
    for k in range(4):
        versus = [np.where(rows[column] < 0, -1, (rows[column] == k).astype(int)) for column in ("label", "decision")]
        single = metric.measure(binary_cube(versus[0], None, versus[1]))
        for part in ("value", "low", "high", "n", "baseline"):
            np.testing.assert_allclose(getattr(got, part)[k], getattr(single, part)[0], rtol=1e-12)


@pytest.mark.parametrize("name", ["roc_auc", "average_precision"])
def test_a_class_is_ranked_as_that_class_against_the_rest(name):
    rows = oracles.multiclass_rows(43, classes=3)
    rows["label"][rows["label"] == 2] = np.where(np.arange(np.sum(rows["label"] == 2)) < 5, 2, 0)
    got = METRICS.get(f"{name}_by_class").measure(oracles.cube("multiclass", rows))
    for k in range(3):
        label = np.where(rows["label"] < 0, -1, (rows["label"] == k).astype(int))
        single = METRICS.get(name).measure(binary_cube(label, rows["proba"][:, k]))
        for part in ("value", "low", "high", "n", "baseline"):
            np.testing.assert_allclose(getattr(got, part)[k], getattr(single, part)[0], rtol=1e-12)
        assert single.method.split("; ")[0] in got.method


def test_a_class_without_rows_says_so():
    rows = oracles.multiclass_rows(47, classes=3)
    rows["label"] = np.where(rows["label"] == 2, -1, rows["label"])
    got = METRICS.get("roc_auc_by_class").measure(oracles.cube("multiclass", rows))
    assert list(got.reason) == [None, None, "no row is labelled as this class"]
    alone = METRICS.get("roc_auc_by_class").measure(oracles.cube("multiclass", {**rows, "label": rows["label"] * 0}))
    assert alone.reason[0] == "all labels are of this class"


def test_per_class_estimates_are_group_major():
    rows = oracles.multiclass_rows(31)
    group = np.arange(len(rows["label"])) % 3
    got = METRICS.get("recall").measure(oracles.cube("multiclass", rows, group))
    alone = METRICS.get("recall").measure(oracles.cube("multiclass", oracles.take(rows, group == 2)))
    assert len(got) == 12
    assert METRICS.get("recall").by_class(oracles.cube("multiclass", rows))
    np.testing.assert_allclose(got.value[8:], alone.value, rtol=1e-12)


@pytest.mark.parametrize("seed", range(4))
def test_a_class_never_predicted_is_left_out_of_macro_means_and_counted(seed):
    random = np.random.default_rng(seed)
    label, decision = random.integers(0, 4, 60), random.integers(0, 3, 60)
    label[label == 2] = 1
    rows = {"label": label, "decision": decision, "weight": None}
    cube = multiclass_cube(label, decision, classes=4)
    for name, used in (("macro_precision", "3 of 4"), ("macro_recall", "3 of 4"), ("macro_f1", "all 4")):
        got = METRICS.get(name).estimate(cube, 0.95)
        np.testing.assert_allclose(got.value, oracles.ORACLES[name](rows), rtol=1e-12)
        assert used in got.method
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # scikit-learn warns of the class without labels that we leave out as it does
        expected = oracles.ORACLES["balanced_accuracy"](rows)
    np.testing.assert_allclose(METRICS.get("balanced_accuracy").estimate(cube, 0.95).value, expected, rtol=1e-12)


def value(name, cube):
    return METRICS.get(name).measure(cube)[0]


def test_one_class_only():
    label, decision, score = np.ones(20, dtype=int), np.tile([0, 1], 10), np.linspace(0.1, 0.9, 20)
    cube = binary_cube(label, score, decision)
    for name in ("specificity", "mcc", "balanced_accuracy", "roc_auc", "gini", "ks"):
        got = value(name, cube)
        assert np.isnan([got.value, got.low, got.high]).all(), name
        assert got.reason
    assert value("recall", cube).value == 0.5
    assert value("precision", cube).value == 1.0
    assert value("average_precision", cube).value == 1.0
    assert value("kappa", cube).value == 0.0
    assert value("prevalence", cube).value == 1.0


def test_nothing_predicted_positive():
    cube = binary_cube(np.tile([0, 1], 10), None, np.zeros(20, dtype=int))
    assert value("precision", cube).reason == "nothing was predicted as this class"
    assert value("precision", cube).n == 0
    assert (value("recall", cube).value, value("recall", cube).n) == (0.0, 10)
    assert value("f1", cube).value == 0.0
    assert np.isnan(value("mcc", cube).value)
    assert value("kappa", cube).value == 0.0
    assert value("kappa", cube).low < 0 < value("kappa", cube).high


def test_a_constant_score_knows_nothing():
    label = np.tile([0, 1, 1, 0, 0], 20)
    cube = binary_cube(label, np.full(100, 0.4))
    assert value("roc_auc", cube).value == 0.5
    assert value("gini", cube).value == 0.0
    assert value("ks", cube).value == 0.0
    assert value("ece", cube).value == pytest.approx(0.0, abs=1e-15)
    got = value("average_precision", cube)
    assert got.value == got.baseline == 0.4
    assert got.low < 0.4 < got.high


@pytest.mark.parametrize(("name", "least"), [("accuracy", 0.8), ("mcc", 0.5), ("kappa", 0.5), ("macro_f1", 0.5)])
def test_perfect_decisions_do_not_earn_an_interval_of_no_width(name, least):
    label = np.tile([0, 1, 2], 10)
    cube = multiclass_cube(label, label, classes=3)
    got = value(name, cube)
    assert got.value == 1.0
    assert least < got.low < 0.95
    assert got.high == 1.0


@pytest.mark.parametrize("name", ["mcc", "kappa"])
def test_all_wrong_decisions_mirror_all_right_ones(name):
    label = np.tile([0, 1, 1, 0, 1, 1], 10) if name == "mcc" else np.tile([0, 1], 30)
    right, wrong = value(name, binary_cube(label, None, label)), value(name, binary_cube(label, None, 1 - label))
    assert wrong.value == -1.0
    assert wrong.low == -1.0
    assert wrong.high == pytest.approx(-right.low, rel=1e-12)


def test_scores_outside_0_to_1_rank_but_are_not_calibrated():
    cube = binary_cube(np.tile([0, 1], 20), np.linspace(-3, 5, 40))
    assert value("roc_auc", cube).value > 0.5
    assert "no probabilities" in value("ece", cube).reason


def test_mape_refuses_zeros_and_counts_them():
    label, prediction = np.array([0.0, 0.0, 2.0, 4.0]), np.array([1.0, 0.0, 3.0, 3.0])
    got = value("mape", regression_cube(label, prediction))
    assert np.isnan([got.value, got.low, got.high]).all()
    assert got.reason.startswith("2 of 4 labels are 0")
    weighted = value("mape", regression_cube(label, prediction, np.ones(4)))
    assert "some labels are 0" in weighted.reason
    assert value("smape", regression_cube(label, prediction)).value == pytest.approx((2 + 0 + 2 / 5 + 2 / 7) / 4)


def test_labels_that_do_not_vary_have_no_r2():
    got = value("r2", regression_cube(np.full(10, 0.1), np.linspace(0, 1, 10)))
    assert np.isnan(got.value)
    assert got.reason == "the labels do not vary"


def test_one_row_has_a_value_and_no_interval():
    cube = regression_cube(np.array([2.0]), np.array([3.0]))
    for name in ("mae", "rmse", "bias", "mape", "wape", "smape", "median_ae"):
        got = value(name, cube)
        assert got.value > 0
        assert np.isnan([got.low, got.high]).all(), name


def test_a_perfect_regression():
    label = np.linspace(1, 5, 30)
    cube = regression_cube(label, label)
    assert (value("rmse", cube).value, value("rmse", cube).high) == (0.0, 0.0)
    assert (value("r2", cube).value, value("r2", cube).low) == (1.0, 1.0)


@pytest.mark.parametrize("offset", [1e3, 1e6])
def test_sums_do_not_cancel_far_from_zero(offset):
    rows = oracles.regression_rows(37)
    rows = {**rows, "label": rows["label"] + offset, "prediction": rows["prediction"] + offset}
    got = METRICS.get("r2").estimate(oracles.cube("regression", rows), 0.95)
    np.testing.assert_allclose(got.value, oracles.ORACLES["r2"](rows), rtol=1e-12 if offset < 1e6 else 1e-9)


@pytest.mark.parametrize("name", ["accuracy", "precision", "f1", "mcc", "kappa", "balanced_accuracy", "specificity"])
def test_counts_of_billions_do_not_overflow(name):
    counts = np.zeros((1, 3, 3), dtype=np.int64)
    counts[0, :2, :2] = [[900_000_000, 100_000_000], [50_000_000, 950_000_000]]
    small = counts // 10_000_000
    cube = binary_cube(np.array([0, 1]), None, np.array([0, 1]))
    large = METRICS.get(name).measure(replace(cube, confusion=Confusion(counts, counts, counts)))[0]
    expected = METRICS.get(name).measure(replace(cube, confusion=Confusion(small, small, small)))[0]
    assert large.value == pytest.approx(expected.value, rel=1e-12)
    assert 0 < large.high - large.low < 1e-4


@pytest.mark.parametrize(("metric", "task"), WHOLE, ids=[f"{m.name}-{t}" for m, t in WHOLE])
def test_weights_of_zero_leave_nothing_to_measure(metric, task):
    rows = oracles.ROWS[task](41)
    got = metric.measure(oracles.cube(task, {**rows, "weight": np.zeros(len(rows["label"]))}))
    if metric.name == "throughput":
        assert got.value == oracles.ORACLES["throughput"](rows)
    elif metric.name != "median_ae" and not metric.name.startswith("latency"):
        assert np.isnan(got.value).all()
        assert np.isnan(got.low).all()
        assert "weights" in got.reason[0]


def test_a_question_without_its_columns_is_refused_in_words():
    from analysis.core.errors import BadRequest

    bare = binary_cube(np.array([0, 1]))
    for name, word in (("recall", "threshold"), ("roc_auc", "score"), ("brier", "score"), ("mae", "label")):
        with pytest.raises(BadRequest, match=word):
            METRICS.get(name).estimate(bare, 0.95)
    with pytest.raises(BadRequest, match="numeric label"):
        METRICS.get("median_ae").estimate(bare, 0.95)
