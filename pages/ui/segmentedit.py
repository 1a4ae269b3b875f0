"""The segment editor: a popover beside the filter that builds a condition from columns, phrases and values.

It shows the expression, says it in English, counts its rows, puts it into the filter or keeps it under a name.
"""

from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st

from analysis import questions
from analysis.core import judged
from analysis.core.dataset import clean_name
from analysis.core.errors import BadRequest
from analysis.core.evaluation import EvalColumn, Evaluation
from analysis.core.expression import parse
from analysis.core.literal import family, read_moment
from analysis.core.phrase import BETWEEN, BINS, FREQUENT, KNOWN, LISTS, MISSING, TEXTS, phrased, phrases
from analysis.core.savedsegment import inapplicable, read
from analysis.core.segment import And, Everything, Not, Or, Saved, Segment, resolve
from analysis.engine.query import OpenEvaluation
from analysis.store import segments
from pages.ui import frame
from pages.ui.context import plain, request_filter

OPEN, DRAFT = "segmentedit", "segmentedit_draft"
HOW = {"and": "And", "or": "Or"}


def popover(evaluation: Evaluation, filtered: str) -> None:
    """The button beside the filter and what it opens. filtered: the filter as it stands, where a draft begins."""
    opened = st.popover(
        "",
        icon=":material/filter_alt:",
        help="Build, name and reuse segments",
        key=OPEN,
        on_change="rerun",
        width="content",
    )
    if not opened.open:
        st.session_state.pop(DRAFT, None)
        return
    if DRAFT not in st.session_state:
        st.session_state[DRAFT] = filtered
    with opened, st.container(width=560, key="segmentedit_body"):
        _body(evaluation)


@st.fragment
def _body(facts: Evaluation) -> None:
    evaluation = frame.engine().open(facts)
    _saved(facts)
    made = _condition(evaluation)
    _joining(made)
    st.text_area(
        "Segment",
        key=DRAFT,
        height=80,
        placeholder="region = 'West' and amount >= 100",
        help="As the filter writes it; what the choices above add appears here and may be changed by hand.",
    )
    _drafted(evaluation, st.session_state[DRAFT].strip())


def _saved(facts: Evaluation) -> None:
    """Pick one of the saved segments; one that is not applicable here says why."""
    known = frame.segments()
    if not known:
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.selectbox(
            "Saved segment", list(known), index=None, placeholder="Choose", key="segmentedit_saved", width="stretch"
        )
        why = inapplicable(resolve(Saved(name), known), judged.types(facts)) if name else None
        made = Saved(name) if name and why is None else None
        st.button("Add saved", key="segmentedit_add_saved", disabled=made is None, on_click=_add, args=(made, "and"))
        gone = st.button("Delete", key="segmentedit_delete", type="tertiary", disabled=not name)
    if gone and name and _kept(lambda: segments.delete(frame.workspace(), name)):
        st.rerun(scope="fragment")
    if why is not None:
        st.warning(plain(f"Not applicable to '{facts.name}': {why}"), icon=":material/block:")
    elif name:
        st.caption(plain(f"Rows where {resolve(Saved(name), known).sentence()}."))


def _condition(evaluation: OpenEvaluation) -> Segment | None:
    """The condition the widgets describe; None while a value is lacking."""
    facts = evaluation.facts
    names = sorted((each.name for each in facts.columns), key=lambda name: name not in facts.roles.segments)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.selectbox("Column of the condition", names, key="segmentedit_column")
        column = facts.column(name)
        offered = phrases(column)
        phrase = st.selectbox("Condition", offered, key=f"segmentedit_phrase_{column.key}")
    values = _values(evaluation, column, phrase)
    try:
        return phrased(column, phrase, values)
    except BadRequest as error:
        if any(value not in (None, "") for value in values):
            st.caption(plain(str(error)))
        return None


def _values(evaluation: OpenEvaluation, column: EvalColumn, phrase: str) -> Sequence[Any]:
    """What the phrase takes, from a widget that fits the column."""
    key = f"segmentedit_{column.key}_{phrase}"
    if phrase in (MISSING, KNOWN):
        return ()
    if phrase in LISTS:
        known = _known(evaluation, column)
        return st.multiselect(
            f"Values of {plain(column.name)}",
            known,
            key=key,
            accept_new_options=True,
            select_all=False,
            placeholder="Choose or type",
        )
    if phrase in FREQUENT:
        known = _known(evaluation, column)
        usual = max(1, min(5, len(known)))
        most = st.number_input("How many", 1, max(1, len(known)), usual, key=key, width=160)
        picked = known[: int(most)]
        st.caption(plain(f"Today these are {', '.join(picked)}; the segment keeps them."))
        return picked
    if phrase == BINS:
        return _bins(column, key)
    if phrase in TEXTS:
        return [st.text_input("Text", key=key)]
    if phrase == BETWEEN:
        with st.container(horizontal=True):
            return [_one(column, "From", f"{key}_low"), _one(column, "To", f"{key}_high")]
    return [_one(column, "Value", key)]


