"""Datasets: uploaded tables, frozen."""

import unicodedata
from dataclasses import dataclass, field
from typing import Any

from analysis.core.errors import BadRequest
from analysis.core.schema import Schema

NAME_LENGTH = 200


@dataclass(frozen=True)
class Dataset:
    """One version of an uploaded table, as the catalog keeps it.

    fingerprint: sha256 of the source file's bytes (hex). options: what intake was told. facts: what intake understood
    (format, dialect, notes, a sample of the rejected rows).
    """

    id: str
    name: str
    version: int
    schema: Schema
    rows: int
    rejected: int
    fingerprint: str
    source: str
    source_bytes: int
    created: str
    actor: str
    options: dict[str, Any] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)
    damaged: str = ""

    @property
    def label(self) -> str:
        return f"{self.name}@{self.version}"


def clean_name(text: str, kind: str = "dataset") -> str:
    """A name as it is kept: NFC, without control characters, 1 to 200 characters, no '@' or '~' (they mark versions).

    >>> clean_name("  Loans 2026 ")
    'Loans 2026'
    """
    name = unicodedata.normalize("NFC", text)
    name = "".join(each for each in name if unicodedata.category(each)[0] != "C").strip()
    if not name:
        raise BadRequest(f"A {kind} needs a name of at least one visible character.")
    if "@" in name or "~" in name:
        raise BadRequest(f"The {kind} name '{name}' contains '@' or '~', which mark versions; choose another.")
    if len(name) > NAME_LENGTH:
        raise BadRequest(f"The {kind} name is {len(name)} characters long; the limit is {NAME_LENGTH}.")
    return name


def name_from_file(file: str) -> str:
    """A dataset's default name: the file's own, without folders and the endings of tables.

    >>> name_from_file("../in/loans.csv.gz")
    'loans'
    """
    base = file.replace("\\", "/").rsplit("/", 1)[-1]
    for ending in (".gz", ".zst", ".csv", ".tsv", ".txt", ".parquet", ".pq"):
        if base.lower().endswith(ending) and len(base) > len(ending):
            base = base[: -len(ending)]
    base = "".join("-" if each in "@~" else each for each in base)[:NAME_LENGTH]
    return clean_name(base or "dataset")


def split_reference(reference: str) -> tuple[str, int | None, str | None]:
    """(name, version, fingerprint start) of `name`, `name@3` or `name~a1b2c3`.

    >>> split_reference("loans@2")
    ('loans', 2, None)
    """
    if "@" in reference:
        name, _, text = reference.rpartition("@")
        if not text.isdecimal() or len(text) > 9:
            raise BadRequest(f"'{reference}' names no version: write name@3.")
        return name, int(text), None
    if "~" in reference:
        name, _, mark = reference.rpartition("~")
        return name, None, mark
    return reference, None, None
