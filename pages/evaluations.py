""":material/rule_settings: Evaluations - say what the columns mean; keep, rename and delete what is measured.

section: Data, order: 2
"""

import streamlit as st

from analysis.store import datasets, evaluations
from pages.ui import empty, evaluationlist, frame, rolesform, working

frame.context()
st.title("Evaluations", anchor=False)
space = frame.workspace()
known = evaluations.listed(space)
sources = datasets.listed(space)
if not sources and not known:
    empty.no_evaluation()
    frame.finish()

done = working.watch("evaluate")
if done is not None:
    rolesform.finished(done)

view = evaluationlist.view(known)
if view == "New":
    rolesform.new(sources)
else:
    chosen = evaluationlist.table(known)
    if chosen is not None:
        evaluationlist.details(chosen, sources)
