"""Searching on the screen: what is searched for, the job that does it, and the answer as soon as there is one."""

import threading
from typing import Any

import streamlit as st

from analysis import questions
from analysis.core.receipt import Result
from analysis.core.settings import whole
from analysis.engine.query import OpenEvaluation
from analysis.questions import Asked
from analysis.store.child import Progress
from pages.ui import frame, longwork, pickers, show, working
from pages.ui.context import Context, plain

KIND = "discover"
DEPTHS = {"1": "1 condition", "2": "up to 2", "3": "up to 3"}


def model(ctx: Context, evaluation: OpenEvaluation) -> str:
    """The model version whose weak spots are searched; the last of the chosen ones first."""
    names = list(ctx.models) or [each.name for each in evaluation.facts.models]
    if len(names) == 1:
        return names[0]
    return pickers.one("Model version", names, key="weak_spots_model", default=names[-1], width=170)


def asked(ctx: Context, evaluation: OpenEvaluation) -> Asked | None:
    """What the controls ask for; None where nothing can be searched, which is then said."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key="weak_spots_controls"):
        name = model(ctx, evaluation)
        aims = questions.offered(evaluation, name, ctx.threshold)
        if not aims:
            show.nothing(
                f"Nothing of {name} can be searched for weak spots: it needs labels, and decisions, probabilities or a "
                "forecast. Where it has scores only, set a threshold above."
            )
            return None
        objective = pickers.one(
            "Weak in", list(aims), key="weak_spots_objective", shown=lambda each: aims[each], width=230
        )
        others = questions.comparable(evaluation, name, objective)
        against = pickers.one(
            "Compared with", list(others), key="weak_spots_against", shown=lambda each: plain(others[each]), width=200
        )
        depth = pickers.one(
            "Conditions", list(DEPTHS), key="weak_spots_depth", default="2", shown=lambda each: DEPTHS[each], width=140
        )
        with st.popover("More", icon=":material/tune:", key="weak_spots_more"):
            minimum = pickers.number("Fewest rows of a segment", key="weak_spots_minimum", low=2, step=10)
            st.caption("Empty: a two-hundredth of the rows, at least 60.")
            q = pickers.number("False discoveries allowed, in per cent", key="weak_spots_q", low=0.1, high=50, step=1)
            st.caption("Empty: 5. So many of the segments listed may be there by chance.")
            names = [column.name for column in evaluation.facts.columns]
            columns = pickers.several("Columns", names, key="weak_spots_columns", nothing="All that describe a row")
    return Asked(
        objective=objective,
        models=(name,),
        against=against,
        depth=int(depth),
        minimum=None if minimum is None else int(minimum),
        columns=columns,
        q=None if q is None else q / 100,
        where=ctx.where,
        period=ctx.period,
        threshold=ctx.threshold,
    )


def result(ctx: Context, evaluation: OpenEvaluation, wanted: Asked) -> Result | None:
    """The answer where it is known; else its search, which starts by itself where that takes seconds."""
    return longwork.answer(
        KIND,
        [evaluation.facts.id, wanted.understood(evaluation.facts).options(evaluation.facts)],
        lambda: questions.discovered(evaluation, wanted),
        start=lambda: _start(ctx, wanted),
        alone=evaluation.facts.rows <= whole("search_rows"),
        button="Search",
        key="weak_spots_search",
        icon=":material/search:",
        note=f"{evaluation.facts.rows:,} rows are searched on one half and what is found is tested on the other. You "
        "can go on working meanwhile, and cancel it at any time.",
    )


def _start(ctx: Context, wanted: Asked) -> None:
    engine, facts = frame.engine(), ctx.evaluation
    assert facts is not None  # noqa: S101 - there is one where it is searched

    def work(progress: Progress, stop: threading.Event) -> dict[str, Any]:
        found = questions.discover(engine.open(facts, cancelled=stop), wanted, progress=progress, cancelled=stop.is_set)
        return {"spots": len(found.frame), "receipt": found.receipt.id}

    working.start(KIND, f"Searching weak spots of {wanted.models[0]}", work)
