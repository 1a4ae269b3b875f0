"""Where is the model weak, and is it real? All segments of up to three conditions, searched on one half of the rows and
tested on the other, with the share of false discoveries held below q over all that was tested.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import numpy as np

from analysis.core.cutoffs import Band, ByGroup, Threshold, snapped
from analysis.core.errors import BadRequest, Undecided
from analysis.core.evaluation import Evaluation
from analysis.core.period import DAY, Period, read_period
from analysis.core.receipt import Receipt, Result
from analysis.core.segment import Everything, Segment
from analysis.core.settings import number
from analysis.engine import discovery, objectives, spotframes
from analysis.engine.coded import Scope
from analysis.engine.discovery import Options, Spots
from analysis.engine.kept import keep, kept
from analysis.engine.query import OpenEvaluation, Query
from analysis.engine.used import rows_used
from analysis.metrics.contrasts import benjamini_hochberg
from analysis.store.evaluations import SEED

REFERENCE = "reference"


@dataclass(frozen=True)
class Asked:
    """What is searched. objective: of engine/objectives.py, "" for the task's usual one. against: "" for the other
    rows; a model version, to find where `models` are worse than it on the rows both answered; "reference", to find
    where they are worse than in the reference period. depth, minimum, columns, budget: as in discovery.Options. q: the
    share of false discoveries, None for the setting's. seed: of the halves and of the resamples."""

    objective: str = ""
    models: tuple[str, ...] = ()
    against: str = ""
    depth: int = 2
    minimum: int | None = None
    columns: tuple[str, ...] = ()
    q: float | None = None
    budget: int = 5_000_000
    where: Segment | None = None
    period: Period = field(default_factory=Period)
    threshold: Threshold | None = None
    seed: int = SEED
    level: float = 0.95

    def understood(self, facts: Evaluation) -> "Asked":
        """The same with every default filled in; BadRequest where it cannot be asked."""
        aim = objectives.of(facts, self.objective)
        versions = [facts.model(name).name for name in self.models] or [each.name for each in facts.models]
        if self.against not in ("", REFERENCE):
            facts.model(self.against)
            versions = [name for name in versions if name != self.against]
            if not versions:
                raise BadRequest(f"'{self.against}' cannot be compared with itself; name another model version.")
            if not aim.paired:
                raise BadRequest(
                    f"'{aim.name}' is not over the same rows for two model versions, so they cannot be compared row "
                    "by row."
                )
        q = number("q") if self.q is None else self.q
        if not 0 < q < 1:
            raise BadRequest(f"q is a share between 0 and 1, not {q}.")
        if self.minimum is not None and self.minimum < 2:
            raise BadRequest(f"A segment has at least 2 rows, not {self.minimum}.")
        names = tuple(facts.column(name).name for name in self.columns)
        return replace(self, objective=aim.name, models=tuple(versions), q=q, columns=names)

    def options(self, facts: Evaluation) -> dict[str, Any]:
        """For the receipt and for finding the answer again; of what was understood."""
        reference, period = self.periods(facts)
        return {
            "objective": self.objective,
            "models": list(self.models),
            "against": self.against,
            "depth": self.depth,
            "minimum": self.minimum,
            "columns": list(self.columns),
            "q": self.q,
            "budget": self.budget,
            "where": "" if self.where is None or isinstance(self.where, Everything) else self.where.expression(),
            "from": str(period.first) if period.first else None,
            "to": str(period.last) if period.last else None,
            "reference": None if reference is None else [str(reference.first), str(reference.last)],
            "threshold": self.threshold.to_dict() if isinstance(self.threshold, Band | ByGroup) else self.threshold,
            "seed": self.seed,
            "level": self.level,
            "positive": facts.positive,
        }

    def periods(self, facts: Evaluation) -> tuple[Period | None, Period]:
        """(the reference period or None, the one that is searched: the context's, else all that follows)."""
        return _periods(facts, self.period) if self.against == REFERENCE else (None, self.period)


def discovered(evaluation: OpenEvaluation, asked: Asked) -> Result | None:
    """What `discover` answered to the same before, None where nobody asked."""
    return kept(evaluation.shelf, "discover", asked.understood(evaluation.facts).options(evaluation.facts))


