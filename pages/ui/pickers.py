"""Pickers: widgets that give a value of the domain. Their keys bind to the URL, so that a link restores them."""

import polars as pl
import streamlit as st

from analysis.core.receipt import Result
from analysis.metrics import defined
from pages.ui.context import plain


def model(result: Result, *, key: str) -> str:
    """One of the model versions of a result; the last one first, which is usually the newest."""
    names = result.frame["model"].unique(maintain_order=True).to_list()
    if len(names) == 1:
        return names[0]
    if st.session_state.get(key) not in names:
        st.session_state[key] = names[-1]
    return str(st.segmented_control("Model version", names, key=key, required=True, format_func=plain))


def metric(result: Result, *, key: str) -> str:
    """One of the metrics of a result, those without any value last."""
    frame = result.frame.group_by("metric", maintain_order=True).agg(pl.col("value").is_null().all().alias("undefined"))
    names = frame.sort("undefined", maintain_order=True)["metric"].to_list()
    if st.session_state.get(key) not in names:
        st.session_state[key] = names[0]
    return st.selectbox("Metric", names, key=key, format_func=lambda name: defined(name, result.own).title, width=280)
