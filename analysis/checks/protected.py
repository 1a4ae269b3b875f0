"""Protected groups: whether the data shows them as it did before, labels them alike and knows as much of them."""

from typing import Any

import numpy as np
import polars as pl

from analysis.checks.definition import CHECKS, FOUND, Check, Hit, Seen, clear, unfit
from analysis.checks.versions import MOST_VALUES
from analysis.core import words
from analysis.core.schema import Column
from analysis.core.segment import And, Compare, Missing
from analysis.core.settings import number, whole
from analysis.engine.profile import TEXT
from analysis.metrics.contrasts import benjamini_hochberg
from analysis.metrics.intervals import mover_difference, wilson

SURE = 1e-4
NOBODY = "no text column of few values has the role protected"
Side = tuple[np.ndarray, np.ndarray]


def _columns(seen: Seen) -> list[Column]:
    """Protected text columns of few values."""
    return [
        column
        for column in (seen.subject.column(name) for name in seen.subject.roles.protected)
        if seen.profile.of(column.name)["kind"] == TEXT and seen.profile.of(column.name)["distinct"] <= MOST_VALUES
    ]


def _counted(seen: Seen, counts: dict[str, str]) -> pl.DataFrame:
    """A row a group of each protected column: column, group, n, and what is counted."""
    subject = seen.subject
    picked = ", ".join(f"{sql} AS {name}" for name, sql in counts.items())
    parts = [
        subject.scan(
            f'SELECT {subject.text(column)} AS "group", count(*) AS n, {picked} FROM {subject.relation} r '
            f"WHERE r.{column.key} IS NOT NULL GROUP BY 1 ORDER BY 1"
        ).select(pl.lit(column.name).alias("column"), pl.all())
        for column in _columns(seen)
    ]
    return pl.concat(parts)


def _apart(one: Side, other: Side, least: float) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """(difference of two shares, its low and high (Newcombe), whether it is both sure and large). Pooled z, and
    Benjamini and Hochberg over all; sides below `small_group` are not judged."""
    from scipy.special import ndtr

    (k, n), (j, m) = one, other
    known = (n >= whole("small_group")) & (m >= whole("small_group"))
    a, b = k / np.maximum(n, 1), j / np.maximum(m, 1)
    pooled = (k + j) / np.maximum(n + m, 1)
    error = np.sqrt(pooled * (1 - pooled) * (1 / np.maximum(n, 1) + 1 / np.maximum(m, 1)))
    z = np.divide(a - b, error, out=np.zeros_like(a), where=error > 0)
    p = benjamini_hochberg(np.where(known, 2 * ndtr(-np.abs(z)), np.nan))
    low, high = mover_difference(a, wilson(k, n, 0.95), b, wilson(j, m, 0.95))
    return a - b, low, high, known & (np.nan_to_num(p, nan=1.0) < SURE) & (np.abs(a - b) >= least)


def _rest(frame: pl.DataFrame, name: str) -> np.ndarray:
    """What the other groups of the column have of a count."""
    return frame.select(pl.col(name).sum().over("column") - pl.col(name))[name].to_numpy().astype(float)


def _once(frame: pl.DataFrame, odd: np.ndarray) -> list[int]:
    """The places of odd groups; of a column with two groups, which say the same, the smaller one."""
    places = []
    sizes = frame.select(pl.len().over("column"), (pl.col("n").rank("ordinal").over("column") == 1).alias("smaller"))
    for at in np.flatnonzero(odd).tolist():
        if sizes["len"][at] != 2 or sizes["smaller"][at] or not odd[frame["column"] == frame["column"][at]].all():
            places.append(at)
    return places


def _said(share: float, other: float, low: float, high: float) -> tuple[str, str, str]:
    ends = f"{words.delta(low, 'share')} to {words.delta(high, 'share')}"
    return words.number(share, "share"), words.number(other, "share"), ends


