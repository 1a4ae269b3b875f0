"""Which rows are these? The rows of a segment as one model version judges them, the largest losses first."""

import uuid
from pathlib import Path
from typing import Any

import polars as pl

from analysis.core import judged, words
from analysis.core.cutoffs import Threshold
from analysis.core.evaluation import Evaluation, ModelFacts
from analysis.core.period import Period
from analysis.core.receipt import Receipt, Result, Used
from analysis.core.roles import REGRESSION
from analysis.core.segment import Everything, Segment
from analysis.engine.query import OpenEvaluation
from analysis.engine.receipts import bare
from analysis.engine.rows import Counted, Listed, as_named, everything

ORDERED = {
    "loss": "largest {loss} first",
    "id": "in the order of their id",
    "score": "highest {score} first",
    "time": "earliest first",
    "file": "as they came",
}


def rows(
    evaluation: OpenEvaluation,
    *,
    model: str = "",
    where: Segment | None = None,
    period: Period | None = None,
    threshold: Threshold | None = None,
    order: str = "loss",
    limit: int = 200,
    offset: int = 0,
) -> Result:
    """The rows themselves, at most `limit` (1 to 10,000) from row `offset` on, and how many there are in all.

    The frame has the evaluation's columns under their own names, and after the id what label and model version say:
    `label_`, `prediction_`, `score_` or `error_`, `loss_`, `time_`, each with as many more `_` as make it unique (see
    core/judged.py); `where` may use these too. model: "" takes the last version. Further frame: `count` (rows, shown).
    """
    facts = evaluation.facts
    version = facts.model(model) if model else facts.models[-1]
    asked = listing(version.name, where, period, threshold, order=order, limit=limit, offset=offset)
    found = evaluation.rows(asked)
    counted = evaluation.rows(Counted(asked.model, asked.where, asked.period, asked.threshold))
    total = int(counted.frame["n"][0])
    frame = _ordered(as_named(found.frame, facts), facts)
    options: dict[str, Any] = {
        "model": version.name,
        "where": "" if isinstance(asked.where, Everything) else asked.where.expression(),
        "from": str(asked.period.first) if asked.period.first else None,
        "to": str(asked.period.last) if asked.period.last else None,
        "threshold": found.threshold,
        "order": order,
        "limit": limit,
        "offset": offset,
        "judged": judged.named(facts),
        "loss": judged.LOSSES[judged.loss_kind(facts, version)],
    }
    receipt = Receipt(
        "rows",
        facts.label,
        facts.fingerprint,
        options,
        (Used(version.name, total, total, {}),),
        {"rows": bare(evaluation, found.sql), "count": bare(evaluation, counted.sql)},
        seconds=found.seconds + counted.seconds,
        cached=found.cached and counted.cached,
    )
    count = pl.DataFrame({"rows": [total], "shown": [len(frame)]})
    sentence = _sentence(facts, version, asked, total, len(frame))
    return Result(frame, sentence, receipt, {"count": count})


def listing(
    model: str, where: Segment | None, period: Period | None, threshold: Threshold | None, **options: Any
) -> Listed:
    """What is asked of the engine."""
    return Listed(model, where or Everything(), period or Period(), threshold, **options)


def export(
    evaluation: OpenEvaluation, result: Result, *, where: Segment | None = None, period: Period | None = None
) -> tuple[Path, int]:
    """Write all rows of such a result, not only those listed, as CSV into the workspace's exports/; (path, rows).

    They are in no order. where, period: as they were asked for.
    """
    said = result.receipt.options
    asked = everything(listing(said["model"], where, period, said["threshold"]))
    return evaluation.export(asked, f"rows-{result.receipt.id}-{uuid.uuid4().hex[:6]}")


def download(
    evaluation: OpenEvaluation, result: Result, *, where: Segment | None = None, period: Period | None = None
) -> bytes:
    """The same CSV as bytes, for results of at most 10,000 rows."""
    path, _ = export(evaluation, result, where=where, period=period)
    try:
        return path.read_bytes()
    finally:
        path.unlink()


def _ordered(frame: pl.DataFrame, facts: Evaluation) -> pl.DataFrame:
    first = [*facts.roles.id, *judged.named(facts).values()]
    return frame.select(*first, *(name for name in frame.columns if name not in first))


def _sentence(facts: Evaluation, model: ModelFacts, asked: Listed, total: int, shown: int) -> str:
    among = "" if isinstance(asked.where, Everything) else f" where {asked.where.sentence()}"
    when = "" if asked.period.everything else f", {asked.period.sentence()}"
    head = f"{words.plural(total, 'row')} of {facts.name}{among}{when}."
    if not shown:
        return head
    order = ORDERED[asked.order].format(
        loss=judged.LOSSES[judged.loss_kind(facts, model)],
        score="forecast" if facts.task == REGRESSION else "score",
    )
    part = "all are shown" if shown == total else f"{shown:,} are shown"
    return f"{head} Judged by {model.name}; {part}, {order}."
