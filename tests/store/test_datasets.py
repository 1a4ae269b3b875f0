"""Datasets: kept once, found by name, looked into, deleted; a name is a label and nothing else."""

import hashlib
import os
import shutil
from pathlib import Path

import polars as pl
import pytest
import sqlalchemy as sa
from polars.testing import assert_frame_equal

from analysis.core.errors import AssayError, BadFile, BadRequest, NotFound, StorageError
from analysis.core.roles import ModelColumns, Roles
from analysis.store import datasets, evaluations, tables
from analysis.store.inspect import column_facts
from analysis.store.workspace import Workspace
from tests.store.loans import ROLES, loans
from tests.store.state import check, data_files

HOSTILE = [
    "../../../etc/passwd",
    "C:\\windows\\system32",
    "/absolute/path",
    "<img src=x onerror=alert(1)>",
    "**bold** [link](http://example.org) :red[x] $x$",
    "x'); DROP TABLE dataset; --",
    'quoted "name"',
    "a;b|c`d`$(e)&f",
    "日本語 🎉 Ünïcödé",
    "%s {0} {name} \\n",
    "con",
    ".hidden",
    "a" * 200,
]


def written(folder: Path, text: str, name: str = "file.csv") -> Path:
    file = folder / name
    file.write_text(text, encoding="utf-8")
    return file


# Keeping --------------------------------------------------------------------------------------------------------


def test_what_is_kept_is_what_was_given(workspace: Workspace, tmp_path: Path) -> None:
    source = written(tmp_path, loans(300))
    made, new = datasets.ingest(workspace, source, name="loans")
    assert new
    assert (made.label, made.rows, made.rejected, made.actor, made.source) == ("loans@1", 300, 0, "tester", "file.csv")
    assert made.fingerprint == hashlib.sha256(source.read_bytes()).hexdigest()
    assert made.source_bytes == source.stat().st_size
    assert_frame_equal(datasets.first_rows(workspace, made, rows=300), pl.read_csv(source, infer_schema=False))
    with workspace.catalog.read() as connection:
        deed = connection.execute(sa.select(tables.activity)).one()
    assert (deed.actor, deed.action, deed.kind, deed.object) == ("tester", "ingest", "dataset", made.id)
    assert deed.detail == {"name": "loans", "version": 1, "rows": 300, "rejected": 0}
    check(workspace, {})


def test_the_recorded_hash_and_size_are_the_files_own(workspace: Workspace, tmp_path: Path) -> None:
    made, _ = datasets.ingest(workspace, written(tmp_path, loans(10)), name="loans")
    with workspace.catalog.read() as connection:
        row = connection.execute(sa.select(tables.dataset)).one()
    data = workspace.file("dataset", made.id).read_bytes()
    assert (row.file_sha, row.file_bytes) == (hashlib.sha256(data).hexdigest(), len(data))


def test_the_same_bytes_are_used_again_and_only_those(workspace: Workspace, tmp_path: Path) -> None:
    source = written(tmp_path, loans(20))
    first, _ = datasets.ingest(workspace, source, name="loans")
    assert datasets.ingest(workspace, written(tmp_path, loans(20), "other.csv"), name="loans") == (first, False)
    text, new = datasets.ingest(workspace, source, name="loans", options={"types": {"score": "VARCHAR"}})
    assert (new, text.version, text.schema.column("score").type) == (True, 2, "VARCHAR")
    assert first.schema.column("score").type == "DOUBLE"
    same_length = source.read_text().replace("note 0", "note 9", 1)
    third, new = datasets.ingest(workspace, written(tmp_path, same_length), name="loans")
    assert (new, third.version, third.source_bytes) == (True, 3, first.source_bytes)


def test_another_name_takes_a_copy_that_stands_alone(workspace: Workspace, tmp_path: Path) -> None:
    source = written(tmp_path, loans(20) + "1,2\n")
    first, _ = datasets.ingest(workspace, source, name="loans", options={"allow_rejects": "1"})
    copy, new = datasets.ingest(workspace, source, name="copy", options={"allow_rejects": "1"})
    assert (new, copy.version, copy.schema, copy.rejected) == (True, 1, first.schema, 1)
    datasets.delete(workspace, first)
    assert_frame_equal(
        datasets.first_rows(workspace, copy), pl.read_csv(written(tmp_path, loans(20)), infer_schema=False)
    )
    assert datasets.rejects(workspace, copy)["line"].to_list() == [22]
    check(workspace, {})


