"""Facets: whatever a column holds, the segment a level says selects exactly the rows the level counts."""

from datetime import date, datetime, timedelta

import numpy as np
import pytest

from analysis.engine import objectives
from analysis.engine.coded import Scope, coded, facets
from analysis.engine.condition import render
from analysis.engine.facets import rounded
from analysis.engine.statements import references
from tests.engine.making import Folder, binary, opened

SIZE = 900


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = Folder(tmp_path_factory.mktemp("facets"))
    yield made
    made.close()


def some(random, values, share=0.1):
    return [None if random.random() < share else each for each in values]


def columns(seed):
    random = np.random.default_rng(seed)
    hostile = ["it's", 'a "quote"', "Zoë, größer", "", " ", "null", "x" * 300, "; drop table rows"]
    start = datetime(2026, 1, 5)
    return {
        "region": ("VARCHAR", some(random, [str(random.choice(hostile)) for _ in range(SIZE)])),
        'odd "name", not': ("VARCHAR", [str(random.choice(["a", "b"])) for _ in range(SIZE)]),
        "many": ("VARCHAR", some(random, [f"v{random.zipf(1.3) % 400}" for _ in range(SIZE)])),
        "free": ("VARCHAR", some(random, [f"text {place}" for place in range(SIZE)])),
        "real": ("DOUBLE", some(random, [float(each) for each in random.normal(0, 1e-3, SIZE)])),
        "nan": ("DOUBLE", [float("nan") if random.random() < 0.2 else float(random.gamma(1, 9)) for _ in range(SIZE)]),
        "single": ("FLOAT", [float(np.float32(each)) for each in random.gamma(1, 0.1, SIZE)]),
        "money": ("DECIMAL(12,2)", some(random, [f"{each:.2f}" for each in random.gamma(1, 900, SIZE)])),
        "whole": ("BIGINT", [int(each) for each in random.integers(-(10**12), 10**12, SIZE)]),
        "few": ("INTEGER", some(random, [int(each) for each in random.integers(0, 4, SIZE)])),
        "some": ("INTEGER", [int(each) for each in random.poisson(9, SIZE)]),
        "flag": ("BOOLEAN", some(random, [bool(random.random() < 0.4) for _ in range(SIZE)])),
        "day": (
            "DATE",
            some(random, [date(2020, 1, 1) + timedelta(days=int(n)) for n in random.integers(0, 999, SIZE)]),
        ),
        "moment": ("TIMESTAMP", [start + timedelta(seconds=int(n)) for n in random.integers(0, 10**7, SIZE)]),
        "one": ("VARCHAR", ["same"] * SIZE),
        "none": ("DOUBLE", [None] * SIZE),
        "t": (
            "TIMESTAMP",
            some(random, [start + timedelta(hours=int(n)) for n in random.integers(0, 4000, SIZE)], 0.05),
        ),
        "y": ("BIGINT", [int(each) for each in random.integers(0, 2, SIZE)]),
        "p": ("BIGINT", [int(each) for each in random.integers(0, 2, SIZE)]),
    }


@pytest.mark.parametrize("seed", [1, 2])
def test_a_level_counts_the_rows_its_segment_selects(folder, seed):
    table, roles = binary(**columns(seed))
    evaluation = opened(folder, table, task="binary", roles=roles)
    scope = Scope(objectives.of(evaluation.facts, "accuracy"), evaluation.judge("m", None))
    wanted = [column for column in evaluation.facts.columns if column.name not in ("y", "p")]
    found, left = facets(evaluation, scope, wanted)
    assert set(left) == {"one", "none"}
    rows = coded(evaluation, scope, found)
    assert rows.n == SIZE
    names = references(evaluation.facts)
    for place, facet in enumerate(found):
        codes = np.concatenate([part[0].codes[place] for part in (rows.finding, rows.confirming)])
        assert codes.max() < facet.axis.size
        levels = [
            facet.axis.codes_of(level, fine) for fine in (True, False) for level in range(len(facet.axis.over(fine)))
        ]
        if facet.axis.ordered > 2:
            levels += [facet.axis.range_of(i, j) for i, j in ((0, 1), (1, 1), (1, facet.axis.ordered - 1))]
        for held in levels:
            segment = facet.segment(held)
            counted = np.frombuffer(held, dtype=bool)[codes].sum()
            selected = evaluation.scan(f"SELECT count(*) AS n FROM rows r WHERE {render(segment, names)}")["n"][0]
            assert counted == selected, (facet.column, segment.expression())


def test_no_unit_is_in_both_halves(folder):
    random = np.random.default_rng(3)
    table, roles = binary(
        unit=("BIGINT", [int(each) for each in random.integers(0, 60, 500)]),
        g=("VARCHAR", [str(random.choice(["a", "b"])) for _ in range(500)]),
        y=("BIGINT", [int(each) for each in random.integers(0, 2, 500)]),
        p=("BIGINT", [int(each) for each in random.integers(0, 2, 500)]),
    )
    evaluation = opened(folder, table, task="binary", roles=roles.with_(unit="unit"))
    for seed in (1, 2):
        scope = Scope(objectives.of(evaluation.facts, "accuracy"), evaluation.judge("m", None), seed=seed)
        found, _ = facets(evaluation, scope, [evaluation.facts.column("g")])
        rows = coded(evaluation, scope, found)
        first, second = ({int(each) for each in part[0].unit} for part in (rows.finding, rows.confirming))
        assert first
        assert second
        assert not first & second


def test_edges_are_round_and_stay_apart():
    edges = [0.0, 0.1234567, 0.2345678, 0.2345999, 1.0, 17.5]
    made = [float(each) for each in rounded(edges)]
    assert made == sorted(set(made))
    for edge, before, short, after in zip(edges[1:-1], edges, made, edges[2:], strict=False):
        assert abs(short - edge) <= 0.1 * min(edge - before, after - edge) + 1e-15
