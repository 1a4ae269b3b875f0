"""Showing results: from a result to the screen. Formatting only; every number comes from the result's frame."""

import json
import zlib
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import polars as pl
import streamlit as st

from analysis.core import words
from analysis.core.dataset import Dataset
from analysis.core.receipt import Result
from analysis.core.target import MET, MISSED
from analysis.metrics import Metric, defined
from analysis.telling import picture
from analysis.telling.citation import citation, source
from analysis.telling.moving import Moving
from analysis.telling.picture import Drawn
from pages.ui import frame as frames
from pages.ui import verbs as looks
from pages.ui.context import Context, plain

COUNTED = {"n": st.column_config.NumberColumn(format="localized")}
GLYPHS = {"better": "▲", "worse": "▼", "no clear change": "●", "changed": "◆", "not enough data": "○"}


def sentence(result: Result, *, key: str = "sentence") -> None:
    """The answer in words, first."""
    with st.container(key=key):
        st.markdown("  \n".join(plain(line) for line in result.sentence.splitlines()))


def cards(result: Result, model: str, *, columns: int = 4) -> None:
    """The key figures of one model version: value, interval, n, baseline, change, course."""
    rows = result.frame.filter(pl.col("model") == model)
    trend = result.frames.get("trend")
    grid = st.grid(columns=columns, min_column_width=230)
    for row in rows.iter_rows(named=True):
        with grid.cell(), st.container(border=True, key=f"kpi_{row['metric']}", height="stretch"):
            course = None
            if trend is not None:
                course = trend.filter(
                    (pl.col("model") == model) & (pl.col("metric") == row["metric"]) & pl.col("settled")
                )
            _card(row, course, result.own)


def _card(row: dict[str, Any], course: pl.DataFrame | None, own: Mapping[str, Metric]) -> None:
    metric = defined(row["metric"], own)
    values = [] if course is None else course["value"].drop_nulls().to_list()
    change = _change(row, metric.unit)
    st.metric(
        metric.title,
        words.number(row["value"], metric.unit),
        delta=change,
        delta_color=_colour(row["verdict"]),
        delta_arrow="off",
        delta_description=row["verdict"] if change else None,
        chart_data=values if len(values) > 1 else None,
        chart_type="line",
        help=_about(metric, row),
    )
    if row["value"] is None:
        aim = f"  \n{_target(row, metric.unit)}" if row.get("target") is not None else ""
        st.caption(plain(f"Undefined: {row['reason']}.") + aim)
        return
    lines = [plain(f"{words.interval(row['low'], row['high'], metric.unit)} · n {row['n']:,}")]
    if row["baseline"] is not None:
        base = f"no skill {words.number(row['baseline'], metric.unit)}"
        said = {"below": f":red[:material/arrow_downward: worse than {base}]", "unclear": f"not told apart from {base}"}
        lines.append(said.get(row["skill"], base))
    if row.get("target") is not None:
        lines.append(_target(row, metric.unit))
    if row["verdict"] == "no clear change" and row["change_detectable"] is not None:
        lines.append(plain(f"a change of {words.size(row['change_detectable'], metric.unit)} would have shown"))
    st.caption("  \n".join(lines))


def _target(row: dict[str, Any], unit: str) -> str:
    """A target and whether the interval says it is met; coloured only where it decides."""
    bound = f"target {'≥' if row['target_op'] == '>=' else '≤'} {words.number(row['target'], unit)}"
    if row["target_verdict"] == MET:
        return f":green[✓ {bound} met]"
    if row["target_verdict"] == MISSED:
        return f":red[✕ {bound} missed]"
    return f"○ {bound} not decided by the interval"


def _about(metric: Metric, row: dict[str, Any]) -> str:
    chance = metric.baseline_help or "none"
    said = f"{plain(metric.help)}  \nNo skill: {plain(chance)}.  \nInterval: {plain(row['method'] or 'none')}."
    found = "would be found four times in five by a single look at 95%"
    if row["detectable"] is not None:
        said += f"  \nA distance of {words.size(row['detectable'], metric.unit)} from a target {found}."
    if row["change_detectable"] is not None:
        said += f"  \nChange: {plain(row['compared'])}."
        said += f"  \nA change of {words.size(row['change_detectable'], metric.unit)} {found}."
    return said


def _change(row: dict[str, Any], unit: str) -> str | None:
    if row["change"] is None:
        return None
    return f"{GLYPHS.get(row['verdict'], '')} {words.delta(row['change'], unit)}"


def _colour(verdict: str | None) -> Any:
    return {"better": "green", "worse": "red"}.get(verdict or "", "gray")


def chart(
    frame: pl.DataFrame,
    spec: dict[str, Any],
    *,
    key: str,
    alt: str,
    verbs: Context | None = None,
    picked: Callable[[], None] | None = None,
    width: Any = "stretch",
) -> None:
    """A cached spec with its rows sent as Arrow. verbs: the page's context, where its marks can be looked into; picked:
    called instead when a mark is clicked, which is then in the session under the key.

    width: "content" is as wide as the spec says, as for a square.
    """
    frames.draw(key, Drawn(frame, spec, alt))
    with st.container(key=key):
        if verbs is not None:
            looks.chart(frame, spec, key=key, alt=alt, context=verbs, width=width)
        elif picked is not None:
            st.vega_lite_chart(frame, spec, width=width, alt=alt, key=f"{key}_mark", on_select=picked)
        else:
            st.vega_lite_chart(frame, spec, width=width, alt=alt)