@pytest.mark.parametrize("name", ["loans", "copy"])
def test_a_damaged_file_is_never_used_again_nor_copied(workspace: Workspace, tmp_path: Path, name: str) -> None:
    source = written(tmp_path, loans(20))
    first, _ = datasets.ingest(workspace, source, name="loans")
    file = workspace.file("dataset", first.id)
    file.chmod(0o644)
    file.write_bytes(file.read_bytes()[:-4096])
    again, new = datasets.ingest(workspace, source, name=name)
    assert new
    assert len(datasets.first_rows(workspace, again)) == 20


def test_versions_are_never_given_twice(workspace: Workspace, tmp_path: Path) -> None:
    first, _ = datasets.ingest(workspace, written(tmp_path, loans(2)), name="loans")
    datasets.delete(workspace, first)
    second, new = datasets.ingest(workspace, written(tmp_path, loans(2)), name="loans")
    assert (new, second.version) == (True, 2)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [("", "file.csv is empty"), ("\x89PNG\r\n", "PNG image"), ("a,b\n1,2\n3\n", "1 of 2 records is broken")],
)
def test_a_file_that_cannot_be_kept_leaves_nothing(
    workspace: Workspace, tmp_path: Path, text: str, sentence: str
) -> None:
    source = tmp_path / "file.csv"
    source.write_bytes(text.encode("latin-1"))
    with pytest.raises(AssayError, match=sentence):
        datasets.ingest(workspace, source, name="loans")
    check(workspace, {})
    assert datasets.listed(workspace) == []


def test_a_file_that_is_not_there_is_said(workspace: Workspace, tmp_path: Path) -> None:
    with pytest.raises(BadFile, match=r"nothing.csv cannot be read: No such file or directory"):
        datasets.ingest(workspace, tmp_path / "nothing.csv", name="loans")


def test_counts_that_do_not_add_up_store_nothing(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load = datasets._load

    def losing(*given: object) -> dict[str, object]:
        facts = load(*given)  # type: ignore[arg-type]
        return facts | {"rows": facts["rows"] - 1, "records": facts["rows"]}

    monkeypatch.setattr(datasets, "_load", losing)
    with pytest.raises(StorageError, match="19 rows loaded and 0 rejected do not add up to the 20 records counted"):
        datasets.ingest(workspace, written(tmp_path, loans(20)), name="loans")
    check(workspace, {})


def test_a_preview_stores_nothing(workspace: Workspace, tmp_path: Path) -> None:
    seen = datasets.preview(written(tmp_path, loans(20)), label="loans.csv")
    assert [each["name"] for each in seen["columns"]] == ["id", "defaulted", "score", "region", "note"]
    assert seen["rows"][0] == ["0", "0", "0.0", "N", "note 0"]
    assert datasets.listed(workspace) == []


# Finding --------------------------------------------------------------------------------------------------------


def test_a_dataset_is_found_by_name_version_and_id(workspace: Workspace, tmp_path: Path) -> None:
    made = [datasets.ingest(workspace, written(tmp_path, loans(rows)), name="loans")[0] for rows in (2, 3, 4)]
    other, _ = datasets.ingest(workspace, written(tmp_path, loans(2)), name="1")
    assert datasets.find(workspace, "loans") == made[2]
    assert datasets.find(workspace, "loans@2") == made[1]
    assert datasets.find(workspace, made[0].id) == made[0]
    assert datasets.find(workspace, "1") == datasets.find(workspace, "1@1") == other
    assert [each.label for each in datasets.listed(workspace) if each.name == "loans"] == [
        "loans@3",
        "loans@2",
        "loans@1",
    ]


@pytest.mark.parametrize(
    ("reference", "error", "sentence"),
    [
        ("laons", NotFound, "There is no dataset 'laons'. Did you mean 'loans'?"),
        ("loans@7", NotFound, "The dataset 'loans' has no version 7; it has 1."),
        ("laons@1", NotFound, "There is no dataset 'laons@1'. Did you mean 'loans'?"),
        ("loans@last", BadRequest, "'loans@last' names no version: write name@3."),
        ("loans@²", BadRequest, "'loans@²' names no version: write name@3."),
        ("", NotFound, "There is no dataset ''. Known: 'loans'."),
        ("' OR 1=1 --", NotFound, "There is no dataset '' OR 1=1 --'. Known: 'loans'."),
    ],
)
def test_what_is_not_found_is_said_with_the_nearest_name(
    kept: Workspace, reference: str, error: type[AssayError], sentence: str
) -> None:
    with pytest.raises(error) as caught:
        datasets.find(kept, reference)
    assert str(caught.value) == sentence


def test_an_empty_workspace_says_so(workspace: Workspace) -> None:
    with pytest.raises(NotFound, match=r"There is no dataset 'loans'\. There is none yet\."):
        datasets.find(workspace, "loans")


# Names are labels -----------------------------------------------------------------------------------------------


def test_hostile_names_are_labels_only(workspace: Workspace, tmp_path: Path) -> None:
    outside = sorted(tmp_path.rglob("*"))
    source = written(tmp_path, "a,b\n1,2\n")
    for name in HOSTILE:
        made, _ = datasets.ingest(workspace, source, name=name, label=name)
        assert (made.name, made.source) == (name, name)
        assert datasets.find(workspace, name) == datasets.find(workspace, f"{name}@1") == made
        assert len(made.id) == 32
        assert workspace.file("dataset", made.id).parent == workspace.root / "datasets"
    assert len(datasets.listed(workspace)) == len(HOSTILE)
    check(workspace, {})
    made_outside = [each for each in tmp_path.rglob("*") if workspace.root not in each.parents]
    assert sorted({*made_outside, *outside} - {source}) == sorted({*outside, workspace.root} - {source})


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("x" * 300, "is 300 characters long; the limit is 200"),
        ("", "at least one visible character"),
        ("\x00\x1b\u200b\u202e", "at least one visible character"),
        ("loans@2", "contains '@' or '~'"),
        ("loans~ab", "contains '@' or '~'"),
    ],
)
def test_names_that_cannot_be_told_apart_are_refused(
    workspace: Workspace, tmp_path: Path, name: str, sentence: str
) -> None:
    with pytest.raises(BadRequest, match=sentence):
        datasets.ingest(workspace, written(tmp_path, "a,b\n1,2\n"), name=name)


