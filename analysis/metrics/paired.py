"""Paired: the difference of a metric between two model versions on the same rows, from how they answered together.

Shares have Newcombe's paired interval and McNemar's test; other metrics of decisions the delta method on the joint
cells; the AUC DeLong's covariance from the joint codes; means the paired t of per-row differences. What no joint
statistic serves is compared as if unpaired, which is rather too wide, and says so. Where rows belong to units all of
them are compared by what units, in random groups, move the difference.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from analysis.core.cube import Cube, Histogram, Sums
from analysis.core.estimate import Estimates
from analysis.core.joint import Joint, Pair
from analysis.metrics import contrasts, replicates, unpaired
from analysis.metrics.clusters import DEALT
from analysis.metrics.contrasts import Contrast
from analysis.metrics.curves import of_average_precision, placements
from analysis.metrics.decisions import decided
from analysis.metrics.definition import Metric
from analysis.metrics.influence import of_decisions
from analysis.metrics.intervals import FLAT, Ends, divide, effective_n, mean_variance
from analysis.metrics.means import MEANS, Spread
from analysis.metrics.unpaired import AREAS, by_t, said

FEWEST = 10
"""Rows of either class below which DeLong's covariance is too rough."""
POSITIVE = 1
SQUARED = ("rmse", "r2")


def needs(metric: Metric) -> frozenset[str]:
    """What the pair of two cubes must hold for this metric, beside what each cube needs by itself."""
    found = {f"pair:{need}" for need in metric.needs if need in ("decisions", "predictions", "scores")}
    terms = {metric.name: MEANS.get(metric.name, ("",))[0]} | dict.fromkeys(SQUARED, "e2") | {"wape": "ae"}
    found = {"pair:decisions" if need == "pair:predictions" else need for need in found}
    return frozenset(found | {f"pair:{term}" for term in [terms[metric.name]] if term})


def difference(metric: Metric, first: Cube, second: Cube, *, level: float = 0.95) -> Contrast:
    """first - second, both over the rows both answered; `first` holds the pair.

    The values are those of the metric on these rows; p is two-sided, of the test the method names.
    """
    if first.replicates is not None and second.replicates is not None:
        return _by_unit(metric, first, second, level)
    pair = first.pair or Pair()
    a, b = metric.measure(first, level=level), metric.measure(second, level=level)
    rough = contrasts.difference(a, b, level=level)
    error: tuple[Spread, str] | None = None
    if metric.better == "zero":
        judged = contrasts.difference(contrasts.magnitude(a), contrasts.magnitude(b), level=level)
        shown = said(rough, "as if unpaired (rather too wide)")
        if pair.sums is not None and metric.name in MEANS:
            shown = by_t(a, b, rough, _of_mean(MEANS[metric.name][0], pair.sums), PAIRED_T, level).difference
        return Contrast(a, b, shown, judged, contrasts.p_values(judged, level))
    if pair.decisions is not None and metric.name in SHARES:
        return _shares(metric, pair.decisions, first, a, b, rough, level)
    if pair.decisions is not None and "decisions" in metric.needs and not _beyond_cells(metric):
        error = _of_cells(metric, pair.decisions, first, second), "paired: delta method on the joint cells, Student's t"
    elif pair.scores is not None and metric.name in (*AREAS, "average_precision"):
        error = _of_codes(metric, pair.scores, first.histogram, second.histogram)
    elif pair.sums is not None and metric.name in MEANS:
        error = _of_mean(MEANS[metric.name][0], pair.sums), PAIRED_T
    elif pair.sums is not None and metric.name in _RATIOS:
        error = (
            _RATIOS[metric.name](first.sums, second.sums, pair.sums),
            "paired: delta method of the sums, Student's t",
        )
    if error is not None:
        return by_t(a, b, rough, *error, level)
    made = said(rough, "as if unpaired (rather too wide)")
    return Contrast(a, b, made, made, contrasts.p_values(rough, level))


