"""Where is the model weak, and is it real? All segments of up to three conditions, searched on one half of the rows and
tested on the other, with the share of false discoveries held below q over all that was tested.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import numpy as np

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


def discover(
    evaluation: OpenEvaluation,
    *,
    objective: str = "",
    models: Sequence[str] = (),
    against: str = "",
    depth: int = 2,
    minimum: int | None = None,
    columns: Sequence[str] = (),
    q: float | None = None,
    budget: int = 5_000_000,
    where: Segment | None = None,
    period: Period | None = None,
    threshold: float | None = None,
    seed: int = SEED,
    level: float = 0.95,
    progress: Callable[[float, str], None] = lambda share, doing: None,
    cancelled: Callable[[], bool] = lambda: False,
    late: Callable[[], bool] = lambda: False,
) -> Result:
    """A row a confirmed weak spot, the largest recoverable loss first.

    objective: of engine/objectives.py, "" for the task's usual one. against: "" for the other rows; a model version,
    to find where `models` are worse than it on the rows both answered; "reference", to find where they are worse than
    in the reference period. minimum, budget, depth: as in Options. seed: of the halves and of the resamples. late:
    whether to stop; what was searched until then is the answer, and says so.

    value, rest: the mean of the objective inside and outside, over all rows; of a comparison, of the difference. gap:
    value - rest, with low and high from the rows that had no say in the choice, widened where they do not hold it.
    p_adjusted: Benjamini-Hochberg over all that was tested. recoverable: by how much the objective over all rows would
    be better were the segment like the rest. detectable: the smallest gap a segment of this size shows.
    Further frames: see engine/spotframes.py.
    """
    facts = evaluation.facts
    where, period = where or Everything(), period or Period()
    aim = objectives.of(facts, objective)
    versions = [facts.model(name).name for name in models] or [each.name for each in facts.models]
    if against not in ("", REFERENCE):
        facts.model(against)
        versions = [name for name in versions if name != against]
        if not versions:
            raise BadRequest(f"'{against}' cannot be compared with itself; name another model version.")
        if not aim.paired:
            raise BadRequest(
                f"'{aim.name}' is not over the same rows for two model versions, so they cannot be compared row by row."
            )
    reference, period = _periods(facts, period) if against == REFERENCE else (None, period)
    q = number("q") if q is None else q
    if not 0 < q < 1:
        raise BadRequest(f"q is a share between 0 and 1, not {q}.")
    options: dict[str, Any] = {
        "objective": aim.name,
        "models": versions,
        "against": against,
        "depth": depth,
        "minimum": minimum,
        "columns": list(columns),
        "q": q,
        "budget": budget,
        "where": "" if isinstance(where, Everything) else where.expression(),
        "from": str(period.first) if period.first else None,
        "to": str(period.last) if period.last else None,
        "reference": None if reference is None else [str(reference.first), str(reference.last)],
        "threshold": threshold,
        "seed": seed,
        "level": level,
        "positive": facts.positive,
    }
    known = kept(evaluation, "discover", options)
    if known is not None:
        return known
    found: list[tuple[Scope, Spots]] = []
    used, notes = [], []
    for place, name in enumerate(versions):
        scopes = _scope(evaluation, aim, name, against, where, period, reference, threshold, seed)
        query = Query(name, frozenset(), where=where, period=period, threshold=_cut(facts, name, threshold))
        answer = evaluation.ask(query)
        used.append(rows_used(name, answer.cube))
        if answer.threshold not in (None, threshold):
            notes.append(f"The threshold was moved to {answer.threshold:.6g}, an edge of the codes of {name}.")

        def part(share: float, doing: str, place: int = place) -> None:
            progress((place + share) / len(versions), doing)

        asked = Options(depth, minimum, tuple(columns), budget, level, part, cancelled, late)
        found.append((scopes, discovery.spots(evaluation, scopes, asked)))
    every = [spot for _, spots in found for spot in spots.spots]
    adjusted = benjamini_hochberg(np.array([spot.confirmed.p for spot in every]))
    made = spotframes.made(evaluation, found, adjusted, q=q, seed=seed, against=against)
    for scopes, spots in found:
        if spots.searched < spots.offered:
            why = "the time was up" if late() else "the budget of candidates was spent"
            notes.append(f"{spots.searched:,} of {spots.offered:,} candidates were searched: {why}.")
        notes.append(scopes.sentence_of_split())
    receipt = Receipt(
        "discover",
        facts.label,
        facts.fingerprint,
        options,
        tuple(used),
        made.sql,
        seed=seed,
        m=int(np.isfinite(adjusted).sum()),
        q=q,
        notes=tuple(dict.fromkeys(notes)),
    )
    result = Result(made.frame, made.sentence, receipt, made.frames)
    if not late():
        keep(evaluation, options, result)
    return result


def _scope(
    evaluation: OpenEvaluation,
    aim: objectives.Objective,
    name: str,
    against: str,
    where: Segment,
    period: Period,
    reference: Period | None,
    threshold: float | None,
    seed: int,
) -> Scope:
    facts = evaluation.facts
    seen = evaluation.judge(name, _cut(facts, name, threshold))
    theirs = None
    if against not in ("", REFERENCE):
        theirs = evaluation.judge(against, _cut(facts, against, threshold))
    for each in (seen, theirs):
        if each is None:
            continue
        why = objectives.obstacle(aim, each, threshold if each.cut is not None else None)
        if why is not None:
            raise Undecided(why) if "--threshold" in why else BadRequest(why)
    return Scope(aim, seen, where, period, theirs, reference, seed)


def _cut(facts: Evaluation, name: str, threshold: float | None) -> float | None:
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
