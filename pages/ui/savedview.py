"""The view of saved segments: side by side by metric and version, their overlaps, what each adds to the others."""

import streamlit as st

from analysis import questions
from analysis.core.expression import parse
from analysis.core.receipt import Result
from analysis.core.segment import And, Not, Saved, Segment, resolve
from analysis.engine.query import OpenEvaluation
from analysis.metrics import METRICS, defined
from analysis.questions.saved import LOOKS
from analysis.telling import markrows, savedcharts, savedrows
from pages.ui import frame, pickers, show
from pages.ui.context import Context, plain

SHARED = {"Shared rows": st.column_config.NumberColumn(format="localized")}
USUAL = 12
"""So many segments are shown at first."""
EFFECT = {"accuracy": "Difference in accuracy", "mae": "Difference in absolute error"}


def view(ctx: Context, evaluation: OpenEvaluation) -> None:
    """Draw it for the context's evaluation, versions, filter, period and threshold."""
    known = frame.segments()
    if not known:
        st.info(
            "No segment is saved yet. Build one with the funnel beside the filter, or click a mark of any chart and "
            "choose Save as segment.",
            icon=":material/filter_alt:",
        )
        return
    answer = st.container()
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = st.multiselect(
            "Saved segments",
            list(known),
            default=list(known)[:USUAL],
            key="segments_saved",
            persist_state="session",
            width="stretch",
        )
        offered = [*questions.key_figures(evaluation.facts), *evaluation.own]
        usual = [name for name in LOOKS[evaluation.facts.task] if name in offered]
        metrics = st.multiselect(
            "Metrics",
            offered,
            default=usual,
            key=f"segments_saved_metrics_{evaluation.facts.task}",
            format_func=lambda name: plain(defined(name, evaluation.own).title),
            persist_state="session",
            width="stretch",
        )
    if not chosen or not metrics:
        st.info("Choose at least one segment and one metric.")
        return
    with st.spinner("Counting ..."):
        result = questions.saved(
            evaluation,
            segments={name: resolve(Saved(name), known) for name in chosen},
            metrics=metrics,
            models=ctx.models,
            where=ctx.where,
            period=ctx.period,
            threshold=ctx.threshold,
        )
    with answer:
        show.sentence(result)
    for line in savedrows.left_out(result):
        st.caption(plain(line))
    if not result.frames["segments"]["applicable"].any():
        return
    models = list(result.receipt.options["models"])
    _matrix(ctx, result)
    _overlap(ctx, result)
    _effects(ctx, result)
    usable = result.frames["segments"].filter("applicable").select("segment", "where").iter_rows()
    types = evaluation.facts.types()
    _against(ctx, evaluation, {name: parse(text, columns=types) for name, text in usable}, models)
    show.rows_used(result)
    show.receipt(result, key="segments_saved_receipt")


def _matrix(ctx: Context, result: Result) -> None:
    with st.container(border=True):
        rows = savedrows.matrix(result)
        show.heading("Segments by metric", "coloured where the difference to the rest holds")
        spec = savedcharts.matrix(rows["name"].n_unique())
        show.chart(rows, spec, key="segments_matrix", alt="Metrics by segment", verbs=ctx)
        st.caption(
            "▲ blue: better than the rest; ▼ orange: worse; pale: no difference holds; dashed: too few rows to judge."
        )
    with st.container(border=True):
        show.heading("In numbers", "every cell against the rest, verdicts corrected for all of them")
        show.table(savedrows.numbers(result), alt="Every saved segment in numbers", column_config=show.COUNTED)


def _overlap(ctx: Context, result: Result) -> None:
    if result.frames["segments"]["applicable"].sum() < 2:
        return
    with st.container(border=True):
        show.heading("How much they overlap", "a bar: the rows in just the dotted segments; at the left: all of each")
        spec = savedcharts.overlap(*savedrows.size(result))
        said = "Rows by combination of segments"
        show.chart(savedrows.overlap(result), spec, key="segments_overlap", alt=said, verbs=ctx)
        if further := savedrows.not_drawn(result):
            st.caption(further)
        show.table(savedrows.pairs(result), alt="Rows every two segments share", column_config=SHARED)


def _effects(ctx: Context, result: Result) -> None:
    with st.container(border=True):
        show.heading("What each one adds", "difference alone (tick), and with the other segments held fixed (point)")
        rows = savedrows.effects(result)
        known = rows.drop_nulls("effect")
        if len(known):
            outcome = result.frames["effects"]["outcome"][0]
            spec = savedcharts.effects(METRICS.get(outcome).unit, EFFECT[outcome], len(known))
            show.chart(known, spec, key="segments_effects", alt=f"{EFFECT[outcome]} by segment", verbs=ctx)
        show.table(savedrows.effect_table(rows), alt="Effects of the segments")
        how = result.frames["effects"]["method"][0]
        st.caption(
            plain(f"{how[0].upper()}{how[1:]}, 95% interval; better and worse hold after correction for all effects. ")
            + "It adjusts for the other segments shown, for nothing else."
        )


def _against(ctx: Context, evaluation: OpenEvaluation, segments: dict[str, Segment], models: list[str]) -> None:
    """One saved segment against the rows of another that are not in it."""
    if len(segments) < 2:
        return
    with st.container(border=True):
        show.heading("One against another", "a segment against the rows of the other that are not in it")
        names = list(segments)
        with st.container(horizontal=True, vertical_alignment="bottom"):
            one = pickers.one("Segment", names, key="segments_one", shown=str, width=230)
            others = [name for name in names if name != one]
            other = pickers.one("Against", others, key="segments_other", shown=str, width=230)
            model = pickers.one("Version", models, key="segments_version", segmented=True) if len(models) > 1 else ""
        a, b = segments[one], segments[other]
        result = questions.compare_groups(
            evaluation,
            a=a,
            b=And((b, Not(a))),
            models=[model or models[0]],
            where=ctx.where,
            period=ctx.period,
            threshold=ctx.threshold,
        )
        show.sentence(result, key="segments_against_sentence")
        show.table(markrows.against_other(result), alt=f"{one} against {other}")
        show.receipt(result, key="segments_against_receipt")
