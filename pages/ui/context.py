"""The context: who, which, when. It lives in the URL, so that a link restores the view; the bar shows and changes it.

The bar's widgets are not bound to the URL: they are seeded from it on a session's first run, and the URL is written
from them on every run (address.py), which also survives a click in the menu.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any
from urllib.parse import urlencode

import streamlit as st

from analysis.core import judged
from analysis.core.cutoffs import Band, ByGroup, Threshold, sentence
from analysis.core.errors import AssayError, BadRequest
from analysis.core.evaluation import Evaluation
from analysis.core.period import Period
from analysis.core.savedsegment import Conditions, read
from analysis.core.segment import Segment
from pages.ui import policybar
from pages.ui.policybar import Policies, bar_key

Editor = Callable[[Evaluation, str], None]
"""What is drawn beside the filter: given the evaluation and the filter as it stands."""


@dataclass(frozen=True)
class Context:
    """What every question of a page is asked about. evaluation None: there is none yet.

    models: the chosen versions, () = all. threshold: what decides by score. policy: its name, where it is a saved one.
    broken: why the filter cannot be read, if it cannot.
    """

    evaluation: Evaluation | None = None
    models: tuple[str, ...] = ()
    period: Period = field(default_factory=Period)
    where: Segment | None = None
    where_text: str = ""
    threshold: Threshold | None = None
    policy: str = ""
    segment: str = ""
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
        if self.policy:
            pairs.append(("t", self.policy))
        elif isinstance(self.threshold, float | int):
            pairs.append(("t", f"{self.threshold:.15g}"))
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


def now(context: Context, policies: Policies) -> Context:
    """The context with the rule that the bar holds by now, for what is drawn without a run of the bar."""
    if context.evaluation is None:
        return context
    rule, policy = policybar.in_force(context.evaluation, policies)
    return replace(context, threshold=rule, policy=policy)


def request_filter(text: str) -> None:
    """Put a filter into force in the next run; the bar of this run is already drawn."""
    st.session_state["ctx_wanted_where"] = text


def _reset() -> None:
    """Another evaluation has been chosen: nothing of the bar but its name holds any longer."""
    for name in (*map(bar_key, ("m", "period", "where", "t", "policy")), "ctx_problems"):
        st.session_state.pop(name, None)
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
        policybar.seed(asked.get("t"), evaluation, policies, problems)
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
    st.session_state[bar_key("m")] = [name for name in wanted if name in names]
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
            st.session_state[bar_key("period")] = (first, last)
        else:
            problems.append(f"the period {first} to {last}; the data runs from {low} to {high}")
    st.session_state[bar_key("where")] = asked.get("where", "")


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
    if not known:
        return Context(), None
    marks = {each.mark: each for each in known}
    wanted = st.session_state.pop("ctx_wanted", None)
    if wanted in marks:
        st.session_state["ctx_e"] = wanted
        _reset()
    if "ctx_wanted_where" in st.session_state:
        st.session_state[bar_key("where")] = st.session_state.pop("ctx_wanted_where")
    if st.session_state.get("ctx_e") not in marks:
        st.session_state["ctx_e"] = known[0].mark
        _reset()
    policybar.begin()
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key="ctx"):
        mark = st.selectbox(
            "Evaluation",
            list(marks),
            key="ctx_e",
            format_func=lambda each: shown(marks[each], known),
            on_change=_reset,
            width=_wide(shown(marks[st.session_state["ctx_e"]], known)),
        )
        evaluation = marks[mark]
        context = _options(evaluation, policies, saved, editor)
        place = st.popover("Share", width="content")
    return context, place


def _wide(name: str) -> int:
    """How many pixels a box needs to show a name whole, up to what a narrow screen has."""
    return max(150, min(430, 70 + 7 * len(name)))


def shown(evaluation: Evaluation, known: list[Evaluation]) -> str:
    """An evaluation's name, with its version where it is not the newest."""
    newest = max(each.version for each in known if each.name == evaluation.name)
    return evaluation.name if evaluation.version == newest else f"{evaluation.name} @ {evaluation.version}"


def _options(evaluation: Evaluation, policies: Policies, saved: Callable[[], Conditions], editor: Editor) -> Context:
    names = [model.name for model in evaluation.models]
    models: list[str] = []
    if len(names) > 1:
        models = st.multiselect("Model versions", names, key=bar_key("m"), placeholder="All", width=120)
    period, low, high = Period(), *span(evaluation)
    if low and high:
        options: dict[str, Any] = {} if bar_key("period") in st.session_state else {"value": (low, high)}
        picked = st.date_input(
            "Period", min_value=low, max_value=high, key=bar_key("period"), format="YYYY-MM-DD", width=212, **options
        )
        if isinstance(picked, tuple) and len(picked) == 2 and (picked[0], picked[1]) != (low, high):
            period = Period(picked[0], picked[1])
    filtered = st.text_input("Filter", key=bar_key("where"), placeholder="region = 'West'", help=FILTER_HELP, width=155)
    text = filtered.strip()
    editor(evaluation, text)
    if policybar.decides(evaluation):
        policybar.fields(evaluation, policies(evaluation))
    where, broken = None, ""
    if text:
        try:
            where = read(text, judged.types(evaluation), saved)
        except BadRequest as error:
            broken = str(error)
    rule, policy = policybar.in_force(evaluation, policies)
    return Context(evaluation, tuple(models), period, where, text, rule, policy, "", broken)


FILTER_HELP = (
    "Only rows where this holds. Compare with = != < <= > >=, `in ('a', 'b')`, `between 1 and 5`, `contains 'x'`, "
    "`matches '^A'`, `is missing`; and, or, not; odd names in double quotes; also `label_`, `prediction_`, `loss_`. "
    "`@name` is a saved segment."
)


@st.fragment(key=policybar.TOLD)
def tell_policy(context: Context, policies: Policies) -> None:
    """Which policy decides, where it is more than one threshold, and what that means for numbers."""
    shown = now(context, policies)
    if isinstance(shown.threshold, Band | ByGroup):
        said = f"Policy '{shown.policy}' decides: {sentence(shown.threshold)}."
        if isinstance(shown.threshold, Band):
            said += (
                " What goes to a person has no decision: metrics of decisions leave it out, metrics of scores count it."
            )
        st.caption(plain(said))


def missing(what: str) -> None:
    """Note a part of the link that is not there; `warn` says it until another evaluation is chosen."""
    noted = st.session_state.get("ctx_problems", ())
    if what not in noted:
        st.session_state["ctx_problems"] = (*noted, what)


def warn(place: Any) -> None:
    """Say at this place what of the link could not be found: by the bar, and by the page's own pickers after it."""
    noted = st.session_state.get("ctx_problems", ())
    if noted:
        said = f"Part of this link could not be found: {plain('; '.join(noted))}."
        place.warning(said, icon=":material/link_off:")


def check(context: Context) -> None:
    """AssayError where the filter cannot be read."""
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
