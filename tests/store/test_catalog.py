"""The catalog: nothing half saved, old or new and never between, and damage said in one sentence."""

import contextlib
import random
import re
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from analysis.core.errors import StorageError
from analysis.store import datasets, migrations, tables
from analysis.store.catalog import Catalog
from analysis.store.workspace import Workspace
from tests.store import processes
from tests.store.faults import CRASH, STEPS
from tests.store.loans import loans
from tests.store.state import data_files


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    return Catalog.open(tmp_path)


def record(catalog: Catalog, connection: sa.Connection, what: str) -> None:
    catalog.note(connection, actor="tester", action="test", kind="test", object=what, detail={"n": 1})


def recorded(catalog: Catalog) -> list[str]:
    with catalog.read() as connection:
        return list(connection.scalars(sa.select(tables.activity.c.object).order_by(tables.activity.c.number)))


# Transactions ---------------------------------------------------------------------------------------------------


def test_leaving_a_write_commits(catalog: Catalog) -> None:
    with catalog.write() as connection:
        record(catalog, connection, "kept")
    assert recorded(catalog) == ["kept"]


def test_an_error_keeps_nothing(catalog: Catalog) -> None:
    def fail() -> None:
        with catalog.write() as connection:
            record(catalog, connection, "lost")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert recorded(catalog) == []


@pytest.mark.parametrize(
    "statement",
    ["INSERT INTO activity (number, at) VALUES (1, NULL)", "SELECT * FROM nowhere", "not a statement at all"],
)
def test_a_swallowed_error_fails_the_commit(catalog: Catalog, statement: str) -> None:
    def swallow() -> None:
        with catalog.write() as connection:
            record(catalog, connection, "lost")
            with contextlib.suppress(sa.exc.DBAPIError):
                connection.exec_driver_sql(statement)
            record(catalog, connection, "lost too")

    with pytest.raises(StorageError, match="A statement failed and its error was passed over"):
        swallow()
    assert recorded(catalog) == []
    with catalog.write() as connection:
        record(catalog, connection, "kept")
    assert recorded(catalog) == ["kept"]


def test_an_error_while_reading_does_not_fail_a_later_write(catalog: Catalog) -> None:
    with pytest.raises(sa.exc.OperationalError), catalog.read() as connection:
        connection.exec_driver_sql("SELECT * FROM nowhere")
    with catalog.write() as connection:
        record(catalog, connection, "kept")
    assert recorded(catalog) == ["kept"]


def test_a_reader_sees_what_was_there_when_it_began(catalog: Catalog) -> None:
    count = sa.select(sa.func.count()).select_from(tables.activity)
    with catalog.read() as reading:
        assert reading.scalar(count) == 0
        with catalog.write() as connection:
            record(catalog, connection, "meanwhile")
        assert reading.scalar(count) == 0
    assert recorded(catalog) == ["meanwhile"]


def test_another_writer_is_said_when_waiting_was_in_vain(catalog: Catalog, tmp_path: Path) -> None:
    def impatient(connection: Any, record: Any) -> None:
        connection.execute("PRAGMA busy_timeout=50")

    other = Catalog(f"sqlite:///{tmp_path / 'catalog.sqlite'}")
    sa.event.listen(other.engine, "connect", impatient)
    with (
        catalog.write(),
        pytest.raises(StorageError, match="Another process holds the catalog"),
        other.write(),
    ):
        pytest.fail("two writers at once")


def test_commits_are_durable_and_deleted_text_is_overwritten(catalog: Catalog) -> None:
    with catalog.read() as connection:
        settings = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "secure_delete", "foreign_keys")
        }
    assert settings == {"journal_mode": "wal", "synchronous": 2, "secure_delete": 1, "foreign_keys": 1}


def test_what_is_deleted_is_gone_from_the_log_too(catalog: Catalog, tmp_path: Path) -> None:
    with catalog.write() as connection:
        record(catalog, connection, "needle" * 10)
    with catalog.write() as connection:
        connection.execute(tables.activity.delete())
    catalog.shorten()
    for file in tmp_path.glob("catalog.sqlite*"):
        assert b"needle" not in file.read_bytes()


