"""Assay: the frame. Theme, menu, context bar, one error boundary; what a page shows is the page's own affair."""

from typing import Any

import streamlit as st

from analysis.store import evaluations
from pages.ui import address, context, frame, segmentedit, theme

frame.begin()
page = st.navigation(frame.menu(), expanded=True)
st.set_page_config(page_title="Assay", page_icon="📊", layout="wide")
theme.apply()
if page.url_path == "":
    page.run()
chosen, place = context.Context(), None
notice: Any = st
with frame.boundary(page.url_path):
    known = evaluations.listed(frame.workspace())
    chosen, place = context.bar(known, frame.policies, frame.segments, segmentedit.popover)
    address.write(chosen)
    notice = st.container()
    context.check(chosen)
    context.tell_policy(chosen, frame.policies)
    frame.caution(chosen)
    with frame.framed(chosen):
        page.run()
context.warn(notice)
address.share(chosen, place, frame.policies)
frame.ready(page.url_path, chosen)
