"""Evaluations: built once, found by name and link, renamed, described and deleted; contradictions are refused."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest
import sqlalchemy as sa

from analysis.core.errors import AssayError, BadRequest, NotFound, UnknownName
from analysis.core.roles import ModelColumns, Roles
from analysis.store import datasets, evaluations, tables
from analysis.store.workspace import Workspace
from tests.store.loans import ROLES, loans
from tests.store.state import check, data_files
from tests.store.test_datasets import HOSTILE

ONE = ModelColumns("m", scores=((None, "score"),))


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("origin")
    opened = Workspace.open(folder / "workspace", actor="tester")
    source = folder / "loans.csv"
    source.write_text(loans(60))
    dataset, _ = datasets.ingest(opened, source, name="loans")
    evaluations.create(opened, dataset, name="risk", task="binary", roles=ROLES, description="who defaults")
    opened.close()
    return folder / "workspace"


@pytest.fixture
def loaned(origin: Path, tmp_path: Path) -> Iterator[Workspace]:
    """A workspace of this test's own, with the dataset 'loans' and the evaluation 'risk'."""
    shutil.copytree(origin, tmp_path / "workspace")
    opened = Workspace.open(tmp_path / "workspace", actor="tester")
    yield opened
    opened.close()


def deeds(workspace: Workspace) -> list[tuple[str, str]]:
    with workspace.catalog.read() as connection:
        rows = connection.execute(sa.select(tables.activity).order_by(tables.activity.c.number))
        return [(row.action, row.object) for row in rows]


def test_what_is_built_is_what_was_asked_for(loaned: Workspace) -> None:
    dataset, made = datasets.find(loaned, "loans"), evaluations.find(loaned, "risk")
    assert (made.label, made.task, made.description, made.actor) == ("risk@1", "binary", "who defaults", "tester")
    assert (made.rows, made.labelled, made.classes, made.inputs) == (60, 60, ("0", "1"), (dataset.id,))
    assert made.roles == ROLES
    with loaned.reader.open(loaned.file("evaluation", made.id)) as (cursor, alias):
        held = cursor.sql(f"SELECT c0 AS id, y AS label, s0 AS score FROM {alias}.rows ORDER BY c0").pl()
    source = datasets.first_rows(loaned, dataset, rows=60)
    assert held["label"].cast(pl.Int64).to_list() == source["defaulted"].cast(pl.Int64).to_list()
    assert held["score"].to_list() == source["score"].cast(pl.Float64).to_list()
    assert deeds(loaned) == [("ingest", dataset.id), ("evaluate", made.id)]
    check(loaned, {})


def test_the_same_again_is_used_and_anything_else_is_built(loaned: Workspace) -> None:
    dataset, first = datasets.find(loaned, "loans"), evaluations.find(loaned, "risk")

    def again(name: str = "risk", roles: Roles = ROLES) -> tuple[str, bool]:
        made, new = evaluations.create(loaned, dataset, name=name, task="binary", roles=roles)
        return made.label, new

    assert again() == ("risk@1", False)
    assert again(name="copy") == ("copy@1", True)
    assert again(roles=ROLES.with_(segments=("region",))) == ("risk@2", True)
    loaned.file("evaluation", first.id).unlink()
    assert again() == ("risk@3", True)


def test_one_is_found_by_name_version_link_and_id(loaned: Workspace) -> None:
    dataset, first = datasets.find(loaned, "loans"), evaluations.find(loaned, "risk")
    second, _ = evaluations.create(loaned, dataset, name="risk", task="binary", roles=ROLES.with_(segments=("region",)))
    assert first.fingerprint != second.fingerprint
    for reference in ("risk", "risk@2", second.mark, second.id):
        assert evaluations.find(loaned, reference) == second
    for reference in ("risk@1", first.mark, first.id, f"risk~{first.fingerprint}"):
        assert evaluations.find(loaned, reference) == first
    assert [each.label for each in evaluations.listed(loaned)] == ["risk@2", "risk@1"]
    assert [each.label for each in evaluations.newest(loaned)] == ["risk@2"]


@pytest.mark.parametrize(
    ("reference", "sentence"),
    [
        ("laons", "There is no evaluation 'laons'. Did you mean 'loans'?"),
        ("loans@9", "The evaluation 'loans' has no version 9; it has 1."),
        ("loans~000000000000", "There is no evaluation 'loans~000000000000'. Known: "),
    ],
)
def test_what_is_not_found_is_said_with_the_nearest_name(kept: Workspace, reference: str, sentence: str) -> None:
    with pytest.raises(NotFound) as caught:
        evaluations.find(kept, reference)
    assert str(caught.value).startswith(sentence)


def test_the_fingerprint_says_what_went_in(loaned: Workspace) -> None:
    dataset = datasets.find(loaned, "loans")
    made = {
        evaluations.fingerprint(dataset, "binary", ROLES),
        evaluations.fingerprint(dataset, "multiclass", ROLES),
        evaluations.fingerprint(dataset, "binary", ROLES.with_(positive="0")),
        evaluations.fingerprint(dataset, "binary", ROLES.with_(weight="score")),
    }
    assert len(made) == 4
    assert evaluations.fingerprint(dataset, "binary", Roles.from_dict(ROLES.to_dict())) in made


