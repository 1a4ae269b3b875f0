"""Rules of a dataset, kept in the catalog: one set a dataset's name, and what came of it for each version."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from analysis.core.dataset import Dataset
from analysis.core.rule import Rule, apart, read_rule
from analysis.store import definitions
from analysis.store.workspace import Workspace

KIND, RUN, NAME = "rules", "rule run", "rules"


@dataclass(frozen=True)
class Run:
    """What came of a dataset's rules. version: of the dataset. rules: the version of the set it was held to."""

    version: int
    rules: int
    rows: list[dict[str, Any]]
    created: str


def listed(workspace: Workspace, dataset: str) -> tuple[list[Rule], int]:
    """(the rules of the dataset of this name, the version of the set); ([], 0) where there are none."""
    kept = definitions.listed(workspace, KIND, dataset)
    return ([read_rule(each) for each in kept[0].body["rules"]], kept[0].version) if kept else ([], 0)


def keep(workspace: Workspace, dataset: str, rules: Sequence[Rule], after: int) -> None:
    """Keep these rules, all of them, in place of those of version `after`; ChangedMeanwhile where those that are there
    are of another version."""
    body = {"rules": [rule.body() for rule in apart(rules)]}
    definitions.keep(workspace, kind=KIND, name=NAME, body=body, scope=dataset, after=after)


def runs(workspace: Workspace, dataset: str) -> list[Run]:
    """The last run of each version, ascending."""
    kept = definitions.listed(workspace, RUN, dataset)
    made = [Run(each.body["version"], each.body["rules"], each.body["rows"], each.created) for each in kept]
    return sorted(made, key=lambda each: each.version)


def record(workspace: Workspace, dataset: Dataset, rules: int, rows: Sequence[dict[str, Any]]) -> None:
    """Keep what came of a version."""
    body = {"version": dataset.version, "rules": rules, "rows": list(rows)}
    definitions.keep(workspace, kind=RUN, name=f"version {dataset.version}", body=body, scope=dataset.name)
