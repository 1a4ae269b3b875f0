"""The frame around every page: the workspace, the menu, the guard that gets a page its context, the ready mark."""

import contextvars
import logging
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from html import escape
from typing import NoReturn

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from analysis.core import judged
from analysis.core.errors import AssayError, BadRequest
from analysis.core.evaluation import Evaluation
from analysis.core.policy import Policy
from analysis.core.savedsegment import Conditions
from analysis.core.settings import setting
from analysis.engine.duckdb import Engine
from analysis.store import evaluations, jobs
from analysis.store import policies as stored
from analysis.store import segments as saved
from analysis.store.workspace import Workspace
from analysis.telling.picture import Drawn
from pages.ui import policybar
from pages.ui.address import write
from pages.ui.cards import cards
from pages.ui.context import Context, now, plain

log = logging.getLogger("assay")
_CURRENT: contextvars.ContextVar[Context | None] = contextvars.ContextVar("context", default=None)
Charts = dict[str, Drawn]
_DRAWN: contextvars.ContextVar[Charts | None] = contextvars.ContextVar("drawn", default=None)


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
    """While the block runs, `context()` answers with this, and `drawn()` with the charts of this run."""
    token, charts = _CURRENT.set(context), _DRAWN.set({})
    try:
        yield
    finally:
        _CURRENT.reset(token)
        _DRAWN.reset(charts)


def draw(key: str, chart: Drawn) -> None:
    """Keep in mind that the page has drawn this chart under this key; what lies over it stays as it was."""
    charts = _DRAWN.get()
    if charts is not None:
        charts[key] = replace(chart, over=charts[key].over) if key in charts else chart


def draw_over(key: str, chart: Drawn) -> None:
    """Keep in mind what lies over the chart of this key now."""
    charts = _DRAWN.get()
    if charts is not None:
        charts[key] = replace(charts[key], over=chart)


def drawn() -> tuple[Drawn, ...]:
    """The charts the page has drawn so far."""
    return tuple((_DRAWN.get() or {}).values())


def context() -> Context:
    """The page's context: its first line. A page run without the frame (first visit of a fresh server) starts over."""
    current = _CURRENT.get()
    if current is None:
        st.navigation(menu(), position="hidden")
        st.rerun()
    assert current is not None  # noqa: S101 - st.rerun does not return
    return current


def caution(context: Context) -> None:
    """Say where the filter means other rows for each of the model versions shown."""
    if context.evaluation is not None and context.where is not None:
        shown = len(context.models) or len(context.evaluation.models)
        said = judged.said_apart(context.evaluation, context.where, shown)
        if said:
            st.caption(plain(said))


class Finished(Exception):
    """A page that has shown all it can; no error. The frame goes on to the ready mark, which st.stop would skip."""


def finish() -> NoReturn:
    """End the page here."""
    raise Finished


@contextmanager
def boundary(page: str) -> Iterator[None]:
    """An error of the house is shown kindly and logged; a page that has finished is done."""
    try:
        yield
    except Finished:
        pass
    except AssayError as error:
        log.warning("%s: %s", page, error)
        st.error(plain(str(error)), icon=":material/error:")


def following(draw: Callable[[Context], None], *, key: str) -> None:
    """Draw a part of the page, now and whenever the threshold is moved: then without the rest of the page."""
    policybar.follow(key)
    staying(draw, key=key)


def staying(draw: Callable[[Context], None], *, key: str) -> None:
    """Draw a part of the page that a move of the threshold leaves alone; what is done in it draws only it anew."""
    context_then, charts = context(), _DRAWN.get()

    @st.fragment(key=key)
    def part() -> None:
        token = _DRAWN.set(charts)
        try:
            with boundary(key):
                draw(now(context_then, policies))
        finally:
            _DRAWN.reset(token)

    part()


def begin() -> None:
    """A run begins."""
    st.session_state["frame_began"] = time.perf_counter()


@st.fragment(key=policybar.READY)
def ready(page: str, chosen: Context) -> None:
    """The address, and the mark that a run is done, for tests and monitoring: the server's time in ms, the session's
    count of runs."""
    shown = now(chosen, policies)
    write(shown)
    view = f"{page}?{shown.view}"
    spent = round((time.perf_counter() - st.session_state["frame_began"]) * 1000)
    policybar.arm()
    run = st.session_state["frame_run"] = st.session_state.get("frame_run", 0) + 1
    mark = f'data-testid="assay-ready" data-ms="{spent}" data-run="{run}" data-view="{escape(view)}"'
    st.html(f"<div {mark} hidden></div>")
