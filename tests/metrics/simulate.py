"""Draws from known populations as cubes, one draw a group, so that a metric measures all of them at once."""

from dataclasses import replace

import numpy as np
import polars as pl
from scipy import stats

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
