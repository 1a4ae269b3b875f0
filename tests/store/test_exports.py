"""Exports: whole or not at all, safe for spreadsheets, and what a crash left behind is swept."""

import csv
import os
import time

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.store.exports import STARTS, safe, write_csv
from analysis.store.workspace import FORGOTTEN_AFTER, Workspace


def test_a_statement_that_fails_leaves_nothing(tmp_path):
    with duckdb.connect() as connection, pytest.raises(duckdb.Error):
        write_csv(
            connection, "SELECT CAST(x AS INTEGER) AS x FROM (VALUES ('1'), ('no')) t(x)", ["x"], tmp_path / "a.csv"
        )
    assert list(tmp_path.iterdir()) == []


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8), min_size=1, max_size=20))
def test_whatever_the_texts_they_parse_back_and_none_is_a_formula(tmp_path_factory, texts):
    target = tmp_path_factory.mktemp("exports") / "a.csv"
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE t (x VARCHAR, place INTEGER)")
        connection.executemany("INSERT INTO t VALUES (?, ?)", [[text, -place] for place, text in enumerate(texts)])
        assert write_csv(connection, "SELECT x, place FROM t", ["=x", "place"], target) == len(texts)
    with target.open(newline="", encoding="utf-8") as file:
        header, *rows = list(csv.reader(file))
    assert header == ["'=x", "place"]
    assert [row[0] for row in rows] == [safe(text) for text in texts]
    assert not any(row[0].startswith(tuple(STARTS)) for row in rows)
    assert [row[1] for row in rows] == [str(-place) for place in range(len(texts))]


def test_what_a_crash_left_half_written_is_swept_and_exports_stay(tmp_path):
    Workspace.open(tmp_path / "w").close()
    folder = tmp_path / "w" / "exports"
    old = time.time() - 2 * FORGOTTEN_AFTER
    for name in (".a.part", "rows.csv"):
        (folder / name).write_text("x")
        os.utime(folder / name, (old, old))
    Workspace.open(tmp_path / "w").close()
    assert [file.name for file in folder.iterdir()] == ["rows.csv"]
