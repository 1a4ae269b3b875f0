"""Hits on the screen: a card each, with the way to its rows and to mute it; and the job that finds them."""

import threading
from typing import Any

import streamlit as st

from analysis import questions
from analysis.core.cutoffs import Threshold
from analysis.core.receipt import Result
from analysis.engine import effects
from analysis.engine import subject as subjects
from analysis.engine.query import OpenEvaluation
from analysis.engine.subject import Subject
from analysis.metrics import METRICS
from analysis.store import mutes
from analysis.store.child import Progress
from analysis.telling import qualityrows
from pages.ui import frame, pickers, show, verbs, working
from pages.ui.context import Context, plain

CHART, KIND, AT_FIRST = "quality_effects", "quality", 8
STOPPED = "quality_stopped"


def metric(ctx: Context, evaluation: OpenEvaluation) -> str:
    """What the effect of the rows found is told in."""
    names = effects.offered(evaluation, ctx.threshold)
    if not names:
        return ""
    return pickers.one("Effect on", names, key="quality_metric", shown=lambda name: METRICS.get(name).title, width=220)


def result(
    checked: Subject, evaluation: OpenEvaluation | None = None, name: str = "", threshold: Threshold | None = None
) -> Result | None:
    """The answer where it is known; else the job that works it out, which starts by itself. The hits are shown as soon
    as the checks are done, and their effects when these are measured."""
    muted = mutes.listed(frame.workspace(), scope(checked))
    about = f"{checked.kind} {checked.fingerprint} {checked.roles} {name} {threshold}"

    def asked(effects: bool) -> Result | None:
        if not questions.judged_before(checked, evaluation, name, threshold, effects=effects):
            return None
        return questions.quality(
            checked, evaluation=evaluation, metric=name, effects=effects, threshold=threshold, muted=muted
        )

    whole = asked(True)
    job = working.current()
    if job is not None and job.kind == KIND and (whole is not None or job.about != about):
        working.leave()
        job = None
    if whole is not None:
        return whole
    if job is None and st.session_state.get(STOPPED) != about:
        _start(checked, evaluation, name, threshold, about)
    found = asked(False)
    if working.watch(KIND, early=None if found else lambda: asked(False) is not None) is not None:
        st.rerun()
    if working.current() is None:
        st.session_state[STOPPED] = about
        if st.button("Check again" if found is None else "Measure the effects", key="quality_again"):
            del st.session_state[STOPPED]
            st.rerun()
    return found


def _start(
    checked: Subject, evaluation: OpenEvaluation | None, name: str, threshold: Threshold | None, about: str
) -> None:
    engine = frame.engine()

    def work(progress: Progress, stop: threading.Event) -> dict[str, Any]:
        opened = engine.open(evaluation.facts, cancelled=stop) if evaluation is not None else None
        seen = subjects.of_evaluation(opened) if opened is not None else checked
        report = working.stopping(progress, stop)
        found = questions.quality(seen, evaluation=opened, metric=name, threshold=threshold, progress=report)
        return {"hits": len(found.frame), "receipt": found.receipt.id}

    working.start(KIND, f"Checking {checked.name}", work, about=about)
    st.rerun()


def scope(checked: Subject) -> str:
    """What the mutes of a table are kept under: an evaluation's name, or that of a dataset."""
    name = checked.name.rpartition("@")[0]
    return name if checked.kind == "evaluation" else f"dataset {name}"


def last(ctx: Context) -> str:
    """The model version whose rows are shown where a hit is about none."""
    return ctx.evaluation.models[-1].name if ctx.evaluation else ""


def counts(result: Result) -> None:
    """Found, clear, not applicable."""
    grid = st.grid(columns=3, min_column_width=150)
    for name, value, what in qualityrows.counts(result):
        with grid.cell(), st.container(border=True, key=f"quality_count_{name.lower().replace(' ', '_')}"):
            st.metric(name, f"{value:,}")
            st.caption(what)


