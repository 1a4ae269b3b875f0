"""Decisions at every threshold where rows belong to units: against leaving units out, coarse cells and simulation."""

from dataclasses import replace

import numpy as np
import pytest

from analysis.core.cube import Histogram
from analysis.core.value import Values
from analysis.metrics import METRICS, choosing, operating, worth
from analysis.metrics.clusters import DEALT
from tests.metrics import cubes
from tests.metrics.test_replicates import cube, leaving_out, rows

NAMES = ("recall", "precision", "f1", "mcc", "accuracy", "lift", "selection_rate", "informedness")
VALUES = Values((5.0, -1.0, -2.0, 0.5))


def coarse(made, by):
    """The cube whose replicates have so many neighbouring codes as one."""
    held = made.replicates.histogram
    firsts = np.arange(0, len(held.low), by)
    n = np.add.reduceat(held.n, firsts, axis=2)
    low, high = held.low[firsts], held.high[np.minimum(firsts + by - 1, len(held.high) - 1)]
    return replace(made, replicates=replace(made.replicates, histogram=Histogram(n, n, n, low, high)))


def places_at(made, *thresholds):
    return np.searchsorted(made.histogram.low, thresholds)


@pytest.mark.parametrize("at", [0.2, 0.5, 0.8])
@pytest.mark.parametrize("name", NAMES)
def test_a_threshold_agrees_with_leaving_units_out(name, at):
    label, score, _, unit, _ = rows(21)
    metric = METRICS.get(name)
    made = cube(label, score, unit, 200)
    got = metric.measure(operating.every(made, places_at(made, at)))

    def value(keep):
        return metric.estimate(cubes.binary_cube(label[keep], None, (score[keep] >= at).astype(int)), 0.95).value[0]

    assert got.value[0] == value(np.ones(len(unit), dtype=bool))
    assert (got.high[0] - got.low[0]) / 2 / 1.972 == pytest.approx(leaving_out(value, unit), rel=0.06)
    assert DEALT in got.method


@pytest.mark.parametrize("name", ["recall", "precision", "f1", "mcc", "accuracy", "selection_rate"])
def test_cells_of_many_codes_lose_next_to_nothing(name):
    """Also where a threshold selects a few rows of the highest cell, whose units then say little."""
    label, score, _, unit, _ = rows(22, units=400, size=8)
    fine = cube(label, score, unit, 400)
    places = operating.grid(fine.histogram)
    selected = np.array([(score >= fine.histogram.low[place]).sum() for place in places])
    places = places[(selected >= 12) & (selected <= len(label) - 12)]
    metric = METRICS.get(name)
    exact, rough = (metric.measure(operating.every(each, places)) for each in (fine, coarse(fine, 40)))
    np.testing.assert_allclose(rough.high - rough.low, exact.high - exact.low, rtol=0.15)
    assert np.mean((rough.high - rough.low) / (exact.high - exact.low)) == pytest.approx(1, abs=0.03)


def test_what_a_threshold_decides_is_what_its_replicates_decide():
    label, score, _, unit, _ = rows(23)
    made = cube(label, score, unit, 200)
    places = places_at(made, 0.3, 0.7)
    decided = operating.every(made, places)
    np.testing.assert_allclose(
        decided.replicates.confusion.w.reshape(2, 200, 3, 3).sum(axis=1), decided.confusion.w, atol=1e-9
    )
    band = operating.decided_at(made, places[None, :1], places[None, 1:])
    np.testing.assert_allclose(band.replicates.confusion.w.sum(axis=0), band.confusion.w[0], atol=1e-9)


