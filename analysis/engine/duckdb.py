"""The DuckDB engine: answers queries of evaluations from their files, through the cube cache."""

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import polars as pl

from analysis.core.cube import Cube, Tally
from analysis.core.cutoffs import Threshold, moved
from analysis.core.errors import BadRequest, Interrupted, LimitReached
from analysis.core.evaluation import Evaluation, ModelFacts
from analysis.core.judged import named
from analysis.core.roles import BINARY
from analysis.core.settings import whole
from analysis.engine import groups
from analysis.engine.cache import CubeCache, Recent
from analysis.engine.deciding import Cut, cut
from analysis.engine.groups import Groups
from analysis.engine.judgement import Judged, judging
from analysis.engine.own import own_metrics
from analysis.engine.parts import PARTS, counts
from analysis.engine.query import Answer, OpenEvaluation, Query
from analysis.engine.rows import Found, Listed, RowQuery
from analysis.engine.statements import SET, Asked, Select, grouping_id, understood
from analysis.metrics import operating
from analysis.store.exports import write_csv
from analysis.store.workspace import Workspace

DENSE = 20_000_000


class Engine:
    """One workspace's engine; safe to use from many threads."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self.cache = CubeCache(workspace.root / "cubes")
        self._cubes: Recent[Answer] = Recent(whole("cube_memory_mb") << 20)
        self._codes: dict[tuple[str, str], tuple[np.ndarray, np.ndarray]] = {}
        self._lock = threading.Lock()

    def open(self, evaluation: Evaluation, cancelled: threading.Event | None = None) -> OpenEvaluation:
        """An evaluation one can ask; asking stops with Interrupted when `cancelled` is set."""

        def ask(query: Query) -> Answer:
            return self.ask(evaluation, query, cancelled)

        def ask_all(queries: Sequence[Query]) -> list[Answer]:
            return self.ask_all(evaluation, queries, cancelled)

        def rows(query: RowQuery) -> Found:
            return self.found(evaluation, query, cancelled)

        def export(query: Listed, name: str) -> tuple[Path, int]:
            return self.export(evaluation, query, name, cancelled)

        def judge(name: str, threshold: Threshold | None) -> Judged:
            model = evaluation.model(name)
            return judging(evaluation, model, self._cut(evaluation, model, threshold)[1])

        def scan(statement: str) -> pl.DataFrame:
            return self._run(evaluation, statement, cancelled)

        own, place = own_metrics(self.workspace, evaluation), f"evaluations/{evaluation.id}.duckdb"
        return OpenEvaluation(evaluation, ask, ask_all, rows, export, judge, scan, self.cache, place, own)

    def ask(self, evaluation: Evaluation, query: Query, cancelled: threading.Event | None = None) -> Answer:
        """The cube of a query. BadRequest for columns, models or periods the evaluation does not have."""
        return self._answer(evaluation, query, cancelled, {})

    def ask_all(
        self, evaluation: Evaluation, queries: Sequence[Query], cancelled: threading.Event | None = None
    ) -> list[Answer]:
        """The cubes of many queries; those that differ only in their columns are counted in one scan a statement."""
        known: dict[str, pl.DataFrame] = {}
        for alike in together(queries):
            new = [query for query in alike if self._cubes.get((evaluation.id, query)) is None]
            if len(new) > 1:
                known |= self._scanned(evaluation, new, cancelled)
        return [self._answer(evaluation, query, cancelled, known) for query in queries]

    def _answer(
        self, evaluation: Evaluation, query: Query, cancelled: threading.Event | None, known: dict[str, pl.DataFrame]
    ) -> Answer:
        kept = self._cubes.get((evaluation.id, query))
        if kept is not None:
            return replace(kept, seconds=0.0, cached=True)
        answer = self._count(evaluation, query, cancelled, known)
        self._cubes.put((evaluation.id, query), answer, answer.cube.nbytes)
        return answer

    def _count(
        self, evaluation: Evaluation, query: Query, cancelled: threading.Event | None, known: dict[str, pl.DataFrame]
    ) -> Answer:
        began = time.perf_counter()
        asked, threshold, other_threshold = self._asked(evaluation, query)
        said: dict[str, pl.DataFrame] = {}
        missed = 0

        def run(statement: str) -> pl.DataFrame:
            nonlocal missed
            if statement not in said:
                kept = self.cache.get(evaluation.id, statement) if statement not in known else None
                if kept is None:
                    missed += 1
                    kept = known.get(statement)
                    kept = self._run(evaluation, statement, cancelled) if kept is None else kept
                    self.cache.put(evaluation.id, statement, kept)
                said[statement] = kept
            return said[statement]

        def rendered(statement: Select | str) -> str:
            return statement if isinstance(statement, str) else statement.sql(asked.keys)

        frame = groups.table(counts.tallied(run(rendered(counts.base(asked))), asked), asked)
        self._fits(len(frame), len(evaluation.classes))
        asked = replace(asked, groups=len(frame))
        table = Groups(frame, len(asked.keys.sql), evaluation.weighted, partial(self.codes, evaluation))
        parts: dict[str, Any] = {}
        for part in PARTS:
            answers = {name: run(rendered(each)) for name, each in part.statements(asked).items()}
            if answers:
                parts[part.name] = part.assemble(answers, asked, table)
        cube = Cube(
            groups=groups.shown(frame, asked.columns),
            rows=frame["rows"].to_numpy(),
            classes=evaluation.classes,
            tally=Tally(*(frame[name].to_numpy() for name in groups.TALLIED[1:])),
            **parts,
        )
        return Answer(cube, tuple(said), time.perf_counter() - began, missed == 0, threshold, other_threshold)

    def _scanned(
        self, evaluation: Evaluation, queries: Sequence[Query], cancelled: threading.Event | None
    ) -> dict[str, pl.DataFrame]:
        """{statement: its answer} of queries that differ only in `by`, each kind of statement from one scan."""
        columns = tuple(dict.fromkeys(name for query in queries for name in query.by))
        united = self._asked(evaluation, replace(queries[0], by=columns))[0]
        keys = len(united.keys.sql)
        rest = tuple(range(len(columns), keys))  # halves and the bucket, which every query here has or none
        found: dict[str, pl.DataFrame] = {}

        def scan(kept: list[Asked], select: Callable[[Asked], Select]) -> None:
            """Run the same Select of several groupings as one statement."""
            alone = {each.query: select(each).sql(each.keys) for each in kept}
            new = [each for each in kept if self.cache.get(evaluation.id, alone[each.query]) is None]
            if len(new) < 2:
                return
            sets = [tuple(columns.index(name) for name in each.query.by) + rest for each in new]
            answer = self._run(evaluation, select(united).sets(united.keys, sets), cancelled)
            by_set = {key[0]: frame for key, frame in answer.partition_by(SET, as_dict=True).items()}
            for each, grouping in zip(new, sets, strict=True):
                frame = by_set.get(grouping_id(grouping, keys), answer.clear())
                picked = [pl.col(f"k{at}").alias(f"k{place}") for place, at in enumerate(grouping)]
                others = [name for name in frame.columns if name not in (*united.keys.places, SET)]
                found[alone[each.query]] = frame.select(*picked, *others)

        asked = [self._asked(evaluation, query)[0] for query in queries]
        scan(asked, counts.base)
        further = [
            (part, name)
            for part in PARTS
            for name, select in part.statements(united).items()
            if isinstance(select, Select) and select != counts.base(united)
        ]
        if further:
            asked = [replace(each, groups=len(self._table(each, found, cancelled))) for each in asked]
        for part, name in further:
            wanted = part.statements(united)[name]
            alike = [each for each in asked if part.statements(each)[name] == wanted]
            scan(alike, lambda each, part=part, name=name: part.statements(each)[name])  # type: ignore[misc]
        return found

    def _table(self, asked: Asked, known: dict[str, pl.DataFrame], cancelled: threading.Event | None) -> pl.DataFrame:
        """The groups of a query whose counts may be known already."""
        statement = counts.base(asked).sql(asked.keys)
        base = known.get(statement)
        base = self.rows(asked.evaluation, statement, cancelled) if base is None else base
        return groups.table(counts.tallied(base, asked), asked)

    def rows(self, evaluation: Evaluation, statement: str, cancelled: threading.Event | None = None) -> pl.DataFrame:
        """The answer of one of our own statements over the file, through the cache."""
        kept = self.cache.get(evaluation.id, statement)
        if kept is None:
            kept = self._run(evaluation, statement, cancelled)
            self.cache.put(evaluation.id, statement, kept)
        return kept

    def found(self, evaluation: Evaluation, query: RowQuery, cancelled: threading.Event | None = None) -> Found:
        """What is asked of the rows themselves, through the cache; errors as those of `ask`."""
        began = time.perf_counter()
        model = evaluation.model(query.model)
        threshold, cut = self._cut(evaluation, model, query.threshold)
        statement = query.statement(judging(evaluation, model, cut))
        kept = self.cache.get(evaluation.id, statement)
        frame = self.rows(evaluation, statement, cancelled) if kept is None else kept
        return Found(frame, statement, time.perf_counter() - began, kept is not None, threshold)

    def export(
        self, evaluation: Evaluation, query: Listed, name: str, cancelled: threading.Event | None = None
    ) -> tuple[Path, int]:
        """Write a listing as the CSV file exports/NAME.csv under its columns' own names; (its path, its rows)."""
        model = evaluation.model(query.model)
        _, cut = self._cut(evaluation, model, query.threshold)
        statement = query.statement(judging(evaluation, model, cut))
        headers = [*(column.name for column in evaluation.columns), *named(evaluation).values()]
        target = self.workspace.root / "exports" / f"{name}.csv"
        with self._reading(evaluation, cancelled) as cursor:
            return target, write_csv(cursor, statement, headers, target)

    def codes(self, evaluation: Evaluation, name: str) -> tuple[np.ndarray, np.ndarray]:
        """(low, high) of the codes in column `name`."""
        key = (evaluation.id, name)
        with self._lock:
            if key in self._codes:
                return self._codes[key]
        frame = self._run(evaluation, f"SELECT low, high FROM codes WHERE name = '{name}' ORDER BY code", None)
        made = (frame["low"].to_numpy(), frame["high"].to_numpy())
        with self._lock:
            self._codes[key] = made
        return made

    def _asked(self, evaluation: Evaluation, query: Query) -> tuple[Asked, Threshold | None, Threshold | None]:
        """(the query understood, the threshold in force, the other version's). Of two those with scores take it."""
        model, other = evaluation.model(query.model), query.other and evaluation.model(query.other)
        if not other:
            threshold, cut = self._cut(evaluation, model, query.threshold)
            return understood(evaluation, query, cut=cut), threshold, None
        scored = [each.score for each in (model, other)]
        own, theirs = (query.threshold if each or not any(scored) else None for each in scored)
        threshold, cut = self._cut(evaluation, model, own)
        other_threshold, other_cut = self._cut(evaluation, other, theirs)
        return understood(evaluation, query, cut=cut, other_cut=other_cut), threshold, other_threshold

    def _cut(
        self, evaluation: Evaluation, model: ModelFacts, threshold: Threshold | None
    ) -> tuple[Threshold | None, Cut | None]:
        """(the threshold in force, what decides by the codes); (None, None) for recorded decisions."""
        if threshold is None:
            return None, None
        if evaluation.task != BINARY:
            raise BadRequest(f"A threshold decides between two classes; '{evaluation.name}' is {evaluation.task}.")
        if not model.score:
            raise BadRequest(f"The model version '{model.name}' has no score column, so no threshold can be set.")
        codes = self.codes(evaluation, f"b{model.index}")
        force = moved(threshold, lambda each: operating.cut(*codes, each)[0])
        return force, cut(evaluation, force, lambda each: str(operating.cut(*codes, each)[1]))

    def _fits(self, groups: int, classes: int) -> None:
        if groups * (classes + 1) ** 2 > DENSE:
            raise BadRequest(
                f"{groups:,} groups of {classes:,} classes are too many to hold at once; "
                "break out by a column with fewer values."
            )

    def _run(self, evaluation: Evaluation, statement: str, cancelled: threading.Event | None) -> pl.DataFrame:
        with self._reading(evaluation, cancelled) as cursor:
            return cursor.sql(statement).pl()

    @contextmanager
    def _reading(
        self, evaluation: Evaluation, cancelled: threading.Event | None
    ) -> Iterator[duckdb.DuckDBPyConnection]:
        """A cursor that uses the evaluation's file."""
        file = self.workspace.file("evaluation", evaluation.id)
        with self.workspace.reader.open(file) as (cursor, alias), interruptible(cursor.interrupt, cancelled):
            try:
                cursor.execute(f"USE {alias}")
                yield cursor
            except duckdb.InterruptException as error:
                raise Interrupted("Cancelled.") from error
            except duckdb.OutOfMemoryException as error:
                raise LimitReached(
                    "This question needs more memory than a reader may use (setting reader_memory_mb)."
                ) from error


def together(queries: Iterable[Query]) -> list[list[Query]]:
    """The queries, those that differ only in `by` side by side; each once."""
    alike: dict[Query, list[Query]] = {}
    for query in dict.fromkeys(queries):
        alike.setdefault(replace(query, by=()), []).append(query)
    return list(alike.values())


class interruptible:
    """While the block runs, `stop` is called once `cancelled` is set."""

    def __init__(self, stop: Callable[[], None], cancelled: threading.Event | None) -> None:
        self.stop, self.cancelled, self.done = stop, cancelled, threading.Event()
        self.thread: threading.Thread | None = None

    def __enter__(self) -> None:
        if self.cancelled is not None:
            self.thread = threading.Thread(target=self._watch, daemon=True)
            self.thread.start()

    def _watch(self) -> None:
        while not self.done.wait(0.05):
            if self.cancelled is not None and self.cancelled.is_set():
                self.stop()

    def __exit__(self, *error: object) -> None:
        self.done.set()
        if self.thread is not None:
            self.thread.join()
