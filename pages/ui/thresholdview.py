"""The threshold in force on its page: the slider, what goals offer, saving it as a policy."""

from dataclasses import replace
from typing import Any

import polars as pl
import streamlit as st

from analysis.core import cutoffs, words
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


def tried(ctx: Context) -> Context:
    """The context with the band that is tried here in the place of the policy's."""
    if not isinstance(ctx.threshold, Band):
        return ctx
    low, high = st.session_state.get(_ends(ctx), (ctx.threshold.low, ctx.threshold.high))
    return replace(ctx, threshold=Band(float(f"{low:.12g}"), float(f"{high:.12g}")))


def _ends(ctx: Context) -> str:
    """The key of the two ends that are tried: others for every policy."""
    return f"thresholds_ends_{ctx.policy}"


def slider(result: Result, name: str, ctx: Context) -> None:
    """The threshold as a slider; the bar's Threshold field holds the same number, and typing there moves this. Of a
    band its two ends, which move only here."""
    low, high = result.receipt.options["span"][name]
    options: dict[str, Any] = {"step": (high - low) / 1000, "format": "%.3f"}
    rule = ctx.threshold
    if isinstance(rule, Band):
        st.session_state[_ends(ctx)] = tuple(min(max(end, low), high) for end in (rule.low, rule.high))
        said = "Two thresholds: between them a person decides, from the upper one on it is positive"
        st.slider(said, low, high, key=_ends(ctx), on_change=policybar.redraw, **options)
        return
    at = rule if isinstance(rule, float | int) else result.receipt.options["in_force"][name]
    st.session_state["thresholds_t"] = min(max(at, low), high)
    said = "One threshold for all instead" if isinstance(rule, ByGroup) else "Threshold"
    st.slider(f"{said}: positive from this score on", low, high, key="thresholds_t", on_change=_moved, **options)


def standing(result: Result, name: str, ctx: Context, decided: bool) -> None:
    """Where the threshold on show comes from. ctx: as the bar says it."""
    at = words.number(result.receipt.options["in_force"][name], "score")
    shown = tried(ctx).threshold
    if isinstance(shown, Band) and shown != ctx.threshold:
        st.caption(plain(f"Tried here alone; elsewhere policy '{ctx.policy}' holds until these two are saved."))
    elif isinstance(ctx.threshold, ByGroup):
        st.caption(plain("Moving the threshold takes the place of the policy everywhere."))
    elif isinstance(ctx.threshold, Band):
        st.caption(plain(f"The two thresholds of policy '{ctx.policy}'; others are tried here alone."))
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
            rule = set_at if isinstance(set_at, Band | ByGroup) else result.receipt.options["in_force"][name]
            _save(rule, evaluation, each, place)


IN_FORCE = "The rule in force"


def _save(rule: Threshold, evaluation: Evaluation, each: dict[str, Any], place: int) -> None:
    with st.popover("Save as policy", icon=":material/bookmark_add:", key=f"thresholds_policy_{place}"):
        st.caption("A policy is a decision rule with a name. It holds on every page, and a link carries it.")
        with st.form(f"thresholds_form_{place}", border=False):
            called = st.text_input("Name of the policy", key=f"thresholds_name_{place}")
            what = st.radio("What to save", _rules(each, rule), key=f"thresholds_rule_{place}")
            if not st.form_submit_button("Save", type="primary"):
                return
        if not called.strip():
            raise AssayError("A policy needs a name.")
        policy = policies.chosen(evaluation, [each])
        if what.startswith(IN_FORCE):
            policy = replace(policy, rule=rule, goal="")
        kept = policies.keep(frame.workspace(), evaluation, called.strip(), policy)
        policybar.request(policy.rule, kept)
        st.toast(plain(f"Saved the policy '{kept}'."))
        st.rerun()


def _rules(each: dict[str, Any], rule: Threshold) -> list[str]:
    return [f"What the goal chooses: {each['goal']}", f"{IN_FORCE}: {cutoffs.sentence(rule)}"]


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
