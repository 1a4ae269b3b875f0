"""Members: how many of the rows of each group of a column belong to a segment, which may use the judged columns."""

from dataclasses import dataclass, field

from analysis.core import judged
from analysis.core.evaluation import Evaluation
from analysis.core.segment import And, Everything, Missing, Not, Or, Segment, every
from analysis.engine.condition import render
from analysis.engine.rows import Judged, RowQuery
from analysis.engine.statements import key_sql


@dataclass(frozen=True)
class Members(RowQuery):
    """Rows by groups of the column `by`: k0 (as text; null: missing), n, inside (those in `segment`)."""

    segment: Segment = field(default_factory=Everything)
    by: str = ""

    def statement(self, seen: Judged) -> str:
        where = self.scope(seen)
        key = key_sql(seen.evaluation.column(self.by), where)
        inside = render(self.segment, seen.references())
        return (
            f"SELECT CAST({key} AS VARCHAR) AS k0, count(*) AS n, count(*) FILTER (WHERE {inside}) AS inside "
            f"FROM rows r WHERE {where} GROUP BY 1 ORDER BY n DESC, k0"
        )


def judges(evaluation: Evaluation, segment: Segment) -> bool:
    """Whether a segment asks for what the label or a model version says of a row."""
    return bool(segment.columns() & set(judged.named(evaluation).values()))


def settled(evaluation: Evaluation, segment: Segment) -> Segment:
    """The rows of which it is known whether they are in the segment: those with every judged column it compares.

    A row without a label yet is not outside of "missed by the model", nobody knows; where a segment asks whether the
    label is missing, all rows are.
    """
    asked = set(judged.named(evaluation).values()) & segment.columns() - _missing(segment)
    return every(Not(Missing(name)) for name in sorted(asked))


def _missing(segment: Segment) -> frozenset[str]:
    """The columns a segment asks to be missing, or not."""
    match segment:
        case Missing(name):
            return frozenset({name})
        case Not(part):
            return _missing(part)
        case And(parts) | Or(parts):
            return frozenset[str]().union(*[_missing(part) for part in parts])
    return frozenset()
