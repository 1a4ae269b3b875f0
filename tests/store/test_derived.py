"""Derived model versions: the mapping is in the file, older versions stay, nothing else changes."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from analysis.core.errors import BadRequest, NotFound, UnknownName
from analysis.core.mapping import Mapping
from analysis.core.roles import ModelColumns, Roles
from analysis.store import datasets, definitions, derived, evaluations
from analysis.store.workspace import Workspace
from tests.engine.making import Folder, Table, facts, stored
from tests.store.loans import ROLES, loans
from tests.store.state import check

PLATT = Mapping("platt", (("intercept", -0.5), ("slope", 0.8)), model="m")
STEPS = Mapping("isotonic", knots=((0.1, 0.0), (0.4, 0.3), (0.7, 0.3), (0.9, 0.95)), model="m")


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    opened = Workspace.open(tmp_path / "workspace", actor="tester")
    source = tmp_path / "loans.csv"
    source.write_text(loans(80))
    dataset, _ = datasets.ingest(opened, source, name="loans")
    evaluations.create(opened, dataset, name="risk", task="binary", roles=ROLES)
    yield opened
    opened.close()


@pytest.mark.parametrize("mapping", [PLATT, STEPS], ids=["platt", "isotonic"])
def test_the_file_holds_the_mapped_score_beside_the_old_one(workspace: Workspace, mapping: Mapping) -> None:
    first = evaluations.find(workspace, "risk")
    made, new = derived.derive(workspace, first, mapping, name="m even")
    assert new
    assert (made.version, made.rows, [model.name for model in made.models]) == (2, 80, ["m", "m even"])
    assert made.roles.derived == ("m even",)
    with workspace.reader.open(workspace.file("evaluation", made.id)) as (cursor, alias):
        rows = cursor.sql(f"SELECT s0, s1, b1 FROM {alias}.rows").pl()
        codes = cursor.sql(f"SELECT low FROM {alias}.codes WHERE name = 'b1' ORDER BY code").pl()["low"].to_numpy()
    expected = mapping.apply(rows["s0"].to_numpy())
    np.testing.assert_allclose(rows["s1"].to_numpy(), expected, rtol=1e-12, atol=1e-15)
    np.testing.assert_array_equal(codes[rows["b1"].to_numpy()], rows["s1"].to_numpy())
    assert evaluations.find(workspace, first.mark).id == first.id
    assert definitions.find(workspace, derived.KIND, "m even", "risk").body == mapping.to_dict()
    again, new = derived.derive(workspace, first, mapping, name="m even")
    assert (again.id, new) == (made.id, False)
    check(workspace, {})


def test_what_no_mapping_uses_keeps_its_fingerprint(workspace: Workspace) -> None:
    assert "mapping" not in ROLES.to_dict()["models"][0]
    older = {"name": "m", "prediction": None, "scores": [[None, "score"]], "quantiles": [], "latency": None}
    assert Roles.from_dict({"models": [older]}).models[0] == ModelColumns("m", scores=((None, "score"),))
    kept = evaluations.find(workspace, "risk")
    dataset = datasets.find(workspace, "loans")
    assert evaluations.create(workspace, dataset, name="risk", task="binary", roles=ROLES) == (kept, False)


def test_a_name_of_its_own_a_known_origin_and_only_one_step(workspace: Workspace) -> None:
    first = evaluations.find(workspace, "risk")
    with pytest.raises(BadRequest, match="already"):
        derived.derive(workspace, first, PLATT, name="m")
    lost = Mapping("platt", PLATT.parameters, model="n")
    with pytest.raises(UnknownName, match="model version 'n'"):
        derived.derive(workspace, first, lost, name="even")
    made, _ = derived.derive(workspace, first, PLATT, name="even")
    with pytest.raises(BadRequest, match="calibrate 'm'"):
        derived.derive(workspace, made, Mapping("platt", PLATT.parameters, model="even"), name="more")
    both, _ = derived.derive(workspace, made, STEPS, name="steps")
    assert [model.name for model in both.models] == ["m", "even", "steps"]
    datasets.delete(workspace, datasets.find(workspace, "loans"))
    with pytest.raises(NotFound, match="deleted"):
        derived.derive(workspace, both, STEPS, name="late")


@pytest.mark.parametrize("id", [("id",), ()], ids=["pivoted", "as it is"])
def test_a_version_of_a_long_file_is_derived_from_its_own_rows(tmp_path: Path, id: tuple[str, ...]) -> None:
    folder = Folder(tmp_path)
    random = np.random.default_rng(3)
    scores = random.random(200).round(3)
    table = Table(
        {
            "id": ("INTEGER", [place // 2 for place in range(200)]),
            "v": ("VARCHAR", ["a", "b"] * 100),
            "y": ("INTEGER", [int(place // 2 % 3 == 0) for place in range(200)]),
            "s": ("DOUBLE", scores.tolist()),
        }
    )
    shape = ModelColumns("", scores=((None, "s"),))
    own = ModelColumns("b even", mapping=Mapping("platt", PLATT.parameters, model="b").to_dict())
    roles = Roles(label="y", id=id, model_version="v", models=(shape, own))
    made = facts(folder, table, task="binary", roles=roles)
    assert [model.name for model in made.models] == ["a", "b", "b even"]
    rows = stored(folder, made).drop_nulls("s1")
    assert len(rows) == 100
    np.testing.assert_allclose(np.sort(rows["s1"].to_numpy()), np.sort(scores[1::2]))
    np.testing.assert_allclose(rows["s2"].to_numpy(), PLATT.apply(rows["s1"].to_numpy()), rtol=1e-12)
    strange = ModelColumns("c", mapping=Mapping("platt", PLATT.parameters, model="z").to_dict())
    with pytest.raises(UnknownName, match="model version 'z'"):
        facts(folder, table, task="binary", roles=roles.with_(models=(shape, strange)))
    folder.close()


def test_only_the_score_of_two_classes_is_mapped(workspace: Workspace) -> None:
    dataset = datasets.find(workspace, "loans")
    roles = Roles(label="score", models=(ModelColumns("m", "defaulted", mapping=PLATT.to_dict()),))
    with pytest.raises(BadRequest, match="two-class"):
        evaluations.checked(dataset, "regression", roles)
