"""Exports: rows written as CSV into the workspace's exports/, safe to open in a spreadsheet.

A text that a spreadsheet would run as a formula gets an apostrophe before it; numbers stay as they are.
"""

import csv
import io
import uuid
from collections.abc import Sequence
from pathlib import Path

import duckdb

from analysis.store.staging import disk_errors

STARTS = "=+-@\t\r"


def safe(text: str) -> str:
    """A text no spreadsheet takes for a formula.

    >>> safe("=1+1"), safe("fine")
    ("'=1+1", 'fine')
    """
    return f"'{text}" if text[:1] in tuple(STARTS) else text


def safe_sql(name: str) -> str:
    """The same in SQL, of a text column."""
    signs = ", ".join(f"chr({ord(sign)})" for sign in STARTS)
    return f"CASE WHEN left({name}, 1) IN ({signs}) THEN '''' || {name} ELSE {name} END"


def write_csv(cursor: duckdb.DuckDBPyConnection, statement: str, headers: Sequence[str], target: Path) -> int:
    """Write the rows of a statement as CSV under these headers, whole or not at all; how many rows.

    The cursor is used as it stands. A row holds what the statement gives, texts made safe.
    """
    described = cursor.execute(f"DESCRIBE {statement}").fetchall()
    picked = ", ".join(
        f"{safe_sql(f'x.{name}') if kind == 'VARCHAR' else f'x.{name}'} AS {name}" for name, kind, *_ in described
    )
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow([safe(header) for header in headers])
    part = target.with_name(f".{uuid.uuid4().hex}.part")
    try:
        with disk_errors():
            path = str(part).replace("'", "''")
            said = cursor.execute(f"COPY (SELECT {picked} FROM ({statement}) x) TO '{path}' (FORMAT csv, HEADER false)")
            rows = int(said.fetchall()[0][0])
            body = part.with_suffix(".body")
            part.rename(body)
            with part.open("wb") as out, body.open("rb") as rest:
                out.write(line.getvalue().encode())
                while block := rest.read(1 << 20):
                    out.write(block)
            part.replace(target)
    finally:
        part.unlink(missing_ok=True)
        part.with_suffix(".body").unlink(missing_ok=True)
    return rows
