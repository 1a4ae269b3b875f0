"""Models on the screen: add one, choose one, see its check."""

from pathlib import Path
from typing import Any

import polars as pl
import streamlit as st

from analysis import questions
from analysis.core.evaluation import Evaluation
from analysis.core.model import Model
from analysis.core.receipt import Result
from analysis.core.roles import REGRESSION
from analysis.core.settings import whole
from analysis.core.surrogate import SurrogateOf
from analysis.engine import surrogates
from analysis.store import modelfile, modelhosts, models
from analysis.telling import modelcharts, modelrows
from pages.ui import endpointform, frame, intake, show, working
from pages.ui.context import Context, plain

PICKLES = {
    False: "Pickles and joblib files are refused: opening one runs whatever code its author put in.",
    True: "The operator allows pickles (setting model_pickles): opening one runs whatever code its author put in.",
}


def added() -> Model | None:
    """The model this session has just added, once; while one is being loaded, its progress."""
    job = working.watch("model")
    if job is None:
        return None
    model = models.find(frame.workspace(), job.outcome["model"])
    same = "It answers as what is kept as" if model.kind == modelfile.ENDPOINT else "These bytes are already kept as"
    head = "Kept as" if job.outcome["new"] else same
    st.success(plain(f"{head} {model.label}."), icon=":material/check_circle:")
    return model


def adding(evaluation: Evaluation) -> None:
    """The ways a model comes in: a file, or, where an operator allows a host, an endpoint."""
    if not modelhosts.listed():
        upload(evaluation)
        st.caption(endpointform.HOW)
        return
    ways = ["A file", "An endpoint"]
    way = st.segmented_control("Add a model", ways, default=ways[0], required=True, key="models_way")
    if way == ways[0]:
        upload(evaluation)
    else:
        endpointform.form(evaluation)


def upload(evaluation: Evaluation) -> None:
    """The drop zone, and what a file needs to be kept."""
    turn = st.session_state.setdefault("models_turn", 0)
    file = st.file_uploader(
        "Add a model: drop an ONNX file, or one saved by skops",
        key=f"models_upload_{turn}",
        max_upload_size=min(whole("upload_mb"), whole("model_mb")),
        help=f"{PICKLES[modelfile.pickles_allowed()]} From a terminal: "
        "`python -m analysis models add FILE --name NAME --evaluation E`.",
    )
    if file is None:
        return
    names = [model.name for model in evaluation.models]
    stem = Path(file.name.replace("\\", "/")).stem
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.text_input("Keep as", value=next((each for each in names if each in stem), stem), width=260)
        features = st.multiselect(
            "Features in the model's order",
            [column.name for column in evaluation.columns],
            key=f"models_features_{turn}",
            placeholder="As the model names them, else those with the role feature",
            help="Only for a model that does not name them, and takes others than the first ones with that role.",
            width=460,
        )
        if st.button("Add", type="primary", icon=":material/add:", key="models_add"):
            _add(file, name, evaluation.name, features)


def _add(file: Any, name: str, evaluation: str, features: list[str]) -> None:
    space = frame.workspace()
    taken = intake.take(file)
    path, label = Path(taken["path"]), taken["label"]

    def work(progress: Any, stop: Any) -> dict[str, Any]:
        progress(0.1, "loading it in a process of its own")
        try:
            model, new = models.add(
                space, path, name=name, evaluation=evaluation, features=features, label=label, cancelled=stop
            )
        finally:
            path.unlink(missing_ok=True)
        return {"model": model.id, "new": new}

    st.session_state["models_turn"] += 1
    working.start("model", f"Adding {label}", work)
    st.rerun()


def offer_surrogate(evaluation: Evaluation, *, first: bool) -> None:
    """Without the model itself: fit one to what a version recorded, and say that it is one."""
    versions = [each.name for each in evaluation.models]
    with st.expander("No model at hand? Fit a surrogate", icon=":material/model_training:", expanded=first):
        st.caption(
            "A surrogate is fitted here to the recorded scores, forecasts or decisions of a version, and judged on "
            "rows it has not seen. It answers in the model's place and is always said to be one."
        )
        with st.container(horizontal=True, vertical_alignment="bottom"):
            version = st.selectbox(
                "Version to learn from", versions, index=len(versions) - 1, key="models_surrogate_of", width=200
            )
            features = st.multiselect(
                "Features",
                [column.name for column in evaluation.columns],
                default=[],
                key="models_surrogate_features",
                placeholder="Those with the role feature, else all that describe a row",
                width=430,
            )
            if st.button("Fit a surrogate", icon=":material/model_training:", key="models_surrogate"):
                _fit(evaluation, version, features)


def _fit(evaluation: Evaluation, version: str, features: list[str]) -> None:
    space, opened = frame.workspace(), frame.engine().open(evaluation)

    def work(progress: Any, stop: Any) -> dict[str, Any]:
        model, new = surrogates.make(
            space, opened, version=version, features=features, progress=progress, cancelled=stop
        )
        return {"model": model.id, "new": new}

    working.start("model", f"Fitting a surrogate of {version}", work)
    st.rerun()


