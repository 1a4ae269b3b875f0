"""Reaching a goal: the threshold that serves it, chosen on all rows, and the same choice made on one half of them and
checked on the other, which it has not seen."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from analysis.core import words
from analysis.core.cube import Cube
from analysis.core.errors import BadRequest
from analysis.core.estimate import Estimate
from analysis.core.goal import BAND, BOUND, CAPACITY, EQUAL, MAX, REVIEW, Goal
from analysis.core.settings import whole
from analysis.engine.sweep import Sweep
from analysis.metrics import METRICS, choosing, operating
from analysis.metrics.choosing import Choice, measured
from analysis.metrics.definition import Metric

UNSEEN = "checked_value", "checked_low", "checked_high", "checked_n"


@dataclass(frozen=True)
class Reached:
    """What a goal came to. row: the columns of the question's `chosen` frame; segments: a row a group, where each has a
    threshold of its own; automatic: estimates of what a band decides by itself, by metric."""

    row: dict[str, Any]
    segments: list[dict[str, Any]] = field(default_factory=list)
    automatic: list[tuple[Metric, Estimate]] = field(default_factory=list)


def reach(sweep: Sweep, goal: Goal, at: float, by: str = "") -> Reached:
    """What a goal chooses. at: the threshold in force, around which bands lie and whose recall groups are given."""
    if goal.kind in (BAND, REVIEW):
        return _band(sweep, goal, at)
    if goal.kind == EQUAL:
        return _by_group(sweep, goal, goal.column, at)
    if goal.kind == CAPACITY:
        return _capacity(sweep, goal)
    single = sweep.total.once(("reached", goal, sweep.values, sweep.level), lambda: _single(sweep, goal))
    return _by_group(sweep, goal, by, at, single) if by and single.row["threshold"] is not None else single


def _row(sweep: Sweep, goal: Goal, metric: Metric, **known: Any) -> dict[str, Any]:
    blank = ["threshold", "upper", "value", "low", "high", "n", "half_threshold", "chosen_value", *UNSEEN, "load"]
    blank += ["load_95", "review", "review_load", "gain", "gain_low", "gain_high", "gain_metric", "by"]
    row: dict[str, Any] = {"goal": goal.text, "model": sweep.query.model, "metric": metric.name, "reached": False}
    return row | dict.fromkeys(blank) | {"sentence": ""} | known


def _evidence(prefix: str, each: Estimate) -> dict[str, Any]:
    return {f"{prefix}value": each.value, f"{prefix}low": each.low, f"{prefix}high": each.high, f"{prefix}n": each.n}


def checked(sweep: Sweep, metric: Metric, choose: Callable[[Cube], Choice | None]) -> dict[str, Any]:
    """The choice made on one half and measured on the other: columns of a `chosen` row, empty where a half is."""
    first, second = sweep.half("false"), sweep.half("true")
    if not len(first) or not len(second):
        return {}
    choice = choose(first)
    if choice is None:
        return {}
    place = np.array([choice.place])
    here, there = (measured(cube, place, metric, sweep.values, sweep.level)[0] for cube in (first, second))
    if not there.defined:
        return {}
    return {"half_threshold": sweep.at(choice.place), "chosen_value": here.value} | _evidence("checked_", there)


def _single(sweep: Sweep, goal: Goal) -> Reached:
    metric = sweep.metric(goal.metric)
    obstacle = sweep.obstacle(metric)
    if obstacle:
        return Reached(_row(sweep, goal, metric, sentence=f"{goal.text}: {obstacle}."))

    def choose(cube: Cube) -> Choice | None:
        return choosing.best(cube, goal, metric, sweep.values)

    choice = choose(sweep.total)
    if choice is None:
        return Reached(_row(sweep, goal, metric, sentence=f"{goal.text}: no threshold gives a {metric.title}."))
    found = measured(sweep.total, np.array([choice.place]), metric, sweep.values, sweep.level)[0]
    row = _row(sweep, goal, metric, threshold=sweep.at(choice.place), reached=choice.reached)
    row |= _evidence("", found) | checked(sweep, metric, choose)
    return Reached(row | {"sentence": _said(goal, metric, row, choice.why)})


def _said(goal: Goal, metric: Metric, row: dict[str, Any], why: str) -> str:
    shown = words.number(row["value"], metric.unit)
    said = f"{goal.text}: the threshold {words.number(row['threshold'], 'score')} gives {metric.title} {shown}"
    said += f" ({words.between(row['low'], row['high'], metric.unit)}, {row['n']:,} {metric.counts})"
    if row["checked_value"] is not None:
        ends = words.between(row["checked_low"], row["checked_high"], metric.unit)
        said += f"; chosen on one half of the rows ({words.number(row['chosen_value'], metric.unit)} there) it gives "
        said += f"{words.number(row['checked_value'], metric.unit)} on the other ({ends})"
    return f"{why[0].upper()}{why[1:]}. {said}." if why else f"{said}."


def _capacity(sweep: Sweep, goal: Goal) -> Reached:
    metric = METRICS.get("selection_rate")
    days = len(sweep.days())
    rows = operating.load(sweep.total).scored
    if not days or not rows:
        raise BadRequest(f"'{goal.text}' needs rows with a time and a score, and there are none here.")
    daily = rows / days
    rate = Goal(BOUND, "selection_rate", "<=", goal.number / daily)

    def choose(cube: Cube) -> Choice | None:
        return choosing.best(cube, rate, metric, sweep.values)

    choice = choose(sweep.total)
    if choice is None:
        return Reached(_row(sweep, goal, metric, sentence=f"{goal.text}: no row has a score."))
    found = measured(sweep.total, np.array([choice.place]), metric, sweep.values, sweep.level)[0]
    threshold = sweep.at(choice.place)
    counts = operating.decisions(sweep.days(threshold))
    load_95 = float(np.quantile(counts, 0.95))
    row = _row(sweep, goal, metric, threshold=threshold, reached=choice.reached) | _evidence("", found)
    row |= checked(sweep, metric, choose) | {"load": float(counts.mean()), "load_95": load_95}
    loads = [f"{each:,.1f}" for each in (row["load"], load_95)]
    said = (
        f"{goal.text}: from {words.number(threshold, 'score')} on {loads[0]} rows a day are selected on average over "
    )
    said += f"{words.plural(days, 'day')} with rows, {loads[1]} on a busy day (95th percentile)"
    if row["checked_value"] is not None:
        ends = [f"{row[name] * daily:,.1f}" for name in UNSEEN[:3]]
        said += f"; chosen on one half of the rows, the other half gives {ends[0]} (between {ends[1]} and {ends[2]})"
    if not choice.reached:
        said = f"{goal.text} cannot be reached: already the highest score is on {loads[0]} rows a day"
    return Reached(row | {"sentence": f"{said}."})


def _band(sweep: Sweep, goal: Goal, at: float) -> Reached:
    metric = METRICS.get("precision")
    outer = [sweep.cut(at - goal.number), sweep.cut(at + goal.number)]
    place = sweep.cut(at)[1]

    def places(cube: Cube) -> tuple[int, int]:
        if goal.kind == REVIEW:
            return choosing.around(cube, place, goal.number)
        return outer[0][1], outer[1][1]

    def automatic(cube: Cube, ends: tuple[int, int]) -> Cube:
        return operating.decided_at(cube, np.array([[ends[0]]]), np.array([[ends[1]]]))

    ends = places(sweep.total)
    above = operating.load(sweep.total)
    share = float((above.selected[ends[0]] - above.selected[ends[1]]) / above.scored)
    kept = automatic(sweep.total, ends)
    measures = [METRICS.get(name) for name in ("precision", "recall", "accuracy", "specificity")]
    found = [(each, each.measure(kept, level=sweep.level)[0]) for each in measures if sweep.obstacle(each) is None]
    row = _row(sweep, goal, metric, reached=True, review=share)
    low_end, high_end = (sweep.at(end) for end in ends) if goal.kind == REVIEW else (outer[0][0], outer[1][0])
    row |= {"threshold": low_end, "upper": high_end}
    if found:
        row |= _evidence("", found[0][1])
        first, second = sweep.half("false"), sweep.half("true")
        if len(first) and len(second):
            own = places(first)
            here, there = (metric.measure(automatic(cube, own), level=sweep.level)[0] for cube in (first, second))
            row |= {"half_threshold": sweep.at(own[0]), "chosen_value": here.value} | _evidence("checked_", there)
    low, high = words.number(row["threshold"], "score"), words.number(row["upper"], "score")
    said = f"{goal.text}: rows that score from {low} to below {high} go to a person, {words.number(share, 'share')} "
    said += "of all"
    if sweep.evaluation.facts.roles.time is not None:
        days = len(sweep.days())
        row["review_load"] = share * above.scored / days if days else None
        said += f", {row['review_load']:,.1f} a day on average" if days else ""
    parts = [
        f"{each.title} {words.number(one.value, each.unit)} ({words.between(one.low, one.high, each.unit)})"
        for each, one in found[:2]
        if one.defined
    ]
    said += f"; the rest is decided with {words.listed(parts)}" if parts else ""
    return Reached(row | {"sentence": f"{said}."}, automatic=found)


def _by_group(sweep: Sweep, goal: Goal, column: str, at: float, single: Reached | None = None) -> Reached:
    """A threshold for each group of a column: for "equal" the one that brings its metric nearest to the overall one at
    `at`, else the one that serves the goal in the group. Groups too small for one keep the single threshold."""
    metric = sweep.metric(goal.metric)
    row = dict(single.row) if single else _row(sweep, goal, metric, threshold=at)
    row["by"] = column
    obstacle = sweep.obstacle(metric)
    if obstacle:
        return Reached(row | {"sentence": f"{goal.text}: {obstacle}."})
    cube = sweep.by(column)
    names = cube.groups["k0"].unique(maintain_order=True).to_list()
    if len(names) > whole("policy_groups"):
        raise BadRequest(
            f"'{column}' has {len(names):,} groups, too many for thresholds of their own; choose a coarser one."
        )
    base = sweep.cut(row["threshold"], cube)[1]
    half = cube.groups["k1"].to_numpy()

    def chosen(part: Cube) -> tuple[dict[str | None, int], int]:
        """({group: its place}, the single place) as chosen on these rows."""
        whole_part = part.total()
        if goal.kind == EQUAL:
            one = base
            aim = measured(whole_part, np.array([base]), metric, sweep.values, sweep.level).value[0]
        else:
            alone = choosing.best(whole_part, goal, metric, sweep.values)
            one = alone.place if alone is not None else base
        places = {}
        for name in names:
            own = part.pick(part.groups["k0"].eq_missing(name).to_numpy())
            if not len(own):
                continue
            own = own.total()
            if goal.kind == EQUAL:
                found = choosing.nearest(own, metric, float(aim), sweep.values)
            else:
                found = choosing.best(own, goal, metric, sweep.values)
            places[name] = found.place if found is not None and found.reached else one
        return places, one

    everywhere, _ = chosen(cube)
    first, second = cube.pick(half == "false"), cube.pick(half == "true")
    judged = METRICS.get("precision") if goal.kind == EQUAL else metric
    if len(first) and len(second):
        theirs, one = chosen(first)
        apart = np.array([theirs.get(name, one) for name in second.groups["k0"]])
        more = choosing.gain(second, apart, np.full(len(apart), one), judged, sweep.values, sweep.level)[0]
        row |= {"gain": more.value, "gain_low": more.low, "gain_high": more.high, "gain_metric": judged.name}
    segments = []
    histogram = operating.scored(cube)
    for name, where in everywhere.items():
        own = cube.pick(cube.groups["k0"].eq_missing(name).to_numpy()).total()
        now, before = (measured(own, np.array([at]), metric, sweep.values, sweep.level)[0] for at in (where, base))
        known = {"goal": goal.text, "model": sweep.query.model, "by": column, "group": name, "metric": metric.name}
        threshold = float(operating.values_at(histogram, np.array([where]))[0])
        held = _evidence("", now) | {f"single_{key}": value for key, value in _evidence("", before).items()}
        segments.append(known | {"threshold": threshold} | held)
    row["reached"] = True if goal.kind == EQUAL else row["reached"]
    return Reached(row | {"sentence": _group_words(goal, metric, judged, row, segments)}, segments)


def _group_words(
    goal: Goal, metric: Metric, judged: Metric, row: dict[str, Any], segments: list[dict[str, Any]]
) -> str:
    def spread(key: str) -> str:
        known = [each[key] for each in segments if each["n"] >= whole("small_group") and each[key] == each[key]]
        if not known:
            return words.DASH
        return f"{words.number(min(known), metric.unit)} to {words.number(max(known), metric.unit)}"

    said = f"{goal.text}: " if goal.kind == EQUAL else f"{row['sentence']} "
    said += (
        f"With one threshold {metric.title} by {row['by']} runs from {spread('single_value')}, with one for each group "
    )
    said += f"from {spread('value')}"
    if row.get("gain") is not None and row["gain"] == row["gain"]:
        ends = f"{words.delta(row['gain_low'], judged.unit)} to {words.delta(row['gain_high'], judged.unit)}"
        said += f"; on rows they were not chosen on they change {judged.title} overall by "
        said += f"{words.delta(row['gain'], judged.unit)} ({ends})"
    return f"{said}."


def default(sweep: Sweep) -> Reached:
    """What is recommended where no goal is given: the best F1."""
    return reach(sweep, Goal(MAX, "f1"), 0)
