"""Saved segments in the workspace: versions, what depends on what, names, and never a circle."""

import pytest

from analysis.core.errors import BadRequest, NotFound, UnknownName
from analysis.core.expression import parse
from analysis.core.segment import Saved, resolve
from analysis.store import segments
from analysis.store.workspace import Workspace


def texts(workspace: Workspace) -> dict[str, str]:
    return {each.name: each.segment.expression() for each in segments.listed(workspace)}


def test_a_name_kept_again_is_its_next_version(workspace: Workspace) -> None:
    first = segments.save(workspace, " west ", parse("region = 'West'"), description=" the West ")
    assert (first.name, first.version, first.description, first.actor) == ("west", 1, "the West", "tester")
    assert segments.save(workspace, "west", parse("region = 'West'"), description="the West") == first
    second = segments.save(workspace, "west", parse("region in ('West', 'South')"))
    assert segments.find(workspace, "west") == second
    assert [each.version for each in segments.versions(workspace, "west")] == [2, 1]
    assert segments.versions(workspace, "west")[1] == first


def test_segments_compose_and_a_change_reaches_all(workspace: Workspace) -> None:
    segments.save(workspace, "west", parse("region = 'West'"))
    segments.save(workspace, "large west", parse("@west and amount > 5"))
    segments.save(workspace, "west", parse("region = 'W'"))
    whole = resolve(Saved("large west"), segments.conditions(workspace))
    assert whole.expression() == "region = 'W' and amount > 5"
    assert texts(workspace)["large west"] == "@west and amount > 5"


def test_a_circle_or_an_unknown_name_is_not_kept(workspace: Workspace) -> None:
    segments.save(workspace, "a", parse("x = 1"))
    segments.save(workspace, "b", parse("not @a"))
    for name, text in (("a", "@b or x = 2"), ("a", "@a"), ("c", "@c")):
        with pytest.raises(BadRequest, match="in a circle"):
            segments.save(workspace, name, parse(text))
    with pytest.raises(UnknownName, match="no saved segment 'z'"):
        segments.save(workspace, "c", parse("@z"))
    assert texts(workspace) == {"a": "x = 1", "b": "not (@a)"}


def test_what_others_are_made_of_is_not_deleted(workspace: Workspace) -> None:
    for name, text in (("a", "x = 1"), ("b", "@a"), ("c", "@b and y = 2")):
        segments.save(workspace, name, parse(text))
    assert segments.dependents(workspace, "a") == ["b", "c"]
    with pytest.raises(BadRequest, match="'a' is part of 'b' and 'c'"):
        segments.delete(workspace, "a")
    for name in ("c", "b", "a"):
        segments.delete(workspace, name)
    assert texts(workspace) == {}
    with pytest.raises(NotFound, match="no segment 'a'"):
        segments.delete(workspace, "a")
    assert segments.save(workspace, "a", parse("x = 3")).version == 2


def test_a_new_name_is_followed_where_the_old_one_was_mentioned(workspace: Workspace) -> None:
    segments.save(workspace, "a", parse("x = 1"), description="why")
    segments.save(workspace, "b", parse("not @a or y = 1"))
    made = segments.rename(workspace, "a", "the first")
    assert (made.name, made.description) == ("the first", "why")
    assert texts(workspace) == {"b": 'not (@"the first") or y = 1', "the first": "x = 1"}
    assert segments.rename(workspace, "b", "b").version == 2
    with pytest.raises(BadRequest, match="already a segment called 'b'"):
        segments.rename(workspace, "the first", "b")
    assert texts(workspace) == {"b": 'not (@"the first") or y = 1', "the first": "x = 1"}


@pytest.mark.parametrize("name", ["", "  ", "a@b", "a~b", "x" * 201])
def test_a_name_must_be_one(workspace: Workspace, name: str) -> None:
    with pytest.raises(BadRequest):
        segments.save(workspace, name, parse("x = 1"))
    assert segments.listed(workspace) == []
