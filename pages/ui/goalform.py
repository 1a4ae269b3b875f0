"""Goals and values as widgets: what a threshold should achieve, and what each kind of decision is worth."""

from typing import Any

import streamlit as st

from analysis.core.evaluation import Evaluation
from analysis.core.goal import BAND, BOUND, CAPACITY, EQUAL, MAX, REVIEW, Goal
from analysis.core.value import KINDS, TITLES, Values
from pages.ui.context import plain

BEST: dict[str, Goal] = {
    "Best F1": Goal(MAX, "f1"),
    "Best F2 (recall counts double)": Goal(MAX, "f2"),
    "Best F0.5 (precision counts double)": Goal(MAX, "f0.5"),
    "Best Matthews correlation": Goal(MAX, "mcc"),
    "Most value": Goal(MAX, "value"),
}
FLOORS = {"Recall at least": "recall", "Precision at least": "precision", "Specificity at least": "specificity"}
A_DAY, ALIKE, SHARE, WIDTH = (
    "At most so many a day",
    "Equal recall by group",
    "Review a share",
    "Review near the threshold",
)


def goal(evaluation: Evaluation, values: Values) -> Goal:
    """The goal the analyst picks, with its number or its column beside it."""
    names = [name for name in BEST if name != "Most value" or values.given] + list(FLOORS)
    names += [A_DAY] if evaluation.roles.time else []
    columns = offered(evaluation)
    names += [*([ALIKE] if columns else []), SHARE, WIDTH]
    if st.session_state.get("thresholds_goal") not in names:
        st.session_state["thresholds_goal"] = names[0]
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        name = st.selectbox("Goal", names, key="thresholds_goal", width=270, persist_state="session")
        if name in BEST:
            return BEST[name]
        if name in FLOORS:
            percent = _number("In per cent", f"thresholds_{FLOORS[name]}", 80.0, low=0.1, high=100.0, step=1.0)
            return Goal(BOUND, FLOORS[name], ">=", percent / 100)
        if name == A_DAY:
            return Goal(CAPACITY, number=_number("Rows a day", "thresholds_capacity", 20.0, low=0.1, step=1.0))
        if name == ALIKE:
            return Goal(EQUAL, "recall", column=_column("Groups", columns, "thresholds_equal"))
        if name == SHARE:
            percent = _number("Per cent to review", "thresholds_review", 10.0, low=0.1, high=99.0, step=1.0)
            return Goal(REVIEW, number=percent / 100)
        return Goal(BAND, number=_number("On either side", "thresholds_band", 0.05, low=0.001, step=0.01))


def offered(evaluation: Evaluation) -> list[str]:
    """Columns whose groups may have thresholds of their own: segments first, then what has few values."""
    first = [*evaluation.roles.segments, *evaluation.roles.protected]
    few = [column.name for column in evaluation.columns if column.encoding == "values" and 1 < column.distinct <= 50]
    taken = {evaluation.roles.label, *(model.prediction for model in evaluation.roles.models)}
    known = {column.name: column for column in evaluation.columns}
    names = [name for name in dict.fromkeys([*first, *few]) if name in known and name not in taken]
    return [name for name in names if known[name].encoding != "plain" and known[name].distinct > 1]


def by(evaluation: Evaluation, chosen: Goal) -> str:
    """A column whose groups get a threshold of their own for the goal; "" for one threshold."""
    columns = offered(evaluation)
    if chosen.kind not in (MAX, BOUND) or not columns:
        return ""
    return _column("A threshold for each", ["", *columns], "thresholds_by")


def _column(label: str, columns: list[str], key: str) -> str:
    if st.session_state.get(key) not in columns:
        st.session_state[key] = columns[0]
    options: Any = {"format_func": lambda name: plain(name) if name else "one for all"}
    return str(st.selectbox(label, columns, key=key, width=200, persist_state="session", **options))


def _number(label: str, key: str, value: float, *, low: float, step: float, high: float | None = None) -> float:
    given: Any = {} if key in st.session_state else {"value": value}
    options: Any = {"min_value": low, "max_value": high, "step": step, "width": 160, "persist_state": "session"}
    return float(st.number_input(label, key=key, **options, **given))


def values(evaluation: Evaluation) -> Values:
    """What decisions are worth: a fixed sum each, and where rows have an amount a multiple of it."""
    with st.expander("What decisions are worth", icon=":material/payments:", key="thresholds_worth"):
        st.caption("Gains positive, costs negative, in any one currency. All 0: no value is worked out.")
        fixed = _four("fixed", "each")
        share = (0.0, 0.0, 0.0, 0.0)
        if evaluation.roles.amount:
            st.caption(f"And as a multiple of {plain(evaluation.roles.amount)}, the row's amount; 1 is all of it.")
            share = _four("share", "times the amount")
        return Values(fixed, share)


def _four(kind: str, unit: str) -> tuple[float, float, float, float]:
    grid = st.grid(columns=4, min_column_width=170)
    found = []
    for each in KINDS:
        key = f"thresholds_{kind}_{each}"
        given: Any = {} if key in st.session_state else {"value": 0.0}
        title = f"{TITLES[each].capitalize()}, {unit}"
        with grid.cell():
            found.append(float(st.number_input(title, key=key, step=1.0, persist_state="session", **given)))
    return found[0], found[1], found[2], found[3]
