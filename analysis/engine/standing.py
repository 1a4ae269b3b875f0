"""Standing: what the decision rule in force does to a sweep's rows, be it one threshold, a band or one by group."""

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import polars as pl

from analysis.core import judged, words
from analysis.core.cube import Confusion, Cube
from analysis.core.cutoffs import Band, ByGroup, Threshold, moved
from analysis.core.estimate import Estimate
from analysis.core.segment import Compare, Missing, Segment
from analysis.engine.sweep import Sweep
from analysis.metrics import METRICS, operating
from analysis.metrics.decisions import decided

SHOWN = ("recall", "precision", "selection_rate")
TURNED = np.array([[1, 1, 0], [0, 0, 1], [0, 0, 0]])
"""Decisions turned so that what is left undecided is what counts as selected."""


@dataclass(frozen=True)
class Standing:
    """A rule as it is applied, its numbers snapped to the score codes.

    decided: what it decides, one group. points, at: where it stands on the curves, a group a point with its threshold
    (nan for thresholds by group, which together are one point). review, groups: rows of the question's frames.
    """

    one: Sweep
    rule: Threshold
    decided: Cube
    points: Cube
    at: list[float]
    review: list[dict[str, Any]] = field(default_factory=list)
    groups: list[dict[str, Any]] = field(default_factory=list)

    def selects(self, positive: bool) -> Segment:
        """The rows the rule decides this way."""
        facts = self.one.evaluation.facts
        names = judged.named(facts)
        if isinstance(self.rule, ByGroup):
            return Compare(names["prediction"], "=", facts.classes[positive])
        low, high = (self.rule.low, self.rule.high) if isinstance(self.rule, Band) else (self.rule, self.rule)
        return judged.between(names["score"], *((high, None) if positive else (None, low)))

    def at_point(self, at: float | None) -> Segment:
        """The rows that are selected at a point of the curves, by its threshold."""
        return self.selects(True) if at is None else judged.between(self.score, at, None)

    @property
    def alone(self) -> float:
        """The one threshold there is; nan where there are several."""
        return float("nan") if isinstance(self.rule, Band | ByGroup) else float(self.rule)

    @property
    def thresholds(self) -> list[float]:
        """Every threshold of the rule that rows here meet, ascending."""
        return sorted({each["threshold"] for each in self.groups} | {each for each in self.at if each == each})

    def sentence(self, current: pl.DataFrame) -> str:
        """What a rule does that is no one threshold; "" for one. current: the question's frame of what it decides."""
        if not isinstance(self.rule, Band | ByGroup):
            return ""
        model = self.one.query.model
        rows = current.filter((pl.col("model") == model) & pl.col("metric").is_in(["recall", "precision"]))
        known = [_told(row["metric"], row, row["n"]) for row in rows.iter_rows(named=True) if row["value"] is not None]
        with_what = f" with {words.listed(known)}" if known else ""
        if isinstance(self.rule, ByGroup):
            at = [each["threshold"] for each in self.groups]
            if not at:
                return f"{model} has no row here, so there is nothing to decide."
            ends = [words.number(end, "score") for end in (min(at), max(at))]
            many = words.plural(len(self.groups), "group")
            return f"{model} decides {many} of {self.rule.column} by thresholds from {ends[0]} to {ends[1]}{with_what}."
        row = self.review[0]
        low, high = (words.number(each, "score") for each in (self.rule.low, self.rule.high))
        daily = f", {row['load']:,.1f} rows a day" if row["load"] is not None else ""
        if not row["n"]:
            return f"{model} has no scored row here, so there is nothing to decide."
        share, between = words.number(row["value"], "share"), words.between(row["low"], row["high"], "share")
        return (
            f"{model} leaves {share} of the scored rows to a person ({between}, on {row['n']:,}{daily}), "
            f"those that score from {low} to below {high}; it decides the rest{with_what}."
        )

    @property
    def score(self) -> str:
        """The name of the score's column in segments."""
        return judged.named(self.one.evaluation.facts)["score"]


def stand(one: Sweep, rule: Threshold) -> Standing:
    """The rule on this model version's rows. UnknownName, BadRequest as in engine/deciding.py."""
    total = one.total
    used = moved(rule, lambda at: one.cut(at)[0])
    if isinstance(used, ByGroup):
        return _by_group(one, used)
    ends = [used.low, used.high] if isinstance(used, Band) else [used]
    places = np.array([one.cut(at)[1] for at in ends])
    points = replace(operating.every(total, places), groups=pl.DataFrame({"threshold": ends}))
    if not isinstance(used, Band):
        return Standing(one, used, points, points, ends)
    automatic = operating.decided_at(total, places[None, :1], places[None, 1:])
    return Standing(one, used, automatic, points, ends, review=[_review(one, used, places)])


