"""Explanations of many rows: drawn once, explained in pieces that are kept.

A row's explanation does not depend on the rows it is explained with, and each row has neighbours of its own: shared
ones would give all rows the same error, which no interval over rows could see.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import polars as pl

from analysis.core.background import Background
from analysis.core.classorder import class_order, same
from analysis.core.cutoffs import Threshold
from analysis.core.errors import BadRequest, UnknownName
from analysis.core.evaluation import EvalColumn, Evaluation
from analysis.core.model import Asking, Scorer, features
from analysis.core.period import Period
from analysis.core.roles import REGRESSION
from analysis.core.segment import Everything, Segment
from analysis.core.settings import number
from analysis.engine import background
from analysis.engine.explanations import LEARNED_FROM, Target, targeted
from analysis.engine.onerow import id_text
from analysis.engine.piecework import Piece, Report
from analysis.engine.query import OpenEvaluation
from analysis.engine.rows import Counted
from analysis.engine.sampled import Sampled, wanted
from analysis.explaining import neighbourhood, occlusion
from analysis.explaining.neighbourhood import NUMBER, Layout, Term

ASKED_AT_ONCE = 50_000
"""Neighbours in one piece: a second or two of a boosted model, which is lost where the work is cancelled."""
SCHEMA: dict[str, Any] = {
    "row": pl.Int64,
    "term": pl.String,
    "column": pl.Int64,
    "kind": pl.String,
    "weight": pl.Float64,
    "size": pl.Float64,
    "steps": pl.Float64,
    "fit": pl.Float64,
    "prediction": pl.Float64,
}


@dataclass(frozen=True)
class Rows:
    """Rows of one side. frame: as Sampled has it, v0, v1, ... first the features, then the label where there is one.
    total: rows in scope. sql: what drew them."""

    facts: Evaluation
    columns: tuple[EvalColumn, ...]
    frame: pl.DataFrame
    total: int
    sql: str

    def __len__(self) -> int:
        return len(self.frame)

    @property
    def inputs(self) -> pl.DataFrame:
        return self.frame.select(pl.col(f"v{at}").alias(each.name) for at, each in enumerate(self.columns))

    def take(self, places: Sequence[int]) -> "Rows":
        return Rows(self.facts, self.columns, self.frame[list(places)], self.total, self.sql)

    def id(self, at: int) -> str | None:
        """As `one_row` takes it; None where rows have none."""
        return id_text(self.facts, self.frame, at) if self.facts.roles.id else None

    def label(self, at: int) -> Any:
        name = f"v{len(self.columns)}"
        return self.frame[name][at] if name in self.frame.columns else None

    def units(self) -> np.ndarray | None:
        """(n,) names of the rows' units, None where rows belong to none; a row without one is one by itself."""
        if self.facts.roles.unit is None:
            return None
        alone = pl.format("row {}", pl.col("row"))
        return self.frame.select(pl.col("u").cast(pl.String).fill_null(alone)).to_series().to_numpy().astype(str)


def drawn(
    opened: OpenEvaluation,
    scorer: Scorer,
    *,
    version: str,
    where: Segment | None,
    period: Period | None,
    threshold: Threshold | None,
    limit: int,
    seed: int,
) -> Rows:
    """At most `limit` rows of a segment, spread evenly over the file; BadRequest where the model does not fit."""
    facts = opened.facts
    columns = features(scorer.model, facts)
    scope = (version, where or Everything(), period or Period(), threshold)
    total = int(opened.rows(Counted(*scope)).frame["n"][0])
    label = (facts.roles.label,) if facts.roles.label else ()
    found = opened.rows(Sampled(*scope, (*wanted(columns), *label), limit, seed, unit=True))
    return Rows(facts, columns, found.frame, total, found.sql)


@dataclass(frozen=True)
class Plan:
    """How rows are explained. cls: of which class; samples: neighbours a repeat; repeats: of each row, whose mean
    counts."""

    cls: str
    samples: int
    repeats: int = 2
    kernel_width: float | None = None
    seed: int = 0


def class_asked(facts: Evaluation, cls: str) -> str:
    """The class whose score is explained, "" of a forecast; BadRequest or UnknownName where there is no such."""
    if facts.task == REGRESSION:
        if cls:
            raise BadRequest("A forecast has no classes; leave out the class.")
        return ""
    known = list(facts.classes)
    if not cls and facts.positive is None:
        raise BadRequest(f"Say which class's score is explained, with --class: {', '.join(known[:20])}.")
    found = next((each for each in known if same(each, cls or str(facts.positive))), None)
    if found is None:
        raise UnknownName("class", cls, known)
    return found


