"""Choosing: the threshold that serves a goal best, among all the score codes allow, and what per-group ones add."""

from dataclasses import dataclass

import numpy as np

from analysis.core import words
from analysis.core.cube import Confusion, Cube
from analysis.core.errors import BadRequest
from analysis.core.estimate import Estimates
from analysis.core.goal import BOUND, MAX, Goal
from analysis.core.settings import whole
from analysis.core.value import Values
from analysis.metrics import paired, worth
from analysis.metrics.definition import Metric
from analysis.metrics.intervals import divide, plain, reasons
from analysis.metrics.operating import decided_at, every, from_above, scored

RISING = ("recall", "selection_rate", "false_positive_rate")
"""Metrics that can only rise as more rows are selected: 'at least' asks for the strictest threshold that reaches it."""


@dataclass(frozen=True)
class Choice:
    """The place a goal chooses. reached False: no threshold serves the goal, and this is the closest, for `why`."""

    place: int
    reached: bool
    why: str = ""


def measured(cube: Cube, places: np.ndarray, metric: Metric, values: Values, level: float) -> Estimates:
    """A metric of a cube's one group at each of these places (T,)."""
    if metric.name == "value":
        return worth.per_decision(cube, places[None, :], values, level)
    return metric.measure(every(cube, places), level=level)


def best(cube: Cube, goal: Goal, metric: Metric, values: Values) -> Choice | None:
    """The place that serves a "max" or "bound" goal among every threshold of a cube's one group; None where none is
    defined.

    Thresholds whose metric rests on fewer rows than a small group has stand back while any other is there. Ties go to
    the highest threshold. Of those that keep a bound: the highest where the metric rises with every row selected and
    has to reach a floor, else the lowest, which finds the most. Only a value may be best with nothing selected.
    """
    codes = len(scored(cube).low)
    places = np.arange(codes + (metric.name == "value"))
    found = cube.once(
        ("every place", metric.name, values), lambda: measured(cube.apart(), places, metric, values, 0.95)
    )
    fit = ~np.isnan(found.value)
    enough = fit & (found.n >= whole("small_group"))
    fit = enough if enough.any() else fit
    if not fit.any():
        return None
    if goal.kind == MAX:
        return Choice(_last(_height(found.value, metric), fit), True)
    if goal.kind != BOUND:
        raise BadRequest(f"'{goal.text}' does not choose one threshold.")
    floor = goal.sign == ">="
    kept = fit & (found.value >= goal.number if floor else found.value <= goal.number)
    if kept.any():
        reaching = np.flatnonzero(kept)
        return Choice(int(reaching[-1] if floor and metric.name in RISING else reaching[0]), True)
    place = _last(found.value if floor else -found.value, fit)
    nearest = words.number(float(found.value[place]), metric.unit)
    return Choice(place, False, f"no threshold reaches {goal.text}; the closest gives {nearest}")


def nearest(cube: Cube, metric: Metric, target: float, values: Values) -> Choice | None:
    """The place whose metric is nearest to a target, in a cube's one group; None where it rests on too few rows."""
    found = measured(cube.apart(), np.arange(len(scored(cube).low)), metric, values, 0.95)
    fit = ~np.isnan(found.value) & (found.n >= whole("small_group"))
    if not fit.any():
        return None
    return Choice(_last(-np.abs(found.value - target), fit), True)


def _height(value: np.ndarray, metric: Metric) -> np.ndarray:
    """What is to be as large as possible for a metric to be at its best."""
    if metric.better is None:
        raise BadRequest(
            f"'{metric.name}' has no better side, so nothing makes it best; give it a bound, with >= or <=."
        )
    return {"higher": value, "lower": -value, "zero": -np.abs(value)}[metric.better]


def _last(height: np.ndarray, fit: np.ndarray) -> int:
    """The last place of the greatest height among those that fit."""
    masked = np.where(fit, height, -np.inf)
    return int(np.flatnonzero(masked == masked.max())[-1])


