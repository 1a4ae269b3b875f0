"""The catalogue of datasets: the list, and what is known of the chosen version."""

import polars as pl
import streamlit as st

from analysis.core.dataset import Dataset
from analysis.store import datasets
from pages.ui import frame, show
from pages.ui.context import plain


def table(known: list[Dataset]) -> Dataset | None:
    """Every version, newest first; the chosen one."""
    rows = pl.DataFrame(
        [
            {
                "name": each.name,
                "version": each.version,
                "rows": each.rows,
                "rejected": each.rejected,
                "columns": len(each.schema),
                "file": each.source,
                "kept": each.created.replace("T", " ")[:16],
                "by": each.actor,
            }
            for each in known
        ]
    )
    chosen = show.choice(
        rows,
        [each.id for each in known],
        alt="Datasets and their versions",
        key="datasets_list",
        column_config={
            "rows": st.column_config.NumberColumn(format="localized"),
            "rejected": st.column_config.NumberColumn(format="localized"),
            "kept": st.column_config.TextColumn("kept (UTC)"),
        },
    )
    if chosen is None and len(known) == 1:
        return known[0]
    if chosen is None:
        st.caption("Choose a row to see its columns, first rows, rejected rows and versions.")
        return None
    return known[chosen]


def details(dataset: Dataset) -> None:
    """Schema, first rows, rejects, and what may be done with it."""
    space = frame.workspace()
    with st.container(border=True, key="dataset_details"):
        show.heading(dataset.label, f"{dataset.rows:,} rows, {len(dataset.schema)} columns, from {dataset.source}")
        st.caption(plain(f"{show.counted(dataset)}. sha256 of the file {dataset.fingerprint[:12]}"))
        views = ["First rows", "Columns", *(["Rejected rows"] if dataset.rejected else [])]
        view = st.segmented_control("View", views, default=views[0], key="datasets_view", label_visibility="collapsed")
        if view == "Columns":
            show.table(_columns(dataset), alt="The columns", height=420)
        elif view == "Rejected rows":
            show.table(datasets.rejects(space, dataset), alt="Rejected rows with line and reason", height=420)
        else:
            show.table(datasets.first_rows(space, dataset), alt="The first 100 rows", height=420)
        for note in dataset.facts.get("notes", []):
            st.caption(plain(note))
        with st.container(horizontal=True):
            if st.button("Evaluate", type="primary", icon=":material/arrow_forward:", key="datasets_evaluate"):
                st.session_state["evaluations_dataset"] = dataset.id
                st.switch_page(frame.page("evaluations"))
            if st.button("Delete", icon=":material/delete:", key="datasets_delete"):
                confirm_delete(dataset)


def _columns(dataset: Dataset) -> pl.DataFrame:
    return pl.DataFrame(
        [
            {
                "column": column.name,
                "type": column.type,
                "missing": column.missing,
                "name in the file": column.original or column.name,
            }
            for column in dataset.schema
        ]
    )


@st.dialog("Delete a dataset version")
def confirm_delete(dataset: Dataset) -> None:
    """Ask, naming what was built from it."""
    space = frame.workspace()
    depends = datasets.dependants(space, dataset)
    st.markdown(plain(f"Delete '{dataset.label}' with its {dataset.rows:,} rows? This cannot be undone."))
    if depends:
        built = ", ".join(depends)
        st.warning(
            plain(f"Built from it: {built}. They keep their own data, but cannot be made again without the file.")
        )
    with st.container(horizontal=True):
        if st.button("Delete", type="primary", key="datasets_delete_confirm"):
            datasets.delete(space, dataset)
            st.rerun()
        if st.button("Keep it", key="datasets_delete_cancel"):
            st.rerun()
