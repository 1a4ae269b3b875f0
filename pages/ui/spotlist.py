"""The list of weak spots: a card each, with its way to the rows behind it."""

import streamlit as st

from analysis.core.receipt import Result
from analysis.telling import weakspots
from pages.ui import show, verbs
from pages.ui.context import plain

CHART = "weak_spots_chart"
AT_FIRST = 8


def cards(result: Result) -> None:
    """The weak spots that lose most, the rest on request."""
    every = st.session_state.get("weak_spots_all", False)
    rows = list(result.frame.iter_rows(named=True))
    for place, row in enumerate(rows if every else rows[:AT_FIRST], start=1):
        with st.container(border=True, key=f"weak_spots_{place}"):
            lines = weakspots.facts(result, row)
            with st.container(horizontal=True, vertical_alignment="top"):
                st.markdown(f"**{place}. {plain(row['sentence'])}**  \n{plain(lines[0])}")
                st.button(
                    "Look into it",
                    key=f"weak_spots_look_{place}",
                    icon=":material/table_rows:",
                    help="The rows of this segment, and what else one can do with it.",
                    on_click=verbs.look,
                    args=(CHART, row["model"], row["where"]),
                )
            st.caption("  \n".join(plain(line) for line in lines[1:]))
    if len(rows) > AT_FIRST:
        st.toggle(f"Show all {len(rows)}", key="weak_spots_all")


def details(result: Result) -> None:
    """What was searched and what was not found."""
    st.caption(plain(weakspots.searched(result)))
    with st.expander("What was searched, and what was not found", key="weak_spots_searched"):
        for title, what, rows in (
            (
                "Stood out on one half only",
                "tested on rows that did not choose them, and not confirmed",
                weakspots.unconfirmed,
            ),
            ("Told with another segment", "the same rows in other words, or a gap that lies inside", weakspots.folded),
            ("Columns", "each value, range of neighbouring bins, and missing", weakspots.columns),
            ("How small a gap would have shown", "in about four of five searches", weakspots.power),
        ):
            table = rows(result)
            if len(table):
                show.heading(title, what)
                show.table(table, alt=title)
