"""The context: who, which, when. It lives in the URL, so that a link restores the view; the bar shows and changes it.

The bar's widgets are not bound to the URL: they are seeded from it on a session's first run, and the URL is written
from them on every run (address.py), which also survives a click in the menu.
"""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from urllib.parse import urlencode

import streamlit as st

from analysis.core.errors import AssayError, BadRequest
from analysis.core.evaluation import Evaluation
from analysis.core.period import Period
from analysis.core.policy import Policy
from analysis.core.savedsegment import Conditions, read
from analysis.core.segment import Segment

Policies = Callable[[Evaluation], dict[str, Policy]]
Editor = Callable[[Evaluation, str], None]
"""What is drawn beside the filter: given the evaluation and the filter as it stands."""


@dataclass(frozen=True)
class Context:
    """What every question of a page is asked about. evaluation None: there is none yet.

    models: the chosen versions, () = all. policy: the saved policy whose threshold is in force, by name, if any.
    problems: what of a link or of the bar could not be used.
    """

    evaluation: Evaluation | None = None
    models: tuple[str, ...] = ()
    period: Period = field(default_factory=Period)
    where: Segment | None = None
    where_text: str = ""
    threshold: float | None = None
    policy: str = ""
    segment: str = ""
    problems: tuple[str, ...] = ()
    broken: str = ""

    def query(self) -> list[tuple[str, str]]:
        """The context as URL parameters."""
        if self.evaluation is None:
            return []
        pairs = [("e", self.evaluation.mark), *(("m", name) for name in self.models)]
        if self.period.first:
            pairs.append(("from", str(self.period.first)))
        if self.period.last:
            pairs.append(("to", str(self.period.last)))
        if self.where_text:
            pairs.append(("where", self.where_text))
        if self.threshold is not None:
            pairs.append(("t", self.policy or f"{self.threshold:.15g}"))
        if self.segment:
            pairs.append(("seg", self.segment))
        return pairs

    @property
    def view(self) -> str:
        """What tests and logs call this view."""
        return urlencode(self.query())


def request(evaluation: Evaluation) -> None:
    """Put an evaluation into the context of the next run; the bar of this run is already drawn."""
    st.session_state["ctx_wanted"] = evaluation.mark


def _key(name: str) -> str:
    """The key of a widget of the bar. With every evaluation chosen it is another one.

    A browser may still send what a widget held for the evaluation before; under a new key nobody listens to it.
    """
    return f"ctx_{name}_{st.session_state.setdefault('ctx_turn', 0)}"


def set_threshold(threshold: float, policy: str = "") -> None:
    """Put a threshold into force, as a saved policy or by itself; only in a callback, before the bar is drawn."""
    st.session_state[_key("t")] = threshold
    st.session_state["ctx_policy"] = policy


def request_threshold(threshold: float, policy: str = "") -> None:
    """Put a threshold into force in the next run; the bar of this run is already drawn."""
    st.session_state["ctx_wanted_t"] = (threshold, policy)


def request_filter(text: str) -> None:
    """Put a filter into force in the next run; the bar of this run is already drawn."""
    st.session_state["ctx_wanted_where"] = text


def _reset() -> None:
    """Another evaluation has been chosen: nothing of the bar but its name holds any longer."""
    for key in (*map(_key, ("m", "period", "where", "t")), "ctx_policy", "ctx_problems"):
        st.session_state.pop(key, None)
    st.session_state["ctx_turn"] += 1


def seed(known: list[Evaluation], policies: Policies) -> None:
    """On a session's first run: the bar's widgets from the URL, with a word on what could not be found."""
    if "ctx_seeded" in st.session_state:
        return
    st.session_state["ctx_seeded"] = True
    asked, problems = st.query_params, []
    mark = asked.get("e")
    if mark and known:
        evaluation, problem = _find(mark, known)
        problems += [problem] if problem else []
        st.session_state["ctx_e"] = evaluation.mark
        _seed_options(evaluation, problems)
        _seed_threshold(asked.get("t"), evaluation, policies, problems)
    elif mark:
        problems.append("the evaluation it names; this workspace holds none yet")
    st.session_state["ctx_problems"] = tuple(problems)