def _known(evaluation: OpenEvaluation, column: EvalColumn) -> list[str]:
    """The values a column holds, the most frequent first; none of a column of quantile bins."""
    if column.encoding == "bins":
        return []
    return questions.holds(evaluation, column.name).frame["value"].drop_nulls().to_list()


def _bins(column: EvalColumn, key: str) -> Sequence[int]:
    count = len(column.edges) - 1
    low, high = st.select_slider(
        "From bin to bin",
        list(range(count)),
        value=(count - 1, count - 1),
        key=key,
        format_func=lambda place: f"{place + 1}: from {column.edges[place]}",
        help="Bins of about equally many rows; the segment keeps their edges as values.",
    )
    return [low, high]


def _one(column: EvalColumn, label: str, key: str) -> Any:
    """One value of the column's kind, a date by the calendar."""
    if family(column.type) == "date":
        ends = [read_moment(edge) for edge in (column.edges[0], column.edges[-1])] if column.edges else [None, None]
        return st.date_input(label, value=None, min_value=ends[0], max_value=ends[1], key=key, format="YYYY-MM-DD")
    example = "2026-03-31 10:00" if family(column.type) in ("moment", "zoned") else "100"
    return st.text_input(label, key=key, placeholder=example)


def _joining(made: Segment | None) -> None:
    """Add the condition to the draft, turn the draft into its complement, or start over."""
    drafted = bool(st.session_state.get(DRAFT, "").strip())
    with st.container(horizontal=True, key="segmentedit_joining"):
        if drafted:
            for how, title in HOW.items():
                st.button(title, key=f"segmentedit_{how}", disabled=made is None, on_click=_add, args=(made, how))
            st.button("Not", key="segmentedit_not", on_click=_turn, help="Everything but this segment")
            st.button("Clear", key="segmentedit_clear", type="tertiary", on_click=_clear)
        else:
            st.button("Add", key="segmentedit_add", disabled=made is None, on_click=_add, args=(made, "and"))


def _drafted(evaluation: OpenEvaluation, text: str) -> None:
    """What the draft says and selects, and what can be done with it."""
    segment: Segment = Everything()
    if text:
        try:
            segment = read(text, judged.types(evaluation.facts), frame.segments)
        except BadRequest as error:
            st.error(plain(str(error)), icon=":material/error:")
            return
        st.markdown(plain(questions.selection(evaluation, segment).sentence))
    if st.button("Apply as filter", key="segmentedit_apply", type="primary", icon=":material/check:"):
        request_filter(text)
        st.session_state[OPEN] = False
        st.rerun()
    keeping(text, key="segmentedit", disabled=not text)


def keeping(text: str, *, key: str, disabled: bool = False, description: str = "") -> None:
    """Keep an expression under a name; a name that is taken becomes its next version."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.text_input("Name", key=f"{key}_name", placeholder="high amounts in the West")
        about = st.text_input("What it is for", value=description, key=f"{key}_about")
        saving = st.button("Save segment", key=f"{key}_save", disabled=disabled or not name.strip(), width="content")
    if not saving and name.strip() in frame.segments():
        st.caption(plain(f"There is a segment '{name.strip()}' already; this becomes its next version."))
    if saving and _kept(lambda: segments.save(frame.workspace(), name, parse(text), description=about)):
        kept = segments.find(frame.workspace(), clean_name(name))
        st.success(
            plain(f"Kept version {kept.version}; any filter knows it as {kept.mention}."), icon=":material/check:"
        )


def _kept(change: Callable[[], Any]) -> bool:
    """Change the saved segments; what forbids it is shown."""
    try:
        change()
    except BadRequest as error:
        st.error(plain(str(error)), icon=":material/error:")
        return False
    return True


def _add(made: Segment | None, how: str) -> None:
    text = st.session_state.get(DRAFT, "").strip()
    if made is None:
        return
    drafted = _read(text)
    if text and drafted is None:
        return
    joined = made if drafted is None else (And if how == "and" else Or)((drafted, made))
    st.session_state[DRAFT] = joined.expression()


def _turn() -> None:
    drafted = _read(st.session_state.get(DRAFT, "").strip())
    if drafted is not None:
        st.session_state[DRAFT] = (drafted.part if isinstance(drafted, Not) else Not(drafted)).expression()


def _clear() -> None:
    st.session_state[DRAFT] = ""


def _read(text: str) -> Segment | None:
    """The draft where it can be read; what is wrong with it is said below it."""
    try:
        return parse(text) if text else None
    except BadRequest:
        return None
