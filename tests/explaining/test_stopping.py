"""Explanations that stop sooner: their stated errors are what their weights scatter by, alone as among others."""

import numpy as np
import pytest

from analysis.core.model import Answers, Asking
from analysis.explaining.asked import explained
from analysis.explaining.local import Options, explain_many
from analysis.explaining.stopping import explain_until
from tests.explaining.glass import chance, known, mixed

SHARE = 0.05


@pytest.fixture(scope="module")
def table():
    return mixed()


def test_the_stated_errors_are_how_far_weights_are_from_those_of_many_neighbours(table):
    background, row, options = known(table), table.row(3, named=True), Options(6000)
    truth = np.mean(
        [each.weights for each in explain_many(chance, background, [row] * 30, Options(10_000), range(30))], axis=0
    )
    found = explain_until(chance, background, [row] * 60, options, range(60), SHARE)
    assert all(each.reached for each in found)
    off = np.array([(each.explanation.weights - truth) / each.errors for each in found])
    assert 0.8 < off.std() < 1.25
    assert np.abs(off.mean(axis=0)).max() < 0.6
    for each in found:
        assert each.errors.max() <= SHARE * np.abs(each.explanation.weights).max()
        assert each.samples < options.samples


def test_a_row_among_others_is_explained_as_alone(table):
    background, rows = known(table), [table.row(at, named=True) for at in range(12)]
    options, seeds = Options(3000), [at % 3 for at in range(12)]
    together = explain_until(chance, background, rows, options, seeds, SHARE)
    assert len({each.samples for each in together}) > 1
    for row, seed, each in zip(rows, seeds, together, strict=True):
        alone = explain_until(chance, background, [row], options, [seed], SHARE)[0]
        np.testing.assert_allclose(alone.explanation.weights, each.explanation.weights, rtol=0, atol=1e-9)
        assert alone.samples == each.samples


def test_an_error_out_of_reach_ends_with_the_samples_and_is_said(table):
    def answers(frame):
        score = chance(frame)
        return Answers(np.column_stack([1 - score, score]), ("no", "yes"))

    rows = table.head(2)
    said = explained(answers, Asking(rows, known(table), (0, 1), score=1, samples=900, error=1e-6))
    stopped = said.further["stopped"]
    assert stopped["samples"].to_list() == [899, 899]  # the row itself and pairs
    assert not stopped["reached"].any()
    assert (stopped["error"] > 1e-6).all()
    flat = explained(
        lambda frame: Answers(np.full((len(frame), 2), 0.5)), Asking(rows, known(table), (0, 1), error=0.1)
    )
    assert flat.frame["weight"].abs().max() < 1e-12
