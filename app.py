"""Assay: the frame. Theme, menu, context bar, one error boundary; what a page shows is the page's own affair."""

import logging
import time

import streamlit as st

from analysis.core.errors import AssayError
from analysis.store import evaluations
from pages.ui import address, context, frame, segmentedit, theme

log = logging.getLogger("assay")

began = time.perf_counter()
page = st.navigation(frame.menu(), expanded=True)
st.set_page_config(page_title="Assay", page_icon="📊", layout="wide")
theme.apply()
if page.url_path == "":
    page.run()
chosen, place = context.Context(), None
try:
    known = evaluations.listed(frame.workspace())
    chosen, place = context.bar(known, frame.policies, frame.segments, segmentedit.popover)
    address.write(chosen)
    context.warn(chosen)
    with frame.framed(chosen):
        page.run()
except frame.Finished:
    pass
except AssayError as error:
    log.warning("%s: %s", page.url_path, error)
    st.error(context.plain(str(error)), icon=":material/error:")
address.share(chosen, place)
frame.ready(began, f"{page.url_path}?{chosen.view}")
