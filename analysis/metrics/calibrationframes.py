"""Calibration as frames: bins of a reliability diagram, what sums them up, and mappings before and after."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import polars as pl

from analysis.core.cube import Cube
from analysis.core.estimate import Estimates
from analysis.core.registry import Registry
from analysis.core.roles import BINARY
from analysis.core.settings import number, whole
from analysis.metrics import brier, calibration, contrasts, panel, recalibrate, reliability, replicates
from analysis.metrics.decisions import constant
from analysis.metrics.definition import METRICS, Metric
from analysis.metrics.intervals import wilson
from analysis.metrics.reliability import Bins
from analysis.metrics.scores import scored

MARKED = 10
"""A bin with fewer rows is marked."""
BINNED = {
    "ece": calibration.ece,
    "mce": calibration.mce,
    "brier_reliability": brier.reliability_part,
    "brier_resolution": brier.resolution_part,
    "brier_remainder": brier.remainder_part,
}
SUMMED = (
    *("calibration_in_the_large", "ece", "mce", "calibration_slope", "calibration_intercept"),
    *("brier_reliability", "brier_resolution", "brier_uncertainty", "brier_remainder"),
)
LOSSES = ("log_loss", "brier", "ece")
BIN: dict[str, Any] = {
    "bin": pl.Int64,
    "from": pl.Float64,
    "to": pl.Float64,
    "n": pl.Int64,
    "score": pl.Float64,
    "value": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "marked": pl.Boolean,
}
SUMMARY = ("model", "metric", "class", "value", "low", "high", "n", "method", "reason", "baseline", "bound")
RELIABILITY = ("model", "where", *BIN)
SIDES = [f"{side}{end}" for side in ("before", "after", "change") for end in ("", "_low", "_high")]
FITTED: dict[str, Any] = {
    "model": pl.String,
    "fit": pl.String,
    "metric": pl.String,
    **dict.fromkeys(SIDES, pl.Float64),
    "n": pl.Int64,
    "p": pl.Float64,
    "method": pl.String,
    "reason": pl.String,
    "bound": pl.Float64,
}
MAPPED: dict[str, Any] = {
    "model": pl.String,
    "fit": pl.String,
    "n": pl.Int64,
    "mapping": pl.String,
    "reason": pl.String,
}

TESTS: Registry[Metric] = Registry("test")
_test = partial(
    Metric,
    tasks=(BINARY,),
    needs=("scores",),
    better=None,
    counts="rows with a label and a score",
    source="Spiegelhalter 1986",
    baseline=partial(constant, np.nan),
)
TESTS.add(
    _test(
        "spiegelhalter_z",
        "Spiegelhalter's z",
        low=-np.inf,
        high=np.inf,
        unit="ratio",
        help="Brier score less what calibrated scores would give, in standard errors: near 0 as calibrated ones.",
        estimate=lambda cube, level: recalibrate.spiegelhalter(cube)[0],
    )
)
TESTS.add(
    _test(
        "spiegelhalter_p",
        "Spiegelhalter's p",
        low=0.0,
        high=1.0,
        unit="score",
        help="How often calibrated scores are as far off: near 0 these are hardly calibrated; near 1 nothing is amiss.",
        estimate=lambda cube, level: recalibrate.spiegelhalter(cube)[1],
    )
)


@dataclass(frozen=True)
class Checked:
    """What mappings fitted on one half do on the other: frames FITTED, MAPPED, and bins before and after each."""

    fits: pl.DataFrame
    mappings: pl.DataFrame
    diagram: pl.DataFrame


def definition(name: str) -> Metric:
    """A metric or test of the summary."""
    return TESTS.get(name) if name in TESTS else METRICS.get(name)


def diagram(cube: Cube, bins: Bins, model: str, groups: pl.DataFrame, level: float) -> pl.DataFrame:
    """A row a group and bin that has rows: model, group columns, bin, from, to, n, score, value, low, high, marked.

    score: mean score; value: observed share of positives with Wilson's interval; marked: fewer than ten rows.
    """
    table = reliability.table(scored(replicates.with_units(cube)), bins, level)
    low, high = wilson(table.value * table.effective, table.effective, level)
    group, place = np.nonzero(table.n)
    body = pl.DataFrame(
        {
            "model": [model] * len(group),
            "bin": place,
            "from": bins.edges[place],
            "to": bins.edges[place + 1],
            "n": table.n[group, place],
            **{
                name: array[group, place]
                for name, array in (("score", table.score), ("value", table.value), ("low", low), ("high", high))
            },
            "marked": table.n[group, place] < MARKED,
        },
        schema={"model": pl.String, **BIN},
    )
    body = body.with_columns(pl.col("score", "value", "low", "high").fill_nan(None))
    return pl.concat([groups[group], body], how="horizontal") if groups.width else body


def summary(cube: Cube, bins: Bins | None, model: str, groups: pl.DataFrame, level: float) -> pl.DataFrame:
    """Every calibration metric and test of every group, as the rows of a measure. bins None: 15 of equal width."""

    def estimates(metric: Metric) -> Estimates:
        if bins is not None and metric.name in BINNED:
            return BINNED[metric.name](replicates.with_units(cube), level, bins)
        return metric.measure(cube, level=level)

    asked = [*(METRICS.get(name) for name in SUMMED), *TESTS]
    return pl.concat(panel.rows(cube, metric, model, estimates(metric), groups) for metric in asked).drop("class")


def checked(halves: Cube, methods: Iterable[str], model: str, binning: str, bins: int, level: float) -> Checked:
    """Each method fitted on the half called true, and measured on the other one, before and after.

    halves: a cube grouped by the half bit alone.
    """
    names = halves.groups.to_series(0).to_list()
    fit_on, check_on = (replicates.with_units(_half(halves, names, name)) for name in ("true", "false"))
    lines: list[dict[str, Any]] = []
    mappings: list[dict[str, Any]] = []
    diagrams = []

    def drawn(cube: Cube, fit: str, kind: str) -> pl.DataFrame:
        picked = reliability.binned(scored(cube), kind, bins)
        return diagram(cube, picked, model, pl.DataFrame(), level).with_columns(pl.lit(fit).alias("fit"))

    diagrams.append(drawn(check_on, "before", binning))
    for method in dict.fromkeys(methods):
        fit = recalibrate.fitted(method, fit_on, model)
        said = None if fit.mapping is None else json.dumps(fit.mapping.to_dict())
        mappings.append({"model": model, "fit": method, "n": fit.n, "mapping": said, "reason": fit.reason})
        if fit.mapping is None:
            continue
        after = recalibrate.mapped(check_on, fit.mapping)
        diagrams.append(drawn(after, method, reliability.WIDTH))
        for metric in LOSSES:
            lines.append({"model": model, "fit": method, "metric": metric} | _compared(metric, check_on, after, level))
    return Checked(pl.DataFrame(lines, schema=FITTED), pl.DataFrame(mappings, schema=MAPPED), pl.concat(diagrams))


def _half(halves: Cube, names: Sequence[str | None], name: str) -> Cube:
    """One half alone, as one group; without rows where none of it is in scope."""
    return halves.pick(np.array([each == name for each in names], dtype=bool)).total()


def _compared(metric: str, before: Cube, after: Cube, level: float) -> dict[str, Any]:
    """One loss before, after, and its change of the same rows. Of ECE the change has no interval: sizes are summed."""
    change: Estimates | None = None
    if metric == "ece":
        first, second = (calibration.ece(cube, level) for cube in (before, after))
        value, ends, p, method = second.value[0] - first.value[0], (np.nan, np.nan), np.nan, second.method
    else:
        first, second = (recalibrate.mean_loss(metric, cube, level) for cube in (before, after))
        change = recalibrate.loss_change(metric, before, after, level)
        value, ends, method = change.value[0], (change.low[0], change.high[0]), change.method
        p = contrasts.p_values(change, level)[0]
    found = {
        **{
            f"before{end}": getattr(first, name)[0] for end, name in (("", "value"), ("_low", "low"), ("_high", "high"))
        },
        **{
            f"after{end}": getattr(second, name)[0] for end, name in (("", "value"), ("_low", "low"), ("_high", "high"))
        },
        "change": value,
        "change_low": ends[0],
        "change_high": ends[1],
        "p": p,
        "bound": second.bound[0],
    }
    plain = {name: None if np.isnan(each) else float(each) for name, each in found.items()}
    reason = first.reason[0] or second.reason[0]
    return {**plain, "n": int(second.n[0]), "method": method, "reason": None if reason is None else str(reason)}


def corrected(fits: pl.DataFrame) -> tuple[pl.DataFrame, int]:
    """The fits with `p_adjusted` and `verdict` (better, worse, ...), corrected over the frame; how many looks."""
    if not len(fits):
        return fits.with_columns(
            pl.Series("p_adjusted", [], dtype=pl.Float64), pl.Series("verdict", [], dtype=pl.String)
        ), 0
    p = fits["p"].fill_null(np.nan).to_numpy()
    adjusted = contrasts.benjamini_hochberg(p)
    value, low, high = (fits[name].fill_null(np.nan).to_numpy() for name in ("change", "change_low", "change_high"))
    said = Estimates(value, low, high, fits["n"].to_numpy(), "")
    verdict = contrasts.verdicts(said, better="lower", adjusted=adjusted, q=number("q"), n_min=whole("small_group"))
    known = ~np.isnan(p)
    words = [each if asked else None for each, asked in zip(verdict, known, strict=True)]
    made = fits.with_columns(
        pl.Series("p_adjusted", adjusted).fill_nan(None), pl.Series("verdict", words, dtype=pl.String)
    )
    return made, int(known.sum())
