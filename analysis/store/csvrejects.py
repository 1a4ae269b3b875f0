"""Rejects: the records of a CSV that are no rows, where they stand, and whether there are too many of them."""

import re
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import polars as pl

from analysis.core.errors import BadFile, BadRequest, Undecided
from analysis.core.settings import number
from analysis.store.csvdialect import Dialect
from analysis.store.csvrecords import PIECE, TEXT_KEPT, Reject, Scan

SHOWN = 20
TRIES = 10_000


def keep(con: duckdb.DuckDBPyConnection, path: Path, scan: Scan, *, label: str) -> list[dict[str, Any]]:
    """Write the table `rejects` (line, reason, text) from DuckDB's faults and the scan's, in the order of the file.

    path: what DuckDB read, the file itself or its clean copy; lines are those of the file. Returns the first 20.
    """
    faults = con.execute(
        "select line_byte_position, min(error_type), min(error_message), "
        f"left(any_value(csv_line), {TEXT_KEPT}) from faults group by 1 order by 1"
    ).fetchall()
    lines = lines_at(path, [place for place, *_ in faults])
    found = [
        (original_line(line, scan.rejects), _reason(kind, message), text.rstrip("\r\n") if text else "")
        for line, (_, kind, message, text) in zip(lines, faults, strict=True)
    ]
    found += [(each.line, each.reason, each.text) for each in scan.rejects]
    frame = pl.DataFrame(found, schema={"line": pl.Int64, "reason": pl.String, "text": pl.String}, orient="row").sort(
        "line"
    )
    con.register("found_rejects", frame)
    con.execute("create or replace table rejects as select line::bigint as line, reason, text from found_rejects")
    con.unregister("found_rejects")
    return frame.head(SHOWN).to_dicts()


def judge(first: list[dict[str, Any]], *, rows: int, rejected: int, label: str, allowed: Any) -> list[str]:
    """Sentences on the rejects, where there are few enough; Undecided where the analyst must say so first."""
    if not rejected:
        return []
    records = rows + rejected
    at = f"line {first[0]['line']:,}: {first[0]['reason']}" if first else ""
    if not rows:
        raise BadFile(f"{label}: none of its {records:,} records is a row of the table; {at}")
    most = number("rejects_share") * records if allowed in (None, "") else _most(str(allowed), records)
    if rejected > most:
        are = "is" if rejected == 1 else "are"
        raise Undecided(
            f"{label}: {rejected:,} of {records:,} records {are} broken ({100 * rejected / records:.3g} %), the first "
            f"on {at} To leave them out say --allow-rejects {rejected}."
        )
    are = "is" if rejected == 1 else "are"
    return [f"{rejected:,} of {records:,} records {are} left out ({100 * rejected / records:.3g} %), the first on {at}"]


def _most(allowed: str, records: int) -> float:
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*(%?)\s*", allowed)
    if not match:
        raise BadRequest(f"--allow-rejects {allowed!r} is not understood; it is a count or a share like 2%.")
    return float(match[1]) * (records / 100 if match[2] else 1)


def _reason(kind: str, message: str) -> str:
    counts = re.search(r"Expected Number of Columns: (\d+) Found: (\d+)", message or "")
    if counts:
        few = "Too few" if int(counts[2]) < int(counts[1]) else "Too many"
        return f"{few} fields: {int(counts[2]):,} instead of {int(counts[1]):,}."
    words = {"MISSING COLUMNS": "Too few fields.", "TOO MANY COLUMNS": "Too many fields."}
    return words.get(kind, f"{kind.capitalize()}.")


def lines_at(path: Path, places: list[int]) -> list[int]:
    """The line (from 1) of each byte position (from 1, ascending), in one reading of the file."""
    found: list[int] = []
    wanted = np.array(places, dtype=np.int64) - 1
    lines = at = 0
    with path.open("rb") as source:
        while len(found) < len(wanted) and (block := source.read(PIECE)):
            bytes_ = np.frombuffer(block, dtype=np.uint8)
            newline = 10 if 10 in bytes_ or 13 not in bytes_ else 13
            ends = np.flatnonzero(bytes_ == newline) + at
            here = wanted[len(found) : np.searchsorted(wanted, at + len(block))]
            found += (np.searchsorted(ends, here) + lines + 1).tolist()
            lines += len(ends)
            at += len(block)
    return found + [lines + 1] * (len(wanted) - len(found))


def original_line(line: int, removed: list[Reject]) -> int:
    """The line of the file that is line `line` of its copy without the removed records."""
    for each in removed:
        if each.line > line:
            break
        line += each.lines
    return line


def line_of(path: Path, dialect: Dialect, column: int, value: str, scan: Scan) -> int | None:
    """The line where a value first stands in a column; None where it is not found soon (a field of several lines)."""
    needle, newline = value.encode(), dialect.newline
    if dialect.quote:
        needle = needle.replace(dialect.quote.encode(), dialect.quote.encode() * 2)
    lines = tries = 0
    with path.open("rb") as source:
        held = b""
        while block := source.read(PIECE):
            held += block
            cut = held.rfind(newline) + 1 if len(block) == PIECE else len(held)
            piece, held = held[:cut], held[cut:]
            at = piece.find(needle)
            while at >= 0 and tries < TRIES:
                tries += 1
                start, end = piece.rfind(newline, 0, at) + 1, piece.find(newline, at)
                line = piece[start : end if end >= 0 else len(piece)].decode("utf-8", "replace")
                fields = next(dialect.records(line), [])
                if len(fields) > column and fields[column] == value:
                    return original_line(lines + piece.count(newline, 0, start) + 1, scan.rejects)
                at = piece.find(needle, max(end, at + 1)) if end >= 0 else -1
            if tries >= TRIES:
                return None
            lines += piece.count(newline)
    return None