def _by_unit(metric: Metric, first: Cube, second: Cube, level: float) -> Contrast:
    """From both versions' influences by replicate: neither rows nor trials are independent where units hold several."""
    a, b = metric.measure(first, level=level), metric.measure(second, level=level)
    shared = unpaired.together(metric, first, second, level)
    rough = contrasts.difference(a, b, level=level, together=shared)
    moved = [replicates.influence(metric, side, level) for side in (first, second)]
    if moved[0] is None or moved[1] is None:
        rough = said(rough, "as if unpaired (rather too wide)")
        judged = unpaired.distances(a, b, None, level) if metric.better == "zero" else rough
        return Contrast(a, b, rough, judged, contrasts.p_values(judged, level))
    held = replicates.filled(first) | replicates.filled(second)
    variance, freedom = replicates.spread(moved[0], moved[1], held)
    made = by_t(a, b, rough, Spread(np.nan_to_num(variance), freedom), BY_REPLICATE, level)
    if metric.better != "zero":
        return made
    judged = unpaired.distances(a, b, shared, level)
    return replace(made, judged=judged, p=contrasts.p_values(judged, level))


def _beyond_cells(metric: Metric) -> bool:
    """Whether the metric rests on more than who decided what: costs, or scores that a formula names too."""
    return not set(metric.needs) <= {"decisions", "predictions", "labels"}


BY_REPLICATE = f"paired: influence of units, Student's t, {DEALT}"
PAIRED_T = "paired: Student's t of the per-row differences"


@dataclass(frozen=True)
class Trials:
    """Rows by group and class, (G, K), where both, only the first, only the second or neither succeeded."""

    both: np.ndarray
    first: np.ndarray
    second: np.ndarray
    neither: np.ndarray


Success = Callable[[np.ndarray, np.ndarray, int], np.ndarray]
SHARES: dict[str, tuple[Callable[[np.ndarray, int, int], np.ndarray], Success]] = {
    "accuracy": (lambda label, of, classes: label < classes, lambda label, said, of: label == said),
    "recall": (lambda label, of, classes: label == of, lambda label, said, of: said == of),
    "specificity": (lambda label, of, classes: label == 0, lambda label, said, of: said == 0),
    "selection_rate": (lambda label, of, classes: label >= 0, lambda label, said, of: said == POSITIVE),
}
"""{metric: (which rows are its trials, whether one succeeded)}: the trials are the same rows for both versions."""


def _trials(metric: Metric, joint: Joint, weight: np.ndarray, cube: Cube) -> Trials:
    of = range(len(cube.classes)) if metric.by_class(cube) else [POSITIVE]
    counted, success = SHARES[metric.name]
    made = []
    for each in of:
        base = counted(joint.label, each, len(cube.classes))
        one, two = (success(joint.label, side, each) for side in (joint.first, joint.second))
        for cell in (one & two, one & ~two, ~one & two, ~one & ~two):
            held = base & cell
            made.append(np.bincount(joint.group[held], weights=weight[held], minlength=len(cube)))
    cells = np.stack(made, axis=-1).reshape(len(cube), len(of), 4)
    return Trials(*(cells[:, :, side].reshape(-1) for side in range(4)))


def _shares(
    metric: Metric, joint: Joint, cube: Cube, a: Estimates, b: Estimates, rough: Estimates, level: float
) -> Contrast:
    held = _trials(metric, joint, joint.w, cube)
    cells = np.stack([held.both, held.first, held.second, held.neither])
    how = "paired: Newcombe's interval"
    if joint.weighted:
        squares = _trials(metric, joint, joint.w2, cube)
        total = cells.sum(axis=0)
        size = effective_n(total, np.sum([squares.both, squares.first, squares.second, squares.neither], axis=0))
        cells = np.nan_to_num(divide(cells, total)) * size
        how += " on the effective n; McNemar's test takes no weights, so p is the interval's"
    ends: Ends = contrasts.newcombe_paired(cells[0], cells[1], cells[2], cells[3], level)
    low, high = (np.where(np.isnan(rough.value), np.nan, end) for end in ends)
    n = rough.n if joint.weighted else cells.sum(axis=0).astype(np.int64)
    made = Estimates(rough.value, low, high, n, how, rough.reason)
    if joint.weighted:
        return Contrast(a, b, made, made, contrasts.p_values(made, level))
    p = np.where(np.isnan(rough.value), np.nan, contrasts.mcnemar(held.first, held.second))
    made = Estimates(rough.value, low, high, n, f"{how}; McNemar's test", rough.reason)
    return Contrast(a, b, made, made, p)