def _find(mark: str, known: list[Evaluation]) -> tuple[Evaluation, str]:
    name, _, start = mark.rpartition("~") if "~" in mark else (mark, "", "")
    own = [each for each in known if start and each.fingerprint.startswith(start)]
    if own:
        return next((each for each in own if each.name == name), own[0]), ""
    named = [each for each in known if each.name == (name or mark)]
    if named:
        newest = max(named, key=lambda each: each.version)
        if not start:
            return newest, ""
        return newest, f"this state of '{newest.name}'; its newest version {newest.version} is shown instead"
    return known[0], f"the evaluation '{name or mark}'; '{known[0].name}' is shown instead"


def _seed_options(evaluation: Evaluation, problems: list[str]) -> None:
    asked = st.query_params
    names = [model.name for model in evaluation.models]
    wanted = asked.get_all("m")
    problems += [f"the model version '{name}'" for name in wanted if name not in names]
    st.session_state[_key("m")] = [name for name in wanted if name in names]
    ends = []
    for key in ("from", "to"):
        text = asked.get(key)
        try:
            ends.append(date.fromisoformat(text) if text else None)
        except ValueError:
            problems.append(f"the date '{text}'")
            ends.append(None)
    low, high = span(evaluation)
    if any(ends) and low and high:
        first, last = ends[0] or low, ends[1] or high
        if low <= first <= last <= high:
            st.session_state[_key("period")] = (first, last)
        else:
            problems.append(f"the period {first} to {last}; the data runs from {low} to {high}")
    st.session_state[_key("where")] = asked.get("where", "")


def _seed_threshold(text: str | None, evaluation: Evaluation, policies: Policies, problems: list[str]) -> None:
    """The threshold a link carries: a number, or the name of a policy."""
    if not text:
        return
    policy = policies(evaluation).get(text)
    try:
        typed = float(text)
    except ValueError:
        typed = math.nan
    if math.isfinite(typed):
        set_threshold(typed)
    elif policy is None:
        problems.append(f"the threshold or policy '{text}'")
    elif policy.threshold is None or not policy.single:
        problems.append(f"one threshold in the policy '{text}' ({policy.sentence()})")
    else:
        set_threshold(policy.threshold, text)


def span(evaluation: Evaluation) -> tuple[date | None, date | None]:
    """The first and the last day of the data."""
    if not evaluation.time_low:
        return None, None
    return datetime.fromisoformat(evaluation.time_low).date(), datetime.fromisoformat(evaluation.time_high).date()


def bar(
    known: list[Evaluation], policies: Policies, saved: Callable[[], Conditions], editor: Editor
) -> tuple[Context, Any]:
    """Draw the context bar; what it says, and the Share button's place for `share`.

    saved: the saved segments' conditions, which a filter may mention. Nothing is drawn while there is no evaluation.
    """
    seed(known, policies)
    problems = st.session_state.get("ctx_problems", ())
    if not known:
        return Context(problems=problems), None
    marks = {each.mark: each for each in known}
    wanted = st.session_state.pop("ctx_wanted", None)
    if wanted in marks:
        st.session_state["ctx_e"] = wanted
        problems = ()
        _reset()
    if "ctx_wanted_t" in st.session_state:
        set_threshold(*st.session_state.pop("ctx_wanted_t"))
    if "ctx_wanted_where" in st.session_state:
        st.session_state[_key("where")] = st.session_state.pop("ctx_wanted_where")
    if st.session_state.get("ctx_e") not in marks:
        st.session_state["ctx_e"] = known[0].mark
        _reset()
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key="ctx"):
        mark = st.selectbox(
            "Evaluation",
            list(marks),
            key="ctx_e",
            format_func=lambda each: shown(marks[each], known),
            on_change=_reset,
            width=150,
        )
        evaluation = marks[mark]
        context = _options(evaluation, problems, policies, saved, editor)
        place = st.popover("Share", width="content")
    return context, place


