"""Paired questions against rows counted in plain Python: joint decisions, joint codes, per-row differences."""

import math
from collections import defaultdict

import numpy as np
import pytest

from analysis.core.errors import UnknownName
from analysis.core.expression import parse
from analysis.core.roles import ModelColumns, Roles
from analysis.engine.duckdb import Engine
from analysis.engine.parts import pair as part
from analysis.engine.query import Query
from tests.engine.contract import CLASSES, EPSILON
from tests.engine.making import Folder, Table, opened

SIZE = 500
TASKS = [(task, weighted) for task in ("binary", "multiclass", "regression") for weighted in (False, True)]
NEEDS = {
    "binary": {"decisions", "scores", "sum:ll", "sum:sq", "pair:decisions", "pair:scores", "pair:ll", "pair:sq"},
    "multiclass": {"decisions", "sum:ll", "sum:sq", "pair:decisions", "pair:ll", "pair:sq"},
    "regression": {"sum:ae", "sum:e2", "order:ae", "pair:ae", "pair:e2"},
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = Folder(tmp_path_factory.mktemp("evaluations"))
    yield made
    made.close()


def rows(task, weighted):
    """SIZE rows of two model versions, one and two, each with holes of its own."""
    random = np.random.default_rng([len(task), weighted, 5])
    made = []
    for _ in range(SIZE):
        gone = random.random(6) < 0.1
        row = {"region": None if gone[0] else str(random.choice(["West", "East", "North"]))}
        if weighted:
            row["w"] = None if gone[1] else round(float(random.gamma(1, 2)), 3)
        if task == "regression":
            truth = round(float(random.normal(100, 20)), 1)
            row["y"] = truth
            for name in ("one", "two"):
                row[f"p_{name}"] = round(truth + float(random.normal(0, 5)), 1)
        else:
            row["y"] = str(random.choice(CLASSES[task]))
            for name in ("one", "two"):
                row[f"p_{name}"] = str(random.choice(CLASSES[task]))
                shares = random.dirichlet(np.ones(len(CLASSES[task])))
                empty = random.random() < 0.1
                for place, share in enumerate(shares):
                    row[f"s_{name}_{place}"] = None if empty else round(float(share), 2 if task == "binary" else 12)
        row["y"] = None if gone[2] else row["y"]
        for place, name in enumerate(("one", "two")):
            row[f"p_{name}"] = None if gone[3 + place] else row[f"p_{name}"]
        made.append(row)
    return made


ROWS = {each: rows(*each) for each in TASKS}


def table(task, weighted):
    said = ROWS[task, weighted]
    kinds = {"region": "VARCHAR"} | dict.fromkeys(
        ("y", "p_one", "p_two"), "DOUBLE" if task == "regression" else "VARCHAR"
    )
    columns = {name: (kinds.get(name, "DOUBLE"), [row[name] for row in said]) for name in said[0]}
    scored = {"binary": {"yes": 1}, "multiclass": {name: place for place, name in enumerate(CLASSES["multiclass"])}}
    models = tuple(
        ModelColumns(name, f"p_{name}", tuple((of, f"s_{name}_{at}") for of, at in scored.get(task, {}).items()))
        for name in ("one", "two")
    )
    roles = Roles(label="y", models=models)
    return Table(columns), roles.with_(weight="w") if weighted else roles


@pytest.fixture(scope="module")
def asked(folder):
    made = {}

    def ask(task, weighted):
        if (task, weighted) not in made:
            given, roles = table(task, weighted)
            made[task, weighted] = opened(folder, given, task=task, roles=roles)
        return made[task, weighted]

    return ask


def losses(task, row, name):
    """{term: value} of one version's answer to a labelled row, None where it has no score or forecast."""
    if row["y"] is None:
        return None
    if task == "regression":
        if row[f"p_{name}"] is None:
            return None
        error = row[f"p_{name}"] - row["y"]
        return {"ae": abs(error), "e2": error**2}
    shares = [row[f"s_{name}_{place}"] for place in range(len(CLASSES[task]))]
    if None in shares:
        return None
    if task == "binary":
        shares = [1 - shares[1], shares[1]]
    truth = [float(each == row["y"]) for each in CLASSES[task]]
    right = sum(share * one for share, one in zip(shares, truth, strict=True))
    return {
        "ll": -math.log(min(max(right, EPSILON), 1 - EPSILON)),
        "sq": sum((share - one) ** 2 for share, one in zip(shares, truth, strict=True)) / 2,
    }


def held(cube, task, weighted, passes=lambda row: True):
    """(place, the rows of that group that count) of a cube by region."""
    for place, (region,) in enumerate(cube.groups.rows()):
        mine = [row for row in ROWS[task, weighted] if row["region"] == region and passes(row)]
        yield place, [row for row in mine if not weighted or row["w"] is not None], mine


def cells(joint, place):
    """{(label, first, second): (n, w, w2)} of one group; each cell once."""
    mine = np.flatnonzero(joint.group == place)
    found = {}
    for i in mine:
        key = (int(joint.label[i]), int(joint.first[i]), int(joint.second[i]))
        assert key not in found
        found[key] = (int(joint.n[i]), float(joint.w[i]), float(joint.w2[i]))
    return found


def counted(keys_and_rows, weighted):
    made = defaultdict(lambda: [0, 0.0, 0.0])
    for key, row in keys_and_rows:
        w = row["w"] if weighted else 1
        made[key] = [made[key][0] + 1, made[key][1] + w, made[key][2] + w * w]
    return made


def alike(found, wanted):
    assert found.keys() == wanted.keys()
    for key, value in wanted.items():
        np.testing.assert_allclose(found[key], value, rtol=1e-9, atol=1e-12)


def query(task, first="one", second="two", **more):
    return Query(first, frozenset(NEEDS[task]), by=("region",), other=second, **more)


@pytest.mark.parametrize(("task", "weighted"), TASKS)
@pytest.mark.parametrize("where", ["", "not (region = 'West')"])
def test_every_cell_and_difference_is_that_of_the_rows(asked, task, weighted, where):
    evaluation = asked(task, weighted)
    more = {"where": parse(where, columns=evaluation.facts.types())} if where else {}
    cube = evaluation.ask(query(task, **more)).cube
    names = CLASSES.get(task, ())
    for place, mine, _ in held(cube, task, weighted, lambda row: not where or row["region"] != "West"):
        if task != "regression":
            both = [row for row in mine if row["p_one"] is not None and row["p_two"] is not None]
            code = lambda text: len(names) if text is None else names.index(text)  # noqa: E731
            keyed = [((code(row["y"]), code(row["p_one"]), code(row["p_two"])), row) for row in both]
            alike(cells(cube.pair.decisions, place), counted(keyed, weighted))
            margin = cube.confusion.n[place][:, : len(names)].sum()
            assert margin == len(both)
        if task == "binary":
            low = {
                name: evaluation.ask(query(task, *order)).cube.histogram.low.tolist()
                for name, order in (("one", ("one", "two")), ("two", ("two", "one")))
            }
            scored = [row for row in mine if None not in (row["y"], row["s_one_1"], row["s_two_1"])]
            keyed = [
                ((names.index(row["y"]), *(low[name].index(row[f"s_{name}_1"]) for name in ("one", "two"))), row)
                for row in scored
            ]
            alike(cells(cube.pair.scores, place), counted(keyed, weighted))
            assert cube.histogram.n[place, :2].sum() == len(scored)
        sums = cube.pair.sums
        pairs = [(losses(task, row, "one"), losses(task, row, "two"), row.get("w", 1.0)) for row in mine]
        pairs = [each for each in pairs if each[0] is not None and each[1] is not None]
        assert sums.n[place] == cube.sums.n[place] == len(pairs)
        for term in {"regression": ("ae", "e2")}.get(task, ("ll", "sq")):
            gaps = [(one[term] - two[term], w) for one, two, w in pairs]
            for table, power in ((sums.s, 1), (sums.q, 2 if weighted else 1)):
                np.testing.assert_allclose(
                    table[term][place], math.fsum(w**power * d for d, w in gaps), rtol=1e-9, atol=1e-9
                )
                np.testing.assert_allclose(
                    table[f"{term}^2"][place], math.fsum(w**power * d * d for d, w in gaps), rtol=1e-9
                )
            own = math.fsum(w * one[term] for one, _, w in pairs)
            np.testing.assert_allclose(cube.sums.s[term][place], own, rtol=1e-12)


@pytest.mark.parametrize(("task", "weighted"), TASKS)
def test_only_rows_both_answered_count(asked, task, weighted):
    cube = asked(task, weighted).ask(query(task)).cube

    def answered(row, name):
        score = {"binary": f"s_{name}_1", "multiclass": f"s_{name}_0"}.get(task)
        return row[f"p_{name}"] is not None or (score is not None and row[score] is not None)

    for place, mine, everything in held(cube, task, weighted):
        served = [row for row in everything if row["y"] is not None and answered(row, "one") and answered(row, "two")]
        assert cube.rows[place] == len(everything)
        assert cube.tally.answered[place] == len(served)
        assert cube.tally.used[place] == sum(row in mine for row in served)


@pytest.mark.parametrize("weighted", [False, True])
def test_a_threshold_decides_for_both(asked, weighted):
    cube = asked("binary", weighted).ask(query("binary", threshold=0.4)).cube
    for place, mine, _ in held(cube, "binary", weighted):
        both = [row for row in mine if row["s_one_1"] is not None and row["s_two_1"] is not None]
        code = {"no": 0, "yes": 1, None: 2}
        keyed = [((code[row["y"]], int(row["s_one_1"] >= 0.4), int(row["s_two_1"] >= 0.4)), row) for row in both]
        alike(cells(cube.pair.decisions, place), counted(keyed, weighted))


def test_above_two_million_rows_codes_are_coarser_and_the_margins_the_same(asked, folder, monkeypatch):
    evaluation = asked("binary", True)
    fine = evaluation.ask(query("binary")).cube.pair.scores
    monkeypatch.setattr(part, "FINE_ROWS", 10)
    monkeypatch.setattr(part, "COARSE_CODES", 20)
    coarse = Engine(folder).open(evaluation.facts).ask(query("binary")).cube.pair.scores
    assert fine.steps == (1, 1)
    assert min(coarse.steps) > 1
    assert max(coarse.first.max(), coarse.second.max()) < 20
    assert len(coarse) < len(fine)
    for place in range(4):
        wanted = defaultdict(lambda: np.zeros(3))
        for (label, first, second), values in cells(fine, place).items():
            wanted[label, first // coarse.steps[0], second // coarse.steps[1]] += values
        alike(cells(coarse, place), wanted)


def test_pairs_can_be_picked_and_added_up(asked):
    cube = asked("binary", True).ask(query("binary")).cube
    one = cube.pick(np.array([2, 0]))
    assert cells(one.pair.decisions, 0) == cells(cube.pair.decisions, 2)
    assert cells(one.pair.scores, 1) == cells(cube.pair.scores, 0)
    assert one.pair.sums.s["ll"].tolist() == cube.pair.sums.s["ll"][[2, 0]].tolist()
    whole = cube.total()
    assert whole.pair.decisions.n.sum() == cube.pair.decisions.n.sum()
    assert set(whole.pair.decisions.group.tolist()) == {0}
    np.testing.assert_allclose(whole.pair.sums.s["ll"], cube.pair.sums.s["ll"].sum(), rtol=1e-12)


def test_the_rest_is_everything_but_the_group(asked):
    evaluation = asked("binary", True)
    needs = frozenset({"decisions", "scores", "sum:ll"})
    cube = evaluation.ask(Query("one", needs, by=("region",))).cube
    rest = cube.rest()
    for place, (region,) in enumerate(cube.groups.rows()):
        said = "region is missing" if region is None else f"region = '{region}'"
        where = parse(f"not ({said})", columns=evaluation.facts.types())
        alone = evaluation.ask(Query("one", needs, where=where)).cube
        assert rest.rows[place] == alone.rows[0]
        assert rest.confusion.n[place].tolist() == alone.confusion.n[0].tolist()
        np.testing.assert_allclose(rest.histogram.w[place], alone.histogram.w[0], rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(rest.sums.s["ll"][place], alone.sums.s["ll"][0], rtol=1e-12)
    assert rest.pair is None
    assert rest.orders == {}


def test_pairs_of_many_groupings_are_those_of_each_alone(asked):
    evaluation = asked("binary", True)
    queries = [Query("one", frozenset(NEEDS["binary"]), by=by, other="two") for by in ((), ("region",), ("p_one",))]
    for each, answer in zip(queries, evaluation.ask_all(queries), strict=True):
        where = parse("not (region = 'nobody')", columns=evaluation.facts.types())
        alone = evaluation.ask(Query("one", each.needs, by=each.by, other="two", where=where)).cube
        for place in range(len(alone)):
            alike(cells(answer.cube.pair.decisions, place), cells(alone.pair.decisions, place))
            alike(cells(answer.cube.pair.scores, place), cells(alone.pair.scores, place))


def test_a_version_that_is_not_there_is_refused(asked):
    with pytest.raises(UnknownName, match="model version 'three'"):
        asked("binary", False).ask(query("binary", second="three"))