def _of_cells(metric: Metric, joint: Joint, first: Cube, second: Cube) -> Spread:
    """The variance of the difference from both versions' influences, row kind by row kind."""
    classes = len(first.classes)
    one, two = of_decisions(metric, first), of_decisions(metric, second)
    held = joint.label < classes
    group, label = joint.group[held], joint.label[held]
    gap = one[group, :, label, joint.first[held]] - two[group, :, label, joint.second[held]]
    square = np.stack(
        [np.bincount(group, weights=joint.w2[held] * each**2, minlength=len(first)) for each in gap.T], axis=1
    )
    counts = decided(first)
    n, size = counts.rows.astype(float), effective_n(counts.total, counts.w2.sum(axis=(1, 2)))
    square = np.where(square * (counts.total**2 / np.maximum(size, 1))[:, None] > FLAT, square, 0.0)
    variance = square * divide(n, n - 1)[:, None]
    freedom = np.repeat(size - 1, square.shape[1])
    return Spread(np.nan_to_num(variance.reshape(-1)), freedom)


def _of_codes(
    metric: Metric, joint: Joint, first: Histogram | None, second: Histogram | None
) -> tuple[Spread, str] | None:
    """DeLong's variance of a difference of AUCs, or the linearised one of average precisions, from the joint codes."""
    if first is None or second is None:
        return None
    sides = (_merged(first, joint.steps[0]), _merged(second, joint.steps[1]))
    groups = len(first.n)
    n = first.n[:, :2].sum(axis=2).astype(float)
    total = first.w[:, :2].sum(axis=2).astype(float)
    if metric.name in AREAS:
        tables = [np.stack(placements(side.w[:, 0] * 1.0, side.w[:, 1] * 1.0), axis=1) for side in sides]
        gap = _gap(joint, *tables)
        mean = divide(_by_class(joint, joint.w * gap, groups), total)
        square = _by_class(joint, joint.w2 * (gap - mean[joint.group, joint.label]) ** 2, groups)
        square = np.where(square > FLAT * np.maximum(n, 1), square, 0.0)
        variance = (divide(square, total**2) * divide(n, n - 1)).sum(axis=1)
        few = n.min(axis=1) < FEWEST
        scale = AREAS[metric.name]
        spread = Spread(np.where(few, 0.0, np.nan_to_num(scale**2 * variance)), np.full(groups, np.inf))
        return spread, "paired: DeLong's covariance from the joint codes"
    tables = [np.stack(of_average_precision(side), axis=1) for side in sides]
    square = _by_class(joint, joint.w2 * _gap(joint, *tables) ** 2, groups).sum(axis=1)
    rows = n.sum(axis=1)
    variance = np.where(square * rows > FLAT, square, 0.0) * divide(rows, rows - 1)
    positives = effective_n(total[:, 1], first.w2[:, 1].sum(axis=1))
    return Spread(np.nan_to_num(variance), positives - 1), "paired: linearised over the joint codes, Student's t"


def _merged(histogram: Histogram, step: int) -> Histogram:
    """The histogram with so many neighbouring codes as one."""
    if step == 1:
        return histogram
    firsts = np.arange(0, len(histogram.low), step)
    n, w, w2 = (np.add.reduceat(each, firsts, axis=2) for each in (histogram.n, histogram.w, histogram.w2))
    return Histogram(n, w, w2, histogram.low[firsts], histogram.low[firsts], histogram.weighted)


