"""Long work whose answer is kept, on the screen: shown at once where it is known, else made by a job with its progress,
which can be cancelled and taken up again.
"""

import json
from collections.abc import Callable
from typing import Any

import streamlit as st

from analysis.core.receipt import Result
from analysis.engine.piecework import kept_words
from pages.ui import working
from pages.ui.context import plain

Start = Callable[[], None]


def answer(
    kind: str,
    asked: Any,
    known: Callable[[], Result | None],
    *,
    start: Start,
    alone: bool,
    button: str,
    key: str,
    icon: str,
    note: str,
    kept: Callable[[], int] = lambda: 0,
) -> Result | None:
    """The answer to what is asked (JSON-able), or None while there is none.

    known: what is kept of it. start: begins the job, of this `kind`, with working.start. alone: whether it begins
    without a click; after a cancellation or a failure it never does. kept: how many parts of it are kept from before.
    A job for something else, of this kind and in this session, is cancelled: nobody waits for it.
    """
    mark, stopped, started = json.dumps(asked), f"{key}_stopped", f"{key}_for"
    found = known()
    job = working.current()
    mine = job is not None and job.kind == kind
    if job is not None and mine and (found is not None or st.session_state.get(started) != mark):
        job.cancel()
        del st.session_state["job"]
        mine = False
    if found is not None:
        return found
    if mine:
        if working.watch(kind) is not None:
            st.rerun()
        if working.current() is not None:
            return None
        st.session_state[stopped] = mark
    busy = working.current() is not None
    again = st.session_state.get(stopped) == mark
    parts = kept() if again else 0
    begins = alone and not again and not busy
    label = "Go on" if parts else button
    if begins or st.button(label, type="primary", icon=icon, key=key, disabled=busy):
        st.session_state.pop(stopped, None)
        st.session_state[started] = mark
        start()
        st.rerun()
    st.caption(plain(kept_words(parts) if parts else note))
    return None
