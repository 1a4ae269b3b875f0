"""Laws that every registered metric keeps, each run over the registry."""

import numpy as np
import pytest

from analysis.core.estimate import Estimates
from analysis.metrics import METRICS, operational
from tests.metrics import operations, oracles

CASES = [(metric, task) for metric in METRICS for task in metric.tasks]
NAMES = [f"{metric.name}-{task}" for metric, task in CASES]
EVERY = pytest.mark.parametrize(("metric", "task"), CASES, ids=NAMES)
PUBLIC = """
accuracy precision recall specificity f1 mcc balanced_accuracy kappa roc_auc average_precision log_loss brier ks gini
ece selection_rate prevalence macro_precision macro_recall macro_f1 mae rmse r2 median_ae bias mape wape smape
negative_predictive_value false_positive_rate false_negative_rate false_discovery_rate f2 f0_5 informedness lift
weighted_precision weighted_f1 roc_auc_ovr roc_auc_ovo top_2_accuracy top_3_accuracy classwise_ece top_label_ece
roc_auc_by_class average_precision_by_class
mce calibration_in_the_large calibration_slope calibration_intercept
brier_reliability brier_resolution brier_uncertainty brier_remainder
latency_p50 latency_p95 latency_p99 throughput missing_prediction_rate cost_per_prediction cost_per_correct_decision
spearman over_prediction_share under_prediction_share quantile_loss interval_coverage interval_width
"""


def measured(metric, task, rows, group=None, level=0.95) -> Estimates:
    return metric.measure(oracles.cube(task, rows, group), level=level)


def empty(task):
    """Two groups: rows in the first, none in the second."""
    rows = oracles.ROWS[task](3)
    cube = oracles.cube(task, rows, np.zeros(len(rows["label"]), dtype=int))
    padded = oracles.take(rows, np.append(np.arange(len(rows["label"])), 0))
    for name in ("label", "decision", "score", "prediction", *operations.BLANK):
        if name in padded:
            padded[name] = padded[name].astype(float) if name in ("score", "prediction") else padded[name]
            padded[name][-1] = -1 if np.issubdtype(padded[name].dtype, np.integer) else np.nan
    group = np.append(np.zeros(len(rows["label"]), dtype=int), 1)
    return cube, oracles.cube(task, padded, group)


def test_the_names_are_those_of_the_contract():
    assert sorted(metric.name for metric in METRICS) == sorted(PUBLIC.split())


def test_every_metric_has_an_oracle_and_a_baseline_oracle():
    names = {metric.name for metric in METRICS}
    assert names == set(oracles.ORACLES)
    assert names == set(oracles.BASELINES)


@pytest.mark.parametrize("metric", list(METRICS), ids=lambda metric: metric.name)
def test_a_definition_explains_itself(metric):
    assert metric.help.endswith(".")
    assert any(each.isdigit() for each in metric.help), "the ends of the range are not explained"
    assert metric.source
    assert metric.counts
    assert metric.better in ("higher", "lower", "zero", None)
    assert metric.unit in ("share", "score", "label", "ratio", "latency", "money", "rate")
    assert metric.low < metric.high
    assert metric.needs
    known = {
        "decisions",
        "predictions",
        "labels",
        "scores",
        "class_scores",
        "class_moments",
        "top_label",
        "ranks",
        "probabilities",
        "days",
        "rank_products",
        "has:band",
    }
    assert all(need in known or need.split(":")[0] in ("sum", "order", "over") for need in metric.needs)
    without = metric.unit == "ratio" or metric.name in (*operational.SECTION, "interval_width")
    assert metric.baseline_help or metric.better is None or without


@EVERY
def test_an_empty_group_is_undefined_with_a_reason_and_leaves_the_other_alone(metric, task):
    alone, both = empty(task)
    full, padded = metric.measure(alone), metric.measure(both)
    size = len(full)
    if metric.name == "missing_prediction_rate":  # the row without an answer is what it counts
        assert padded.value[size:] == padded.n[size:] == 1
        return
    assert np.all(np.isnan(padded.value[size:]))
    assert np.all(np.isnan(padded.low[size:]))
    assert np.all(np.isnan(padded.high[size:]))
    assert np.all(padded.n[size:] == 0)
    assert all(isinstance(reason, str) and reason for reason in padded.reason[size:])
    np.testing.assert_allclose(padded.value[:size], full.value, rtol=1e-12)
    np.testing.assert_array_equal(padded.reason[:size], full.reason)