# Migrations -----------------------------------------------------------------------------------------------------


def shape(catalog: Catalog) -> dict[str, Any]:
    """Every table's columns with type, nullability and key, and its unique constraints."""
    inspector = sa.inspect(catalog.engine)
    return {
        name: (
            [
                (each["name"], str(each["type"]), each["nullable"], each["primary_key"])
                for each in inspector.get_columns(name)
            ],
            sorted((each["name"], tuple(each["column_names"])) for each in inspector.get_unique_constraints(name)),
        )
        for name in inspector.get_table_names()
    }


def test_a_migrated_catalog_has_exactly_the_tables_queries_see(catalog: Catalog) -> None:
    described = Catalog("sqlite://")
    tables.metadata.create_all(described.engine)
    assert shape(catalog) == shape(described)


def test_each_migration_is_recorded_once(catalog: Catalog) -> None:
    assert migrations.migrate(catalog.write) == 0  # type: ignore[arg-type]
    with catalog.read() as connection:
        rows = connection.execute(sa.select(tables.migration.c.number, tables.migration.c.name)).all()
    assert [tuple(row) for row in rows] == [
        (number, step.__name__) for number, step in enumerate(migrations.MIGRATIONS, start=1)
    ]


@pytest.mark.parametrize("last", range(1, len(STEPS) + 1))
def test_a_migration_that_is_killed_leaves_the_state_before_it(tmp_path: Path, last: int) -> None:
    reference = tmp_path / "reference"
    reference.mkdir()
    before = Catalog(f"sqlite:///{reference / 'catalog.sqlite'}")
    migrations.migrate(before.write, STEPS[: last - 1])  # type: ignore[arg-type]
    status, _, complaint = processes.run("migrate", tmp_path, last)
    assert status == CRASH, complaint
    left = Catalog(f"sqlite:///{tmp_path / 'catalog.sqlite'}")
    assert {name: it for name, it in shape(left).items() if name != "migration"} == {
        name: it for name, it in shape(before).items() if name != "migration"
    }
    assert migrations.migrate(left.write, STEPS) == len(STEPS) - last + 1  # type: ignore[arg-type]
    with left.read() as connection:
        assert connection.exec_driver_sql("SELECT x FROM second").all() == [(3,)]


def test_a_failing_migration_changes_nothing(tmp_path: Path) -> None:
    catalog = Catalog.open(tmp_path)
    before = shape(catalog)

    def failing(connection: sa.Connection) -> None:
        STEPS[len(migrations.MIGRATIONS)](connection)
        connection.exec_driver_sql("INSERT INTO nowhere VALUES (1)")

    with pytest.raises(sa.exc.OperationalError, match="nowhere"):
        migrations.migrate(catalog.write, [*migrations.MIGRATIONS, failing])  # type: ignore[arg-type]
    assert shape(catalog) == before


def test_the_catalog_of_a_newer_program_is_refused_untouched(tmp_path: Path) -> None:
    newer = Catalog.open(tmp_path)
    migrations.migrate(newer.write, STEPS)  # type: ignore[arg-type]
    newer.shorten()
    newer.close()
    before = (tmp_path / "catalog.sqlite").read_bytes()
    known = len(migrations.MIGRATIONS)
    said = rf"made by a newer Assay \(its catalog is at {known + 2}, this program knows {known}\)"
    with pytest.raises(StorageError, match=said):
        Catalog.open(tmp_path)
    assert (tmp_path / "catalog.sqlite").read_bytes() == before


# Damage ---------------------------------------------------------------------------------------------------------


def zeroed_header(data: bytes) -> bytes:
    return bytes(100) + data[100:]