@pytest.mark.parametrize(
    ("task", "roles", "error", "sentence"),
    [
        ("binry", ROLES, UnknownName, "There is no task 'binry'. Did you mean 'binary'?"),
        ("binary", ROLES.with_(label="defalted"), UnknownName, "no column 'defalted'. Did you mean 'defaulted'?"),
        ("binary", ROLES.with_(models=()), BadRequest, "No column is a prediction or a score"),
        ("binary", ROLES.with_(models=(ONE, ONE)), BadRequest, "Two model versions are called 'm'"),
        ("binary", ROLES.with_(models=(ModelColumns("m"),)), BadRequest, "'m' has neither a prediction nor a score"),
        ("binary", ROLES.with_(weight="defaulted"), BadRequest, "'defaulted' cannot be both label and weight"),
        ("binary", ROLES.with_(label="region"), BadRequest, "'region' has 4 different values"),
    ],
)
def test_roles_that_make_no_sense_are_refused_and_nothing_is_kept(
    loaned: Workspace, task: str, roles: Roles, error: type[AssayError], sentence: str
) -> None:
    before = data_files(loaned.root)
    with pytest.raises(error, match=sentence):
        evaluations.create(loaned, datasets.find(loaned, "loans"), name="new", task=task, roles=roles)
    assert data_files(loaned.root) == before
    check(loaned, before)


def test_hostile_names_of_evaluations_columns_and_models_are_labels_only(workspace: Workspace, tmp_path: Path) -> None:
    source = tmp_path / "file.csv"
    columns = HOSTILE[:8]
    values = {name: [str((place * 7 + row) % 2) for row in range(40)] for place, name in enumerate(columns)}
    pl.DataFrame(values | {"score": [row / 40 for row in range(40)]}).write_csv(source)
    dataset, _ = datasets.ingest(workspace, source, name="hostile")
    label, *segments = columns
    roles = Roles(label=label, models=(ModelColumns(HOSTILE[5], scores=((None, "score"),)),), segments=tuple(segments))
    for name in (HOSTILE[3], HOSTILE[5]):
        made, _ = evaluations.create(
            workspace, dataset, name=name, task="binary", roles=roles.with_(positive="1"), description=name
        )
        assert (made.name, made.description, made.models[0].name) == (name, name, HOSTILE[5])
        assert made.roles.segments == tuple(segments)
        assert evaluations.find(workspace, made.mark) == made
    check(workspace, {})


def test_renaming_keeps_every_version_and_its_links(loaned: Workspace) -> None:
    dataset, first = datasets.find(loaned, "loans"), evaluations.find(loaned, "risk")
    second, _ = evaluations.create(loaned, dataset, name="risk", task="binary", roles=ROLES.with_(segments=("region",)))
    evaluations.create(loaned, dataset, name="taken", task="binary", roles=ROLES)
    with pytest.raises(BadRequest, match="There is already an evaluation called 'taken'"):
        evaluations.rename(loaned, first, "taken")
    evaluations.rename(loaned, first, "  default risk ")
    evaluations.rename(loaned, evaluations.find(loaned, first.id), "default risk")
    assert evaluations.find(loaned, "default risk@1").id == first.id
    assert evaluations.find(loaned, f"default risk~{second.fingerprint[:12]}").id == second.id
    assert deeds(loaned)[-1] == ("rename", first.id)
    with pytest.raises(NotFound):
        evaluations.find(loaned, "risk")


def test_a_description_is_kept_up_to_its_limit(loaned: Workspace) -> None:
    made = evaluations.find(loaned, "risk")
    evaluations.describe(loaned, made, "why " * 2000)
    assert evaluations.find(loaned, "risk").description == ("why " * 2000)[:4000]
    assert deeds(loaned)[-1] == ("describe", made.id)


def test_deleting_takes_the_file_and_the_cubes(loaned: Workspace) -> None:
    made = evaluations.find(loaned, "risk")
    cubes = loaned.root / "cubes"
    mine, other = cubes / f"{made.id}-1.arrow", cubes / f"{'0' * 32}-1.arrow"
    for file in (mine, other):
        file.write_text("")
    evaluations.delete(loaned, made)
    assert evaluations.listed(loaned) == []
    assert not loaned.file("evaluation", made.id).exists()
    assert (mine.exists(), other.exists()) == (False, True)
    assert deeds(loaned)[-1] == ("delete", made.id)
    again, new = evaluations.create(loaned, datasets.find(loaned, "loans"), name="risk", task="binary", roles=ROLES)
    assert (again.version, new) == (2, True)


def test_more_rows_than_the_dataset_has_are_refused(loaned: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    run = evaluations.child.run

    def more(task: str, request: dict[str, object], **options: object) -> dict[str, object]:
        return run(task, request, **options) | {"rows": 61}  # type: ignore[arg-type]

    monkeypatch.setattr(evaluations.child, "run", more)
    before = data_files(loaned.root)
    with pytest.raises(BadRequest, match="more rows than its dataset"):
        evaluations.create(loaned, datasets.find(loaned, "loans"), name="new", task="binary", roles=ROLES)
    check(loaned, before)