@EVERY
@pytest.mark.parametrize("weighted", [False, True], ids=["counts", "weights"])
def test_value_and_ends_keep_their_order_and_range(metric, task, weighted):
    rows = oracles.ROWS[task](5, weighted)
    far = metric.name in ("latency_p95", "latency_p99")  # few rows reach no order statistic that far out
    group = np.random.default_rng(1).integers(0, 1 if far else 40, len(rows["label"]))
    got = measured(metric, task, rows, group)
    seen = ~np.isnan(got.value)
    assert seen.any()
    assert np.all((got.value[seen] >= metric.low) & (got.value[seen] <= metric.high))
    known = seen & ~np.isnan(got.low)
    assert known.sum() > 0.7 * seen.sum()
    assert np.all(got.low[known] >= metric.low)
    assert np.all(got.high[known] <= metric.high)
    assert np.all(got.low[known] <= got.value[known] + 1e-12)
    assert np.all(got.value[known] <= got.high[known] + 1e-12)
    assert [reason is None for reason in got.reason] == list(seen)
    assert got.method
    assert np.all(np.nan_to_num(got.bound) >= 0)


@EVERY
def test_the_order_of_rows_changes_nothing(metric, task):
    rows = oracles.ROWS[task](7, True)
    shuffle = np.random.default_rng(2).permutation(len(rows["label"]))
    first, second = measured(metric, task, rows), measured(metric, task, oracles.take(rows, shuffle))
    for name in ("value", "low", "high", "bound", "baseline"):
        np.testing.assert_allclose(getattr(first, name), getattr(second, name), rtol=1e-9, atol=1e-12)
    np.testing.assert_array_equal(first.n, second.n)


@EVERY
def test_n_adds_up_over_groups(metric, task):
    rows = oracles.ROWS[task](11)
    group = np.random.default_rng(3).integers(0, 5, len(rows["label"]))
    whole, parts = measured(metric, task, rows), measured(metric, task, rows, group)
    np.testing.assert_array_equal(parts.n.reshape(5, -1).sum(axis=0), whole.n)
    assert np.all(whole.n > 0)


@EVERY
def test_a_group_is_measured_as_if_it_were_alone(metric, task):
    rows = oracles.ROWS[task](13)
    group = np.random.default_rng(4).integers(0, 3, len(rows["label"]))
    together = measured(metric, task, rows, group)
    mine = oracles.take(rows, group == 1)
    alone = measured(metric, task, mine)
    size = len(alone)
    if metric.name == "r2":
        np.testing.assert_allclose(together.low[size : 2 * size], alone.low, rtol=1e-8)
    np.testing.assert_allclose(together.value[size : 2 * size], alone.value, rtol=1e-12)
    np.testing.assert_array_equal(together.n[size : 2 * size], alone.n)


@EVERY
def test_a_higher_level_is_a_wider_interval(metric, task):
    rows = oracles.ROWS[task](17)
    narrow, wide = measured(metric, task, rows, level=0.8), measured(metric, task, rows, level=0.99)
    assert np.all(wide.low <= narrow.low)
    assert np.all(wide.high >= narrow.high)
    assert np.all(wide.high - wide.low > narrow.high - narrow.low)


@EVERY
def test_equal_weights_are_no_weights(metric, task):
    rows = oracles.ROWS[task](19)
    weighted = {**rows, "weight": np.full(len(rows["label"]), 2.5)}
    plain, same = measured(metric, task, rows), measured(metric, task, weighted)
    if metric.name == "median_ae" or metric.name.startswith("latency"):
        assert same.method != plain.method
        return
    for name in ("value", "low", "high", "baseline"):
        np.testing.assert_allclose(getattr(same, name), getattr(plain, name), rtol=1e-9, atol=1e-12)
