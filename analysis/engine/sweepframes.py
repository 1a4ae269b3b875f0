"""Frames of a sweep: its grid of thresholds, its curves, and what the threshold in force decides."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import polars as pl

from analysis.core import judged
from analysis.core.cube import Cube
from analysis.core.goal import MAX, Goal
from analysis.core.segment import Segment, every
from analysis.engine.standing import Standing, labelled
from analysis.engine.sweep import Sweep, moves
from analysis.metrics import METRICS, change, choosing, operating, panel, sweep, worth
from analysis.metrics.choosing import measured
from analysis.metrics.definition import Metric

COLUMNS = ("model", "threshold", "metric", "value", "low", "high", "n", "method", "reason", "baseline")
IN_FORCE = ("recall", "precision", "f1", "specificity", "accuracy", "balanced_accuracy", "mcc", "selection_rate")
MOST = Goal(MAX, "value")
NO_LABEL = "no label yet"


def frames_of(
    one: Sweep, asked: list[Metric], standing: Standing, shown: list[float], only: bool
) -> dict[str, pl.DataFrame]:
    """Every frame of one model version, `rows` the main one. standing: the rule in force; shown: thresholds besides the
    grid's; only: these alone.

    A curve's rows are the same wherever the rule stands, but for those that are `here`, which come last.
    """
    total, name, level = one.total, one.query.model, one.level
    histogram = operating.scored(total)
    grid = total.once("grid", lambda: operating.grid(histogram))
    swept = total.once("swept", lambda: sweep.points(total, grid))
    order = {metric.name: place for place, metric in enumerate(asked)}
    swept_rows = [] if only else [_rows(one, metric, grid, None) for metric in asked]
    cuts = [one.cut(each) for each in dict.fromkeys(shown)]
    places = np.array([place for _, place in cuts], dtype=int)
    rows = swept_rows + [_rows(one, metric, places, [threshold for threshold, _ in cuts]) for metric in asked]
    frame = pl.concat(rows, how="vertical_relaxed").unique(["threshold", "metric"], keep="last")
    frame = frame.sort(pl.col("metric").replace_strict(order), "threshold")

    def selected(frame: pl.DataFrame) -> pl.DataFrame:
        """The curve with the rows that are selected at each of its thresholds."""
        where = [_where(one, standing.at_point(at)) for at in frame["threshold"]]
        return frame.with_columns(pl.Series("where", where, dtype=pl.String))

    def curve(kind: str, make: Callable[[], pl.DataFrame]) -> pl.DataFrame:
        return total.once((kind, level), lambda: make().insert_column(0, pl.lit(name).alias("model")))

    def with_point(kind: str, make: Callable[[Cube, float], pl.DataFrame]) -> pl.DataFrame:
        """The curve, and where the rule in force stands as rows that are `here`; the threshold of thresholds by group,
        which are one point, is null."""
        point = selected(make(standing.points, level)).insert_column(0, pl.lit(name).alias("model"))
        line = curve(kind, lambda: selected(make(swept, level)))
        both = [line.with_columns(here=False), point.with_columns(here=True)]
        return pl.concat(both, how="vertical_relaxed")

    made = {
        "rows": frame,
        "grid": one.total.once(("grid", tuple(order), one.values, level), lambda: _grid(one, swept_rows or [frame])),
        "current": _current(one, standing),
        "confusion": _cells(standing).insert_column(0, pl.lit(name).alias("model")),
        "roc": with_point("roc", sweep.roc),
        "pr": with_point("pr", sweep.precision_recall),
        "gain": with_point("gain", sweep.gain),
        "distribution": curve("distribution", lambda: _bins(one)),
    }
    if one.evaluation.facts.model(name).decision and total.confusion is not None:
        kept = sweep.current(replace(total, groups=pl.DataFrame()), float("nan"))
        made["recorded"] = kept.insert_column(0, pl.lit(name).alias("model")).drop("threshold")
    if one.values.given:
        made["value"] = _worth(one, grid, standing)
    return made


def _where(one: Sweep, *parts: Segment) -> str:
    """The segment of the rows that count for which all parts hold."""
    return every([*parts, *judged.weighed(one.evaluation.facts)]).expression()


def _cells(standing: Standing) -> pl.DataFrame:
    """The cells of what the rule decides with the segment of each; thresholds that are several are null."""
    one, flagged = standing.one, standing.one.evaluation.facts.classes[1]
    cells = sweep.current(standing.decided, standing.alone).with_columns(pl.col("threshold").fill_nan(None))
    rows = cells.select("actual", "predicted").iter_rows()
    where = [
        _where(one, labelled(one, actual, NO_LABEL), standing.selects(predicted == flagged))
        for actual, predicted in rows
    ]
    return cells.with_columns(pl.Series("where", where, dtype=pl.String))


def _bins(one: Sweep) -> pl.DataFrame:
    """Where the scores lie, each bin of a class with its segment."""
    bins = sweep.distribution(operating.scored(one.total), (*one.evaluation.facts.classes, NO_LABEL))
    rows = bins.select("label", "from", "to").iter_rows()
    score = judged.named(one.evaluation.facts)["score"]
    where = [_where(one, labelled(one, label, NO_LABEL), judged.between(score, low, high)) for label, low, high in rows]
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


def _grid(one: Sweep, rows: list[pl.DataFrame]) -> pl.DataFrame:
    """The rows of the grid, each with the segment it selects."""
    frame, score = pl.concat(rows, how="vertical_relaxed"), judged.named(one.evaluation.facts)["score"]
    known = {at: _where(one, judged.between(score, at, None)) for at in frame["threshold"].unique()}
    return frame.with_columns(where=pl.col("threshold").replace_strict(known, return_dtype=pl.String))


def _current(one: Sweep, standing: Standing) -> pl.DataFrame:
    """Every count metric of what the rule in force decides, the analysts' own too, in the columns of a card: with
    skill, without a change. The value of one threshold is known too."""
    asked = [METRICS.get(name) for name in IN_FORCE] + [each for each in one.evaluation.own.values() if moves(each)]
    asked += [one.metric("value")] if one.values.given else []
    named = pl.DataFrame({"threshold": [standing.alone]}).with_columns(pl.col("threshold").fill_nan(None))
    pieces = []
    for metric in asked:
        reason = one.obstacle(metric)
        if not reason and metric.name == "value" and standing.alone != standing.alone:
            reason = "the value is worked out for one threshold"
        if reason:
            found = panel.undefined(1, reason)
        elif metric.name == "value":
            place = np.array([one.cut(standing.alone)[1]])
            found = measured(one.total, place, metric, one.values, one.level)
        else:
            found = metric.measure(standing.decided, level=one.level)
        row = panel.rows(standing.decided, metric, one.query.model, found, named).drop("class")
        pieces.append(row.hstack(change.columns(metric, None, None)).with_columns(panel.skill(metric), verdict=None))
    return pl.concat(pieces, how="vertical_relaxed")


def _worth(one: Sweep, grid: np.ndarray, standing: Standing) -> pl.DataFrame:
    """The value curve: model, threshold, value a decision with its interval, n, total over these rows, baseline, where.

    best: the threshold of the most value, among all; here: those in force, once more.
    """
    histogram, metric = operating.scored(one.total), one.metric("value")
    top = choosing.best(one.total, MOST, metric, one.values)
    best = -1 if top is None else top.place
    line = np.unique(np.append(grid, [len(histogram.low), *([best] if best >= 0 else [])]))
    here = np.array([each for each in standing.at if each == each], dtype=float)
    score = judged.named(one.evaluation.facts)["score"]

    def made(places: np.ndarray, at: np.ndarray, is_best: np.ndarray, is_here: bool) -> pl.DataFrame:
        found = measured(one.total, places, metric, one.values, one.level)
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
                "best": is_best,
                "here": [is_here] * len(places),
                "where": [_where(one, judged.between(score, each, None)) for each in at],
            },
            schema_overrides={"where": pl.String, "model": pl.String, "here": pl.Boolean},
        ).with_columns(pl.selectors.float().fill_nan(None))

    curve = one.total.once(
        ("worth", one.values, one.level),
        lambda: made(line, operating.values_at(histogram, line), line == best, False),
    )
    places = np.array([one.cut(each)[1] for each in here], dtype=int)
    return pl.concat([curve, made(places, here, np.zeros(len(here), dtype=bool), True)])
