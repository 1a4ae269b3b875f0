"""Metrics of a binary score at every threshold at once: how well it ranks, separates and is calibrated."""

from dataclasses import replace
from functools import partial

import numpy as np

from analysis.core.cube import Cube, Histogram
from analysis.core.errors import BadRequest
from analysis.core.estimate import Estimates
from analysis.core.roles import BINARY
from analysis.metrics import curves, replicates
from analysis.metrics.clusters import BY_UNIT, DEALT, correction, share_size
from analysis.metrics.decisions import NO_WEIGHT, constant
from analysis.metrics.definition import METRICS, Metric, Sql
from analysis.metrics.intervals import (
    FLAT,
    Ends,
    combine,
    divide,
    logit,
    mann_whitney,
    mover_difference,
    plain,
    reasons,
    wilson,
)

FEW = 10
"""Below this many rows of a class DeLong's variance is too rough."""
SEED, REPLICATES = 20_260, 1_000
SCORE_TYPE = "Newcombe's score-type interval"
STEP = "pos * tp / nullif(tp + fp, 0)"
MIXED = (
    "pos * (pos / nullif(pos + neg, 0) + coalesce((tp - pos - (tp + fp - pos - neg) * pos / nullif(pos + neg, 0)) / "
    "nullif(pos + neg, 0) * ln(1 + (pos + neg) / nullif(tp + fp - pos - neg, 0)), 0))"
)
"""What a code adds to the sum of precision over positives: of one value, and of rows evenly mixed inside it."""
HIGH = 0.95
"""Above this AUC the interval is made on the logit scale."""


def scored(cube: Cube) -> Histogram:
    """The cube's histogram; BadRequest if it was asked for without scores."""
    if cube.histogram is None:
        raise BadRequest("This metric needs a score: name its column in the evaluation.")
    return cube.histogram


def one_class(sizes: curves.ClassSizes) -> np.ndarray:
    """(G,) why a metric that needs both classes is undefined, else None."""
    return reasons(
        len(sizes.rows),
        (sizes.rows == 0, "no row has both a label and a score"),
        (sizes.positives == 0, "no actual positives with a score"),
        (sizes.negatives == 0, "no actual negatives with a score"),
        ((sizes.effective_positives == 0) | (sizes.effective_negatives == 0), "the weights of a class add up to 0"),
    )


def bootstrap(negatives: np.ndarray, positives: np.ndarray, level: float) -> tuple[float, float]:
    """Percentile ends of an AUC, both classes resampled apart. negatives, positives: (B,) counts by code.

    The larger class is first folded into the cells between the codes of the smaller one, which changes no AUC.
    """
    flip = positives.sum() > negatives.sum()
    small, large = (negatives, positives) if flip else (positives, negatives)
    at = np.flatnonzero(small)
    upto = np.concatenate([[0], np.cumsum(large)])
    own = large[at]
    gaps = np.diff(np.concatenate([[0], np.ravel(np.column_stack([upto[at], upto[at + 1]])), [upto[-1]]]))
    few = np.zeros(len(gaps))
    gaps[1::2], few[1::2] = own, small[at]
    random = np.random.default_rng(SEED)
    drawn_large = random.multinomial(int(gaps.sum()), gaps / gaps.sum(), size=REPLICATES)
    drawn_few = random.multinomial(int(few.sum()), few / few.sum(), size=REPLICATES)
    upper, lower = (drawn_large, drawn_few) if flip else (drawn_few, drawn_large)
    below = np.cumsum(lower, axis=1) - lower / 2
    values = (upper * below).sum(axis=1) / (gaps.sum() * few.sum())
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def roc_auc(cube: Cube, level: float) -> Estimates:
    """AUC with DeLong's interval, and what replaces it where classes are small or apart.

    By simulation a 95 % interval covers 92 to 93 % with 15 to 30 positives, 94 to 95 % with 60 and more. The bootstrap
    alone covers 80 % with 3 to 9 positives, so it is widened to Newcombe's interval where that is wider: 98 %.
    """
    histogram = scored(cube)
    area, sizes = curves.auc(histogram), curves.class_sizes(histogram)
    value, variance, freedom = area.value, area.variance, None
    clustered = cube.units is not None and cube.units.auc is not None
    if cube.units is not None and cube.units.auc is not None and cube.units.ranked is not None:
        variance, freedom = cube.units.auc * correction(cube.units.ranked), cube.units.ranked - 1.0
    smaller = np.minimum(sizes.positives, sizes.negatives)
    apart = (value <= 0) | (value >= 1) | (smaller < 2) | ~(variance > FLAT)
    few = ~apart & (smaller < FEW) & (not clustered)
    apart |= few & histogram.weighted
    few &= ~apart
    drawn: Ends = (np.full(len(value), np.nan), np.full(len(value), np.nan))
    for group in np.flatnonzero(few & ~np.isnan(value)):
        least, most = bootstrap(histogram.n[group, 0], histogram.n[group, 1], level)
        drawn[0][group], drawn[1][group] = least, most
    units = ranked_units(cube)
    counted = [np.minimum(each, units) for each in (sizes.effective_positives, sizes.effective_negatives)]
    score = mann_whitney(value, counted[0], counted[1], level)
    drawn = (np.fmin(drawn[0], score[0]), np.fmax(drawn[1], score[1]))
    straight = plain(value, variance, level, freedom)
    steep = value > HIGH
    low, high = combine(
        (np.isnan(value), (value, value)),
        (apart, score),
        (few, drawn),
        (steep, logit(value, variance, level, freedom)),
        (~steep, (np.clip(straight[0], 0, 1), np.clip(straight[1], 0, 1))),
    )
    delong = "DeLong, linearised for the weights" if histogram.weighted else "DeLong"
    delong = f"DeLong's placements, {BY_UNIT} (Obuchowski 1997)" if clustered else delong
    drawing = f"stratified bootstrap of cells, {REPLICATES} replicates, seed {SEED}, widened to {SCORE_TYPE}"
    used = (
        (~apart & ~few & ~steep, delong),
        (~apart & ~few & steep, f"{delong}, logit scale (AUC above {HIGH})"),
        (few, f"{drawing} (a class below {FEW} rows)"),
        (apart, f"{SCORE_TYPE} (AUC of 0 or 1, or a class too small for another)"),
    )
    method = "; ".join(text for mask, text in used if np.any(mask & ~np.isnan(value))) or "DeLong"
    return Estimates(value, low, high, sizes.rows, method, one_class(sizes), bound=area.bound)