def around(cube: Cube, place: int, share: float) -> tuple[int, int]:
    """(lower, upper) places with about this share of the scored rows between them, half on either side of `place`."""
    above = from_above(scored(cube).w.sum(axis=(0, 1)).astype(float))
    total, middle = above[0], above[place]
    half = share * total / 2
    top = max(middle - half, 0.0)
    bottom = min(top + share * total, total)
    top = max(bottom - share * total, 0.0)
    slack = 1e-9 * total
    upper = int(np.flatnonzero(above >= top - slack)[-1])
    lower = int(np.flatnonzero(above >= bottom - slack)[-1])
    return min(lower, upper), upper


def gain(cube: Cube, chosen: np.ndarray, single: np.ndarray, metric: Metric, values: Values, level: float) -> Estimates:
    """How much better a metric is over all groups with the places `chosen` (G,) than with `single` (G,).

    The same rows are decided twice. The variance is linearised: the influence of a row of each joint cell (label, one
    decision, the other), found by weighing that cell a little more and a little less. Student's quantile goes by
    how many rows the two decide differently; no interval below two of them, and somewhat wide below a hundred. Where
    rows belong to units it is what each replicate moves the difference.
    """
    if metric.name == "value":
        return worth.gain(cube, chosen, single, values, level)
    if cube.replicates is not None:
        one, other = (decided_at(cube, at[:, None]).total() for at in (chosen, single))
        return paired.difference(metric, one, other, level=level).difference
    n, w, w2 = (joint_cells(cube, chosen, single, name).astype(float) for name in ("n", "w", "w2"))
    cells = np.argwhere(w > 0)
    step = 1e-4
    tried = np.repeat(w[None], 1 + 2 * len(cells), axis=0)
    for row, cell in enumerate(cells):
        tried[1 + 2 * row][tuple(cell)] *= 1 + step
        tried[2 + 2 * row][tuple(cell)] *= 1 - step
    ones = np.repeat(n[None], len(tried), axis=0)

    def value(axis: int) -> Estimates:
        counts = Confusion(ones.sum(axis=axis), tried.sum(axis=axis), tried.sum(axis=axis), True)
        return metric.estimate(Cube(cube.groups.clear(), np.ones(len(tried)), cube.classes, counts), level)

    after, before = value(3), value(2)
    difference = after.value - before.value
    at = tuple(cells.T)
    slope = divide(difference[1::2] - difference[2::2], 2 * step * w[at])
    count = np.minimum(after.n[:1], before.n[:1]).astype(np.int64)
    variance = np.array([np.nan_to_num(w2[at] * slope**2).sum()]) * divide(count, count - 1)
    moved = n[:, 0, 1].sum() + n[:, 1, 0].sum()
    low, high = plain(difference[:1], variance, level, np.array([moved - 1]))
    why = reasons(1, (np.isnan(difference[:1]), "undefined with one of the two rules"))
    return Estimates(difference[:1], low, high, count, "linearised, the same rows", why)


def joint_cells(cube: Cube, one: np.ndarray, other: np.ndarray, name: str) -> np.ndarray:
    """(3, 3, 3) counts by label, decision at the places `one` (G,) and at `other`, of all groups; 2 is missing."""
    cells = getattr(scored(cube), name)
    codes = np.arange(cells.shape[2])
    made = np.zeros((3, 3, 3), dtype=cells.dtype)
    first, second = codes >= one[:, None], codes >= other[:, None]
    for a in (0, 1):
        for b in (0, 1):
            made[:, a, b] = (cells * ((first == a) & (second == b))[:, None, :]).sum(axis=(0, 2))
    labels = cells if cube.confusion is None else getattr(cube.confusion, name)
    made[:, 2, 2] = np.maximum(labels.sum(axis=(0, 2)) - cells.sum(axis=(0, 2)), 0)
    return made
