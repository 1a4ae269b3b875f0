"""Long files: rows of several model versions put side by side, or kept apart, without losing or mixing any."""

import numpy as np
import pytest

from analysis.core.errors import BadRequest
from analysis.core.roles import ModelColumns, Roles
from analysis.questions import measure
from tests.engine.making import Folder, Table, facts, opened, stored


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = Folder(tmp_path_factory.mktemp("evaluations"))
    yield made
    made.close()


ROLES = Roles(label="y", model_version="v", models=(ModelColumns("", "p", ((None, "s"),)),))


def long(rows, kind="VARCHAR"):
    """rows: (id, version, label, prediction, score, day)."""
    names = ("id", "v", "y", "p", "s", "t")
    kinds = ("INTEGER", kind, "INTEGER", "INTEGER", "DOUBLE", "DATE")
    return Table(
        {name: (kind, [row[at] for row in rows]) for at, (name, kind) in enumerate(zip(names, kinds, strict=True))}
    )


def random_rows(seed=4, size=120, versions=("a", "b'x", "c")):
    random = np.random.default_rng(seed)
    rows = []
    for id in range(size):
        y = int(random.random() < 0.4) if random.random() < 0.9 else None
        for version in versions:
            if random.random() < 0.8:
                s = round(float(random.random()), 3) if random.random() < 0.9 else None
                p = int(random.random() < 0.5) if random.random() < 0.9 else None
                rows.append((id, version, y, p, s, "2026-01-01"))
    return [rows[place] for place in random.permutation(len(rows))]


def test_versions_side_by_side_hold_each_their_own_rows(folder):
    rows = random_rows()
    made = facts(folder, long(rows), task="binary", roles=ROLES.with_(id=("id",)))
    held = stored(folder, made)
    assert [model.name for model in made.models] == ["a", "b'x", "c"]
    ids = {row[0] for row in rows}
    assert made.rows == len(held) == len(ids)
    said = {(id, version): (p, s) for id, version, _, p, s, _ in rows}
    labels = {id: y for id, _, y, _, _, _ in rows}
    for row in held.iter_rows(named=True):
        id = row[made.column("id").key]
        assert row["y"] == labels[id]
        for model in made.models:
            assert (row[f"p{model.index}"], row[f"s{model.index}"]) == said.get((id, model.name), (None, None))


def test_without_an_id_every_version_has_its_own_rows_and_the_same_numbers(folder):
    rows = random_rows()
    apart = opened(folder, long(rows), task="binary", roles=ROLES)
    beside = opened(folder, long(rows), task="binary", roles=ROLES.with_(id=("id",)))
    assert apart.facts.rows == len(rows)
    asked = ["recall", "precision", "roc_auc", "log_loss"]
    picked = ["model", "metric", "value", "n"]
    one, other = (measure(each, metrics=asked).frame.select(picked) for each in (apart, beside))
    assert one.equals(other)
    assert one["n"].min() > 0


def test_repeated_ids_of_one_version_are_refused_with_their_count(folder):
    rows = [(1, "a", 1, 1, 0.5, None), (1, "a", 1, 0, 0.4, None), (2, "a", 0, 0, 0.1, None), (2, "a", 0, 0, 0.1, None)]
    with pytest.raises(BadRequest, match="2 ids have several rows"):
        facts(folder, long(rows), task="binary", roles=ROLES.with_(id=("id",)))


def test_a_time_tells_repeated_ids_apart(folder):
    rows = [
        (1, "a", 1, 1, 0.5, "2026-01-01"),
        (1, "b", 1, 1, 0.6, "2026-01-01"),
        (1, "a", 0, 0, 0.4, "2026-01-02"),
    ]
    made = facts(folder, long(rows), task="binary", roles=ROLES.with_(id=("id",), time="t"))
    held = stored(folder, made).sort("t")
    assert held.select("y", "s0", "s1").rows() == [(1, 0.5, 0.6), (0, 0.4, None)]
    still = [*rows, (1, "a", 0, 0, 0.3, "2026-01-02")]
    with pytest.raises(BadRequest, match="1 ids have several rows"):
        facts(folder, long(still), task="binary", roles=ROLES.with_(id=("id",), time="t"))


def test_a_label_only_one_version_carries_counts_for_all_and_disagreement_is_said(folder):
    rows = [
        (1, "a", None, 0, 0.2, None),
        (1, "b", 1, 1, 0.9, None),
        (2, "a", 0, 0, 0.1, None),
        (2, "b", 1, 0, 0.3, None),
    ]
    made = facts(folder, long(rows), task="binary", roles=ROLES.with_(id=("id",)))
    assert stored(folder, made)["y"].to_list() == [1, 0]
    assert any("1 ids have different labels" in note for note in made.notes)


def test_rows_without_a_version_keep_their_id_and_answer_for_nobody(folder):
    rows = [(1, None, 1, 1, 0.5, None), (2, "a", 0, 0, 0.2, None), (3, "a", 1, 0, 0.3, None)]
    made = facts(folder, long(rows), task="binary", roles=ROLES.with_(id=("id",)))
    assert made.rows == 3
    assert made.models[0].scored == 2


@pytest.mark.parametrize(
    ("versions", "said"), [([None] * 3, "is empty"), ([f"v{i}" for i in range(21)], "more than 20 values")]
)
def test_a_column_that_is_no_version_is_refused(folder, versions, said):
    rows = [(i, version, i % 2, 1, 0.5, None) for i, version in enumerate(versions)]
    with pytest.raises(BadRequest, match=said):
        facts(folder, long(rows), task="binary", roles=ROLES)


def test_versions_that_are_numbers_are_named_by_their_text(folder):
    rows = [(1, 1, 1, 1, 0.5, None), (1, 2, 1, 0, 0.4, None), (2, 2, 0, 0, 0.2, None)]
    made = facts(folder, long(rows, "INTEGER"), task="binary", roles=ROLES.with_(id=("id",)))
    assert [model.name for model in made.models] == ["1", "2"]


def test_wide_versions_may_spell_their_decisions_each_in_its_way(folder):
    table = Table(
        {
            "y": ("VARCHAR", ["yes", "no", None]),
            "one": ("INTEGER", [1, 0, 1]),
            "two": ("BOOLEAN", [False, None, True]),
        }
    )
    roles = Roles(label="y", models=(ModelColumns("one", "one"), ModelColumns("two", "two")))
    held = stored(folder, facts(folder, table, task="binary", roles=roles))
    assert held.select("y", "p0", "p1").rows() == [(1, 1, 0), (0, 0, None), (None, 1, 1)]


def test_regression_versions_in_one_long_file(folder):
    random = np.random.default_rng(8)
    rows = [(id, v, id * 10, id * 10 + int(random.integers(-9, 9)), None, None) for id in range(40) for v in ("a", "b")]
    roles = Roles(label="y", id=("id",), model_version="v", models=(ModelColumns("", "p"),))
    made = opened(folder, long(rows), task="regression", roles=roles)
    frame = measure(made, metrics=["mae"]).frame
    for model in ("a", "b"):
        wanted = np.mean([abs(p - y) for _, v, y, p, _, _ in rows if v == model])
        assert frame.filter(model=model)["value"][0] == pytest.approx(wanted, rel=1e-12)
        assert frame.filter(model=model)["n"][0] == 40