def test_units_of_one_row_each_are_rows():
    label, score, _, _, _ = rows(24, units=1, size=3000, together=0)
    made = cube(label, score, np.arange(3000), 3000)
    places = places_at(made, 0.1, 0.5, 0.9)
    for name in NAMES:
        known, apart = (METRICS.get(name).measure(operating.every(each, places)) for each in (made, made.apart()))
        np.testing.assert_allclose([known.low, known.high], [apart.low, apart.high], rtol=0.02, atol=3e-4)
    known, apart = (worth.per_decision(each, places[None], VALUES, 0.95) for each in (made, made.apart()))
    np.testing.assert_allclose([known.low, known.high], [apart.low, apart.high], rtol=5e-3)


@pytest.mark.parametrize("by", [1, 30])
def test_a_value_agrees_with_leaving_units_out(by):
    label, score, _, unit, _ = rows(25)
    made = coarse(cube(label, score, unit, 200), by)
    tp, fp, fn, tn = VALUES.fixed

    def value(keep, at=0.4):
        up = score[keep] >= at
        return np.where(label[keep] == 1, np.where(up, tp, fn), np.where(up, fp, tn)).mean()

    got = worth.per_decision(made, places_at(made, 0.4)[None], VALUES, 0.95)
    assert got.value[0] == pytest.approx(value(np.ones(len(unit), dtype=bool)))
    assert (got.high[0] - got.low[0]) / 2 / 1.972 == pytest.approx(leaving_out(value, unit), rel=0.03)
    assert DEALT in got.method


@pytest.mark.parametrize("name", ["precision", "f1", "value"])
def test_a_gain_agrees_with_leaving_units_out(name):
    label, score, _, unit, side = rows(26)
    groups = [cube(label, score, unit, 200, side == place) for place in (0, 1)]
    held = cubes.binary_cube(label, score, (score >= 0.5).astype(int), group=side)
    parts = cubes.binary_cube(label, score, (score >= 0.5).astype(int), group=side * 200 + unit)
    parts = parts if len(parts) == 400 else parts.placed(np.arange(len(parts)), 400)
    made = replace(held, replicates=parts)
    chosen, single = places_at(made, 0.3, 0.7), places_at(made, 0.5, 0.5)
    assert len(groups) == len(made)
    metric = worth.metric(VALUES) if name == "value" else METRICS.get(name)
    tp, fp, fn, tn = VALUES.fixed

    def value(keep):
        made = []
        for at in (np.where(side == 0, 0.3, 0.7), np.full(len(side), 0.5)):
            up = (score >= at)[keep]
            if name == "value":
                made.append(np.where(label[keep] == 1, np.where(up, tp, fn), np.where(up, fp, tn)).mean())
            else:
                made.append(metric.estimate(cubes.binary_cube(label[keep], None, up.astype(int)), 0.95).value[0])
        return made[0] - made[1]

    got = choosing.gain(made, chosen, single, metric, VALUES, 0.95)
    assert got.value[0] == pytest.approx(value(np.ones(len(unit), dtype=bool)))
    assert (got.high[0] - got.low[0]) / 2 / 1.972 == pytest.approx(leaving_out(value, unit), rel=0.04)
    assert DEALT in got.method


@pytest.mark.slow
@pytest.mark.parametrize("at", [0.3, 0.6])
@pytest.mark.parametrize("name", ["recall", "precision", "f1", "value"])
def test_thresholds_cover(name, at):
    def measured(made):
        places = places_at(made, at)
        if name == "value":
            return worth.per_decision(made, places[None], VALUES, 0.95)
        return METRICS.get(name).measure(operating.every(made, places))

    label, score, _, unit, _ = rows(1, units=40_000, size=4)
    truth = measured(cubes.binary_cube(label, score, (score >= 0.5).astype(int))).value[0]
    hits = np.zeros(2)
    for seed in range(500):
        label, score, _, unit, _ = rows(3000 + seed, units=60, size=12)
        made = coarse(cube(label, score, unit, 60), 8)
        for place, each in enumerate((made, made.apart())):
            got = measured(each)
            hits[place] += got.low[0] <= truth <= got.high[0]
    assert 0.92 <= hits[0] / 500 <= 0.98
    assert hits[1] < hits[0]