def test_control_characters_do_not_survive_in_a_name(workspace: Workspace, tmp_path: Path) -> None:
    made, _ = datasets.ingest(workspace, written(tmp_path, "a,b\n1,2\n"), name=" lo\x1b\x00a\u202en\ns ")
    assert made.name == "loans"


def test_columns_may_be_called_anything(workspace: Workspace, tmp_path: Path) -> None:
    """Also like the keys of their neighbours, and with any of the hostile names."""
    names = ["c1", "c0", "data", "rowid", "select", "name with, comma", *HOSTILE]
    source = tmp_path / "file.csv"
    frame = pl.DataFrame({name: [f"{place}", f"{place}-2"] for place, name in enumerate(names)})
    frame.write_csv(source)
    made, _ = datasets.ingest(workspace, source, name="hostile")
    assert made.schema.names == names
    assert_frame_equal(datasets.first_rows(workspace, made), frame)
    assert [each.name for each in column_facts(workspace, made)] == names


def test_rejects_tell_line_reason_and_text(kept: Workspace) -> None:
    found = datasets.rejects(kept, datasets.find(kept, "loans"))
    assert found.columns == ["line", "reason", "text"]
    assert found["line"].to_list() == [402, 403]
    assert found["text"].to_list() == ["1,2,3,4,5,6,7", "1,2"]
    assert all("column" in reason.lower() or "field" in reason.lower() for reason in found["reason"])
    assert datasets.rejects(kept, datasets.find(kept, "loans"), rows=1)["line"].to_list() == [402]


def test_rejects_of_a_sound_file_are_none(workspace: Workspace, tmp_path: Path) -> None:
    made, _ = datasets.ingest(workspace, written(tmp_path, loans(3)), name="loans")
    assert datasets.rejects(workspace, made).shape == (0, 3)


