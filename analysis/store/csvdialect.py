"""Dialects: how a CSV separates its fields, quotes them, ends its lines and names its columns."""

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from analysis.core.errors import BadFile, BadRequest, Undecided
from analysis.core.settings import whole

USUAL = (",", ";", "\t", "|")
NOT_DELIMITERS = set("\"'_.-+()[]{}<>\r\n\0")
LOOKED_AT = 1000
NAMED = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";", "pipe": "|", "space": " "}
NUMBER = re.compile(r"[-+]?(\d+([.,]\d*)?|[.,]\d+)([eE][-+]?\d+)?")


@dataclass(frozen=True)
class Dialect:
    """encoding: as in the source. quote: "" where nothing is quoted; a doubled quote stands for itself. newline: b"\\n"
    (also for \\r\\n) or b"\\r". blank: empty lines before the first record. header: whether that record names columns.
    """

    encoding: str = "utf-8"
    delimiter: str = ","
    quote: str = '"'
    header: bool = True
    newline: bytes = b"\n"
    blank: int = 0

    def to_dict(self) -> dict[str, Any]:
        return {key: value for key, value in asdict(self).items() if key not in ("newline", "blank")}

    def records(self, text: str) -> Iterator[list[str]]:
        """The records of a text by Python's csv module, empty lines left out. Ends early at a field it cannot read."""
        quoting = {"quotechar": self.quote} if self.quote else {"quoting": csv.QUOTE_NONE}
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=self.delimiter, skipinitialspace=False, **quoting)
        while True:
            try:
                record = next(reader)
            except (StopIteration, csv.Error):
                return
            if record:
                yield record


def detect(head: str, *, whole_file: bool, label: str, options: dict[str, Any], encoding: str) -> Dialect:
    """The dialect of a text by its first records; what the options say is not questioned.

    BadFile where no single character splits the records into the same number (two or more) of fields; Undecided where
    the first record could be names or values.
    """
    newline = b"\r" if "\r" in head and "\n" not in head else b"\n"
    body = head.lstrip("\r\n")
    skipped = head[: len(head) - len(body)]
    blank = skipped.count(newline.decode())
    if not body.strip():
        raise BadFile(f"{label} holds only blank lines; there is no table in it.")
    cut = body if whole_file else body[: body.rfind(newline.decode()) + 1] or body
    quote = _asked_quote(options)
    delimiter = _asked_delimiter(options)
    known = delimiter is not None
    if delimiter is None:
        delimiter = _delimiter(cut, '"' if quote is None else quote)
        if delimiter is None and quote is None:
            delimiter = _delimiter(cut, "'")
        if delimiter is None and "header" not in options:
            raise BadFile(
                f"{label} has one column or no separator Assay recognises; name it with --delimiter, "
                "or say --header yes if it is a table of one column."
            )
        delimiter = delimiter or ","
    if quote is None:
        quote = _quote(cut, delimiter)
    found = Dialect(encoding, delimiter, quote, True, newline, blank)
    first = next(found.records(cut), None)
    if first is None:
        raise BadFile(f"{label} has a first line that is too long to be the names of columns.")
    if len(first) > whole("columns"):
        raise BadFile(f"{label} has {len(first):,} columns; the limit is {whole('columns'):,} (setting columns).")
    if not known and len(first) == 1 and "header" not in options:
        raise BadFile(f"{label} has a first line without the separator '{delimiter}' that the others have.")
    if "header" in options:
        header = bool(options["header"])
    else:
        header = True
        if all(NUMBER.fullmatch(each.strip()) for each in first):
            raise Undecided(
                f"{label} begins with a line of numbers only; say --header yes if they are the names of the columns, "
                "--header no if they are data."
            )
    return Dialect(encoding, delimiter, quote, header, newline, blank)


