"""CSV files: one optimistic reading with exact checks, and nothing lost on the way.

Types are guessed from the head and a few blocks further on; then one typed reading proves every value. Where a proof
fails, one more reading tells what the columns' values really are, and the table is read again with those types.
Assay counts the records itself while DuckDB reads, and both must agree.
"""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb

from analysis.core.errors import BadFile, BadRequest, LimitReached, StorageError
from analysis.store import csvplan, csvrecords, csvrejects, csvtypes
from analysis.store.csvplan import Plan
from analysis.store.csvtypes import TEXT, Facts, Kind

Progress = Callable[[float, str], None]
MARK = "assay-check "
BUFFER = 32 << 20
VALUE_SHOWN = 40


def load(
    con: duckdb.DuckDBPyConnection,
    path: Path,
    *,
    label: str,
    options: dict[str, Any],
    encoding: str,
    folder: Path,
    progress: Progress,
) -> dict[str, Any]:
    """Read a UTF-8 CSV into the tables `data` and `rejects` of the database `con` writes; the facts of what was read.

    folder: where copies in between may be written. BadFile, BadRequest or Undecided with one sentence otherwise.
    """
    made = csvplan.plan(path, label=label, options=options, encoding=encoding)
    return _Loading(con, made, options, folder, progress).run()


class _Scan(threading.Thread):
    """The independent count, beside DuckDB's own reading; a fault in it ends that reading."""

    def __init__(self, made: Plan, con: duckdb.DuckDBPyConnection) -> None:
        super().__init__(daemon=True)
        self.scanner = csvrecords.Scanner(made.path, made.dialect, columns=len(made.names), label=made.label)
        self.con = con
        self.found: csvrecords.Scan | None = None
        self.error: Exception | None = None

    def run(self) -> None:
        try:
            self.found = self.scanner.run()
        except Exception as error:  # noqa: BLE001 - raised again by `result` in the thread that waits for it
            self.error = error
            self.con.interrupt()

    def result(self) -> csvrecords.Scan:
        self.join()
        if self.error is not None:
            raise self.error
        if self.found is None:
            raise StorageError(f"{self.scanner.label}: counting the records ended without an answer.")
        return self.found


class _Watch:
    """Tells how far the reading is, three times a second, for the length of a block."""

    def __init__(self, con: duckdb.DuckDBPyConnection, progress: Progress, doing: str) -> None:
        self.con, self.progress, self.doing = con, progress, doing
        self.over = threading.Event()
        self.thread = threading.Thread(target=self._tell, daemon=True)

    def _tell(self) -> None:
        while not self.over.wait(0.33):
            share = self.con.query_progress()
            if share > 0:
                self.progress(min(0.9, 0.9 * share / 100), self.doing)

    def __enter__(self) -> None:
        self.thread.start()

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self.thread.join()


