"""Records: the lines of a CSV, counted by Assay itself, and those whose quoting is broken.

A field that is not closed properly, never closed or grows beyond LINE_LIMIT makes its record, up to the end of the
line where its quote was opened, a rejected one; reading goes on with the next line.

An empty line is no record where a table has two or more columns; in a table of one column it is a missing value,
except at the end of the file.
"""

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import numpy as np

from analysis.core.errors import BadFile, Undecided
from analysis.store import csvquotes
from analysis.store.csvdialect import Dialect

LINE_LIMIT = 8_000_000
PIECE = 1 << 20
PIECE_AFTER_TROUBLE = 1 << 16
TEXT_KEPT = 1000
BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class Reject:
    """One record left out. line: where it begins, from 1; lines: how many it takes; start, end: its bytes."""

    line: int
    lines: int
    start: int
    end: int
    reason: str
    text: str


@dataclass
class Scan:
    """What one reading of a CSV found.

    records: all of them, the header and the rejected ones included. drops: spans of bytes that belong to no value.
    with_return, without_return: lines that end in \\r\\n and in \\n alone. returns: where those \\r are, only if asked
    for. sha256: of the bytes, hex, only if asked for.
    """

    records: int = 0
    lines: int = 0
    sha256: str = ""
    with_return: int = 0
    without_return: int = 0
    rejects: list[Reject] = field(default_factory=list)
    drops: list[tuple[int, int]] = field(default_factory=list)
    returns: list[np.ndarray] = field(default_factory=list)

    @property
    def mixed(self) -> bool:
        return self.with_return > 0 and self.without_return > 0

    @property
    def clean(self) -> bool:
        return not (self.rejects or self.drops or self.mixed)


