"""What-if on the screen: the row as a form, the prediction as it moves, what turns it, and its nearest opposite."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import polars as pl
import streamlit as st

from analysis import questions
from analysis.core import words
from analysis.core.model import Scorer
from analysis.core.receipt import Result
from analysis.core.roles import REGRESSION
from analysis.engine.query import OpenEvaluation
from analysis.telling import whatifcharts, whatifrows
from analysis.telling.whatifrows import MISSING
from pages.ui import frame, rowpick
from pages.ui import show as shown
from pages.ui.context import Context, plain

STATE = "whatif"
LISTED = 8
BARE = re.compile(r"[A-Za-z0-9]+(?:_[A-Za-z0-9]+)*")
Asked = dict[str, Any]


def show(ctx: Context, evaluation: OpenEvaluation, scorer: Scorer, row: str) -> None:
    """The whole view of one row."""
    version = ctx.models[-1] if ctx.models else ""
    mark = (evaluation.facts.id, scorer.model.id, row, version, repr(ctx.threshold))
    if st.session_state.get(STATE, {}).get("mark") != mark:
        turn = st.session_state.get(STATE, {}).get("turn", 0) + 1
        st.session_state[STATE] = {"mark": mark, "tries": [], "turn": turn}
    asked: Asked = {"row": row, "threshold": ctx.threshold, "version": version}

    @st.fragment(key="whatif_form")
    def part() -> None:
        with frame.boundary("what if"):
            _form(evaluation, scorer, asked)

    part()
    if evaluation.facts.task != REGRESSION:
        with st.container(border=True, key="whatif_opposite"):
            _opposite(evaluation, scorer, asked)


@st.cache_resource(max_entries=32, show_spinner=False)
def _as_it_is(mark: tuple[Any, ...], _evaluation: Any, _scorer: Any, _asked: Asked) -> Result:
    return questions.what_if(_evaluation, _scorer, changes={}, **_asked)


def _form(evaluation: OpenEvaluation, scorer: Scorer, asked: Asked) -> None:
    """The sentence, how the prediction moved, the smallest turns and the fields, redrawn with every change.

    What the fields hold is read before they are drawn, so that the answer does not wait for them.
    """
    base = _as_it_is(st.session_state[STATE]["mark"], evaluation, scorer, asked)
    fields = base.frames["row"].to_dicts()
    own = {each["feature"]: each["value"] for each in fields}
    now = {each["feature"]: _holds(each, at) for at, each in enumerate(fields)}
    changes = {name: text for name, text in now.items() if text != own[name]}
    result = questions.what_if(evaluation, scorer, changes=changes, **asked) if changes else base
    _remember(result, changes, own)
    shown.sentence(result, key="whatif_sentence")
    _moved(result)
    if evaluation.facts.task != REGRESSION:
        with st.container(border=True, key="whatif_turns"):
            _turns(evaluation, scorer, asked, fields)
    with st.container(border=True, key="whatif_fields"):
        shown.heading("The row, to be changed", "dashed: as it is; orange: as changed")
        grid = st.grid(columns=4, min_column_width=190)
        for at, each in enumerate(fields):
            with grid.cell(), st.container(key=f"whatif_field_{at}"):
                _field(base, each, at, now[each["feature"]])
    shown.receipt(result, key="whatif_receipt")


def _key(at: int) -> str:
    return f"whatif_{st.session_state[STATE]['turn']}_{at}"


def _holds(each: dict[str, Any], at: int) -> str:
    """What the field of a feature holds, as text."""
    value = st.session_state.setdefault(_key(at), _held(each, each["value"]))
    if value is None:
        return MISSING
    if each["kind"] != "number":
        return str(value)
    return str(each["value"]) if value == each["number"] else _text(value)


def _field(result: Result, each: dict[str, Any], at: int, now: str) -> None:
    """One feature: its field and how its values lie. now: what it holds, as text."""
    key, name = _key(at), each["feature"]
    if each["kind"] == "number":
        options: dict[str, Any] = {"step": max(1, int(each["step"]))}
        if not each["whole"]:
            options = {"step": each["step"], "format": "%.6g"}
        st.number_input(_label(name), value=None, key=key, placeholder=MISSING, **options)
    else:
        labels = result.frames["lies"].filter(pl.col("feature") == name)["label"].to_list()
        known = list(dict.fromkeys([each["value"], *labels, MISSING]))
        st.selectbox(_label(name), known, key=key, accept_new_options=True)
    bars = whatifrows.distribution(result, name, now)
    if len(bars):
        alt = f"How {name} lies"
        st.vega_lite_chart(bars, whatifcharts.lies(each["kind"] == "number"), width="stretch", alt=alt, key=f"{key}_c")
    st.caption(plain(whatifrows.place(each)))


def _label(name: str) -> str:
    """A feature as a field's label: as it is where Markdown leaves it so, since escapes are read out loud."""
    return name if BARE.fullmatch(name) else plain(name)


def _held(each: Mapping[str, Any], text: str) -> Any:
    """A value as its field holds it."""
    if each["kind"] != "number":
        return text
    if text == MISSING:
        return None
    return int(float(text)) if each["whole"] else float(text)


