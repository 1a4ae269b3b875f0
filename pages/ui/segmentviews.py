"""The views of Segments: by one column, by two, and saved ones side by side."""

from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st

from analysis import questions
from analysis.core.expression import parse
from analysis.core.receipt import Result
from analysis.core.segment import every
from analysis.engine.query import OpenEvaluation
from analysis.metrics import defined
from analysis.questions.segments import REST, SUPERVISED
from analysis.telling import charts, rows, segmentcharts, segmentrows
from pages.ui import pickers, savedview, show
from pages.ui.context import Context, plain

CLICK = "click a group to look into it"
TEXTS = 12
"""Up to so many columns a cell of a cross is wide enough for its value."""


@dataclass(frozen=True)
class View:
    """title: on its button. draw: draws it."""

    title: str
    draw: Callable[[Context, OpenEvaluation], None]


def one_column(ctx: Context, evaluation: OpenEvaluation) -> None:
    """Each group of a column against the rest, and the course of the chosen one."""
    facts = evaluation.facts
    answer = st.container()
    with st.container(horizontal=True, vertical_alignment="bottom"):
        by = pickers.group_by(facts, label="Column", key="segments_by")
        binning = pickers.cut(facts.column(by), key="segments_bins", further=[SUPERVISED])
        metric = pickers.sliced(evaluation, key="segments_metric", offered=questions.sliceable(evaluation))
        models = pickers.chosen_versions(facts, ctx.models, key="segments_model")
        against = REST
        if ctx.period.before() is not None and binning != SUPERVISED:
            against = pickers.against(ctx.period, key="segments_against_one", crossed=False)
    with st.spinner("Counting ..."):
        result = questions.segments(
            evaluation,
            by=[by],
            binnings={by: binning},
            metric=metric,
            against=against,
            models=models,
            where=ctx.where,
            period=ctx.period,
            threshold=ctx.threshold,
        )
    with answer:
        show.sentence(result)
        st.caption(plain(segmentrows.overall(result, models)))
    known = segmentrows.choices(result, models[-1])
    pickers.follow("segments_groups", key="segments_group", known=known)
    definition = defined(metric, evaluation.own)
    with st.container(border=True):
        show.heading(f"{definition.title} by {by}", f"dot and 95% interval, dashed: all rows; {CLICK}")
        small = st.session_state.get("segments_small", False)
        chosen = st.session_state.get("segments_group") or st.query_params.get("segments_group", "")
        drawn, folded = segmentrows.groups(result, models, small=small, chosen={chosen} - {""})
        spec = segmentcharts.groups(definition.unit, definition.title, drawn["name"].n_unique(), len(models) > 1)
        said = f"{definition.title} of each group of {by}, with its 95% interval"
        show.chart(drawn, spec, key="segments_groups", alt=said, verbs=ctx)
        if folded.sentence:
            st.caption(plain(folded.sentence))
        if folded.small or small:
            st.toggle("Show small groups", key="segments_small")
        st.caption(
            f"▲ better and ▼ worse than {segmentrows.other(result)} hold after correction for all groups shown; a "
            "plain dot earns no verdict, a hollow one has too few rows."
        )
    _course(ctx, evaluation, metric, models, known)
    _numbers(result, models)


def two_columns(ctx: Context, evaluation: OpenEvaluation) -> None:
    """Two columns crossed: each cell against the rest, or beyond what its row and column give it."""
    facts = evaluation.facts
    answer = st.container()
    with st.container(horizontal=True, vertical_alignment="bottom"):
        first = pickers.group_by(facts, label="Rows", key="segments_by")
        first_bins = pickers.cut(facts.column(first), key="segments_bins")
        second = pickers.group_by(facts, label="Columns", key="segments_by2", without=first)
        second_bins = pickers.cut(facts.column(second), key="segments_bins")
        metric = pickers.sliced(evaluation, key="segments_metric", offered=questions.sliceable(evaluation))
        models = pickers.chosen_versions(facts, ctx.models, key="segments_model")
        against = pickers.against(ctx.period, key="segments_against", crossed=True)
    with st.spinner("Counting ..."):
        result = questions.segments(
            evaluation,
            by=[first, second],
            binnings={first: first_bins, second: second_bins},
            metric=metric,
            against=against,
            models=models,
            where=ctx.where,
            period=ctx.period,
            threshold=ctx.threshold,
        )
    with answer:
        show.sentence(result)
        st.caption(plain(segmentrows.overall(result, models)))
    title = defined(metric, evaluation.own).title
    for model in models:
        cells = segmentrows.cross(result, model)
        with st.container(border=True):
            whose = f" of {model}" if len(models) > 1 else ""
            show.heading(f"{title}{whose} by {first} and {second}", f"colour where the difference holds; {CLICK}")
            across = cells["second"].n_unique()
            spec = segmentcharts.cross(cells["name"].n_unique(), across, across <= TEXTS)
            said = f"{title} of {model} in each cell of {first} and {second}"
            key = "segments_cross" if model == models[-1] else f"segments_cross_{model}"
            show.chart(cells, spec, key=key, alt=said, verbs=ctx if model == models[-1] else None)
            st.caption("Blue: better; orange: worse; pale: no difference holds; outlined: too few rows to judge.")
    _numbers(result, models)


def _course(ctx: Context, evaluation: OpenEvaluation, metric: str, models: list[str], known: dict[str, str]) -> None:
    """The chosen group by itself: its figure and its course over time."""
    where = pickers.one(
        "Look at a group",
        ["", *known],
        key="segments_group",
        shown=lambda each: known[each] if each else "none",
        width=320,
    )
    if not where:
        return
    group = parse(where, columns=evaluation.facts.types())
    scope = every([*([ctx.where] if ctx.where else []), group])
    result = questions.overview(
        evaluation, metrics=[metric], models=models, where=scope, period=ctx.period, threshold=ctx.threshold
    )
    definition = defined(metric, evaluation.own)
    course = rows.trend(result, metric)
    with st.container(border=True):
        show.heading(f"{definition.title} over time where {group.sentence()}", "band = 95% interval")
        show.sentence(result, key="segments_group_sentence")
        if len(course):
            spec = charts.trend(definition.unit, definition.title, len(models) > 1)
            said = f"{definition.title} over time of the chosen group"
            show.chart(course, spec, key="segments_trend", alt=said, verbs=ctx)
            show.trend_caption(result)


def _numbers(result: Result, models: list[str]) -> None:
    with st.container(border=True):
        show.heading("In numbers", "every group, with 95% intervals; verdicts corrected for all of them")
        show.table(
            segmentrows.table(result, models),
            alt="Every group in numbers",
            column_config=show.COUNTED | {"rows": st.column_config.NumberColumn(format="localized")},
        )
    show.rows_used(result)
    show.receipt(result, key="segments_receipt")


VIEWS = {
    "one": View("One column", one_column),
    "two": View("Two columns", two_columns),
    "saved": View("Saved", savedview.view),
}
