"""Rows held in memory as one model judged them: a cube of them, and what each single row does to a metric.

The definitions are the ones of cubes and of the terms of rows; only the counting is done here, as it is of answers no
file holds.
"""

from dataclasses import dataclass, field, replace
from functools import cache

import duckdb
import numpy as np
import polars as pl

from analysis.core.cube import Confusion, Cube, Histogram, Sums, Tally
from analysis.core.evaluation import Evaluation, ModelFacts
from analysis.core.roles import BINARY, MULTICLASS, REGRESSION
from analysis.engine.terms import term_sql
from analysis.metrics import METRICS, Metric
from analysis.metrics.replicates import SCORES
from analysis.store import labels

MODEL = ModelFacts("the model", 0, decision=True, score=True, probabilities=True)
COUNTED = ("decisions", "predictions", "labels", "sum:")


@dataclass(frozen=True)
class Held:
    """Labelled rows and the answers to them.

    y: (n,) class codes, or numbers. decided: (n,) class codes, -1 for none, or forecasts. score: (n,) of the positive
    class, (n, classes) of more, None without. w: (n,) weights, None without. terms: {term: (n,)} of what sums need.
    """

    facts: Evaluation
    y: np.ndarray
    decided: np.ndarray
    score: np.ndarray | None = None
    w: np.ndarray | None = None
    terms: dict[str, np.ndarray] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.y)

    @property
    def outside(self) -> bool:
        """Whether a score is no probability."""
        return self.score is not None and bool(((self.score < 0) | (self.score > 1)).any())

    def rows(self, which: slice) -> "Held":
        """Only these rows."""
        parts = {name: None if each is None else each[which] for name, each in (("score", self.score), ("w", self.w))}
        own = {name: each[which] for name, each in self.terms.items()}
        return Held(self.facts, self.y[which], self.decided[which], parts["score"], parts["w"], own)

    def value(self, metric: Metric, level: float = 0.95) -> tuple[float, int]:
        """(the metric of these rows, its n)."""
        found = metric.estimate(self._cube(metric), level)
        return float(found.value[0]), int(found.n[0])

    def influence(self, metric: Metric, level: float = 0.95) -> np.ndarray:
        """(n,) by how much each row moves the metric: they add up to 0, their squares to its variance.

        Of a metric of scores its influence function; of decisions and sums what it loses without the row.
        """
        if metric.name in SCORES:
            histogram, code = self._histogram()
            tables = np.stack(SCORES[metric.name](histogram), axis=1)[0]
            return (1.0 if self.w is None else self.w) * tables[self.y, code]
        left, kind = self._left_out(metric)
        value = metric.estimate(left, level).value[kind]
        return value.mean() - value

    def _cube(self, metric: Metric) -> Cube:
        ones = np.zeros(len(self), dtype=np.int64)
        confusion = sums = histogram = None
        if self.facts.task != REGRESSION:
            confusion = self._confusion(ones, 1)
        if metric.name in SCORES:
            histogram = self._histogram()[0]
        if names := _terms(metric):
            w = np.ones(len(self)) if self.w is None else self.w
            n, ones, twos = self._weights(ones, 1)
            s = {name: np.array([np.sum(w * self.terms[name])]) for name in names}
            q = s if self.w is None else {name: np.array([np.sum(w * w * self.terms[name])]) for name in names}
            sums = Sums(n, ones, twos, s, q, self.w is not None)
        return self._made(np.array([len(self)]), confusion, histogram, sums)

    def _left_out(self, metric: Metric) -> tuple[Cube, np.ndarray]:
        """(a group a kind of row, of all rows but one of that kind; each row's kind)."""
        whole, names = self._cube(metric), _terms(metric)
        size = len(self.facts.classes) + 1
        kind = np.arange(len(self))
        first = kind
        if not names and self.w is None:
            _, first, kind = np.unique(self.y * size + self.decided % size, return_index=True, return_inverse=True)
        w = np.ones(len(first)) if self.w is None else self.w[first]
        confusion = sums = None
        if whole.confusion is not None and any(not need.startswith("sum:") for need in metric.needs):
            own = replace(self, y=self.y[first], decided=self.decided[first], w=None if self.w is None else w)
            each = own._confusion(np.arange(len(first)), len(first))
            held = whole.confusion
            left = (held.n - each.n, held.w - each.w, held.w2 - each.w2)
            confusion = Confusion(*left, weighted=self.w is not None)
        if whole.sums is not None:
            held_sums = whole.sums
            s = {name: held_sums.s[name] - w * self.terms[name][first] for name in names}
            q = {name: held_sums.q[name] - w * w * self.terms[name][first] for name in names}
            n = ones = twos = np.full(len(first), len(self) - 1)
            if self.w is not None:
                ones, twos = held_sums.w - w, held_sums.w2 - w * w
            sums = Sums(n, ones, twos, s, q, self.w is not None)
        return self._made(np.full(len(first), len(self) - 1), confusion, None, sums), kind

    def _made(
        self, rows: np.ndarray, confusion: Confusion | None, histogram: Histogram | None, sums: Sums | None
    ) -> Cube:
        groups = pl.DataFrame({"place": np.arange(len(rows))})
        tally = Tally(rows, rows, rows, np.zeros_like(rows))
        return Cube(groups, rows, self.facts.classes, confusion, histogram, sums=sums, tally=tally)

    def _weights(self, cell: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        n = np.bincount(cell, minlength=size)
        if self.w is None:
            return n, n, n
        return n, np.bincount(cell, self.w, size), np.bincount(cell, self.w**2, size)

    def _confusion(self, group: np.ndarray, groups: int) -> Confusion:
        size = len(self.facts.classes) + 1
        cell = (group * size + self.y) * size + self.decided % size
        n, w, w2 = (each.reshape(groups, size, size) for each in self._weights(cell, groups * size * size))
        return Confusion(n, w, w2, self.w is not None)

    def _histogram(self) -> tuple[Histogram, np.ndarray]:
        """(scores by label, each distinct one a code; each row's code)."""
        assert self.score is not None  # noqa: S101 - see `of_scores`
        values, code = np.unique(self.score, return_inverse=True)
        cell = self.y * len(values) + code
        n, w, w2 = (each.reshape(1, 3, -1) for each in self._weights(cell, 3 * len(values)))
        return Histogram(n, w, w2, values, values, self.w is not None), code


def _terms(metric: Metric) -> list[str]:
    return [need[4:] for need in metric.needs if need.startswith("sum:")]


def terms(facts: Evaluation, held: Held, metric: Metric) -> Held:
    """The rows with the terms a metric sums, worked out as for any evaluation."""
    names = _terms(metric)
    if not names:
        return held
    columns = {"y": held.y, "p0": held.decided}
    if facts.task == REGRESSION:
        columns["e0"] = held.decided - held.y
    elif held.score is not None and facts.task == BINARY:
        columns["s0"] = held.score
    elif held.score is not None:
        columns["right"] = held.score[np.arange(len(held)), held.y]
        columns["g0"] = ((held.score - np.eye(len(facts.classes))[held.y]) ** 2).sum(axis=1) / 2
    rows = pl.DataFrame(columns).to_arrow()
    source = f'(SELECT *, {labels.log_loss_sql("right_")} AS l0 FROM (SELECT *, "right" AS right_ FROM held))'
    picked = ", ".join(f"CAST({term_sql(facts, MODEL, name)} AS DOUBLE) AS {name}" for name in names)
    with _scratch().cursor() as cursor:
        cursor.register("held", rows)
        found = cursor.sql(f"SELECT {picked} FROM {source if facts.task == MULTICLASS else 'held'} r").pl()
    return replace(held, terms={name: found[name].to_numpy() for name in names})


@cache
def _scratch() -> duckdb.DuckDBPyConnection:
    """An empty database of this process, where terms are worked out; each call has a cursor of its own."""
    connection = duckdb.connect()
    connection.execute("SET threads = 1")
    return connection


def measurable(metric: Metric, facts: Evaluation) -> bool:
    """Whether a metric of this task has a worse side and it can be told what each row does to it."""
    counted = metric.name in SCORES or all(need.startswith(COUNTED) for need in metric.needs)
    sided = metric.better is not None and not metric.per_class_of(facts.classes)
    return facts.task in metric.tasks and counted and sided


def obstacle(metric: Metric, facts: Evaluation) -> str | None:
    """Why a metric is not measurable, with those that are; None where it is."""
    if measurable(metric, facts):
        return None
    known = ", ".join(each.name for each in METRICS if measurable(each, facts))
    if facts.task not in metric.tasks:
        return (
            f"'{metric.name}' is for {' and '.join(metric.tasks)}; '{facts.name}' is {facts.task}. Choose of {known}."
        )
    if metric.per_class_of(facts.classes):
        return f"'{metric.name}' is a number of each class; choose one of all of them: {known}."
    if metric.better is None:
        return f"'{metric.name}' has no worse side, so nothing can be lost of it; choose one of {known}."
    return f"It is not known what a single row does to '{metric.name}'; choose one of {known}."


def of_scores(metric: Metric, facts: Evaluation) -> bool:
    """Whether a metric is of scores rather than of decisions or forecasts."""
    return facts.task != REGRESSION and (metric.name in SCORES or bool(_terms(metric)))


def of_probabilities(metric: Metric, facts: Evaluation) -> bool:
    """Whether a metric takes scores for probabilities."""
    return facts.task != REGRESSION and bool(_terms(metric))
