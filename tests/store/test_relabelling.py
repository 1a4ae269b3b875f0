"""Relabelling: only the labels meant differ, the original stays, and a fault at any step leaves nothing behind."""

import duckdb
import polars as pl
import pytest

from analysis.core.errors import BadRequest
from analysis.core.labeldecision import CONFIRMED, LabelDecision
from analysis.core.roles import Roles
from analysis.engine.doubts import id_sql
from analysis.engine.subject import of_dataset
from analysis.store import datasets, staging
from analysis.store.relabelling import relabelled
from analysis.store.workspace import Workspace

TYPED = """SELECT i AS id, 'p' || (i % 3) AS part, i % 2 = 0 AS flag,
  CASE WHEN i % 7 > 0 THEN i % 3 END AS "odd ""name",
  CAST(i AS DECIMAL(18, 3)) / 7 AS d, CAST(i AS DOUBLE) / 3 AS f, CAST('nan' AS DOUBLE) AS nan,
  TIMESTAMP '2026-01-01' + to_seconds(i) AS t, TIMESTAMPTZ '2026-01-01 00:00:00+00' + to_seconds(i) AS tz,
  DATE '2026-01-01' + CAST(i % 50 AS INTEGER) AS day, [i, NULL, 3] AS many, {'a': i, 'b': 'x'} AS pair,
  CAST('\\x00\\xFF' AS BLOB) AS bytes, NULL::VARCHAR AS nothing, 'ü, "' || chr(10) || i AS text
  FROM range(3000) g(i)"""


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """A workspace with a table of many types, made once."""
    tmp_path = tmp_path_factory.mktemp("relabelling")
    made = Workspace.open(tmp_path / "w", actor="tester")
    with duckdb.connect() as bare:
        bare.execute(f"COPY ({TYPED}) TO '{tmp_path / 't.parquet'}' (FORMAT parquet)")
    yield made, datasets.ingest(made, tmp_path / "t.parquet", name="t")[0]
    made.close()


@pytest.fixture
def workspace(kept):
    yield kept
    made, dataset = kept
    for each in datasets.listed(made):
        if each.id != dataset.id:
            datasets.delete(made, each)


def said(workspace, dataset):
    with workspace.reader.open(workspace.file("dataset", dataset.id)) as (cursor, alias):
        return cursor.sql(f"SELECT * FROM {alias}.data ORDER BY rowid").pl()


def confirmed(id, label, suggested):
    return LabelDecision(id, label, suggested, CONFIRMED)


@pytest.mark.parametrize(
    ("label", "id", "decisions", "changed"),
    [
        pytest.param(
            *("flag", ("id",), [("10", "true", "false"), ("2999", "false", "true")], {10: False, 2999: True}),
            marks=pytest.mark.slow,
        ),
        ('odd "name', ("id", "part"), [("5 | p2", "2", "0")], {5: 0}),
        ("flag", ("id",), [("1", "true", "false"), ("10", "true", "false")], {10: False}),
        pytest.param("part", ("id",), [("0", "p0", "=new")], {0: "=new"}, marks=pytest.mark.slow),
    ],
)
def test_only_the_labels_meant_differ(workspace, label, id, decisions, changed):
    workspace, dataset = workspace
    before, held = said(workspace, dataset), workspace.file("dataset", dataset.id).read_bytes()
    made, rows = relabelled(workspace, dataset, label=label, id=id, confirmed=[confirmed(*each) for each in decisions])
    assert (made.name, rows) == ("t", len(changed))
    assert made.version > 1
    assert [(each.name, each.type) for each in made.schema] == [(each.name, each.type) for each in dataset.schema]
    key = dataset.schema.column(label).key
    values = [changed.get(at, value) for at, value in enumerate(before[key].to_list())]
    wanted = before.with_columns(pl.Series(key, values, dtype=before[key].dtype))
    assert said(workspace, made).equals(wanted)
    assert workspace.file("dataset", dataset.id).read_bytes() == held
    assert "t@1 with" in made.source


@pytest.mark.parametrize(
    ("label", "id", "decisions", "why"),
    [
        ("flag", ("id",), [], "No label is confirmed"),
        ("flag", (), [("1", "false", "true")], "role id"),
        ("flag", ("id",), [("1", "true", "false")], "nothing is left to apply"),
        ('odd "name', ("id",), [("1", "0", "2")], "has no row '1'"),
        ("flag", ("id",), [("9999", "true", "false")], "has no row '9999'"),
        ("flag", ("id",), [("1", "false", "perhaps")], "does not fit"),
    ],
)
def test_what_does_not_fit_is_refused(workspace, label, id, decisions, why):
    workspace, dataset = workspace
    with pytest.raises(BadRequest, match=why):
        relabelled(workspace, dataset, label=label, id=id, confirmed=[confirmed(*each) for each in decisions])
    assert len(datasets.listed(workspace)) == 1
    assert list((workspace.root / "staging").glob("*")) == []


IDS = (
    ("k", "m | z"),
    ("k | m", "z"),
    ("k ", "m| z"),
    ("k\\", "z"),
    ("k\\N", "z"),
    (None, "z"),
    ("z", None),
    ("\\N", "z"),
)


def test_rows_of_different_ids_are_called_differently(tmp_path):
    made = Workspace.open(tmp_path / "w", actor="tester")
    rows = pl.DataFrame(IDS, schema=["a", "b"], orient="row").with_columns(y=pl.lit("no"))
    rows.write_parquet(tmp_path / "t.parquet")
    dataset = datasets.ingest(made, tmp_path / "t.parquet", name="t")[0]
    subject = of_dataset(made, dataset, "table", Roles(id=("a", "b")))
    names = subject.scan(f"SELECT {id_sql(subject)} AS id FROM data r ORDER BY r.rowid")["id"].to_list()
    assert names[:2] == [r"k | m \| z", r"k \| m | z"]
    assert len({*names}) == len(IDS)
    for name in (names[1], names[5]):
        corrected, rows = relabelled(made, dataset, label="y", id=("a", "b"), confirmed=[confirmed(name, "no", "yes")])
        assert rows == 1
        assert said(made, corrected)["c2"].to_list().index("yes") == names.index(name)
    made.close()


@pytest.mark.parametrize(
    "step",
    [pytest.param(each, marks=pytest.mark.slow) for each in staging.STEPS[:4]] + ["sealed"],
)
def test_a_fault_at_any_step_leaves_nothing(workspace, step):
    workspace, dataset = workspace

    def fail(name):
        if name == step:
            raise RuntimeError(step)

    with pytest.raises(RuntimeError):
        relabelled(workspace, dataset, label="flag", id=("id",), confirmed=[confirmed("1", "false", "true")], step=fail)
    assert len(datasets.listed(workspace)) == 1
    assert [each.stem for each in (workspace.root / "datasets").glob("*.duckdb")] == [dataset.id]
    assert list((workspace.root / "staging").glob("*")) == []