def ranked_units(cube: Cube) -> np.ndarray:
    """(G,) the most rows of a class that an interval may count where nothing varies between units: as many as there are
    units, none of a single one; without units all."""
    if cube.units is None or cube.units.auc is None or cube.units.ranked is None:
        return np.full(len(cube), np.inf)
    return np.where(cube.units.ranked >= 2, cube.units.ranked, 0.0)


def gini(cube: Cube, level: float) -> Estimates:
    area = roc_auc(cube, level)
    value, low, high = (2 * each - 1 for each in (area.value, area.low, area.high))
    return replace(area, value=value, low=low, high=high, bound=2 * area.bound, method=f"2 AUC - 1; {area.method}")


def average_precision(cube: Cube, level: float) -> Estimates:
    """Average precision, linearised. By simulation a 95 % interval covers 94 to 98 %, from 3 positives on."""
    histogram = scored(cube)
    area, sizes = curves.average_precision(histogram), curves.class_sizes(histogram)
    value, variance, freedom = area.value, area.variance, sizes.effective_positives - 1
    method = "linearised over the histogram's cells, logit scale, Student's t on the positives"
    if histogram.dealt is not None:
        influence = np.stack(curves.of_average_precision(histogram), axis=1)
        variance, freedom = replicates.variance(influence, histogram)
        freedom = np.minimum(freedom, (histogram.dealt.w[:, :, 1].sum(axis=2) > 0).sum(axis=1) - 1.0)
        method = f"linearised, logit scale, Student's t on the units with positives, {DEALT}"
    flat = (value <= 0) | (value >= 1) | ~(variance > FLAT) | (freedom < 1)
    size = sizes.effective_positives
    if histogram.dealt is not None:
        size = np.where(freedom >= 1, np.minimum(size, freedom + 1), 0.0)
    low, high = combine(
        (np.isnan(value), (value, value)),
        (flat, wilson(value * size, size, level)),
        (~flat, logit(value, variance, level, freedom)),
    )
    if np.any(flat & ~np.isnan(value)):
        method += "; Wilson on the positives where nothing varies"
    why = reasons(
        len(value),
        (sizes.rows == 0, "no row has both a label and a score"),
        (sizes.positives == 0, "no actual positives with a score"),
        (np.isnan(value), NO_WEIGHT),
    )
    return Estimates(value, low, high, sizes.positives, method, why, bound=area.bound)


