"""Mutes: hits of checks that an analyst takes out of the verdict, with the reason, kept in the catalog."""

import hashlib

from analysis.core.errors import BadRequest
from analysis.store import definitions
from analysis.store.workspace import Workspace

KIND = "mute"


def _name(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()[:32]


def listed(workspace: Workspace, scope: str) -> dict[str, str]:
    """{what is muted: the reason} of an evaluation or dataset, by its name."""
    kept = [each.body for each in definitions.listed(workspace, KIND, scope)]
    return {body["key"]: body["reason"] for body in kept}


def keep(workspace: Workspace, scope: str, key: str, reason: str) -> None:
    """Mute a hit; BadRequest without a reason."""
    if not reason.strip():
        raise BadRequest("A hit is muted with a reason, so that others can judge it.")
    body = {"key": key, "reason": reason.strip()[:1000]}
    definitions.keep(workspace, kind=KIND, name=_name(key), body=body, scope=scope)


def forget(workspace: Workspace, scope: str, key: str) -> None:
    """Let a hit speak again; NotFound where it is not muted."""
    definitions.forget(workspace, definitions.find(workspace, KIND, _name(key), scope))
