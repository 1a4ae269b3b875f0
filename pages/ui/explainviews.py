"""Explanations on the screen: the first picture at once, then the checks repeat by repeat, until stopped or settled."""

import json
import logging
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import streamlit as st

from analysis import questions
from analysis.core.errors import AssayError
from analysis.core.model import Model, Scorer
from analysis.core.receipt import Result
from analysis.core.segment import Segment
from analysis.core.settings import whole
from analysis.engine import readtexts
from analysis.engine.query import OpenEvaluation
from analysis.metrics.trusting import CANNOT, OPEN
from analysis.questions.explain import BATCH
from analysis.store import models
from analysis.telling import explaincharts, explainrows, letter
from pages.ui import curveviews, frame, pickers, rowpick, show
from pages.ui.context import Context, plain

log = logging.getLogger("assay")
STATE, STOPPED, FAILED, LAST = "explain_state", "explain_stopped", "explain_failed", "explain_last"
WIDTH = "0.75 times the root of the number of features"
SHORT = 6
WIDTHS = (0.5, 2.0)
TONES = {"more": "blue-background", "less": "orange-background", "open": "gray-background"}
CURVE = "explain_to_curve"
POLLED, CHOSEN = "explain_polled", "explain_options"


@dataclass(frozen=True)
class Options:
    """What the controls under "More" hold."""

    cls: str
    where: Segment | None
    samples: int | None
    kernel_width: float | None
    seed: int
    text: str = ""
    kernel_widths: tuple[float, ...] = ()


def model(ctx: Context) -> Model | None:
    """The kept model that is asked, of those added for the evaluation; None where there is none, which is said."""
    assert ctx.evaluation is not None  # noqa: S101 - the page ends where there is none
    known = {each.label: each for each in models.added_for(frame.workspace(), ctx.evaluation.name)}
    if not known:
        show.nothing(
            f"No model is kept for {ctx.evaluation.name}. Explanations ask the model about rows that never were, so it "
            "must be here: add the file of the one that made the scores, or fit a surrogate to them."
        )
        st.page_link(frame.page("models"), label="Add a model", icon=":material/model_training:")
        return None
    return known[pickers.one("Model", list(known), key="explain_model", width=150)]


def options(ctx: Context, evaluation: OpenEvaluation, chosen: Model) -> None:
    """The further controls of `show_why`, which finds there what they hold."""
    facts = evaluation.facts
    text = ""
    texts = readtexts.texts(chosen, facts)
    if texts:
        text = pickers.one(
            "Explain by",
            ["", *texts],
            key="explain_text",
            shown=lambda name: f"Words of {name}" if name else "Features",
        )
    with st.popover("More", icon=":material/tune:", key="explain_more"):
        usual = facts.positive or "the one the model prefers"
        classes = ["", *facts.classes]
        cls = ""
        if len(facts.classes) > 1:
            cls = pickers.one("Class", classes, key="explain_class", shown=lambda name: name or f"Usual: {usual}")
        drawn = "all"
        if ctx.where is not None and not text:
            names = {"all": "All rows", "filter": "The rows of the filter"}
            drawn = pickers.one(
                "Neighbours are drawn as these lie", list(names), key="explain_from", shown=lambda name: names[name]
            )
        samples = pickers.number("Neighbours a repeat", key="explain_samples", low=100, high=100_000, step=1000)
        width = pickers.number("Kernel width", key="explain_width", low=0.01, step=0.5)
        widths = st.toggle("Also with half and twice the kernel width", key="explain_widths", persist_state="session")
        seed = pickers.number("Seed", key="explain_seed", low=0, high=2**32 - 1, step=1)
        st.caption(f"Empty: {whole('explain_samples'):,} neighbours; {'25' if text else WIDTH}; seed 0.")
    st.session_state[CHOSEN] = Options(
        cls,
        ctx.where if drawn == "filter" else None,
        None if samples is None else int(samples),
        width,
        int(seed or 0),
        text,
        WIDTHS if widths else (),
    )


def show_why(ctx: Context, evaluation: OpenEvaluation, scorer: Scorer, row: str) -> None:
    """Why the model gives this row its answer."""
    chosen: Options = st.session_state[CHOSEN]
    mark = json.dumps([evaluation.facts.id, scorer.model.id, row, repr(chosen)])
    if st.session_state.get(STATE, ("",))[0] != mark:
        st.session_state[STATE] = (mark, 1)
        for name in (STOPPED, FAILED, LAST):
            st.session_state.pop(name, None)
        if questions.settled_before(evaluation, scorer, row=row, **asdict(chosen)):
            st.session_state[STATE] = (mark, 0)
    if FAILED in st.session_state:
        st.error(plain(st.session_state[FAILED]), icon=":material/error:")
        st.button("Ask again", key="explain_again", icon=":material/refresh:", on_click=_again)
        if LAST in st.session_state:
            picture(st.session_state[LAST], False)
        return
    st.session_state[POLLED] = _running()
    part = partial(_drawn, partial(_asked, evaluation, scorer, row, chosen), mark)
    st.fragment(part, run_every="0.2s" if st.session_state[POLLED] else None, key="explain_why")()


def _running() -> bool:
    return st.session_state[STATE][1] != 0 and STOPPED not in st.session_state


def _asked(evaluation: OpenEvaluation, scorer: Scorer, row: str, chosen: Options, repeats: int) -> Result:
    return questions.explain(
        evaluation, scorer, row=row, repeats=repeats or None, checks=repeats != 1, **asdict(chosen)
    )


