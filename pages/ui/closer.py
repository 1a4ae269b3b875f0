"""One weak spot seen closer: how it has been over time, and along each of its columns."""

import streamlit as st

from analysis import questions
from analysis.core.expression import parse
from analysis.core.receipt import Result
from analysis.core.segment import every
from analysis.engine.query import OpenEvaluation
from analysis.metrics import METRICS
from analysis.telling import charts, rows
from pages.ui import pickers, show
from pages.ui.context import Context


def one(ctx: Context, evaluation: OpenEvaluation, result: Result) -> None:
    """The trend of the chosen weak spot, where the objective is a metric and rows have a time."""
    metric = result.receipt.options["objective"]
    if metric not in METRICS or not evaluation.facts.roles.time:
        return
    names = dict(result.frame.select("segment", "sentence").iter_rows())
    with st.container(border=True, key="weak_spots_closer"):
        show.heading("Over time", "a weak spot by itself; dashed: its whole time")
        chosen = pickers.one("Weak spot", list(names), key="weak_spots_spot", shown=lambda each: names[each])
        segment = parse(chosen, columns=evaluation.facts.types())
        where = every([*([ctx.where] if ctx.where else []), segment])
        models = result.receipt.options["models"]
        with st.spinner("Counting ..."):
            course = questions.overview(
                evaluation,
                metrics=[metric],
                models=models,
                where=where,
                period=ctx.period,
                threshold=ctx.threshold,
            )
        trend = rows.trend(course, metric)
        if len(trend):
            definition = METRICS.get(metric)
            spec = charts.trend(definition.unit, definition.title, False, height=200)
            show.chart(trend, spec, key="weak_spots_trend", alt=f"{definition.title} of the weak spot over time")
