"""Explanations of many rows: drawn once, explained in pieces that are kept, and put together as what features push.

A row's explanation does not depend on the rows it is explained with, and each row has neighbours of its own: shared
ones would give all rows the same error, which no interval over rows could see.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
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
from analysis.explaining.neighbourhood import FLAG, NUMBER, Layout, Term

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

    def together(self, rows: Rows, made: Iterable[pl.DataFrame]) -> "Pushes":
        """What was made of these rows' pieces."""
        frames = list(made)
        frame = pl.concat(frames) if frames else pl.DataFrame(schema=SCHEMA)
        return pushes(rows, frame)


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


@dataclass(frozen=True)
class Pushes:
    """rows: those that count. terms: as explanations name them, columns before flags. values: (rows, terms) the weight
    times how far the row is from the usual value; 0 where a row has no such term. sizes: of the weights, see `_size`;
    leans: the same times how far.
    fit, prediction: (rows,). drawn: how many were explained; left_out: of them, those that do not count."""

    rows: Rows
    terms: tuple[str, ...]
    values: np.ndarray
    sizes: np.ndarray
    leans: np.ndarray
    fit: np.ndarray
    prediction: np.ndarray
    drawn: int

    @property
    def left_out(self) -> int:
        return self.drawn - len(self.rows)

    def of(self, terms: Sequence[str]) -> "Pushes":
        """The same with these terms in this order; nan of a term that no row has, since nothing varies there."""
        places = {name: at for at, name in enumerate(self.terms)}
        parts = []
        for known in (self.values, self.sizes, self.leans):
            made = np.full((len(self.rows), len(terms)), np.nan)
            for at, name in enumerate(terms):
                if name in places:
                    made[:, at] = known[:, places[name]]
            parts.append(made)
        values, sizes, leans = parts
        return replace(self, terms=tuple(terms), values=values, sizes=sizes, leans=leans)

    def take(self, places: np.ndarray) -> "Pushes":
        rows = self.rows.take(places.tolist())
        return Pushes(
            rows,
            self.terms,
            self.values[places],
            self.sizes[places],
            self.leans[places],
            self.fit[places],
            self.prediction[places],
            self.drawn,
        )


def pushes(rows: Rows, frame: pl.DataFrame) -> Pushes:
    """Of the rows of a frame of SCHEMA; all of them, well fitted or not."""
    known = frame.select("term", "column", "kind").unique().sort(pl.col("kind") == FLAG, "column")
    terms = known["term"].unique(maintain_order=True).to_list()
    at = {name: place for place, name in enumerate(terms)}
    places = {row: place for place, row in enumerate(rows.frame["row"].to_list())}
    values, sizes, leans = (np.zeros((len(rows), len(terms))) for _ in range(3))
    one, other = [places[row] for row in frame["row"]], [at[name] for name in frame["term"]]
    sizes[one, other] = frame["size"].to_numpy()
    leans[one, other] = (frame["size"] * frame["steps"].abs()).to_numpy()
    values[one, other] = (frame["weight"] * frame["steps"]).to_numpy()
    whole = frame.group_by("row").agg(pl.col("fit", "prediction").first())
    fit, prediction = np.full(len(rows), np.nan), np.full(len(rows), np.nan)
    order = [places[row] for row in whole["row"]]
    fit[order], prediction[order] = whole["fit"].to_numpy(), whole["prediction"].to_numpy()
    return Pushes(rows, tuple(terms), values, sizes, leans, fit, prediction, len(rows))


def well_fitted(found: Pushes) -> Pushes:
    """The rows near which a straight line explains enough of what the model does (setting explain_fit)."""
    return found.take(np.flatnonzero(found.fit >= number("explain_fit")))


def model_options(scorer: Scorer) -> dict[str, Any]:
    """Of a receipt: which model it was."""
    model = scorer.model
    return {"model": model.label, "model_fingerprint": model.fingerprint, "kind": model.kind}


def plan_options(plan: Plan) -> dict[str, Any]:
    """Of a receipt: how rows were explained."""
    said = {"class": plan.cls, "samples": plan.samples, "repeats": plan.repeats, "kernel_width": plan.kernel_width}
    return json.loads(json.dumps(said)) | {"alpha": 1.0, "fit_at_least": number("explain_fit")}
