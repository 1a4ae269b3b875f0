"""Rules on the screen: an editable grid of a dataset's rules, suggestions, and what came of them version by version."""

import threading
from typing import Any

import streamlit as st

from analysis import questions
from analysis.core.dataset import Dataset
from analysis.core.roles import Roles
from analysis.core.rule import SEVERITIES, Rule, read_rules, written
from analysis.engine import ruling
from analysis.engine import subject as subjects
from analysis.engine.query import OpenEvaluation
from analysis.store import datasets
from analysis.store import rules as kept
from analysis.store.child import Progress
from analysis.telling import rulerows
from pages.ui import frame, show, working
from pages.ui.context import plain

KIND = "rules"
PER_CENT = st.column_config.NumberColumn(format="%.2f%%")


def of_evaluation(evaluation: OpenEvaluation) -> None:
    """The rules of the dataset an evaluation was made of, where that is still kept."""
    facts = evaluation.facts
    for dataset in datasets.listed(frame.workspace()):
        if dataset.id in facts.inputs[:1]:
            view(dataset, facts.roles, facts.task)


def view(dataset: Dataset, roles: Roles, task: str) -> None:
    """The rules of a dataset's name; `dataset` is the version suggestions are taken from."""
    workspace = frame.workspace()
    rules, version = kept.listed(workspace, dataset.name)
    shown = st.session_state.get(_shown(dataset.name), version)
    st.session_state[_shown(dataset.name)] = version
    show.heading("Rules", f"what every new version of {plain(dataset.name)} is held to")
    if rules:
        with st.spinner("Holding the newest version to its rules ..."):
            result = questions.rule_history(dataset.name, ruling.caught_up(workspace, dataset.name))
        show.sentence(result, key="quality_rules_sentence")
        marks = rulerows.points(result)
        if len(marks):
            with st.container(border=True):
                spec = rulerows.chart(marks["name"].n_unique())
                show.chart(marks, spec, key="quality_rules_history", alt="What came of the rules, by version")
        st.caption(plain(rulerows.always(result)))
        config = {"Breaks it": PER_CENT, "Allowed": PER_CENT}
        show.table(rulerows.now(result), alt="What came of the rules", column_config=config, height=240)
    else:
        st.caption("There are none yet. Write them into the grid, or start with those this dataset lets one expect.")
    if shown != version:
        st.warning(
            "The rules were changed meanwhile; look at them again. What was typed into the grid and not saved is gone."
        )
    drafted, _ = st.session_state.get(_draft(dataset.name), (None, ""))
    _grid(dataset, rules if drafted is None else drafted, version, shown)
    _suggest(dataset, roles, task)
    _files(dataset, rules, shown)


def _shown(dataset: str) -> str:
    """Where the version of the rules last shown of a dataset of this name is noted; it is what a change changes."""
    return f"quality_rules_shown_{dataset}"


def _draft(dataset: str) -> str:
    """Where rules suggested for a dataset of this name wait, with the sentence on them."""
    return f"quality_rules_draft_{dataset}"


def _grid(dataset: Dataset, rules: list[Rule], version: int, shown: int) -> None:
    drafted = _draft(dataset.name) in st.session_state
    config: dict[str, Any] = {
        "column": st.column_config.SelectboxColumn(options=dataset.schema.names, required=True),
        "expectation": st.column_config.SelectboxColumn(options=list(rulerows.EXPECTATIONS), required=True),
        "values": st.column_config.ListColumn(help="Of a set.", width="medium"),
        "pattern": st.column_config.TextColumn(help="A regular expression; of a share a condition on the rows."),
        "refers": st.column_config.TextColumn(help="dataset: column"),
        "at most": st.column_config.NumberColumn(
            format="%.2f%%", min_value=0, max_value=100, default=0.0, help="The share of rows that may break it."
        ),
        "severity": st.column_config.SelectboxColumn(options=list(SEVERITIES), default="fail", required=True),
    }
    table = st.data_editor(
        rulerows.grid(rules),
        num_rows="dynamic",
        column_config=config,
        key=f"quality_rules_{dataset.name}_{version}_{drafted}",
        height=300,
        width="stretch",
    )
    if st.button("Save rules", key="quality_rules_save", type="primary", icon=":material/check:"):
        _keep(dataset, rulerows.edited(table.to_dicts(), rules), shown)


def _keep(dataset: Dataset, rules: list[Rule], shown: int) -> None:
    """Keep the rules in place of those shown; ChangedMeanwhile where others are there by now."""
    kept.keep(frame.workspace(), dataset.name, rules, shown)
    st.session_state.pop(_shown(dataset.name), None)
    st.session_state.pop(_draft(dataset.name), None)
    st.rerun()


def _suggest(dataset: Dataset, roles: Roles, task: str) -> None:
    """Rules from this version, put into the grid, where one may change or drop them before they are saved."""
    done = working.watch(KIND)
    if done is not None:
        st.session_state[_draft(done.outcome["dataset"])] = read_rules(done.outcome["rules"]), done.outcome["sentence"]
        st.rerun()
    if _draft(dataset.name) in st.session_state:
        st.info(plain(f"{st.session_state[_draft(dataset.name)][1]} They are in the grid and not saved yet."))
    workspace = frame.workspace()

    def work(progress: Progress, stop: threading.Event) -> dict[str, Any]:
        subject = subjects.of_dataset(workspace, dataset, task, roles)
        result, rules = questions.suggest_rules(subject, progress=working.stopping(progress, stop))
        return {"dataset": dataset.name, "rules": written(rules), "sentence": result.sentence}

    if st.button(
        f"Suggest rules from {plain(dataset.label)}",
        key="quality_rules_suggest",
        icon=":material/lightbulb:",
        disabled=working.current() is not None,
    ):
        working.start(KIND, f"Looking for rules of {dataset.label}", work)
        st.rerun()


def _files(dataset: Dataset, rules: list[Rule], shown: int) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.download_button(
            "Export as JSON",
            written(rules),
            file_name="rules.json",
            mime="application/json",
            key="quality_rules_export",
            on_click="ignore",
            disabled=not rules,
        )
        with st.popover("Import", key="quality_rules_import"):
            file = st.file_uploader("Rules as JSON", type=["json"], key="quality_rules_file", max_upload_size=5)
            if file is not None and st.button("Take these rules", key="quality_rules_take"):
                _keep(dataset, read_rules(file.getvalue().decode("utf-8", errors="replace")), shown)
