"""The frame around every page: the workspace, the menu, the guard that gets a page its context, the ready mark."""

import contextvars
import logging
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from html import escape
from typing import NoReturn

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from analysis.core.errors import BadRequest
from analysis.core.evaluation import Evaluation
from analysis.core.policy import Policy
from analysis.core.savedsegment import Conditions
from analysis.core.settings import setting
from analysis.engine.duckdb import Engine
from analysis.store import evaluations, jobs
from analysis.store import policies as stored
from analysis.store import segments as saved
from analysis.store.workspace import Workspace
from pages.ui.cards import cards
from pages.ui.context import Context

log = logging.getLogger("assay")
_CURRENT: contextvars.ContextVar[Context | None] = contextvars.ContextVar("context", default=None)


@st.cache_resource(show_spinner=False)
def workspace() -> Workspace:
    """The process's one open workspace."""
    if os.name == "posix" and os.geteuid() == 0:
        log.warning("Assay runs as root: what a file makes a child do, it does as root. Run it as a user of its own.")
    if setting("access") != "local":
        raise BadRequest(f"ASSAY_ACCESS={setting('access')} is not known; 'local', one user on this machine, is.")
    opened = Workspace.open()
    jobs.sweep(opened)
    return opened


@st.cache_resource(show_spinner=False)
def engine() -> Engine:
    """The process's one engine on it."""
    return Engine(workspace())


def policies(evaluation: Evaluation) -> dict[str, Policy]:
    """An evaluation's saved policies by name."""
    return stored.listed(workspace(), evaluation)


def segments() -> Conditions:
    """The conditions of the saved segments by name."""
    return saved.conditions(workspace())


def home() -> None:
    """The start address: the overview where there is something to see, else the datasets."""
    st.switch_page(page("overview" if evaluations.listed(workspace()) else "datasets"))


def menu() -> dict[str, list[StreamlitPage]]:
    """The pages by section, from their cards. File name = URL, which also keeps deep links right on a fresh server."""
    start = st.Page(home, title="Assay", default=True, visibility="hidden")
    sections: dict[str, list[StreamlitPage]] = {"": [start]}
    for card in cards():
        page = st.Page(
            f"pages/{card.stem}.py",
            title=f":material/{card.icon}: {card.title}",
            url_path=card.stem,
            help=card.purpose,
        )
        sections.setdefault(card.section, []).append(page)
    return sections


def page(stem: str) -> str:
    """What st.page_link and st.switch_page want for a page."""
    return f"pages/{stem}.py"


@contextmanager
def framed(context: Context) -> Iterator[None]:
    """While the block runs, `context()` answers with this."""
    token = _CURRENT.set(context)
    try:
        yield
    finally:
        _CURRENT.reset(token)


def context() -> Context:
    """The page's context: its first line. A page run without the frame (first visit of a fresh server) starts over."""
    current = _CURRENT.get()
    if current is None:
        st.navigation(menu(), position="hidden")
        st.rerun()
    assert current is not None  # noqa: S101 - st.rerun does not return
    return current


class Finished(Exception):
    """A page that has shown all it can; no error. The frame goes on to the ready mark, which st.stop would skip."""


def finish() -> NoReturn:
    """End the page here."""
    raise Finished


def ready(began: float, view: str) -> None:
    """The mark that a run is done, for tests and monitoring: the server's time in ms, the session's count of runs."""
    spent = round((time.perf_counter() - began) * 1000)
    run = st.session_state["frame_run"] = st.session_state.get("frame_run", 0) + 1
    mark = f'data-testid="assay-ready" data-ms="{spent}" data-run="{run}" data-view="{escape(view)}"'
    st.html(f"<div {mark} hidden></div>")
