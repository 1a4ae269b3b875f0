"""Frames of a sweep: its grid of thresholds, its curves, and what the threshold in force decides."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import polars as pl

from analysis.core import judged
from analysis.core.cube import Cube
from analysis.core.goal import MAX, Goal
from analysis.core.segment import Compare, Missing, Segment, every
from analysis.engine.sweep import Sweep, moves
from analysis.metrics import METRICS, change, choosing, operating, panel, sweep, worth
from analysis.metrics.choosing import measured
from analysis.metrics.definition import Metric

COLUMNS = ("model", "threshold", "metric", "value", "low", "high", "n", "method", "reason", "baseline")
IN_FORCE = ("recall", "precision", "f1", "specificity", "accuracy", "balanced_accuracy", "mcc", "selection_rate")
MOST = Goal(MAX, "value")
NO_LABEL = "no label yet"


def frames_of(one: Sweep, asked: list[Metric], force: float, shown: list[float], only: bool) -> dict[str, pl.DataFrame]:
    """Every frame of one model version, `rows` the main one. shown: those besides the grid's; only: these alone."""
    total, name, level = one.total, one.query.model, one.level
    histogram = operating.scored(total)
    grid = total.once("grid", lambda: operating.grid(histogram))
    swept = total.once("swept", lambda: sweep.points(total, grid))
    rows = [] if only else [_rows(one, metric, grid, None) for metric in asked]
    cuts = [one.cut(each) for each in dict.fromkeys(shown)]
    places = np.array([place for _, place in cuts], dtype=int)
    rows += [_rows(one, metric, places, [threshold for threshold, _ in cuts]) for metric in asked]
    order = {metric.name: place for place, metric in enumerate(asked)}
    frame = pl.concat(rows, how="vertical_relaxed").unique(["threshold", "metric"], keep="last")
    frame = frame.sort(pl.col("metric").replace_strict(order), "threshold")
    here = operating.every(total, np.array([one.cut(force)[1]]))

    def selected(frame: pl.DataFrame) -> pl.DataFrame:
        """The curve with the rows that are selected at each of its thresholds."""
        where = [_where(one, _scoring(one, at, None)) for at in frame["threshold"]]
        return frame.with_columns(pl.Series("where", where, dtype=pl.String))

    def curve(kind: str, make: Callable[[], pl.DataFrame]) -> pl.DataFrame:
        return total.once((kind, level), lambda: make().insert_column(0, pl.lit(name).alias("model")))

    def with_point(kind: str, make: Callable[[Cube, float], pl.DataFrame]) -> pl.DataFrame:
        """The curve, and the threshold in force once more as the row that is `here`."""
        point = selected(make(here, level).with_columns(threshold=pl.lit(force)))
        point = point.insert_column(0, pl.lit(name).alias("model"))
        line = curve(kind, lambda: selected(make(swept, level)))
        both = [line.with_columns(here=False), point.with_columns(here=True)]
        return pl.concat(both, how="vertical_relaxed")

    made = {
        "rows": frame,
        "current": _current(one, force, here),
        "confusion": _cells(one, sweep.current(here, force), force).insert_column(0, pl.lit(name).alias("model")),
        "roc": with_point("roc", sweep.roc),
        "pr": with_point("pr", sweep.precision_recall),
        "gain": with_point("gain", sweep.gain),
        "distribution": curve("distribution", lambda: _bins(one)),
    }
    if one.evaluation.facts.model(name).decision and total.confusion is not None:
        kept = sweep.current(replace(total, groups=pl.DataFrame()), float("nan"))
        made["recorded"] = kept.insert_column(0, pl.lit(name).alias("model")).drop("threshold")
    if one.values.given:
        made["value"] = _worth(one, grid, force)
    return made


def _where(one: Sweep, *parts: Segment) -> str:
    """The segment of the rows that count for which all parts hold."""
    return every([*parts, *judged.weighed(one.evaluation.facts)]).expression()


def _scoring(one: Sweep, low: float | None, high: float | None) -> Segment:
    """The rows that score in [low, high)."""
    return judged.between(judged.named(one.evaluation.facts)["score"], low, high)


