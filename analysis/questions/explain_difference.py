"""Why do two models decide otherwise? Explanations by both of the rows they decide differently, put side by side."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
import polars as pl

from analysis.core import words
from analysis.core.errors import BadRequest
from analysis.core.model import Scorer
from analysis.core.period import Period
from analysis.core.receipt import Receipt, Result, Used
from analysis.core.roles import BINARY, REGRESSION
from analysis.core.segment import Everything, Segment
from analysis.core.settings import number, whole
from analysis.core.surrogate import cautions
from analysis.engine import piecework, pushframes
from analysis.engine.asking import answered, draw, reading, unpacked
from analysis.engine.kept import keep, kept
from analysis.engine.manyexplained import (
    ManyExplained,
    Plan,
    Rows,
    class_asked,
    drawn,
    model_options,
    plan_options,
)
from analysis.engine.piecework import Piece, Progress
from analysis.engine.pushes import Pushes, together
from analysis.engine.pushframes import Contrasted
from analysis.engine.query import OpenEvaluation
from analysis.engine.receipts import bare
from analysis.explaining.local import asked_well


@dataclass(frozen=True)
class Flips:
    """What is asked. where, period: which rows; limit: how many of those decided differently are explained, samples:
    neighbours, None for the settings'. threshold: decides instead of both models' own labels."""

    where: Segment | None = None
    period: Period = field(default_factory=Period)
    threshold: float | None = None
    cls: str = ""
    limit: int | None = None
    samples: int | None = None
    repeats: int = 2
    kernel_width: float | None = None
    seed: int = 20_260
    level: float = 0.95

    def understood(self, evaluation: OpenEvaluation) -> "Flips":
        """The same with every default filled in; BadRequest where it cannot be asked."""
        facts = evaluation.facts
        if facts.task == REGRESSION:
            raise BadRequest("Forecasts are no decisions, so none of them flips; explain a segment by each model.")
        if self.threshold is not None and facts.task != BINARY:
            raise BadRequest(f"A threshold decides between two classes; '{facts.name}' is {facts.task}.")
        limit = whole("explain_rows") if self.limit is None else self.limit
        samples = whole("explain_samples") if self.samples is None else self.samples
        if not 2 <= limit <= 10_000:
            raise BadRequest(f"{limit:,} rows cannot be explained; take 2 to 10,000.")
        asked_well(samples, self.kernel_width, self.repeats, self.seed)
        where = None if isinstance(self.where, Everything) else self.where
        return replace(self, where=where, cls=class_asked(facts, self.cls), limit=limit, samples=samples)

    def options(self, first: Scorer, second: Scorer) -> dict[str, Any]:
        """For the receipt and for finding the answer again; of what was understood."""
        versus = {f"versus_{name}": each for name, each in model_options(second).items()}
        return {
            **model_options(first),
            **versus,
            **plan_options(self.plan()),
            "where": "" if self.where is None else self.where.expression(),
            "from": str(self.period.first) if self.period.first else None,
            "to": str(self.period.last) if self.period.last else None,
            "threshold": self.threshold,
            "limit": self.limit,
            "asked": whole("explain_flips"),
            "seed": self.seed,
            "level": self.level,
        }

    def plan(self) -> Plan:
        assert self.samples is not None  # noqa: S101 - it is understood
        return Plan(self.cls, self.samples, self.repeats, self.kernel_width, self.seed)


def explain_difference_known(evaluation: OpenEvaluation, first: Scorer, second: Scorer, asked: Flips) -> Result | None:
    """What `explain_difference` answered to the same before, None where nobody asked."""
    return kept(evaluation.shelf, "explain_difference", asked.understood(evaluation).options(first, second))


def explain_difference(
    evaluation: OpenEvaluation,
    first: Scorer,
    second: Scorer,
    asked: Flips | None = None,
    *,
    progress: Progress = lambda share, doing: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Result:
    """A row a feature: what it pushes by the first model (`here`) and by the second (`there`) on the same rows, those
    the two decide differently; differences are paired. Columns and further frames as of `explain_segment`, where the
    sides are the two models, and `flips`: from, to (classes the first and the second give), n,
    flipped (all of them), asked (rows the models were asked about).

    Only rows near which a straight line follows both models count. Decisions are the models' own, asked about as many
    rows as the setting explain_flips says. BadRequest where no decision differs; else as `explain_segment`.
    """
    began = time.perf_counter()
    asked = (asked or Flips()).understood(evaluation)
    if first.model.fingerprint == second.model.fingerprint:
        raise BadRequest("Both models are the same file, so they decide alike.")
    options = asked.options(first, second)
    known = kept(evaluation.shelf, "explain_difference", options)
    if known is not None:
        return known
    work = _Work(evaluation, (first, second), asked)
    rows, flips = work.flipped(progress, cancelled)
    both = [ManyExplained(evaluation, each, asked.plan(), asked.where) for each in (first, second)]
    chosen = [replace(rows, columns=each.columns, frame=work.frames[at]) for at, each in enumerate(both)]
    doing = "rows the two decide differently"
    pieces = [piece for each, side in zip(both, chosen, strict=True) for piece in each.pieces(side, doing)]
    made = piecework.made(evaluation, pieces, progress=progress, cancelled=cancelled)
    found = [together(side, [next(made) for _ in each.pieces(side)]) for each, side in zip(both, chosen, strict=True)]
    result = work.result(found, flips, options, began)
    keep(evaluation.shelf, options, result)
    return result


class _Work:
    """What is asked, as the rows that flip, and the answer made of their explanations by both models."""

    def __init__(self, evaluation: OpenEvaluation, scorers: tuple[Scorer, Scorer], asked: Flips) -> None:
        self.evaluation, self.facts, self.scorers, self.asked = evaluation, evaluation.facts, scorers, asked
        self.frames: list[pl.DataFrame] = []
        self.asked_of = self.total = 0

    def flipped(self, progress: Progress, cancelled: Callable[[], bool]) -> tuple[Rows, pl.DataFrame]:
        """(the rows both decide differently, how many flip which way); their frames for each model in `frames`."""
        asked, size, sides = self.asked, whole("explain_flips"), []
        assert asked.limit is not None  # noqa: S101 - it is understood
        for scorer in self.scorers:
            sides.append(
                (
                    draw(
                        self.evaluation,
                        scorer,
                        where=asked.where,
                        period=asked.period,
                        limit=size,
                        seed=asked.seed,
                        truth=False,
                    ),
                    drawn(
                        self.evaluation,
                        scorer,
                        version=self.facts.models[-1].name,
                        where=asked.where,
                        period=asked.period,
                        threshold=None,
                        limit=size,
                        seed=asked.seed,
                    ),
                )
            )
        pieces = [
            Piece(
                {**each.mark, "what": "answers"},
                f"{each.scorer.model.label} answers the rows",
                partial(answered, each.scorer, each.inputs),
                len(each),
            )
            for each, _ in sides
        ]
        said = list(piecework.made(self.evaluation, pieces, progress=progress, cancelled=cancelled))
        codes = [
            reading(each, unpacked(frame), asked.threshold).decided(unpacked(frame))
            for (each, _), frame in zip(sides, said, strict=True)
        ]
        places = np.flatnonzero(codes[0] != codes[1])
        self.asked_of, self.total = len(codes[0]), sides[0][1].total
        first, second = (each.model.label for each in self.scorers)
        if not len(places):
            raise BadRequest(
                f"{first} and {second} decide all {self.asked_of:,} rows alike, so there is no difference."
            )
        names = np.array(self.facts.classes)
        pairs = pl.DataFrame({"from": names[codes[0][places]], "to": names[codes[1][places]]})
        self.flips = len(places)
        chosen = places[: asked.limit].tolist()
        self.frames = [each.take(chosen).frame for _, each in sides]
        flips = pairs.group_by("from", "to").agg(pl.len().cast(pl.Int64).alias("n")).sort("n", "from", descending=True)
        flips = flips.with_columns(flipped=pl.lit(self.flips), asked=pl.lit(self.asked_of))
        return sides[0][1], flips

    def result(self, found: list[Pushes], flips: pl.DataFrame, options: dict[str, Any], began: float) -> Result:
        terms = list(dict.fromkeys(name for each in found for name in each.terms))
        fits = [each.fit >= number("explain_fit") for each in found]
        good = np.flatnonzero(fits[0] & fits[1])
        here, there = (each.of(terms).take(good) for each in found)
        frame = Contrasted(here, there, paired=True, level=self.asked.level).frame()
        first, second = (each.model.label for each in self.scorers)
        named = [(first, here), (second, there)]
        frames = {
            "overall": pushframes.overall(here, self.asked.level),
            "sides": pushframes.sides(named).with_columns(rows=pl.lit(self.total)),
            "representative": pushframes.representative(named[:1]),
            "flips": flips,
        }
        among = "" if self.asked.where is None else f" among rows where {self.asked.where.sentence()}"
        said = pushframes.told(
            frame, first, f"where {first} and {second} decide differently{among}", f"{second}'s", pushframes.unit(here)
        )
        lost = {
            "not asked about": self.total - self.asked_of,
            "decided alike": self.asked_of - self.flips,
            "not drawn into the sample": self.flips - here.drawn,
            "badly fitted by a straight line": here.left_out,
        }
        receipt = Receipt(
            "explain_difference",
            self.facts.label,
            self.facts.fingerprint,
            options,
            (Used(f"{first} and {second}", self.total, len(good), {why: n for why, n in lost.items() if n}),),
            {"rows": bare(self.evaluation, here.rows.sql)},
            seed=self.asked.seed,
            m=frame["p"].count() + frame["lean_p"].count(),
            q=number("q"),
            seconds=time.perf_counter() - began,
            notes=tuple(note for each in self.scorers for note in (*cautions(each.model), *each.model.notes)),
        )
        flipped = f" They decide {words.plural(self.flips, 'row')} of {self.asked_of:,} differently."
        lines = [said + flipped + pushframes.left_out(frames["sides"][:1])]
        lines += [line for each in self.scorers for line in cautions(each.model)[:1]]
        return Result(frame, "\n".join(lines), receipt, frames)
