"""The roles form: what Assay guessed and why, for the analyst to confirm or correct."""

from typing import Any

import polars as pl
import streamlit as st

from analysis.core import given
from analysis.core.dataset import Dataset
from analysis.core.guess import guess
from analysis.core.roles import BINARY, MULTICLASS, REGRESSION, ROLES, TASKS, ColumnFacts, Guess, ModelColumns, Roles
from analysis.store import evaluations, inspect
from analysis.store.jobs import Job
from pages.ui import context, frame, show, working
from pages.ui.context import plain

MOST_MODELS = 8


@st.cache_data(show_spinner=False, max_entries=64)
def facts(dataset_id: str, _dataset: Dataset) -> list[ColumnFacts]:
    """What the guesser knows of a dataset's columns."""
    return inspect.column_facts(frame.workspace(), _dataset)


def new(sources: list[Dataset]) -> None:
    """Choose a dataset, confirm the roles, save."""
    if not sources:
        st.info("There is no dataset to evaluate; take a file in first.")
        return
    job = working.current()
    if job is not None and job.running:
        return
    ids = [each.id for each in sources]
    wanted = st.session_state.pop("evaluations_dataset", None)
    if wanted in ids:
        st.session_state["roles_dataset"] = wanted
    by_id = {each.id: each for each in sources}
    chosen = st.selectbox(
        "Dataset", ids, key="roles_dataset", format_func=lambda id: by_id[id].label, persist_state="session", width=360
    )
    dataset = by_id[chosen]
    start = _start(dataset)
    form(dataset, start, f"{dataset.id[:8]}{st.session_state.get('roles_turn', 0)}")


def _start(dataset: Dataset) -> Guess:
    """What the form begins with: the roles of the evaluation to duplicate, else a guess."""
    copied = st.session_state.get("evaluations_from")
    if copied is not None:
        source = evaluations.find(frame.workspace(), copied)
        if dataset.id in source.inputs:
            st.caption(plain(f"Starting from the roles of '{source.label}'."))
            return Guess(source.task, source.roles, source.reasons)
    with st.spinner("Looking at the columns ..."):
        return guess(facts(dataset.id, dataset))


def _place(options: list[Any], value: Any) -> int | None:
    return options.index(value) if value in options else None


