"""Does the data keep to its rules, did it ever, and which rules does a reference let one expect?"""

import time
from collections.abc import Callable, Sequence
from typing import Any

import polars as pl

from analysis.core import words
from analysis.core.receipt import Receipt, Result
from analysis.core.rule import FAIL, OPEN, OUTCOMES, PASS, WARN, Rule
from analysis.core.settings import number
from analysis.engine import ruling
from analysis.engine.profile import profile
from analysis.engine.ruling import Others
from analysis.engine.subject import Subject
from analysis.engine.suggesting import suggested
from analysis.engine.timeline import timeline
from analysis.store.rules import Run

COLUMNS: dict[str, Any] = {
    **dict.fromkeys(("rule", "column", "expectation", "severity", "outcome"), pl.String),
    **dict.fromkeys(("rows", "n"), pl.Int64),
    **dict.fromkeys(("value", "at_most"), pl.Float64),
    **dict.fromkeys(("sentence", "where", "reason"), pl.String),
}


def rules(subject: Subject, *, rules: Sequence[Rule], others: Others) -> Result:
    """A row a rule, the broken ones first: its rule (name), column, expectation, severity and outcome (pass, warn,
    fail, not applicable), rows that break it of n, value (their share, or the total variation from the reference),
    at_most, sentence, where (the rows, where a condition says them) and reason. others: a dataset by its reference."""
    began = time.perf_counter()
    found = [ruling.ruled(subject, rule, others) for rule in rules]
    frame = _ordered(pl.DataFrame([ruling.row(each) for each in found], schema=COLUMNS))
    head = f"SELECT count(*) AS n FROM {subject.relation} r WHERE"
    sql = {
        each.rule.name: subject.bare(f"{head} {subject.condition(each.where)}")
        for each in found
        if each.where is not None
    }
    receipt = Receipt(
        "rules",
        subject.name,
        subject.fingerprint,
        {"kind": subject.kind, "rules": [rule.body() for rule in rules]},
        sql=sql,
        seconds=time.perf_counter() - began,
    )
    return Result(frame, verdict(subject.name, frame), receipt)


def _ordered(frame: pl.DataFrame) -> pl.DataFrame:
    order = {name: at for at, name in enumerate(OUTCOMES)}
    return frame.sort(pl.col("outcome").replace_strict(order, return_dtype=pl.Int64), maintain_order=True)


def verdict(name: str, frame: pl.DataFrame) -> str:
    """How many rules a table breaks, and the first of them."""
    if not len(frame):
        return f"{name} has no rules yet."
    counts = {outcome: int((frame["outcome"] == outcome).sum()) for outcome in OUTCOMES}
    apart = f", {counts[OPEN]:,} not applicable" if counts[OPEN] else ""
    if not counts[FAIL] and not counts[WARN]:
        return f"{name} keeps to its rules: {counts[PASS]:,} of {len(frame):,} pass{apart}."
    head = f"{name} breaks {words.plural(counts[FAIL] + counts[WARN], 'rule')} of {len(frame):,}: "
    head += f"{counts[FAIL]:,} of severity fail, {counts[WARN]:,} of severity warn{apart}."
    return f"{head}\n{frame['sentence'][0]}"


def rule_history(name: str, runs: Sequence[Run]) -> Result:
    """A row a rule and version of a dataset, the columns of `rules` and: version, ran (when)."""
    rows = [row | {"version": run.version, "ran": run.created} for run in runs for row in run.rows]
    frame = pl.DataFrame(rows, schema={**COLUMNS, "version": pl.Int64, "ran": pl.String})
    last = frame.filter(pl.col("version") == frame["version"].max()) if len(frame) else frame
    label = f"{name}@{runs[-1].version}" if runs else name
    return Result(frame, verdict(label, _ordered(last)), Receipt("rules", label, "", {"versions": len(runs)}))


SUGGESTED: dict[str, Any] = {
    **dict.fromkeys(("rule", "column", "expectation", "severity"), pl.String),
    **dict.fromkeys(("at_most", "value"), pl.Float64),
    **dict.fromkeys(("fired", "periods"), pl.Int64),
    "sentence": pl.String,
}


def suggest_rules(
    subject: Subject, *, progress: Callable[[float, str], None] = lambda share, doing: None
) -> tuple[Result, list[Rule]]:
    """(a row a rule, the rules themselves in that order): at_most is what chance makes of a new table like this
    reference, value what it is in the reference itself, fired in how many of its past `periods` it would have fired;
    null where the table has no time."""
    began = time.perf_counter()
    counted, course = profile(subject), timeline(subject)
    found = suggested(subject, counted, course, progress)
    rows = [
        {
            "rule": each.rule.name,
            "column": each.rule.column,
            "expectation": each.rule.expectation,
            "severity": each.rule.severity,
            "at_most": each.rule.at_most,
            "value": each.value,
            "fired": each.fired,
            "periods": each.periods if each.fired is not None else None,
            "sentence": each.rule.sentence,
        }
        for each in found
    ]
    frame = pl.DataFrame(rows, schema=SUGGESTED)
    often = frame.filter(pl.col("fired") > 0)
    said = f"{words.plural(len(frame), 'rule')} that {subject.name} lets one expect."
    if not isinstance(course, str):
        said += f" {len(often):,} of them would have fired in past periods, by {course.bucket}."
    alarm = number("rules_alarm")
    options = {"kind": subject.kind, "alarm": alarm, "periods": course if isinstance(course, str) else course.bucket}
    receipt = Receipt("suggest rules", subject.name, subject.fingerprint, options, seconds=time.perf_counter() - began)
    return Result(frame, said, receipt), [each.rule for each in found]
