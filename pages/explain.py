""":material/psychology_alt: Explain - why the model answers as it does, in one row or a segment; how far to trust it.

section: Diagnose, order: 80
"""

import streamlit as st

from analysis.store import models
from pages.ui import (
    curveviews,
    empty,
    explainviews,
    frame,
    pickers,
    rowpick,
    segmentexplained,
    show,
    whatifviews,
    working,
)

VIEWS = {
    "why": ("Why", explainviews.show_why),
    "whatif": ("What if", whatifviews.show),
    "curves": ("Curves", curveviews.show_curves),
    "segment": ("A segment", segmentexplained.show_segment),
}
OF_NO_ROW = ("segment",)

ctx = frame.context()
if ctx.evaluation is None or working.busy("sample"):
    empty.no_evaluation()
    frame.finish()

st.title("Explain", anchor=False)
evaluation = frame.engine().open(ctx.evaluation)
views = list(VIEWS) if ctx.evaluation.roles.id else list(OF_NO_ROW)
if not ctx.evaluation.roles.id:
    show.nothing("Single rows are explained by their id, and none has one here: give a column the role id.")
    st.page_link(frame.page("evaluations"), label="Evaluations", icon=":material/arrow_forward:")
with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key="explain_controls"):
    chosen = explainviews.model(ctx)
    row, view = "", views[0]
    if chosen is not None:
        view = pickers.one("View", views, key=rowpick.VIEW, shown=lambda name: VIEWS[name][0], segmented=True)
        row = rowpick.picked(ctx, evaluation) if view not in OF_NO_ROW else ""
    if chosen is not None and view == "why":
        explainviews.options(ctx, evaluation, chosen)
if chosen is None:
    frame.finish()
if not row and view not in OF_NO_ROW:
    show.nothing("No row is chosen. Type an id, or pick a row.")
    frame.finish()
VIEWS[view][1](ctx, evaluation, models.scorer(frame.workspace(), chosen), row)