def form(dataset: Dataset, start: Guess, key: str) -> None:
    """The form itself. key: makes the widgets of one dataset its own."""
    known = {each.name: each for each in facts(dataset.id, dataset)}
    names, roles = dataset.schema.names, start.roles
    for doubt in start.doubts:
        st.warning(plain(doubt), icon=":material/help:")
    top = st.container()

    def one(role: str, value: str | None, title: str | None = None) -> str | None:
        definition = ROLES.get(role)
        return st.selectbox(
            title or definition.title,
            names,
            index=_place(names, value),
            key=f"roles_{role}_{key}",
            placeholder="none",
            help=f"Unlocks: {definition.unlocks}.",
        )

    def many(role: str, values: tuple[str, ...], title: str) -> tuple[str, ...]:
        picked = st.multiselect(
            title,
            names,
            default=[each for each in values if each in names],
            key=f"roles_{role}_{key}",
            placeholder="none",
            help=f"Unlocks: {ROLES.get(role).unlocks}.",
        )
        return tuple(picked)

    with st.container(border=True):
        show.heading("What is predicted")
        grid = st.grid(columns=3, min_column_width=230)
        with grid.cell():
            task = st.segmented_control(
                "Task",
                TASKS,
                default=start.task if start.task in TASKS else BINARY,
                key=f"roles_task_{key}",
                required=True,
                help=plain(start.reasons.get("task", "What the label is: one of two, one of several, or an amount.")),
            )
        with grid.cell():
            label = one("label", roles.label)
        with grid.cell():
            positive = _positive(task, known.get(label or ""), roles.positive, start, key)
    with st.container(border=True):
        show.heading("Model versions", "each with its prediction, its score, or both")
        models = _models(task, roles, known, names, key)
        grid = st.grid(columns=3, min_column_width=230)
        with grid.cell():
            version = one("model_version", roles.model_version, "Column that names the version (long file)")
    with st.container(border=True):
        show.heading("Rows")
        grid = st.grid(columns=3, min_column_width=230)
        with grid.cell():
            time = one("time", roles.time)
        with grid.cell():
            zone = st.text_input("Time zone of the buckets", value=roles.zone, key=f"roles_zone_{key}")
        with grid.cell():
            id = many("id", roles.id, "Id")
        with grid.cell():
            unit = one("unit", roles.unit)
        with grid.cell():
            weight = one("weight", roles.weight)
        with grid.cell():
            split = one("split", roles.split)
        with grid.cell():
            amount = one("amount", roles.amount)
        with grid.cell():
            cost = one("cost", roles.cost)
        with grid.cell():
            reference = st.text_input(
                "Reference period",
                value=":".join(roles.reference or ()),
                key=f"roles_reference_{key}",
                placeholder="2026-01-05:2026-03-01",
                help="Unlocks: comparisons of any period with a known good one.",
            )
    with st.container(border=True):
        show.heading("Breaking out and explaining")
        segments = many("segment", roles.segments, "Segments")
        protected = many("protected", roles.protected, "Protected attributes")
        features = many("feature", roles.features, "Features")
        text = many("text", roles.text, "Free text")
    chosen = Roles(
        id=id, label=label, models=models, weight=weight, time=time, zone=zone or "UTC", model_version=version,
        segments=segments, protected=protected, features=features, text=text, unit=unit, cost=cost, amount=amount,
        split=split, positive=positive if task == BINARY else None, reference=given.reference(reference),
    )  # fmt: skip
    with top:
        _confirm(dataset, task, chosen, start, key)
    _reasons(dataset, known, chosen, start)


def _confirm(dataset: Dataset, task: str, chosen: Roles, start: Guess, key: str) -> None:
    st.caption("The roles below are guessed from names and values; each reason is in the table at the end.")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.text_input("Name of the evaluation", value=dataset.name, key=f"roles_name_{key}", width=320)
        if st.button("Save and measure", type="primary", key="roles_save", icon=":material/check:"):
            _save(dataset, name, task, chosen, start)
        if st.button("Cancel", key="roles_cancel"):
            _leave()
            st.rerun()


def _positive(task: str, label: ColumnFacts | None, guessed: str | None, start: Guess, key: str) -> str | None:
    if task != BINARY or label is None:
        return guessed
    values = [value for value, _ in label.values][:12]
    return st.selectbox(
        "Positive class",
        values,
        index=_place(values, guessed),
        key=f"roles_positive_{label.name}_{key}",
        placeholder="choose",
        help=plain(start.reasons.get("positive", "The outcome the model is there to find; recall counts these rows.")),
    )


def _models(
    task: str, roles: Roles, known: dict[str, ColumnFacts], names: list[str], key: str
) -> tuple[ModelColumns, ...]:
    count = st.session_state.setdefault(f"roles_count_{key}", max(1, len(roles.models)))
    made = []
    for place in range(count):
        start = roles.models[place] if place < len(roles.models) else ModelColumns(f"model {place + 1}")
        made.append(_model(task, start, names, f"{key}_{place}"))
    with st.container(horizontal=True):
        if st.button("Add a version", key=f"roles_more_{key}", icon=":material/add:", disabled=count >= MOST_MODELS):
            st.session_state[f"roles_count_{key}"] = count + 1
            st.rerun()
        if count > 1 and st.button("Remove the last", key=f"roles_fewer_{key}", icon=":material/remove:"):
            st.session_state[f"roles_count_{key}"] = count - 1
            st.rerun()
    del known
    return tuple(made)