def cards(result: Result, scope: str, version: str | None) -> None:
    """The hits, what moves the metric most first; those muted apart. version: whose rows are shown where a hit is about
    none; None where there is no evaluation whose rows could be shown."""
    rows = qualityrows.hits(result)
    every = st.session_state.get("quality_all", False)
    for place, row in enumerate(rows.iter_rows(named=True), start=1):
        if place > AT_FIRST and not every:
            break
        _card(result, row, f"{place}. ", f"quality_{place}", scope, version)
    if len(rows) > AT_FIRST:
        st.toggle(f"Show all {len(rows)}", key="quality_all")
    muted = qualityrows.hits(result, muted=True)
    if len(muted):
        with st.expander(f"Muted: {len(muted)}", key="quality_muted"):
            for place, row in enumerate(muted.iter_rows(named=True), start=1):
                _card(result, row, "", f"quality_muted_{place}", scope, version)


def _card(result: Result, row: dict[str, Any], head: str, key: str, scope: str, version: str | None) -> None:
    mark = questions.mute_key(row)
    with st.container(border=True, key=key):
        lines = qualityrows.facts(result, row)
        with st.container(horizontal=True, vertical_alignment="top"):
            st.markdown(f"**{plain(head + row['title'])}** `{row['code']}`  \n{plain(row['sentence'])}")
            if row["where"] is not None and version is not None:
                st.button(
                    "Look into it",
                    key=f"{key}_look",
                    icon=":material/table_rows:",
                    help="The rows this check found, and what else one can do with them.",
                    on_click=verbs.look,
                    args=(CHART, row["model"] or version, row["where"]),
                )
            if row["muted"] is None:
                with st.popover("Mute", icon=":material/notifications_off:", key=f"{key}_mute"):
                    reason = st.text_input("Why it does not matter here", key=f"{key}_reason_{mark}")
                    st.button("Mute", key=f"{key}_do", disabled=not reason, on_click=_mute, args=(scope, mark, reason))
            else:
                st.button("Unmute", key=f"{key}_undo", on_click=_unmute, args=(scope, mark))
        if row["muted"] is not None:
            lines.insert(0, f"Muted: {row['muted']}")
        st.caption("  \n".join(plain(line) for line in lines if line))


def _mute(scope: str, mark: str, reason: str) -> None:
    mutes.keep(frame.workspace(), scope, mark, reason)


def _unmute(scope: str, mark: str) -> None:
    mutes.forget(frame.workspace(), scope, mark)


def columns(checked: Subject, result: Result) -> None:
    """What is in each column; a chosen one more closely."""
    table = qualityrows.columns(result)
    config = {
        "Shape": st.column_config.BarChartColumn(width="small", color="blue", y_min=0),
        "Missing": st.column_config.NumberColumn(format="%.1f%%"),
        "Distinct (about)": st.column_config.NumberColumn(format="localized"),
    }
    place = show.choice(
        table, table["Column"].to_list(), alt="Columns", key="quality_columns", column_config=config, height=390
    )
    if place is None:
        st.caption("Choose a row to see where the column's values lie.")
        return
    name = str(table["Column"][place])
    closer = questions.profile(checked, column=name)
    with st.container(border=True, key="quality_column"):
        show.sentence(closer, key="quality_column_sentence")
        rows = qualityrows.bars(closer)
        if len(rows):
            show.chart(rows, qualityrows.bar_chart(), key="quality_column_bars", alt=f"Values of {name}")
        if len(closer.frames["outliers"]):
            show.heading("Far from the others", "by two rules")
            show.table(closer.frames["outliers"], alt="Outliers")


def others(result: Result) -> None:
    """The checks that found nothing or do not apply."""
    with st.expander("Clear and not applicable", key="quality_others"):
        for name, said in (("clear", "Clear"), ("not applicable", "Not applicable")):
            rows = qualityrows.others(result, name)
            if len(rows):
                show.heading(said)
                show.whole(rows, alt=said)