class _Loading:
    def __init__(
        self, con: duckdb.DuckDBPyConnection, made: Plan, options: dict[str, Any], folder: Path, progress: Progress
    ) -> None:
        self.con, self.plan, self.options, self.folder, self.progress = con, made, options, folder, progress
        self.notes = list(made.notes)
        self.parallel = True

    def run(self) -> dict[str, Any]:
        source = self.plan
        scan = _Scan(source, self.con)
        scan.start()
        kinds: dict[str, Kind] = {}
        failure: duckdb.Error | None = None
        try:
            kinds, facts = self._guessed()
            failure = self._read(kinds)
        except (duckdb.InvalidInputException, duckdb.InterruptException) as error:
            failure = error
        self.progress(0.9, "Counting the records")
        found = scan.result()
        self._refuse_broken_header(found)
        if not found.clean:
            self._clean(found)
            kinds, facts = self._guessed()
            failure = self._read(kinds)
        if failure is not None and MARK in str(failure):
            kinds = self._widened(kinds, found)
            failure = self._read(kinds)
        if failure is not None:
            raise BadFile(f"{source.label} cannot be read as a table: {_first_line(failure)}.") from failure
        expected = found.records - int(source.dialect.header)
        rows, rejected = self._counts(found)
        if rows + rejected != expected and self.parallel:
            self.parallel = False
            self._read(kinds)
            rows, rejected = self._counts(found)
        if rows + rejected != expected:
            raise StorageError(
                f"{source.label}: {rows:,} rows read and {rejected:,} left out do not add up to the {expected:,} "
                "records counted. Nothing was stored."
            )
        self._explain_text(kinds, facts, found)
        rejects = csvrejects.keep(self.con, self.plan.path, found, label=source.label)
        self.notes += csvrejects.judge(
            rejects, rows=rows, rejected=rejected, label=source.label, allowed=self.options.get("allow_rejects")
        )
        return {
            "format": "csv",
            "dialect": source.dialect.to_dict(),
            "columns": described(self.con, source.names),
            "rows": rows,
            "rejected": rejected,
            "records": expected,
            "fingerprint": found.sha256,
            "notes": self.notes,
            "rejects_sample": rejects,
        }

    def _source(self, rejects: str) -> str:
        made, dialect, text = self.plan, self.plan.dialect, csvtypes.quoted
        columns = ", ".join(f"{key}: 'VARCHAR'" for key in made.keys)
        for table in (rejects, f"{rejects}_scan"):
            self.con.execute(f"drop table if exists {table}")
        return (
            f"read_csv({text(str(made.path))}, auto_detect=false, header={str(dialect.header).lower()}, "
            f"skip={dialect.blank}, delim={text(dialect.delimiter)}, quote={text(dialect.quote)}, "
            f"escape={text(dialect.quote)}, comment='', columns={{{columns}}}, strict_mode=true, null_padding=false, "
            f"nullstr=[{', '.join(text(each) for each in made.missing)}], compression='none', store_rejects=true, "
            f"rejects_limit=0, rejects_table='{rejects}', rejects_scan='{rejects}_scan', "
            f"max_line_size={csvrecords.LINE_LIMIT + (1 << 20)}, buffer_size={BUFFER}, "
            f"parallel={str(self.parallel).lower()})"
        )

    def _guessed(self) -> tuple[dict[str, Kind], dict[str, Facts]]:
        """The kind of every column: by the sample, or by one reading of just the columns the sample leaves open."""
        kinds, facts = csvplan.guess(self.con, self.plan)
        unsettled = [key for key, kind in kinds.items() if kind is None]
        if unsettled:
            self.progress(0.02, "Looking at every row of the columns that the first rows do not settle")
            facts |= csvtypes.profile(self.con, self._source("looked"), unsettled, self.plan.marks)
        return {key: kind or csvtypes.choose(facts[key], self.plan.marks) or TEXT for key, kind in kinds.items()}, facts

    def _read(self, kinds: dict[str, Kind]) -> duckdb.Error | None:
        """One typed reading of the file into `data`: None, or the error that stopped it."""
        self.con.execute("drop table if exists data")
        query = csvtypes.proven(self.plan.keys, kinds, self.plan.marks, self._source("faults"), MARK)
        with _Watch(self.con, self.progress, f"Reading {self.plan.label}"):
            try:
                self.con.execute(f"create table data as {query}")
            except duckdb.OutOfMemoryException as error:
                raise LimitReached(
                    f"{self.plan.label} needs more memory than a child may have (setting child_memory_mb)."
                ) from error
            except (duckdb.InvalidInputException, duckdb.InterruptException) as error:
                return error
        return None

    def _counts(self, found: csvrecords.Scan) -> tuple[int, int]:
        rows = self.con.execute("select count(*) from data").fetchall()[0]
        faults = self.con.execute("select count(distinct line_byte_position) from faults").fetchall()[0]
        return rows[0], faults[0] + len(found.rejects)

    def _clean(self, found: csvrecords.Scan) -> None:
        """Go on with a copy without the records the scan rejected and the bytes that belong to no value."""
        made = self.plan
        if found.mixed:
            again = csvrecords.Scanner(made.path, made.dialect, columns=len(made.names), label=made.label, returns=True)
            found.returns = again.run().returns
            self.notes.append("Lines end in two ways (with and without a carriage return); both were understood.")
        if found.drops and len(made.names) > 1:
            self.notes.append("Spaces around quoted fields are left out.")
        copy = self.folder / "clean.csv"
        csvrecords.write_clean(made.path, copy, found)
        self.plan = csvplan.replan(made, copy, self.options)

    def _refuse_broken_header(self, found: csvrecords.Scan) -> None:
        dialect = self.plan.dialect
        if dialect.header and found.rejects and found.rejects[0].line <= dialect.blank + 1:
            raise BadFile(f"{self.plan.label}: {found.rejects[0].reason} That line holds the names of the columns.")

    def _widened(self, kinds: dict[str, Kind], found: csvrecords.Scan) -> dict[str, Kind]:
        """What the columns are by all their rows, in one reading; the notes say which value was the reason."""
        marks, label = self.plan.marks, self.plan.label
        self.progress(0.3, "A value does not fit the type of its column; looking at every row")
        typed = [key for key, kind in kinds.items() if kind.type != "VARCHAR"]
        facts = csvtypes.profile(self.con, self._source("looked"), [k for k in typed if not kinds[k].asked], marks)
        wider = kinds | {key: csvtypes.choose(each, marks) or TEXT for key, each in facts.items()}
        suspects = {key: kinds[key] for key in typed if kinds[key].asked or wider[key] != kinds[key]}
        for key, (value, line) in self._offenders(suspects, found).items():
            name, place = self.plan.name(key), f" on line {line:,}" if line else ""
            if kinds[key].asked:
                raise BadRequest(
                    f"{label}: column '{name}' holds '{value}'{place}, which is no {kinds[key].type} as --type asks."
                )
            self.notes.append(f"Column '{name}' is {_said(wider[key])}: '{value}'{place} is no {kinds[key].type}.")
        return wider

    def _offenders(self, kinds: dict[str, Kind], found: csvrecords.Scan) -> dict[str, tuple[str, int | None]]:
        """{key: (a value that is not of the kind, the line where it first stands)}."""
        if not kinds:
            return {}
        asks = [
            f"min({key}) filter ({csvtypes.check(key, each, self.plan.marks)} is not true)"
            for key, each in kinds.items()
        ]
        row = self.con.execute(f"select {', '.join(asks)} from {self._source('looked')}").fetchall()[0]
        values = {key: value for key, value in zip(kinds, row, strict=True) if value is not None}
        dialect, path = self.plan.dialect, self.plan.path
        return {
            key: (_shown(value), csvrejects.line_of(path, dialect, int(key[1:]), value, found))
            for key, value in values.items()
        }

    def _explain_text(self, kinds: dict[str, Kind], facts: dict[str, Facts], found: csvrecords.Scan) -> None:
        """Say why a column stays text although most of its values look like something narrower."""
        marks, asked = self.plan.marks, self.plan.asked
        texts = [key for key, kind in kinds.items() if kind == TEXT and key not in asked and facts[key]["n"]]
        noted = {key: kind for key in texts if (kind := csvplan.almost(facts[key])) is not None}
        for key, (value, line) in self._offenders(noted, found).items():
            place = f" on line {line:,}" if line else ""
            self.notes.append(f"Column '{self.plan.name(key)}' is text: '{value}'{place} is no {noted[key].type}.")
        for key in texts:
            if not marks.dates and facts[key]["ordered"] == facts[key]["n"]:
                self.notes.append(
                    f"Column '{self.plan.name(key)}' holds dates that can be read in two ways and is kept as text; "
                    "--dates day-first or --dates month-first decides."
                )


def described(con: duckdb.DuckDBPyConnection, names: list[tuple[str, str]]) -> list[dict[str, Any]]:
    """{key, name, original, type, missing} of each column of the table `data`."""
    types = con.execute(
        "select column_name, data_type from duckdb_columns() where table_name = 'data' order by column_index"
    ).fetchall()
    counts = con.execute(f"select count(*), {', '.join(f'count({key})' for key, _ in types)} from data").fetchall()[0]
    rows, *filled = counts
    return [
        {"key": key, "name": name, "original": original, "type": type_, "missing": rows - count}
        for (key, type_), (name, original), count in zip(types, names, filled, strict=True)
    ]


def _said(kind: Kind) -> str:
    return "text" if kind == TEXT else kind.type


def _shown(value: str) -> str:
    value = "".join(each if each.isprintable() else "·" for each in value[: VALUE_SHOWN + 1])
    return value if len(value) <= VALUE_SHOWN else value[:VALUE_SHOWN] + "…"


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0].removeprefix("Invalid Input Error: ").rstrip(". ")
