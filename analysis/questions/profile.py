"""What is in each column? Counts, quantiles and lengths of all columns at once; of one column where its values lie."""

import time
from typing import Any

import polars as pl

from analysis.core import words
from analysis.core.receipt import Receipt, Result
from analysis.engine import profile as profiles
from analysis.engine.profile import Profile
from analysis.engine.subject import Subject

OUTLIERS = {
    "iqr": f"beyond {profiles.REACH} interquartile ranges of the quartiles",
    "mad": f"a modified z of more than {profiles.MADS}, from the median absolute deviation",
}


def profile(subject: Subject, *, column: str = "") -> Result:
    """A row a column: its type and kind, rows, missing (nan included), nan, infinite, distinct, zeros, negatives, mean,
    deviation, low, q05, q25, median, q75, q95, high, and the shortest, longest and mean length of text.

    distinct is approximate, but for the column asked about: that one alone is in the frame then, with further frames
    `histogram` (low, high, n: equal widths), `top` (value, n, share) and `outliers` (rule, low, high, rows).
    UnknownName for a column that is not there.
    """
    began = time.perf_counter()
    counted = profiles.profile(subject, [column] if column else ())
    frame, frames = counted.frame, dict[str, pl.DataFrame]()
    if column:
        frame, frames = _detail(subject, counted, column)
    receipt = Receipt(
        "profile",
        subject.name,
        subject.fingerprint,
        {"kind": subject.kind, "column": column, "distinct": "exact" if column else "approximate (HyperLogLog)"},
        sql={f"profile {at + 1}": subject.bare(sql) for at, sql in enumerate(counted.sql)},
        seconds=time.perf_counter() - began,
        notes=("Quantiles interpolate linearly; infinite values and NaN are left out of them and of the mean.",),
    )
    return Result(frame, _sentence(subject, frame, column), receipt, frames)


def _detail(subject: Subject, counted: Profile, name: str) -> tuple[pl.DataFrame, dict[str, pl.DataFrame]]:
    column, row = subject.column(name), dict(counted.of(name))
    if row["kind"] != profiles.OTHER:
        row["distinct"] = profiles.distinct(subject, column)
    far = profiles.outliers(subject, column, row)
    rules = [
        {"rule": rule, "low": far[f"{rule}_low"], "high": far[f"{rule}_high"], "rows": far[count], "meaning": said}
        for (rule, said), count in zip(OUTLIERS.items(), ("iqr", "by_mad"), strict=True)
        if far[count] is not None
    ]
    schema: dict[str, Any] = {"rule": pl.String, "low": pl.Float64, "high": pl.Float64, "rows": pl.Int64}
    present = max(1, row["rows"] - row["missing"])
    top = profiles.top(subject, column).with_columns((pl.col("n") / present).alias("share"))
    return pl.DataFrame([row], schema=profiles.SCHEMA), {
        "histogram": profiles.histogram(subject, column, row),
        "top": top,
        "outliers": pl.DataFrame(rules, schema={**schema, "meaning": pl.String}),
    }


def _sentence(subject: Subject, frame: pl.DataFrame, column: str) -> str:
    if not column:
        gaps = int((frame["missing"] > 0).sum())
        return (
            f"{subject.name}: {words.plural(subject.rows, 'row')}, {words.plural(len(frame), 'column')}, "
            f"{gaps:,} with missing values."
        )
    row = frame.row(0, named=True)
    ends = f", from {row['low']} to {row['high']}" if row["low"] is not None and row["kind"] != "text" else ""
    return (
        f"'{column}' of {subject.name} ({row['type']}): {words.plural(row['distinct'] or 0, 'different value')}"
        f"{ends}; missing in {row['missing']:,} of {words.plural(row['rows'], 'row')}."
    )
