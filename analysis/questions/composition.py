"""What are these rows made of, and what sets them apart from the rest? Shares by the values of columns."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl

from analysis.core import words
from analysis.core.cutoffs import Threshold
from analysis.core.errors import BadRequest
from analysis.core.evaluation import Evaluation
from analysis.core.period import Period
from analysis.core.receipt import Receipt, Result, Used
from analysis.core.segment import Everything, Segment, every
from analysis.core.settings import number, whole
from analysis.engine.groups import bin_labels
from analysis.engine.members import Members, settled
from analysis.engine.query import OpenEvaluation
from analysis.engine.receipts import bare
from analysis.metrics import contrasts
from analysis.metrics.intervals import divide, wilson
from analysis.metrics.memberships import MORE, Membership, compared

MOST_COLUMNS = 12
MISSING = "(missing)"
TELLING = {"label", "prediction", "score", "quantile", "weight", "id"}
METHOD = "Wilson; difference: Newcombe's hybrid; z with the pooled standard error; rows, unweighted"
FRAME: dict[str, Any] = {
    "column": pl.String,
    "value": pl.String,
    "rows": pl.Int64,
    "of": pl.Int64,
    "share": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "part": pl.Float64,
    "rest": pl.Float64,
    "difference": pl.Float64,
    "difference_low": pl.Float64,
    "difference_high": pl.Float64,
    "p": pl.Float64,
    "p_adjusted": pl.Float64,
    "verdict": pl.String,
    "method": pl.String,
}


def composition(
    evaluation: OpenEvaluation,
    segment: Segment,
    *,
    by: Sequence[str] = (),
    model: str = "",
    where: Segment | None = None,
    period: Period | None = None,
    threshold: Threshold | None = None,
    level: float = 0.95,
) -> Result:
    """The segment's rows by values of columns, against the rest of the rows under the filter, a row a value.

    rows of the `of` with this value are in the segment: `share`, with its interval. `part` of the segment's rows have
    the value and `rest` of the others; `difference` is the first less the second, with interval, corrected p and
    verdict ("more", "fewer"). A column missing in a row is a value too (null). by: columns; without, up to twelve with
    few values or bins, segment and protected ones first. The segment may use the judged columns; rows of which it is
    not known whether they are in it are left out. Further frame: `total` (rows, of, share).
    """
    facts, period = evaluation.facts, period or Period()
    version = facts.model(model).name if model else facts.models[-1].name
    columns = [facts.column(name) for name in (by or offered(facts)[:MOST_COLUMNS])]
    if not columns:
        raise BadRequest(f"'{facts.name}' has no column with few values or bins to look at.")
    base, known = where or Everything(), settled(facts, segment)
    pieces, sql, seconds, cached, totals = [], {}, 0.0, True, (0, 0)
    for column in columns:
        asked = Members(version, every([base, known]), period, threshold, segment=segment, by=column.name)
        found = evaluation.rows(asked)
        seconds, cached = seconds + found.seconds, cached and found.cached
        sql[column.name] = bare(evaluation, found.sql)
        n, inside = (found.frame[name].to_numpy() for name in ("n", "inside"))
        totals = int(n.sum()), int(inside.sum())
        values = found.frame["k0"]
        if column.encoding == "bins":
            names = {str(code): text for code, text in enumerate(bin_labels(column))}
            values = values.replace_strict(names, default=None, return_dtype=pl.String)
        pieces.append(_rows(column.name, values, compared(n, inside, level=level), level))
    frame, looks = _judged(pl.concat(pieces))
    options: dict[str, Any] = {
        "segment": segment.expression(),
        "by": [column.name for column in columns],
        "model": version,
        "where": "" if isinstance(base, Everything) else base.expression(),
        "known": "" if isinstance(known, Everything) else known.expression(),
        "from": str(period.first) if period.first else None,
        "to": str(period.last) if period.last else None,
        "threshold": threshold,
        "level": level,
    }
    notes = []
    if facts.roles.unit is not None:
        notes.append(
            f"Rows of one {facts.roles.unit} are counted as independent; where alike, intervals are too narrow."
        )
    receipt = Receipt(
        "composition",
        facts.label,
        facts.fingerprint,
        options,
        (Used(version, totals[0], totals[0], {}),),
        sql,
        m=looks or None,
        q=number("q") if looks else None,
        seconds=seconds,
        cached=cached,
        notes=tuple(notes),
    )
    total = pl.DataFrame({"rows": [totals[1]], "of": [totals[0]]})
    total = total.with_columns((pl.col("rows") / pl.col("of")).fill_nan(None).alias("share"))
    one = columns[0].name if len(columns) == 1 else ""
    return Result(frame, _sentence(frame, segment, total.row(0, named=True), one), receipt, {"total": total})


def offered(facts: Evaluation) -> list[str]:
    """The columns one can break out by, those with the role segment or protected first; what a row's judgement is made
    of (label, predictions, scores) tells nothing about it."""
    first = [*facts.roles.segments, *facts.roles.protected]
    used = facts.roles.used()
    names = [
        column.name
        for column in facts.columns
        if column.encoding in ("values", "bins")
        and (column.name in first or not TELLING & set(used.get(column.name, ())))
    ]
    return sorted(names, key=lambda name: first.index(name) if name in first else len(first))


def _rows(column: str, values: pl.Series, found: Membership, level: float) -> pl.DataFrame:
    low, high = wilson(found.inside.astype(float), found.n.astype(float), level)
    size = len(values)
    return pl.DataFrame(
        {
            "column": [column] * size,
            "value": values,
            "rows": found.inside,
            "of": found.n,
            "share": divide(found.inside.astype(float), found.n.astype(float)),
            "low": low,
            "high": high,
            "part": found.part,
            "rest": found.rest,
            "difference": found.part - found.rest,
            "difference_low": found.low,
            "difference_high": found.high,
            "p": found.p,
            "p_adjusted": np.full(size, np.nan),
            "verdict": [None] * size,
            "method": [METHOD] * size,
        },
        schema=FRAME,
    ).with_columns(pl.col(pl.Float64).fill_nan(None))


def _judged(frame: pl.DataFrame) -> tuple[pl.DataFrame, int]:
    """The frame with p corrected over all its rows and verdicts, and how many looks that were.

    A value with too few rows can earn no verdict, so it is no look.
    """
    enough = frame["of"].to_numpy() >= whole("small_group")
    p = np.where(enough, frame["p"].fill_null(np.nan).to_numpy().astype(float), np.nan)
    adjusted = contrasts.benjamini_hochberg(p)
    said = []
    for row, each in zip(frame.iter_rows(named=True), adjusted, strict=True):
        way = MORE[0] if (row["difference"] or 0) > 0 else MORE[1]
        said.append(contrasts.FEW if np.isnan(each) else way if each <= number("q") else contrasts.UNCLEAR)
    columns = pl.Series("p_adjusted", adjusted, dtype=pl.Float64).fill_nan(None), pl.Series("verdict", said)
    return frame.with_columns(*columns), int(np.sum(~np.isnan(p)))


def _sentence(frame: pl.DataFrame, segment: Segment, total: dict[str, Any], one: str) -> str:
    """Of one column where the segment is commonest and rarest; of several what sets its rows apart most."""
    part = f" ({words.number(total['share'], 'share')})" if total["of"] else ""
    head = f"{words.plural(total['rows'], 'row')} of {total['of']:,}{part} where {segment.sentence()}"
    if not total["rows"] or total["rows"] == total["of"]:
        return f"{head}: there is nothing to set them apart from."
    told = frame.filter(pl.col("verdict").is_in(MORE)).sort(pl.col("difference").abs(), descending=True)
    if not len(told):
        by = one or "any of the columns"
        return f"{head}. By {by} they do not differ from the rest beyond chance."
    if one:
        ranked = frame.filter(pl.col("of") >= whole("small_group")).sort("share", descending=True)
        ends = [_share(ranked.row(place, named=True)) for place in (0, -1)]
        return f"{head}. The share is highest where {one} is {ends[0]} and lowest where it is {ends[1]}."
    lines = [
        f"{row['column']} is {_value(row)} in {words.number(row['part'], 'share')} of them and in "
        f"{words.number(row['rest'], 'share')} of the rest"
        for row in told.head(3).iter_rows(named=True)
    ]
    return f"{head}. What sets them apart: {'; '.join(lines)}. All hold after correction for all looks."


def _value(row: dict[str, Any]) -> str:
    return MISSING if row["value"] is None else str(row["value"])


def _share(row: dict[str, Any]) -> str:
    share, ends = words.number(row["share"], "share"), words.between(row["low"], row["high"], "share")
    return f"{_value(row)}, {share} ({ends}, n {row['of']:,})"
