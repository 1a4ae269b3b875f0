"""Labels in doubt on the screen: the queue to confirm or reject them, many or one at a time, and what is kept of it."""

from typing import Any

import polars as pl
import streamlit as st

from analysis import questions
from analysis.core.labeldecision import CONFIRMED, REJECTED, LabelDecision
from analysis.core.receipt import Result
from analysis.engine.query import OpenEvaluation
from analysis.store import labeldecisions, relabelling
from analysis.telling import labelrows
from pages.ui import frame, show
from pages.ui.context import Context, plain

TABLE, LISTED = "labels_table", 200


def _scope(ctx: Context) -> str:
    return ctx.evaluation.name if ctx.evaluation else ""


def result(ctx: Context, evaluation: OpenEvaluation, model: str) -> Result:
    """The labels in doubt with what was decided of them."""
    known = labeldecisions.listed(frame.workspace(), _scope(ctx))
    decided = {each.key: each.decision for each in known}
    return questions.label_errors(evaluation, model=model, where=ctx.where, limit=LISTED, decisions=decided)


def queue(ctx: Context, evaluation: OpenEvaluation, found: Result) -> None:
    """The next undecided label, and the table of all listed with buttons for the rows chosen."""
    rows = found.frame
    left = rows.filter(pl.col("decision").is_null())
    done = len(rows) - len(left)
    st.progress(done / max(1, len(rows)), text=labelrows.progress(found))
    if len(left):
        _next(ctx, evaluation, left.row(0, named=True))
    with st.container(border=True):
        show.heading("The labels most in doubt", "choose rows to decide many at once")
        st.dataframe(
            labelrows.listed(found),
            hide_index=True,
            height=330,
            alt="Labels in doubt",
            key=TABLE,
            on_select="rerun",
            selection_mode="multi-row",
            column_config={"Score of the label": st.column_config.NumberColumn(format="%.3f")},
        )
        chosen = _chosen(rows)
        with st.container(horizontal=True, gap="small"):
            for decision, label in ((CONFIRMED, "Confirm"), (REJECTED, "Reject"), ("", "Undo")):
                st.button(
                    f"{label} {len(chosen)}" if chosen else label,
                    key=f"labels_many_{label.lower()}",
                    disabled=not chosen,
                    on_click=_decide,
                    args=(_scope(ctx), chosen, decision),
                )


def _chosen(rows: pl.DataFrame) -> list[dict[str, Any]]:
    places = st.session_state.get(TABLE, {}).get("selection", {}).get("rows", [])
    return [rows.row(place, named=True) for place in places if place < len(rows)]


def _next(ctx: Context, evaluation: OpenEvaluation, row: dict[str, Any]) -> None:
    """One label with its row's values, and the two answers, by a key each."""
    with st.container(border=True, key="labels_next"):
        st.markdown(f"**{plain(labelrows.asked(row))}**")
        ids = evaluation.facts.roles.id
        if len(ids) == 1:
            with st.expander("The whole row", key="labels_row", on_change="rerun") as opened:
                if opened.open:
                    where = labelrows.row_of(evaluation.facts, row["id"])
                    show.table(
                        questions.rows(evaluation, model=row["model"], where=where, limit=5).frame,
                        alt="The row in doubt",
                    )
        with st.container(horizontal=True, gap="small"):
            for decision, label, key in ((CONFIRMED, "The label is wrong", "Y"), (REJECTED, "The label is right", "N")):
                st.button(
                    label,
                    key=f"labels_one_{decision}",
                    shortcut=key,
                    on_click=_decide,
                    args=(_scope(ctx), [row], decision),
                )


def _decide(scope: str, rows: list[dict[str, Any]], decision: str) -> None:
    workspace = frame.workspace()
    if not decision:
        known = {each.id for each in labeldecisions.listed(workspace, scope)}
        decided = [row["id"] for row in rows if row["id"] in known]
        if not decided:
            st.toast("Nothing is decided of these labels, so there is nothing to take back.")
        labeldecisions.forget(workspace, scope, decided)
        return
    made = [LabelDecision(row["id"], row["label"], row["suggested"], decision, row["model"]) for row in rows]
    labeldecisions.keep(workspace, scope, made)


def kept(ctx: Context) -> None:
    """All decisions of the evaluation: download, and the dataset's next version with the labels corrected."""
    table = labeldecisions.table(frame.workspace(), _scope(ctx))
    if not len(table):
        return
    confirmed = int((table["decision"] == CONFIRMED).sum())
    with st.container(horizontal=True, gap="small", key="labels_kept"):
        st.download_button(
            f"Download {len(table):,} decisions",
            table.write_csv(),
            file_name=f"{_scope(ctx)} label decisions.csv",
            mime="text/csv",
            on_click="ignore",
            icon=":material/download:",
        )
        applied = st.button(
            f"Correct {confirmed:,} in a new version",
            key="labels_apply",
            disabled=not confirmed,
            help="Keeps the next version of the dataset; the version this evaluation was built from stays as it is.",
        )
    if applied and ctx.evaluation is not None:
        with st.spinner("Writing the next version ..."):
            made, rows = relabelling.applied(frame.workspace(), ctx.evaluation)
        st.success(plain(labelrows.corrected(made.label, rows)))
        st.page_link(
            frame.page("evaluations"), label="Build the evaluation again from it", icon=":material/arrow_forward:"
        )
