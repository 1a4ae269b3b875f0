"""Calibration, average precision and KS where rows belong to units: against leaving units out, and by simulation."""

from dataclasses import replace

import numpy as np
import pytest

from analysis.metrics import METRICS, paired, reliability, replicates
from analysis.metrics.calibrationframes import TESTS, diagram
from analysis.metrics.clusters import DEALT
from tests.metrics import cubes
from tests.metrics.test_cuts import coarse
from tests.metrics.test_replicates import cube, leaving_out, rows

SMOOTH = ("average_precision", "calibration_in_the_large", "calibration_slope", "calibration_intercept")
BINNED = ("ks", "ece", "brier_remainder")


def off(seed, **shape):
    """Scores that are too high for the labels, so that no gap of a bin is near 0."""
    label, score, _, unit, _ = rows(seed, **shape)
    return label, np.round(np.clip(score**0.5, 0.001, 0.999), 3), unit


@pytest.mark.parametrize("name", SMOOTH + BINNED)
def test_metrics_of_scores_agree_with_leaving_units_out(name):
    label, score, unit = off(31, units=300)
    metric = METRICS.get(name)

    def value(keep):
        return metric.estimate(cubes.binary_cube(label[keep], score[keep]), 0.95).value[0]

    got = metric.measure(cube(label, score, unit, 300))
    width = (got.high[0] - got.low[0]) / 2
    if name == "ece":  # its low end is moved down
        width = got.high[0] - got.value[0]
    assert got.value[0] == value(np.ones(len(unit), dtype=bool))
    assert width / 1.968 == pytest.approx(leaving_out(value, unit), rel=0.08 if name in BINNED else 0.04)
    assert DEALT in got.method


@pytest.mark.parametrize("name", [*SMOOTH, *BINNED, "brier_reliability", "brier_resolution", "brier_uncertainty"])
def test_coarse_cells_and_rows_as_units_change_little(name):
    label, score, _ = off(32, units=2500, size=1, together=0)
    made = cube(label, score, np.arange(2500), 2500)
    apart = METRICS.get(name).measure(made.apart())
    for each in (made, coarse(made, 5)):
        got = METRICS.get(name).measure(each)
        assert got.value[0] == apart.value[0]
        np.testing.assert_allclose(got.high - got.low, apart.high - apart.low, rtol=0.06)


def test_a_bins_interval_agrees_with_leaving_units_out():
    label, score, unit = off(33, units=300, size=12)
    made = cube(label, score, unit, 300)
    bins = reliability.width_bins(made.histogram)
    frame = diagram(made, bins, "m", made.groups.select([]), 0.95)
    for row in frame.filter(frame["n"] > 300).iter_rows(named=True):
        inside = (score >= row["from"]) & (score < row["to"])
        error = leaving_out(lambda keep, inside=inside: label[keep & inside].mean(), unit)
        assert (row["high"] - row["low"]) / 2 / 1.968 == pytest.approx(error, rel=0.06)


def test_spiegelhalters_test_does_not_alarm_because_rows_are_alike():
    label, score, _, unit, _ = rows(34, units=60, size=20, together=0)
    twice = np.tile(np.arange(len(label)), 9)  # nine times the same rows: nothing new is known
    made = cube(label[twice], score[twice], unit[twice], 60)
    metric = TESTS.get("spiegelhalter_p")
    assert metric.measure(made).value[0] == pytest.approx(
        metric.measure(cube(label, score, unit, 60)).value[0], abs=1e-9
    )
    assert metric.measure(made.apart()).value[0] < metric.measure(made).value[0]


def test_single_units_and_replicates_are_both_known():
    label, score, unit = off(35, units=100)
    made = cube(label, score, unit, 100)
    known = replicates.with_units(made)
    assert known.units is not None
    assert known.units.dealt
    assert known.histogram.dealt is not None
    assert known.pick(np.array([True])).histogram is known.histogram


@pytest.mark.slow
@pytest.mark.parametrize("units", [60, 150])
@pytest.mark.parametrize("name", [*SMOOTH, "ece", "ks"])
def test_intervals_of_scores_cover(name, units):
    metric = METRICS.get(name)
    label, score, _ = off(1, units=30_000, size=4)
    truth = metric.estimate(cubes.binary_cube(label, score), 0.95).value[0]
    hits = np.zeros(2)
    for seed in range(400):
        label, score, unit = off(5000 + seed, units=units, size=12)
        made = coarse(cube(label, score, unit, units), 3)
        for place, each in enumerate((made, made.apart())):
            got = metric.measure(each)
            hits[place] += got.low[0] <= truth <= got.high[0]
    assert 0.92 <= hits[0] / 400 <= (0.99 if name in ("ece", "ks") else 0.98)
    assert hits[1] < hits[0]


def of_classes(seed, units=300, size=6):
    random = np.random.default_rng(seed)
    n, unit = units * size, np.repeat(np.arange(units), size)
    label = random.integers(0, 3, n)
    hint = random.normal(size=(n, 3)) + 1.2 * np.eye(3)[label] * (0.4 + np.repeat(random.random(units), size))[:, None]
    hint += 0.8 * np.repeat(random.normal(size=(units, 3)), size, axis=0)
    proba = np.exp(hint) / np.exp(hint).sum(axis=1, keepdims=True)
    return label, np.round(proba, 3), unit


def class_cube(label, proba, unit=None, keep=slice(None)):
    def made(group=None):
        return cubes.multiclass_cube(label[keep], proba[keep].argmax(axis=1), proba[keep], group=group)

    return made() if unit is None else replace(made(), replicates=made(unit))


@pytest.mark.parametrize("name", ["roc_auc_ovr", "roc_auc_ovo", "top_2_accuracy", "top_label_ece"])
def test_metrics_of_many_classes_agree_with_leaving_units_out(name):
    label, proba, unit = of_classes(41)
    metric = METRICS.get(name)

    def value(keep):
        return metric.estimate(class_cube(label, proba, keep=keep), 0.95).value[0]

    got = metric.measure(class_cube(label, proba, unit))
    width = (got.high[0] - got.value[0]) if name == "top_label_ece" else (got.high[0] - got.low[0]) / 2
    assert got.value[0] == pytest.approx(value(np.ones(len(unit), dtype=bool)))
    assert width / 1.968 == pytest.approx(leaving_out(value, unit), rel=0.06)
    assert DEALT in got.method


def test_versions_of_many_classes_are_compared_by_unit():
    label, one, unit = of_classes(42)
    _, two, _ = of_classes(43)
    two = np.round((one + 0.5 * two) / 1.5, 3)
    metric = METRICS.get("roc_auc_ovr")

    def difference(keep):
        first, second = (metric.estimate(class_cube(label, p, keep=keep), 0.95).value[0] for p in (one, two))
        return first - second

    got = paired.difference(metric, *(class_cube(label, p, unit) for p in (one, two))).difference
    assert (got.high[0] - got.low[0]) / 2 / 1.968 == pytest.approx(leaving_out(difference, unit), rel=0.05)
    assert DEALT in got.method
