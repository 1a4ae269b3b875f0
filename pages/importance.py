""":material/leaderboard: Importance - which features a model leans on, and how its answer depends on each.

section: Diagnose, order: 85
"""

import streamlit as st

from analysis.store import models
from pages.ui import curveviews, empty, frame, leaning, show, working

ctx = frame.context()
if ctx.evaluation is None or working.busy("sample"):
    empty.no_evaluation()
    frame.finish()

st.title("Importance", anchor=False)
evaluation = frame.engine().open(ctx.evaluation)
kept = models.listed(frame.workspace())
known = leaning.fitting(kept, evaluation)
if not known:
    why = f"No kept model takes the columns of {ctx.evaluation.name}." if kept else "No model is kept yet."
    show.nothing(f"{why} Importance asks the model itself: what it would answer with a feature shuffled.")
    st.page_link(frame.page("models"), label="Add a model", icon=":material/arrow_forward:")
    frame.finish()

answer = st.container()
model, asked = leaning.asked(ctx, evaluation, known)
result = leaning.result(ctx, evaluation, model, asked)
if result is None:
    frame.finish()

with answer:
    show.sentence(result)
ranked, chosen = st.container(), st.container(border=True)
with chosen:
    feature = leaning.feature(result)
with ranked:
    leaning.ranking(result, ctx.evaluation.task, feature)
if asked.by:
    leaning.over_time(result, feature)
with chosen:
    curveviews.curve(ctx, evaluation, models.scorer(frame.workspace(), model), feature, key="importance")
show.rows_used(result)
show.receipt(result, key="importance_receipt")
