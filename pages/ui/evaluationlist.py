"""The list of evaluations, and what may be done with one."""

import polars as pl
import streamlit as st

from analysis.core.dataset import Dataset
from analysis.core.evaluation import Evaluation
from analysis.store import evaluations
from pages.ui import context, frame, show
from pages.ui.context import plain


def view(known: list[Evaluation]) -> str:
    """Whether the list or the form is asked for; a dataset sent here opens the form."""
    if not known:
        return "New"
    key = f"evaluations_view_{st.session_state.get('roles_turn', 0)}"
    st.session_state.setdefault(key, "List")
    if "evaluations_dataset" in st.session_state:
        st.session_state[key] = "New"
    views = ["List", "New"]
    return str(st.segmented_control("View", views, key=key, required=True, label_visibility="collapsed"))


def table(known: list[Evaluation]) -> Evaluation | None:
    """Every version, newest first; the chosen one."""
    rows = pl.DataFrame(
        [
            {
                "name": each.name,
                "version": each.version,
                "task": each.task,
                "positive": each.positive or "—",
                "rows": each.rows,
                "labelled": each.labelled,
                "until": each.time_high[:10],
                "model versions": ", ".join(model.name for model in each.models),
                "description": each.description,
            }
            for each in known
        ],
        schema_overrides={"positive": pl.String},
    )
    chosen = show.choice(
        rows,
        [each.id for each in known],
        alt="Evaluations and their versions",
        key="evaluations_list",
        column_config={
            "rows": st.column_config.NumberColumn(format="localized"),
            "labelled": st.column_config.NumberColumn(format="localized"),
            "positive": st.column_config.TextColumn("positive class"),
        },
    )
    if chosen is None and len(known) == 1:
        return known[0]
    if chosen is None:
        st.caption("Choose a row to open, rename, describe, duplicate or delete it.")
        return None
    return known[chosen]


def details(evaluation: Evaluation, sources: list[Dataset]) -> None:
    """Roles, notes, and the ways to change it."""
    with st.container(border=True, key="evaluation_details"):
        show.heading(evaluation.label, evaluation.description)
        for note in evaluation.notes:
            st.caption(plain(note))
        used = evaluation.roles.used()
        roles = pl.DataFrame(
            [
                {
                    "column": column.name,
                    "roles": ", ".join(used.get(column.name, [])),
                    "type": column.type,
                    "values": column.distinct,
                    "missing": column.missing,
                    "why": evaluation.reasons.get(column.name, ""),
                }
                for column in sorted(evaluation.columns, key=lambda each: each.name not in used)
            ]
        )
        show.table(roles, alt="Columns and their roles", height=320)
        with st.container(horizontal=True, vertical_alignment="bottom"):
            if st.button("Open", type="primary", icon=":material/arrow_forward:", key="evaluations_open"):
                context.request(evaluation)
                st.switch_page(frame.page("overview"))
            if st.button("Duplicate with edits", icon=":material/content_copy:", key="evaluations_duplicate"):
                if any(each.id in evaluation.inputs for each in sources):
                    st.session_state["evaluations_dataset"] = evaluation.inputs[0]
                    st.session_state["evaluations_from"] = evaluation.id
                    st.rerun()
                st.warning("The dataset it was made of was deleted; take the file in again to edit the roles.")
            if st.session_state.pop("evaluations_renamed", False):
                st.session_state["evaluations_renaming"] = False  # left open it would swallow the next click
            with st.popover(
                "Rename or describe", icon=":material/edit:", on_change="rerun", key="evaluations_renaming"
            ):
                _rename(evaluation)
            if st.button("Delete", icon=":material/delete:", key="evaluations_delete"):
                confirm_delete(evaluation)


def _rename(evaluation: Evaluation) -> None:
    with st.form("evaluations_rename", border=False):
        name = st.text_input("Name", value=evaluation.name)
        words = st.text_area("Description", value=evaluation.description)
        if st.form_submit_button("Save"):
            space = frame.workspace()
            evaluations.rename(space, evaluation, name)
            evaluations.describe(space, evaluation, words)
            st.session_state["evaluations_renamed"] = True
            st.rerun()


@st.dialog("Delete an evaluation version")
def confirm_delete(evaluation: Evaluation) -> None:
    """Ask before links to it stop working."""
    st.markdown(
        plain(f"Delete '{evaluation.label}'? Links to this version will open the newest other one. The dataset stays.")
    )
    with st.container(horizontal=True):
        if st.button("Delete", type="primary", key="evaluations_delete_confirm"):
            evaluations.delete(frame.workspace(), evaluation)
            st.rerun()
        if st.button("Keep it", key="evaluations_delete_cancel"):
            st.rerun()
