""":material/database: Datasets - take files in, look at them, keep their versions.

section: Data, order: 1
"""

import streamlit as st

from analysis.store import datasets
from pages.ui import catalogue, frame, intake, working

frame.context()
st.title("Datasets", anchor=False)

working.follow_sample()
kept = intake.kept()
if kept is not None:
    intake.next_step(kept)
intake.upload()

known = datasets.listed(frame.workspace())
if not known and not intake.waiting():
    st.markdown("Bring a table of predictions and what came true, a row each, or look around with the sample first.")
    working.offer_sample(key="datasets_sample")

chosen = catalogue.table(known) if known else None
if chosen is not None:
    catalogue.details(chosen)