def test_hostile_text_in_cells_and_rejects_is_shown_as_it_is(workspace: Workspace, tmp_path: Path) -> None:
    cells = [name for name in HOSTILE if '"' not in name and "\\" not in name]
    lines = ["a,b", *(f'{place},"{cell}"' for place, cell in enumerate(cells)), "1,<script>x</script>,'; DROP"]
    made, _ = datasets.ingest(
        workspace, written(tmp_path, "\n".join(lines) + "\n"), name="cells", options={"allow_rejects": "1"}
    )
    assert datasets.first_rows(workspace, made)["b"].to_list() == cells
    assert datasets.rejects(workspace, made)["text"].to_list() == ["1,<script>x</script>,'; DROP"]


# Deleting and damage --------------------------------------------------------------------------------------------


def test_deleting_frees_the_bytes_and_names_what_depends(workspace: Workspace, tmp_path: Path) -> None:
    text = loans(200).replace(",note ", ",needle ") + "needle,and,more\n"
    first, _ = datasets.ingest(workspace, written(tmp_path, text), name="loans", options={"allow_rejects": "1"})
    second, _ = datasets.ingest(workspace, written(tmp_path, loans(100)), name="loans")
    evaluation, _ = evaluations.create(workspace, second, name="risk", task="binary", roles=ROLES)
    assert datasets.dependants(workspace, first) == []
    assert datasets.dependants(workspace, second) == ["risk@1"]
    datasets.first_rows(workspace, first)
    for each in (first, second):
        datasets.delete(workspace, each)
    assert list(data_files(workspace.root)) == [f"evaluations/{evaluation.id}.duckdb"]
    open_files = [os.readlink(each) for each in Path("/proc/self/fd").iterdir() if each.is_symlink()]
    assert not [each for each in open_files if first.id in each]
    assert datasets.listed(workspace) == []
    with pytest.raises(NotFound):
        datasets.find(workspace, "loans")
    with pytest.raises(StorageError, match="The data of 'loans@1' was deleted"):
        datasets.first_rows(workspace, first)
    check(workspace, {})
    assert evaluations.find(workspace, "risk").rows == 100
    evaluations.delete(workspace, evaluation)
    for file in workspace.root.rglob("*"):
        assert not file.is_file() or b"needle" not in file.read_bytes(), f"{file.name} still holds deleted data"


@pytest.mark.parametrize("damage", ["flipped", "truncated", "emptied", "missing"])
def test_a_damaged_dataset_is_named_and_the_others_work(kept: Workspace, tmp_path: Path, damage: str) -> None:
    root = tmp_path / "workspace"
    shutil.copytree(kept.root, root)
    opened = Workspace.open(root)
    other, _ = datasets.ingest(opened, written(tmp_path, loans(20)), name="other")
    dataset = datasets.find(opened, "loans")
    file = opened.file("dataset", dataset.id)
    whole = file.read_bytes()
    file.chmod(0o644)
    damages = {
        "flipped": whole[:12288] + bytes(each ^ (place % 512 == 0) for place, each in enumerate(whole[12288:])),
        "truncated": whole[: len(whole) // 2],
        "emptied": b"",
    }
    if damage == "missing":
        file.unlink()
    else:
        file.write_bytes(damages[damage])
    for attempt in (datasets.first_rows, datasets.rejects, column_facts):
        with pytest.raises(StorageError, match=r"The data of 'loans@1' (is damaged and cannot be read|was deleted)"):
            attempt(opened, dataset)
    with pytest.raises(StorageError):
        evaluations.create(opened, dataset, name="more", task="binary", roles=ROLES)
    assert len(datasets.first_rows(opened, other)) == 20
    assert [each.label for each in datasets.listed(opened)] == ["other@1", "loans@1"]
    with opened.reader.open(opened.file("evaluation", evaluations.find(opened, "loans").id)) as (cursor, alias):
        assert cursor.execute(f"SELECT count(*) FROM {alias}.rows").fetchone() == (400,)
    datasets.delete(opened, dataset)
    assert [each.label for each in datasets.listed(opened)] == ["other@1"]
    opened.close()


def test_an_evaluation_of_a_deleted_dataset_is_refused(workspace: Workspace, tmp_path: Path) -> None:
    made, _ = datasets.ingest(workspace, written(tmp_path, loans(20)), name="loans")
    datasets.delete(workspace, made)
    roles = Roles(label="defaulted", models=(ModelColumns("m", scores=((None, "score"),)),), positive="1")
    with pytest.raises(StorageError, match="gone or damaged"):
        evaluations.create(workspace, made, name="late", task="binary", roles=roles)
    check(workspace, {})
