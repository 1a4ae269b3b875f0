""":material/troubleshoot: Weak spots - the segments where the model is worse than elsewhere, and whether that is real.

section: Slice, order: 60
"""

import streamlit as st

from analysis.telling import weakspots
from pages.ui import closer, empty, frame, searching, show, spotlist, working

ctx = frame.context()
if ctx.evaluation is None or working.busy("sample"):
    empty.no_evaluation()
    frame.finish()

st.title("Weak spots", anchor=False)
answer = st.container()
evaluation = frame.engine().open(ctx.evaluation)
asked = searching.asked(ctx, evaluation)
if asked is None:
    frame.finish()
result = searching.result(ctx, evaluation, asked)
if result is None:
    frame.finish()

with answer:
    show.sentence(result)
if len(result.frame):
    with st.container(border=True):
        show.heading(weakspots.title(result), "dot: there, with the interval of the gap; orange tick: elsewhere")
        spec = weakspots.drawn(result)
        show.chart(weakspots.points(result), spec, key=spotlist.CHART, alt="Weak spots", verbs=ctx)
    spotlist.cards(result)
    closer.one(ctx, evaluation, result)
spotlist.details(result)
show.rows_used(result)
show.receipt(result, key="weak_spots_receipt")
