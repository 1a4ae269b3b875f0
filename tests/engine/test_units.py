"""Units from the file to the answer: trends, totals and groups know them, and what does not know them says so."""

import numpy as np
import pytest

from analysis.metrics.clusters import APART, BY_UNIT
from analysis.questions import measure, overview
from tests.engine.contract import table
from tests.engine.making import Folder, opened


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = Folder(tmp_path_factory.mktemp("evaluations"))
    yield made
    made.close()


@pytest.fixture(scope="module", params=["binary", "multiclass", "regression"])
def both(request, folder):
    """The same rows, once with units and once without."""
    made = []
    for units in (True, False):
        given, roles = table(request.param, True, units)
        made.append(opened(folder, given, task=request.param, roles=roles))
    return made


def test_an_overview_is_clustered_in_total_as_in_the_terminal(both):
    asked, _ = both
    shown, told = overview(asked).frame, measure(asked).frame
    names = [name for name in shown["metric"].unique() if name in told["metric"].unique()]
    assert len(names) > 4
    for name in names:
        mine, other = (frame.filter(metric=name) for frame in (shown, told))
        assert mine["method"].to_list() == other["method"].to_list()
        np.testing.assert_allclose(mine["low"].fill_null(-1), other["low"].fill_null(-1), rtol=1e-9)


def test_units_change_intervals_and_nothing_else(both):
    known, unknown = (measure(each, by=["flag"]).frame for each in both)
    assert known["n"].to_list() == unknown["n"].to_list()
    np.testing.assert_allclose(known["value"].fill_null(-9), unknown["value"].fill_null(-9), rtol=1e-12)
    clustered = known.filter(known["method"].str.contains(BY_UNIT))
    assert clustered["metric"].n_unique() > 4


def test_every_interval_says_whether_it_knows_the_units(both):
    known, unknown = (measure(each).frame for each in both)
    said = known.filter(known["low"].is_not_null())["method"].to_list()
    assert all(BY_UNIT in method or APART in method for method in said)
    assert not any(BY_UNIT in method or APART in method for method in unknown["method"])
