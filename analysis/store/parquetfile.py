"""Parquet files: looked at through their footer before anything is read, then taken as they are."""

import hashlib
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from analysis.core.errors import BadFile, BadRequest, LimitReached, StorageError
from analysis.core.settings import number, whole
from analysis.store.csvdialect import Dialect, names
from analysis.store.csvfile import described
from analysis.store.csvtypes import quoted

Progress = Callable[[float, str], None]
MAGIC = b"PAR1"
METADATA_LIMIT = 1 << 20
ROW_GROUPS_LIMIT = 100_000
ROWS_FLOOR = 50_000_000
INFLATE_FLOOR = 100 << 20
SMALL = 64 << 20
KEPT = re.compile(
    r"(U?(TINYINT|SMALLINT|INTEGER|BIGINT)|HUGEINT|FLOAT|DOUBLE|BOOLEAN|VARCHAR|DATE|DECIMAL\(\d+,\d+\)"
    r"|TIMESTAMP(_S|_MS|_NS)?|TIMESTAMP WITH TIME ZONE)"
)
PLAIN_TEXT = re.compile(r"ENUM\b.*|UUID|TIME|TIME_NS|TIME WITH TIME ZONE|INTERVAL|BIT|UHUGEINT|BIGNUM|\"NULL\"|NULL")


@dataclass(frozen=True)
class Footer:
    """What the footer says. columns: (name, original) of each; types: DuckDB's names; notes on renamed ones."""

    rows: int
    columns: list[tuple[str, str]]
    types: list[str]
    notes: list[str]


def footer(con: duckdb.DuckDBPyConnection, path: Path, *, label: str) -> Footer:
    """The footer's facts, within the limits; BadFile where it is damaged, holds no table or promises a bomb."""
    size = path.stat().st_size
    with path.open("rb") as source:
        source.seek(max(0, size - 8))
        tail = source.read()
    length = int.from_bytes(tail[:4], "little")
    if size < 12 or tail[4:] != MAGIC or length > size - 12:
        raise BadFile(f"{label} is a Parquet file that was cut off or damaged: its footer is missing. Copy it again.")
    text = quoted(str(path))
    try:
        rows, groups = con.execute(f"select num_rows, num_row_groups from parquet_file_metadata({text})").fetchall()[0]
        kept = con.execute(
            f"select coalesce(sum(octet_length(key) + octet_length(value)), 0) from parquet_kv_metadata({text})"
        ).fetchall()[0]
        tree = con.execute(f"select name, num_children from parquet_schema({text})").fetchall()
        top = _top_level(tree)
        if len(top) > whole("columns"):
            raise BadFile(f"{label} has {len(top):,} columns; the limit is {whole('columns'):,} (setting columns).")
        inflated = con.execute(
            f"select coalesce(sum(total_uncompressed_size), 0) from parquet_metadata({text})"
        ).fetchall()[0]
        types = [str(each[1]) for each in con.execute(f"describe select * from read_parquet({text})").fetchall()]
    except duckdb.Error as error:
        raise _damaged(label, error) from error
    if not top or len(top) != len(types):
        raise BadFile(f"{label} has no columns, or a footer that contradicts itself.")
    if not rows:
        raise BadFile(f"{label} has columns but no rows.")
    ratio = whole("inflate_ratio")
    if inflated[0] > max(INFLATE_FLOOR, size * ratio) or rows > max(ROWS_FLOOR, size * ratio):
        raise BadFile(
            f"{label} promises {rows:,} rows from {size:,} bytes, more than {ratio} times its size "
            "(setting inflate_ratio); a real table does not compress so well."
        )
    if groups > ROW_GROUPS_LIMIT or kept[0] > METADATA_LIMIT:
        raise BadFile(
            f"{label} has {groups:,} row groups or more than 1 MB of metadata beside its table; write it anew."
        )
    made, notes = names(top, Dialect())
    return Footer(rows, made, types, notes)


def load(
    con: duckdb.DuckDBPyConnection, path: Path, *, label: str, options: dict[str, Any], progress: Progress
) -> dict[str, Any]:
    """Read a Parquet file into the table `data`; the facts of what was read. Its types are kept where tables have
    them; nested values become JSON text, and what has no type of its own here becomes text."""
    refuse_options(options)
    facts = footer(con, path, label=label)
    digest = _Digest(path)
    digest.start()
    picks, notes = _picks(facts)
    keys = ", ".join(f"c{place}" for place in range(len(facts.columns)))
    relation = f"read_parquet({quoted(str(path))}) as t({keys})"
    _refuse_bomb(con, relation, facts, path.stat().st_size, label)
    progress(0.1, f"Reading {label}")
    try:
        con.execute(f"create table data as select {', '.join(picks)} from {relation}")
    except duckdb.OutOfMemoryException as error:
        raise LimitReached(f"{label} needs more memory than a child may have (setting child_memory_mb).") from error
    except duckdb.Error as error:
        raise _damaged(label, error) from error
    rows = (con.execute("select count(*) from data").fetchall()[0])[0]
    if rows != facts.rows:
        raise StorageError(f"{label}: {rows:,} rows read but its footer counts {facts.rows:,}. Nothing was stored.")
    return {
        "format": "parquet",
        "dialect": {},
        "columns": described(con, facts.columns),
        "rows": rows,
        "rejected": 0,
        "records": facts.rows,
        "fingerprint": digest.result(),
        "notes": facts.notes + notes,
        "rejects_sample": [],
    }


