"""The decision rule in the context bar: a typed threshold or a saved policy, and moving it without a run of the page.

The field, what is said of a policy, the parts of a page that follow, the Share link and the ready mark are fragments.
Once all of them are drawn, a move draws these anew and leaves the rest of the page alone; on a page without such parts,
and while one is still being drawn, it is a run of everything.
"""

import math
import time
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

import streamlit as st

from analysis.core.cutoffs import Band, ByGroup, Threshold
from analysis.core.evaluation import Evaluation
from analysis.core.policy import Policy

Policies = Callable[[Evaluation], dict[str, Policy]]
NUMBER, NAMES, TOLD, SHARE, READY = "ctx_number", "ctx_names", "ctx_told", "ctx_share", "frame_ready"


def bar_key(name: str) -> str:
    """The key of a widget of the bar. With every evaluation chosen it is another one.

    A browser may still send what a widget held for the evaluation before; under a new key nobody listens to it.
    """
    return f"ctx_{name}_{st.session_state.setdefault('ctx_turn', 0)}"


def put(rule: Threshold | None, policy: str = "") -> None:
    """Have the bar hold a rule, as a saved policy or by itself; only before it is drawn, or in a callback."""
    st.session_state[bar_key("t")] = None if isinstance(rule, Band | ByGroup) else rule
    st.session_state[bar_key("policy")] = policy or None


def use(rule: Threshold | None, policy: str = "") -> NoReturn:
    """Put a rule into force: a callback, which draws what follows the threshold, or all where nothing does."""
    put(rule, policy)
    redraw()


def redraw() -> NoReturn:
    """Draw what follows the threshold, or all where nothing does; in a callback."""
    st.session_state["frame_began"] = time.perf_counter()
    parts = st.session_state["ctx_followers"] if st.session_state.get("ctx_armed") else []
    st.rerun([NUMBER, NAMES, TOLD, *parts, SHARE, READY] if parts else "app")


def request(rule: Threshold, policy: str) -> None:
    """Put a rule into force in the next run; the bar of this run is already drawn."""
    st.session_state["ctx_wanted_t"] = (rule, policy)


def begin() -> None:
    """A run of the whole page begins: nothing follows the threshold yet, and what was requested holds."""
    st.session_state["ctx_armed"] = False
    st.session_state["ctx_followers"] = []
    if "ctx_wanted_t" in st.session_state:
        put(*st.session_state.pop("ctx_wanted_t"))


def follow(part: str) -> None:
    """A part of the page, a fragment of this key, follows the threshold."""
    st.session_state["ctx_followers"].append(part)


def arm() -> None:
    """All parts are drawn: from now on a move draws only them."""
    st.session_state["ctx_armed"] = True


def seed(text: str | None, evaluation: Evaluation, policies: Policies, problems: list[str]) -> None:
    """What a link carries: a number, or the name of a policy."""
    if not text:
        return
    try:
        typed = float(text)
    except ValueError:
        typed = math.nan
    policy = policies(evaluation).get(text)
    if math.isfinite(typed):
        put(typed)
    elif policy is None:
        problems.append(f"the threshold or policy '{text}'")
    elif isinstance(policy.rule, ByGroup) and policy.rule.column not in evaluation.types():
        problems.append(f"the column '{policy.rule.column}', by which the policy '{text}' decides")
    else:
        put(policy.rule, text)


def decides(evaluation: Evaluation) -> bool:
    """Whether a threshold can decide anything here."""
    return evaluation.task == "binary" and any(model.score for model in evaluation.models)


def in_force(evaluation: Evaluation, policies: Policies) -> tuple[Threshold | None, str]:
    """(the rule that the bar holds, the policy's name); (None, "") where the recorded decisions rule."""
    if not decides(evaluation):
        return None, ""
    name, typed = (st.session_state.get(bar_key(each)) for each in ("policy", "t"))
    policy = policies(evaluation).get(name) if name else None
    return (typed, "") if policy is None else (policy.rule, str(name))


def fields(evaluation: Evaluation, known: Mapping[str, Policy]) -> None:
    """The Threshold field, and a box of the saved policies where there are any. known: policies by name."""
    if st.session_state.get(bar_key("policy")) not in known:
        st.session_state[bar_key("policy")] = None
    _number(all(model.decision for model in evaluation.models))
    _names(known)


@st.fragment(key=NUMBER)
def _number(recorded: bool) -> None:
    st.number_input(
        "Threshold",
        value=None,
        key=bar_key("t"),
        step=0.01,
        format="%.3f",
        placeholder="by policy" if st.session_state[bar_key("policy")] else "recorded" if recorded else "choose",
        help="Positive from this score on. Empty: the decisions recorded in the file.",
        width=134,
        on_change=_typed,
    )


@st.fragment(key=NAMES)
def _names(known: Mapping[str, Policy]) -> None:
    if known:
        st.selectbox(
            "Policy",
            list(known),
            key=bar_key("policy"),
            index=None,
            placeholder="none",
            help="A saved decision rule: one threshold, a threshold for each group, or two with a review between.",
            width=190,
            on_change=_picked,
            args=(known,),
        )


def _typed() -> None:
    use(st.session_state[bar_key("t")])


def _picked(known: Mapping[str, Policy]) -> None:
    name: Any = st.session_state[bar_key("policy")]
    use(known[name].rule if name in known else None, name or "")
