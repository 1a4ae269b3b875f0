"""Obstacles: the roles some metrics rest on, and what an evaluation or its file lacks of them."""

from analysis.core.evaluation import Evaluation, ModelFacts
from analysis.core.schema import Column
from analysis.metrics.definition import Metric

OLDER = "made by an older Assay: save its roles again"
ROLE_OF = {
    "order:latency": "latency",
    "days": "time",
    "over:costs": "cost",
    "over:decided_costs": "cost",
    "over:bands": "quantile",
    "over:quantiles": "quantile",
    "has:band": "quantile",
}
WITHOUT_LABEL = (
    "predictions",
    "order:latency",
    "days",
    "over:answers",
    "over:costs",
    "over:bands",
    "has:",
    "own:",
    "refused:",
)


def role(need: str) -> str | None:
    """The role a need rests on, None where it is none of those here."""
    return next((role for start, role in ROLE_OF.items() if need.startswith(start)), None)


def without_label(metric: Metric) -> bool:
    """Whether nobody needs to know what was right."""
    return all(need.startswith(WITHOUT_LABEL) for need in metric.needs)


def offered(metric: Metric, evaluation: Evaluation) -> bool:
    """Whether some column has each role the metric rests on; else it is answered only where asked for by name."""
    held = {
        "latency": any(model.latency for model in evaluation.models),
        "time": evaluation.roles.time is not None,
        "cost": evaluation.roles.cost is not None,
        "quantile": any(model.quantiles for model in evaluation.models),
    }
    return all(held.get(str(role(need)), True) for need in metric.needs)


def lacking(need: str, evaluation: Evaluation, model: ModelFacts) -> str | None:
    """Why a need that rests on a role cannot be met for a model, None when it can."""
    wanted = role(need)
    if wanted == "latency":
        lacks, older = not model.latency, not model.latency_codes
    elif wanted == "quantile":
        lacks, older = not model.quantiles, not model.label_quantiles
    else:
        lacks = wanted is not None and getattr(evaluation.roles, wanted) is None
        older = need == "rank_products" and not model.ranked
    if lacks:
        return f"needs a {wanted} column: give one the role {wanted}"
    if older:
        return OLDER
    if need == "has:band" and len(model.quantiles) < 2:
        return "needs two quantile columns"
    if wanted == "cost":
        column = evaluation.column(str(evaluation.roles.cost))
        if not Column("", "", column.type).numeric:
            return f"the cost column '{column.name}' holds {column.type}, not numbers"
    return None
