""":material/bug_report: Errors - what the model takes for what, where its errors lie, and which rows they are.

section: Evaluate, order: 40
"""

import streamlit as st

from analysis import questions
from analysis.telling import errorcharts, errorrows
from pages.ui import empty, frame, pickers, show, verbs, working

ctx = frame.context()
if ctx.evaluation is None or working.busy("sample"):
    empty.no_evaluation()
    frame.finish()

evaluation = frame.engine().open(ctx.evaluation)
with st.spinner("Counting ..."):
    result = questions.errors(
        evaluation, models=ctx.models, where=ctx.where, period=ctx.period, threshold=ctx.threshold
    )

st.title("Errors", anchor=False)
show.sentence(result)
model = pickers.version(result, key="errors_model")

cells = errorrows.of_model(result, "matrix", model)
if len(cells):
    with st.container(border=True):
        show.heading("What is taken for what", "click a cell to see its rows; the diagonal is right")
        with st.container(horizontal=True):
            shown = pickers.one_of("Cells show", errorrows.SHARES, key="errors_shown")
            order = pickers.one_of("Order", errorrows.ORDERS, key="errors_order") if len(cells) > 4 else "given"
        grid = st.grid(columns=2, min_column_width=380)
        with grid.cell():
            rows = errorrows.matrix(result, model, shown, order)
            spec = errorcharts.matrix(rows["actual"].n_unique())
            show.chart(rows, spec, key="errors_matrix", alt=f"Actual by predicted class of {model}", verbs=ctx)
        with grid.cell():
            show.heading("Most frequent errors", "with the 95% interval of their share")
            show.table(errorrows.confusions(result, model), alt="Most frequent errors")

residuals = errorrows.of_model(result, "cells", model)
if len(residuals):
    with st.container(border=True):
        show.heading("Error by forecast", "shade: rows; orange: mean error and its 95% interval, hollow under 30 rows")
        rows = errorrows.heat(result, model)
        spec = errorcharts.heat(False, "forecast")
        show.chart(rows, spec, key="errors_cells", alt="Rows by forecast and error", verbs=ctx)
    over_time = errorrows.heat_over_time(result, model)
    if len(over_time):
        with st.container(border=True):
            show.heading("Error over time", f"by {result.receipt.options['bucket']}; orange: mean error")
            spec = errorcharts.heat(True, "")
            show.chart(over_time, spec, key="errors_time", alt="Rows by time and error", verbs=ctx)
    with st.container(border=True):
        show.heading("Distribution of the error", "bins at the ends hold all that lies beyond")
        rows = errorrows.distribution(result, model)
        show.chart(rows, errorcharts.distribution(), key="errors_distribution", alt="Rows by error", verbs=ctx)

tenths = errorrows.losses(result, model)
kind = result.receipt.options["loss"][model]
if len(tenths):
    with st.container(border=True):
        show.heading("Where the loss comes from", f"rows by their {kind}, a tenth of them a bar, the worst first")
        spec = errorcharts.losses(len(tenths), kind)
        show.chart(tenths, spec, key="errors_losses", alt="Share of all loss by tenths of the rows", verbs=ctx)

with st.container(border=True):
    show.heading("Largest losses", f"the rows {model} is most wrong about, by {kind}")
    worst = questions.rows(
        evaluation, model=model, where=ctx.where, period=ctx.period, threshold=ctx.threshold, limit=50
    )
    verbs.row_table(worst, alt="Rows with the largest losses", height=320)
    verbs.offer_download(evaluation, worst, where=ctx.where, context=ctx, key="errors_worst")

show.rows_used(result)
show.receipt(result, key="errors_receipt")