def moving(drawn: Callable[[], Moving], *, key: str, alt: str) -> None:
    """A chart that a move of the threshold leaves alone, with marks over it that follow. drawn: it, as it is now.

    What moves takes clicks nowhere; its marks are first in the list of those to look into.
    """

    def stays(ctx: Context) -> None:
        now = drawn()
        frames.draw(key, Drawn(now.rows, now.spec, alt))
        looks.chart(now.rows, now.spec, key=key, alt=alt, context=ctx, marks=lambda: drawn().marks)

    def moves(ctx: Context) -> None:
        now = drawn()
        frames.draw_over(key, Drawn(now.moving, now.over, alt))
        st.vega_lite_chart(now.moving, now.over, width="stretch", alt="The threshold in force")

    with st.container(key=key):
        frames.staying(stays, key=f"{key}_stays")
        with st.container(key=f"over_{key}"):
            frames.following(moves, key=f"{key}_moves")


def nothing(why: str) -> None:
    """A page that cannot answer for this evaluation, and why."""
    st.info(plain(why), icon=":material/info:")


def rows_used(result: Result) -> None:
    """Rows used, dropped and why."""
    for used in result.receipt.used:
        st.caption(plain(used.sentence()))


def receipt(result: Result, *, key: str) -> None:
    """How was this computed: notes, options, and SQL that gives the same numbers in a bare DuckDB."""
    with st.expander("How was this computed?", icon=":material/receipt_long:", on_change="rerun", key=key) as opened:
        if not opened.open:
            return
        said = result.receipt
        for note in said.notes:
            st.caption(plain(note))
        correction = (
            f" Verdicts are corrected for {said.m} looks at a false-discovery rate of {said.q:g}." if said.m else ""
        )
        how = "from the cube cache" if said.cached else "counted now"
        st.caption(
            plain(f"Receipt {said.id} · Assay {said.version} · {how}, {said.seconds * 1000:.0f} ms.{correction}")
        )
        st.caption("The numbers as text, to be copied.")
        with st.container(key=f"{key}_text"):
            st.code(citation(result), language=None, wrap_lines=True, height=160)
        _pictures(result, key)
        if said.sql:
            st.caption("Run this in a bare DuckDB from the workspace folder; it gives the same n and value.")
            which = st.selectbox("Number", list(said.sql), key=f"{key}_sql")
            st.code(said.sql[which], language="sql", wrap_lines=True)
        st.download_button(
            "Receipt as JSON",
            data=json.dumps(said.to_dict(), indent=1, ensure_ascii=False),
            file_name=f"receipt-{said.id}.json",
            mime="application/json",
            on_click="ignore",
            icon=":material/download:",
        )


def _pictures(result: Result, key: str) -> None:
    """The charts of this page as files, with what they are of and the receipt."""
    charts = frames.drawn()
    if not charts:
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        place = st.selectbox(
            "Chart as a picture", range(len(charts)), format_func=lambda at: plain(charts[at].title), key=f"{key}_chart"
        )
        for kind, made in (("svg", picture.svg), ("png", picture.png)):
            st.download_button(
                kind.upper(),
                data=partial(made, charts[place], source(result)),
                file_name=f"{result.receipt.id}-{place + 1}.{kind}",
                mime={"svg": "image/svg+xml", "png": "image/png"}[kind],
                on_click="ignore",
                key=f"{key}_{kind}",
                icon=":material/image:",
            )


def table(frame: pl.DataFrame, *, alt: str, key: str | None = None, **options: Any) -> Any:
    """A small table as it is."""
    return st.dataframe(frame, hide_index=True, width="stretch", alt=alt, key=key, **options)


def whole(frame: pl.DataFrame, *, alt: str) -> None:
    """A small table of texts to read: every cell whole, over as many lines as it takes."""
    said = {plain(name): [plain(text) for text in frame[name]] for name in frame.columns}
    st.table(said, border="horizontal", hide_index=True, alt=alt)


def choice(frame: pl.DataFrame, ids: list[str], *, alt: str, key: str, **options: Any) -> int | None:
    """A table with a row to choose: its place, or None.

    ids: what each row stands for. When they change, nothing is chosen any more: a place would then mean another thing.
    """
    state = zlib.crc32("\n".join(ids).encode())
    picked = table(frame, alt=alt, key=f"{key}_{state:x}", on_select="rerun", selection_mode="single-row", **options)
    return picked.selection.rows[0] if picked.selection.rows else None


def heading(title: str, what: str = "") -> None:
    """A chart's title, which wraps and is real text."""
    st.markdown(f"**{plain(title)}**" + (f" — {plain(what)}" if what else ""))


def compared(result: Result) -> None:
    """What the changes on the cards compare."""
    said = result.receipt.options.get("compared")
    others = result.frame.filter(pl.col("compared").is_not_null() & (pl.col("compared") != said))
    if said or len(others):
        m = result.receipt.m
        titles = [defined(name, result.own).title for name in others["metric"].unique(maintain_order=True)]
        apart = f"; of {words.listed(titles)}, which need no labels, {others['compared'][0]}" if titles else ""
        st.caption(
            plain(
                f"Change: {said or 'none where labels are needed'}{apart}. ▲ better, ▼ worse, ● no clear change, "
                f"○ not enough data; verdicts hold after correction for all {m} changes."
            )
        )
    elif result.receipt.options.get("bucket") is None:
        st.caption("No time column, so no change over time; give one the role time in Evaluations.")


def trend_caption(result: Result) -> None:
    """What hollow points and the dashed line mean."""
    st.caption(
        "Dashed: the whole period. Hollow points: the bucket is not over, or fewer than 80% of its rows are labelled; "
        "they earn no verdict."
    )


def counted(dataset: Dataset) -> str:
    """Loaded and rejected, and that they add up to the records of the file."""
    records = dataset.rows + dataset.rejected
    return f"{dataset.rows:,} loaded + {dataset.rejected:,} rejected = {records:,} records counted in the file"
