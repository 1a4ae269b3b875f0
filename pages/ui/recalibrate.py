"""The panel that fits a mapping on one half of the rows, shows it on the other, and exports or applies it."""

import json
from typing import Any

import streamlit as st

from analysis import questions
from analysis.core.mapping import METHODS, Mapping
from analysis.core.receipt import Result
from analysis.engine.query import OpenEvaluation
from analysis.store import derived, evaluations
from analysis.telling import calibrationcharts, calibrations
from pages.ui import context, frame, pickers, show, working
from pages.ui.context import Context, plain

KIND = "calibrate"
NO_METHOD = "none"


def watch() -> None:
    """Show a mapping being applied; once it is, this page shows the new version."""
    done = working.watch(KIND)
    if done is not None:
        made = evaluations.find(frame.workspace(), done.outcome["evaluation"])
        context.request(made)
        st.session_state["calibration_applied"] = done.outcome["model"]
        st.rerun()
    name = st.session_state.pop("calibration_applied", None)
    if name is not None:
        st.success(
            plain(f"The derived model version '{name}' is there; it is part of a new version of this evaluation.")
        )


def panel(ctx: Context, evaluation: OpenEvaluation, models: list[str]) -> None:
    """Choose a version and a method; before and after on rows the mapping was not fitted on."""
    models = [name for name in models if name not in evaluation.facts.roles.derived]
    if not models:
        return
    with st.container(border=True, key="calibration_recalibrate"):
        show.heading("Recalibrate", "fitted on one half of the rows, measured on the other")
        with st.container(horizontal=True, vertical_alignment="bottom"):
            model = models[0]
            if len(models) > 1:
                model = pickers.one("Model version", models, key="calibration_model", default=models[-1], width=200)
            method = pickers.one(
                "Method",
                [NO_METHOD, *METHODS],
                key="calibration_method",
                shown=lambda each: calibrations.FITS.get(each, "None"),
                segmented=True,
                help=METHOD_HELP,
            )
        if method == NO_METHOD:
            st.caption("Choose a method to see what it would change.")
            return
        with st.spinner("Fitting ..."):
            result = questions.calibration(evaluation, models=[model], fits=METHODS, where=ctx.where, period=ctx.period)
        st.markdown(plain(calibrations.gain(result, model, method)))
        found = calibrations.found(result, model, method)
        if found is not None:
            _side_by_side(result, method)
        show.table(calibrations.fits(result, model), alt="Losses before and after, by method", key="calibration_fits")
        st.caption(plain(calibrations.halves(result, model, method)))
        if found is not None:
            _keep(result, evaluation, found, method)


def _side_by_side(result: Result, method: str) -> None:
    rows = result.frames["checked"]
    top = calibrations.top(rows)
    grid = st.grid(columns=2, min_column_width=330)
    for fit in ("before", method):
        with grid.cell():
            show.heading(calibrations.AFTER[fit])
            marks = calibrations.diagram(rows.filter(fit=fit), "fit")
            chances = calibrations.chances(marks)
            spec = calibrationcharts.diagram(False, top if chances else 1.0, 300, chances)
            alt = f"Score against observed share, {calibrations.AFTER[fit]}"
            show.chart(
                marks, spec, key=f"calibration_{'before' if fit == 'before' else 'after'}", alt=alt, width="content"
            )


def _keep(result: Result, evaluation: OpenEvaluation, mapping: Mapping, method: str) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.download_button(
            "Mapping as JSON",
            data=json.dumps(calibrations.exported(result, mapping.model, method), indent=1, ensure_ascii=False),
            file_name=f"mapping-{method}-{result.receipt.id}.json",
            mime="application/json",
            on_click="ignore",
            icon=":material/download:",
        )
        with st.popover("Apply as a derived version", icon=":material/add_chart:"):
            st.caption(
                "A new version of this evaluation gets one more model version, whose score is this mapping of "
                f"{plain(mapping.model)}'s. Recorded decisions stay as they are; links to older versions go on working."
            )
            name = st.text_input(
                "Name", value=f"{mapping.model} {method}", key=f"calibration_name_{mapping.model}_{method}"
            )
            if st.button("Apply", type="primary", key="calibration_apply"):
                _apply(evaluation, mapping, name)


def _apply(evaluation: OpenEvaluation, mapping: Mapping, name: str) -> None:
    space, facts = frame.workspace(), evaluation.facts

    def work(progress: Any, stop: Any) -> dict[str, Any]:
        made, _ = derived.derive(space, facts, mapping, name=name, progress=progress, cancelled=stop)
        return {"evaluation": made.id, "model": name}

    working.start(KIND, f"Deriving {name}", work)
    st.rerun()


METHOD_HELP = (
    "Platt: a straight line in log odds, two numbers, for few rows. Isotonic: any rising curve, for many rows (a "
    "thousand and more). Beta: three numbers, also bends where the scores crowd at 0 and 1."
)
