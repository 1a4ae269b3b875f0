"""One weak spot seen closer: along one of its columns, and over time."""

from typing import Any

import streamlit as st

from analysis import questions
from analysis.core.along import along
from analysis.core.expression import parse
from analysis.core.receipt import Result
from analysis.core.segment import Everything, Segment, every
from analysis.engine import binning
from analysis.engine.query import OpenEvaluation
from analysis.metrics import METRICS
from analysis.telling import charts, rows, segmentcharts, weakspots
from pages.ui import pickers, show
from pages.ui.context import Context, plain

ALONG = "weak_spots_along"


def one(ctx: Context, evaluation: OpenEvaluation, result: Result) -> None:
    """The chosen weak spot: its metric along its columns, and its course where rows have a time."""
    metric = weakspots.metric(result)
    spots = {row["segment"]: row for row in result.frame.iter_rows(named=True)}
    if metric not in questions.sliceable(evaluation):
        return
    with st.container(border=True, key="weak_spots_closer"):
        with st.container(horizontal=True, vertical_alignment="bottom"):
            chosen = pickers.one(
                "Weak spot seen closer", list(spots), key="weak_spots_spot", shown=lambda each: spots[each]["sentence"]
            )
            segment = parse(chosen, columns=evaluation.facts.types())
            columns = sorted(segment.columns(), key=chosen.index)
            column = pickers.one("Along", columns, key="weak_spots_column", width=230)
        _along(ctx, evaluation, result, spots[chosen], segment, column)
        if evaluation.facts.roles.time:
            _course(ctx, evaluation, metric, result.receipt.options["models"], segment)


def _within(ctx: Context, segment: Segment) -> Segment:
    return every([*([ctx.where] if ctx.where else []), segment])


def _along(
    ctx: Context, evaluation: OpenEvaluation, result: Result, spot: dict[str, Any], segment: Segment, column: str
) -> None:
    """The metric by the groups of a column, where the spot's other conditions hold."""
    seen, definition = along(segment, column), METRICS.get(weakspots.metric(result))
    models = weakspots.versions(result, spot)
    how = binning.through(evaluation.facts.column(column), seen.ends)
    groups, inside = (
        questions.segments(
            evaluation,
            by=[column],
            binnings={column: how},
            metric=definition.name,
            models=models,
            where=_within(ctx, part),
            period=ctx.period,
            threshold=ctx.threshold,
        )
        for part in (seen.others, segment)
    )
    drawn, folded = weakspots.along(groups, inside, models, seen.others, evaluation.facts.types())
    among = "" if isinstance(seen.others, Everything) else f" where {seen.others.sentence()}"
    show.heading(f"{definition.title} by {column}{among}", "dot and 95% interval; shaded: the weak spot")
    if not len(drawn):
        st.caption("No group has a value.")
        return
    spec = segmentcharts.groups(definition.unit, definition.title, drawn["name"].n_unique(), len(models) > 1)
    show.chart(drawn, spec, key=ALONG, alt=f"{definition.title} by {column}, the weak spot's groups shaded", verbs=ctx)
    if folded:
        st.caption(plain(folded))
    st.caption("▲ better and ▼ worse than the other groups shown hold after correction for all of them.")


def _course(ctx: Context, evaluation: OpenEvaluation, metric: str, models: list[str], segment: Segment) -> None:
    definition = METRICS.get(metric)
    with st.spinner("Counting ..."):
        course = questions.overview(
            evaluation,
            metrics=[metric],
            models=models,
            where=_within(ctx, segment),
            period=ctx.period,
            threshold=ctx.threshold,
        )
    trend = rows.trend(course, metric)
    if len(trend):
        show.heading("Over time", "the weak spot by itself; dashed: its whole time")
        spec = charts.trend(definition.unit, definition.title, False, height=200)
        show.chart(trend, spec, key="weak_spots_trend", alt=f"{definition.title} of the weak spot over time")
