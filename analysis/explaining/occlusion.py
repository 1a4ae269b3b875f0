"""Occlusion: what becomes of a row's prediction when one feature is put to its usual value."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from analysis.core.background import Background
from analysis.explaining import neighbourhood
from analysis.explaining.local import Scores, answered
from analysis.explaining.neighbourhood import CATEGORY, FLAG, NUMBER, Layout, Term

SCHEMA: dict[str, Any] = {"term": pl.String, "usual": pl.String, "steps": pl.Float64, "occlusion": pl.Float64}


@dataclass(frozen=True)
class Usual:
    """value: what a term's column is put to. steps: how far the row is from it, in standard deviations of a number,
    1 for a category or flag."""

    value: Any
    steps: float


def usual(known: Background, layout: Layout, term: Term) -> Usual:
    """A number's median; a category's most frequent value, or the next where the row has it; a flag's other side."""
    feature = known.features[term.column]
    if term.kind == NUMBER:
        assert feature.median is not None  # noqa: S101 - a number without one is no term
        if layout.row[term.column] is None:  # its flag says what that is worth
            return Usual(None, 0.0)
        return Usual(feature.median, (term.base - feature.median) / term.scale)
    if term.kind == FLAG:
        return Usual(feature.median if term.own else None, 1.0)
    others = [at for at in range(len(term.values)) if at != term.own]
    return Usual(term.values[max(others, key=lambda at: term.shares[at])], 1.0)


def occluded(scores: Scores, known: Background, row: Mapping[str, Any]) -> pl.DataFrame:
    """A row a term: SCHEMA. occlusion: the prediction less the one with the usual value; 0 where the row has it."""
    layout = neighbourhood.layout(known, row)
    found = [usual(known, layout, term) for term in layout.terms]
    rows = [dict(zip(layout.names, layout.row, strict=True))]
    rows += [rows[0] | {layout.names[term.column]: each.value} for term, each in zip(layout.terms, found, strict=True)]
    kinds = {name: pl.String if text else pl.Float64 for name, text in zip(layout.names, layout.texts, strict=True)}
    said = answered(scores, pl.DataFrame(rows, schema=kinds))
    made = {
        "term": [term.name for term in layout.terms],
        "usual": [_told(term, each.value) for term, each in zip(layout.terms, found, strict=True)],
        "steps": [each.steps for each in found],
        "occlusion": said[0] - said[1:],
    }
    return pl.DataFrame(made, schema=SCHEMA)


def _told(term: Term, value: Any) -> str:
    if term.kind == FLAG:
        return "given" if term.own else "missing"
    if term.kind == CATEGORY and isinstance(value, float):
        return "true" if value else "false"
    return "missing" if value is None else f"{value:,.6g}" if isinstance(value, float) else str(value)
