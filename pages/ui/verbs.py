"""Verbs: what one can do with a mark of a chart, in one drawer that every chart shares.

A click on a mark opens the drawer; without a mouse, the button under the chart does, and a list there names the marks.
A further verb is one `VERBS.add(...)`; a further chart with verbs is one line in `CHARTS`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import polars as pl
import streamlit as st

from analysis import questions
from analysis.core import judged
from analysis.core.expression import parse
from analysis.core.receipt import Result
from analysis.core.registry import Registry
from analysis.core.segment import Segment, every
from analysis.engine.query import OpenEvaluation
from analysis.engine.rows import MOST, ORDERS
from analysis.questions.rows import download, export
from pages.ui import frame
from pages.ui.context import Context, plain

CHARTS = {  # chart's key: the page it is on
    "overview_trend": "overview",
    "overview_labels": "overview",
    "overview_versions": "overview",
    "overview_classes": "overview",
    "calibration_diagram": "calibration",
    "errors_matrix": "errors",
    "errors_cells": "errors",
    "errors_time": "errors",
    "errors_distribution": "errors",
    "errors_losses": "errors",
    "weak_spots_chart": "weak_spots",
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


@dataclass(frozen=True)
class Mark:
    """A mark and the context it was seen in. where: the mark's own rows; text: what it is called."""

    evaluation: OpenEvaluation
    context: Context
    model: str
    where: Segment
    text: str

    @property
    def segment(self) -> Segment:
        """The mark's rows within the context's filter."""
        return every([*([self.context.where] if self.context.where else []), self.where])


@dataclass(frozen=True)
class Verb:
    """name: in keys. title: on the button. show: draws in the drawer what the verb gives for a mark."""

    name: str
    title: str
    show: Callable[[Mark], None]


VERBS: Registry[Verb] = Registry("verb")


def chart(
    rows: pl.DataFrame, spec: dict[str, Any], *, key: str, alt: str, context: Context, width: Any = "stretch"
) -> None:
    """A chart whose marks have verbs. rows: with model, where (the segment of a mark) and aria (its name).

    A mark clicked twice must say so twice, so the chart gets a new key with every look.
    """
    if key not in CHARTS:
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
        _open(rows, asked[1], context, key)


def _marked(key: str, drawn: str) -> None:
    picked = st.session_state[drawn]["selection"].get("mark") or []
    if picked:
        st.session_state["verbs_mark"] = (key, (picked[0]["model"], picked[0]["where"]))
        st.session_state[f"{key}_looks"] += 1


def _asked(key: str) -> None:
    st.session_state["verbs_mark"] = (key, None)


def look(key: str, model: str, where: str) -> None:
    """Open the drawer on a mark of a chart, as a click on it does; for a button's callback."""
    st.session_state["verbs_mark"] = (key, (model, where))


def _open(rows: pl.DataFrame, chosen: tuple[str, str] | None, context: Context, key: str) -> None:
    """Open the drawer on the chosen mark, or on the first."""
    marks = list(rows.filter(pl.col("where").is_not_null()).select("model", "where", "aria").iter_rows())
    first = next((place for place, mark in enumerate(marks) if mark[:2] == chosen), 0)
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
        verbs = list(VERBS)
        verb = verbs[0]
        if len(verbs) > 1:
            names = [each.name for each in verbs]
            name = st.segmented_control(
                "Do", names, default=names[0], required=True, format_func=lambda name: VERBS.get(name).title, key="verb"
            )
            verb = VERBS.get(str(name))
        verb.show(mark)

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
    """All rows of such a result as CSV: by the browser, or where they are many as a file in the workspace."""
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
    elif st.button(f"Write all {total:,} rows as CSV", icon=":material/save:", key=f"{key}_write"):
        with st.spinner("Writing ..."):
            path, count = export(evaluation, result, where=where, period=context.period)
        st.success(plain(f"{count:,} rows are in {path}."))


VERBS.add(Verb("rows", "Show rows", show_rows))