def _gap(joint: Joint, one: np.ndarray, two: np.ndarray) -> np.ndarray:
    """(K,) the first's table at its code less the second's; tables are (G, 2, B)."""
    return one[joint.group, joint.label, joint.first] - two[joint.group, joint.label, joint.second]


def _by_class(joint: Joint, values: np.ndarray, groups: int) -> np.ndarray:
    place = joint.group.astype(np.int64) * 2 + joint.label
    return np.bincount(place, weights=values, minlength=2 * groups).reshape(groups, 2)


def _of_mean(term: str, gaps: Sums) -> Spread:
    mean = divide(gaps.s[term], gaps.w)
    variance = mean_variance(gaps.n, gaps.w, gaps.q[f"{term}^2"], gaps.q[term], gaps.w2, mean)
    return Spread(np.nan_to_num(variance), effective_n(gaps.w, gaps.w2) - 1)


def _of_rmse(one: Sums, two: Sums, gaps: Sums) -> Spread:
    """sqrt(A) - sqrt(B) of two means: half of e2 / sqrt by side, linearised; the common part is taken out first."""
    a, b = (divide(side.s["e2"], side.w) for side in (one, two))
    own, theirs = divide(np.full(len(a), 0.5), np.sqrt(a)), divide(np.full(len(b), 0.5), np.sqrt(b))
    d, d2 = gaps.s["e2"] / np.maximum(gaps.w, 1e-300), gaps.q["e2^2"]
    w2, q = gaps.w2, gaps.q["e2"]
    of_gap = d2 - 2 * d * q + d * d * w2
    of_second = two.q["e4"] - 2 * b * two.q["e2"] + b * b * w2
    product = (one.q["e4"] - two.q["e4"] - d2) / 2  # sum of w^2 (e2 of the first - e2 of the second) e2 of the second
    together = product - b * q - d * two.q["e2"] + d * b * w2
    square = own**2 * of_gap + 2 * own * (own - theirs) * together + (own - theirs) ** 2 * of_second
    return _ratio(square, gaps, one.q["e4"] * own**2 + two.q["e4"] * theirs**2, gaps.w)


def _of_r2(one: Sums, two: Sums, gaps: Sums) -> Spread:
    """The difference of SSE over the same SST: a ratio of means of e2 differences and squared label deviations."""
    mean = divide(one.s["y"], one.w)
    deviations = one.s["y2"] - mean * one.s["y"]
    ratio = divide(gaps.s["e2"], deviations)
    q = one.q
    cross = (q["e2y2"] - two.q["e2y2"]) - 2 * mean * (q["e2y"] - two.q["e2y"]) + mean**2 * gaps.q["e2"]
    ground = q["y4"] - 4 * mean * q["y3"] + 6 * mean**2 * q["y2"] - 4 * mean**3 * q["y"] + mean**4 * one.w2
    square = gaps.q["e2^2"] - 2 * ratio * cross + ratio**2 * ground
    return _ratio(square, gaps, one.q["e4"] + two.q["e4"], deviations)


def _of_wape(one: Sums, two: Sums, gaps: Sums) -> Spread:
    ratio = divide(gaps.s["ae"], one.s["ay"])
    cross = one.q["aey"] - two.q["aey"]
    square = gaps.q["ae^2"] - 2 * ratio * cross + ratio**2 * one.q["ay2"]
    return _ratio(square, gaps, one.q["e2"] + two.q["e2"], one.s["ay"])


def _ratio(square: np.ndarray, gaps: Sums, scale: np.ndarray, bottom: np.ndarray) -> Spread:
    """The variance of a linearised difference from its sum of squares; below rounding there is none."""
    square = np.where(square > FLAT * np.abs(scale), square, 0.0)
    n = gaps.n.astype(float)
    return Spread(np.nan_to_num(divide(square * divide(n, n - 1), bottom**2)), effective_n(gaps.w, gaps.w2) - 1)


_RATIOS: dict[str, Callable[..., Spread]] = {"rmse": _of_rmse, "r2": _of_r2, "wape": _of_wape}
