"""Units from the file to the answer: trends, totals and groups know them, and what does not know them says so."""

from dataclasses import replace

import numpy as np
import pytest

from analysis.core.expression import parse
from analysis.engine import replicated
from analysis.engine.parts import units as single_units
from analysis.engine.query import Query
from analysis.metrics.clusters import APART, BY_UNIT, DEALT
from analysis.questions import calibration, compare_groups, errors, measure, overview, thresholds
from tests.engine.contract import table
from tests.engine.making import Folder, Table, opened


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


def intervals(frame, low="low", method="method"):
    return frame.filter(frame[low].is_not_null())[method].to_list()


@pytest.fixture(scope="module")
def pairs(folder):
    made = []
    for units in (True, False):
        given, roles = table("binary", False, units)
        made.append(opened(folder, given, task="binary", roles=roles))
    return made


def test_thresholds_calibration_and_differences_are_between_units(pairs):
    known, unknown = pairs
    for ask in (
        lambda each: thresholds(each).frame,
        lambda each: calibration(each).frames["summary"],
        lambda each: measure(each, metrics=["average_precision", "ks", "ece"], by=["region"]).frame,
    ):
        said = intervals(ask(known))
        assert said
        assert all(DEALT in method for method in said)
        assert not any(BY_UNIT in method or APART in method for method in intervals(ask(unknown)))
        same = [  # Spiegelhalter's z is a value over its standard error, which knows the units
            frame.filter(~frame["metric"].str.starts_with("spiegelhalter"))["value"].fill_null(-9)
            for frame in (ask(known), ask(unknown))
        ]
        np.testing.assert_allclose(*same, rtol=1e-12)
    for options in ({"against": "rest"}, {"against": "overall"}, {"against": "West"}):
        frame = compare_groups(known, by=["region"], metrics=["recall", "roc_auc", "brier"], **options).frame
        said = intervals(frame, "difference_low")
        assert said
        assert all("correlation over shared units" in method for method in said)
    assert not any("independent" in note for note in compare_groups(known, by=["region"]).receipt.notes)


def test_errors_are_between_units(both):
    known, unknown = (errors(each) for each in both)
    for name, frame in {"main": known.frame, "losses": known.frames.get("losses", known.frame)}.items():
        said = intervals(frame)
        assert all(BY_UNIT in method for method in said), name
    assert len(known.frame) == len(unknown.frame)
    assert not any(BY_UNIT in method for method in intervals(unknown.frame))


def test_replicates_add_up_to_the_whole_and_hold_units_together(pairs):
    known, _ = pairs
    query = Query("m", frozenset({"decisions", "scores", "sum:sq"}), by=("region",), units=False)
    cube = replicated.ask(known, query).cube
    parts = cube.replicates
    size = len(parts) // len(cube)
    assert parts.rows.reshape(len(cube), size).sum(axis=1).tolist() == cube.rows.tolist()
    np.testing.assert_array_equal(parts.confusion.n.reshape(len(cube), size, 3, 3).sum(axis=1), cube.confusion.n)
    np.testing.assert_allclose(parts.sums.s["sq"].reshape(len(cube), size).sum(axis=1), cube.sums.s["sq"])
    single = known.ask(replace(query, units=True)).cube.units.n
    assert np.all((parts.rows.reshape(len(cube), size) > 0).sum(axis=1) <= single)


def test_many_rows_are_looked_at_in_random_groups_alone(both, monkeypatch):
    known, _ = both
    exact = measure(known).frame
    monkeypatch.setattr(single_units, "MOST", 1)
    dealt = measure(known, where=parse("amount >= -1000000 or amount is missing", columns={"amount": "DOUBLE"})).frame
    said = dealt.filter(dealt["low"].is_not_null())["method"].to_list()
    assert any(DEALT in method for method in said)
    assert all(DEALT in method or APART in method for method in said)
    np.testing.assert_allclose(dealt["value"].fill_null(-9), exact["value"].fill_null(-9), rtol=1e-12)


def test_a_single_unit_earns_no_interval_and_no_verdict(folder):
    given, roles = table("binary", False, True)
    one = Table(given.columns | {"customer": ("VARCHAR", ["the same"] * given.rows)})
    asked = opened(folder, one, task="binary", roles=roles)
    for frame in (measure(asked).frame, calibration(asked).frame, errors(asked).frame, thresholds(asked).frame):
        known = frame.filter(frame["low"].is_not_null())
        said = known["method"].to_list() if "method" in known.columns else known["low"].to_list()
        assert all(APART in method for method in said), known.rows()
    differences = compare_groups(asked, by=["region"], metrics=["recall", "roc_auc", "average_precision", "f1"]).frame
    assert differences["difference_low"].null_count() == len(differences)
    assert set(differences["verdict"].drop_nulls()) <= {"not enough data"}
