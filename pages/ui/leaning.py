"""Importance on the screen: what is asked, the job that answers it, and a chosen feature's curve."""

import threading
import zlib
from typing import Any

import streamlit as st

from analysis import questions
from analysis.core.model import Model, fits
from analysis.core.receipt import Result
from analysis.engine.query import OpenEvaluation
from analysis.questions import Shuffles
from analysis.store import models
from analysis.store.child import Progress
from analysis.store.modelfile import ENDPOINT
from analysis.telling import importancecharts, importancerows
from pages.ui import frame, longwork, pickers, show, working
from pages.ui.context import Context

KIND = "importance"
CHART, FEATURE = "importance_ranking", "importance_feature"
TIMES = {"": "Not over time", "week": "By week", "month": "By month", "quarter": "By quarter"}
WAYS = {"alone": "Each feature alone", "related": "Related ones as one"}


def fitting(known: list[Model], evaluation: OpenEvaluation) -> list[Model]:
    """The kept models that take this evaluation's columns, those added for it first."""
    found = [each for each in known if fits(each, evaluation.facts)]
    return sorted(found, key=lambda each: each.evaluation != evaluation.facts.name)


def model(known: list[Model]) -> Model:
    """One of these models."""
    by_label = {each.label: each for each in known}
    return by_label[pickers.one("Model", list(by_label), key="importance_model", width=170)]


def asked(ctx: Context, evaluation: OpenEvaluation, known: list[Model]) -> tuple[Model, Shuffles]:
    """What the controls ask for."""
    facts = evaluation.facts
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key="importance_controls"):
        chosen = model(known)
        metrics = questions.importance_metrics(evaluation, chosen)
        metric = pickers.one(
            "Metric", list(metrics), key="importance_metric", shown=lambda each: metrics[each], width=230
        )
        by = ""
        if facts.roles.time:
            by = pickers.one("Over time", list(TIMES), key="importance_by", shown=lambda each: TIMES[each], width=160)
        way = pickers.one("Shuffle", list(WAYS), key="importance_way", shown=lambda each: WAYS[each], width=220)
    threshold = ctx.threshold if isinstance(ctx.threshold, float | int) else None
    if ctx.threshold is not None and threshold is None:
        st.caption(
            "A policy of several thresholds is in force. The model itself is asked here, and its own labels decide."
        )
    shuffles = Shuffles(metric, ctx.where, ctx.period, related=way == "related", by=by, threshold=threshold)
    return chosen, shuffles


def result(ctx: Context, evaluation: OpenEvaluation, chosen: Model, wanted: Shuffles) -> Result | None:
    """The answer where it is known; else the job that makes it. An endpoint is never asked without a click."""
    facts, space = evaluation.facts, frame.workspace()
    scorer = models.scorer(space, chosen)
    options = wanted.understood(evaluation, scorer).options(scorer, evaluation)

    def start() -> None:
        engine = frame.engine()

        def work(progress: Progress, stop: threading.Event) -> dict[str, Any]:
            asked_of = models.scorer(space, chosen, stop)
            opened = engine.open(facts, cancelled=stop)
            found = questions.importance(opened, asked_of, wanted, progress=progress, cancelled=stop.is_set)
            return {"features": len(found.frame), "receipt": found.receipt.id}

        working.start(KIND, f"Shuffling the features of {chosen.label}", work)

    def kept() -> int:
        left, parts = questions.importance_left(evaluation, scorer, wanted)
        return parts - left

    return longwork.answer(
        KIND,
        [facts.id, chosen.id, options],
        lambda: questions.importance_known(evaluation, scorer, wanted),
        start=start,
        alone=chosen.kind != ENDPOINT,
        button="Shuffle",
        key="importance_shuffle",
        icon=":material/shuffle:",
        note=f"{chosen.label} is asked about the same rows again and again, each time with one feature shuffled. You "
        "can go on working meanwhile, and cancel it at any time: what is done is kept.",
        kept=kept,
    )


def _picked() -> None:
    """A feature one clicks in the ranking becomes the one whose curve is shown."""
    for key, state in st.session_state.items():
        if str(key).startswith(CHART) and getattr(state, "selection", None):
            marks = state.selection.get("mark") or []
            if marks and "feature" in marks[0]:
                st.session_state[FEATURE] = marks[0]["feature"]


def ranking(found: Result, task: str, chosen: str) -> None:
    """The features with what each is worth; a click on one chooses it."""
    rows = importancerows.points(found, task, chosen)
    unit, title = importancerows.metric(found).unit, importancerows.title(found)
    with st.container(border=True):
        show.heading(
            title, "a feature a row, with its 95% interval; hollow: not shown to matter. Click one for its curve"
        )
        spec = importancecharts.ranking(unit, title, len(rows))
        show.chart(rows, spec, key=f"{CHART}_{zlib.crc32(chosen.encode()):x}", alt=title, picked=_picked)
        if len(found.frame) > len(rows):
            st.caption(f"The first {len(rows)} of {len(found.frame)} features; the table below has them all.")
        with st.expander("As a table", key="importance_table"):
            show.table(importancerows.table(found, task), alt="The importance of each feature", height="content")


def feature(found: Result) -> str:
    """The feature whose curve is shown: the first, or the one that was clicked or chosen."""
    rows = found.frame["feature"].to_list()
    members = importancerows.members(found)
    names = [each for row in rows for each in members.get(row, [row])]
    now = st.session_state.get(FEATURE)
    if now in members:
        st.session_state[FEATURE] = members[now][0]
    return pickers.one("Feature", names, key=FEATURE, width=280)


def over_time(found: Result, name: str) -> None:
    """Whether the chosen feature's importance changed."""
    unit, title = importancerows.metric(found).unit, importancerows.title(found)
    with st.container(border=True):
        show.heading(f"{importancerows.row_of(found, name)} over time", importancerows.changed(found, name))
        rows = importancerows.over_time(found, name)
        show.chart(rows, importancecharts.over_time(unit, title), key="importance_time", alt=f"{name} over time")
