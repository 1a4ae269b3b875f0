"""Intake: the door for users' files. What a file is, is told by its bytes, never by its name.

Everything here runs in a throw-away child with a source file and a staging folder.
"""

import codecs
import hashlib
import json
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import duckdb

from analysis.core.errors import BadFile, LimitReached, StorageError, Undecided
from analysis.core.settings import whole
from analysis.store import csvfile, csvplan, parquetfile, plain
from analysis.store.plain import GZIP, LOOK, UTF16

Progress = Callable[[float, str], None]
CSV, PARQUET = "csv", "parquet"
PREVIEW = csvplan.HEAD + 1
SIGNATURES = (
    (b"PK", "a zip archive or an Excel workbook; save the table as CSV or Parquet"),
    (b"\x89PNG", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF8", "a GIF image"),
    (b"%PDF", "a PDF document"),
    (b"SQLite format 3\0", "an SQLite database; export the table as CSV"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook; save the table as CSV"),
    (b"\x28\xb5\x2f\xfd", "compressed with zstd; unpack it first"),
    (b"BZh", "compressed with bzip2; unpack it first"),
    (b"\xfd7zXZ", "compressed with xz; unpack it first"),
    (b"7z\xbc\xaf", "a 7z archive; unpack it first"),
    (b"ARROW1", "an Arrow file; write it as Parquet"),
    (b"FEA1", "a Feather file; write it as Parquet"),
    (b"ORC", "an ORC file; write it as Parquet"),
    (b"\x89HDF", "an HDF5 file; write the table as Parquet"),
    (b"\x93NUMPY", "a NumPy array; write it as CSV or Parquet"),
    (b"\x7fELF", "a program"),
)


def recognise(source: Path, *, label: str = "", encoding: str = "") -> str:
    """ "csv" or "parquet" by content, looking into gzip; BadFile with what the file is otherwise.

    encoding: what the analyst said, so that UTF-16 without a mark is not taken for binary rubbish.
    """
    label = label or source.name
    with _opened(source, label) as opened:
        head = opened.read(LOOK)
    if head.startswith(GZIP):
        head = plain.inflated_head(source, label, LOOK)
    if not head:
        raise BadFile(f"{label} is empty.")
    if head.startswith(parquetfile.MAGIC):
        return PARQUET
    if head[8:12] == b"DUCK":
        raise BadFile(f"{label} is a DuckDB database, not a table; export the table as Parquet.")
    for signature, what in SIGNATURES:
        if head.startswith(signature) and not (signature.isalnum() and _is_text(head)):
            raise BadFile(f"{label} is no table: it is {what}.")
    if head[0] == 0x80 and head[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05"):
        raise BadFile(f"{label} is no table: it is a Python pickle, which Assay never opens.")
    if _is_json(head):
        raise BadFile(f"{label} is no table: it is JSON; write it as CSV or Parquet.")
    if head.lstrip().lower().startswith((b"<!doctype", b"<html", b"<?xml")):
        raise BadFile(f"{label} is no table: it is a web page or XML.")
    if not encoding and not head.startswith(tuple(mark for mark, _ in UTF16)) and not _is_text(head):
        raise BadFile(f"{label} is no table: it holds bytes that are no text. (UTF-16 text needs --encoding utf-16.)")
    return CSV


def preview(source: Path, *, label: str, options: dict[str, Any], rows: int = 50) -> dict[str, Any]:
    """What a file looks like before it is kept: format, dialect, columns {name, original, type}, the first rows as
    lists of text or None, notes, bytes. Reads its first megabyte or row group."""
    kind = recognise(source, label=label, encoding=str(options.get("encoding") or ""))
    size = source.stat().st_size
    with tempfile.TemporaryDirectory(prefix="assay-") as name, duckdb.connect(config=_config({}, None)) as con:
        con.execute("set TimeZone = 'UTC'")
        folder = Path(name)
        with source.open("rb") as opened:
            packed = opened.read(2) == GZIP
        if kind == PARQUET:
            path = source
            if packed:
                path = folder / "inflated"
                plain.inflate(source, path, label, whole("upload_mb") << 20, hashlib.sha256(), _silent)
            return parquetfile.preview(con, path, label=label, options=options, rows=rows) | {"bytes": size}
        with source.open("rb") as opened:
            head = plain.inflated_head(source, label, PREVIEW) if packed else opened.read(PREVIEW)
        cut = len(head) == PREVIEW
        encoding, notes = plain.encoding_of(head, options)
        if encoding != "utf-8":
            decoder = codecs.getincrementaldecoder(encoding)("strict")
            head = plain.decoded(decoder, head, not cut, label, 0, encoding).encode()
        start = folder / "head"
        start.write_bytes(head)
        whole_size = len(head) + int(cut)
        try:
            made = csvplan.plan(start, label=label, options=options, encoding=encoding, size=whole_size)
        except Undecided as error:
            if "header" in options:
                raise
            made = csvplan.plan(
                start, label=label, options=options | {"header": True}, encoding=encoding, size=whole_size
            )
            notes.append(str(error))
        kinds, _ = csvplan.guess(con, made)
        first = made.sample.head(min(rows, made.head)).rows()
    return {
        "format": CSV,
        "dialect": made.dialect.to_dict(),
        "columns": [
            {"name": name, "original": original, "type": kind.type if kind else "VARCHAR"}
            for (name, original), kind in zip(made.names, kinds.values(), strict=True)
        ],
        "rows": [list(each) for each in first],
        "notes": notes + list(made.notes),
        "bytes": size,
    }


def load(
    source: Path, target: Path, *, label: str, options: dict[str, Any], limits: dict[str, int], progress: Progress
) -> dict[str, Any]:
    """Build the DuckDB file `target` with the table `data` (columns c0, c1, ...) and, for a CSV, `rejects` (line,
    reason, text); the facts of it as values JSON can hold.

    limits: memory_mb, threads, spill_gb, file_bytes (each optional). Rows and rejected records add up to the records
    counted independently, else StorageError; whatever is raised, nothing is kept.
    """
    kind = recognise(source, label=label, encoding=str(options.get("encoding") or ""))
    work = Path(tempfile.mkdtemp(prefix="intake-", dir=target.parent))
    done = False
    try:
        with duckdb.connect(str(target), config=_config(limits, work / "spill")) as con:
            con.execute("set TimeZone = 'UTC'")
            con.execute("set enable_progress_bar_print = false")
            con.execute("set enable_progress_bar = true")  # without it `query_progress` knows nothing
            if "spill_gb" in limits:
                con.execute(f"set max_temp_directory_size = '{int(limits['spill_gb'])}GB'")
            made = plain.prepare(source, work, kind, label, options, limits, progress)
            if kind == PARQUET:
                facts = parquetfile.load(con, made.path, label=label, options=options, progress=progress)
            else:
                facts = csvfile.load(
                    con,
                    made.path,
                    label=label,
                    options=options,
                    encoding=made.encoding,
                    folder=work,
                    progress=progress,
                )
            con.execute("checkpoint")
        facts["notes"] = made.notes + facts["notes"]
        facts["fingerprint"] = made.fingerprint or facts["fingerprint"]
        progress(1.0, f"Read {facts['rows']:,} rows")
        done = True
        return facts
    except duckdb.IOException as error:
        raise StorageError(f"{label}: the workspace could not be written: {_brief(error)}.") from error
    except duckdb.OutOfMemoryException as error:
        raise LimitReached(f"{label} needs more memory than a child may have (setting child_memory_mb).") from error
    except duckdb.Error as error:
        raise BadFile(f"{label} cannot be read as a table: {_brief(error)}.") from error
    finally:
        shutil.rmtree(work, ignore_errors=True)
        if not done:
            for each in (target, target.with_name(target.name + ".wal")):
                each.unlink(missing_ok=True)


def _opened(source: Path, label: str) -> BinaryIO:
    try:
        return source.open("rb")
    except OSError as error:
        raise BadFile(f"{label} cannot be opened: {error.strerror}.") from error


def _is_text(head: bytes) -> bool:
    """Whether bytes look like text in an encoding that extends ASCII: no NUL and hardly a control character."""
    odd = sum(head.count(bytes([each])) for each in range(32) if each not in (9, 10, 13, 12, 28, 29, 30, 31, 1))
    return 0 not in head and odd <= len(head) // 1000


def _is_json(head: bytes) -> bool:
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip().decode("utf-8", "replace")
    if not text.startswith(("{", "[")):
        return False
    after = text[1:].lstrip()[:1]
    if text[0] == "{" and after in ('"', "}"):
        return True
    if text[0] == "[" and after in ("{", "["):
        return True
    try:
        json.loads(text.splitlines()[0])
    except ValueError:
        return False
    return True


def _config(limits: dict[str, int], spill: Path | None) -> dict[str, Any]:
    config = {
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
        "allow_community_extensions": "false",
        "python_enable_replacements": "false",
        "memory_limit": f"{limits.get('memory_mb') or whole('child_memory_mb')}MB",
        "temp_directory": str(spill) if spill is not None else "",
    }
    threads = limits.get("threads") or whole("threads")
    return config | ({"threads": str(threads)} if threads else {})


def _silent(share: float, doing: str) -> None:
    """Progress nobody listens to."""


def _brief(error: duckdb.Error) -> str:
    return str(error).partition("\n")[0].partition(": ")[2].rstrip(". ")
