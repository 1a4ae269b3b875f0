"""Metrics of the scores of more than two classes: how well they rank, whether the label is near the top."""

from functools import partial

import numpy as np

from analysis.core.classscores import Ranks
from analysis.core.cube import Cube, Histogram
from analysis.core.errors import BadRequest
from analysis.core.estimate import Estimates
from analysis.core.roles import MULTICLASS
from analysis.metrics.class_curves import Areas, areas
from analysis.metrics.clusters import DEALT, correction
from analysis.metrics.decisions import NO_WEIGHT, constant, proportion
from analysis.metrics.definition import METRICS, Metric, Sql
from analysis.metrics.intervals import FLAT, combine, divide, effective_n, logit, mann_whitney, plain, reasons
from analysis.metrics.multiclass import scaled
from analysis.metrics.probabilities import label_shares
from analysis.metrics.scores import FEW, HIGH

NO_SCORES = "This metric needs the scores of every class: name their columns in the evaluation."
NO_ROWS = "no row has a label and the scores of every class"


def scored(cube: Cube) -> tuple[Histogram, ...]:
    """The cube's histogram of each class; BadRequest if it was asked for without them."""
    if not cube.class_histograms:
        raise BadRequest(NO_SCORES)
    return cube.class_histograms


def ranked(cube: Cube) -> Ranks:
    """The cube's ranks; BadRequest if it was asked for without them."""
    if cube.ranks is None:
        raise BadRequest(NO_SCORES)
    return cube.ranks


def found(cube: Cube, *, pairs: bool) -> Areas:
    """The areas under the curves of all classes."""
    return cube.once(("areas", pairs), lambda: areas(scored(cube), cube.class_moments, pairs=pairs))


def mean_area(cube: Cube, level: float, *, pairs: bool) -> Estimates:
    """The mean AUC of the classes, each weighing the same. Classes without a label are left out and counted.

    The classes' scores of a row are taken to go together as their codes do (see class_curves). Where a class has few
    rows or nothing varies the interval is at least as wide as the mean of the classes' score-type intervals.
    By simulation a 95 % interval covers 92.5 to 97.5 % from 10 rows of every class on and 96 to 100 % below; without
    the correlations (too many groups to hold them) 97 to 100 %.
    """
    histograms = scored(cube)
    size, area = len(histograms), found(cube, pairs=pairs)
    value = area.value
    n, w, w2 = (each[:, :size].sum(axis=2) for each in (histograms[0].n, histograms[0].w, histograms[0].w2))
    effective = effective_n(w, w2)
    rest = effective.sum(axis=1, keepdims=True) - effective
    dealt = histograms[0].dealt
    if dealt is not None:  # where nothing varies a unit counts as one row, and a single one as none
        units = np.where(dealt.units >= 2, dealt.units, 0.0)[:, None]
        effective, rest = np.minimum(effective, units), np.minimum(rest, units)
    own = mann_whitney(np.where(area.used, area.each, 0.5), effective, rest, level)
    count = area.used.sum(axis=1)
    broad = tuple(divide(np.where(area.used, end, 0.0).sum(axis=1), count) for end in own)
    smallest = np.where(area.used, n, np.inf).min(axis=1)
    variance, freedom = area.variance, None
    if area.moved is not None and dealt is not None:
        variance, freedom = area.moved.squares * correction(dealt.units), dealt.units - 1.0
    flat = ~(variance > FLAT) | (value <= 0) | (value >= 1) | (smallest < 2)
    few, steep = ~flat & (smallest < FEW), value > HIGH
    straight, bent = plain(value, variance, level, freedom), logit(value, variance, level, freedom)
    low, high = combine((steep, bent), (~steep, (np.clip(straight[0], 0, 1), np.clip(straight[1], 0, 1))))
    low, high = combine(
        (np.isnan(value), (value, value)),
        (flat, (broad[0], broad[1])),
        (few, (np.fmin(low, broad[0]), np.fmax(high, broad[1]))),
        (~flat, (low, high)),
    )
    curve = "pair of classes" if pairs else "class against the rest"
    joint = "covariances at their largest" if cube.class_moments is None else "covariances by the codes' correlation"
    joint = DEALT if dealt is not None else joint
    method = f"DeLong by {curve}, {joint}, {scaled(area.used, size)}"
    if np.any((steep & ~flat)[~np.isnan(value)]):
        method += f", logit scale above {HIGH}"
    if np.any((few | flat) & ~np.isnan(value)):
        method += "; as wide as Newcombe's score-type intervals of the classes where one is small or nothing varies"
    why = reasons(
        len(value),
        (n.sum(axis=1) == 0, NO_ROWS),
        (w.sum(axis=1) <= 0, NO_WEIGHT),
        (np.isnan(value), "all labels are of one class"),
    )
    return Estimates(value, low, high, n.sum(axis=1), method, why, bound=area.bound)


