"""Grouped: the groups of a query as segments, so that what is drawn as a mark can be asked of as a condition."""

from collections.abc import Sequence

import polars as pl

from analysis.core.cut import Cut
from analysis.core.evaluation import EvalColumn, Evaluation
from analysis.core.literal import fit
from analysis.core.segment import And, Compare, Missing, Not, OneOf, Segment
from analysis.engine.groups import OTHER, bin_labels

Key = str | Cut
LISTED = 1000


def conditions(evaluation: Evaluation, by: Sequence[Key], groups: pl.DataFrame) -> list[Segment]:
    """The segment of each group of a cube, in their order. groups: as the cube has them, a column a key.

    They are disjoint, and together they are all rows.
    """
    parts = [_of(evaluation, key, groups[name].to_list()) for key, name in zip(by, groups.columns, strict=False)]
    return [row[0] if len(row) == 1 else And(tuple(row)) for row in zip(*parts, strict=True)]


def _of(evaluation: Evaluation, key: Key, values: list[str | None]) -> list[Segment]:
    if isinstance(key, Cut):
        names = {name: place for place, name in enumerate(key.names())}
        known = {each: Missing(key.column) if each is None else key.segment(names[each]) for each in set(values)}
        return [known[each] for each in values]
    column = evaluation.column(key)
    if column.encoding == "bins":
        return [_bin(column, each) for each in values]
    named = [each for each in dict.fromkeys(values) if each is not None and not _folded(column, each)]
    made = {each: Compare(column.name, "=", fit(each, column.type, column=column.name)) for each in named}
    rest = Not(OneOf(column.name, tuple(named))) if named else Not(Missing(column.name))
    other: Segment = And((rest, Not(Missing(column.name))))
    return [Missing(column.name) if each is None else made.get(each, other) for each in values]


def _folded(column: EvalColumn, value: str) -> bool:
    """Whether this group is not a value but the many that have no group of their own."""
    return column.encoding == "plain" and value == OTHER


def _bin(column: EvalColumn, label: str | None) -> Segment:
    if label is None:
        return Missing(column.name)
    place = bin_labels(column).index(label)
    inner = tuple(fit(edge, column.type, column=column.name) for edge in column.edges[1:-1])
    return Cut(column.name, inner).segment(place)