def _text(value: float) -> str:
    return repr(value).removesuffix(".0")


def _apply(fields: list[dict[str, Any]], changes: Mapping[str, str]) -> None:
    """Put values into the form: those of `changes`, every other as it is in the row."""
    for at, each in enumerate(fields):
        st.session_state[_key(at)] = _held(each, changes.get(each["feature"], each["value"]))


def _turn(fields: list[dict[str, Any]], name: str, value: str) -> None:
    kept = st.session_state[STATE]["tries"][-1]["changes"] if st.session_state[STATE]["tries"] else {}
    _apply(fields, {**kept, name: value})


def _undo(fields: list[dict[str, Any]]) -> None:
    tries = st.session_state[STATE]["tries"]
    tries.pop()
    _apply(fields, tries[-1]["changes"] if tries else {})


def _remember(result: Result, changes: dict[str, str], own: Mapping[str, str]) -> None:
    """Add what the form says to the history, where it is new."""
    tries = st.session_state[STATE]["tries"]
    last = result.frames["together"].row(-1, named=True)
    if not tries or tries[-1]["changes"] != changes:
        said = whatifrows.changed(changes, own)
        tries.append(
            {"changes": dict(changes), "said": said, "prediction": last["prediction"], "decision": last["decision"]}
        )


def _moved(result: Result) -> None:
    """The history as a line and a table, with undo and a way back, and what each change does alone."""
    tries, fields = st.session_state[STATE]["tries"], result.frames["row"].to_dicts()
    unit, what = result.receipt.options["unit"], result.receipt.options["quantity"]
    rows = whatifrows.tries(tries, result.frames["together"]["high"][0])
    grid = st.grid(columns=2, min_column_width=380)
    with grid.cell(), st.container(border=True, height="stretch"):
        high = result.frames["together"]["high"][0]
        cut = f"dashed: {words.number(high, 'score')}, {result.receipt.options['cutoff']}" if high is not None else ""
        shown.heading("The prediction, try by try", cut)
        shown.chart(rows, whatifcharts.tries(unit, what), key="whatif_tries", alt="The prediction of each try")
        with st.container(horizontal=True):
            st.button(
                "Undo",
                icon=":material/undo:",
                key="whatif_undo",
                disabled=len(tries) < 2,
                on_click=_undo,
                args=(fields,),
            )
            st.button(
                "As it is",
                icon=":material/restart_alt:",
                key="whatif_reset",
                disabled=not tries[-1]["changes"],
                on_click=_apply,
                args=(fields, {}),
            )
    with grid.cell(), st.container(border=True, height="stretch"):
        if len(result.frame):
            shown.heading("What each change does alone")
            shown.table(whatifrows.alone(result), alt="Each change by itself", height="content")
        else:
            shown.heading("Tries so far", "change a field below")
        shown.table(whatifrows.history(rows, unit), alt="The tries so far", height="content")


@st.cache_resource(max_entries=32, show_spinner="Trying single changes ...")
def _flipped(mark: tuple[Any, ...], protected: bool, _evaluation: Any, _scorer: Any, _asked: Asked) -> Result:
    return questions.flip(_evaluation, _scorer, protected=protected, **_asked)


def _turns(evaluation: OpenEvaluation, scorer: Scorer, asked: Asked, fields: list[dict[str, Any]]) -> None:
    """The smallest single changes that turn the decision, each with a button that makes it."""
    shown.heading("What turns the decision alone", "the smallest change of one field, to a value other rows have")
    protected = False
    if any(each["protected"] for each in fields):
        protected = st.checkbox("Try protected attributes too", key="whatif_protected")
    result = _flipped(st.session_state[STATE]["mark"], protected, evaluation, scorer, asked)
    first = result.sentence.splitlines()[0]  # what a surrogate is stands above
    shown.sentence(replace(result, sentence=first), key="whatif_turn_said")
    for at, each in enumerate(result.frame.head(LISTED).iter_rows(named=True)):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.button("Apply", key=f"whatif_apply_{at}", on_click=_turn, args=(fields, each["feature"], each["to"]))
            st.markdown(plain(whatifrows.turn(each, result.receipt.options["unit"])))


@st.cache_resource(max_entries=32, show_spinner="Looking for the nearest row ...")
def _nearest(mark: tuple[Any, ...], _evaluation: Any, _scorer: Any, _asked: Asked) -> Result:
    return questions.opposite(_evaluation, _scorer, **_asked)


def _opposite(evaluation: OpenEvaluation, scorer: Scorer, asked: Asked) -> None:
    """The nearest real row that was decided otherwise, beside this one."""
    shown.heading("The nearest row that was decided otherwise", "● where the two differ")
    with frame.boundary("opposite"):
        result = _nearest(st.session_state[STATE]["mark"], evaluation, scorer, asked)
        shown.sentence(result, key="whatif_opposite_said")
        if not len(result.frame):
            return
        shown.table(whatifrows.opposite(result), alt="This row and its nearest opposite", height="content")
        id = result.frame["row"][0]
        st.button(
            f"Open row {plain(id)}",
            icon=":material/arrow_forward:",
            key="whatif_open",
            on_click=rowpick.want,
            args=(id,),
        )