class Scanner:
    """Reads a file once, front to back. `done` is the share read so far; setting `stop` ends it early."""

    def __init__(self, path: Path, dialect: Dialect, *, columns: int, label: str, returns: bool = False) -> None:
        self.path, self.dialect, self.columns, self.label = path, dialect, columns, label
        self.returns = returns
        self.size = path.stat().st_size
        self.done, self.stop = 0.0, False
        self.found = Scan()
        self._digest = hashlib.sha256()
        self._hashed = 0
        self._piece = PIECE
        self._quoted = False
        self._open = self._open_line = 0
        self._record = self._record_line = 0
        self._last_full = self._empty_since = 0

    def run(self) -> Scan:
        """The whole file. Undecided on bytes that are not UTF-8, BadFile on what no dialect explains."""
        with self.path.open("rb", buffering=0) as source:
            at = len(BOM) if self._take(source, 0, len(BOM)) == BOM else 0
            self._record = at
            while at < self.size and not self.stop:
                at = self._step(source, at)
                if at >= self.size and self._quoted:
                    at = self._abandon(source, "is never closed")
                self.done = at / self.size
        found = self.found
        if self.columns == 1 and self._empty_since:
            found.records -= self._empty_since
            found.drops.append((self._last_full, self.size))
        found.sha256 = self._digest.hexdigest()
        return found

    def _take(self, source: BinaryIO, at: int, size: int) -> bytes:
        source.seek(at)
        block = source.read(size)
        if at + len(block) > self._hashed:
            self._digest.update(memoryview(block)[self._hashed - at :])
            self._hashed = at + len(block)
        return block

    def _lines(self, source: BinaryIO, at: int) -> tuple[bytes, int]:
        """Whole lines from `at` (the file's last gets a newline) and where the next begin; b"" for an endless line."""
        held = b""
        while True:
            block = self._take(source, at + len(held), self._piece)
            if not block:
                return held + self.dialect.newline, at + len(held)
            end = block.rfind(self.dialect.newline) + 1
            if held and len(held) + max(0, block.find(self.dialect.newline)) > LINE_LIMIT:
                return b"", at
            if end:
                return held + block[:end], at + len(held) + end
            held += block
            if len(held) > LINE_LIMIT:
                return b"", at

    def _step(self, source: BinaryIO, at: int) -> int:
        piece, after = self._lines(source, at)
        if not piece:
            if not self._quoted:
                self._open, self._open_line = at, self.found.lines
            return self._abandon(source, f"is longer than {LINE_LIMIT:,} bytes")
        self._decode(piece)
        if not self._quoted and self._plain(piece, at):
            self._piece = min(PIECE, self._piece * 2)
            return after
        bytes_ = np.frombuffer(piece, dtype=np.uint8)
        quotes = csvquotes.find(piece, bytes_, self.dialect, quoted=self._quoted)
        returns = self.dialect.newline == b"\n" and b"\r" in piece
        if quotes.broken is not None:
            if quotes.broken >= 0:
                end = self._record_start(bytes_, quotes)
                settled = csvquotes.Quotes(
                    quotes.toggles[quotes.toggles < end], [each for each in quotes.drops if each[0] < end]
                )
                line = self.found.lines + piece.count(self.dialect.newline, 0, quotes.broken)
                if end:
                    self._settle(bytes_[:end], at, settled, returns)
                self._open, self._open_line = at + quotes.broken, line
            return self._abandon(source, "is not followed by the delimiter where it is closed")
        self._settle(bytes_, at, quotes, returns)
        if self._quoted and after - self._record > LINE_LIMIT:
            return self._abandon(source, f"is not closed within {LINE_LIMIT:,} bytes")
        self._piece = min(PIECE, self._piece * 2)
        return after

    def _decode(self, piece: bytes) -> None:
        if piece.isascii() or _is_utf8(piece):
            if (place := piece.find(b"\0")) >= 0:
                line = self.found.lines + piece.count(self.dialect.newline, 0, place) + 1
                raise BadFile(f"{self.label}, line {line:,}, holds a NUL byte: remove it, or name the --encoding.")
            return
        line = self.found.lines + 1
        for each in piece.split(self.dialect.newline):
            if not _is_utf8(each):
                break
            line += 1
        raise Undecided(
            f"{self.label}, line {line:,}, is not UTF-8 text; name its encoding, for example "
            "--encoding windows-1252 or --encoding latin-1."
        )

    def _plain(self, piece: bytes, at: int) -> bool:
        """Count a piece without quotes, empty lines or odd line ends the quick way; False if it is not one."""
        newline, quote = self.dialect.newline, self.dialect.quote.encode()
        if (quote and quote in piece) or piece.startswith((newline, b"\r\n")) or newline * 2 in piece:
            return False
        lines = piece.count(newline)
        if newline == b"\n" and b"\r" in piece:
            if self.returns or b"\n\r" in piece or piece.count(b"\r\n") != piece.count(b"\r"):
                return False
            self.found.with_return += piece.count(b"\r\n")
            self.found.without_return += lines - piece.count(b"\r\n")
        else:
            self.found.without_return += lines
        self.found.records += lines
        self.found.lines += lines
        self._record, self._record_line = at + len(piece), self.found.lines
        self._last_full, self._empty_since = self._record, 0
        return True

    def _settle(self, bytes_: np.ndarray, at: int, quotes: csvquotes.Quotes, returns: bool) -> None:
        """Count a piece whose quotes are known, and remember the state at its end."""
        newline = self.dialect.newline[0]
        ends = np.flatnonzero(bytes_ == newline)
        outer = ends[~quotes.inside(ends, self._quoted)]
        returned = (bytes_[outer - 1] == 13) & (outer > 0) & returns
        lengths = np.diff(outer, prepend=self._record - at - 1) - 1
        full = np.flatnonzero(lengths - returned > 0)
        self.found.records += len(full) if self.columns > 1 else len(outer)
        self.found.with_return += int(returned.sum())
        self.found.without_return += len(outer) - int(returned.sum())
        if self.returns:
            self.found.returns.append(outer[returned] - 1 + at)
        if returns:
            self._refuse_lone_return(bytes_, quotes)
        if len(full):
            self._last_full = at + int(outer[full[-1]]) + 1
            self._empty_since = len(outer) - 1 - int(full[-1])
        else:
            self._empty_since += len(outer)
        self.found.drops += [(at + start, at + end) for start, end in quotes.drops]
        lines = self.found.lines
        if len(outer):
            self._record = at + int(outer[-1]) + 1
            self._record_line = lines + int(np.searchsorted(ends, outer[-1])) + 1
        opened = quotes.last_opened(self._quoted)
        if opened is not None:
            self._open, self._open_line = at + opened, lines + int(np.searchsorted(ends, opened))
        self._quoted = bool((len(quotes.toggles) + self._quoted) & 1)
        self.found.lines += len(ends)

    def _refuse_lone_return(self, bytes_: np.ndarray, quotes: csvquotes.Quotes) -> None:
        places = np.flatnonzero(bytes_ == 13)
        places = places[bytes_[places + 1] != 10]
        places = places[~quotes.inside(places, self._quoted)]
        if len(places):
            line = self.found.lines + int(np.count_nonzero(bytes_[: places[0]] == 10)) + 1
            raise BadFile(
                f"{self.label}, line {line:,}, holds a carriage return that ends no line; "
                "give all lines the same ending or quote the field."
            )

    def _record_start(self, bytes_: np.ndarray, quotes: csvquotes.Quotes) -> int:
        """Where in the piece the record of the broken quote begins; 0 also where it began before the piece."""
        ends = np.flatnonzero(bytes_[: quotes.broken] == self.dialect.newline[0])
        outer = ends[~quotes.inside(ends, self._quoted)]
        return int(outer[-1]) + 1 if len(outer) else 0

    def _abandon(self, source: BinaryIO, why: str) -> int:
        """Reject the record up to the end of the line where its last quote was opened; where to go on."""
        at, end = self._open, -1
        while end < 0:
            block = self._take(source, at, PIECE_AFTER_TROUBLE)
            end = at + block.find(self.dialect.newline) + 1 if self.dialect.newline in block else -1
            at += len(block)
            if not block:
                end = self.size
        what = "The line" if why.startswith("is longer") else f"The quote opened on line {self._open_line + 1:,}"
        text = self._take(source, self._record, min(end - self._record, TEXT_KEPT)).decode("utf-8", "replace")
        lines = self._open_line - self._record_line + 1
        self.found.rejects.append(
            Reject(self._record_line + 1, lines, self._record, end, f"{what} {why}.", text.rstrip("\r\n"))
        )
        while self.found.drops and self.found.drops[-1][0] >= self._record:
            self.found.drops.pop()
        self.found.records += 1
        self.found.lines = self._record_line = self._open_line + 1
        self._record = self._last_full = end
        self._empty_since = 0
        self._quoted = False
        self._piece = PIECE_AFTER_TROUBLE
        return end


def _is_utf8(piece: bytes) -> bool:
    try:
        piece.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def write_clean(source: Path, target: Path, scan: Scan) -> None:
    """Copy a CSV without the bytes a scan said belong to no value or to a rejected record."""
    spans = sorted([*scan.drops, *((each.start, each.end) for each in scan.rejects)])
    returns = np.concatenate(scan.returns) if scan.mixed and scan.returns else np.empty(0, dtype=np.int64)
    starts = np.array([start for start, _ in spans], dtype=np.int64)
    ends = np.array([end for _, end in spans], dtype=np.int64)
    at = 0
    with source.open("rb") as taken, target.open("wb") as given:
        while block := taken.read(PIECE):
            after = at + len(block)
            first, last = np.searchsorted(ends, at, side="right"), np.searchsorted(starts, after)
            cut = returns[np.searchsorted(returns, at) : np.searchsorted(returns, after)] - at
            if last > first or len(cut):
                keep = np.ones(len(block), dtype=bool)
                keep[cut] = False
                for start, end in spans[first:last]:
                    keep[max(0, start - at) : end - at] = False
                block = np.frombuffer(block, dtype=np.uint8)[keep].tobytes()
            given.write(block)
            at = after
