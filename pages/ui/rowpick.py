"""A row on the screen: typed by its id, picked from a list, or chosen behind a mark; the address keeps it as `row=`."""

from functools import partial
from typing import Any

import streamlit as st

from analysis import questions
from analysis.core import judged
from analysis.core.expression import parse
from analysis.core.receipt import Result
from analysis.core.roles import BINARY
from analysis.core.segment import Segment, every
from analysis.engine.query import OpenEvaluation
from pages.ui import frame
from pages.ui.context import Context, plain, request_filter
from pages.ui.mark import Mark

KEY, WANTED, PAGE = "row", "row_wanted", "explain"
VIEW, AGAINST = "explain_view", "explain_against"
LISTS = {
    "loss": "Largest losses",
    "missed": "False negatives",
    "alarms": "False positives",
    "random": "At random",
}
LISTED = 50
STRIDE = 7919  # a prime, so that many turns pass before a list of random rows begins where another did


def want(id: str) -> None:
    """Have the next run show this row."""
    st.session_state[WANTED] = id


def picked(ctx: Context, evaluation: OpenEvaluation) -> str:
    """The field of the id and the lists to pick from; "" where no row is chosen."""
    facts = evaluation.facts
    mark = f"{facts.id}"
    if st.session_state.get("row_of") not in (None, mark):
        st.session_state.pop(KEY, None)
        st.query_params.pop(KEY, None)
    st.session_state["row_of"] = mark
    if WANTED in st.session_state:
        st.session_state[KEY] = st.session_state.pop(WANTED)
    elif KEY not in st.session_state:
        st.session_state[KEY] = st.query_params.get(KEY) or _first(ctx, evaluation)
    id = st.text_input(f"Row, by its {', '.join(facts.roles.id)}", key=KEY, persist_state="session", width=230).strip()
    with st.popover("Pick a row", icon=":material/list:", key="row_pick", on_change="rerun") as opened:
        if opened.open:
            _lists(ctx, evaluation)
    if id:
        st.query_params[KEY] = id
    elif KEY in st.query_params:
        del st.query_params[KEY]
    return id


def _lists(ctx: Context, evaluation: OpenEvaluation) -> None:
    """Rows worth a look, from a list of one's choice."""
    with st.container(width=900):
        chosen = _list(evaluation, key="row_list")
        result = listed(ctx, evaluation, chosen)
        at = _table(result, key=f"row_list_{chosen}")
        if at is not None:
            want(_id(evaluation, result, at))
            st.rerun()


def _list(evaluation: OpenEvaluation, *, key: str) -> str:
    """One of LISTS; which row is missed is known of two classes only."""
    names = [name for name in LISTS if evaluation.facts.task == BINARY or name not in ("missed", "alarms")]
    chosen = st.segmented_control(
        "From", names, default=names[0], required=True, format_func=lambda name: LISTS[name], key=key
    )
    return str(chosen)


def listed(
    ctx: Context, evaluation: OpenEvaluation, name: str, *, within: Segment | None = None, model: str = ""
) -> Result:
    """The rows of one of LISTS within the view and a segment, judged by a version (default: the view's last)."""
    facts = evaluation.facts
    asked = [each for each in (ctx.where, within) if each]
    if name in ("missed", "alarms"):
        truth, said = facts.classes[::-1] if name == "missed" else facts.classes
        columns = judged.named(facts)
        text = f"{columns['label']} = {_quoted(truth)} and {columns['prediction']} = {_quoted(said)}"
        asked.append(parse(text, columns=judged.types(facts)))
    ask = partial(
        questions.rows,
        evaluation,
        model=model or (ctx.models[-1] if ctx.models else ""),
        where=every(asked),
        period=ctx.period,
        threshold=ctx.threshold,
    )
    if name != "random":
        return ask(order="loss", limit=LISTED)
    total = ask(order="file", limit=1).frames["count"]["rows"][0]
    turn = st.session_state.setdefault("row_turn", 1)
    return ask(order="file", limit=LISTED, offset=STRIDE * turn % max(total - LISTED, 1))


def _quoted(text: str) -> str:
    doubled = text.replace("'", "''")
    return f"'{doubled}'"


def _first(ctx: Context, evaluation: OpenEvaluation) -> str:
    result = listed(ctx, evaluation, "loss")
    return _id(evaluation, result, 0) if len(result.frame) else ""


def _id(evaluation: OpenEvaluation, result: Result, at: int) -> str:
    return ",".join(str(result.frame[name][at]) for name in evaluation.facts.roles.id)


def _table(result: Result, *, key: str) -> int | None:
    """Rows with one to choose: its place, or None."""
    st.caption(plain(result.sentence))
    chosen: Any = st.dataframe(
        result.frame,
        hide_index=True,
        height=330,
        alt="Rows to choose from",
        key=key,
        on_select="rerun",
        selection_mode="single-row",
    )
    return chosen.selection.rows[0] if chosen.selection.rows else None


def explain_row(mark: Mark) -> None:
    """A verb: have all rows behind a mark explained, against the rest, or choose one of them."""
    if st.button("Explain all of them, against the rest", icon=":material/groups:", key="verbs_explain_all"):
        request_filter(mark.segment.expression())
        st.session_state[VIEW], st.session_state[AGAINST] = "segment", "rest"
        st.switch_page(frame.page(PAGE))
    if not mark.evaluation.facts.roles.id:
        st.info("Rows are explained by their id; give a column the role id in Evaluations.")
        return
    chosen = "loss" if mark.judged else _list(mark.evaluation, key="verbs_explain_list")
    result = listed(mark.context, mark.evaluation, chosen, within=mark.where, model=mark.model)
    st.caption("Choose a row; the ones the model is most wrong about come first.")
    at = _table(result, key=f"verbs_explain_rows_{chosen}")
    if st.button(
        "Explain this row", type="primary", icon=":material/psychology_alt:", disabled=at is None, key="verbs_explain"
    ):
        want(_id(mark.evaluation, result, at or 0))
        st.switch_page(frame.page(PAGE))
