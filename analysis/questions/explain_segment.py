"""What does the model do otherwise in a segment? Explanations of its rows against those of others, put together."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from analysis.core import judged
from analysis.core.cutoffs import Threshold
from analysis.core.errors import BadRequest
from analysis.core.model import Scorer
from analysis.core.period import Period
from analysis.core.receipt import Receipt, Result, Used
from analysis.core.roles import BINARY, REGRESSION
from analysis.core.segment import And, Compare, Everything, Missing, Not, Or, Segment, every
from analysis.core.settings import number, whole
from analysis.core.surrogate import cautions
from analysis.engine import members, piecework, pushframes
from analysis.engine.changing import beside_of
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
from analysis.engine.piecework import Progress
from analysis.engine.pushes import Pushes, together, well_fitted
from analysis.engine.pushframes import Contrasted
from analysis.engine.query import OpenEvaluation
from analysis.engine.receipts import bare
from analysis.engine.rows import Counted
from analysis.explaining.local import asked_well

CORRECT, REST = "correct", "rest"
SEED = 20_260


@dataclass(frozen=True)
class Explaining:
    """What is asked. where: the segment. against: its errors against its "correct" rows, or the segment against the
    "rest"; all rows have no rest, and are told alone. version: the recorded one whose decisions are right or wrong; ""
    for the one called like the model, else the last. limit: rows a side, samples: neighbours, None for the settings'.
    repeats: of each row, whose mean counts; of one alone the size of a push would be above 0 by chance."""

    where: Segment | None = None
    against: str = REST
    period: Period = field(default_factory=Period)
    version: str = ""
    threshold: Threshold | None = None
    cls: str = ""
    limit: int | None = None
    samples: int | None = None
    repeats: int = 2
    kernel_width: float | None = None
    seed: int = SEED
    level: float = 0.95

    def understood(self, evaluation: OpenEvaluation, scorer: Scorer) -> "Explaining":
        """The same with every default filled in; BadRequest where it cannot be asked."""
        facts = evaluation.facts
        version = beside_of(evaluation, scorer, self.version)
        if self.against not in (CORRECT, REST):
            raise BadRequest(f"A segment is compared against 'correct' or 'rest', not '{self.against}'.")
        if self.threshold is not None and facts.task != BINARY:
            raise BadRequest(f"A threshold decides between two classes; '{facts.name}' is {facts.task}.")
        if self.against == CORRECT:
            if facts.roles.label is None:
                raise BadRequest(
                    f"'{facts.name}' has no label column, so no row is known to be wrong; compare --against rest."
                )
            if facts.task == REGRESSION:
                raise BadRequest("A forecast is not right or wrong: compare rows with a large loss_ with the rest.")
            if not judged.decided(facts, version, self.threshold):
                raise BadRequest(
                    f"{version.name} has scores and no decisions; give a threshold to tell right from wrong."
                )
        limit = whole("explain_rows") if self.limit is None else self.limit
        samples = whole("explain_samples") if self.samples is None else self.samples
        if not 2 <= limit <= 10_000:
            raise BadRequest(f"{limit:,} rows a side cannot be explained; take 2 to 10,000.")
        asked_well(samples, self.kernel_width, self.repeats, self.seed)
        where = None if isinstance(self.where, Everything) else self.where
        cls = class_asked(facts, self.cls)
        return replace(self, where=where, version=version.name, cls=cls, limit=limit, samples=samples)

    def options(self, scorer: Scorer) -> dict[str, Any]:
        """For the receipt and for finding the answer again; of what was understood."""
        return {
            **model_options(scorer),
            **plan_options(self.plan()),
            "where": "" if self.where is None else self.where.expression(),
            "against": self.against,
            "from": str(self.period.first) if self.period.first else None,
            "to": str(self.period.last) if self.period.last else None,
            "version": self.version,
            "threshold": repr(self.threshold) if self.threshold is not None else None,
            "limit": self.limit,
            "seed": self.seed,
            "level": self.level,
        }

    def plan(self) -> Plan:
        assert self.samples is not None  # noqa: S101 - it is understood
        return Plan(self.cls, self.samples, self.repeats, self.kernel_width, self.seed)


def explain_segment_known(evaluation: OpenEvaluation, scorer: Scorer, asked: Explaining) -> Result | None:
    """What `explain_segment` answered to the same before, None where nobody asked."""
    return kept(evaluation.shelf, "explain_segment", asked.understood(evaluation, scorer).options(scorer))


def explain_segment_left(evaluation: OpenEvaluation, scorer: Scorer, asked: Explaining) -> tuple[int, int]:
    """(parts of the work that are not kept yet, all of them)."""
    pieces = _Work(evaluation, scorer, asked.understood(evaluation, scorer)).pieces()
    return len(piecework.missing(evaluation, pieces)), len(pieces)


def explain_segment(
    evaluation: OpenEvaluation,
    scorer: Scorer,
    asked: Explaining | None = None,
    *,
    progress: Progress = lambda share, doing: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Result:
    """A row a feature, what differs first. A push is a feature's weight in a row's local explanation times how far the
    row is from the usual value, in the unit of the explained score.

    `here`, `there`: the mean push on the two sides, `difference`, each with its interval over rows; `lean_here`,
    `lean_there`, `lean_difference`: the same of the size of the push, its sign judged by the other repeats; p,
    `lean_p`: that there is no difference, both adjusted together by Benjamini and Hochberg; verdict: pushes up, pushes
    down (here against there), not shown, not enough data, does not vary (on a side); lean_verdict: leans more, leans
    less. n, n_other: rows that count: those near which a straight line follows the model (setting explain_fit).
    Further frames: `overall` (what the model leans on here, the most first: lean, weight, push with intervals), `sides`
    (rows in scope, drawn, used, left out), `representative` (rows that together show what a side leans on).

    BadRequest where it cannot be asked, ModelFailed and LimitReached where the model cannot answer, Interrupted where
    it was cancelled.
    """
    began = time.perf_counter()
    asked = (asked or Explaining()).understood(evaluation, scorer)
    options = asked.options(scorer)
    known = kept(evaluation.shelf, "explain_segment", options)
    if known is not None:
        return known
    work = _Work(evaluation, scorer, asked)
    made = piecework.made(evaluation, work.pieces(), progress=progress, cancelled=cancelled)
    found = [together(side, [next(made) for _ in many.pieces(side)]) for many, side in work.asked_of]
    result = work.result(found, options, began)
    keep(evaluation.shelf, options, result)
    return result


class _Work:
    """What is asked, as the rows of its sides, and the answer made of their explanations."""

    def __init__(self, evaluation: OpenEvaluation, scorer: Scorer, asked: Explaining) -> None:
        self.evaluation, self.facts, self.scorer, self.asked = evaluation, evaluation.facts, scorer, asked
        self.names, conditions, self.phrases = self._sides()
        self.sides = [self._drawn(each) for each in conditions]
        near = [asked.where, asked.where if asked.against == CORRECT else conditions[-1]]
        self.asked_of = [
            (ManyExplained(evaluation, scorer, asked.plan(), each), side)
            for each, side in zip(near, self.sides, strict=False)
        ]
        empty = next((name for name, side in zip(self.names, self.sides, strict=True) if not len(side)), None)
        if empty is not None:
            raise BadRequest(f"There is no row to explain on the side '{empty}'; ask for another segment or period.")

    def _sides(self) -> tuple[tuple[str, ...], list[Segment], tuple[str, str]]:
        """(their names, their conditions, how a sentence says where each is)."""
        where, facts = self.asked.where, self.facts
        inside = "" if where is None else f"where {where.sentence()}"
        if self.asked.against == CORRECT:
            both = _right(facts)
            known = [Not(Missing(judged.named(facts)[what])) for what in ("label", "prediction")]
            here = every([*([where] if where else []), *known, Not(both)])
            there = every([*([where] if where else []), *known, both])
            among = f" among rows {inside}" if inside else ""
            said = f"where {self.asked.version} is wrong{among}", "where it is right"
            return ("wrong", "correct"), [here, there], said
        if where is None:
            return ("all rows",), [Everything()], ("", "")
        settled = members.settled(facts, where)
        rest = every([*([] if isinstance(settled, Everything) else [settled]), Not(where)])
        return ("segment", "rest"), [where, rest], (inside, "elsewhere")

    def _drawn(self, where: Segment) -> Rows:
        asked = self.asked
        assert asked.limit is not None  # noqa: S101 - it is understood
        return drawn(
            self.evaluation,
            self.scorer,
            version=asked.version,
            where=where,
            period=asked.period,
            threshold=asked.threshold,
            limit=asked.limit,
            seed=asked.seed,
        )

    def pieces(self) -> list[piecework.Piece]:
        return [
            piece
            for name, (many, side) in zip(self.names, self.asked_of, strict=True)
            for piece in many.pieces(side, f"rows of the side '{name}'")
        ]

    def _total(self) -> int:
        """Rows in scope, on any side or, without a label or a decision, on none."""
        asked = self.asked
        if asked.against != CORRECT:
            return sum(side.total for side in self.sides)
        scope = (asked.version, asked.where or Everything(), asked.period, asked.threshold)
        return int(self.evaluation.rows(Counted(*scope)).frame["n"][0])

    def result(self, all_: list[Pushes], options: dict[str, Any], began: float) -> Result:
        terms = list(dict.fromkeys(name for each in all_ for name in each.terms))
        found = [well_fitted(each.of(terms)) for each in all_]
        here, there = found[0], found[1] if len(found) > 1 else None
        sided, rows = sum(side.total for side in self.sides), self._total()
        enough = sided >= number("labelled_share") * rows
        frame = Contrasted(here, there, enough=enough, level=self.asked.level).frame()
        named = list(zip(self.names, found, strict=True))
        frames = {
            "overall": pushframes.overall(here, self.asked.level),
            "sides": pushframes.sides(named),
            "representative": pushframes.representative(named),
        }
        label, kind = self.scorer.model.label, pushframes.unit(here)
        said = (
            pushframes.alone(frames["overall"], label, kind)
            if there is None
            else pushframes.told(frame, label, *self.phrases, kind)
        )
        used = sum(len(each.rows) for each in found)
        explained = sum(len(side) for side in self.sides)
        lost = {
            "without a label or a decision": rows - sided,
            "not drawn into the sample": sided - explained,
            "badly fitted by a straight line": explained - used,
        }
        receipt = Receipt(
            "explain_segment",
            self.facts.label,
            self.facts.fingerprint,
            options,
            (Used(label, rows, used, {why: count for why, count in lost.items() if count}),),
            {name: bare(self.evaluation, side.sql) for name, side in zip(self.names, self.sides, strict=True)},
            seed=self.asked.seed,
            m=frame["p"].count() + frame["lean_p"].count(),
            q=number("q"),
            seconds=time.perf_counter() - began,
            notes=self._notes(),
        )
        lines = [said + pushframes.left_out(frames["sides"]), *cautions(self.scorer.model)[:1]]
        return Result(frame, "\n".join(lines), receipt, frames)

    def _notes(self) -> tuple[str, ...]:
        notes = ["Neighbours are drawn as the rows of the segment lie, for rows of the rest as the rest does."]
        if self.asked.against == CORRECT:
            label = self.scorer.model.label
            notes.append(f"Right and wrong are {self.asked.version}'s recorded decisions; {label} is explained.")
        if self.facts.weighted:
            notes.append("Every explained row counts as one, whatever its weight.")
        return (*notes, *cautions(self.scorer.model), *self.scorer.model.notes)


def _right(facts: Any) -> Segment:
    """The rows whose decision is their label."""
    columns = judged.named(facts)
    parts: list[Segment] = [
        And((Compare(columns["label"], "=", each), Compare(columns["prediction"], "=", each))) for each in facts.classes
    ]
    return Or(tuple(parts)) if len(parts) > 1 else parts[0]
