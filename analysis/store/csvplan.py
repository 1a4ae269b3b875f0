"""Plans: what the head of a CSV says of the whole: its dialect, its columns, and a sample to guess their types by."""

import csv
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from analysis.core.errors import BadFile, Undecided, UnknownName
from analysis.store import csvtypes
from analysis.store.csvdialect import Dialect, detect, names
from analysis.store.csvrecords import BOM
from analysis.store.csvtypes import TEXT, Facts, Kind, Marks

HEAD = 1 << 20
BLOCK = 1 << 18
BLOCKS = 4


@dataclass(frozen=True)
class Plan:
    """names: (name, original) a column, whose keys are c0, c1, ...; asked: the kinds the analyst gave, by key.

    missing: the spellings of a missing value. sample: (records, columns) values as text, missing as null; head: how
    many of its first records are the file's first. entire: the sample is the whole file.
    """

    path: Path
    label: str
    dialect: Dialect
    names: list[tuple[str, str]]
    asked: dict[str, Kind]
    marks: Marks
    missing: tuple[str, ...]
    sample: pl.DataFrame
    head: int
    entire: bool
    notes: tuple[str, ...]

    @property
    def keys(self) -> list[str]:
        return [f"c{place}" for place in range(len(self.names))]

    def name(self, key: str) -> str:
        return self.names[int(key[1:])][0]


def plan(path: Path, *, label: str, options: dict[str, Any], encoding: str = "utf-8", size: int | None = None) -> Plan:
    """Understand the head of a UTF-8 CSV; reads about 2 MB whatever its size.

    size: the bytes of the whole where `path` holds only its beginning. BadFile where there is no table in it,
    Undecided where the options must say more.
    """
    here = path.stat().st_size
    with path.open("rb") as source:
        raw = source.read(HEAD)
    entire = len(raw) == (here if size is None else size)
    head = _decoded(raw, label, entire)
    dialect = detect(head, whole_file=entire, label=label, options=options, encoding=encoding)
    cut = head if entire else head[: head.rfind(dialect.newline.decode()) + 1]
    records = list(dialect.records(cut))
    if not entire and len(records) > 2:
        records.pop()
    if not records:
        raise BadFile(f"{label} has no line that ends within its first {HEAD:,} bytes; it is no table.")
    named, notes = names(records[0], dialect)
    data = records[1:] if dialect.header else records
    if not data and entire and any("\n" in each or "\r" in each for each in records[0]):
        line = dialect.blank + 1
        raise BadFile(
            f"{label}, line {line}: a quote opened among the columns' names is never closed; there are no rows."
        )
    if not data and entire:
        raise BadFile(f"{label} has a header but no rows.")
    columns = len(named)
    data = [each[:columns] for each in data if len(each) >= columns and not any(each[columns:])]
    beginning = len(data)
    if len(raw) < here:
        data += [each for each in _further(path, dialect, here) if len(each) == columns]
    missing = ("", *(str(each) for each in options.get("missing") or ()))
    sample = {
        f"c{place}": pl.Series([None if each[place] in missing else each[place] for each in data], dtype=pl.String)
        for place in range(columns)
    }
    return Plan(
        path=path,
        label=label,
        dialect=dialect,
        names=named,
        asked=_asked(options, named),
        marks=csvtypes.marks(options),
        missing=missing,
        sample=pl.DataFrame(sample),
        head=beginning,
        entire=entire and len(raw) <= csv.field_size_limit(),
        notes=tuple(notes),
    )


def replan(made: Plan, path: Path, options: dict[str, Any]) -> Plan:
    """The plan of a cleaned copy of the same file, with the dialect already known."""
    dialect = made.dialect
    told = {"delimiter": dialect.delimiter, "quote": dialect.quote or "none", "header": dialect.header}
    return replace(
        plan(path, label=made.label, options=options | told, encoding=dialect.encoding),
        names=made.names,
        notes=made.notes,
    )


def guess(con: duckdb.DuckDBPyConnection, made: Plan) -> tuple[dict[str, Kind | None], dict[str, Facts]]:
    """The kind of each column by the sample, None where the sample cannot tell, and the counts behind it."""
    con.register("sampled", made.sample)
    con.execute("create or replace temp table sample as select * from sampled")
    con.unregister("sampled")
    facts = csvtypes.profile(con, "sample", made.keys, made.marks)
    con.execute("drop table sample")
    kinds: dict[str, Kind | None] = {}
    for key in made.keys:
        asked = made.asked.get(key)
        if asked is not None and "%" in made.marks.dates and asked.type in ("DATE", "TIMESTAMP"):
            asked = replace(asked, format=made.marks.dates)
        kinds[key] = asked or csvtypes.choose(facts[key], made.marks) or (TEXT if made.entire else None)
    return kinds, facts


def almost(facts: Facts) -> Kind | None:
    """The kind that most values of a text column fit, if there is one: what kept it from being that is worth a note."""
    for name, kind in (("double", Kind("DOUBLE")), ("date", Kind("DATE")), ("moment", Kind("TIMESTAMP"))):
        if facts["n"] > facts[name] > 0.5 * facts["n"]:
            return kind
    return None


def _decoded(raw: bytes, label: str, entire: bool) -> str:
    raw = raw.removeprefix(BOM)
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        if not entire and error.start > len(raw) - 4:
            return raw[: error.start].decode("utf-8")
        line = raw.count(b"\n", 0, error.start) + 1
        raise Undecided(
            f"{label}, line {line:,}, is not UTF-8 text; name its encoding, for example "
            "--encoding windows-1252 or --encoding latin-1."
        ) from error


def _further(path: Path, dialect: Dialect, size: int) -> list[list[str]]:
    """Records from further on. Only blocks without quotes: another may begin inside a quoted field."""
    found: list[list[str]] = []
    with path.open("rb") as source:
        for step in range(1, BLOCKS + 1):
            source.seek(max(HEAD, size * step // BLOCKS - BLOCK))
            block = source.read(BLOCK)
            block = block[block.find(dialect.newline) + 1 : block.rfind(dialect.newline) + 1]
            if not dialect.quote or dialect.quote.encode() not in block:
                found += dialect.records(block.decode("utf-8", "replace"))
    return found


def _asked(options: dict[str, Any], named: list[tuple[str, str]]) -> dict[str, Kind]:
    known = [name for name, _ in named]
    kinds: dict[str, Kind] = {}
    for column, text in (options.get("types") or {}).items():
        if column not in known:
            raise UnknownName("column", column, known)
        kinds[f"c{known.index(column)}"] = csvtypes.asked(str(text))
    return kinds
