""":material/tune: Thresholds - from which score on to act, what that costs, and what a goal would choose.

section: Evaluate, order: 20
"""

import streamlit as st

from analysis import questions
from analysis.core.receipt import Result
from analysis.core.roles import BINARY
from analysis.telling import curvecharts, curverows
from pages.ui import empty, frame, goalform, show, thresholdview, working
from pages.ui.context import Context, plain

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
CURVES = (
    ("ROC curve", "roc", "fpr", "tpr", "false positive rate", "recall", "share", "diagonal"),
    ("Precision and recall", "pr", "recall", "precision", "recall", "precision", "share", ""),
    ("Cumulative gain", "gain", "selected", "gain", "rows selected", "positives found", "share", "diagonal"),
    ("Lift", "gain", "selected", "lift", "rows selected", "times as many as by chance", "ratio", "one"),
)
evaluation = frame.engine().open(ctx.evaluation)
held: dict[str, Result] = {}


def stand(ctx: Context) -> None:
    """The answer and the slider; what was measured is held for the body."""
    held.clear()
    with st.spinner("Counting ..."):
        result = held["result"] = questions.thresholds(
            evaluation,
            models=[model],
            metrics=questions.threshold_figures(evaluation, values),
            where=ctx.where,
            period=ctx.period,
            threshold=ctx.threshold,
            goals=[goal],
            by=by,
            values=values,
        )
    thresholdview.sentence(result)
    thresholdview.slider(result, model, ctx.threshold)
    thresholdview.standing(result, model, ctx, evaluation.facts.model(model).decision)


def body(ctx: Context) -> None:
    """Everything else that a move of the threshold changes."""
    if "result" not in held:
        return
    result = held["result"]
    with st.container(border=True, key="thresholds_offer"):
        thresholdview.offers(result, model, evaluation.facts, ctx.threshold)

    grid = st.grid(columns=2, min_column_width=430)
    with grid.cell(), st.container(border=True, height="stretch"):
        show.heading("Decisions at this threshold", "labelled rows and their share")
        cells = curverows.confusion(result, model)
        show.chart(cells, curvecharts.confusion(), key="thresholds_matrix", alt="Actual by decided class", verbs=ctx)
    with grid.cell(), st.container(border=True, height="stretch"):
        show.heading("Where the scores lie", "share of each class; dashed: the threshold")
        lie = curverows.distribution(result, model)
        spec = curvecharts.distribution()
        show.chart(lie, spec, key="thresholds_scores", alt="Scores of each class", verbs=ctx)
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

    grid = st.grid(columns=2, min_column_width=430)
    for title, source, x, y, x_title, y_title, unit, chance in CURVES:
        with grid.cell(), st.container(border=True, height="stretch"):
            show.heading(title, "with its 95% band; dot: this threshold")
            line = curverows.curve(result, model, source, x, y)
            spec = curvecharts.curve(x_title, y_title, unit, chance)
            show.chart(line, spec, key=f"thresholds_{y}", alt=title, verbs=ctx)

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


with answer:
    frame.following(stand, key="thresholds_stand")
frame.following(body, key="thresholds_body")
