"""Estimates, cubes' totals and picks, receipts, evaluations as facts: small values that must keep their promises."""

import json
import math

import numpy as np
import polars as pl
import pytest

from analysis.core.cube import Confusion, Cube, Histogram, Order, Sums, Tally
from analysis.core.errors import UnknownName
from analysis.core.estimate import Estimates
from analysis.core.evaluation import EvalColumn, Evaluation, ModelFacts
from analysis.core.receipt import Receipt, Result, Used, records
from analysis.core.roles import ModelColumns, Roles


def test_estimates_fill_what_was_not_said():
    column = Estimates(np.array([0.5, np.nan]), np.zeros(2), np.ones(2), np.array([3, 0]), "Wilson")
    assert len(column) == 2
    assert column.bound.tolist() == [0.0, 0.0]
    assert np.isnan(column.baseline).all()
    assert column[0].defined
    assert not column[1].defined
    assert (column[0].n, column[0].reason) == (3, None)


def cube(groups=4):
    random = np.random.default_rng(3)
    counts = lambda *shape: random.integers(0, 9, (groups, *shape))  # noqa: E731
    confusion, histogram = counts(3, 3), counts(3, 5)
    low = np.arange(5.0)
    order = Order(counts(5), counts(5), low, low, {0.5: random.random(groups)})
    rows = counts()
    return Cube(
        groups=pl.DataFrame({"k0": [f"g{i}" for i in range(groups)]}),
        rows=rows,
        classes=("no", "yes"),
        confusion=Confusion(confusion, confusion * 2.0, confusion * 4.0, True),
        histogram=Histogram(histogram, histogram, histogram, low, low),
        sums=Sums(counts(), counts(), counts(), {"ll": random.random(groups)}, {"ll": random.random(groups)}),
        orders={"ae": order},
        tally=Tally(rows // 2, rows // 3, rows // 4, rows // 5),
    )


def test_the_total_of_a_cube_is_the_sum_of_its_groups():
    parts = cube()
    whole = parts.total()
    assert len(whole) == 1
    assert whole.groups.width == 0
    assert whole.rows[0] == sum(parts.rows)
    assert np.array_equal(whole.confusion.w[0], sum(parts.confusion.w))
    assert np.array_equal(whole.histogram.n[0], sum(parts.histogram.n))
    assert whole.sums.q["ll"][0] == pytest.approx(math.fsum(parts.sums.q["ll"]))
    assert whole.tally.used[0] == sum(parts.tally.used)
    assert whole.orders == {}
    assert whole.confusion.weighted
    assert np.array_equal(whole.histogram.low, parts.histogram.low)


def test_picked_groups_are_those_groups():
    parts = cube()
    some = parts.pick(np.array([True, False, True, False]))
    assert some.groups["k0"].to_list() == ["g0", "g2"]
    assert np.array_equal(some.confusion.n, parts.confusion.n[[0, 2]])
    assert np.array_equal(some.orders["ae"].exact[0.5], parts.orders["ae"].exact[0.5][[0, 2]])
    assert np.array_equal(parts.pick(np.array([3, 1])).rows, parts.rows[[3, 1]])
    assert parts.pick(np.ones(4, dtype=bool)) is parts


def test_the_labelled_share_of_no_rows_is_1():
    tally = Tally(*(np.array([1, 0]) for _ in range(4)))
    assert Cube(pl.DataFrame(), np.array([4, 0]), tally=tally).labelled.tolist() == [0.25, 1.0]


def receipt(**options):
    return Receipt("measure", "e@1", "f" * 64, {"by": [], **options}, (Used("m", 10, 7, {"without a label yet": 3}),))


def test_a_receipt_is_named_by_what_was_asked():
    assert receipt().id == receipt().id
    assert receipt().id != receipt(threshold=0.5).id
    assert len(receipt().id) == 12
    assert json.loads(json.dumps(receipt().to_dict()))["rows"] == [
        {"model": "m", "rows": 10, "used": 7, "dropped": {"without a label yet": 3}}
    ]


def test_rows_used_as_a_sentence():
    assert receipt().used[0].sentence() == "m: 7 of 10 rows used; left out: 3 without a label yet."
    assert Used("m", 10, 10, {}).sentence() == "m: all 10 rows used."


def test_undefined_numbers_are_null_in_json():
    frame = pl.DataFrame({"value": [1.5, math.nan, math.inf, None], "name": ["a", None, "c", "d"]})
    assert [row["value"] for row in records(frame)] == [1.5, None, None, None]
    said = json.dumps(Result(frame, "s", receipt()).to_dict(), allow_nan=False)
    assert json.loads(said)["frame"][1] == {"value": None, "name": None}


def test_an_evaluation_survives_the_catalog():
    roles = Roles(id=("i",), label="y", models=(ModelColumns("m", "p", (("yes", "s"),), ((0.1, "q"),)),), zone="UTC")
    made = Evaluation(
        "id",
        "e",
        2,
        "f" * 64,
        "binary",
        roles,
        (EvalColumn("c0", "Region", "ENUM", "values", 3), EvalColumn("c1", "a", "DOUBLE", "bins", 9, edges=("1", "2"))),
        (ModelFacts("m", 0, True, True, class_scores=(("yes", "s"),), quantiles=((0.1, "q"),)),),
        10,
        9,
        ("no", "yes"),
        notes=("a note",),
    )
    facts = json.loads(json.dumps(made.facts()))
    again = Evaluation.from_facts(
        facts, id="id", name="e", version=2, fingerprint="f" * 64, task="binary", roles=Roles.from_dict(
            json.loads(json.dumps(roles.to_dict()))
        )
    )  # fmt: skip
    assert again == made
    assert (again.label, again.mark, again.positive) == ("e@2", "e~ffffffffffff", "yes")
    assert again.column("region").name == "Region"  # a slip of case is no riddle
    with pytest.raises(UnknownName, match="Did you mean 'Region'"):
        again.column("Regionn")
    with pytest.raises(UnknownName, match="model version 'n'"):
        again.model("n")
