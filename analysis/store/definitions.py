"""Definitions: what analysts define and name, kept in the catalog: policies, metrics of their own, targets, markers.

Each kind is a noun with a class of its own in core; here it is a name, a scope and a JSON body. A name kept again is
its next version; older versions stay, so that what was said with them can be said again.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from analysis.core.dataset import clean_name
from analysis.core.errors import BadRequest, ChangedMeanwhile, NotFound, UnknownName
from analysis.store import staging
from analysis.store.catalog import now
from analysis.store.tables import definition as table
from analysis.store.workspace import Workspace


@dataclass(frozen=True)
class Definition:
    """One version of something an analyst defined. scope: the evaluation it belongs to, by name; "" for all of them."""

    id: str
    kind: str
    scope: str
    name: str
    version: int
    body: dict[str, Any]
    created: str
    actor: str


def _made(row: Any) -> Definition:
    return Definition(row.id, row.kind, row.scope, row.name, row.version, row.body, row.created, row.actor)


def keep(
    workspace: Workspace, *, kind: str, name: str, body: dict[str, Any], scope: str = "", after: int | None = None
) -> Definition:
    """Keep a definition as the next version of its name; the same body again is the version that is there.

    after: the version it changes, 0 where there is none; ChangedMeanwhile where another is the newest by now.
    """
    name = clean_name(name, kind)
    with workspace.catalog.write() as connection:
        if after is not None:
            own = (table.c.kind == kind) & (table.c.scope == scope) & (table.c.name == name)
            there = sa.select(sa.func.max(table.c.version)).where(own & table.c.deleted.is_(None))
            if (connection.execute(there).scalar() or 0) != after:
                raise ChangedMeanwhile(f"The {kind} of '{scope or name}' changed meanwhile; look again, then repeat.")
        return _keep(workspace, connection, kind, scope, name, body)


def keep_all(workspace: Workspace, kind: str, scope: str, bodies: Mapping[str, dict[str, Any]]) -> None:
    """Keep many definitions of a kind and scope, {name: body}, all or none."""
    with workspace.catalog.write() as connection:
        for name, body in bodies.items():
            _keep(workspace, connection, kind, scope, clean_name(name, kind), body)


def _keep(
    workspace: Workspace, connection: sa.Connection, kind: str, scope: str, name: str, body: dict[str, Any]
) -> Definition:
    own = (table.c.kind == kind) & (table.c.scope == scope) & (table.c.name == name)
    last = connection.execute(sa.select(table).where(own).order_by(table.c.version.desc())).first()
    if last is not None and last.deleted is None and last.body == body:
        return _made(last)
    version = 1 if last is None else last.version + 1
    made = Definition(staging.new_id(), kind, scope, name, version, body, now(), workspace.actor)
    connection.execute(table.insert().values(**vars(made)))
    _note(workspace, connection, "keep", made)
    return made


def rename(
    workspace: Workspace, definition: Definition, name: str, others: Mapping[str, dict[str, Any]] | None = None
) -> Definition:
    """Keep a definition under another name and take it off the old one, all or nothing.

    others: {name: body} of those of its kind and scope that mention it, as they are to be from now on. BadRequest
    where the name is taken.
    """
    name = clean_name(name, definition.kind)
    with workspace.catalog.write() as connection:
        own = (table.c.kind == definition.kind) & (table.c.scope == definition.scope) & (table.c.name == name)
        if connection.execute(sa.select(table.c.id).where(own & table.c.deleted.is_(None))).first() is not None:
            raise BadRequest(f"There is already a {definition.kind} called '{name}'; choose another name.")
        made = _keep(workspace, connection, definition.kind, definition.scope, name, definition.body)
        for other, body in (others or {}).items():
            _keep(workspace, connection, definition.kind, definition.scope, other, body)
        _forget(workspace, connection, definition)
    return made


def listed(workspace: Workspace, kind: str, scope: str | None = None) -> list[Definition]:
    """The newest version of every definition of a kind that is not forgotten, by name; of one scope, or of all."""
    wanted = table.c.kind == kind
    if scope is not None:
        wanted &= table.c.scope == scope
    with workspace.catalog.read() as connection:
        rows = connection.execute(sa.select(table).where(wanted).order_by(table.c.name, table.c.version)).all()
    newest = {(row.scope, row.name): row for row in rows}
    return [_made(row) for row in newest.values() if row.deleted is None]


def find(workspace: Workspace, kind: str, name: str, scope: str = "") -> Definition:
    """The newest version of a definition; NotFound with the nearest known name otherwise."""
    known = {each.name: each for each in listed(workspace, kind, scope)}
    if name not in known:
        raise NotFound(str(UnknownName(kind, name, known)))
    return known[name]


def forget(workspace: Workspace, definition: Definition) -> None:
    """Take a definition off every list; its versions stay in the catalog's history."""
    with workspace.catalog.write() as connection:
        _forget(workspace, connection, definition)


def _forget(workspace: Workspace, connection: sa.Connection, definition: Definition) -> None:
    own = (table.c.kind == definition.kind) & (table.c.scope == definition.scope) & (table.c.name == definition.name)
    connection.execute(table.update().where(own & table.c.deleted.is_(None)).values(deleted=now()))
    _note(workspace, connection, "forget", definition)


def history(workspace: Workspace, kind: str, name: str, scope: str = "") -> list[Definition]:
    """Every version a name has had, the newest first, those before it was forgotten included."""
    own = (table.c.kind == kind) & (table.c.scope == scope) & (table.c.name == name)
    with workspace.catalog.read() as connection:
        rows = connection.execute(sa.select(table).where(own).order_by(table.c.version.desc())).all()
    return [_made(row) for row in rows]


def _note(workspace: Workspace, connection: sa.Connection, action: str, definition: Definition) -> None:
    detail = {"name": definition.name, "version": definition.version, "scope": definition.scope}
    workspace.catalog.note(
        connection,
        actor=workspace.actor,
        action=action,
        kind=definition.kind,
        object=definition.id,
        detail=detail,
    )
