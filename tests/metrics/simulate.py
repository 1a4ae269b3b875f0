"""Draws from known populations as cubes, one draw a group, so that a metric measures all of them at once."""

from dataclasses import replace

import numpy as np
import polars as pl
from scipy import stats

from analysis.core.classscores import Moments, Ranks
from analysis.core.cube import Confusion, Cube, Histogram, Sums
from tests.metrics import cubes

DECISIONS = {
    "even": np.array([[0.42, 0.10], [0.13, 0.35]]),
    "rare": np.array([[0.83, 0.07], [0.03, 0.07]]),
    "three": np.array([[0.30, 0.05, 0.03], [0.06, 0.25, 0.04], [0.05, 0.02, 0.20]]),
}


def _blank(draws, classes):
    return Cube(pl.DataFrame({"g": np.arange(draws)}), np.zeros(draws), tuple("abc"[:classes]))


def decisions(population, n, draws, seed):
    """`draws` samples of n rows of an actual x predicted population; draws = 0: the population itself."""
    share, classes = DECISIONS[population], len(DECISIONS[population])
    if draws:
        cells = np.random.default_rng(seed).multinomial(n, share.ravel(), size=draws)
    else:
        cells = np.rint(share.ravel()[None] * 1e8)
    full = np.zeros((len(cells), classes + 1, classes + 1))
    full[:, :classes, :classes] = cells.reshape(-1, classes, classes)
    return replace(_blank(len(cells), classes), confusion=Confusion(full, full, full))


def score_shares(apart, prevalence, codes=200, tilt=1.0):
    """(score, (2, codes) joint shares): normal scores `apart` standard deviations apart, as probabilities.

    tilt: 1 is calibrated; above it the score is too sure of itself.
    """
    edges = np.linspace(-5, 5 + apart, codes + 1)
    cells = np.stack([np.diff(stats.norm.cdf(edges)), np.diff(stats.norm.cdf(edges, loc=apart))])
    joint = cells / cells.sum(axis=1, keepdims=True) * np.array([[1 - prevalence], [prevalence]])
    middle = (edges[1:] + edges[:-1]) / 2
    odds = apart * middle - apart**2 / 2 + np.log(prevalence / (1 - prevalence))
    return 1 / (1 + np.exp(-tilt * odds)), joint


def scores(n, draws, seed, *, apart=1.2, prevalence=0.3, tilt=1.0):
    """`draws` samples of n scored rows, with the sums of their losses; draws = 0: the population itself."""
    score, joint = score_shares(apart, prevalence, tilt=tilt)
    codes = len(score)
    if draws:
        cells = np.random.default_rng(seed).multinomial(n, joint.ravel(), size=draws)
    else:
        cells = np.rint(joint.ravel()[None] * 1e8)
    full = np.zeros((len(cells), 3, codes))
    full[:, :2] = cells.reshape(-1, 2, codes)
    ll, sq = -np.log(np.stack([1 - score, score])), np.stack([score, 1 - score]) ** 2
    terms = {"ll": ll, "ll2": ll**2, "sq": sq, "sq2": sq**2}
    summed = {name: np.einsum("gcb,cb->g", full[:, :2], term) for name, term in terms.items()}
    rows = full[:, :2].sum(axis=(1, 2))
    return replace(
        _blank(len(cells), 2),
        histogram=Histogram(full, full, full, score, score),
        sums=Sums(rows, rows, rows, summed, summed),
    )


def class_shares(classes=4, apart=1.5, tilt=1.0, rare=False, points=4000, digits=2):
    """(proba (points, C), joint shares (points, C)): prototypes of rows, each with its chance of every label.

    Prototypes are drawn around one class each, `apart` standard deviations away; tilt: 1 is calibrated, above it the
    scores are too sure of themselves. rare: the last class has a twentieth of the rows.
    """
    random = np.random.default_rng(2026)
    share = np.array([0.95 / (classes - 1)] * (classes - 1) + [0.05]) if rare else np.full(classes, 1 / classes)
    home = random.choice(classes, points, p=share)
    place = random.standard_normal((points, classes)) + apart * np.eye(classes)[home]
    truth = np.exp(apart * place) * share
    truth /= truth.sum(axis=1, keepdims=True)
    proba = truth**tilt / (truth**tilt).sum(axis=1, keepdims=True)
    return np.round(proba, digits), truth / points


def class_scores(n, draws, seed, **kind):
    """`draws` samples of n labelled rows with the scores of all classes; draws = 0: the population itself."""
    proba, joint = class_shares(**kind)
    points, classes = joint.shape
    if draws:
        held = np.random.default_rng(seed).multinomial(n, joint.ravel(), size=draws)
    else:
        held = np.rint(joint.ravel()[None] * 1e9)
    held = held.reshape(-1, points, classes).astype(float)

    def counted(score, labels):
        """(draws, L + 1, codes): rows of each label (draws, points, L) by the score of their prototype."""
        low, code = np.unique(score, return_inverse=True)
        order = np.argsort(code, kind="stable")
        starts = np.searchsorted(code[order], np.arange(len(low)))
        cells = np.add.reduceat(labels[:, order], starts, axis=1).transpose(0, 2, 1)
        full = np.concatenate([cells, np.zeros((len(cells), 1, len(low)))], axis=1)
        return Histogram(full, full, full, low, low)

    order = np.argsort(proba, axis=1, kind="stable")[:, ::-1]
    rank = np.argsort(order, axis=1, kind="stable")
    ranks = np.stack([(held * (rank == place)).sum(axis=(1, 2)) for place in range(classes)], axis=1)
    code = np.column_stack([np.unique(proba[:, own], return_inverse=True)[1] for own in range(classes)]).astype(float)
    across = held.transpose(0, 2, 1)
    first, second = across @ code, across @ (code[:, :, None] * code[:, None, :]).reshape(points, -1)
    second = second.reshape(-1, classes, classes, classes)
    right = (held * (rank == 0)).sum(axis=2)
    return replace(
        _blank(len(held), classes),
        classes=tuple("abcdefghij"[:classes]),
        class_histograms=tuple(counted(proba[:, own], held) for own in range(classes)),
        top_label=counted(proba.max(axis=1), np.stack([held.sum(axis=2) - right, right], axis=2)),
        ranks=Ranks(ranks, ranks, ranks),
        class_moments=Moments(held.sum(axis=1), first, second),
    )


def numbers(n, draws, seed, *, weighted=False):
    """`draws` samples of n labels, predictions (and weights independent of both) of a regression."""
    random = np.random.default_rng(seed)
    label = 20 + 4 * random.standard_normal(n * draws)
    prediction = label + 0.3 + (0.5 + 0.05 * label) * random.standard_normal(n * draws)
    weight = random.gamma(2, 1, n * draws) if weighted else None
    return cubes.regression_cube(label, prediction, weight, np.repeat(np.arange(draws), n))


def covered(estimates, truth):
    """The share of the intervals that hold the truth, over the draws that have one, and the share that have one."""
    known = ~np.isnan(estimates.low)
    inside = (estimates.low[known] <= truth + 1e-12) & (estimates.high[known] >= truth - 1e-12)
    return float(inside.mean()), float(known.mean())
