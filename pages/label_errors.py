""":material/rule: Labels - which labels are likely wrong, decided one by one, and corrected in a new version.

section: Data, order: 4
"""

import streamlit as st

from analysis import questions
from analysis.telling import labelrows
from pages.ui import empty, frame, labelqueue, pickers, show, working

ctx = frame.context()
if ctx.evaluation is None or working.busy("sample"):
    empty.no_evaluation()
    frame.finish()

st.title("Labels", anchor=False)
evaluation = frame.engine().open(ctx.evaluation)
versions = questions.label_errors_fit(evaluation)
if not versions:
    st.info("Labels are judged by scores: this evaluation has no label of classes, or no scores of them.")
    frame.finish()
answer = st.container()
with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key="labels_controls"):
    model = pickers.one("Judged by", versions, key="labels_model", default=versions[-1], width=220)
    st.caption("Only rows of the filter set above are listed; its period and threshold do not matter here.")
with st.spinner("Counting ..."):
    result = labelqueue.result(ctx, evaluation, model)
with answer:
    show.sentence(result)
labelqueue.queue(ctx, evaluation, result)
labelqueue.kept(ctx)
groups = result.frames["groups"]
if len(groups):
    show.heading("Where labels are contradicted most", "beside what the scores themselves expect")
    show.table(labelrows.groups(result), alt="Groups by contradicted labels")
show.rows_used(result)
show.receipt(result, key="labels_receipt")