def ks(cube: Cube, level: float) -> Estimates:
    """The interval is Newcombe's of the two rates at the threshold found, as if it had been chosen beforehand.

    By simulation a 95 % interval covers 94 to 99 % where the gap is 0.45 or more, but only 87 to 93 % where it is 0.08:
    the largest of many small gaps is too large, at 50 rows more than at 5,000.
    """
    histogram = scored(cube)
    gap, sizes = curves.separation(histogram), curves.class_sizes(histogram)
    up, down, together, how = sizes.effective_positives, sizes.effective_negatives, None, ""
    if histogram.dealt is not None:
        up, down, together = _rates_by_unit(histogram, gap, (up, down), level)
        how = f", {DEALT}"
    up_ends, down_ends = wilson(gap.tpr * up, up, level), wilson(gap.fpr * down, down, level)
    above = mover_difference(gap.tpr, up_ends, gap.fpr, down_ends, together)
    below = mover_difference(gap.fpr, down_ends, gap.tpr, up_ends, together)
    low, high = combine((gap.tpr >= gap.fpr, above), (gap.tpr < gap.fpr, below))
    low, high = np.clip(low, 0, 1), np.clip(high, 0, 1)
    method = f"Newcombe's hybrid at the threshold of the largest gap{how}, the choice of threshold not allowed for"
    return Estimates(gap.value, low, high, sizes.rows, method, one_class(sizes), bound=gap.bound)


def _rates_by_unit(
    histogram: Histogram, gap: curves.Separation, rows: tuple[np.ndarray, np.ndarray], level: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(the effective positives, the effective negatives, the correlation of both rates) at the threshold of the gap."""
    assert histogram.dealt is not None  # noqa: S101 - asked for only where there are
    selected = (histogram.low >= gap.threshold[:, None]).astype(float)
    moved, sizes = [], []
    for side, rate, most in ((1, gap.tpr, rows[0]), (0, gap.fpr, rows[1])):
        total = histogram.w[:, side].sum(axis=1)
        of_code = np.zeros((len(rate), 2, selected.shape[1]))
        of_code[:, side] = divide(selected - rate[:, None], total[:, None])
        by_part, hidden = histogram.dealt.summed(of_code, histogram.w[:, :2], histogram.w2[:, :2])
        units = (histogram.dealt.w[:, :, side].sum(axis=2) > 0).sum(axis=1)
        spread = ((by_part**2).sum(axis=1) + hidden) * correction(units)
        sizes.append(share_size(rate, spread, units, most, level))
        moved.append(replicates.Moved(by_part, hidden))
    together = replicates.correlation(*moved)
    assert together is not None  # noqa: S101 - both are known
    return sizes[0], sizes[1], together


def positive_share(cube: Cube) -> np.ndarray:
    negatives, positives = curves.class_weights(scored(cube))
    return divide(positives, negatives + positives)


_of_score = partial(Metric, tasks=(BINARY,), needs=("scores",), high=1.0, unit="score")
_both = "rows with a label and a score"

METRICS.add(
    _of_score(
        "roc_auc",
        "ROC AUC",
        better="higher",
        low=0.0,
        counts=_both,
        help="Chance that a positive scores above a negative, ties half: 1 always, 0.5 as often as not, 0 never.",
        source="Hanley and McNeil 1982; DeLong et al. 1988",
        estimate=roc_auc,
        baseline=partial(constant, 0.5),
        baseline_help="0.5: a score that knows nothing of the label",
        sql=Sql("scores", "sum(pos * (neg_below + neg / 2)) / nullif(sum(pos) * sum(neg), 0)", "sum(n_all)"),
    )
)
METRICS.add(
    _of_score(
        "average_precision",
        "Average precision",
        better="higher",
        low=0.0,
        counts="actual positives with a score",
        help="Mean over the positives of the precision at their score (step sum): 1 all positives come first.",
        source="Buckland and Gey 1994",
        estimate=average_precision,
        baseline=positive_share,
        baseline_help="the share of positives: any score that knows nothing of the label",
        sql=Sql("scores", f"sum(CASE WHEN wide THEN {MIXED} ELSE {STEP} END) / nullif(sum(pos), 0)", "sum(n_pos)"),
    )
)
METRICS.add(
    _of_score(
        "ks",
        "KS",
        better="higher",
        low=0.0,
        counts=_both,
        help="Largest gap between the classes' shares above a threshold: 1 fully apart, 0 the same distribution.",
        source="Kolmogorov 1933; Smirnov 1939",
        estimate=ks,
        baseline=partial(constant, 0.0),
        baseline_help="0: the same scores in both classes",
        sql=Sql("scores", "max(abs(tp / nullif(positives, 0) - fp / nullif(negatives, 0)))", "sum(n_all)"),
    )
)
METRICS.add(
    _of_score(
        "gini",
        "Gini",
        better="higher",
        low=-1.0,
        counts=_both,
        help="2 AUC - 1: 1 every positive above every negative, 0 no better than chance, -1 the reverse.",
        source="Somers 1962",
        estimate=gini,
        baseline=partial(constant, 0.0),
        baseline_help="0: a score that knows nothing of the label",
        sql=Sql("scores", "2 * sum(pos * (neg_below + neg / 2)) / nullif(sum(pos) * sum(neg), 0) - 1", "sum(n_all)"),
    )
)
