"""Every receipt, run in a bare DuckDB from the workspace folder, gives the number it stands beside."""

import math
from dataclasses import replace

import duckdb
import polars as pl
import pytest

from analysis.core.cutoffs import Band, ByGroup
from analysis.core.expression import parse
from analysis.core.period import read_period
from analysis.core.roles import ModelColumns, Roles
from analysis.engine.groups import bin_labels
from analysis.metrics import METRICS
from analysis.questions import measure, overview
from tests.engine.contract import SIZE, TASKS, table
from tests.engine.making import Folder, Table, binary, opened


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = Folder(tmp_path_factory.mktemp("evaluations"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def asked(folder):
    made = {}

    def ask(task, weighted):
        if (task, weighted) not in made:
            given, roles = table(task, weighted)
            made[task, weighted] = opened(folder, given, task=task, roles=roles)
        return made[task, weighted]

    return ask


def answers(bare, statements):
    """[{column: value}] of the last of some statements, in a connection that knows nothing, before and after."""
    found = bare.execute(statements)
    names = [column[0] for column in found.description]
    rows = [dict(zip(names, row, strict=True)) for row in found.fetchall()]
    bare.execute("USE memory; DETACH e")
    return rows


def agree(result, keys, facts=None):
    """Whether each receipt gives the value and n of each of its rows, and none is left over."""
    with duckdb.connect(config={"threads": 2}) as bare:
        return _agree(bare, result, keys, facts)


def _agree(bare, result, keys, facts):
    compared = 0
    for what, statements in result.receipt.sql.items():
        metric, model = what[:-1].split(" (", 1)
        rows = result.frame.filter(metric=metric, model=model)
        shown = {}
        for row in answers(bare, statements):
            key = [row[f"k{place}"] for place in range(len(keys))]
            if facts is not None:
                key = [named(facts, name, value) for name, value in zip(keys, key, strict=True)]
            shown[tuple(key), row.get("class")] = (row["value"], row["n"])
        for row in rows.iter_rows(named=True):
            key = tuple(row[name] for name in keys), row.get("class")
            value, n = shown.pop(key, (None, 0))
            assert n == row["n"], (what, key)
            value = None if value is None or math.isnan(value) else value
            if row["value"] is None and row["reason"] is not None and "labels are 0" in row["reason"]:
                continue
            assert (value is None) == (row["value"] is None), (what, key, value, row["value"])
            assert value is None or value == pytest.approx(row["value"], rel=1e-9, abs=1e-12), (what, key)
            compared += value is not None
        assert not shown, what
    return compared


def named(facts, name, value):
    column = facts.column(name)
    return bin_labels(column)[int(value)] if column.encoding == "bins" and value is not None else value


WAYS = [
    ((), "", None, ("", "")),
    (("region",), "", None, ("", "")),
    (("region", "flag"), "", None, ("", "")),
    (("amount",), "flag = false", None, ("", "")),
    ((), "not (region = 'West') and amount between 20 and 500", None, ("2026-01-15", "2026-02-28")),
    ((), "", 0.35, ("", "")),
    (("flag",), "region = 'it''s'", 0.5, ("", "2026-03-01")),
    (("flag",), "region = 'it''s'", None, ("", "2026-03-01")),
    (("region",), "amount > 1000000", None, ("", "")),
    ((), "", Band(0.3, 0.6), ("", "")),
    (("flag",), "amount between 20 and 500", Band(0.2, 0.45), ("", "2026-03-01")),
    ((), "", ByGroup(0.5, "region", (("West", 0.3), ("it's", 0.7), (None, 0.4))), ("", "")),
    (("region",), "", ByGroup(0.5, "flag", (("true", 0.25), (None, 0.7))), ("", "")),
]


ASKED = [(*task, *way) for task in TASKS for way in WAYS if way[2] is None or task[0] == "binary"]


@pytest.mark.parametrize(("task", "weighted", "by", "where", "threshold", "window"), ASKED, ids=str)
def test_a_receipt_gives_the_same_value_and_n(asked, folder, monkeypatch, task, weighted, by, where, threshold, window):
    made = asked(task, weighted)
    segment = parse(where, columns=made.facts.types()) if where else None
    result = measure(made, by=by, where=segment, threshold=threshold, period=read_period(*window))
    monkeypatch.chdir(folder.root)
    compared = agree(result, list(by), made.facts)
    wanted = {metric.name for metric in METRICS if task in metric.tasks}
    assert {what.split(" (")[0] for what in result.receipt.sql} == wanted
    assert "1000000" in where or compared >= len(wanted) - 1
    used = result.receipt.used[0]
    assert used.rows == used.used + sum(used.dropped.values())
    assert (used.review > 0) == isinstance(threshold, Band)


@pytest.mark.parametrize("weighted", [False, True])
def test_rows_used_and_dropped_add_up_to_the_rows(asked, weighted):
    used = measure(asked("binary", weighted)).receipt.used[0]
    assert used.rows == SIZE
    assert used.used + sum(used.dropped.values()) == SIZE
    wanted = {"without a label yet", "without an answer of the model"} | ({"without a weight"} if weighted else set())
    assert set(used.dropped) == wanted


def test_a_receipt_starts_where_the_workspace_is_and_reads_only(asked):
    result = measure(asked("binary", False), metrics=["recall"])
    statements = result.receipt.sql["recall (m)"]
    assert statements.startswith("ATTACH 'evaluations/")
    assert "(READ_ONLY)" in statements.splitlines()[0]


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_an_overviews_receipts_give_its_numbers(asked, folder, monkeypatch, task):
    result = overview(asked(task, True))
    by_class = result.frames["classes"]
    every = pl.concat([result.frame, by_class], how="diagonal_relaxed") if len(by_class) else result.frame
    monkeypatch.chdir(folder.root)
    compared = agree(replace(result, frame=every), [])
    assert compared >= len(result.receipt.sql) > 3


def test_binned_scores_weights_of_zero_and_one_sided_groups(folder, monkeypatch):
    rows = 12_000
    given, roles = binary(
        y=("INTEGER", [1 if i % 7 == 0 else 0 for i in range(rows)]),
        s=("DOUBLE", [((i * 7919) % rows) / rows + 1e-7 * i / rows for i in range(rows)]),
        w=("DOUBLE", [float(i % 3) for i in range(rows)]),
        g=("VARCHAR", ["zero" if i % 3 == 0 else "ones" if i % 7 == 0 else "mixed" for i in range(rows)]),
    )
    made = opened(folder, given, task="binary", roles=roles)
    assert not made.facts.models[0].exact
    monkeypatch.chdir(folder.root)
    for by in ((), ("g",)):
        result = measure(made, by=by, threshold=0.25)
        assert agree(result, list(by)) > 10


def test_hostile_names_in_receipts(folder, monkeypatch):
    given = Table(
        {
            "y'": ("VARCHAR", ["it's", "b", "c", "it's", "b"]),
            'p"': ("VARCHAR", ["it's", "c", "c", "b", "b"]),
            "; DROP": ("VARCHAR", ["u", "'", None, "u", "--"]),
        }
    )
    roles = Roles(label="y'", models=(ModelColumns("m'); --", 'p"'),))
    made = opened(folder, given, task="multiclass", roles=roles)
    monkeypatch.chdir(folder.root)
    assert agree(measure(made, metrics=["recall", "macro_f1"], by=["; DROP"]), ["; DROP"]) > 4