def discover(
    evaluation: OpenEvaluation,
    asked: Asked,
    *,
    progress: Callable[[float, str], None] = lambda share, doing: None,
    cancelled: Callable[[], bool] = lambda: False,
    late: Callable[[], bool] = lambda: False,
) -> Result:
    """A row a confirmed weak spot, the largest recoverable loss first.

    late: whether to stop; what was searched until then is the answer, and says so.
    value, rest: the mean of the objective inside and outside, over all rows; of a comparison, of the difference. gap:
    value - rest, with low and high from the rows that had no say in the choice, widened where they do not hold it.
    p_adjusted: Benjamini-Hochberg over all that was tested. recoverable: by how much the objective over all rows would
    be better were the segment like the rest. detectable: the smallest gap a segment of this size shows.
    Further frames: see engine/spotframes.py.
    """
    facts = evaluation.facts
    asked = asked.understood(facts)
    options = asked.options(facts)
    known = kept(evaluation.shelf, "discover", options)
    if known is not None:
        return known
    found: list[tuple[Scope, Spots]] = []
    used, notes = [], []
    for place, name in enumerate(asked.models):
        scope = _scope(evaluation, asked, name)
        cut = _cut(facts, name, asked.threshold)
        query = Query(name, frozenset(), where=scope.where, period=scope.period, threshold=cut)
        answer = evaluation.ask(query)
        used.append(rows_used(name, answer.cube))
        notes += snapped(asked.threshold, answer.threshold, name)

        def part(share: float, doing: str, place: int = place) -> None:
            progress((place + share) / len(asked.models), doing)

        how = Options(asked.depth, asked.minimum, asked.columns, asked.budget, asked.level, part, cancelled, late)
        spots = discovery.spots(evaluation, scope, how)
        found.append((scope, spots))
        if spots.searched < spots.offered:
            why = "the time was up" if late() else "the budget of candidates was spent"
            notes.append(f"{spots.searched:,} of {spots.offered:,} candidates were searched: {why}.")
        notes.append(scope.sentence_of_split())
    every = [spot for _, spots in found for spot in spots.spots]
    adjusted = benjamini_hochberg(np.array([spot.confirmed.p for spot in every]))
    made = spotframes.made(evaluation, found, adjusted, q=float(asked.q or 0), seed=asked.seed, against=asked.against)
    receipt = Receipt(
        "discover",
        facts.label,
        facts.fingerprint,
        options,
        tuple(used),
        made.sql,
        seed=asked.seed,
        m=int(np.isfinite(adjusted).sum()),
        q=asked.q,
        notes=tuple(dict.fromkeys(notes)),
    )
    result = Result(made.frame, made.sentence, receipt, made.frames)
    if not late():
        keep(evaluation.shelf, options, result)
    return result


def offered(evaluation: OpenEvaluation, model: str, threshold: Threshold | None) -> dict[str, str]:
    """{objective: its title} of what a model version can be searched for, the usual one first."""
    facts, cut = evaluation.facts, _cut(evaluation.facts, model, threshold)
    seen = evaluation.judge(model, cut)
    usual = objectives.usual(facts)
    known = sorted(objectives.OBJECTIVES, key=lambda each: each.name != usual)
    return {each.name: each.title for each in known if objectives.obstacle(each, seen, cut) is None}


def comparable(evaluation: OpenEvaluation, model: str, objective: str) -> dict[str, str]:
    """{against: its title} of what a model version can be compared with for an objective."""
    facts = evaluation.facts
    found = {"": "the rest"}
    if objectives.of(facts, objective).paired:
        found |= {each.name: each.name for each in facts.models if each.name != model}
    if facts.roles.reference and facts.roles.time:
        found[REFERENCE] = "the reference period"
    return found


def _scope(evaluation: OpenEvaluation, asked: Asked, name: str) -> Scope:
    facts, aim = evaluation.facts, objectives.of(evaluation.facts, asked.objective)
    seen = evaluation.judge(name, _cut(facts, name, asked.threshold))
    theirs = None
    if asked.against not in ("", REFERENCE):
        theirs = evaluation.judge(asked.against, _cut(facts, asked.against, asked.threshold))
    for each in (seen, theirs):
        if each is None:
            continue
        why = objectives.obstacle(aim, each, _cut(facts, each.model.name, asked.threshold))
        if why is not None:
            raise Undecided(why) if "--threshold" in why else BadRequest(why)
    reference, period = asked.periods(facts)
    return Scope(aim, seen, asked.where or Everything(), period, theirs, reference, asked.seed)


def _cut(facts: Evaluation, name: str, threshold: Threshold | None) -> Threshold | None:
    """The threshold as it applies to a version: not to one without scores."""
    return threshold if threshold is None or facts.model(name).score or len(facts.models) == 1 else None


def _periods(facts: Evaluation, period: Period) -> tuple[Period, Period]:
    """(the reference period, the one compared with it: that of the context, else all that follows)."""
    if not facts.roles.time:
        raise BadRequest(f"'{facts.name}' has no time column, so there are no periods; give one the role time.")
    reference = read_period(*facts.roles.reference) if facts.roles.reference else period.before()
    if reference is None:
        raise BadRequest(f"'{facts.name}' has no reference period; name one in its roles, or give --from and --to.")
    if period.everything and reference.last is not None:
        last = datetime.fromisoformat(facts.time_high).date()
        period = Period(reference.last + DAY, last) if reference.last < last else period
    start, end = period.start or datetime.min, period.end or datetime.max
    if start < (reference.end or datetime.max) and end > (reference.start or datetime.min):
        raise BadRequest(
            f"The reference period ({reference.sentence()}) and the one compared with it overlap; a comparison needs "
            "them apart."
        )
    return reference, period
