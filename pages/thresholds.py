""":material/tune: Thresholds - from which score on to act, what that costs, and what a goal would choose.

section: Evaluate, order: 20
"""

import streamlit as st

from analysis import questions
from analysis.core.roles import BINARY
from analysis.telling import curvecharts, curverows
from pages.ui import empty, frame, goalform, show, thresholdview, working
from pages.ui.context import plain

ctx = frame.context()
if ctx.evaluation is None or working.busy("sample"):
    empty.no_evaluation()
    frame.finish()
if ctx.evaluation.task != BINARY:
    st.title("Thresholds", anchor=False)
    said = f"A threshold decides between two classes; '{ctx.evaluation.name}' is {ctx.evaluation.task}."
    st.info(plain(f"{said} Choose another evaluation above, or look at its errors."), icon=":material/info:")
    st.page_link(frame.page("errors"), label="Errors", icon=":material/arrow_forward:")
    frame.finish()

st.title("Thresholds", anchor=False)
answer = st.container()
with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
    model = thresholdview.model(ctx, ctx.evaluation)
    goal_box = st.container(horizontal=True, vertical_alignment="bottom", gap="small", width="content")
values = goalform.values(ctx.evaluation)
with goal_box:
    goal = goalform.goal(ctx.evaluation, values)
    by = goalform.by(ctx.evaluation, goal)
evaluation = frame.engine().open(ctx.evaluation)
with st.spinner("Counting ..."):
    result = questions.thresholds(
        evaluation,
        models=[model],
        where=ctx.where,
        period=ctx.period,
        threshold=ctx.threshold,
        goals=[goal],
        by=by,
        values=values,
    )

with answer:
    thresholdview.sentence(result)
    thresholdview.slider(result, model, ctx.threshold)
    thresholdview.standing(result, model, ctx, ctx.evaluation.model(model).decision)
with st.container(border=True, key="thresholds_offer"):
    thresholdview.offers(result, model, ctx.evaluation, ctx.threshold)

grid = st.grid(columns=2, min_column_width=430)
with grid.cell(), st.container(border=True, height="stretch"):
    show.heading("Decisions at this threshold", "labelled rows and their share")
    cells = curverows.confusion(result, model)
    show.chart(cells, curvecharts.confusion(), key="thresholds_matrix", alt="Actual by decided class")
with grid.cell(), st.container(border=True, height="stretch"):
    show.heading("Where the scores lie", "share of each class; dashed: the threshold")
    lie = curverows.distribution(result, model)
    show.chart(lie, curvecharts.distribution(), key="thresholds_scores", alt="Scores of each class")
thresholdview.cards(result, model)

with st.container(border=True):
    show.heading("Metrics by threshold", "band = 95% interval; dashed: the threshold in force")
    moving = curverows.by_threshold(result, model)
    show.chart(moving, curvecharts.by_threshold(), key="thresholds_metrics", alt="Metrics by threshold")
if values.given:
    with st.container(border=True):
        show.heading("Value by threshold", "band = 95% interval; diamond: the most value")
        worth = curverows.value(result, model)
        show.chart(worth, curvecharts.value(), key="thresholds_value", alt="Value a decision by threshold")
        thresholdview.worth(result, model)

CURVES = (
    ("ROC curve", "roc", "fpr", "tpr", "false positive rate", "recall", "share", "diagonal"),
    ("Precision and recall", "pr", "recall", "precision", "recall", "precision", "share", ""),
    ("Cumulative gain", "gain", "selected", "gain", "rows selected", "positives found", "share", "diagonal"),
    ("Lift", "gain", "selected", "lift", "rows selected", "times as many as by chance", "ratio", "one"),
)
grid = st.grid(columns=2, min_column_width=430)
for title, source, x, y, x_title, y_title, unit, chance in CURVES:
    with grid.cell(), st.container(border=True, height="stretch"):
        show.heading(title, "with its 95% band; dot: this threshold")
        line = curverows.curve(result, model, source, x, y)
        spec = curvecharts.curve(x_title, y_title, unit, chance)
        show.chart(line, spec, key=f"thresholds_{y}", alt=title)

groups, automatic = curverows.groups(result, model), curverows.automatic(result, model)
if len(groups):
    with st.container(border=True):
        show.heading("A threshold for each group", "its metric with its own threshold and with one for all")
        show.table(groups, alt="Thresholds by group")
if len(automatic):
    with st.container(border=True):
        show.heading("What is decided without a person", "rows outside the band")
        show.table(automatic, alt="Metrics of the automatic decisions")

show.rows_used(result)
show.receipt(result, key="thresholds_receipt")
