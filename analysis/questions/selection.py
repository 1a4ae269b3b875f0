"""Which part of the rows is this? How many rows a segment selects, and what a column holds to choose from."""

from typing import Any

import polars as pl

from analysis.core import words
from analysis.core.cutoffs import Threshold
from analysis.core.period import Period
from analysis.core.receipt import Receipt, Result, Used
from analysis.core.segment import Everything, Segment
from analysis.engine.query import OpenEvaluation, Query
from analysis.engine.receipts import bare
from analysis.engine.rows import Counted

OTHER = "other"


def selection(
    evaluation: OpenEvaluation,
    segment: Segment,
    *,
    model: str = "",
    period: Period | None = None,
    threshold: Threshold | None = None,
) -> Result:
    """How many of the period's rows are in the segment: one row, rows, of, share.

    The segment may use the judged columns; `model` ("" is the last version) and threshold are what judges then.
    """
    facts, period = evaluation.facts, period or Period()
    version = facts.model(model).name if model else facts.models[-1].name
    found = evaluation.rows(Counted(version, segment, period, threshold))
    whole = evaluation.rows(Counted(version, Everything(), period, threshold))
    rows, total = int(found.frame["n"][0]), int(whole.frame["n"][0])
    share = rows / total if total else None
    options: dict[str, Any] = {
        "where": "" if isinstance(segment, Everything) else segment.expression(),
        "model": version,
        "from": str(period.first) if period.first else None,
        "to": str(period.last) if period.last else None,
        "threshold": threshold,
    }
    receipt = Receipt(
        "selection",
        facts.label,
        facts.fingerprint,
        options,
        (Used(version, total, total, {}),),
        {"rows": bare(evaluation, found.sql), "of": bare(evaluation, whole.sql)},
        seconds=found.seconds + whole.seconds,
        cached=found.cached and whole.cached,
    )
    part = f" ({words.number(share, 'share')})" if share is not None else ""
    sentence = f"{rows:,} of {words.plural(total, 'row')}{part}: {segment.sentence()}."
    frame = pl.DataFrame({"rows": [rows], "of": [total], "share": [share]}, schema_overrides={"share": pl.Float64})
    return Result(frame, sentence, receipt)


def holds(evaluation: OpenEvaluation, column: str) -> Result:
    """What a column holds, a row a value, the most frequent first: value (null: missing), rows, share.

    A column of quantile bins gives its bins, in their order; of more than a thousand values only the most frequent.
    """
    facts = evaluation.facts
    about = facts.column(column)
    answer = evaluation.ask(Query(facts.models[-1].name, frozenset(), by=(about.name,)))
    values = answer.cube.groups["k0"]
    frame = pl.DataFrame({"value": values.cast(pl.String), "rows": answer.cube.rows})
    frame = frame.with_columns((pl.col("rows") / pl.col("rows").sum()).alias("share"))
    if about.encoding != "bins":
        frame = frame.sort(pl.col("value").is_null(), -pl.col("rows"), maintain_order=True)
    if about.encoding == "plain":
        frame = frame.filter(pl.col("value").ne_missing(pl.lit(OTHER)))
    receipt = Receipt(
        "holds",
        facts.label,
        facts.fingerprint,
        {"column": about.name},
        (Used(facts.models[-1].name, int(answer.cube.rows.sum()), int(answer.cube.rows.sum()), {}),),
        {"values": bare(evaluation, answer.sql[0])},
        seconds=answer.seconds,
        cached=answer.cached,
    )
    sentence = f"'{about.name}' holds {words.plural(len(frame), 'value')} or bins over {facts.rows:,} rows."
    return Result(frame, sentence, receipt)