def names(record: list[str], dialect: Dialect) -> tuple[list[tuple[str, str]], list[str]]:
    """(name, original) of each column, unique and not blank, and a sentence for each name that had to be changed.

    original is "" where the name is the source's own.
    """
    if not dialect.header:
        return [(f"column_{place}", "") for place in range(1, len(record) + 1)], []
    taken = {each for each in record if each.strip()}
    seen: Counter[str] = Counter()
    made: list[tuple[str, str]] = []
    notes: list[str] = []
    for place, source in enumerate(record, start=1):
        seen[source] += 1
        if source.strip() and seen[source] == 1:
            made.append((source, ""))
            continue
        stem, number = (source, seen[source]) if source.strip() else ("column", place)
        while f"{stem}_{number}" in taken:
            number += 1
        name = f"{stem}_{number}"
        taken.add(name)
        made.append((name, source))
        why = f"a second column is called '{source}'" if source.strip() else "it has no name"
        notes.append(f"Column {place} is called '{name}' because {why}.")
    return made, notes


def _asked_delimiter(options: dict[str, Any]) -> str | None:
    given = options.get("delimiter")
    if given is None:
        return None
    given = NAMED.get(str(given).lower(), str(given))
    if len(given) != 1 or given in '\r\n"\0':
        raise BadRequest(f"--delimiter {given!r} is not a single character that can separate fields.")
    return given


def _asked_quote(options: dict[str, Any]) -> str | None:
    given = options.get("quote")
    if given is None:
        return None
    given = "" if str(given).lower() == "none" else str(given)
    if len(given) > 1 or given in ("\r", "\n", "\0") or not given.isascii():
        raise BadRequest(f"The quote {given!r} is not a single plain character, or 'none'.")
    return given


def _delimiter(text: str, quote: str) -> str | None:
    first_line = re.split(r"[\r\n]", text, maxsplit=1)[0]
    others = sorted(
        {each for each in first_line if not each.isalnum() and each not in NOT_DELIMITERS and each.isprintable()}
        | {each for each in first_line if ord(each) < 32 and each not in "\r\n\0"}
    )
    best: tuple[float, int, int] | None = None
    chosen: str | None = None
    for rank, candidate in enumerate([*USUAL, *(each for each in others if each not in USUAL)]):
        if candidate == quote:
            continue
        share, width, looked = _agreement(text, candidate, quote)
        usual = candidate in USUAL
        if width < 2 or (
            not usual and (share < 0.99 or looked < (1 if candidate < " " else 2) or (candidate == " " and width < 3))
        ):
            continue
        if not usual and chosen in USUAL and best is not None and best[0] >= 0.5:
            continue
        score = (round(share, 2), width, -rank)
        if best is None or score > best:
            best, chosen = score, candidate
    return chosen


def _agreement(text: str, delimiter: str, quote: str) -> tuple[float, int, int]:
    """(share of the records that have as many fields as the first, that number, records looked at)."""
    widths: list[int] = []
    for record in Dialect(delimiter=delimiter, quote=quote).records(text):
        widths.append(len(record))
        if len(widths) > LOOKED_AT:
            break
    if len(widths) < 2:
        return 0.0, widths[0] if widths else 0, 0
    return sum(each == widths[0] for each in widths[1:]) / (len(widths) - 1), widths[0], len(widths) - 1


def _quote(text: str, delimiter: str) -> str:
    """The single quote where fields are wrapped in it and none in double quotes, else the double quote."""
    mark = re.escape(delimiter)
    if "'" not in text or re.search(rf'(?:^|{mark}) *"', text, re.MULTILINE):
        return '"'
    plain = list(_first(Dialect(delimiter=delimiter, quote="").records(text)))
    for column in zip(*(each for each in plain if len(each) == len(plain[0])), strict=False):
        values = [each for each in column[1:] if each]
        if values and all(len(each) > 1 and each[0] == each[-1] == "'" for each in values):
            return "'"
    double, single = _agreement(text, delimiter, '"'), _agreement(text, delimiter, "'")
    wrapped = re.search(rf"(?:^|{mark})'(?:[^']|'')*'(?={mark}|\r?$)", text, re.MULTILINE)
    return "'" if wrapped and single[0] > double[0] else '"'


def _first(records: Iterator[list[str]]) -> Iterator[list[str]]:
    for _, record in zip(range(LOOKED_AT), records, strict=False):
        yield record