def _drawn(answer: Any, mark: str) -> None:
    """One look at the explanation as far as it is; the next look asks for more repeats.

    Looks follow each other only as long as there is something to ask; what the model fails at ends them.
    """
    now, repeats = st.session_state[STATE]
    try:
        result = st.session_state[LAST] = answer(repeats)
    except AssayError as error:
        log.warning("explain: %s", error)
        st.session_state[FAILED] = str(error)
        st.rerun()
    row, running = explainrows.summary(result), _running()
    picture(result, running)
    if now == mark and running:
        done = repeats > 1 and (row["enough"] or repeats >= row["most"])
        following = BATCH if repeats == 1 else min(repeats + BATCH, row["most"])
        st.session_state[STATE] = (mark, 0 if done else following)
    if _running() != st.session_state[POLLED]:
        st.rerun()


def _again() -> None:
    st.session_state.pop(FAILED, None)


def _stop() -> None:
    st.session_state[STOPPED] = True


def _go_on() -> None:
    st.session_state.pop(STOPPED, None)


def picture(result: Result, running: bool) -> None:
    """The answer, its chart, its checks, and what one can take away."""
    row = explainrows.summary(result)
    show.sentence(result)
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="explain_grade"):
        colour = explainrows.COLOURS.get(row["grade"], "gray")
        said = "checking ..." if running and row["grade"] == OPEN else row["grade"]
        st.badge(f"Trust: {said}", icon=":material/verified_user:", color=colour)
        st.caption(plain(" · ".join(f"{what} {value}" for what, value in explainrows.figures(result))))
        if running:
            st.caption(f"{row['repeats']:,} of at most {row['most']:,} repeats")
            st.button("Stop", key="explain_stop", icon=":material/stop:", on_click=_stop)
        elif STOPPED in st.session_state:
            st.caption(f"Stopped after {row['repeats']:,} repeats.")
            st.button("Go on", key="explain_on", icon=":material/play_arrow:", on_click=_go_on)
    if row["why"] and row["grade"] not in (OPEN,):
        (st.warning if row["grade"] == CANNOT else st.caption)(plain(row["why"]))
    if row["grade"] != CANNOT:
        if "pieces" in result.frames:
            _words(result)
        _bars(result)
    with st.container(border=True, key="explain_checks"):
        show.heading("Can this be trusted?", f"checked on {row['samples']:,} neighbours")
        show.whole(explainrows.checks(result), alt="The checks of the explanation")
    _take_away(result)
    show.rows_used(result)
    show.receipt(result, key="explain_receipt")


def _words(result: Result) -> None:
    """The text with its words marked in place."""
    with st.container(border=True, key="explain_words"):
        _, less, more = explainrows.axis(result, "weight")
        show.heading("The text", "bold: at least half of the largest weight; not marked: next to nothing")
        st.caption(f":blue-background[{plain(more)}] :orange-background[{plain(less)}] :gray-background[not settled]")
        st.markdown("".join(_piece(*each) for each in explainrows.highlighted(result)))


def _piece(piece: str, tone: str, strong: bool) -> str:
    if not tone:
        return plain(piece)
    return f":{TONES[tone]}[**{plain(piece)}**]" if strong else f":{TONES[tone]}[{plain(piece)}]"


def _bars(result: Result) -> None:
    row = explainrows.summary(result)
    with st.container(border=True, key="explain_bars"):
        show.heading(*explainrows.title(result))
        measure = "contribution"
        if "pieces" not in result.frames:  # what a word adds is its weight
            measure = pickers.one(
                "Bars show",
                list(explainrows.MEASURES),
                key="explain_bars_show",
                shown=lambda name: explainrows.MEASURES[name],
                segmented=True,
                label_visibility="collapsed",
            )
        rows = explainrows.bars(result, measure)
        beside = measure == "contribution"
        words = "pieces" in result.frames
        spec = explaincharts.bars(
            len(rows), *explainrows.axis(result, measure), row["doubtful"], beside, chosen=not words
        )
        alt = f"Why row {row['row']}: {explainrows.MEASURES[measure]}"
        show.chart(rows, spec, key="explain_chart", alt=alt, picked=None if words else _to_curve)
        if st.session_state.pop(CURVE, False):
            st.rerun()
        st.caption(plain(explainrows.legend(result, measure) + ("" if words else " Click a line for its curve.")))


def _to_curve() -> None:
    """A bar one clicks leads to the curve of its column."""
    marks = st.session_state["explain_chart_mark"].selection.get("mark") or []
    if marks and "column" in marks[0]:
        st.session_state[curveviews.FEATURE] = marks[0]["column"]
        st.session_state[rowpick.VIEW] = "curves"
        st.session_state[CURVE] = True


def _take_away(result: Result) -> None:
    grid = st.grid(columns=2, min_column_width=380)
    with grid.cell(), st.container(border=True, height="stretch"):
        show.heading("The rest of the row", "columns the model does not take")
        facts = result.frames["facts"]
        show.table(facts, alt="The row's other columns", height=260 if len(facts) > SHORT else "content")
    with grid.cell(), st.container(border=True, height="stretch"):
        show.heading("For a letter", "in plain language, with its trust grade")
        text = letter.paragraph(result)
        with st.container(key="explain_letter"):
            st.code(text, language=None, wrap_lines=True)
        name = f"explanation-{result.receipt.id}"
        with st.container(horizontal=True):
            for kind, data in (("txt", text), ("json", explainrows.told(result, True))):
                st.download_button(
                    kind.upper(),
                    data=data,
                    file_name=f"{name}.{kind}",
                    on_click="ignore",
                    icon=":material/download:",
                    key=f"explain_{kind}",
                )
        st.caption("The picture is under How was this computed.")
