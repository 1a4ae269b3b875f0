"""Plain text: a source unpacked and in UTF-8, as its readers want it, within the limits of what it may grow to."""

import codecs
import hashlib
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from analysis.core.errors import BadFile, BadRequest, LimitReached, Undecided
from analysis.core.settings import whole

Progress = Callable[[float, str], None]
LOOK = 1 << 16
BLOCK = 1 << 20
INFLATE_FLOOR = 100 << 20
GZIP = b"\x1f\x8b"
UTF16 = ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))


@dataclass(frozen=True)
class Plain:
    """A source as readers want it: unpacked and in UTF-8. fingerprint: of the source, "" where the reader makes it."""

    path: Path
    encoding: str = "utf-8"
    fingerprint: str = ""
    notes: list[str] = field(default_factory=list)


def prepare(
    source: Path,
    work: Path,
    kind: str,
    label: str,
    options: dict[str, Any],
    limits: dict[str, int],
    progress: Progress,
) -> Plain:
    """The source itself, or a copy of it in `work` where it is packed or not UTF-8. kind: "csv" or "parquet"."""
    most = limits.get("file_bytes") or whole("file_gb") << 30
    if source.stat().st_size > most:
        raise LimitReached(f"{label} has {source.stat().st_size:,} bytes; the limit is {most:,} (setting file_gb).")
    path, fingerprint = source, ""
    notes: list[str] = []
    with source.open("rb") as opened:
        head = opened.read(LOOK)
    if head.startswith(GZIP):
        digest = hashlib.sha256()
        path = work / "inflated"
        inflate(source, path, label, most, digest, progress)
        fingerprint = digest.hexdigest()
        with path.open("rb") as opened:
            head = opened.read(LOOK)
    if kind == "parquet":
        return Plain(path, "", fingerprint, notes)
    encoding, notes = encoding_of(head, options)
    if encoding != "utf-8":
        digest = hashlib.sha256()
        _transcode(path, work / "utf8", encoding, label, digest, progress)
        fingerprint = fingerprint or digest.hexdigest()
        if path != source:
            path.unlink()
        path = work / "utf8"
    return Plain(path, encoding, fingerprint, notes)


def encoding_of(head: bytes, options: dict[str, Any]) -> tuple[str, list[str]]:
    """The encoding the options or the file's mark name, and what to note of it."""
    given = str(options.get("encoding") or "")
    if given:
        try:
            name = codecs.lookup(given).name
            "a".encode(name)
        except (LookupError, TypeError, ValueError) as error:
            raise BadRequest(
                f"--encoding {given!r} is no encoding Assay knows; try utf-8, windows-1252 or utf-16."
            ) from error
        return ("utf-8" if name in ("utf-8", "utf-8-sig", "ascii") else name), []
    for mark, name in UTF16:
        if head.startswith(mark):
            return name, ["The file is UTF-16 text, as the mark at its beginning says."]
    return "utf-8", []


def _transcode(
    source: Path, target: Path, encoding: str, label: str, digest: "hashlib._Hash", progress: Progress
) -> None:
    """Write a text as UTF-8, block by block; Undecided where its bytes are not of the encoding."""
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    size, read, lines = source.stat().st_size, 0, 0
    with source.open("rb") as taken, target.open("wb") as given:
        while True:
            block = taken.read(BLOCK)
            digest.update(block)
            text = decoded(decoder, block, not block, label, lines, encoding)
            lines += text.count("\n")
            given.write(text.encode())
            if not block:
                return
            read += len(block)
            progress(0.1 * read / size, f"Reading {label} as {encoding}")


def decoded(
    decoder: codecs.IncrementalDecoder, block: bytes, final: bool, label: str, lines: int, encoding: str
) -> str:
    """The next block as text; Undecided with its line (`lines` came before) where its bytes are not of the encoding."""
    try:
        return decoder.decode(block, final)
    except UnicodeDecodeError as error:
        line = lines + error.object[: error.start].count(b"\n") + 1
        raise Undecided(f"{label}, line {line:,}, is not {encoding} text; name another --encoding.") from error


def inflate(source: Path, target: Path, label: str, most: int, digest: "hashlib._Hash", progress: Progress) -> None:
    """Unpack a gzip file of one or more members, within the limits; BadFile where it is cut off, damaged or a bomb."""
    size = source.stat().st_size
    most = min(most, max(INFLATE_FLOOR, size * whole("inflate_ratio")))
    read = written = 0
    with source.open("rb") as taken, target.open("wb") as given:
        unpacker = zlib.decompressobj(31)
        while block := taken.read(BLOCK):
            digest.update(block)
            read += len(block)
            while block:
                if unpacker.eof:
                    block = block.lstrip(b"\0")
                    if not block:
                        break
                    unpacker = zlib.decompressobj(31)
                try:
                    text = unpacker.decompress(block, BLOCK)
                except zlib.error as error:
                    raise BadFile(f"{label} is a gzip file that is damaged at byte {read:,}; copy it again.") from error
                written += len(text)
                if written > most:
                    raise BadFile(
                        f"{label} unpacks to more than {most:,} bytes from {size:,} (settings inflate_ratio, file_gb)."
                    )
                given.write(text)
                block = unpacker.unused_data if unpacker.eof else unpacker.unconsumed_tail
            progress(0.1 * read / size, f"Unpacking {label}")
        if not unpacker.eof:
            raise BadFile(f"{label} is a gzip file that was cut off; copy it again.")


def inflated_head(source: Path, label: str, size: int) -> bytes:
    """The first `size` bytes a gzip file unpacks to."""
    found = bytearray()
    unpacker = zlib.decompressobj(31)
    with source.open("rb") as taken:
        try:
            while len(found) < size and (block := unpacker.unused_data or taken.read(LOOK)):
                if unpacker.eof:
                    unpacker = zlib.decompressobj(31)
                found += unpacker.decompress(block, size - len(found))
        except zlib.error as error:
            raise BadFile(f"{label} is a gzip file that is damaged; copy it again.") from error
    if not found and not unpacker.eof:
        raise BadFile(f"{label} is a gzip file that was cut off; copy it again.")
    return bytes(found)
