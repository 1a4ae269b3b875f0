"""Citations: a result's numbers as plain text to paste elsewhere, each with its interval, the receipt at the end."""

from typing import Any

from analysis.core import words
from analysis.core.receipt import Result
from analysis.metrics import defined

MOST = 60
"""Rows of a frame that are cited one by one; a longer frame is a table to download."""
NEEDED = {"metric", "model", "value", "low", "high", "n"}


def citation(result: Result) -> str:
    """The sentence, a line a number of the frame (where it has metrics, at most MOST), and where they come from."""
    lines = result.sentence.splitlines()
    if set(result.frame.columns) >= NEEDED and len(result.frame) <= MOST:
        lines += ["", *(_number(row, result) for row in result.frame.iter_rows(named=True))]
    return "\n".join([*lines, "", source(result)])


def source(result: Result) -> str:
    """What a result is of, and its receipt, in a line."""
    said = result.receipt
    where = said.options.get("where")
    span = [said.options.get("from"), said.options.get("to")]
    scope = [f"rows where {where}"] if where else []
    scope += [f"{span[0] or 'start'} to {span[1] or 'end'}"] if any(span) else []
    scope += [f"threshold {said.options['threshold']:g}"] if said.options.get("threshold") is not None else []
    of = "".join(f", {each}" for each in scope)
    return f"{said.evaluation} ({said.fingerprint[:12]}){of}. Assay {said.version}, receipt {said.id}."


def _number(row: dict[str, Any], result: Result) -> str:
    metric = defined(row["metric"], result.own)
    of = f", class {row['class']}" if row.get("class") else ""
    at = f", threshold {row['threshold']:.6g}" if row.get("threshold") is not None else ""
    head = f"{metric.title}, {row['model']}{of}{at}"
    if row["value"] is None:
        return f"{head}: undefined ({row.get('reason') or 'no reason given'})"
    value = words.number(row["value"], metric.unit)
    if row["low"] is None or row["high"] is None:
        return f"{head}: {value} (n {row['n']:,})"
    level = f"{100 * result.receipt.options.get('level', 0.95):g}%"
    ends = f"{words.number(row['low'], metric.unit)} to {words.number(row['high'], metric.unit)}"
    return f"{head}: {value} ({level} interval {ends}, n {row['n']:,} {metric.counts})"