def shown(evaluation: Evaluation, known: list[Evaluation]) -> str:
    """An evaluation's name, with its version where it is not the newest."""
    newest = max(each.version for each in known if each.name == evaluation.name)
    return evaluation.name if evaluation.version == newest else f"{evaluation.name} @ {evaluation.version}"


def _options(
    evaluation: Evaluation,
    problems: tuple[str, ...],
    policies: Policies,
    saved: Callable[[], Conditions],
    editor: Editor,
) -> Context:
    names = [model.name for model in evaluation.models]
    models: list[str] = []
    if len(names) > 1:
        models = st.multiselect("Model versions", names, key=_key("m"), placeholder="All", width=128)
    period, low, high = Period(), *span(evaluation)
    if low and high:
        options: dict[str, Any] = {} if _key("period") in st.session_state else {"value": (low, high)}
        picked = st.date_input(
            "Period", min_value=low, max_value=high, key=_key("period"), format="YYYY-MM-DD", width=216, **options
        )
        if isinstance(picked, tuple) and len(picked) == 2 and (picked[0], picked[1]) != (low, high):
            period = Period(picked[0], picked[1])
    filtered = st.text_input("Filter", key=_key("where"), placeholder="region = 'West'", help=FILTER_HELP, width=170)
    text = filtered.strip()
    editor(evaluation, text)
    threshold, policy = None, ""
    if evaluation.task == "binary" and any(model.score for model in evaluation.models):
        recorded = all(model.decision for model in evaluation.models)
        threshold = st.number_input(
            "Threshold",
            value=None,
            key=_key("t"),
            step=0.01,
            format="%.3f",
            placeholder="recorded" if recorded else "choose",
            help="Positive from this score on. Empty: the decisions recorded in the file.",
            width=130,
        )
        policy = _in_force(threshold, evaluation, policies)
    where, broken = None, ""
    if text:
        try:
            where = read(text, evaluation.types(), saved)
        except BadRequest as error:
            broken = str(error)
    return Context(evaluation, tuple(models), period, where, text, threshold, policy, "", problems, broken)


def _in_force(threshold: float | None, evaluation: Evaluation, policies: Policies) -> str:
    """The chosen policy's name while its threshold stands; another threshold typed or moved to is nobody's policy."""
    name = st.session_state.get("ctx_policy", "")
    policy = policies(evaluation).get(name) if name else None
    return name if policy is not None and policy.single and policy.threshold == threshold else ""


FILTER_HELP = (
    "Only rows where this holds. Compare with = != < <= > >=, `in ('a', 'b')`, `between 1 and 5`, `contains 'x'`, "
    "`matches '^A'`, `is missing`; combine with and, or, not. Names with spaces go in double quotes. "
    "`@name` is a saved segment."
)


def warn(context: Context) -> None:
    """Say what of a link could not be found, once, until dismissed by the next link."""
    if context.problems:
        missing = "; ".join(context.problems)
        st.warning(f"Part of this link could not be found: {plain(missing)}.", icon=":material/link_off:")
    if context.broken:
        raise AssayError(f"The filter could not be read. {context.broken}")


# What becomes a link, an arrow or a dash even where it is escaped, unless an invisible character follows.
REPLACED = re.compile(r"https?:(?=//)|www(?=\.)|@(?=[-\w]+\.)|-(?=[->])|<(?=-)", re.IGNORECASE)
JOINER = "\u2060"


def plain(text: str) -> str:
    """A user's words inside Markdown, with nothing in them alive.

    >>> plain("a*b [x](y)")
    'a\\\\*b \\\\[x\\\\](y)'
    """
    text = REPLACED.sub(lambda found: f"{found[0]}{JOINER}", text)
    return "".join(f"\\{each}" if each in "\\`*_{}[]<>#+-!|$~:&@" else each for each in text)
