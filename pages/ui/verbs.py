"""Verbs: what one can do with a mark of a chart, in one drawer that every chart shares.

A click on a mark opens the drawer; without a mouse, the button under the chart does, and a list there names the marks.
A further verb is one `VERBS.add(...)` (mark.py); a further chart with verbs is one line in `CHARTS`.
"""

import re
import threading
from collections.abc import Callable
from functools import partial
from typing import Any

import polars as pl
import streamlit as st

from analysis import questions
from analysis.core import judged
from analysis.core.expression import parse
from analysis.core.receipt import Result
from analysis.core.segment import Segment
from analysis.engine.query import OpenEvaluation
from analysis.engine.rows import MOST, ORDERS
from analysis.questions.rows import download, export
from analysis.store import jobs
from analysis.store.child import Progress
from pages.ui import frame, markviews, rowpick
from pages.ui.context import Context, plain
from pages.ui.mark import VERBS, Mark, Verb

CHARTS = {  # chart's key: the page it is on
    "overview_trend": "overview",
    "overview_labels": "overview",
    "overview_versions": "overview",
    "overview_classes": "overview",
    "calibration_diagram": "calibration",
    "calibration_by_0": "calibration",  # of small multiples the first
    "segments_groups": "segments",
    "segments_cross": "segments",
    "segments_trend": "segments",
    "segments_matrix": "segments",
    "segments_overlap": "segments",
    "segments_effects": "segments",
    "thresholds_matrix": "thresholds",
    "thresholds_scores": "thresholds",
    "thresholds_metrics": "thresholds",
    "thresholds_value": "thresholds",
    "thresholds_roc": "thresholds",
    "thresholds_pr": "thresholds",
    "thresholds_gain": "thresholds",
    "thresholds_lift": "thresholds",
    "errors_matrix": "errors",
    "errors_cells": "errors",
    "errors_time": "errors",
    "errors_distribution": "errors",
    "errors_losses": "errors",
    "weak_spots_chart": "weak_spots",
    "weak_spots_along": "weak_spots",
    "quality_effects": "quality",
}
JUDGED = {
    "label": "What happened: the label.",
    "prediction": "What this model version decided or forecast.",
    "score": "Of two classes the score of the positive one; of more the probability given to what happened.",
    "error": "Forecast less actual.",
    "loss": "How wrong the row is: {loss}.",
    "time": "The local time, in the zone of the evaluation.",
}
ORDER_TITLES = {"loss": "Largest loss", "id": "By id", "score": "Highest score", "time": "Earliest", "file": "As filed"}


def chart(
    rows: pl.DataFrame,
    spec: dict[str, Any],
    *,
    key: str,
    alt: str,
    context: Context,
    width: Any = "stretch",
    marks: Callable[[], pl.DataFrame] | None = None,
) -> None:
    """A chart whose marks have verbs. rows: with model, where (the segment of a mark) and aria (its name); marks: those
    that can be looked into, where the rows are not all of them.

    A mark clicked twice must say so twice, so the chart gets a new key with every look.
    """
    if re.sub(r"_\d+$", "_0", key) not in CHARTS:
        raise ValueError(f"the chart '{key}' is not in CHARTS")
    seen = st.session_state.setdefault(f"{key}_looks", 0)
    drawn = f"{key}_{seen}"
    st.vega_lite_chart(
        rows,
        spec,
        width=width,
        alt=alt,
        key=drawn,
        on_select=partial(_marked, key, drawn),
        selection_mode="mark",
    )
    st.button(
        "Look into a mark",
        key=f"{key}_verbs",
        type="tertiary",
        icon=":material/table_rows:",
        help="The rows behind a mark of this chart; a click on the mark does the same.",
        on_click=partial(_asked, key),
    )
    asked = st.session_state.get("verbs_mark")
    if asked is not None and asked[0] == key:
        del st.session_state["verbs_mark"]
        _open(rows if marks is None else marks(), asked[1], context, key)


def _marked(key: str, drawn: str) -> None:
    picked = st.session_state[drawn]["selection"].get("mark") or []
    if picked:
        st.session_state["verbs_mark"] = (key, (picked[0]["model"], picked[0]["where"], picked[0]["aria"]))
        st.session_state[f"{key}_looks"] += 1


def _asked(key: str) -> None:
    st.session_state["verbs_mark"] = (key, None)


def look(key: str, model: str, where: str) -> None:
    """Open the drawer on a mark of a chart, as a click on it does; for a button's callback."""
    st.session_state["verbs_mark"] = (key, (model, where, ""))