def _labelled(one: Sweep, name: str) -> Segment:
    """The rows of a class, or those without a label."""
    label = judged.named(one.evaluation.facts)["label"]
    return Missing(label) if name == NO_LABEL else Compare(label, "=", name)


def _cells(one: Sweep, cells: pl.DataFrame, force: float) -> pl.DataFrame:
    """The cells of one decision with the segment of each."""
    flagged = one.evaluation.facts.classes[1]
    decided = {True: _scoring(one, force, None), False: _scoring(one, None, force)}
    rows = cells.select("actual", "predicted").iter_rows()
    where = [_where(one, _labelled(one, actual), decided[predicted == flagged]) for actual, predicted in rows]
    return cells.with_columns(pl.Series("where", where, dtype=pl.String))


def _bins(one: Sweep) -> pl.DataFrame:
    """Where the scores lie, each bin of a class with its segment."""
    bins = sweep.distribution(operating.scored(one.total), (*one.evaluation.facts.classes, NO_LABEL))
    rows = bins.select("label", "from", "to").iter_rows()
    where = [_where(one, _labelled(one, label), _scoring(one, low, high)) for label, low, high in rows]
    return bins.with_columns(pl.Series("where", where, dtype=pl.String))


def _rows(one: Sweep, metric: Metric, places: np.ndarray, shown: list[float] | None) -> pl.DataFrame:
    """The main frame's rows of one metric: at the places of the grid (kept), or at thresholds as they were asked."""
    total, name = one.total, one.query.model

    def made() -> pl.DataFrame:
        reason = one.obstacle(metric)
        found = (
            panel.undefined(len(places), reason) if reason else measured(total, places, metric, one.values, one.level)
        )
        at = operating.values_at(operating.scored(total), places) if shown is None else np.array(shown, dtype=float)
        groups = pl.DataFrame({"threshold": at})
        blank = Cube(groups, np.zeros(len(places)))
        return panel.rows(blank, metric, name, found, groups).select(COLUMNS)

    return total.once(("rows", metric.name, one.values, one.level), made) if shown is None else made()


def _current(one: Sweep, force: float, here: Cube) -> pl.DataFrame:
    """Every count metric at the threshold in force, the analysts' own too, in the columns of a card: with skill,
    without a change."""
    asked = [METRICS.get(name) for name in IN_FORCE] + [each for each in one.evaluation.own.values() if moves(each)]
    asked += [one.metric("value")] if one.values.given else []
    pieces = []
    for metric in asked:
        reason = one.obstacle(metric)
        if reason:
            found = panel.undefined(1, reason)
        elif metric.name == "value":
            place = np.array([one.cut(force)[1]])
            found = measured(one.total, place, metric, one.values, one.level)
        else:
            found = metric.measure(here, level=one.level)
        row = panel.rows(here, metric, one.query.model, found, pl.DataFrame({"threshold": [force]})).drop("class")
        pieces.append(row.hstack(change.columns(metric, None, None)).with_columns(panel.skill(metric), verdict=None))
    return pl.concat(pieces, how="vertical_relaxed")


def _worth(one: Sweep, grid: np.ndarray, force: float) -> pl.DataFrame:
    """The value curve: model, threshold, value a decision with its interval, n, total over these rows, baseline.

    best: the threshold of the most value, among all; here: the one in force, once more.
    """
    histogram, metric = operating.scored(one.total), one.metric("value")
    top = choosing.best(one.total, MOST, metric, one.values)
    best = -1 if top is None else top.place
    line = np.unique(np.append(grid, [len(histogram.low), *([best] if best >= 0 else [])]))
    places = np.append(line, one.cut(force)[1])
    found = measured(one.total, places, metric, one.values, one.level)
    at = operating.values_at(histogram, places)
    at[-1] = force
    return pl.DataFrame(
        {
            "model": [one.query.model] * len(places),
            "threshold": at,
            "value": found.value,
            "low": found.low,
            "high": found.high,
            "n": found.n,
            "total": found.value * worth.weight(one.total)[0],
            "baseline": found.baseline,
            "best": np.append(line == best, False),
            "here": np.append(np.zeros(len(line), dtype=bool), True),
        }
    ).with_columns(pl.selectors.float().fill_nan(None))
