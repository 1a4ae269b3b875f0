""":material/model_training: Models - keep the models themselves, and see that they are the ones that made the scores.

section: Diagnose, order: 90
"""

import streamlit as st

from analysis.store import models
from analysis.telling import modelrows
from pages.ui import empty, frame, modelviews, show, working

ctx = frame.context()
if ctx.evaluation is None or working.busy("sample"):
    empty.no_evaluation()
    frame.finish()

st.title("Models", anchor=False)
answer = st.container()
added = modelviews.added()
known = models.listed(frame.workspace())
with st.container(border=True):
    modelviews.adding(ctx.evaluation)
    own = [each for each in known if each.evaluation == ctx.evaluation.name]
    modelviews.offer_surrogate(ctx.evaluation, first=not own)
if not known:
    with answer:
        show.nothing(
            "No model is kept yet. Add the file of a model that made the scores of this evaluation, as ONNX or saved "
            "by skops: its answers are compared with the recorded ones before anything is explained by it. Without "
            "one, fit a surrogate to the recorded answers."
        )
    frame.finish()

chosen = modelviews.table(known, modelrows.listed(known), ctx.evaluation, added)
if chosen is None:
    with answer:
        show.nothing(f"No model was added for {ctx.evaluation.name}. Add one, or choose one below to check it here.")
    frame.finish()
with answer:
    modelviews.told(ctx, chosen)
modelviews.details(ctx, chosen)
