"""The threshold in force on its page: the slider, what goals offer, saving it as a policy."""

from dataclasses import replace
from typing import Any

import polars as pl
import streamlit as st

from analysis.core import words
from analysis.core.cutoffs import Band, ByGroup, Threshold
from analysis.core.errors import AssayError
from analysis.core.evaluation import Evaluation
from analysis.core.receipt import Result
from analysis.store import policies
from analysis.telling import curverows
from pages.ui import frame, policybar, show
from pages.ui.context import Context, plain


def model(ctx: Context, evaluation: Evaluation) -> str:
    """One of the chosen model versions that have scores; the last one first, which is usually the newest."""
    scored = [each.name for each in evaluation.models if each.score]
    names = [name for name in scored if name in ctx.models] or scored
    if len(names) < 2:
        return names[0] if names else evaluation.models[0].name
    key = "thresholds_model"
    if st.session_state.get(key) not in names:
        st.session_state[key] = names[-1]
    return str(st.segmented_control("Model version", names, key=key, required=True, format_func=plain))


def sentence(result: Result) -> None:
    """What the threshold in force does; what the goal chooses is said with its buttons."""
    show.sentence(replace(result, sentence=result.sentence.splitlines()[0]))


def _moved() -> None:
    at = float(st.session_state["thresholds_t"])
    policybar.use(float(f"{at:.12g}"))  # a browser adds steps up: 0.3 + 0.001 is a little more than 0.301


def slider(result: Result, name: str, rule: Threshold | None) -> None:
    """The threshold as a slider; the bar's Threshold field holds the same number, and typing there moves this."""
    low, high = result.receipt.options["span"][name]
    at = rule if isinstance(rule, float | int) else result.receipt.options["in_force"][name]
    st.session_state["thresholds_t"] = min(max(at, low), high)
    st.slider(
        "Threshold: positive from this score on",
        low,
        high,
        step=(high - low) / 1000,
        format="%.3f",
        key="thresholds_t",
        on_change=_moved,
    )


def standing(result: Result, name: str, ctx: Context, decided: bool) -> None:
    """Where the threshold on show comes from."""
    at = words.number(result.receipt.options["in_force"][name], "score")
    if isinstance(ctx.threshold, Band | ByGroup):
        st.caption(plain(f"One threshold, {at}, is tried here; moving it takes the place of the policy everywhere."))
    elif ctx.policy:
        st.caption(plain(f"Policy '{ctx.policy}': {at}."))
    elif ctx.threshold is None and not decided:
        st.info(
            plain(
                f"{name} has scores and no decisions. Choose a threshold; {at}, which the goal chooses, is tried here."
            ),
            icon=":material/tune:",
        )
    elif ctx.threshold is None:
        st.caption(plain(f"No threshold is set: other pages use the recorded decisions, and {at} is tried here."))


def offers(result: Result, name: str, evaluation: Evaluation, set_at: Threshold | None) -> None:
    """What the goal chooses, in words, with a button to use it and one to save it.

    set_at: the threshold that is set already.
    """
    for place, each in enumerate(each for each in result.receipt.recommended if each["model"] == name):
        st.markdown(plain(each["sentence"][:1].upper() + each["sentence"][1:]))
        if each.get("threshold") is None:
            continue
        with st.container(horizontal=True, gap="small"):
            if "band" not in each:
                shown = words.number(each["threshold"], "score")
                at = each["threshold"]
                st.button(
                    f"Use {shown}",
                    key=f"thresholds_use_{place}",
                    type="primary",
                    icon=":material/check:",
                    on_click=policybar.use,
                    args=(at,),
                    disabled=at == set_at,
                )
            _save(result, name, evaluation, each, place)


def _save(result: Result, name: str, evaluation: Evaluation, each: dict[str, Any], place: int) -> None:
    with st.popover("Save as policy", icon=":material/bookmark_add:", key=f"thresholds_policy_{place}"):
        st.caption("A policy is a decision rule with a name. It holds on every page, and a link carries it.")
        with st.form(f"thresholds_form_{place}", border=False):
            called = st.text_input("Name of the policy", key=f"thresholds_name_{place}")
            what = st.radio("What to save", _rules(result, name, each), key=f"thresholds_rule_{place}")
            if not st.form_submit_button("Save", type="primary"):
                return
        if not called.strip():
            raise AssayError("A policy needs a name.")
        policy = policies.chosen(evaluation, [each])
        if what.startswith("The threshold in force"):
            policy = replace(policy, rule=result.receipt.options["in_force"][name], goal="")
        kept = policies.keep(frame.workspace(), evaluation, called.strip(), policy)
        policybar.request(policy.rule, kept)
        st.toast(plain(f"Saved the policy '{kept}'."))
        st.rerun()


def _rules(result: Result, name: str, each: dict[str, Any]) -> list[str]:
    force = f"The threshold in force, {words.number(result.receipt.options['in_force'][name], 'score')}"
    return [f"What the goal chooses: {each['goal']}", force]


def cards(result: Result, name: str) -> None:
    """The key figures at the threshold in force."""
    current = result.frames["current"].filter(pl.col("metric") != "value")
    show.cards(replace(result, frame=current), name)


def worth(result: Result, name: str) -> None:
    """The value in force and the most there is, in words."""
    rows = result.frames["value"].filter((pl.col("model") == name) & (pl.col("here") | pl.col("best")))
    said = []
    for row in rows.sort("here", descending=True).iter_rows(named=True):
        ends = words.between(row["low"], row["high"], "label")
        where = "in force" if row["here"] else "the best"
        said.append(
            f"{words.number(row['threshold'], 'score')} ({where}) brings "
            f"{words.number(row['value'], 'label')} a decision ({ends}), "
            f"{words.number(row['total'], 'label')} in all on {row['n']:,} rows"
        )
    st.caption(plain(f"{'; '.join(said)}. Dotted: the better of selecting every row and none."))


def tables(result: Result, name: str) -> None:
    """Each group's thresholds, in force and as a goal chooses them, and what a band decides by itself."""
    for rows, title, what in (
        (curverows.standing(result, name), "In force: a threshold for each group", "with what it decides there"),
        (curverows.groups(result, name), "A threshold for each group", "its metric with its own and with one for all"),
        (curverows.automatic(result, name), "What the goal decides without a person", "rows outside the band"),
    ):
        if len(rows):
            with st.container(border=True):
                show.heading(title, what)
                show.table(rows, alt=title)
