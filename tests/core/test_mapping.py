"""Mappings: arrays, SQL and dict say the same, the order of rows is kept, and nonsense is refused."""

import json

import duckdb
import numpy as np
import pytest

from analysis.core.errors import BadRequest, UnknownName
from analysis.core.mapping import Mapping

KNOTS = tuple((float(x), float(y)) for x, y in [(0.1, 0.0), (0.2, 0.05), (0.21, 0.05), (0.5, 0.4), (0.9, 1.0)])
MANY = tuple((float(x), float(x * x)) for x in np.linspace(0.01, 0.99, 301))
MAPPINGS = {
    "platt": Mapping("platt", (("intercept", -0.4), ("slope", 0.7)), model="v2"),
    "raw": Mapping("platt", (("intercept", 1.5), ("slope", 0.02)), raw=True),
    "beta": Mapping("beta", (("intercept", 0.3), ("rise", 0.8), ("fall", 1.4))),
    "one sided": Mapping("beta", (("intercept", 0.3), ("rise", 0.8), ("fall", 0.0))),
    "isotonic": Mapping("isotonic", knots=KNOTS),
    "one knot": Mapping("isotonic", knots=((0.4, 0.25),)),
    "many knots": Mapping("isotonic", knots=MANY),
}
EVERY = pytest.mark.parametrize("name", MAPPINGS)
SCORES = np.concatenate([np.linspace(0, 1, 401), [1e-9, 1 - 1e-9, 0.2, 0.205, 0.21], [-3.0, 40.0]])


@EVERY
def test_sql_gives_what_arrays_give(name):
    with duckdb.connect() as bare:
        bare.execute("CREATE TABLE t (place INTEGER, s DOUBLE)")
        rows = [*enumerate(map(float, SCORES)), (len(SCORES), None)]
        bare.executemany("INSERT INTO t VALUES (?, ?)", rows)
        got = [row[0] for row in bare.execute(f"SELECT {MAPPINGS[name].sql('s')} FROM t ORDER BY place").fetchall()]
    assert got[-1] is None
    np.testing.assert_allclose(got[:-1], MAPPINGS[name].apply(SCORES), rtol=1e-12, atol=1e-15)


@EVERY
def test_no_mapping_falls_or_leaves_0_to_1(name):
    found = MAPPINGS[name].apply(np.sort(SCORES))
    assert np.all(np.diff(found) >= 0)
    assert np.all((found >= 0) & (found <= 1))
    assert np.isnan(MAPPINGS[name].apply(np.array([np.nan])))[0]


@EVERY
def test_a_dict_brings_it_back(name):
    mapping = MAPPINGS[name]
    assert Mapping.from_dict(json.loads(json.dumps(mapping.to_dict()))) == mapping


def test_a_slope_of_one_without_intercept_changes_nothing():
    same = Mapping("platt", (("intercept", 0.0), ("slope", 1.0)))
    np.testing.assert_allclose(same.apply(np.linspace(0.01, 0.99, 50)), np.linspace(0.01, 0.99, 50), rtol=1e-12)


@pytest.mark.parametrize(
    ("data", "word"),
    [
        ({}, "method"),
        ({"method": "platt"}, "needs intercept"),
        ({"method": "platt", "parameters": {"intercept": 0, "slope": -1}}, "must not fall"),
        ({"method": "platt", "parameters": {"intercept": float("nan"), "slope": 1}}, "finite"),
        ({"method": "platt", "parameters": {"intercept": "0; DROP TABLE", "slope": 1}}, "no mapping"),
        ({"method": "beta", "parameters": {"intercept": 0, "rise": 1, "fall": -0.1}}, "must not fall"),
        ({"method": "isotonic"}, "needs knots"),
        ({"method": "isotonic", "knots": [[0.1, 0.5], [0.2, 0.4]]}, "must not fall"),
        ({"method": "isotonic", "knots": [[0.2, 0.4], [0.1, 0.5]]}, "rising scores"),
        ({"method": "isotonic", "knots": [[0.2, 0.4], [0.3, 1.5]]}, "from 0 to 1"),
        ({"method": "isotonic", "knots": [0.2]}, "no mapping"),
        ({"method": "isotonic", "knots": [[0.2, 0.4]], "parameters": 3}, "no mapping"),
    ],
)
def test_nonsense_is_refused_in_words(data, word):
    with pytest.raises(BadRequest, match=word):
        Mapping.from_dict(data)


def test_an_unknown_method_names_the_nearest():
    with pytest.raises(UnknownName, match="isotonic"):
        Mapping("isotonik", knots=KNOTS)
