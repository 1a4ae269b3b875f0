"""Own metrics on a page: defined in a popover with a live check and a preview; each kept one becomes a card."""

from dataclasses import replace

import streamlit as st

from analysis import questions
from analysis.core.errors import BadRequest
from analysis.core.evaluation import Evaluation
from analysis.core.ownmetric import BETTER, EXPRESSION, FORMULA, OwnMetric, own_metric
from analysis.engine import own
from analysis.engine.query import OpenEvaluation
from analysis.store import definitions
from pages.ui import frame, pickers
from pages.ui.context import Context, plain

KINDS = {FORMULA: "Formula over metrics", EXPRESSION: "Expression of a row"}
HELP = {
    FORMULA: "Metrics by name, numbers, + - * /, brackets, min() and max(), as in `0.7 * recall + 0.3 * specificity`.",
    EXPRESSION: "`avg`, `sum` or `count` of columns, `label`, `prediction`, `score`, comparisons, `case when` and the "
    "like, as in `avg(case when label = prediction then 0 else amount end)`. A row that lacks a value is left out.",
}


def popover(evaluation: OpenEvaluation, context: Context) -> None:
    """Define a metric of one's own for this evaluation, or take one off."""
    with st.popover(
        "Own metrics", icon=":material/function:", key="ownmetrics", on_change="rerun", width="content"
    ) as opened:
        if not opened.open:
            return
        _define(evaluation, context)
        _listed(evaluation.facts)


def _define(evaluation: OpenEvaluation, context: Context) -> None:
    kind = st.segmented_control(
        "Made of", list(KINDS), default=FORMULA, required=True, format_func=lambda each: KINDS[each], key="own_kind"
    )
    name = st.text_input("Name of the metric", key="own_name", placeholder="balance")
    text = st.text_area(KINDS[str(kind)], key=f"own_{kind}", height=80)
    st.caption(HELP[str(kind)])
    better = st.segmented_control("Better is", BETTER, default="higher", required=True, key="own_better")
    if not text.strip():
        return
    try:
        made = own_metric(name or "unnamed", **{str(kind): text}, better=str(better))
        _preview(made, evaluation, context)
    except BadRequest as error:
        st.error(plain(str(error)), icon=":material/error:")
        return
    shared = st.toggle("For all evaluations", key="own_shared", help="Shown wherever its task and columns are there.")
    if st.button("Keep metric", type="primary", key="own_keep", disabled=not name.strip()):
        own.keep(frame.workspace(), made, evaluation.facts, shared=shared)
        st.session_state[pickers.NEW_FIGURE] = made.name
        st.rerun()


def _listed(evaluation: Evaluation) -> None:
    workspace = frame.workspace()
    for place, kept in enumerate(own.kept(workspace, evaluation)):
        with st.container(horizontal=True, vertical_alignment="center"):
            whose = ":small[for all evaluations]" if kept.scope == own.SHARED else ""
            st.markdown(f"**{plain(kept.name)}** {plain(kept.body['text'])} {whose}", width="stretch")
            if st.button("Remove", key=f"own_remove_{place}", type="tertiary"):
                definitions.forget(workspace, kept)
                st.rerun()


def _preview(made: OwnMetric, evaluation: OpenEvaluation, context: Context) -> None:
    """What the metric would say of the view as it is."""
    metric = own.built(made, evaluation.facts)
    result = questions.measure(
        replace(evaluation, own={**evaluation.own, made.name: metric}),
        metrics=[made.name],
        models=context.models,
        where=context.where,
        period=context.period,
        threshold=context.threshold,
    )
    st.success(plain(result.sentence), icon=":material/check:")
