""":material/adjust: Calibration - whether a score of 0.3 means three in ten, and what would make it so.

section: Evaluate, order: 30
"""

import streamlit as st

from analysis import questions
from analysis.telling import calibrationcharts, calibrations
from pages.ui import empty, frame, pickers, recalibrate, show, working

ctx = frame.context()
if ctx.evaluation is None or working.busy("sample"):
    empty.no_evaluation()
    frame.finish()

st.title("Calibration", anchor=False)
recalibrate.watch()
why = questions.uncalibrated(ctx.evaluation)
if why is not None:
    show.nothing(why)
    frame.finish()

evaluation = frame.engine().open(ctx.evaluation)
answer = st.container()
binning = pickers.binning(key="calibration_binning")
with st.spinner("Counting ..."):
    result = questions.calibration(evaluation, models=ctx.models, binning=binning, where=ctx.where, period=ctx.period)

with answer:
    show.sentence(result)
models = result.receipt.options["models"]
marks = calibrations.diagram(result.frame)
chances, top = calibrations.chances(marks), calibrations.top(result.frame)
grid = st.grid(columns=2, min_column_width=430)
with grid.cell(), st.container(border=True, height="stretch"):
    show.heading("Score against what happened", "a dot a bin, area by rows; on the dashed line both agree")
    spec = calibrationcharts.diagram(len(models) > 1, top, 400, chances)
    alt = "Mean score of each bin against the observed share of positives, with its 95% interval"
    show.chart(marks, spec, key="calibration_diagram", alt=alt, verbs=ctx, width="content")
    spec = calibrationcharts.counts(len(models) > 1, top, 400, chances)
    show.chart(marks, spec, key="calibration_counts", alt="Rows in each bin", width="content")
    st.caption(calibrations.few(result.frame))
with grid.cell(), st.container(border=True, height="stretch"):
    show.heading("In numbers", "with 95% intervals")
    show.whole(calibrations.numbers(result), alt="Calibration in numbers, by model version")
    st.caption(calibrations.PARTS)
    with st.expander("What the numbers say", on_change="rerun", key="calibration_meanings") as meanings:
        if meanings.open:
            show.whole(calibrations.meanings(result), alt="What the numbers say")

with st.container(border=True):
    show.heading("By segment", "where the scores are off, and which way" + calibrations.hues(models))
    column = pickers.segment(ctx.evaluation, key="calibration_by")
    if column is not None:
        broken_out = questions.calibration(
            evaluation, models=ctx.models, by=[column], binning=binning, where=ctx.where, period=ctx.period
        )
        show.sentence(broken_out, key="calibration_by_sentence")
        small, shared = st.grid(columns=4, min_column_width=195), calibrations.top(broken_out.frame)
        for place, (name, rows) in enumerate(calibrations.groups(broken_out, column)):
            with small.cell():
                show.heading(name)
                spec = calibrationcharts.diagram(len(models) > 1, shared, 160, chances)
                alt = f"Score against observed share, {column} {name}"
                show.chart(rows, spec, key=f"calibration_by_{place}", alt=alt, verbs=ctx, width="content")
        show.table(
            calibrations.segments(broken_out, column), alt=f"Calibration by {column}", key="calibration_segments"
        )
        show.receipt(broken_out, key="calibration_by_receipt")

recalibrate.panel(ctx, evaluation, models)
show.rows_used(result)
show.receipt(result, key="calibration_receipt")
