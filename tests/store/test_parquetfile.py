"""Parquet intake against pyarrow: types and values kept, damage and bombs refused."""

import contextlib
import datetime as dt
import decimal
import hashlib
import json
import math
import random
import uuid

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from analysis.core.errors import AssayError, BadFile, BadRequest
from analysis.store import intake

TABLE = pa.table(
    {
        "whole": pa.array([1, None, -(2**62)], pa.int64()),
        "small": pa.array([1, None, 255], pa.uint8()),
        "number": [1.5, float("nan"), None],
        "single": pa.array([0.25, None, 1.0], pa.float32()),
        "money": pa.array([decimal.Decimal("1.23"), None, decimal.Decimal("-9.99")], pa.decimal128(10, 2)),
        "day": [dt.date(2024, 2, 29), None, dt.date(1970, 1, 1)],
        "moment": pa.array(
            [dt.datetime(2024, 1, 2, 3, 4, 5, 678901), None, dt.datetime(1960, 1, 1)], pa.timestamp("us")
        ),
        "zoned": pa.array([dt.datetime(2024, 1, 2), None, dt.datetime(2024, 1, 3)], pa.timestamp("us", tz="UTC")),
        "true": [True, None, False],
        "coded": pa.array(["p", None, "q"]).dictionary_encode(),
        "text": ['é, "x"\n', None, ""],
        "list": [[1, 2], None, []],
        "struct": [{"k": 1, "v": "x"}, None, {"k": None, "v": "y"}],
        "bytes": [b"ab\x00", None, b""],
        "time": [dt.time(1, 2, 3), None, dt.time(23, 59)],
        "nothing": pa.nulls(3),
        "Whole": [1, 2, 3],
        "<img onerror>": [1, 2, 3],
        "": [1, 2, 3],
    }
)


def load(source, tmp_path, **options):
    target = tmp_path / "out" / "data.duckdb"
    target.parent.mkdir(exist_ok=True)
    limits = {"memory_mb": 800, "threads": 2}
    facts = intake.load(
        source, target, label="file.parquet", options=options, limits=limits, progress=lambda share, doing: None
    )
    with duckdb.connect(str(target), read_only=True) as con:
        keys = ", ".join(f"{each['key']}::varchar" for each in facts["columns"])
        rows = con.execute(f"select {keys} from data").fetchall()
    target.unlink()
    return facts, {
        each["name"]: list(values) for each, values in zip(facts["columns"], zip(*rows, strict=True), strict=True)
    }


def test_values_types_and_names(tmp_path):
    source = tmp_path / "source"
    pq.write_table(TABLE, source)
    facts, values = load(source, tmp_path)
    types = {each["name"]: each["type"] for each in facts["columns"]}
    assert types == {
        "whole": "BIGINT",
        "small": "UTINYINT",
        "number": "DOUBLE",
        "single": "FLOAT",
        "money": "DECIMAL(10,2)",
        "day": "DATE",
        "moment": "TIMESTAMP",
        "zoned": "TIMESTAMP WITH TIME ZONE",
        "true": "BOOLEAN",
        "coded": "VARCHAR",
        "text": "VARCHAR",
        "list": "VARCHAR",
        "struct": "VARCHAR",
        "bytes": "VARCHAR",
        "time": "VARCHAR",
        "nothing": types["nothing"],
        "Whole": "BIGINT",
        "<img onerror>": "BIGINT",
        "column_19": "BIGINT",
    }
    source_values = {name: TABLE[name].to_pylist() for name in TABLE.column_names}
    assert [None if v is None else int(v) for v in values["whole"]] == source_values["whole"]
    assert [None if v is None else decimal.Decimal(v) for v in values["money"]] == source_values["money"]
    assert [None if v is None else dt.date.fromisoformat(v) for v in values["day"]] == source_values["day"]
    assert [None if v is None else dt.datetime.fromisoformat(v) for v in values["moment"]] == source_values["moment"]
    assert values["text"] == source_values["text"]
    assert values["coded"] == source_values["coded"]
    assert [None if v is None else json.loads(v) for v in values["list"]] == source_values["list"]
    assert [None if v is None else json.loads(v) for v in values["struct"]] == source_values["struct"]
    assert values["bytes"] == ["ab\\x00", None, ""]
    assert values["time"] == ["01:02:03", None, "23:59:00"]
    assert values["number"][0] == "1.5"
    assert math.isnan(float(values["number"][1]))
    missing = {each["name"]: each["missing"] for each in facts["columns"]}
    assert {name: missing[name] for name in TABLE.column_names if name} == {
        name: TABLE[name].null_count for name in TABLE.column_names if name
    }
    assert (facts["rows"], facts["rejected"], facts["records"]) == (3, 0, 3)
    assert facts["fingerprint"] == hashlib.sha256(source.read_bytes()).hexdigest()
    for name in ("list", "struct", "bytes", "time"):
        assert any(f"'{name}'" in note for note in facts["notes"])
    json.dumps(facts)


