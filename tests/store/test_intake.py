"""The door: what a file is, told by its bytes; packed and foreign-encoded text; looking without keeping."""

import gzip
import hashlib
import io
import json
import pickle
import sqlite3
import time
import zipfile

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from analysis.core.errors import BadFile, BadRequest, LimitReached, Undecided
from analysis.store import intake

TEXT = 'id,name,amount\n1,Ä,1.5\n2,"b, c",\n'
ROWS = [("1", "Ä", "1.5"), ("2", "b, c", None)]


def load(source, tmp_path, limits=None, **options):
    target = tmp_path / "out" / "data.duckdb"
    target.parent.mkdir(exist_ok=True)
    target.unlink(missing_ok=True)
    told = []
    facts = intake.load(
        source,
        target,
        label="my file",
        options=options,
        limits={"memory_mb": 800, "threads": 2, "spill_gb": 1} | (limits or {}),
        progress=lambda share, doing: told.append((share, doing)),
    )
    assert all(0 <= share <= 1 and doing for share, doing in told)
    assert [each.name for each in target.parent.iterdir()] == ["data.duckdb"]
    with duckdb.connect(str(target), read_only=True) as con:
        keys = ", ".join(f"{each['key']}::varchar" for each in facts["columns"])
        tables = [each[0] for each in con.execute("select table_name from duckdb_tables() order by 1").fetchall()]
        assert tables == (["data", "rejects"] if facts["format"] == "csv" else ["data"])
        return facts, con.execute(f"select {keys} from data").fetchall()


def zipped() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("a.csv", TEXT)
    return out.getvalue()


def parquet() -> bytes:
    out = io.BytesIO()
    pq.write_table(pa.table({"a": [1, 2]}), out)
    return out.getvalue()


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (TEXT.encode(), "csv"),
        (b"\xef\xbb\xbf" + TEXT.encode(), "csv"),
        (TEXT.encode("utf-16"), "csv"),
        (TEXT.encode("latin-1"), "csv"),
        (gzip.compress(TEXT.encode()), "csv"),
        (parquet(), "parquet"),
        (gzip.compress(parquet()), "parquet"),
        (b"PKW,name\n1,2\n", "csv"),
        (b"ORC,name\n1,2\n", "csv"),
        (b"[a],[b]\n1,2\n", "csv"),
    ],
)
def test_files_are_recognised_by_content(tmp_path, content, kind):
    source = tmp_path / "misleading.png"
    source.write_bytes(content)
    assert intake.recognise(source) == kind


@pytest.mark.parametrize(
    ("content", "part"),
    [
        (b"", "empty"),
        (gzip.compress(b""), "empty"),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), "PNG"),
        (zipped(), "zip"),
        (gzip.compress(zipped()), "zip"),
        (pickle.dumps({"a": 1}), "pickle"),
        (b'{"a": 1}\n{"a": 2}\n', "JSON"),
        (b'[\n {"a": 1}\n]', "JSON"),
        (b"<!DOCTYPE html><html></html>", "web page"),
        (bytes(range(256)) * 40, "no text"),
        (b"\x28\xb5\x2f\xfd" + bytes(40), "zstd"),
    ],
    ids=["none", "gz none", "png", "zip", "gz zip", "pickle", "json lines", "json", "html", "bytes", "zstd"],
)
def test_other_files_are_refused_by_name(tmp_path, content, part):
    source = tmp_path / "table.csv"
    source.write_bytes(content)
    with pytest.raises(BadFile, match=part) as raised:
        intake.recognise(source, label="my file")
    assert str(raised.value).startswith("my file")
    assert "\n" not in str(raised.value)


def test_databases_are_refused(tmp_path):
    with sqlite3.connect(tmp_path / "a.csv") as con:
        con.execute("create table t (a)")
    con.close()
    with pytest.raises(BadFile, match="SQLite"):
        intake.recognise(tmp_path / "a.csv")
    duckdb.connect(str(tmp_path / "b.csv")).close()
    with pytest.raises(BadFile, match="DuckDB"):
        intake.recognise(tmp_path / "b.csv")
    with pytest.raises(BadFile, match="cannot be opened"):
        intake.recognise(tmp_path / "absent.csv")


