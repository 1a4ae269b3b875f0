""":material/insights: Overview - how good the model is, with what certainty, and how it has been doing.

section: Evaluate, order: 10
"""

import streamlit as st

from analysis import questions
from analysis.metrics import defined
from analysis.telling import charts, rows
from pages.ui import empty, frame, markers, ownmetrics, pickers, show, targets, working

ctx = frame.context()
if ctx.evaluation is None or working.busy("sample"):
    empty.no_evaluation()
    frame.finish()

evaluation = frame.engine().open(ctx.evaluation)
aims, marks = targets.kept(ctx.evaluation.name), markers.kept(ctx.evaluation.name)
with st.container(horizontal=True, vertical_alignment="bottom"):
    st.title("Overview", anchor=False, width="content")
    st.space("stretch")
    with st.popover("Key figures", icon=":material/tune:", key="overview_figures"):
        figures = pickers.figures(evaluation, questions.key_figures(ctx.evaluation))
with st.spinner("Counting ..."):
    result = questions.overview(
        evaluation,
        metrics=figures,
        models=ctx.models,
        where=ctx.where,
        period=ctx.period,
        threshold=ctx.threshold,
        targets=aims,
    )

show.sentence(result)

with st.container(horizontal=True, vertical_alignment="bottom", key="overview_tools"):
    model = pickers.model(result, key="overview_model")
    st.space("stretch")
    targets.popover(result, ctx.evaluation.name, aims)
    ownmetrics.popover(evaluation, ctx)
    markers.popover(ctx.evaluation, marks)
show.cards(result, model)
show.compared(result)

drawn = len(result.frames["trend"]) > 0 or result.frame["model"].n_unique() > 1
metric = pickers.metric(result, key="overview_metric", offered=drawn)
definition = defined(metric, result.own)
trend = rows.trend(result, metric, marks)
if len(trend):
    with st.container(border=True):
        show.heading(f"{definition.title} over time", f"by {result.receipt.options['bucket']}, band = 95% interval")
        several = trend["model"].drop_nulls().n_unique() > 1
        marked = trend["marker"].is_not_null().any()
        spec = charts.trend(definition.unit, definition.title, several, marked=marked)
        said = f"{definition.title} over time, with its 95% interval"
        show.chart(trend, spec, key="overview_trend", alt=said, verbs=ctx)
        show.chart(
            rows.labelled(result, model),
            charts.labelled(),
            key="overview_labels",
            alt="Rows and labels over time",
            verbs=ctx,
        )
        show.trend_caption(result)

if len(result.frames["versions"]):
    with st.container(border=True):
        show.heading(
            "Model versions ranked",
            "on the rows both answered; tied where nothing tells them apart; found four times in five",
        )
        show.table(rows.leaderboard(result), alt="Which model version is first in each key figure")
versions = rows.versions(result, metric)
if len(versions) > 1:
    with st.container(border=True):
        show.heading(f"{definition.title} by model version", "dot and 95% interval; the tick is no skill")
        spec = charts.point_range(definition.unit, definition.title, 70 + 58 * len(versions))
        said = f"{definition.title} of each model version"
        show.chart(versions, spec, key="overview_versions", alt=said, verbs=ctx)
if len(result.frames["classes"]):
    with st.container(border=True):
        of_class = defined(pickers.of_class(result, key="overview_class"), result.own)
        show.heading(
            f"{of_class.title.removesuffix(' of each class')} of each class by {model}", "with its 95% interval"
        )
        by_class = rows.classes(result, model, of_class.name)
        spec = charts.point_range(of_class.unit, of_class.title, 60 + 40 * len(by_class), one_hue=True)
        said = f"{of_class.title} of each class, with its 95% interval"
        show.chart(by_class, spec, key="overview_classes", alt=said, verbs=ctx)
with st.container(border=True):
    show.heading("Every key figure", "of each model version on its own scored and labelled rows, with its 95% interval")
    show.table(rows.side_by_side(result), alt="Every key figure of every model version")

show.rows_used(result)
show.receipt(result, key="overview_receipt")