def preview(
    con: duckdb.DuckDBPyConnection, path: Path, *, label: str, options: dict[str, Any], rows: int
) -> dict[str, Any]:
    """Names, types and the first rows as text; reads the footer and the first row group at most."""
    refuse_options(options)
    facts = footer(con, path, label=label)
    picks, notes = _picks(facts)
    keys = ", ".join(f"c{place}" for place in range(len(facts.columns)))
    try:
        found = con.execute(
            f"select columns(*)::varchar from (select {', '.join(picks)} from read_parquet({quoted(str(path))}) "
            f"as t({keys}) limit {int(rows)})"
        ).fetchall()
    except duckdb.Error as error:
        raise _damaged(label, error) from error
    return {
        "format": "parquet",
        "dialect": {},
        "columns": [
            {"name": name, "original": original, "type": type_ if KEPT.fullmatch(type_) else "VARCHAR"}
            for (name, original), type_ in zip(facts.columns, facts.types, strict=True)
        ],
        "rows": [list(each) for each in found],
        "notes": facts.notes + notes,
        "bytes": path.stat().st_size,
    }


def refuse_options(options: dict[str, Any]) -> None:
    """BadRequest for what only a text file can be told; a Parquet file says these things itself."""
    for name in ("encoding", "delimiter", "quote", "decimal", "thousands", "dates", "missing", "header", "types"):
        if options.get(name) not in (None, "", [], {}):
            raise BadRequest(
                f"--{name.removesuffix('s') if name == 'types' else name} is for text files; this is Parquet."
            )


def _top_level(tree: list[tuple[str, int | None]]) -> list[str]:
    """The names of the root's children in a schema listed depth first."""
    found: list[str] = []
    at = 1

    def after(place: int) -> int:
        end = place + 1
        for _ in range(tree[place][1] or 0):
            end = after(end)
        return end

    while at < len(tree):
        found.append(tree[at][0])
        at = after(at)
    return found


def _picks(facts: Footer) -> tuple[list[str], list[str]]:
    picks: list[str] = []
    notes: list[str] = []
    for place, ((name, _), type_) in enumerate(zip(facts.columns, facts.types, strict=True)):
        key = f"c{place}"
        if KEPT.fullmatch(type_):
            picks.append(key)
        elif type_ == "BLOB":
            picks.append(f"{key}::varchar as {key}")
            notes.append(f"Column '{name}' holds bytes; they are kept as text with escapes like \\x00.")
        elif type_ == "JSON" or PLAIN_TEXT.fullmatch(type_):
            picks.append(f"{key}::varchar as {key}")
            if not type_.startswith("ENUM"):
                notes.append(f"Column '{name}' is {type_} in the file and kept as text.")
        else:
            picks.append(f"case when {key} is null then null else to_json({key})::varchar end as {key}")
            notes.append(f"Column '{name}' is nested ({type_[:60]}) and kept as JSON text.")
    return picks, notes


def _refuse_bomb(con: duckdb.DuckDBPyConnection, relation: str, facts: Footer, size: int, label: str) -> None:
    """A small file whose one long value stands in every row passes the footer's gate: measure before writing it out."""
    texts = [f"sum(octet_length(c{place}::blob))" for place, type_ in enumerate(facts.types) if type_ == "BLOB"]
    texts += [f"sum(strlen(c{place}))" for place, type_ in enumerate(facts.types) if type_ == "VARCHAR"]
    if size >= SMALL or not texts:
        return
    try:
        sums = con.execute(f"select {', '.join(texts)} from {relation}").fetchall()[0]
    except duckdb.Error as error:
        raise _damaged(label, error) from error
    total = sum(int(each) for each in sums if each is not None)
    if total > max(INFLATE_FLOOR * 10, size * number("inflate_ratio")):
        raise BadFile(
            f"{label} holds {total:,} bytes of text in {size:,} bytes; a real table does not compress so well."
        )


def _damaged(label: str, error: duckdb.Error) -> BadFile:
    said = str(error).partition("\n")[0].partition(": ")[2]
    said = re.sub(r"'[^']*/[^']*'", "it", said)[:200].rstrip(". ")
    why = f" ({said})" if said else ""
    return BadFile(f"{label} is a Parquet file that cannot be read; it is probably damaged{why}. Copy it again.")


class _Digest(threading.Thread):
    """The fingerprint of a file, beside DuckDB's reading."""

    def __init__(self, path: Path) -> None:
        super().__init__(daemon=True)
        self.path, self.digest = path, hashlib.sha256()
        self.error: OSError | None = None

    def run(self) -> None:
        try:
            with self.path.open("rb") as source:
                while block := source.read(4 << 20):
                    self.digest.update(block)
        except OSError as error:
            self.error = error

    def result(self) -> str:
        self.join()
        if self.error is not None:
            raise self.error
        return self.digest.hexdigest()
