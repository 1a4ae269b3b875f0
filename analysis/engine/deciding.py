"""Deciding: a decision rule as SQL over a score, or over its codes."""

from collections.abc import Callable
from dataclasses import dataclass

from analysis.core.cutoffs import Band, ByGroup, Threshold
from analysis.core.errors import BadRequest
from analysis.core.evaluation import EvalColumn, Evaluation
from analysis.engine.condition import double, quoted
from analysis.engine.groups import bin_labels
from analysis.engine.statements import value_sql


@dataclass(frozen=True)
class Cut:
    """Where a row's value (a score or its code) becomes a decision, in SQL.

    positive: from this value on positive. review: from this one on not negative any more; the same without a band.
    """

    positive: str
    review: str

    @property
    def band(self) -> bool:
        """Whether some values are left undecided."""
        return self.positive != self.review

    def decides(self, value: str) -> str:
        """The decided class of a row with this value; NULL for review, and where there is no value."""
        if not self.band:
            return f"CAST({value} >= {self.positive} AS USMALLINT)"
        return f"CAST(CASE WHEN {value} >= {self.positive} THEN 1 WHEN {value} < {self.review} THEN 0 END AS USMALLINT)"

    def reviews(self, value: str) -> str:
        """Whether a row with this value is for review; NULL where there is no value."""
        return f"({value} >= {self.review} AND {value} < {self.positive})" if self.band else "false"


def over_scores(evaluation: Evaluation, rule: Threshold) -> Cut:
    """The rule over the scores themselves."""
    return cut(evaluation, rule, double)


def cut(evaluation: Evaluation, rule: Threshold, written: Callable[[float], str]) -> Cut:
    """The rule in SQL with its numbers as `written` says. UnknownName for a column the evaluation does not have,
    BadRequest for a group that cannot be told apart in it."""
    if isinstance(rule, Band):
        return Cut(written(rule.high), written(rule.low))
    if not isinstance(rule, ByGroup):
        return Cut(written(rule), written(rule))
    column = evaluation.column(rule.column)
    cases = [f"WHEN {_is_in(column, group)} THEN {written(at)}" for group, at in rule.groups]
    at = f"CASE {' '.join(cases)} ELSE {written(rule.threshold)} END"
    return Cut(at, at)


def _is_in(column: EvalColumn, group: str | None) -> str:
    """The test for a group as cubes name it: a value as text, or a bin by its edges."""
    if group is None:
        return f"r.{column.key} IS NULL"
    if column.encoding != "bins":
        return f"CAST({value_sql(column)} AS VARCHAR) = {quoted(group)}"
    labels = bin_labels(column)
    if group not in labels:
        raise BadRequest(
            f"The policy has a threshold for '{column.name}' in {group}, and here that column has other bins; "
            "save the policy anew for this version of the evaluation."
        )
    return f"r.{column.code} = {labels.index(group)}"
