"""The DuckDB engine: answers queries of evaluations from their files, through the cube cache."""

import threading
import time
from collections.abc import Callable
from dataclasses import replace

import duckdb
import numpy as np
import polars as pl

from analysis.core.errors import BadRequest, Interrupted, LimitReached
from analysis.core.evaluation import Evaluation, ModelFacts
from analysis.core.roles import BINARY, REGRESSION
from analysis.core.settings import whole
from analysis.engine import assemble
from analysis.engine.cache import CubeCache, Recent
from analysis.engine.query import Answer, OpenEvaluation, Query
from analysis.engine.statements import compile_query
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

        return OpenEvaluation(evaluation, ask, f"evaluations/{evaluation.id}.duckdb")

    def ask(self, evaluation: Evaluation, query: Query, cancelled: threading.Event | None = None) -> Answer:
        """The cube of a query. BadRequest for columns, models or periods the evaluation does not have."""
        kept = self._cubes.get((evaluation.id, query))
        if kept is not None:
            return replace(kept, seconds=0.0, cached=True)
        answer = self._count(evaluation, query, cancelled)
        self._cubes.put((evaluation.id, query), answer, answer.cube.nbytes)
        return answer

    def _count(self, evaluation: Evaluation, query: Query, cancelled: threading.Event | None) -> Answer:
        began = time.perf_counter()
        model = evaluation.model(query.model)
        columns = [evaluation.column(name) for name in query.by]
        threshold, cut = self._cut(evaluation, model, query.threshold)
        said: list[str] = []
        missed = 0

        def run(statement: str) -> pl.DataFrame:
            nonlocal missed
            said.append(statement)
            kept = self.cache.get(evaluation.id, statement)
            if kept is None:
                missed += 1
                kept = self._run(evaluation, statement, cancelled)
                self.cache.put(evaluation.id, statement, kept)
            return kept

        keys = len(query.by) + (query.bucket is not None)
        statements = compile_query(evaluation, query, model, cut=cut, groups=None)
        base = run(statements.base)
        groups = assemble.group_table(base, keys, columns, query.bucket is not None)
        statements = compile_query(evaluation, query, model, cut=cut, groups=len(groups))
        parts: dict[str, object] = {}
        if evaluation.task != REGRESSION:
            self._fits(len(groups), len(evaluation.classes))
            parts["confusion"] = assemble.confusion(base, groups, keys, evaluation)
        if statements.scores is not None:
            codes = self.codes(evaluation, f"b{model.index}")
            parts["histogram"] = assemble.histogram(
                run(statements.scores), groups, keys, evaluation, codes, statements.coarse
            )
        if statements.sums is not None:
            parts["sums"] = assemble.sums(run(statements.sums), groups, keys, statements.terms, evaluation.weighted)
        if statements.orders and evaluation.roles.label:
            parts["orders"] = {
                quantity: assemble.order(
                    run(exact),
                    run(codes) if codes else None,
                    groups,
                    keys,
                    self.codes(evaluation, f"a{model.index}") if codes else None,
                    evaluation.weighted,
                )
                for quantity, exact, codes in statements.orders
            }
        cube = assemble.cube(groups, evaluation, columns, **parts)
        return Answer(cube, tuple(said), time.perf_counter() - began, missed == 0, threshold)

    def rows(self, evaluation: Evaluation, statement: str, cancelled: threading.Event | None = None) -> pl.DataFrame:
        """The answer of one of our own statements over the file, through the cache."""
        kept = self.cache.get(evaluation.id, statement)
        if kept is None:
            kept = self._run(evaluation, statement, cancelled)
            self.cache.put(evaluation.id, statement, kept)
        return kept

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

    def _cut(
        self, evaluation: Evaluation, model: ModelFacts, threshold: float | None
    ) -> tuple[float | None, int | None]:
        """(the threshold in force, the first code that is positive); (None, None) for recorded decisions."""
        if threshold is None:
            return None, None
        if evaluation.task != BINARY:
            raise BadRequest(f"A threshold decides between two classes; '{evaluation.name}' is {evaluation.task}.")
        if not model.score:
            raise BadRequest(f"The model version '{model.name}' has no score column, so no threshold can be set.")
        if not np.isfinite(threshold):
            raise BadRequest(f"A threshold is a number, not {threshold}.")
        low, high = self.codes(evaluation, f"b{model.index}")
        place = int(np.searchsorted(low, threshold, side="left"))
        if model.exact or place == 0 or threshold > high[-1]:
            return threshold, place
        if place < len(low) and low[place] == threshold:
            return threshold, place
        before, after = place - 1, min(place, len(low) - 1)
        nearest = before if threshold - low[before] <= low[after] - threshold else after
        return float(low[nearest]), nearest

    def _fits(self, groups: int, classes: int) -> None:
        if groups * (classes + 1) ** 2 > DENSE:
            raise BadRequest(
                f"{groups:,} groups of {classes:,} classes are too many to hold at once; "
                "break out by a column with fewer values."
            )

    def _run(self, evaluation: Evaluation, statement: str, cancelled: threading.Event | None) -> pl.DataFrame:
        file = self.workspace.file("evaluation", evaluation.id)
        with self.workspace.reader.open(file) as (cursor, alias), interruptible(cursor.interrupt, cancelled):
            try:
                cursor.execute(f"USE {alias}")
                return cursor.sql(statement).pl()
            except duckdb.InterruptException as error:
                raise Interrupted("Cancelled.") from error
            except duckdb.OutOfMemoryException as error:
                raise LimitReached(
                    "This question needs more memory than a reader may use (setting reader_memory_mb)."
                ) from error


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
