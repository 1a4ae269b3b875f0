"""Policies in the workspace: kept under a name for one evaluation and all its versions."""

from collections.abc import Sequence
from typing import Any

import polars as pl

from analysis.core.errors import BadRequest
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


def chosen(evaluation: Evaluation, recommended: Sequence[dict[str, Any]]) -> Policy:
    """The policy of the first recommendation that found a threshold; BadRequest where none did."""
    for each in recommended:
        if each.get("threshold") is None:
            continue
        band = each.get("band")
        return Policy(
            each["model"],
            None if band else each["threshold"],
            (band[0], band[1]) if band else None,
            each.get("by", ""),
            tuple((one["group"], one["threshold"]) for one in each.get("thresholds", [])),
            each["goal"],
            evaluation.label,
        )
    raise BadRequest("No goal found a threshold, so there is no policy to save.")


def table(known: dict[str, Policy]) -> pl.DataFrame:
    """A row a policy."""
    schema = {"name": pl.String, "model": pl.String, "threshold": pl.Float64, "rule": pl.String, "goal": pl.String}
    rows = [
        {"name": name, "model": each.model, "threshold": each.threshold, "rule": each.sentence(), "goal": each.goal}
        for name, each in known.items()
    ]
    return pl.DataFrame(rows, schema=schema)