def top_accuracy(cube: Cube, level: float, *, top: int) -> Estimates:
    """The share of rows whose label is among the `top` highest scores; undefined where there are no more classes."""
    ranks = ranked(cube)
    n, w, w2 = (each.sum(axis=1) for each in (ranks.n, ranks.w, ranks.w2))
    hits = ranks.w[:, :top].sum(axis=1)
    together = None
    if cube.units is not None and cube.units.ranks is not None:
        places = np.arange(ranks.w.shape[1])
        together = ((places < top).astype(float), np.ones(len(places)), cube.units.ranks, cube.units.n)
    share = proportion(hits, n, w, w2, level=level, weighted=ranks.weighted, why=NO_ROWS, together=together)
    if len(cube.classes) > top:
        return share
    nothing = np.full(len(cube), np.nan)
    why = reasons(len(cube), (n == 0, NO_ROWS), (n > 0, f"of {len(cube.classes)} classes the label is always in {top}"))
    return Estimates(nothing, nothing, nothing, n, share.method, why)


def commonest(cube: Cube, *, top: int) -> np.ndarray:
    shares = label_shares(cube)
    return np.sort(shares, axis=1)[:, -top:].sum(axis=1)


_of_classes = partial(Metric, tasks=(MULTICLASS,), low=0.0, high=1.0, counts="rows with a label and every score")
_area = partial(
    _of_classes,
    needs=("class_scores", "class_moments"),
    better="higher",
    unit="score",
    baseline=partial(constant, 0.5),
    baseline_help="0.5: scores that know nothing of the label",
)
_top = partial(
    _of_classes,
    needs=("ranks",),
    wants=("decisions",),
    better="higher",
    unit="share",
    source="Russakovsky et al. 2015",
)

_among = "CASE WHEN max(classes) > {0} THEN coalesce(sum(w) FILTER (rank <= {0}), 0) / nullif(sum(w), 0) END"

METRICS.add(
    _area(
        "roc_auc_ovr",
        "ROC AUC, one against the rest",
        help="Mean over the classes of the AUC of a class's score, the class against all others: 1 each class on top "
        "of its own score, 0.5 as often as not. Classes without a label are left out.",
        source="Provost and Domingos 2000; DeLong et al. 1988",
        estimate=partial(mean_area, pairs=False),
        sql=Sql("rests", "", "", "avg(area)", "sum(n_pos)"),
    )
)
METRICS.add(
    _area(
        "roc_auc_ovo",
        "ROC AUC, one against one",
        help="Mean over all pairs of classes of how well their scores tell the two apart (Hand and Till's M): 1 "
        "always, 0.5 as often as not. Shares of the classes do not matter.",
        source="Hand and Till 2001",
        estimate=partial(mean_area, pairs=True),
        sql=Sql("areas", "", "", "avg(area)", "sum(n_pos) / (max(classes) - 1)"),
    )
)
METRICS.add(
    _top(
        "top_2_accuracy",
        "Top-2 accuracy",
        help="Share of the rows whose label has one of the 2 highest scores: 1 all, 0 none. Of equal scores the later "
        "class is the higher.",
        estimate=partial(top_accuracy, top=2),
        baseline=partial(commonest, top=2),
        baseline_help="always naming the 2 most common classes",
        sql=Sql("ranks", "", "", _among.format(2), "count(*)"),
    )
)
METRICS.add(
    _top(
        "top_3_accuracy",
        "Top-3 accuracy",
        help="Share of the rows whose label has one of the 3 highest scores: 1 all, 0 none. Of equal scores the later "
        "class is the higher.",
        estimate=partial(top_accuracy, top=3),
        baseline=partial(commonest, top=3),
        baseline_help="always naming the 3 most common classes",
        sql=Sql("ranks", "", "", _among.format(3), "count(*)"),
    )
)
