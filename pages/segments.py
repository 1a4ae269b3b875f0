""":material/stacked_bar_chart: Segments - for whom the model is good, for whom not, and whether that is real.

section: Slice, order: 50
"""

import streamlit as st

from pages.ui import empty, frame, pickers, segmentviews, working

ctx = frame.context()
if ctx.evaluation is None or working.busy("sample"):
    empty.no_evaluation()
    frame.finish()

evaluation = frame.engine().open(ctx.evaluation)
with st.container(horizontal=True, vertical_alignment="bottom"):
    st.title("Segments", anchor=False, width="content")
    st.space("stretch")
    view = pickers.one(
        "View",
        list(segmentviews.VIEWS),
        key="segments_view",
        shown=lambda name: segmentviews.VIEWS[name].title,
        segmented=True,
        label_visibility="collapsed",
    )
segmentviews.VIEWS[view].draw(ctx, evaluation)
