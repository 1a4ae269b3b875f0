"""Pickers: widgets that give a value of the domain. What they hold is kept in the address, so that a link restores it.

An address names the value, not its label, and leaves a picker out while it holds its default. They are not bound to the
address by the widget itself: the context bar writes the address too, which Streamlit refuses beside bound widgets.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import polars as pl
import streamlit as st

from analysis.core.evaluation import EvalColumn, Evaluation
from analysis.core.period import Period
from analysis.core.receipt import Result
from analysis.engine.binning import CALENDAR, offered
from analysis.engine.query import OpenEvaluation
from analysis.metrics import METRICS, defined
from pages.ui.context import missing, plain


def one(
    label: str,
    options: Sequence[str],
    *,
    key: str,
    default: str | None = None,
    shown: Callable[[str], str] = str,
    segmented: bool = False,
    **look: Any,
) -> str:
    """One of the options, by a select box or, for a few short ones, a segmented control.

    key: its name in the address, `page_control`. default: the first option where not given; a link's value that is
    none of the options is said to be missing. shown: an option in words, as they are: a segmented control would read
    them as Markdown, a select box does not.
    """
    default = options[0] if default is None else default
    if st.session_state.get(key) not in options:
        asked = None if key in st.session_state else st.query_params.get(key)
        if asked is not None and asked not in options:
            missing(f"'{asked}' among the choices of {label}")
        st.session_state[key] = asked if asked in options else default
    if segmented:
        value = st.segmented_control(
            label,
            options,
            key=key,
            required=True,
            format_func=lambda option: plain(shown(option)),
            persist_state="session",
            **look,
        )
    else:
        value = st.selectbox(label, options, key=key, format_func=shown, persist_state="session", **look)
    _write(key, None if value == default else value)
    return value


def _write(key: str, value: str | None) -> None:
    if value == st.query_params.get(key):
        return
    if value is None:
        del st.query_params[key]
    else:
        st.query_params[key] = value


def model(result: Result, *, key: str) -> str:
    """One of the model versions of a result; the last one first, which is usually the newest."""
    names = result.frame["model"].unique(maintain_order=True).to_list()
    if len(names) == 1:
        return str(names[0])
    return one("Model version", names, key=key, default=names[-1], segmented=True)


def metric(result: Result, *, key: str, offered: bool = True) -> str:
    """One of the metrics of a result, those without any value last. Not offered: the first, where no chart shows it."""
    frame = result.frame.group_by("metric", maintain_order=True).agg(pl.col("value").is_null().all().alias("undefined"))
    names = frame.sort("undefined", maintain_order=True)["metric"].to_list()
    if not offered:
        return str(names[0])
    return one("Metric", names, key=key, shown=lambda name: defined(name, result.own).title, width=280)


def of_class(result: Result, *, key: str) -> str:
    """One of the metrics by class of a result; recall first, where it is there."""
    names = result.frames["classes"]["metric"].unique(maintain_order=True).to_list()
    names = sorted(names, key=lambda name: name != "recall")
    return one("Of each class", names, key=key, shown=lambda name: defined(name, result.own).title, segmented=True)


def version(result: Result, *, key: str) -> str:
    """One of the model versions a result was asked for, whether it has rows or not; the last one first."""
    names = list(result.receipt.options["models"])
    if len(names) == 1:
        return str(names[0])
    return one("Model version", names, key=key, default=names[-1], segmented=True)


TITLES = {
    "counts": "Counts",
    "actual": "Share of actual",
    "predicted": "Share of predicted",
    "confused": "Confused together",
    "given": "As given",
}


def one_of(label: str, options: Iterable[str], *, key: str) -> str:
    """One of a few ways to show something; the first one at first."""
    return one(label, list(options), key=key, shown=lambda name: TITLES[name], segmented=True)


MOST_FIGURES = 12
NEW_FIGURE = "kpi_new"


def figures(evaluation: OpenEvaluation, usual: Sequence[str], *, key: str = "kpi") -> tuple[str, ...]:
    """The key figures to show, at most twelve: chosen by the analyst, kept for the session and in the URL.

    The widget is seeded from the URL and writes it, as the context does; figures of another task are left out. The
    URL says nothing where the usual ones are chosen.
    """
    usual = [*usual, *evaluation.own]
    known = [metric.name for metric in METRICS if evaluation.facts.task in metric.tasks] + list(evaluation.own)
    asked = list(st.session_state.get(key, st.query_params.get_all(key)))
    new = st.session_state.pop(NEW_FIGURE, None)  # an own metric just kept: it joins what is chosen already
    if asked and new is not None and new not in asked:
        asked.append(new)
    wanted = [name for name in asked if name in known][:MOST_FIGURES] or [name for name in usual if name in known]
    if st.session_state.get(key) != wanted:
        st.session_state[key] = wanted

    def write() -> None:
        chosen = list(st.session_state.get(key) or [])
        if chosen and chosen != list(usual):
            st.query_params[key] = chosen
        elif key in st.query_params:
            del st.query_params[key]

    chosen = st.multiselect(
        "Key figures",
        known,
        key=key,
        format_func=lambda name: plain(defined(name, evaluation.own).title),
        max_selections=MOST_FIGURES,
        select_all=False,
        placeholder="The usual ones",
        on_change=write,
        persist_state="session",
    )
    write()
    return tuple(chosen) or tuple(usual)


def group_by(evaluation: Evaluation, *, label: str, key: str, without: str = "") -> str:
    """A column to break out by, those with the role segment first. without: a column that is taken already."""
    first = [*evaluation.roles.segments, *evaluation.roles.protected]
    names = [column.name for column in evaluation.columns if column.name != without]
    names = sorted(names, key=lambda name: first.index(name) if name in first else len(first))
    return one(label, names, key=key, width=230)


def cut(column: EvalColumn, *, key: str, further: Sequence[str] = ()) -> str:
    """How a column of numbers or dates is cut into groups: one of the usual ways, or edges one types; "" by value."""
    known = offered(column)
    if not known:
        return ""
    known += further
    key = f"{key}_{column.key}"
    now = st.session_state.get(key, st.query_params.get(key))
    options = [*known, *([now] if now is not None and now not in known else [])]
    return one(
        f"Bins of {plain(column.name)}",
        options,
        key=key,
        shown=_cut_title,
        accept_new_options=True,
        width=230,
        help="Choose, or type where to cut: 18, 25, 40.",
    )


def _cut_title(binning: str) -> str:
    kind, _, count = binning.partition(":")
    titles = {"quantile": f"{count} bins of equally many rows", "width": f"about {count} bins of round width"}
    titles |= {"": "each value", "supervised": "where the metric changes", **{each: f"by {each}" for each in CALENDAR}}
    return titles.get(kind, f"cut at {binning}")


def sliced(evaluation: OpenEvaluation, *, key: str, offered: Sequence[str]) -> str:
    """One of the metrics that can be broken out."""
    return one("Metric", offered, key=key, shown=lambda name: defined(name, evaluation.own).title, width=230)


def chosen_versions(facts: Evaluation, models: Sequence[str], *, key: str) -> list[str]:
    """A model version, or two or three of them side by side; the last one at first."""
    names = list(models or [model.name for model in facts.models])
    if len(names) == 1:
        return names
    options = [*names, *([""] if len(names) <= 3 else [])]
    titles = {"": "Side by side"}
    picked = one(
        "Model version",
        options,
        key=key,
        default=names[-1],
        shown=lambda name: titles.get(name, name),
        segmented=len(options) <= 4,
    )
    return [picked] if picked else names


def against(period: Period, *, key: str, crossed: bool) -> str:
    """What a group is compared with: the "rest"; of a cross its "parents"; with a period also an earlier time."""
    names = {"rest": "The rest"} | ({"parents": "Its row and column"} if crossed else {})
    if period.before() is not None:
        names |= {"before": "The time before", "weekdays": "The same weekdays before", "season": "The same season"}
    return one("Against", list(names), key=key, shown=lambda name: names[name], width=210)


def follow(chart: str, *, key: str, known: Iterable[str]) -> None:
    """A mark one clicks in a chart becomes what a picker holds, before the picker is drawn."""
    asked = st.session_state.get("verbs_mark")
    if asked is not None and asked[0] == chart and asked[1] is not None and asked[1][1] in set(known):
        st.session_state[key] = asked[1][1]


def binning(*, key: str) -> str:
    """How scores are put into bins: "width" or "count"."""
    names = {"width": "equal width", "count": "equally many rows"}
    return one("Bins", list(names), key=key, shown=lambda name: names[name], segmented=True)


def segment(evaluation: Evaluation, *, key: str) -> str | None:
    """A column to break out by, those with the role segment first; None for none."""
    first = [*evaluation.roles.segments, *evaluation.roles.protected]
    names = [column.name for column in evaluation.columns if column.encoding in ("values", "bins")]
    names = sorted(names, key=lambda name: first.index(name) if name in first else len(first))
    picked = one("Column", ["", *names], key=key, shown=lambda name: name or "None", width=280)
    return picked or None


def number(label: str, *, key: str, low: float, step: float, high: float | None = None) -> float | None:
    """A number, or None where the field is empty, which is its default. A link's text that is none counts as empty."""
    if key not in st.session_state:
        try:
            asked = float(st.query_params.get(key, ""))
        except ValueError:
            asked = float("nan")
        st.session_state[key] = asked if low <= asked <= (high or asked) else None
    options: Any = {"min_value": float(low), "max_value": None if high is None else float(high), "step": float(step)}
    value = st.number_input(label, key=key, format="%g", placeholder="as usual", persist_state="session", **options)
    _write(key, None if value is None else f"{value:g}")
    return value


def several(label: str, options: Sequence[str], *, key: str, nothing: str) -> tuple[str, ...]:
    """Some of the options; none is the default and means what `nothing` says. In the address once for each."""
    if key not in st.session_state:
        st.session_state[key] = [each for each in st.query_params.get_all(key) if each in options]
    elif any(each not in options for each in st.session_state[key]):
        st.session_state[key] = []
    chosen = st.multiselect(
        label, options, key=key, format_func=plain, placeholder=nothing, select_all=False, persist_state="session"
    )
    if chosen:
        st.query_params[key] = chosen
    elif key in st.query_params:
        del st.query_params[key]
    return tuple(chosen)
