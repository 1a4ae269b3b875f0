"""Policies in the workspace: kept under a name for one evaluation and all its versions."""

from collections.abc import Sequence
from typing import Any

import polars as pl

from analysis.core.cutoffs import Band, ByGroup, Threshold, start
from analysis.core.errors import BadRequest, UnknownName
from analysis.core.evaluation import Evaluation
from analysis.core.policy import KIND, Policy, named
from analysis.store import definitions
from analysis.store.workspace import Workspace


def keep(workspace: Workspace, evaluation: Evaluation, name: str, policy: Policy) -> str:
    """Keep a policy as the next version of its name; the name as it is kept."""
    return definitions.keep(workspace, kind=KIND, name=named(name), body=policy.to_dict(), scope=evaluation.name).name


def listed(workspace: Workspace, evaluation: Evaluation) -> dict[str, Policy]:
    """The evaluation's policies by name."""
    known = definitions.listed(workspace, KIND, evaluation.name)
    return {each.name: Policy.from_dict(each.body) for each in known}


def find(workspace: Workspace, evaluation: Evaluation, name: str) -> Policy:
    """The policy of this name; UnknownName where the evaluation has none."""
    known = listed(workspace, evaluation)
    if name not in known:
        raise UnknownName("policy", name, list(known))
    return known[name]


def chosen(evaluation: Evaluation, recommended: Sequence[dict[str, Any]]) -> Policy:
    """The policy of the first recommendation that found a threshold; BadRequest where none did."""
    for each in recommended:
        if each.get("threshold") is None:
            continue
        rule: Threshold = each["threshold"]
        if each.get("band"):
            rule = Band(*each["band"])
        elif each.get("thresholds"):
            groups = tuple((one["group"], one["threshold"]) for one in each["thresholds"])
            rule = ByGroup(each["threshold"], each["by"], groups)
        return Policy(each["model"], rule, each["goal"], evaluation.label)
    raise BadRequest("No goal found a threshold, so there is no policy to save.")


def table(known: dict[str, Policy]) -> pl.DataFrame:
    """A row a policy; threshold: that of every row or group without one of its own, null for a band."""
    schema = {"name": pl.String, "model": pl.String, "threshold": pl.Float64, "rule": pl.String, "goal": pl.String}
    rows = [
        {
            "name": name,
            "model": each.model,
            "threshold": None if isinstance(each.rule, Band) else start(each.rule),
            "rule": each.sentence(),
            "goal": each.goal,
        }
        for name, each in known.items()
    ]
    return pl.DataFrame(rows, schema=schema)