def _open(rows: pl.DataFrame, chosen: tuple[str, str, str] | None, context: Context, key: str) -> None:
    """Open the drawer on the chosen mark, or on the first."""
    marks = list(rows.filter(pl.col("where").is_not_null()).select("model", "where", "aria").iter_rows())
    alike = [place for place, mark in enumerate(marks) if chosen is not None and mark[:2] == chosen[:2]]
    first = next((place for place in alike if marks[place] == chosen), next(iter(alike), 0))
    if context.evaluation is None or not marks:
        return
    evaluation = frame.engine().open(context.evaluation)
    st.session_state.pop(f"{key}_mark", None)

    @st.dialog("Behind the mark", width="large", position="right", icon=":material/table_rows:")
    def drawer() -> None:
        place = st.selectbox(
            "Mark", range(len(marks)), index=first, format_func=lambda place: marks[place][2], key=f"{key}_mark"
        )
        model, where, text = marks[place]
        segment = parse(where, columns=judged.types(evaluation.facts))
        mark = Mark(evaluation, context, model, segment, text)
        names = [each.name for each in VERBS]
        name = st.segmented_control(
            "Do", names, default=names[0], required=True, format_func=lambda name: VERBS.get(name).title, key="verb"
        )
        VERBS.get(str(name)).show(mark)

    drawer()


def show_rows(mark: Mark) -> None:
    """The rows of a mark, those the model is most wrong about first, with the download of all of them."""
    left_out = {"file"} if mark.evaluation.facts.roles.time else {"file", "time"}
    orders = [order for order in ORDERS if order not in left_out]
    order = st.segmented_control(
        "Order",
        orders,
        default=orders[0],
        required=True,
        format_func=lambda order: ORDER_TITLES[order],
        key="verbs_order",
    )
    result = questions.rows(
        mark.evaluation,
        model=mark.model,
        where=mark.segment,
        period=mark.context.period,
        threshold=mark.context.threshold,
        order=str(order),
    )
    with st.container(key="verbs_sentence"):
        st.markdown(plain(result.sentence))
    row_table(result, alt="Rows behind the mark", height=460)
    offer_download(mark.evaluation, result, where=mark.segment, context=mark.context, key="verbs_rows")
    with st.container(key="verbs_where"):
        st.caption("The same rows in the terminal: `python -m analysis rows` with this `--where`")
        st.code(result.receipt.options["where"] or "everything", language=None, wrap_lines=True)


def row_table(result: Result, *, alt: str, height: int) -> None:
    """The rows of the question `rows` as a table; days without a time of day."""
    config: dict[str, Any] = {
        name: st.column_config.DateColumn(format="YYYY-MM-DD")
        for name, kind in result.frame.schema.items()
        if kind == pl.Date
    }
    for what, name in result.receipt.options["judged"].items():
        config[name] = st.column_config.Column(help=JUDGED[what].format(loss=result.receipt.options["loss"]))
    st.dataframe(result.frame, hide_index=True, width="stretch", alt=alt, height=height, column_config=config)


def offer_download(
    evaluation: OpenEvaluation, result: Result, *, where: Segment | None, context: Context, key: str
) -> None:
    """All rows of such a result as CSV: by the browser, or where they are many as a file a job writes."""
    total = result.frames["count"]["rows"][0]
    if total <= MOST:
        st.download_button(
            f"All {total:,} rows as CSV",
            data=partial(download, evaluation, result, where=where, period=context.period),
            file_name=f"rows-{result.receipt.id}.csv",
            mime="text/csv",
            on_click="ignore",
            icon=":material/download:",
            key=f"{key}_csv",
            help="Texts a spreadsheet would run as a formula get an apostrophe before them.",
        )
        return

    def write() -> None:
        def work(progress: Progress, stop: threading.Event) -> dict[str, Any]:
            progress(0.0, f"{total:,} rows")
            opened = frame.engine().open(evaluation.facts, stop)
            path, count = export(opened, result, where=where, period=context.period)
            return {"path": str(path), "rows": count}

        title = f"Writing rows of {evaluation.facts.name}"
        job = jobs.start(frame.workspace(), kind="export", title=title, work=work)
        st.session_state[f"{key}_job"] = (result.receipt.id, job.id)

    asked, id = st.session_state.get(f"{key}_job", ("", ""))
    job = jobs.get(id) if asked == result.receipt.id else None
    if job is None:
        label, told = f"Write all {total:,} rows as CSV", "A job writes them into the workspace's exports folder."
        st.button(label, icon=":material/save:", key=f"{key}_write", on_click=write, help=told)
    else:
        st.fragment(_written, run_every="1s" if job.running else None)(job, key)


def _written(job: jobs.Job, key: str) -> None:
    """How far an export is, or where it lies."""
    if job.running:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(plain(f"{job.title}: {job.doing}, for {job.seconds:.0f} s"), width="content")
            st.button("Cancel", on_click=job.cancel, key=f"{key}_cancel", disabled=job.cancelled.is_set())
    elif job.state == "done":
        st.success(plain(f"{job.outcome['rows']:,} rows are in {job.outcome['path']}."))
    else:
        st.warning(plain(job.error))


for verb in (
    Verb("rows", "Show rows", show_rows),
    Verb("break_out", "Break out by", markviews.break_out),
    Verb("compare", "Compare with rest", markviews.compare),
    Verb("save", "Save as segment", markviews.save),
    Verb("explain", "Explain", rowpick.explain_row),
):
    VERBS.add(verb)
