"""Definitions: versions by name, one scope apart from another, forgotten without losing history."""

import pytest
import sqlalchemy as sa

from analysis.core.errors import BadRequest, NotFound
from analysis.store import definitions, evaluations, tables
from analysis.store.workspace import Workspace
from tests.store.test_evaluations import loaned, origin  # noqa: F401


def test_a_name_kept_again_is_its_next_version(workspace: Workspace) -> None:
    first = definitions.keep(workspace, kind="policy", name="strict", scope="risk", body={"threshold": 0.7})
    second = definitions.keep(workspace, kind="policy", name="strict", scope="risk", body={"threshold": 0.8})
    assert (first.version, second.version) == (1, 2)
    assert definitions.listed(workspace, "policy", "risk") == [second]
    assert definitions.find(workspace, "policy", "strict", "risk") == second


def test_the_same_body_again_is_the_version_that_is_there(workspace: Workspace) -> None:
    first = definitions.keep(workspace, kind="policy", name="strict", body={"a": [1, 2.5, None]})
    assert definitions.keep(workspace, kind="policy", name="strict", body={"a": [1, 2.5, None]}) == first


def test_scopes_and_kinds_are_apart(workspace: Workspace) -> None:
    for kind, scope in (("policy", "a"), ("policy", "b"), ("target", "a")):
        definitions.keep(workspace, kind=kind, name="one", scope=scope, body={"of": [kind, scope]})
    assert [each.scope for each in definitions.listed(workspace, "policy")] == ["a", "b"]
    assert [each.kind for each in definitions.listed(workspace, "target")] == ["target"]
    assert definitions.find(workspace, "policy", "one", "b").body == {"of": ["policy", "b"]}


def test_what_is_forgotten_is_off_the_list_and_in_the_history(workspace: Workspace) -> None:
    kept = definitions.keep(workspace, kind="policy", name="strict", body={"threshold": 0.7})
    definitions.forget(workspace, kept)
    assert definitions.listed(workspace, "policy") == []
    with pytest.raises(NotFound, match="no policy 'strict'"):
        definitions.find(workspace, "policy", "strict")
    again = definitions.keep(workspace, kind="policy", name="strict", body={"threshold": 0.7})
    assert again.version == 2
    with workspace.catalog.read() as connection:
        said = connection.execute(
            sa.select(tables.activity.c.action, tables.activity.c.actor).where(tables.activity.c.kind == "policy")
        ).all()
    assert [each.action for each in said] == ["keep", "forget", "keep"]
    assert {each.actor for each in said} == {workspace.actor}


def test_a_name_must_be_one(workspace: Workspace) -> None:
    with pytest.raises(BadRequest, match="policy needs a name"):
        definitions.keep(workspace, kind="policy", name=" \n", body={})


def test_a_renamed_evaluation_keeps_its_definitions(loaned: Workspace) -> None:  # noqa: F811
    kept = definitions.keep(loaned, kind="target", name="recall", scope="risk", body={"least": 0.6})
    evaluations.rename(loaned, evaluations.find(loaned, "risk"), "danger")
    assert definitions.listed(loaned, "target", "risk") == []
    assert definitions.find(loaned, "target", "recall", "danger").id == kept.id
