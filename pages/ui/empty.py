"""Empty states: what to do next, and the sample one click away."""

import streamlit as st

from analysis.store import datasets
from pages.ui import frame, working


def no_evaluation() -> None:
    """A page that needs an evaluation while there is none."""
    working.follow_sample()
    st.title("Nothing to measure yet", anchor=False)
    if datasets.listed(frame.workspace()):
        st.markdown("There is data, but no evaluation of it yet: say what its columns mean.")
        st.page_link(frame.page("evaluations"), label="Set up an evaluation", icon=":material/arrow_forward:")
    else:
        st.markdown("Take in a file with predictions and actual outcomes, or look around with the sample.")
        st.page_link(frame.page("datasets"), label="Take in a file", icon=":material/arrow_forward:")
    working.offer_sample(key="empty_sample")