class ManyExplained:
    """A scorer asked to explain rows of an evaluation by one plan. near: what neighbours are drawn from, None for all
    rows: a row of a segment gets neighbours from there, else what the model does elsewhere would blur its explanation.
    """

    def __init__(self, opened: OpenEvaluation, scorer: Scorer, plan: Plan, near: Segment | None = None) -> None:
        self.opened, self.facts, self.scorer, self.plan, self.near = opened, opened.facts, scorer, plan, near
        self.columns = features(scorer.model, self.facts)
        self.size = max(1, ASKED_AT_ONCE // (plan.samples * plan.repeats))
        self._ready: tuple[Target, Background, Background] | None = None

    def pieces(self, rows: Rows, doing: str = "rows") -> list[Piece]:
        """A frame of SCHEMA for a few rows each, in their order."""
        plan, model, found = self.plan, self.scorer.model, []
        for start in range(0, len(rows), self.size):
            part = rows.take(range(start, min(start + self.size, len(rows))))
            mark = {
                "what": "local explanations",
                "model": model.fingerprint,
                "features": [column.name for column in self.columns],
                "neighbourhood": "" if self.near is None else self.near.expression(),
                "class": plan.cls,
                "samples": plan.samples,
                "repeats": plan.repeats,
                "kernel_width": plan.kernel_width,
                "seed": plan.seed,
                "rows": part.frame["row"].to_list(),
            }
            found.append(Piece(mark, f"{model.label} explains {doing}", partial(self._made, part), len(part)))
        return found

    def seeds(self, row: int) -> list[int]:
        """Of the repeats of a row, by its place in the file."""
        drawn_: list[int] = np.random.SeedSequence([self.plan.seed, row]).generate_state(self.plan.repeats).tolist()
        return drawn_

    def _made(self, rows: Rows, report: Report) -> pl.DataFrame:
        target, known, whole = self._prepared()
        plan, inputs = self.plan, rows.inputs
        places = rows.frame["row"].to_list()
        asked = Asking(
            inputs[[at for at in range(len(rows)) for _ in range(plan.repeats)]],
            known,
            tuple(seed for row in places for seed in self.seeds(row)),
            target.score,
            target.label,
            target.turned,
            plan.samples,
            plan.kernel_width,
        )
        said = self.scorer.explain(asked).frame
        steps = []
        for at, row in enumerate(inputs.to_dicts()):
            layout = neighbourhood.layout(known, row)
            apart = [_steps(known, whole, layout, term) for term in layout.terms]
            steps.append(
                pl.DataFrame({"row": places[at], "term": [term.name for term in layout.terms], "steps": apart})
            )
        once = said.with_columns(row=pl.Series(places).gather(said["explanation"] // plan.repeats))
        found = once.group_by("row", "term", maintain_order=True).agg(
            pl.col("column", "kind").first(), pl.col("weight", "fit", "prediction").mean(), size=_size(plan.repeats)
        )
        return found.join(pl.concat(steps), on=["row", "term"], maintain_order="left").select(
            pl.col(name).cast(kind) for name, kind in SCHEMA.items()
        )

    def _prepared(self) -> tuple[Target, Background, Background]:
        """(what is explained, how the columns lie near the rows, and how over all rows)."""
        if self._ready is None:
            names = wanted(self.columns)
            few = Sampled(self.facts.models[-1].name, columns=names, limit=LEARNED_FROM)
            frame = self.opened.rows(few).frame
            said = self.scorer.predict(
                frame.select(pl.col(f"v{at}").alias(each.name) for at, each in enumerate(self.columns))
            )
            scored = self.facts.task != REGRESSION and said.scores.shape[1]
            order = class_order(said, self.facts.classes) if scored else None
            whole = background.of(self.opened, names)
            known = whole if self.near is None else background.of(self.opened, names, where=self.near)
            self._ready = targeted(self.facts, said, order, self.plan.cls), known, whole
        return self._ready


def _size(repeats: int) -> pl.Expr:
    """The size of a weight: each repeat's weight with the sign that the others give it, on the mean.

    A weight's absolute value is above 0 by chance alone, the more the worse the fit; this one is 0 on the mean where
    the model does not use a feature, and the absolute value where the sign is sure. Of one repeat the absolute value.
    """
    weight = pl.col("weight")
    return weight.abs().mean() if repeats == 1 else (weight * (weight.sum() - weight).sign()).mean()


def _steps(known: Background, whole: Background, layout: Layout, term: Term) -> float:
    """How far a row is from the usual one, in the unit of the term's weight.

    The usual number is the median of all rows, whatever neighbours were drawn from: pushes on two sides are then seen
    from one place.
    """
    median = whole.features[term.column].median
    if term.kind == NUMBER and layout.row[term.column] is not None and median is not None:
        return (term.base - median) / term.scale
    return occlusion.usual(known, layout, term).steps


def model_options(scorer: Scorer) -> dict[str, Any]:
    """Of a receipt: which model it was."""
    model = scorer.model
    return {
        "model": model.label,
        "model_fingerprint": model.fingerprint,
        "kind": model.kind,
        "libraries": model.libraries,
    }


def plan_options(plan: Plan) -> dict[str, Any]:
    """Of a receipt: how rows were explained."""
    said = {"class": plan.cls, "samples": plan.samples, "repeats": plan.repeats, "kernel_width": plan.kernel_width}
    return said | {"alpha": 1.0, "fit_at_least": number("explain_fit")}