def table(known: list[Model], rows: pl.DataFrame, evaluation: Evaluation, added: Model | None) -> Model | None:
    """Every version, newest first; the chosen one, else the newest that was added for this evaluation, if any."""
    chosen = show.choice(
        rows,
        [each.id for each in known],
        alt="Models and their versions",
        key="models_list",
        column_config={"added": st.column_config.TextColumn("added (UTC)")},
    )
    if chosen is not None:
        return known[chosen]
    return added or next((each for each in known if each.evaluation == evaluation.name), None)


@st.cache_resource(max_entries=32, show_spinner="Asking the model ...")
def _checked(model: str, evaluation: str, versions: tuple[str, ...], view: str, _ctx: Context, _model: Model) -> Result:
    assert _ctx.evaluation is not None  # noqa: S101 - the page ends where there is none
    return questions.model_check(
        frame.engine().open(_ctx.evaluation),
        models.scorer(frame.workspace(), _model),
        versions=versions,
        where=_ctx.where,
        period=_ctx.period,
    )


def checked(ctx: Context, model: Model) -> Result:
    """A model's check against the context's evaluation; asked once as long as the app runs."""
    assert ctx.evaluation is not None  # noqa: S101 - the page ends where there is none
    view = f"{ctx.where_text} {ctx.period.first} {ctx.period.last}"
    return _checked(model.id, ctx.evaluation.id, ctx.models, view, ctx, model)


def told(ctx: Context, model: Model) -> None:
    """The answer first: whether this is the model that made the recorded predictions."""
    result = checked(ctx, model)
    if model.surrogate_of:
        of = SurrogateOf.from_dict(model.surrogate_of)
        st.markdown(plain(f"{model.label}: {of.sentence()}"))
        for each in of.warnings:
            st.error(plain(each), icon=":material/warning:")
        return
    show.sentence(result)
    for each in modelrows.advice(result)[:1]:
        st.warning(plain(each), icon=":material/warning:")


def details(ctx: Context, model: Model) -> None:
    """What the model is, its checks one by one, and where it disagrees."""
    result = checked(ctx, model)
    if model.surrogate_of:
        _surrogate(model)
    with st.container(border=True, key="models_details"):
        show.heading(model.label, modelrows.described(model))
        for note in [*modelrows.understood(result), *model.notes]:
            st.caption(plain(note))
        show.whole(modelrows.checks(result), alt="The checks of the model")
        for each in [] if model.surrogate_of else modelrows.advice(result)[1:]:
            st.caption(plain(each))
        with st.container(horizontal=True):
            if st.button("Ask again", icon=":material/refresh:", key="models_again"):
                _checked.clear()
                st.rerun()
            if st.button("Delete", icon=":material/delete:", key="models_delete"):
                confirm_delete(model)
    pairs, differences = modelrows.pairs(result), modelrows.differences(result)
    if len(pairs) or len(differences):
        _compared(ctx, result, pairs, differences)
    show.rows_used(result)
    show.receipt(result, key="models_receipt")


def _surrogate(model: Model) -> None:
    """How near a surrogate is to what it was fitted to."""
    of = SurrogateOf.from_dict(model.surrogate_of)
    with st.container(border=True, key="models_surrogate_fit"):
        shown = modelrows.near(of)
        show.heading("How near the surrogate is", f"on {of.fit.n:,} rows it was not fitted to; {of.rows:,} it was")
        show.table(shown, alt="How near the surrogate is to what was recorded", height="content")


def _compared(ctx: Context, result: Result, pairs: pl.DataFrame, differences: pl.DataFrame) -> None:
    what = "forecast" if ctx.evaluation is not None and ctx.evaluation.task == REGRESSION else "score"
    grid = st.grid(columns=2, min_column_width=380)
    if len(pairs):
        with grid.cell(), st.container(border=True, height="stretch"):
            show.heading(f"Recorded against answered, {modelrows.matched(result)}", "on one line where they agree")
            alt = "The recorded score of each row against the one the model gives"
            show.chart(pairs, modelcharts.agreement(what), key="models_pairs", alt=alt)
    with grid.cell(), st.container(border=True, height="stretch"):
        show.heading("Where it disagrees", "the rows with the largest difference first")
        if len(differences):
            show.table(differences, alt="Rows where the model gives another answer than the recorded one", height=330)
        else:
            st.caption("On none of these rows.")


@st.dialog("Delete a model version")
def confirm_delete(model: Model) -> None:
    """Ask, naming what is lost."""
    st.markdown(plain(f"Delete {model.label} and its file? What was recorded stays; it can no longer be asked."))
    with st.container(horizontal=True):
        if st.button("Delete", type="primary", key="models_delete_confirm"):
            models.delete(frame.workspace(), model)
            st.rerun()
        if st.button("Keep it", key="models_delete_cancel"):
            st.rerun()