@pytest.mark.parametrize(
    ("content", "options"),
    [
        (TEXT.encode(), {}),
        (b"\xef\xbb\xbf" + TEXT.encode(), {}),
        (TEXT.encode("utf-16"), {}),
        (TEXT.encode("utf-16-le"), {"encoding": "utf-16-le"}),
        (TEXT.encode("latin-1"), {"encoding": "latin-1"}),
        (TEXT.encode("cp1252"), {"encoding": "windows-1252"}),
        (gzip.compress(TEXT.encode()), {}),
        (gzip.compress(TEXT[:20].encode()) + gzip.compress(TEXT[20:].encode()), {}),
        (gzip.compress(TEXT.encode("latin-1")), {"encoding": "latin-1"}),
    ],
    ids=["utf-8", "bom", "utf-16", "utf-16-le", "latin-1", "cp1252", "gzip", "two gzip members", "gzip latin-1"],
)
def test_encodings_and_gzip_give_the_same_table(tmp_path, content, options):
    source = tmp_path / "source"
    source.write_bytes(content)
    facts, rows = load(source, tmp_path, **options)
    assert rows == ROWS
    assert facts["fingerprint"] == hashlib.sha256(content).hexdigest()
    assert [each["type"] for each in facts["columns"]] == ["BIGINT", "VARCHAR", "DOUBLE"]
    json.dumps(facts)
    seen = intake.preview(source, label="my file", options=options)
    assert [tuple(each) for each in seen["rows"]] == ROWS
    assert [each["type"] for each in seen["columns"]] == ["BIGINT", "VARCHAR", "DOUBLE"]
    assert seen["bytes"] == len(content)
    json.dumps(seen)


@pytest.mark.parametrize("late", [True, False])
def test_undecodable_bytes_are_asked_about(tmp_path, late):
    rows = 300_000 if late else 0
    source = tmp_path / "source"
    source.write_bytes(b"a,b\n" + b"1,xyz\n" * rows + "2,é\n".encode("latin-1"))
    with pytest.raises(Undecided, match=f"line {rows + 2:,}.*--encoding"):
        load(source, tmp_path)
    assert not list((tmp_path / "out").iterdir())
    source.write_bytes("a,b\n1,é\n".encode() + b"2,\x81\n")
    with pytest.raises(Undecided, match="line 3"):
        load(source, tmp_path, encoding="windows-1252")
    with pytest.raises(BadRequest, match="--encoding"):
        load(source, tmp_path, encoding="klingon")


def test_a_nul_byte_is_refused_with_its_line(tmp_path):
    source = tmp_path / "source"
    source.write_bytes(b"a,b\n" + b"1,xyz\n" * 300_000 + b"2,\0\n")
    with pytest.raises(BadFile, match="line 300,002"):
        load(source, tmp_path)


def test_packed_files_that_are_damaged_or_bombs(tmp_path):
    source = tmp_path / "source"
    packed = gzip.compress(("a,b\n" + "".join(f"{i},{i * i}\n" for i in range(60_000))).encode())
    for bad in (packed[:-5], packed[: len(packed) // 2], packed[:9], packed[:5000] + b"\xff" * 50 + packed[5050:]):
        source.write_bytes(bad)
        with pytest.raises(BadFile, match="gzip"):
            load(source, tmp_path)
        assert not list((tmp_path / "out").iterdir())
    source.write_bytes(gzip.compress(b"a,b\n" + b"1,2\n" * 40_000_000, 9))
    with pytest.raises(BadFile, match="unpacks to more"):
        load(source, tmp_path)
    source.write_bytes(packed)
    with pytest.raises(BadFile, match="unpacks to more"):
        load(source, tmp_path, limits={"file_bytes": len(packed) + 10})
    with pytest.raises(LimitReached, match="file_gb"):
        load(source, tmp_path, limits={"file_bytes": 1000})


def test_preview_is_quick_and_says_what_it_understood(tmp_path):
    source = tmp_path / "source"
    source.write_bytes(b"id;x;x\n" + b"".join(b"%d;2,5;\n" % i for i in range(2_000_000)))
    started = time.perf_counter()
    seen = intake.preview(source, label="my file", options={}, rows=5)
    assert time.perf_counter() - started < 2
    assert seen["dialect"]["delimiter"] == ";"
    assert [each["name"] for each in seen["columns"]] == ["id", "x", "x_2"]
    assert seen["columns"][2]["original"] == "x"
    assert seen["rows"] == [[str(i), "2,5", None] for i in range(5)]
    assert any("x_2" in note for note in seen["notes"])


def test_preview_of_numbers_as_header_asks(tmp_path):
    source = tmp_path / "source"
    source.write_text("2020,2021\n1,2\n")
    seen = intake.preview(source, label="my file", options={})
    assert [each["name"] for each in seen["columns"]] == ["2020", "2021"]
    assert any("--header" in note for note in seen["notes"])


def test_preview_of_parquet(tmp_path):
    source = tmp_path / "source"
    pq.write_table(pa.table({"a": [1, 2, None], "l": [[1], None, []]}), source)
    seen = intake.preview(source, label="my file", options={}, rows=2)
    assert seen["rows"] == [["1", "[1]"], ["2", None]]
    assert [each["type"] for each in seen["columns"]] == ["BIGINT", "VARCHAR"]
