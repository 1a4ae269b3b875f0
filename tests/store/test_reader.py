"""Reading: cursors of their own on files nobody can write, let go of when they are gone."""

import os
import shutil
import threading
from collections import Counter
from pathlib import Path

import duckdb
import pytest

from analysis.core.errors import StorageError
from analysis.store import reader as room
from analysis.store.reader import Reader


def made(file: Path, rows: int = 10) -> Path:
    with duckdb.connect(str(file)) as connection:
        connection.execute(
            f"CREATE TABLE data AS SELECT range AS c0, repeat(hash(range)::VARCHAR, 9) AS c1 FROM range({rows})"
        )
    file.chmod(0o444)
    return file


@pytest.fixture
def reader() -> Reader:
    return Reader()


def held(file: Path) -> int:
    """How often this process has a file open, deleted or not."""
    return sum(file.name in os.path.realpath(each) for each in Path("/proc/self/fd").iterdir())


def test_many_threads_each_get_their_own_answer(reader: Reader, tmp_path: Path) -> None:
    files = [made(tmp_path / f"{'ab'[place]}.duckdb", 1000 * (place + 1)) for place in range(2)]
    wrong: list[object] = []

    def ask(number: int) -> None:
        for turn in range(20):
            place = (number + turn) % 2
            with reader.open(files[place]) as (cursor, alias):
                answer = cursor.execute(
                    f"SELECT count(*), {number}, {turn} FROM {alias}.data WHERE c0 >= {turn}"
                ).fetchone()
            if answer != (1000 * (place + 1) - turn, number, turn):
                wrong.append(answer)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


@pytest.mark.parametrize(
    "statement", ["INSERT INTO {}.data VALUES (1, 'x')", "DROP TABLE {}.data", "CREATE TABLE {}.more (x INT)"]
)
def test_nothing_can_be_written(reader: Reader, tmp_path: Path, statement: str) -> None:
    with reader.open(made(tmp_path / "a.duckdb")) as (cursor, alias), pytest.raises(duckdb.Error, match="read-only"):
        cursor.execute(statement.format(alias))


def test_python_variables_are_no_tables(reader: Reader, tmp_path: Path) -> None:
    secret = {"x": [1]}
    with reader.open(made(tmp_path / "a.duckdb")) as (cursor, _), pytest.raises(duckdb.CatalogException):
        cursor.execute("SELECT * FROM secret")
    assert secret


def test_the_longest_unused_are_let_go(reader: Reader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "KEPT_ATTACHED", 3)
    files = [made(tmp_path / f"n{number}.duckdb") for number in range(6)]
    with reader.open(files[0]) as (cursor, alias):
        for file in files[1:]:
            with reader.open(file) as (other, name):
                other.execute(f"SELECT count(*) FROM {name}.data").fetchone()
        assert [held(file) > 0 for file in files] == [True, False, False, False, True, True]
        assert cursor.execute(f"SELECT count(*) FROM {alias}.data").fetchone() == (10,)
    with reader.open(files[1]) as (cursor, alias):
        assert cursor.execute(f"SELECT count(*) FROM {alias}.data").fetchone() == (10,)


def test_a_file_deleted_while_it_is_read_stays_readable_and_then_goes(reader: Reader, tmp_path: Path) -> None:
    file = made(tmp_path / "a.duckdb", 100_000)
    with reader.open(file) as (cursor, alias):
        file.unlink()
        reader.forget_missing()
        assert cursor.execute(f"SELECT count(*), count(DISTINCT c1) FROM {alias}.data").fetchone() == (100_000, 100_000)
        assert held(file)
    reader.forget_missing()
    assert not held(file)
    with pytest.raises(StorageError, match="The data of 'loans@1' was deleted"), reader.open(file, "loans@1"):
        pytest.fail("a deleted file was opened")


def test_a_damaged_file_is_named_and_the_others_work(reader: Reader, tmp_path: Path) -> None:
    good = made(tmp_path / "good.duckdb")
    whole = made(tmp_path / "whole.duckdb", 50_000).read_bytes()
    outcomes: Counter[str] = Counter()
    said: set[str] = set()
    for number, place in enumerate(range(0, len(whole), len(whole) // 24)):
        flipped = bytes(each ^ 0xFF for each in whole[place : place + 16])
        damaged = {"flipped": whole[:place] + flipped + whole[place + 16 :], "cut": whole[:place]}
        for how, data in damaged.items():
            file = tmp_path / f"{how}{number}.duckdb"
            file.write_bytes(data)
            try:
                with reader.open(file, "loans@1") as (cursor, alias):
                    answer = cursor.execute(f"SELECT count(*), count(DISTINCT c1) FROM {alias}.data").fetchone()
                outcomes[how + " harmless"] += 1
                assert answer == (50_000, 50_000), "damage changed the data in silence"
            except StorageError as error:
                outcomes[how] += 1
                said.add(str(error))
            with reader.open(good) as (cursor, alias):
                assert cursor.execute(f"SELECT count(*) FROM {alias}.data").fetchone() == (10,)
    assert {each.partition("(")[0] for each in said} == {"The data of 'loans@1' is damaged and cannot be read "}
    assert not [each for each in said if str(tmp_path) in each or "\n" in each]
    assert outcomes["cut harmless"] == 0
    assert outcomes["cut"] >= 24
    assert outcomes["flipped"] >= 15


def test_a_wrong_statement_stays_a_bug(reader: Reader, tmp_path: Path) -> None:
    with reader.open(made(tmp_path / "a.duckdb")) as (cursor, alias), pytest.raises(duckdb.BinderException):
        cursor.execute(f"SELECT nothing FROM {alias}.data")


def test_a_folder_may_be_called_anything(reader: Reader, tmp_path: Path) -> None:
    folder = tmp_path / 'it\'s; DROP "x" --'
    folder.mkdir()
    shutil.copy(made(tmp_path / "a.duckdb"), folder / "a.duckdb")
    with reader.open(folder / "a.duckdb") as (cursor, alias):
        assert cursor.execute(f"SELECT count(*) FROM {alias}.data").fetchone() == (10,)