def representation(seen: Seen) -> list[Hit]:
    """Groups whose share of the rows is another than in the reference period, or than in the earlier half of time."""
    subject = seen.subject
    if not _columns(seen):
        return unfit(NOBODY)
    if not subject.time:
        return unfit("no column has the role time")
    if subject.roles.reference is not None:
        first, last = subject.roles.reference
        before, name = (
            f"({subject.time} >= DATE '{first}' AND CAST({subject.time} AS DATE) <= DATE '{last}')",
            "reference",
        )
    else:
        middle = subject.one(f"SELECT CAST(quantile_disc({subject.time}, 0.5) AS VARCHAR) FROM {subject.relation} r")[0]
        if middle is None:
            return unfit("no row has a time")
        before, name = f"({subject.time} < TIMESTAMP '{middle}')", "earlier half"
    frame = _counted(seen, {"k": f"count(*) FILTER (NOT {before})", "j": f"count(*) FILTER ({before})"})
    k, j = (frame[each].to_numpy().astype(float) for each in ("k", "j"))
    n, m = k + _rest(frame, "k"), j + _rest(frame, "j")
    _, low, high, odd = _apart((k, n), (j, m), number("check_group_share"))
    hits = []
    for at in _once(frame, odd):
        column, group = frame["column"][at], frame["group"][at]
        now, then, ends = _said(k[at] / n[at], j[at] / m[at], low[at], high[at])
        said = f"'{group}' in '{column}' is {now} of the rows, in the {name} {then} ({ends})."
        fix = "Ask who is no longer, or newly, in the data; a model fitted before may fit them worse."
        hits.append(Hit(FOUND, said, int(frame["n"][at]), (column,), Compare(column, "=", group), fix))
    return hits or clear("Every protected group has about the share of the rows it had before.")


def rates(seen: Seen) -> list[Hit]:
    """Groups with another share of positive labels than the others."""
    subject = seen.subject
    if not subject.positive:
        return unfit("the label does not have two classes, one of them positive" if subject.label else "no label")
    if not _columns(seen):
        return unfit(NOBODY)
    frame = _counted(seen, {"k": f"count(*) FILTER ({subject.positive})", "labelled": f"count({subject.label})"})
    k, n = (frame[each].to_numpy().astype(float) for each in ("k", "labelled"))
    j, m = _rest(frame, "k"), _rest(frame, "labelled")
    _, low, high, odd = _apart((k, n), (j, m), number("check_group_rate"))
    hits = []
    for at in _once(frame, odd):
        column, group = frame["column"][at], frame["group"][at]
        here, there, ends = _said(k[at] / n[at], j[at] / m[at], low[at], high[at])
        said = f"{here} of the labels of '{group}' in '{column}' are positive, of the others {there} ({ends})."
        fix = "Ask whether the world differs or the labelling does, before a model learns it."
        columns = (column, subject.roles.label or "")
        hits.append(Hit(FOUND, said, int(frame["n"][at]), columns, Compare(column, "=", group), fix))
    return hits or clear("Every protected group has about the same share of positive labels.")


def missingness(seen: Seen) -> list[Hit]:
    """Columns missing far more or less often in a group than in the others."""
    subject = seen.subject
    if not _columns(seen):
        return unfit(NOBODY)
    columns = [column for column in subject.plain if seen.profile.of(column.name)["missing"]]
    if not columns:
        return clear("No column has missing values.")
    counts = {f"m{at}": f"count(*) FILTER ({subject.value(column)} IS NULL)" for at, column in enumerate(columns)}
    frame = _counted(seen, counts)
    own = frame["n"].to_numpy().astype(float)
    size, length = len(frame), len(columns)
    k = np.concatenate([frame[name].to_numpy().astype(float) for name in counts])
    j = np.concatenate([_rest(frame, name) for name in counts])
    n, m = np.tile(own, length), np.tile(_rest(frame, "n"), length)
    gap, low, high, odd = _apart((k, n), (j, m), number("check_group_rate"))
    hits: list[Hit] = []
    for at in np.flatnonzero(odd & (gap > 0)).tolist():
        row: dict[str, Any] = frame.row(at % size, named=True)
        column, group, name = row["column"], row["group"], columns[at // size].name
        if name == column:
            continue
        here, there, ends = _said(k[at] / n[at], j[at] / m[at], low[at], high[at])
        said = f"'{name}' is missing in {here} of '{group}' in '{column}', of the others {there} ({ends})."
        fix = "A model knows less of this group: ask why, and compare its metrics."
        where = And((Compare(column, "=", group), Missing(name)))
        hits.append(Hit(FOUND, said, int(k[at]), (name, column), where, fix))
    return hits or clear("No column is missing far more often in one protected group.")


for check in (
    Check(
        *("B01", "Representation of groups", "medium", "Groups with another share than before.", representation),
        ("check_group_share",),
    ),
    Check(
        *("B02", "Label rate by group", "medium", "Groups with another share of positive labels.", rates),
        ("check_group_rate",),
    ),
    Check(
        *("B03", "Missing values by group", "medium", "Columns missing far more in one group.", missingness),
        ("check_group_rate",),
    ),
):
    CHECKS.add(check)
