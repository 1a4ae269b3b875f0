"""Coded rows: the rows of an evaluation as a search wants them. A code a column, the term, which half, which unit."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import polars as pl

from analysis.core.errors import BadRequest
from analysis.core.evaluation import EvalColumn, Evaluation
from analysis.core.period import Period
from analysis.core.roles import BINARY, REGRESSION
from analysis.core.segment import Everything, Segment
from analysis.engine.course import bucket_for
from analysis.engine.facets import Facet, facet
from analysis.engine.objectives import Objective
from analysis.engine.query import OpenEvaluation, Query
from analysis.engine.rows import Judged
from analysis.engine.statements import scope
from analysis.metrics.lattice import Rows
from analysis.store.evaluations import SEED

BLOCKS = 20
TELLING_AUC = 0.95


@dataclass(frozen=True)
class Scope:
    """Which rows are searched for what. seen: how they are judged. theirs: the version it is compared with, on the
    rows both answered; reference: the period it is compared with. seed: of the split into halves.
    """

    objective: Objective
    seen: Judged
    where: Segment = field(default_factory=Everything)
    period: Period = field(default_factory=Period)
    theirs: Judged | None = None
    reference: Period | None = None
    seed: int = SEED

    @property
    def evaluation(self) -> Evaluation:
        return self.seen.evaluation

    def rows(self) -> str:
        """The condition of the rows the term is defined for."""
        parts = [scope(self.seen, Query("", frozenset(), where=self.where)), self.objective.term(self.seen)[1]]
        if self.theirs is not None:
            parts.append(self.objective.term(self.theirs)[1])
        periods = [self.within(each) for each in (self.period, self.reference) if each is not None]
        parts.append(f"({' OR '.join(periods)})")
        if self.evaluation.weighted:
            parts.append("r.w > 0")
        return " AND ".join(f"({part})" for part in parts)

    def within(self, period: Period) -> str:
        return scope(self.seen, Query("", frozenset(), period=period))

    def term(self) -> str:
        x = self.objective.term(self.seen)[0]
        return x if self.theirs is None else f"({x}) - ({self.objective.term(self.theirs)[0]})"

    def split(self) -> tuple[str, str]:
        """(which half, which block) a row is in: by unit where rows have one, so that no unit is on both sides."""
        facts = self.evaluation
        ids = [f"r.{facts.column(name).key}" for name in facts.roles.id] or ["r.rowid"]
        if facts.roles.unit:
            unit = f"r.{facts.column(facts.roles.unit).key}"
            ids = [f"CASE WHEN {unit} IS NULL THEN hash({', '.join(ids)}) ELSE hash({unit}) END"]
        mixed = f"hash({', '.join(ids)}, {self.seed})"
        half = "r.half" if self.seed == SEED and not facts.roles.unit else f"({mixed} & 1) = 1"
        return half, f"CAST(({mixed} >> 1) % {BLOCKS} AS UTINYINT)"

    def sentence_of_split(self) -> str:
        if self.evaluation.roles.unit:
            return f"The halves are drawn by '{self.evaluation.roles.unit}', so that no unit is in both."
        return "The halves are drawn at random by row."


@dataclass(frozen=True)
class Coded:
    """finding, confirming: each half's rows, of one side or of two (the reference first). outcome: of the last side's
    finding rows whether they are positive, or where a number is forecast above its median."""

    facets: tuple[Facet, ...]
    finding: tuple[Rows, ...]
    confirming: tuple[Rows, ...]
    outcome: np.ndarray | None
    sql: str

    @property
    def n(self) -> int:
        return sum(len(rows) for rows in (*self.finding, *self.confirming))

    def without(self, columns: Sequence[str]) -> "Coded":
        """The same rows, these columns not searched."""
        kept = [place for place, each in enumerate(self.facets) if each.column not in columns]

        def fewer(sides: tuple[Rows, ...]) -> tuple[Rows, ...]:
            return tuple(replace(rows, codes=tuple(rows.codes[place] for place in kept)) for rows in sides)

        facets = tuple(self.facets[place] for place in kept)
        return replace(self, facets=facets, finding=fewer(self.finding), confirming=fewer(self.confirming))

    def tells(self, axis: int) -> float:
        """The AUC a column alone would have for the outcome, 0.5 where there is none."""
        if self.outcome is None:
            return 0.5
        size, codes = self.facets[axis].axis.size, self.finding[-1].codes[axis]
        total = np.bincount(codes, minlength=size).astype(float)
        positive = np.bincount(codes[self.outcome], minlength=size).astype(float)
        negative = total - positive
        if not positive.sum() or not negative.sum():
            return 0.5
        order = np.argsort(np.where(total > 0, positive / np.maximum(total, 1), 0), kind="stable")
        p, n = positive[order], negative[order]
        below = np.cumsum(n) - n / 2
        return float((p * below).sum() / (p.sum() * n.sum()))


def searchable(evaluation: Evaluation, wanted: Sequence[str]) -> tuple[list[EvalColumn], dict[str, str]]:
    """(the columns to search, in a fixed order, {column: why it is left out}). wanted: () for all that may be."""
    roles = evaluation.roles
    if wanted:
        return [evaluation.column(name) for name in dict.fromkeys(wanted)], {}
    measured = {
        name: what
        for name, whats in roles.used().items()
        for what in whats
        if what not in ("segment", "protected", "feature", "time", "amount", "split")
    }
    first = [*roles.segments, *roles.protected, *roles.features, *([roles.time] if roles.time else [])]
    names = [column.name for column in evaluation.columns]
    free = [name for name in names if name not in measured and name not in first]
    left = {name: f"it is the {what.replace('_', ' ')}" for name, what in measured.items() if name in names}
    picked = [name for name in dict.fromkeys(first) if name in names and name not in measured]
    if roles.features or roles.segments or roles.protected:
        left |= dict.fromkeys(free, "it has no role")
        free = []
    known = {column.name: column for column in evaluation.columns}
    return [known[name] for name in [*picked, *free]], left


def facets(opened: OpenEvaluation, asked: Scope, columns: Sequence[EvalColumn]) -> tuple[list[Facet], dict[str, str]]:
    """(the columns as codes, {column: why it is left out})."""
    found, left = [], {}
    if asked.reference is not None:
        left = {str(opened.facts.roles.time): "it says which of the two periods a row is in"}
    bucket, rows = bucket_for(opened.facts, asked.period), asked.rows()
    size = int(opened.scan(f"SELECT count(*) AS n FROM rows r WHERE {rows}")["n"][0])
    for column in columns:
        if column.name in left:
            continue
        made = facet(opened.facts, column, rows, size, opened.scan, bucket)
        if isinstance(made, str):
            left[column.name] = made
        else:
            found.append(made)
    return found, left


def coded(opened: OpenEvaluation, asked: Scope, found: Sequence[Facet]) -> Coded:
    """Every row in scope with its codes, split into the half that finds and the half that confirms."""
    facts = opened.facts
    half, block = asked.split()
    picked = [f"{each.sql} AS c{place}" for place, each in enumerate(found)]
    picked += [f"{asked.term()} AS x", f"{half} AS half", f"{block} AS block"]
    if facts.weighted:
        picked.append("CAST(r.w AS DOUBLE) AS w")
    if facts.roles.unit:
        key = f"r.{facts.column(facts.roles.unit).key}"
        picked.append(f"CASE WHEN {key} IS NULL THEN hash(r.rowid, 'alone') ELSE hash({key}) END AS unit")
    if facts.task in (BINARY, REGRESSION) and facts.roles.label is not None:
        picked.append(f"coalesce(r.y {'= 1' if facts.task == BINARY else f'> {facts.median!r}'}, false) AS positive")
    if asked.reference is not None:
        picked.append(f"coalesce({asked.within(asked.reference)}, false) AS before")
    sql = f"SELECT {', '.join(picked)} FROM rows r WHERE {asked.rows()}"
    frame = opened.scan(sql)
    if not len(frame):
        raise BadRequest("No row in scope has what the objective needs: a label, an answer of the model, a weight.")
    if frame["x"].null_count() or not frame["x"].is_finite().all():
        frame = frame.filter(pl.col("x").is_finite())
    first = frame["half"].to_numpy()
    before = frame["before"].to_numpy() if asked.reference is not None else None
    unit = np.unique(frame["unit"].to_numpy(), return_inverse=True)[1] if facts.roles.unit else None
    whole = Rows(
        tuple(frame[f"c{place}"].to_numpy() for place in range(len(found))),
        frame["x"].to_numpy(),
        frame["w"].to_numpy() if facts.weighted else None,
        unit,
        frame["block"].to_numpy(),
    )
    outcome = frame["positive"].to_numpy() if "positive" in frame.columns else None

    def sides(held: np.ndarray) -> tuple[Rows, ...]:
        if before is None:
            return (whole.where(held),)
        return whole.where(held & before), whole.where(held & ~before)

    if outcome is not None:
        outcome = outcome[first] if before is None else outcome[first & ~before]
    return Coded(tuple(found), sides(first), sides(~first), outcome, sql)
