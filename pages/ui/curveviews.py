"""Curves on the screen: how a model's answer depends on one feature, on average, of single rows, and of one's own."""

import streamlit as st

from analysis import questions
from analysis.core.model import Scorer, features
from analysis.core.roles import REGRESSION
from analysis.core.settings import whole
from analysis.engine.grids import MOST
from analysis.engine.query import OpenEvaluation
from analysis.store.modelfile import ENDPOINT
from analysis.telling import importancecharts, importancerows
from pages.ui import pickers, show
from pages.ui.context import Context

FEATURE = "explain_feature"
ROWS = "blue: the mean over rows, with its interval; thin lines: single rows; bars: where the values lie"
OWN = "orange: this row, the diamond as it is"


def show_curves(ctx: Context, evaluation: OpenEvaluation, scorer: Scorer, row: str) -> None:
    """A view of the page Explain: the curve of a row for a feature of one's choice."""
    names = [column.name for column in features(scorer.model, evaluation.facts)]
    with st.container(border=True, key="explain_curve_card"):
        name = pickers.one("Feature", names, key=FEATURE, width=280)
        curve(ctx, evaluation, scorer, name, key="explain", row=row)


def curve(
    ctx: Context, evaluation: OpenEvaluation, scorer: Scorer, name: str, *, key: str, row: str | None = None
) -> None:
    """How the answer depends on one feature, with single rows and where its values lie. row: whose own is drawn too."""
    facts, label = evaluation.facts, scorer.model.label
    most = whole("dependence_rows") * MOST
    ask = f"Show the curve: the endpoint is asked about up to {most:,} rows"
    if scorer.model.kind == ENDPOINT and not st.toggle(ask, key=f"{key}_curve", persist_state="session"):
        return
    with st.spinner(f"Asking {label} ..."):
        result = questions.dependence(evaluation, scorer, feature=name, where=ctx.where, period=ctx.period, row=row)
    unit = "label" if facts.task == REGRESSION else "score"
    title = importancerows.answer(facts.task, str(result.receipt.options["class"]))
    show.sentence(result, key=f"{key}_curve_said")
    show.heading(f"{title} by {name}", ROWS if row is None else f"{OWN}; {ROWS}")
    ends = importancerows.ends(result)
    spec = importancecharts.curves(ends, name, title, unit)
    show.chart(importancerows.curves(result), spec, key=f"{key}_curves", alt=f"{title} by {name}")
    rows = importancerows.spread(result)
    show.chart(rows, importancecharts.spread(ends, name), key=f"{key}_spread", alt=f"Where {name} lies")
    show.receipt(result, key=f"{key}_curve_receipt")
