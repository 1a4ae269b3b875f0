"""A segment explained on the screen: what is asked, the job that answers it, both sides of features, typical rows."""

import threading
from functools import partial
from typing import Any

import streamlit as st

from analysis import questions
from analysis.core.model import Model, Scorer
from analysis.core.receipt import Result
from analysis.core.roles import BINARY, REGRESSION
from analysis.core.settings import whole
from analysis.engine.query import OpenEvaluation
from analysis.questions import Explaining, Flips
from analysis.store import models
from analysis.store.child import Progress
from analysis.store.modelfile import ENDPOINT
from analysis.telling import pushcharts, pushrows
from pages.ui import frame, longwork, pickers, rowpick, show, working
from pages.ui.context import Context, plain

KIND = "explain_segment"
REST, CORRECT, VERSUS = "rest", "correct", "versus "


def show_segment(ctx: Context, evaluation: OpenEvaluation, scorer: Scorer, row: str) -> None:
    """What the model does otherwise in the rows of the filter; no single row is asked for."""
    asked, other = _asked(ctx, evaluation, scorer.model)
    result = _flips(evaluation, scorer.model, other, asked) if other else _segment(evaluation, scorer.model, asked)
    if result is None:
        return
    show.sentence(result)
    _chart(result, evaluation.facts.task)
    _typical(result)
    show.rows_used(result)
    show.receipt(result, key="explain_segment_receipt")


def _asked(ctx: Context, evaluation: OpenEvaluation, model: Model) -> tuple[Any, Model | None]:
    """(what the controls ask for, the other model where two are compared)."""
    facts = evaluation.facts
    known = {each.label: each for each in models.added_for(frame.workspace(), facts.name) if each.id != model.id}
    titles = {REST: "The filter against the rest" if ctx.where else "All rows, nothing to compare with"}
    if facts.task != REGRESSION:
        if facts.roles.label:
            titles[CORRECT] = "Errors against correct rows"
        titles |= {VERSUS + label: f"Against {label}, where they differ" for label in known}
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key="explain_segment_controls"):
        against = pickers.one("Compare", list(titles), key=rowpick.AGAINST, shown=lambda name: titles[name], width=270)
        cls = ""
        if facts.task != REGRESSION and facts.positive is None:
            cls = pickers.one("Class", list(facts.classes), key="explain_class_of", width=150)
        rows = pickers.number("Rows a side", key="explain_rows", low=2, high=10_000, step=100)
        samples = pickers.number("Neighbours", key="explain_neighbours", low=100, high=100_000, step=1000)
    limit, near = None if rows is None else int(rows), None if samples is None else int(samples)
    st.caption(
        f"Empty: {whole('explain_rows'):,} rows a side, {whole('explain_samples'):,} neighbours each. "
        + ("The rows are those of the filter above." if ctx.where else "Set a filter above to explain a segment.")
    )
    if against.startswith(VERSUS):
        threshold = ctx.threshold if isinstance(ctx.threshold, float | int) else None
        flips = Flips(ctx.where, ctx.period, threshold, cls, limit, near)
        return flips, known[against.removeprefix(VERSUS)]
    threshold_of = ctx.threshold if facts.task == BINARY else None
    asked = Explaining(ctx.where, against, ctx.period, threshold=threshold_of, cls=cls, limit=limit, samples=near)
    return asked, None


def _segment(evaluation: OpenEvaluation, chosen: Model, asked: Explaining) -> Result | None:
    facts, space = evaluation.facts, frame.workspace()
    scorer = models.scorer(space, chosen)

    def start() -> None:
        engine = frame.engine()

        def work(progress: Progress, stop: threading.Event) -> dict[str, Any]:
            asked_of = models.scorer(space, chosen, stop)
            opened = engine.open(facts, cancelled=stop)
            found = questions.explain_segment(opened, asked_of, asked, progress=progress, cancelled=stop.is_set)
            return {"features": len(found.frame), "receipt": found.receipt.id}

        working.start(KIND, f"Explaining rows by {chosen.label}", work)

    def kept() -> int:
        left, parts = questions.explain_segment_left(evaluation, scorer, asked)
        return parts - left

    return _answer(
        [facts.id, chosen.id, asked.understood(evaluation, scorer).options(scorer)],
        lambda: questions.explain_segment_known(evaluation, scorer, asked),
        start=start,
        alone=chosen.kind != ENDPOINT,
        who=chosen.label,
        kept=kept,
    )