def test_uuid_interval_and_enum_become_text(tmp_path):
    source = tmp_path / "source"
    id_ = uuid.uuid5(uuid.NAMESPACE_DNS, "assay")
    duckdb.sql(f"copy (select uuid '{id_}' u, interval 3 day i, 'a'::enum('a', 'b') e) to '{source}' (format parquet)")
    facts, values = load(source, tmp_path)
    assert values == {"u": [str(id_)], "i": ["3 days"], "e": ["a"]}
    assert {each["type"] for each in facts["columns"]} == {"VARCHAR"}


def test_many_rows_equal_pyarrow(tmp_path):
    chance = random.Random(3)
    table = pa.table({"a": [chance.random() for _ in range(50_000)], "b": [chance.randrange(9) for _ in range(50_000)]})
    pq.write_table(table, tmp_path / "source", row_group_size=7000)
    facts, values = load(tmp_path / "source", tmp_path)
    assert [float(each) for each in values["a"]] == table["a"].to_pylist()
    assert [int(each) for each in values["b"]] == table["b"].to_pylist()
    assert facts["records"] == 50_000


def test_damage_is_refused_and_nothing_kept(tmp_path):
    whole, source = tmp_path / "whole", tmp_path / "source"
    pq.write_table(pa.table({"a": list(range(20_000)), "b": [str(i) for i in range(20_000)]}), whole)
    raw = whole.read_bytes()
    damaged = [raw[:-1], raw[: len(raw) // 2], raw[:8], raw[:4] + raw[-4:], raw[:100] + b"\xff" * 3000 + raw[3100:]]
    damaged += [raw[:-8] + b"\xff\xff\xff\x7f" + raw[-4:], b"PAR1" + b"x" * 100 + b"PAR1"]
    for each in damaged:
        source.write_bytes(each)
        with pytest.raises(BadFile, match=r"file\.parquet"):
            load(source, tmp_path)
        assert not list((tmp_path / "out").iterdir())


@pytest.mark.slow
def test_flipped_bytes_never_crash_with_anything_but_a_sentence(tmp_path):
    whole, source = tmp_path / "whole", tmp_path / "source"
    pq.write_table(pa.table({"a": list(range(2000)), "b": [str(i) for i in range(2000)]}), whole)
    chance = random.Random(11)
    raw = whole.read_bytes()
    for _ in range(200):
        bad = bytearray(raw)
        for _ in range(4):
            bad[chance.randrange(len(bad))] = chance.randrange(256)
        source.write_bytes(bad)
        with contextlib.suppress(AssayError):
            load(source, tmp_path)


def test_bombs_are_refused_quickly(tmp_path):
    for name, query in {
        "text": "select repeat('x', 1000000) a from range(5000)",
        "rows": "select 1 a from range(60000000)",
        "none": "select 1 a where false",
    }.items():
        source = tmp_path / name
        duckdb.sql(f"copy ({query}) to '{source}' (format parquet)")
        with pytest.raises(BadFile):
            load(source, tmp_path)


def test_too_many_columns(tmp_path):
    pq.write_table(pa.table({f"c{i}": [1] for i in range(2500)}), tmp_path / "source")
    with pytest.raises(BadFile, match="2,500 columns"):
        load(tmp_path / "source", tmp_path)


def test_text_options_are_refused(tmp_path):
    pq.write_table(pa.table({"a": [1]}), tmp_path / "source")
    with pytest.raises(BadRequest, match="--delimiter"):
        load(tmp_path / "source", tmp_path, delimiter=";")