def _review(one: Sweep, band: Band, places: np.ndarray) -> dict[str, Any]:
    """What goes to a person: its share of the scored rows, with its interval, and how much that is a day."""
    share = reviewed(one.total, places, one.level)
    days = len(one.days()) if one.evaluation.facts.roles.time is not None else 0
    histogram = operating.scored(one.total)
    rows = int(histogram.n[:, :, places[0] : places[1]].sum())
    row = {"model": one.query.model, "from": band.low, "to": band.high, "rows": rows}
    return row | evidence(share) | {"load": rows / days if days else None}


def reviewed(cube: Cube, places: np.ndarray, level: float) -> Estimate:
    """The share of a cube's scored rows between two places. places: (2,)."""
    parts = cube.replicates
    alone = replace(cube, confusion=None, replicates=None if parts is None else replace(parts, confusion=None))
    made = operating.decided_at(alone, places[None, :1], places[None, 1:])
    counts, units = made.confusion, made.units
    assert counts is not None  # noqa: S101 - decisions were just made
    n, w, w2 = (each @ TURNED.T for each in (counts.n, counts.w, counts.w2))
    if units is not None:
        turn = np.kron(np.eye(3), TURNED)
        assert units.cells is not None  # noqa: S101 - decisions come with those of their cells
        units = replace(units, cells=turn @ units.cells @ turn.T)
    turned = replace(made, confusion=Confusion(n, w, w2, counts.weighted), units=units, replicates=None)
    return METRICS.get("selection_rate").measure(turned, level=level)[0]


def _by_group(one: Sweep, rule: ByGroup) -> Standing:
    """Thresholds by group are counted where the rows are, as every other question counts them."""
    column = one.evaluation.facts.column(rule.column).name
    asked = replace(one.query, halves=False, units=True, threshold=rule)
    asked = replace(asked, needs=frozenset({"decisions", "predictions", "labels"}))
    everything, apart = one.evaluation.ask(asked), one.evaluation.ask(replace(asked, by=(column,)))
    one.answers += [everything, apart]
    used = everything.threshold
    assert isinstance(used, ByGroup)  # noqa: S101 - the engine gives the rule back as it used it
    points = replace(everything.cube, groups=pl.DataFrame({"threshold": [float("nan")]}))
    rows = _groups(one, used, apart.cube)
    return Standing(one, used, everything.cube, points, [float("nan")], groups=rows)


def _groups(one: Sweep, rule: ByGroup, cube: Cube) -> list[dict[str, Any]]:
    """A row a group: its threshold, its counts, its metrics."""
    counts, thresholds = decided(cube), dict(rule.groups)
    names = cube.groups.to_series().cast(pl.String).to_list()
    found = {
        name: METRICS.get(name).measure(cube, level=one.level)
        for name in SHOWN
        if one.obstacle(METRICS.get(name)) is None
    }
    rows = []
    for place, name in enumerate(names):
        cells = {
            cell: int(counts.n[place, actual, predicted])
            for cell, actual, predicted in (("tp", 1, 1), ("fn", 1, 0), ("fp", 0, 1), ("tn", 0, 0))
        }
        row = {"model": one.query.model, "by": rule.column, "group": name, "rows": int(cube.rows[place])}
        row |= {"threshold": thresholds.get(name, rule.threshold), "own": name in thresholds, **cells}
        for metric, each in found.items():
            row |= {f"{metric}_{key}".removesuffix("_value"): value for key, value in evidence(each[place]).items()}
        rows.append(row)
    return rows


def _told(name: str, row: dict[str, Any], n: int) -> str:
    """A share in words."""
    metric = METRICS.get(name)
    ends = words.between(row["low"], row["high"], metric.unit)
    return f"{metric.title} {words.number(row['value'], metric.unit)} ({ends}, on {n:,} {metric.counts})"


def evidence(each: Estimate) -> dict[str, Any]:
    """An estimate as columns."""
    return {"value": each.value, "low": each.low, "high": each.high, "n": each.n, "method": each.method}


def labelled(one: Sweep, name: str, missing: str) -> Segment:
    """The rows of a class, or those without a label."""
    label = judged.named(one.evaluation.facts)["label"]
    return Missing(label) if name == missing else Compare(label, "=", name)
