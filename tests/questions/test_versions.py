"""Model versions ranked: where every version answered every row, what is shared is taken from each one's own answer."""

import itertools

import numpy as np
import pytest

from analysis.core.expression import parse
from analysis.core.roles import ModelColumns, Roles
from analysis.engine import pairs
from analysis.questions import overview
from tests.engine.making import Folder, Table, opened

SIZE = 900


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = Folder(tmp_path_factory.mktemp("evaluations"))
    yield made
    made.close()


def made(folder, *, gaps, units=False, weighted=False):
    """Two versions of one model; with gaps, the second left a tenth of the rows without an answer."""
    random = np.random.default_rng(7)
    score = random.random(SIZE).round(3)
    other = np.clip(score + random.normal(0, 0.1, SIZE), 0, 1).round(3)
    label = (random.random(SIZE) < score).astype(int)
    left = random.random(SIZE) < 0.1 if gaps else np.zeros(SIZE, dtype=bool)

    def known(values):
        return [None if gone else value for gone, value in zip(left, values.tolist(), strict=True)]

    columns = {
        "y": ("INTEGER", label.tolist()),
        "a": ("DOUBLE", score.tolist()),
        "b": ("DOUBLE", known(other)),
        "pa": ("INTEGER", (score >= 0.5).astype(int).tolist()),
        "pb": ("INTEGER", known((other >= 0.5).astype(int))),
        "g": ("VARCHAR", [f"g{place % 3}" for place in range(SIZE)]),
        "t": ("DATE", [f"2026-0{1 + place % 3}-1{place % 9}" for place in range(SIZE)]),
        "u": ("INTEGER", [place // 4 for place in range(SIZE)]),
        "w": ("DOUBLE", random.gamma(2, 1, SIZE).round(3).tolist()),
    }
    models = (ModelColumns("one", "pa", ((None, "a"),)), ModelColumns("two", "pb", ((None, "b"),)))
    roles = Roles(label="y", models=models, time="t", positive="1")
    roles = roles.with_(unit="u") if units else roles
    roles = roles.with_(weight="w") if weighted else roles
    return opened(folder, Table(columns), task="binary", roles=roles)


WAYS = ({}, {"threshold": 0.4}, {"where": "g = 'g1'"})
CASES = [  # by default every two of gaps, units and weights in every way
    pytest.param(*each, way, marks=[] if sum(each) % 2 else pytest.mark.slow)
    for each in itertools.product([False, True], repeat=3)
    for way in WAYS
]


@pytest.mark.parametrize(("gaps", "units", "weighted", "way"), CASES, ids=str)
def test_the_short_way_ranks_as_the_long_one(folder, monkeypatch, gaps, units, weighted, way):
    evaluation = made(folder, gaps=gaps, units=units, weighted=weighted)
    short = [pairs.everywhere(evaluation.facts, model) for model in evaluation.facts.models]
    assert short == [True, not gaps]
    if "where" in way:
        way = {"where": parse(way["where"], columns=evaluation.facts.types())}
    quick = overview(evaluation, **way).frames["versions"]
    again = overview(evaluation, **way).frames["versions"]
    monkeypatch.setattr(pairs, "everywhere", lambda facts, model: False)
    slow = overview(evaluation, **way).frames["versions"]
    assert len(quick) > 8
    for frame in (quick, again):
        assert frame.columns == slow.columns
        for name in frame.columns:
            if frame[name].dtype.is_float():
                np.testing.assert_allclose(frame[name].fill_null(-9), slow[name].fill_null(-9), rtol=1e-9, atol=1e-12)
            else:
                assert frame[name].to_list() == slow[name].to_list(), name
