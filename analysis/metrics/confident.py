"""Confident learning: how many labels are likely wrong, from how often scores confidently contradict them.

A row is confidently of class j when its score for j reaches that class's threshold, the mean score for j of the rows
labelled j; of several such classes the one with the highest score counts. Rows by label and confident class are the
confident joint (Northcutt, Jiang and Chuang 2021, section 3.1). Two things it cannot tell apart are said with it: a
label that is wrong, and a surprise the scores were too sure of.
"""

from dataclasses import dataclass

import numpy as np

from analysis.core.estimate import Estimates
from analysis.metrics.intervals import divide, reasons, wilson, z_value

METHOD = "confident joint; Wilson on the effective n of a jackknife that moves the thresholds too"
PARTS = 50
TOLERANCE = 1e-6
"""A score so close below a threshold reaches it: the mean of equal numbers may miss them in its last digit."""
FEW = 5.0
"""Contradictions below which an excess earns no verdict and a jackknife no trust."""


def joint_of(labels: np.ndarray, scores: np.ndarray, counted: np.ndarray) -> np.ndarray:
    """The confident joint, (K, K), of rows: labels (n,) by number, scores (n, K). Thresholds are those of all rows;
    only those `counted`, (n,), are in the joint."""
    k = scores.shape[1]
    own = scores[np.arange(len(labels)), labels]
    thresholds = divide(np.bincount(labels, own, k), np.bincount(labels, minlength=k))
    reached = np.where(scores >= np.nan_to_num(thresholds, nan=np.inf) - TOLERANCE, scores, -1.0)
    best = reached.argmax(axis=1)
    sure = counted & (reached.max(axis=1) >= 0)
    return np.bincount(labels[sure] * k + best[sure], minlength=k * k).reshape(k, k)


def spread(labels: np.ndarray, scores: np.ndarray, counted: np.ndarray) -> np.ndarray:
    """(K + 1,) variances of the classes' shares and, last, of the whole share, by leaving out each of PARTS parts of
    the rows in turn, thresholds and all (delete-a-group jackknife; Shao and Tu 1995, section 2.3). For n rows.

    The rows are dealt to the parts in turn, so they must be in no order that matters.
    """
    part = np.arange(len(labels)) % PARTS
    left = []
    for each in range(PARTS):
        stay = part != each
        joint = joint_of(labels[stay], scores[stay], counted[stay])
        labelled = np.bincount(labels[stay & counted], minlength=scores.shape[1])
        left.append(_shares(joint, labelled))
    values = np.array(left)
    return (PARTS - 1) / PARTS * np.square(values - values.mean(axis=0)).sum(axis=0)


def _shares(joint: np.ndarray, labelled: np.ndarray) -> np.ndarray:
    """(K + 1,): the share of each label that is likely wrong, and of all."""
    each = divide(joint.sum(axis=1) - np.diag(joint), joint.sum(axis=1))
    held = labelled > 0
    whole = float(labelled[held] @ each[held] / labelled.sum()) if held.any() else np.nan
    return np.append(each, whole)


def wrong(joint: np.ndarray, labelled: np.ndarray, variance: np.ndarray, level: float) -> Estimates:
    """The share of each label, and last of all labels, that is likely wrong: (K + 1,).

    joint: (K, K) rows by label and confident class; labelled: (K,) rows of each label. A label's share is that of its
    confident rows which lie off the diagonal, n their number; the whole share weighs these by the labels' rows, and n
    is all labelled rows. variance: (K + 1,), see `spread`; where fewer than FEW rows lie off the diagonal the interval
    takes the confident rows as so many trials. A label without a confident row makes the whole share undefined.
    """
    joint, labelled = np.asarray(joint, dtype=float), np.asarray(labelled)
    value = _shares(joint, labelled)
    known, off = np.append(joint.sum(axis=1), joint.sum()), joint.sum(axis=1) - np.diag(joint)
    trials = divide(value * (1 - value), variance)
    trials = np.where((np.append(off, off.sum()) >= FEW) & np.isfinite(trials), trials, known)
    low, high = wilson(np.nan_to_num(value) * trials, trials, level)
    why = reasons(
        len(value),
        (np.append(labelled == 0, labelled.sum() == 0), "no labelled row has scores"),
        (np.isnan(value), "no row of a class has a confident score"),
    )
    undefined = np.isnan(value)
    n = np.append(joint.sum(axis=1), labelled.sum()).astype(int)
    return Estimates(value, np.where(undefined, np.nan, low), np.where(undefined, np.nan, high), n, METHOD, why)


@dataclass(frozen=True)
class Surplus:
    """Contradictions beyond those the scores themselves expect, one a group. ratio: found by expected; low, high: of
    it; p: two-sided; nan where fewer than FEW are to be expected or found."""

    ratio: np.ndarray
    low: np.ndarray
    high: np.ndarray
    p: np.ndarray


def surplus(found: np.ndarray, expected: np.ndarray, variance: np.ndarray, level: float) -> Surplus:
    """Whether confident rows are contradicted more often than their scores say.

    found: contradicted confident rows. expected, variance: the sums of 1 - s and of s (1 - s) over confident rows, s
    the score of the confident class: mean and variance of `found` where scores are right (Poisson binomial, normal;
    as in Spiegelhalter 1986).
    """
    found, expected, variance = (np.asarray(each, dtype=float) for each in (found, expected, variance))
    error = np.sqrt(variance)
    ratio, half = divide(found, expected), divide(z_value(level) * error, expected)
    known = (expected >= FEW) | (found >= FEW)
    p = np.where(known, _two_sided(divide(found - expected, error)), np.nan)
    return Surplus(ratio, np.maximum(ratio - half, 0.0), ratio + half, p)


def concentrated(found: np.ndarray, expected: np.ndarray, rest: np.ndarray, rest_expected: np.ndarray) -> np.ndarray:
    """p that a group is contradicted as often for its scores as the rest is; nan where either has fewer than FEW.

    Given both counts together, the group's is binomial with its part of what is expected (conditional test of two
    Poisson means; Przyborowski and Wilenski 1940). Scores that are wrong everywhere alike do not count against it;
    and since a score's surprises vary less than Poisson's, p errs on the large side.
    """
    from scipy.special import betainc

    found, expected, rest, rest_expected = (
        np.asarray(each, dtype=float) for each in (found, expected, rest, rest_expected)
    )
    part = divide(expected, expected + rest_expected)
    known = (np.maximum(found, expected) >= FEW) & (np.maximum(rest, rest_expected) >= FEW) & (part > 0) & (part < 1)
    safe = np.where(known, part, 0.5)
    above = np.where(found > 0, betainc(np.maximum(found, 1), rest + 1, safe), 1.0)
    below = np.where(rest > 0, betainc(np.maximum(rest, 1), found + 1, 1 - safe), 1.0)
    return np.where(known, np.minimum(1.0, 2 * np.minimum(above, below)), np.nan)


def _two_sided(z: np.ndarray) -> np.ndarray:
    from scipy.special import ndtr

    return 2 * ndtr(-np.abs(z))
