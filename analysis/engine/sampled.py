"""Sampled rows: what a model is asked about, beside what was recorded of them, spread evenly over the file."""

from collections.abc import Sequence
from dataclasses import dataclass

from analysis.core.evaluation import EvalColumn, Evaluation, ModelFacts
from analysis.core.roles import BINARY, REGRESSION
from analysis.engine.judgement import Judged, judging
from analysis.engine.rows import RowQuery, shown

SPREAD, MODULUS = 2_654_435_761, 1 << 32  # Knuth's multiplicative hashing: consecutive row numbers land far apart


@dataclass(frozen=True)
class Sampled(RowQuery):
    """At most `limit` rows, the same ones for the same file and seed. Columns: `row` (its place in the file), the
    ids i0, i1, ..., the wanted columns v0, v1, ..., and of each model version by its index `p<i>` (decision as a class,
    or forecast), `s<i>` (the positive class's score), `s<i>_<class code>` (that class's score).

    truth: only rows with a label (and, where rows have weights, with one), and besides `y` (the label: a class code or
    a number) and `w` (the weight, 1 without). unit: `u` (a number of the row's unit, null without).
    """

    columns: tuple[str, ...] = ()
    limit: int = 2000
    seed: int = 0
    truth: bool = False
    unit: bool = False

    def statement(self, seen: Judged) -> str:
        facts = seen.evaluation
        picked = ["r.rowid AS row"]
        picked += [f"CAST(r.{facts.column(name).key} AS VARCHAR) AS i{at}" for at, name in enumerate(facts.roles.id)]
        picked += [f"{feature(facts.column(name))} AS v{at}" for at, name in enumerate(self.columns)]
        for model in facts.models:
            own = judging(facts, model, None)
            if facts.task == REGRESSION or model.decision:
                picked.append(f"{own.sql('prediction')} AS p{model.index}")
            if facts.task == BINARY and model.score:
                picked.append(f"{own.sql('score')} AS s{model.index}")
            columns = dict(model.class_scores)
            picked += [
                f"CAST(r.{facts.column(columns[facts.classes[int(name.rpartition('_')[2])]]).key} AS DOUBLE) AS {name}"
                for name in recorded(facts, model)
            ]
        scope = self.scope(seen)
        if self.truth:
            picked += ["r.y AS y", f"{'r.w' if facts.weighted else '1.0'} AS w"]
            scope += " AND r.y IS NOT NULL" + (" AND r.w > 0" if facts.weighted else "")
        if self.unit:
            unit = facts.roles.unit and f"hash(r.{facts.column(facts.roles.unit).key})"
            picked.append(f"{unit or 'CAST(NULL AS UBIGINT)'} AS u")
        order = f"(r.rowid * {SPREAD} + {int(self.seed)}) % {MODULUS}"
        body = f"SELECT {', '.join(picked)} FROM rows r WHERE {scope}"
        return f"{body} ORDER BY {order}, r.rowid LIMIT {int(self.limit)}"


def feature(column: EvalColumn) -> str:
    """A column as a model takes it: numbers as they are, yes and no as 1 and 0, all else as text."""
    if column.type == "BOOLEAN":
        return f"CAST(r.{column.key} AS DOUBLE)"
    raw = shown(column)
    return f"CAST({raw} AS VARCHAR)" if column.type.startswith(("DATE", "TIMESTAMP")) else raw


def wanted(columns: Sequence[EvalColumn]) -> tuple[str, ...]:
    """The names of columns, as Sampled takes them."""
    return tuple(column.name for column in columns)


def recorded(facts: Evaluation, model: ModelFacts) -> list[str]:
    """The score columns of a version among more than two classes, in their order; [] where the file lacks some."""
    known = {column.name for column in facts.columns}
    kept = {name for name, column in model.class_scores if column in known}
    return [f"s{model.index}_{at}" for at in range(len(facts.classes))] if kept >= set(facts.classes) else []