def _model(task: str, start: ModelColumns, names: list[str], key: str) -> ModelColumns:
    grid = st.grid(columns=4, min_column_width=200)
    with grid.cell():
        name = st.text_input("Version name", value=start.name, key=f"roles_model_{key}")
    with grid.cell():
        prediction = st.selectbox(
            "Prediction",
            names,
            index=_place(names, start.prediction),
            key=f"roles_prediction_{key}",
            placeholder="none",
        )
    scores: tuple[tuple[str | None, str], ...] = ()
    with grid.cell():
        if task == BINARY:
            by_class = dict(start.scores)
            only = by_class.get(None) or next(iter(by_class.values()), None)
            column = st.selectbox(
                "Score of the positive class",
                names,
                index=_place(names, only),
                key=f"roles_score_{key}",
                placeholder="none",
            )
            scores = _binary_scores(start, column, only)
        elif task == MULTICLASS:
            text = "\n".join(f"{name}={column}" for name, column in start.scores if name is not None)
            written = st.text_area(
                "Scores, a line a class", value=text, key=f"roles_scores_{key}", placeholder="CLASS=COLUMN", height=110
            )
            scores = given.class_scores(written, names)
        else:
            text = "\n".join(f"{level:g}={column}" for level, column in start.quantiles)
            written = st.text_area(
                "Quantiles, a line each", value=text, key=f"roles_quantiles_{key}", placeholder="0.1=COLUMN", height=68
            )
            quantiles = given.quantile_columns(written, names)
    with grid.cell():
        latency = st.selectbox(
            "Latency", names, index=_place(names, start.latency), key=f"roles_latency_{key}", placeholder="none"
        )
    mapping = start.mapping if task == BINARY and scores == start.scores else None
    return ModelColumns(
        name.strip() or start.name, prediction, scores, quantiles if task == REGRESSION else (), latency, mapping
    )


def _binary_scores(start: ModelColumns, column: str | None, only: str | None) -> tuple[tuple[str | None, str], ...]:
    if column is None:
        return ()
    return start.scores if column == only and start.scores else ((None, column),)


def _save(dataset: Dataset, name: str, task: str, roles: Roles, start: Guess) -> None:
    evaluations.checked(dataset, task, roles)
    space = frame.workspace()
    kept = {
        column: reason
        for column, reason in start.reasons.items()
        if start.roles.used().get(column) == roles.used().get(column)
    }

    def work(progress: Any, stop: Any) -> dict[str, Any]:
        made, new = evaluations.create(
            space, dataset, name=name, task=task, roles=roles, reasons=kept, progress=progress, cancelled=stop
        )
        return {"evaluation": made.id, "new": new}

    working.start("evaluate", f"Evaluating {dataset.label}", work)
    st.rerun()


def _leave() -> None:
    for key in ("evaluations_from", "evaluations_dataset"):
        st.session_state.pop(key, None)
    # With another turn the form and the choice of a view start afresh: the browser would bring their old values back.
    st.session_state["roles_turn"] = st.session_state.get("roles_turn", 0) + 1


def finished(job: Job) -> None:
    """A saved evaluation opens on its overview."""
    _leave()
    context.request(evaluations.find(frame.workspace(), job.outcome["evaluation"]))
    st.switch_page(frame.page("overview"))


def _reasons(dataset: Dataset, known: dict[str, ColumnFacts], chosen: Roles, start: Guess) -> None:
    used, first = chosen.used(), start.roles.used()
    rows = pl.DataFrame(
        [
            {
                "column": column.name,
                "type": column.type,
                "values": ", ".join(value for value, _ in known[column.name].values[:4]),
                "missing": column.missing,
                "role": ", ".join(used.get(column.name, [])) or "none",
                "why": start.reasons.get(column.name, "")
                if used.get(column.name) == first.get(column.name)
                else "you chose it",
            }
            for column in dataset.schema
        ]
    )
    show.heading("Columns", "what each is taken for, and why")
    show.table(rows, alt="Columns, their values, roles and the reason for each", height=420)
