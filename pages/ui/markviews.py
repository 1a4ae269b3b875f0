"""Three of the verbs: break a mark out by a column, compare it with the rest, save it as a segment.

A mark that is chosen by what the label or the model says (a cell of a matrix, a bin of scores) has no metrics worth
comparing: there the share of its rows is broken out, and what they are made of is compared.
"""

import streamlit as st

from analysis import questions
from analysis.core.receipt import Result
from analysis.core.segment import Everything
from analysis.metrics import defined, panel
from analysis.questions.composition import offered
from analysis.telling import charts, markrows
from pages.ui import frame, segmentedit
from pages.ui.context import plain, request_filter
from pages.ui.mark import Mark

SEGMENTS = "segments"


def break_out(mark: Mark) -> None:
    """A metric within the mark by the groups of a column, or of a judged mark the share of each group that is in it."""
    facts = mark.evaluation.facts
    names = offered(facts)
    if not names:
        st.info(plain(f"'{facts.name}' has no column with few values or bins to break out by."))
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        column = st.selectbox("By column", names, key="verbs_by")
        metric = "" if mark.judged else _metric(mark)
    if mark.judged:
        result = questions.composition(
            mark.evaluation,
            mark.where,
            by=[column],
            model=mark.model,
            where=mark.context.where,
            period=mark.context.period,
            threshold=mark.context.threshold,
        )
        rows, unit, title = markrows.shares(result), "share", "Share of the group's rows in this mark"
    else:
        result = questions.measure(
            mark.evaluation,
            metrics=[metric],
            by=[column],
            where=mark.segment,
            models=[mark.model],
            period=mark.context.period,
            threshold=mark.context.threshold,
        )
        definition = defined(metric, mark.evaluation.own)
        rows, unit, title = markrows.groups(result), definition.unit, definition.title
    _said(result)
    drawn = rows.head(markrows.MOST)
    spec = charts.point_range(unit, title, 70 + 46 * len(drawn), one_hue=True)
    if len(drawn):
        st.vega_lite_chart(drawn, spec, width="stretch", alt=f"{title} by {column}", key="verbs_broken")
    further = markrows.left_out(result, rows)
    if further:
        st.caption(plain(f"Not drawn: {further}."))
    st.dataframe(
        markrows.grouped(rows, title), alt=f"{title} by {column}, as a table", hide_index=True, width="stretch"
    )
    _whole_page(mark, column, metric)


def _metric(mark: Mark) -> str:
    facts, own = mark.evaluation.facts, mark.evaluation.own
    usual = questions.key_figures(facts)
    known = panel.answerable(facts, usual, facts.model(mark.model), mark.context.threshold) or usual
    return str(
        st.selectbox("Metric", [*known, *own], key="verbs_metric", format_func=lambda name: defined(name, own).title)
    )


def _whole_page(mark: Mark, column: str, metric: str) -> None:
    """The way to the same groups with all the room of a page."""
    if mark.judged:
        return
    if st.button("Open in Segments", key="verbs_segments", icon=":material/open_in_new:"):
        request_filter("" if isinstance(mark.segment, Everything) else mark.segment.expression())
        st.session_state["segments_by"] = column
        st.session_state["segments_metric"] = metric
        st.session_state["segments_model"] = mark.model
        st.switch_page(frame.page(SEGMENTS))


def compare(mark: Mark) -> None:
    """The key metrics of the mark's rows against the rest of the view; of a judged mark what its rows are made of."""
    if isinstance(mark.where, Everything):
        st.info("This mark holds every row of the view, so there is no rest to compare it with.")
        return
    facts = mark.evaluation.facts
    if mark.judged:
        result = questions.composition(
            mark.evaluation,
            mark.where,
            model=mark.model,
            where=mark.context.where,
            period=mark.context.period,
            threshold=mark.context.threshold,
        )
        table = markrows.composed(result)
    else:
        usual, own = questions.key_figures(facts), mark.evaluation.own
        names = [*panel.answerable(facts, usual, facts.model(mark.model), mark.context.threshold), *own]
        result = questions.compare_groups(
            mark.evaluation,
            a=mark.where,
            metrics=names,
            models=[mark.model],
            where=mark.context.where,
            period=mark.context.period,
            threshold=mark.context.threshold,
        )
        table = markrows.against_rest(result)
    _said(result)
    st.dataframe(
        table,
        alt="These rows against the rest",
        height=min(560, 38 + 35 * len(table)),
        hide_index=True,
        width="stretch",
    )
    looks = f"{result.receipt.m:,} looks at a false-discovery rate of {result.receipt.q:g}" if result.receipt.m else ""
    st.caption(plain(f"Verdicts are corrected for {looks}." if looks else "Nothing could be tested."))
    if mark.judged:
        st.caption("The mark is chosen by what happened or what the model said, so its metrics would say nothing new.")


def save(mark: Mark) -> None:
    """Keep the mark's rows under a name, for every page and evaluation; or use them as the filter."""
    if isinstance(mark.segment, Everything):
        st.info("This mark holds every row, so there is nothing to save.")
        return
    result = questions.selection(
        mark.evaluation,
        mark.segment,
        model=mark.model,
        period=mark.context.period,
        threshold=mark.context.threshold,
    )
    _said(result)
    text = mark.segment.expression()
    st.code(text, language=None, wrap_lines=True)
    if not mark.context.period.everything:
        st.caption("A segment has no period; the rows are counted within the one of the view.")
    if mark.judged:
        st.caption("It asks for what happened or what the model said of a row; each model version is asked its own.")
    segmentedit.keeping(text, key="verbs_keep")
    if st.button("Apply as filter", key="verbs_apply", icon=":material/filter_alt:"):
        request_filter(text)
        st.rerun()


def _said(result: Result) -> None:
    with st.container(key="verbs_answer"):
        st.markdown(plain(result.sentence))
