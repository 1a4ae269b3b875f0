"""Markers on a page: deployments and incidents, put on the trend and taken off in a popover."""

from datetime import datetime, time

import streamlit as st

from analysis.core.evaluation import Evaluation
from analysis.core.marker import KINDS, Marker, marker
from analysis.store import markers
from pages.ui import frame
from pages.ui.context import plain, span


def kept(evaluation: str) -> list[Marker]:
    """The markers of an evaluation, in the order of time."""
    return markers.listed(frame.workspace(), evaluation)


def popover(evaluation: Evaluation, known: list[Marker]) -> None:
    """Put markers on the trends of an evaluation and take them off."""
    low, high = span(evaluation)
    if low is None or high is None:
        return
    with st.popover("Markers", icon=":material/push_pin:", key="markers", on_change="rerun", width="content") as opened:
        if not opened.open:
            return
        st.caption("A rule on every trend of this evaluation: dashed for incidents.")
        for place, each in enumerate(known):
            with st.container(horizontal=True, vertical_alignment="center"):
                st.markdown(plain(f"{each.written} {each.title} ({each.kind})"), width="stretch")
                if st.button("Remove", key=f"markers_remove_{place}", type="tertiary"):
                    markers.forget(frame.workspace(), evaluation.name, [each.name])
                    st.rerun()
        with st.form("markers_form", border=False):
            with st.container(horizontal=True, vertical_alignment="bottom"):
                day = st.date_input("Day of the marker", value=high, key="markers_day", format="YYYY-MM-DD", width=150)
                at = st.time_input("Time", value=time(0), key="markers_time", width=110)
                kind = st.selectbox("Kind", KINDS, key="markers_kind", width=150)
            title = st.text_input("What happened", key="markers_title", placeholder="v2 deployed")
            if st.form_submit_button("Add marker", type="primary"):
                made = marker(datetime.combine(day, at), title, kind)
                markers.keep(frame.workspace(), evaluation.name, made)
                st.rerun()
