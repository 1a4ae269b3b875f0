"""Own metrics of an evaluation: what analysts defined, as metrics that are asked for and measured like any other."""

from collections.abc import Mapping

import numpy as np

from analysis.core.errors import BadRequest
from analysis.core.evaluation import Evaluation
from analysis.core.ownmetric import FORMULA, OwnMetric
from analysis.core.roles import BINARY, MULTICLASS, REGRESSION
from analysis.engine.judgement import decision
from analysis.engine.parts.own import NEED
from analysis.engine.rowsql import row_sql
from analysis.engine.rowterm import read
from analysis.metrics import METRICS
from analysis.metrics.definition import Metric, Sql
from analysis.metrics.own import formula_metric, refused
from analysis.metrics.rowmetric import RowEstimator, no_skill
from analysis.store import definitions
from analysis.store.definitions import Definition
from analysis.store.workspace import Workspace

KIND = "metric"
SHARED = ""
"""The scope of what all evaluations share."""
COUNTED = {
    "avg": "rows with a value",
    "share": "rows where it is known",
    "sum": "rows with a value",
    "count": "rows where it is known",
}


def built(own: OwnMetric, evaluation: Evaluation) -> Metric:
    """The metric an own metric defines here; BadRequest where its text names or does what cannot be."""
    if own.name in METRICS:
        raise BadRequest(f"'{own.name}' is a built-in metric; choose another name.")
    if own.kind == FORMULA:
        return formula_metric(own, evaluation.task)
    return expression_metric(own, evaluation)


def expression_metric(own: OwnMetric, evaluation: Evaluation) -> Metric:
    """The metric a row expression defines for this evaluation."""
    term, model = read(own.text), evaluation.models[0]
    made = row_sql(term, evaluation, model, decision(model, None))
    aggregate = "share" if term.aggregate == "avg" and made.kind == "boolean" else term.aggregate
    roles = {"prediction": "predictions", "label": "labels", "score": "has:score"}
    needs = (NEED + own.text, *(need for word, need in roles.items() if word in term.uses))
    total = "sum(w * x)" if aggregate in ("sum", "count") else "sum(w * x) / nullif(sum(w), 0)"
    lowest = 0.0 if made.kind == "boolean" else -np.inf
    return Metric(
        own.name,
        own.title,
        tasks=(evaluation.task,),
        needs=needs,
        better=None if own.better == "none" else own.better,
        low=lowest,
        high=1.0 if aggregate == "share" else np.inf,
        unit=own.unit or ("share" if aggregate == "share" else "label"),
        counts=COUNTED[aggregate],
        help=f"{own.purpose} Own metric: {own.text}.".strip(),
        source=own.text,
        estimate=RowEstimator(own.text, aggregate),
        baseline=no_skill,
        sql=Sql("own", total, "count(*)"),
    )


def own_metrics(workspace: Workspace, evaluation: Evaluation) -> Mapping[str, Metric]:
    """{name: metric} of what is defined for this evaluation or for all; its own wins over the shared one of a name.

    One the evaluation cannot answer, as it names a column that is gone, is there too, undefined with the reason; a
    shared one of another task is not.
    """
    found: dict[str, Metric] = {}
    for scope in (SHARED, evaluation.name):
        for kept in definitions.listed(workspace, KIND, scope):
            own = OwnMetric(kept.name, **kept.body)
            try:
                found[own.name] = built(own, evaluation)
            except BadRequest as error:
                if scope:
                    found[own.name] = refused(own, evaluation.task, str(error))
    return found


def keep(workspace: Workspace, own: OwnMetric, evaluation: Evaluation | None, *, shared: bool = False) -> None:
    """Keep an own metric for this evaluation, or shared by all, once it can be built for this one.

    Without an evaluation only a formula can be kept, once it can be built for some task, and it is shared.
    """
    if evaluation is None:
        _built_somewhere(own)
    else:
        built(own, evaluation)
    scope = SHARED if shared or evaluation is None else evaluation.name
    definitions.keep(workspace, kind=KIND, name=own.name, body=own.body(), scope=scope)


def _built_somewhere(own: OwnMetric) -> None:
    if own.kind != FORMULA:
        raise BadRequest("An expression names columns: say with --evaluation in which evaluation they are.")
    if own.name in METRICS:
        raise BadRequest(f"'{own.name}' is a built-in metric; choose another name.")
    refusals = []
    for task in (BINARY, MULTICLASS, REGRESSION):
        try:
            formula_metric(own, task)
            return
        except BadRequest as error:
            refusals.append(error)
    raise refusals[0]


def kept(workspace: Workspace, evaluation: Evaluation) -> list[Definition]:
    """What is defined for this evaluation, then what is shared by all, as far as it is not for other tasks."""
    known = own_metrics(workspace, evaluation)
    found = [each for scope in (evaluation.name, SHARED) for each in definitions.listed(workspace, KIND, scope)]
    return [each for each in found if each.name in known]