def _flips(evaluation: OpenEvaluation, chosen: Model, other: Model, asked: Flips) -> Result | None:
    facts, space = evaluation.facts, frame.workspace()
    first, second = (models.scorer(space, each) for each in (chosen, other))

    def start() -> None:
        engine = frame.engine()

        def work(progress: Progress, stop: threading.Event) -> dict[str, Any]:
            one, two = models.scorer(space, chosen, stop), models.scorer(space, other, stop)
            opened = engine.open(facts, cancelled=stop)
            found = questions.explain_difference(opened, one, two, asked, progress=progress, cancelled=stop.is_set)
            return {"features": len(found.frame), "receipt": found.receipt.id}

        working.start(KIND, f"Explaining rows by {chosen.label} and {other.label}", work)

    return _answer(
        [facts.id, chosen.id, other.id, asked.understood(evaluation).options(first, second)],
        lambda: questions.explain_difference_known(evaluation, first, second, asked),
        start=start,
        alone=ENDPOINT not in (chosen.kind, other.kind),
        who=f"{chosen.label} and {other.label}",
    )


def _answer(asked: Any, known: Any, *, who: str, **how: Any) -> Result | None:
    return longwork.answer(
        KIND,
        asked,
        known,
        button="Explain",
        key="explain_segment_go",
        icon=":material/psychology_alt:",
        note=f"{who} is asked about thousands of neighbours of each row. You can go on working meanwhile, and cancel "
        "it at any time: what is done is kept.",
        **how,
    )


def _chart(result: Result, task: str) -> None:
    with st.container(border=True, key="explain_segment_bars"):
        one = pushrows.alone(result)
        what = "on average over the rows, with its 95% interval"
        show.heading("What the model leans on" if one else "Each feature on both sides", what)
        measure = pickers.one(
            "Show",
            list(pushrows.MEASURES),
            key="explain_measure",
            shown=lambda name: pushrows.MEASURES[name],
            segmented=True,
            label_visibility="collapsed",
        )
        rows = pushrows.points(result, measure, task)
        kind, title = pushrows.unit(task), pushrows.MEASURES[measure]
        count = min(len(result.frame), pushrows.MOST)
        spec = pushcharts.two_sides(pushrows.sides(result), kind, title, count)
        show.chart(rows, spec, key="explain_segment_chart", alt=f"{title}, by feature")
        st.caption(plain(pushrows.counted(result)))
        if not pushrows.alone(result):
            st.caption(
                "Right: the difference, ▲ more or ▼ less than on the other side, ● not shown after correction, "
                "○ not enough data. Hollow: no difference is shown. Whiskers: 95% intervals over rows."
            )
        with st.expander("As a table", key="explain_segment_table"):
            show.table(pushrows.table(result, measure, task), alt=title, height="content")


def _typical(result: Result) -> None:
    """Rows that together show what each side leans on; each leads to its own explanation."""
    found = result.frames["representative"]
    with st.container(border=True, key="explain_segment_rows"):
        show.heading("Typical rows", "the few whose explanations together cover what the model leans on")
        for side in found["side"].unique(maintain_order=True):
            st.markdown(f"**{plain(str(side))}**")
            for row in found.filter(found["side"] == side).iter_rows(named=True):
                with st.container(horizontal=True, vertical_alignment="center", gap="small"):
                    label = "" if row["label"] is None else f" · label {row['label']}"
                    if row["row"] is not None:
                        st.button(
                            plain(row["row"]),
                            key=f"explain_typical_{side}_{row['order']}",
                            icon=":material/psychology_alt:",
                            help="Explain this row",
                            on_click=partial(_explain, row["row"]),
                        )
                    st.markdown(plain(f"{row['prediction']:.3g}{label} · {row['features']}"))


def _explain(id: str) -> None:
    rowpick.want(id)
    st.session_state[rowpick.VIEW] = "why"
