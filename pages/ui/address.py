"""The address: the context as the browser's URL says it, and the link that restores a view anywhere."""

from typing import Any
from urllib.parse import urlencode

import streamlit as st

from pages.ui.context import Context, now
from pages.ui.policybar import SHARE, Policies

KEYS = ("e", "m", "from", "to", "where", "t", "seg")


def link(context: Context) -> str:
    """The full address of this view, which restores it anywhere."""
    url = (st.context.url or "").split("?")[0]
    pairs = [(key, value) for key in st.query_params if key not in KEYS for value in st.query_params.get_all(key)]
    return f"{url}?{urlencode([*context.query(), *pairs])}"


def share(context: Context, place: Any, policies: Policies) -> None:
    """Fill the Share button, at the end of a run: only then is it known what the page's own pickers hold."""
    if place is not None:
        with place:
            _shared(context, policies)


@st.fragment(key=SHARE)
def _shared(context: Context, policies: Policies) -> None:
    st.caption("This address restores the view: evaluation, versions, period, filter, threshold and choices.")
    st.code(link(now(context, policies)), language=None, wrap_lines=True)


def write(context: Context) -> None:
    """The URL says what the bar says."""
    kept = {key: st.query_params.get_all(key) for key in st.query_params if key not in KEYS}
    for key, value in context.query():
        kept.setdefault(key, []).append(value)
    if kept != {key: st.query_params.get_all(key) for key in st.query_params}:
        st.query_params.from_dict(kept)
