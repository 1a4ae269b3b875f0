"""Ruling: a table held to its rules: how many rows break each, and whether that is more than it allows."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from analysis.core import words
from analysis.core.dataset import Dataset
from analysis.core.errors import AssayError, BadRequest
from analysis.core.roles import Roles
from analysis.core.rule import FAIL, IN_RANGE, IN_SET, LIKE, MATCHES, MONOTONIC, OPEN, PASS, REFERS, UNIQUE, Rule
from analysis.core.schema import Column
from analysis.core.segment import Segment
from analysis.engine.condition import quoted
from analysis.engine.subject import Subject, of_dataset
from analysis.store import datasets
from analysis.store import rules as kept
from analysis.store.workspace import Workspace

Others = Callable[[str], Subject]
OF_VALUES = (UNIQUE, IN_SET, IN_RANGE, MATCHES, REFERS, MONOTONIC, LIKE)
"""Expectations of the values that are there: missing ones are left out of n."""


@dataclass(frozen=True)
class Ruled:
    """What came of a rule. rows: those that break it, of n; of a distribution None. value: their share, or the total
    variation from the reference (0 to 1); None where it could not be told, with the reason. where: the rows, where a
    segment says them."""

    rule: Rule
    outcome: str
    value: float | None = None
    rows: int | None = None
    n: int = 0
    where: Segment | None = None
    reason: str = ""


def ruled(subject: Subject, rule: Rule, others: Others) -> Ruled:
    """A table held to one rule. What cannot be told breaks it: nobody knows that it is well. Only a column without
    any value is no matter for rules of values. others: the table of a dataset by its reference."""
    try:
        column = subject.column(rule.column)
        where = rule.broken({each.name: each.type for each in subject.columns})
        n, broken = _counts(subject, rule, column, where, others)
    except AssayError as error:
        return Ruled(rule, rule.severity, reason=str(error))
    if not n:
        return Ruled(rule, OPEN, reason="no row has a value")
    value = broken if rule.expectation == LIKE else broken / n
    rows = None if rule.expectation == LIKE else int(broken)
    return Ruled(rule, PASS if value <= rule.at_most else rule.severity, float(value), rows, n, where)


def _counts(
    subject: Subject, rule: Rule, column: Column, where: Segment | None, others: Others
) -> tuple[int, int | float]:
    """(n, how many break it; of a distribution the total variation)."""
    value, table = subject.value(column), f"{subject.relation} r"
    if where is not None:
        of = f"count({value})" if rule.expectation in OF_VALUES else "count(*)"
        n, broken = subject.one(f"SELECT {of}, count(*) FILTER ({subject.condition(where)}) FROM {table}")
        return int(n), int(broken)
    if rule.expectation == UNIQUE:
        n, broken = subject.one(f"SELECT count({value}), count({value}) - count(DISTINCT {value}) FROM {table}")
        return int(n), int(broken)
    if rule.expectation == MONOTONIC:
        before = f"(SELECT v, lag(v) OVER (ORDER BY place) AS before FROM (SELECT {value} AS v, r.rowid AS place"
        n, broken = subject.one(
            f"SELECT count(v), count(*) FILTER (v < before) FROM {before} FROM {table}) WHERE v IS NOT NULL)"
        )
        return int(n), int(broken)
    if rule.expectation == REFERS:
        name, _, there = rule.refers.rpartition(": ")
        other = others(name)
        has = f"SELECT DISTINCT CAST({other.value(other.column(there))} AS VARCHAR) AS v FROM {other.relation} r"
        mine = f"SELECT CAST({value} AS VARCHAR) AS v, count(*) AS n FROM {table} GROUP BY 1"
        counted = subject.scan(mine).drop_nulls("v")
        return int(counted["n"].sum()), int(counted.join(other.scan(has), on="v", how="anti")["n"].sum())
    if rule.cuts and not column.numeric:
        raise BadRequest(f"The column '{column.name}' is of type {column.type}; cuts are those of numbers.")
    counted = subject.scan(f"SELECT {place(rule, value)} AS place, count(*) AS n FROM {table} GROUP BY 1")
    sizes = sizes_of(counted, len(rule.shares))
    return int(sizes.sum()), variation(sizes, rule.shares)


def place(rule: Rule, value: str) -> str:
    """The bin or category of a distribution a value is in, in SQL; missing in none."""
    if rule.cuts:
        over = " + ".join(f"CAST({value} >= CAST('{cut!r}' AS DOUBLE) AS INTEGER)" for cut in rule.cuts)
        return f"({over})"
    listed = ", ".join(quoted(each) for each in rule.values)
    text = f"CAST({value} AS VARCHAR)"
    found = f"list_position([{listed}], {text})"
    return f"CASE WHEN {text} IS NOT NULL THEN coalesce({found} - 1, {len(rule.values)}) END"


def sizes_of(counted: pl.DataFrame, bins: int) -> np.ndarray:
    """(bins,) rows by bin, of a frame with place and n."""
    sizes = np.zeros(bins)
    known = counted.drop_nulls("place")
    np.add.at(sizes, known["place"].to_numpy().astype(int), known["n"].to_numpy())
    return sizes


def variation(sizes: np.ndarray, shares: Sequence[float]) -> float:
    """Total variation of counts from shares, 0 (alike) to 1 (nothing in common); nan without counts."""
    total = sizes.sum()
    return float(np.abs(sizes / total - np.asarray(shares)).sum() / 2) if total else float("nan")


def said(found: Ruled) -> str:
    """What came of a rule, in a sentence."""
    if found.value is None:
        return f"{found.rule.sentence}: {found.reason}"
    share = words.number(found.value, "share")
    if found.rows is None:
        return f"{found.rule.sentence}: {share} of the rows lie otherwise."
    return f"{found.rule.sentence}: {words.plural(found.rows, 'row')} of {found.n:,} ({share}) break it."


def row(found: Ruled) -> dict[str, Any]:
    """What came of a rule, JSON-able: rule, column, expectation, severity, outcome, rows, n, value, at_most, sentence,
    where, reason."""
    return {
        "rule": found.rule.name,
        "column": found.rule.column,
        "expectation": found.rule.expectation,
        "severity": found.rule.severity,
        "outcome": found.outcome,
        "rows": found.rows,
        "n": found.n,
        "value": found.value,
        "at_most": found.rule.at_most,
        "sentence": said(found),
        "where": None if found.where is None else found.where.expression(),
        "reason": found.reason or None,
    }


def tables(workspace: Workspace) -> Others:
    """Datasets of a workspace by their reference, as uploaded."""
    return lambda name: of_dataset(workspace, datasets.find(workspace, name), "table", Roles())


def run(workspace: Workspace, dataset: Dataset) -> list[dict[str, Any]]:
    """What comes of the rules kept for a dataset, recorded; this version and set of rules are run once."""
    rules, version = kept.listed(workspace, dataset.name)
    known = {each.version: each for each in kept.runs(workspace, dataset.name)}.get(dataset.version)
    if known is not None and known.rules == version:
        return known.rows
    if not rules:
        return []
    subject, others = of_dataset(workspace, dataset, "table", Roles()), tables(workspace)
    rows = [row(ruled(subject, rule, others)) for rule in rules]
    kept.record(workspace, dataset, version, rows)
    return rows


def caught_up(workspace: Workspace, name: str) -> list[kept.Run]:
    """The runs of every version of a dataset: the newest held to the rules of now, an older one to those of its day, or
    to those of now where it was never held to any."""
    versions = sorted((each for each in datasets.listed(workspace) if each.name == name), key=lambda each: each.version)
    ran = {each.version for each in kept.runs(workspace, name)}
    for dataset in versions:
        if dataset.version not in ran or dataset is versions[-1]:
            run(workspace, dataset)
    there = {each.version for each in versions}
    return [each for each in kept.runs(workspace, name) if each.version in there]


def worst(rows: Sequence[dict[str, Any]]) -> bool:
    """Whether a rule of severity fail is broken."""
    return any(each["outcome"] == FAIL for each in rows)
