"""Row sets: rows that are summed over beside those with a label and an answer, and their terms, as SQL.

"answers": every row in scope; "costs": those the model answered that have a cost; "decided_costs": labelled and decided
ones with a cost; "bands": those with every quantile; "quantiles": of these, the labelled ones.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from analysis.core.errors import BadRequest
from analysis.core.evaluation import Evaluation, ModelFacts
from analysis.core.schema import FLOATS, Column
from analysis.engine.terms import answered


@dataclass(frozen=True)
class RowSet:
    """where: its condition; terms: {name: per-row SQL}. Both over a row `r`."""

    where: str
    terms: dict[str, str]


def row_set(name: str, evaluation: Evaluation, models: Sequence[ModelFacts], decision: str) -> RowSet:
    """The row set of a model version, the first; of a pair its rows are those both answered, but for "answers".

    decision: the decided class in SQL.
    """
    model = models[0]
    if name == "answers":
        return RowSet("true", {"unanswered": f"CAST(NOT {answered(evaluation, model)} AS INTEGER)"})
    if name in ("costs", "decided_costs"):
        cost = cost_sql(evaluation)
        terms = {"cost": cost, "cost2": f"({cost}) ** 2"}
        if name == "costs":
            return RowSet(f"{answered(evaluation, *models)} AND {cost} IS NOT NULL", terms)
        right = f"CAST(r.y = {decision} AS INTEGER)"
        terms |= {"right": right, "cost_right": f"({cost}) * {right}"}
        return RowSet(f"r.y IS NOT NULL AND {decision} IS NOT NULL AND {cost} IS NOT NULL", terms)
    columns = [f"r.z{model.index}_{place}" for place in range(len(model.quantiles))]
    every = [f"r.z{each.index}_{place}" for each in models for place in range(len(each.quantiles))]
    known = " AND ".join(f"{column} IS NOT NULL" for column in every)
    by_level = sorted((level, column) for (level, _), column in zip(model.quantiles, columns, strict=True))
    (least, low), (most, high) = by_level[0], by_level[-1]
    if name == "bands":
        return RowSet(known, {"width": f"{high} - {low}", "width2": f"({high} - {low}) ** 2"})
    loss = _pinball(columns, model)
    flat = _pinball([f"({each!r})" for each in model.label_quantiles], model)
    inside = f"CAST(r.y BETWEEN {low} AND {high} AS INTEGER)"
    terms = {"loss": loss, "loss2": f"({loss}) ** 2", "flat": flat, "inside": inside, "nominal": f"{most - least!r}"}
    return RowSet(f"{known} AND r.y IS NOT NULL", terms)


def _pinball(forecasts: list[str], model: ModelFacts) -> str:
    """The mean over the levels of a row's pinball loss."""
    parts = [
        f"greatest({level!r} * (r.y - {forecast}), {level - 1!r} * (r.y - {forecast}))"
        for (level, _), forecast in zip(model.quantiles, forecasts, strict=True)
    ]
    return f"({' + '.join(parts)}) / {len(parts)}"


def cost_sql(evaluation: Evaluation) -> str:
    """A row's cost as DOUBLE, null where it has none or an infinite one."""
    name = evaluation.roles.cost
    if name is None:
        raise BadRequest(f"'{evaluation.name}' has no cost column; give one the role cost.")
    found = evaluation.column(name)
    if not Column("", "", found.type).numeric:
        raise BadRequest(f"The cost column '{name}' holds {found.type}, not numbers.")
    raw = f"CAST(r.{found.key} AS DOUBLE)"
    return f"CASE WHEN isfinite({raw}) THEN {raw} END" if found.type in FLOATS else raw
