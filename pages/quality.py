""":material/verified: Quality - whether the data can be trusted, and what its faults do to the metric.

section: Data, order: 3
"""

import streamlit as st

from analysis.engine import subject as subjects
from analysis.telling import qualityrows
from pages.ui import checked, empty, frame, hitlist, rulesgrid, show, working

ctx = frame.context()
known = checked.datasets_kept()
if (ctx.evaluation is None and not known) or working.busy("sample"):
    empty.no_evaluation()
    frame.finish()

st.title("Quality", anchor=False)
answer = st.container()
evaluation = frame.engine().open(ctx.evaluation) if ctx.evaluation else None
with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key="quality_controls"):
    dataset = checked.chosen(known, evaluation)
    if dataset is None and evaluation is not None:
        metric = hitlist.metric(ctx, evaluation)
    st.caption("Checks look at all rows, whatever filter and period are set above.")
if dataset is not None or evaluation is None:
    table, evaluation = checked.as_uploaded(dataset or known[0]), None
    result = hitlist.result(table)
else:
    table = subjects.of_evaluation(evaluation)
    result = hitlist.result(table, evaluation, metric, ctx.threshold)
if result is None:
    frame.finish()

with answer:
    show.sentence(result)
    hitlist.counts(result)
if evaluation is not None:
    marks = qualityrows.drawn(qualityrows.points(result, hitlist.last(ctx)))
    if len(marks):
        with st.container(border=True):
            show.heading(
                "Does it matter?", f"{qualityrows.title(result)} with the rows of a hit less without them, 95%"
            )
            spec = qualityrows.chart(result, len(marks))
            show.chart(marks, spec, key=hitlist.CHART, alt="What the rows found do to the metric", verbs=ctx)
hitlist.cards(result, hitlist.scope(table), hitlist.last(ctx) if evaluation is not None else None)
hitlist.others(result)
show.heading("Columns", "bars: where the values lie, or the most frequent ones")
hitlist.columns(table, result)
if evaluation is not None:
    rulesgrid.of_evaluation(evaluation)
else:
    rulesgrid.view(dataset or known[0], table.roles, table.task)
show.receipt(result, key="quality_receipt")
