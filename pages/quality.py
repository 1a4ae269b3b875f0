""":material/verified: Quality - whether the data can be trusted, and what its faults do to the metric.

section: Data, order: 3
"""

import streamlit as st

from analysis.telling import qualityrows
from pages.ui import empty, frame, hitlist, rulesgrid, show, working

ctx = frame.context()
if ctx.evaluation is None or working.busy("sample"):
    empty.no_evaluation()
    frame.finish()

st.title("Quality", anchor=False)
answer = st.container()
evaluation = frame.engine().open(ctx.evaluation)
with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key="quality_controls"):
    metric = hitlist.metric(ctx, evaluation)
    st.caption("Checks look at all rows of the evaluation, whatever filter and period are set above.")
result = hitlist.result(ctx, evaluation, metric)
if result is None:
    frame.finish()

with answer:
    show.sentence(result)
    hitlist.counts(result)
points = qualityrows.points(result, hitlist.last(ctx))
marks = qualityrows.drawn(points)
if len(marks):
    with st.container(border=True):
        show.heading("Does it matter?", f"{qualityrows.title(result)} with the rows of a hit less without them, 95%")
        spec = qualityrows.chart(result, len(marks))
        show.chart(marks, spec, key=hitlist.CHART, alt="What the rows found do to the metric", verbs=ctx)
hitlist.cards(ctx, result)
hitlist.others(result)
show.heading("Columns", "bars: where the values lie, or the most frequent ones")
hitlist.columns(evaluation, result)
rulesgrid.of_evaluation(evaluation)
show.receipt(result, key="quality_receipt")
