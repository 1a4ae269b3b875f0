"""What Quality looks at: the evaluation of the context, or a dataset as uploaded with its roles guessed."""

import streamlit as st

from analysis.core.dataset import Dataset
from analysis.core.guess import guess
from analysis.core.roles import Roles
from analysis.engine.cache import Shelf
from analysis.engine.query import OpenEvaluation
from analysis.engine.subject import Subject, of_dataset
from analysis.store import datasets
from analysis.store.inspect import column_facts
from pages.ui import frame, pickers
from pages.ui.context import plain

EVALUATION = "evaluation"
SAID = ("id", "label", "time", "prediction", "score", "weight", "model_version")


def datasets_kept() -> list[Dataset]:
    """Every dataset version, newest first."""
    return datasets.listed(frame.workspace())


def chosen(known: list[Dataset], evaluation: OpenEvaluation | None) -> Dataset | None:
    """The dataset to look at; None for the evaluation's own rows."""
    by_label = {each.label: each for each in known}
    own = [EVALUATION] if evaluation is not None else []
    said = {EVALUATION: f"evaluation {evaluation.facts.label}"} if evaluation is not None else {}
    said |= {label: f"dataset {label} as uploaded" for label in by_label}
    label = pickers.one("Look at", [*own, *by_label], key="quality_of", shown=said.__getitem__, width=300)
    return by_label.get(label)


def as_uploaded(dataset: Dataset) -> Subject:
    """A dataset's table, its roles guessed; says which."""
    workspace, engine = frame.workspace(), frame.engine()
    proposal = guess(_facts(dataset.id), task=None, given=Roles())
    used = proposal.roles.used()
    said = ", ".join(f"{name} ({roles[0]})" for name, roles in used.items() if roles[0] in SAID)
    st.caption(plain(f"Roles as guessed: {said or 'none'}. Set up an evaluation to say them yourself."))
    shelf = Shelf(engine.cache, dataset.id)
    return of_dataset(workspace, dataset, proposal.task, proposal.roles, shelf)


@st.cache_data(max_entries=50, show_spinner="Looking at the columns ...")
def _facts(id: str) -> list:
    return column_facts(frame.workspace(), datasets.find(frame.workspace(), id))