def truncated(data: bytes) -> bytes:
    return data[: len(data) // 2]


def random_middle(data: bytes) -> bytes:
    """A page in the middle overwritten."""
    middle = len(data) // 4096 // 2 * 4096
    return data[:middle] + random.Random(1).randbytes(4096) + data[middle + 4096 :]


def another_id(data: bytes) -> bytes:
    """One letter of the first dataset's id, in the table and not in its index."""
    place = re.search(rb"[0-9a-f]{32}loans 0", data)
    assert place is not None
    return data[: place.start()] + (b"0" if data[place.start()] != ord("0") else b"1") + data[place.start() + 1 :]


def empty(data: bytes) -> bytes:
    return b""


def no_database(data: bytes) -> bytes:
    return b"This is a letter, not a database.\n" * 500


def other_database(data: bytes) -> bytes:
    other = sqlite3.connect(":memory:")
    other.execute("CREATE TABLE letters (x)")
    return other.serialize()


DAMAGES = (zeroed_header, truncated, random_middle, another_id, empty, no_database, other_database)


@pytest.fixture(scope="module")
def with_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("damage")
    opened = Workspace.open(folder / "workspace")
    source = folder / "loans.csv"
    source.write_text(loans(10))
    for turn in range(6):
        datasets.ingest(opened, source, name=f"loans {turn}")
    opened.close()
    return folder / "workspace"


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_catalog_is_said_and_nothing_is_deleted(
    with_data: Path, tmp_path: Path, damage: Callable[[bytes], bytes]
) -> None:
    root = tmp_path / "workspace"
    shutil.copytree(with_data, root)
    file = root / "catalog.sqlite"
    damaged = damage(file.read_bytes())
    file.write_bytes(damaged)
    before = data_files(root)
    with pytest.raises(StorageError) as caught:
        Workspace.open(root)
    assert "Nothing was changed; restore catalog.sqlite from a backup" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert data_files(root) == before
    if damage is not other_database:  # SQLite switches a sound database of somebody else to its write-ahead log
        assert file.read_bytes() == damaged


def test_a_missing_catalog_beside_data_is_a_loss_and_not_a_beginning(with_data: Path, tmp_path: Path) -> None:
    root = tmp_path / "workspace"
    shutil.copytree(with_data, root)
    for file in root.glob("catalog.sqlite*"):
        file.unlink()
    before = data_files(root)
    with pytest.raises(StorageError, match="missing or empty, but its data files are there"):
        Workspace.open(root)
    assert data_files(root) == before
    assert not (root / "catalog.sqlite").exists()


def test_any_overwritten_page_is_said_or_harmless(with_data: Path, tmp_path: Path) -> None:
    """Whatever page is hit: a sentence on opening or listing, or everything is still listed; never less in silence."""
    root = tmp_path / "workspace"
    shutil.copytree(with_data, root)
    file = root / "catalog.sqlite"
    whole, files = file.read_bytes(), data_files(root)
    said = 0
    for page in range(0, len(whole), 4096):
        file.write_bytes(whole[:page] + random.Random(page).randbytes(4096) + whole[page + 4096 :])
        try:
            opened = Workspace.open(root)
        except StorageError:
            said += 1
        else:
            assert len(datasets.listed(opened)) == 6
            opened.close()
        assert data_files(root) == files
        for log in root.glob("catalog.sqlite-*"):
            log.unlink()
    assert said >= 6


def test_a_record_that_cannot_be_read_is_said(workspace: Workspace, tmp_path: Path) -> None:
    source = tmp_path / "loans.csv"
    source.write_text(loans(10))
    datasets.ingest(workspace, source, name="loans")
    for wrong in ("'{half'", "CAST(x'ff' AS TEXT)"):
        with workspace.catalog.write() as connection:
            connection.exec_driver_sql(f"UPDATE dataset SET facts = {wrong}")
        with pytest.raises(StorageError, match=r"The catalog (is damaged|cannot be read)"):
            datasets.listed(workspace)


def test_a_statement_that_is_wrong_stays_a_bug(catalog: Catalog) -> None:
    with pytest.raises(sa.exc.OperationalError, match="nowhere"), catalog.write() as connection:
        connection.exec_driver_sql("SELECT * FROM nowhere")
