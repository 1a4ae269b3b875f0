"""Targets on a page: what each metric ought to reach, set and taken off in a popover; the cards say what came of it."""

import streamlit as st

from analysis.core import words
from analysis.core.bound import Bound
from analysis.core.receipt import Result
from analysis.core.target import Target
from analysis.metrics import defined
from analysis.store import targets
from pages.ui import frame
from pages.ui.context import plain

SIGNS = {">=": "at least", "<=": "at most"}
EVERY = "every version"


def kept(evaluation: str) -> list[Target]:
    """The targets of an evaluation."""
    return targets.listed(frame.workspace(), evaluation)


def popover(result: Result, evaluation: str, known: list[Target]) -> None:
    """Set targets of the metrics of a result and take them off."""
    with st.popover("Targets", icon=":material/flag:", key="targets", on_change="rerun", width="content") as opened:
        if not opened.open:
            return
        st.caption("Met or missed is said only where the whole interval lies on one side of the target.")
        for place, each in enumerate(known):
            with st.container(horizontal=True, vertical_alignment="center"):
                st.markdown(plain(said(each, result)), width="stretch")
                if st.button("Remove", key=f"targets_remove_{place}", type="tertiary"):
                    targets.forget(frame.workspace(), evaluation, [each.name])
                    st.rerun()
        _form(result, evaluation)


def said(target: Target, result: Result) -> str:
    """A target in words."""
    metric = defined(target.bound.metric, result.own)
    limit = words.number(target.bound.limit, metric.unit)
    return f"{metric.title} {SIGNS[target.bound.op]} {limit}" + (f", {target.model}" if target.model else "")


def _form(result: Result, evaluation: str) -> None:
    names = result.frame["metric"].unique(maintain_order=True).to_list()
    models = result.frame["model"].unique(maintain_order=True).to_list()
    metric = st.selectbox(
        "Metric of the target", names, key="targets_metric", format_func=lambda name: defined(name, result.own).title
    )
    definition = defined(metric, result.own)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        natural = "<=" if definition.better == "lower" else ">="
        sign = st.segmented_control(
            "Reach",
            list(SIGNS),
            default=natural,
            required=True,
            format_func=lambda each: SIGNS[each],
            key=f"targets_op_{metric}",
        )
        per_cent = definition.unit == "share"
        limit = st.number_input("In per cent" if per_cent else "Value", value=None, key="targets_limit", width=120)
        whose = st.selectbox("For", [EVERY, *models], key="targets_model", width=170) if len(models) > 1 else EVERY
    if st.button("Set target", type="primary", key="targets_set", disabled=limit is None) and limit is not None:
        bound = Bound(metric, str(sign), limit / 100 if per_cent else limit)
        targets.keep(frame.workspace(), evaluation, Target(bound, "" if whose == EVERY else whose))
        st.rerun()
