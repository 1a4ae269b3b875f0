""":material/tune: Thresholds - from which score on to act, what that costs, and what a goal would choose.

section: Evaluate, order: 20
"""

from functools import partial

import streamlit as st

from analysis import questions
from analysis.core.receipt import Result
from analysis.core.roles import BINARY
from analysis.telling import curvecharts, curverows, moving
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
CURVES = {"roc": "ROC curve", "pr": "Precision and recall", "gain": "Cumulative gain", "lift": "Lift"}
evaluation = frame.engine().open(ctx.evaluation)
held: dict[str, Result] = {}


def curve_of(name: str) -> moving.Moving:
    """A curve as the last answer has it."""
    return moving.curve(held["result"], model, name)


def stand(ctx: Context) -> None:
    """The answer and the slider; what was measured is held for the body."""
    held.clear()
    tried = thresholdview.tried(ctx)
    with st.spinner("Counting ..."):
        result = held["result"] = questions.thresholds(
            evaluation,
            models=[model],
            metrics=questions.threshold_figures(evaluation, values),
            where=ctx.where,
            period=ctx.period,
            threshold=tried.threshold,
            goals=[goal],
            by=by,
            values=values,
        )
    thresholdview.sentence(result)
    thresholdview.slider(result, model, tried)
    thresholdview.standing(result, model, ctx, evaluation.facts.model(model).decision)


def offers(ctx: Context) -> None:
    """What the goal chooses."""
    with st.container(border=True, key="thresholds_offer"):
        thresholdview.offers(held["result"], model, evaluation.facts, thresholdview.tried(ctx).threshold)


def matrix(ctx: Context) -> None:
    """What the rule in force decides."""
    cells = curverows.confusion(held["result"], model)
    tried = thresholdview.tried(ctx)
    show.chart(cells, curvecharts.confusion(), key="thresholds_matrix", alt="Actual by decided class", verbs=tried)


def cards(_: Context) -> None:
    """The key figures of what it decides."""
    thresholdview.cards(held["result"], model)


def worth(_: Context) -> None:
    """The value in words."""
    thresholdview.worth(held["result"], model)


def evidence(_: Context) -> None:
    """Tables of what several thresholds do, and the receipt."""
    thresholdview.tables(held["result"], model)
    show.rows_used(held["result"])
    show.receipt(held["result"], key="thresholds_receipt")


with answer:
    frame.following(stand, key="thresholds_stand")
if "result" not in held:
    frame.finish()
frame.following(offers, key="thresholds_offers")
grid = st.grid(columns=2, min_column_width=430)
with grid.cell(), st.container(border=True, height="stretch"):
    show.heading("Decisions in force", "labelled rows and their share")
    frame.following(matrix, key="thresholds_cells")
with grid.cell(), st.container(border=True, height="stretch"):
    show.heading("Where the scores lie", "share of each class; dashed: in force")
    lie = "Scores of each class"
    show.moving(lambda: moving.distribution(held["result"], model), key="thresholds_scores", alt=lie)
frame.following(cards, key="thresholds_cards")
with st.container(border=True):
    show.heading("Metrics by threshold", "band = 95% interval; dashed: in force")
    drawn = "Metrics by threshold"
    show.moving(lambda: moving.by_threshold(held["result"], model), key="thresholds_metrics", alt=drawn)
if values.given:
    with st.container(border=True):
        show.heading("Value by threshold", "band = 95% interval; diamond: the most value; dashed: in force")
        drawn = "Value a decision by threshold"
        show.moving(lambda: moving.value(held["result"], model), key="thresholds_value", alt=drawn)
        frame.following(worth, key="thresholds_value_said")
grid = st.grid(columns=2, min_column_width=430)
for name, title in CURVES.items():
    with grid.cell(), st.container(border=True, height="stretch"):
        show.heading(title, "with its 95% band; dot: in force")
        show.moving(partial(curve_of, name), key=f"thresholds_{name}", alt=title)
frame.following(evidence, key="thresholds_evidence")
