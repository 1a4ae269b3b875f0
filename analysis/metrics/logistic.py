"""Logistic regression of a label on few functions of a score, by maximum likelihood over a histogram's cells."""

from dataclasses import dataclass

import numpy as np

from analysis.core.replicates import Dealt
from analysis.metrics.intervals import divide

STEPS, HALVINGS = 100, 30
STILL = 1e-11
"""Newton's steps end once they move every linear predictor by less than this share of its size."""
CERTAIN = 1e-9
"""Where the mean of p (1 - p) is below this, every row is certain and the coefficients are on their way to infinity."""


@dataclass(frozen=True)
class Fitted:
    """coefficients: (G, P), nan where no finite maximum was found. likelihood: (G,) the log likelihood there."""

    coefficients: np.ndarray
    likelihood: np.ndarray


def clipped(score: np.ndarray, margin: float) -> np.ndarray:
    """A probability kept `margin` away from 0 and 1, where its logarithm would be infinite."""
    return np.clip(score, margin, 1 - margin)


def logit(score: np.ndarray) -> np.ndarray:
    """ln(s / (1 - s)) for s strictly between 0 and 1."""
    return np.log(score) - np.log1p(-score)


def likelihood(line: np.ndarray, negatives: np.ndarray, positives: np.ndarray) -> np.ndarray:
    """(G,) log likelihood of the cells, given each one's linear predictor (G, B)."""
    return -(positives * np.logaddexp(0, -line) + negatives * np.logaddexp(0, line)).sum(axis=1)


def fit(design: np.ndarray, negatives: np.ndarray, positives: np.ndarray) -> Fitted:
    """Coefficients that make the labels likeliest, by Newton's method (iteratively reweighted least squares).

    design: (B, P), what each code is described by, with a column of ones for an intercept. negatives, positives:
    (G, B) weights of the rows of either class. Steps that lower the likelihood are halved, so that it only climbs.
    """
    groups, width = len(positives), design.shape[1]
    found, ended = np.zeros((groups, width)), np.zeros(groups, dtype=bool)
    total = negatives + positives
    with np.errstate(all="ignore"):
        best = likelihood(found @ design.T, negatives, positives)
        for _ in range(STEPS):
            line = found @ design.T
            p = 1 / (1 + np.exp(-line))
            slope = (positives - total * p) @ design
            curve = np.einsum("gb,bi,bj->gij", total * p * (1 - p), design, design, optimize=True)
            step = _solved(curve, slope)
            step[ended | ~np.isfinite(step).all(axis=1)] = 0.0
            tried = found + step
            got = likelihood(tried @ design.T, negatives, positives)
            for _ in range(HALVINGS):
                worse = ~(got >= best - 1e-12 * np.abs(best)) & ~ended
                if not worse.any():
                    break
                step[worse] /= 2
                tried = found + step
                got = likelihood(tried @ design.T, negatives, positives)
            moved = np.abs(step @ design.T).max(axis=1, initial=0.0)
            found, best = tried, got
            ended |= moved <= STILL * (1 + np.abs(found @ design.T).max(axis=1, initial=0.0))
            if ended.all():
                break
        p = 1 / (1 + np.exp(-(found @ design.T)))
        flat = np.abs((positives - total * p) @ design).max(axis=1, initial=0.0)
    size = np.maximum(total.sum(axis=1), np.finfo(float).tiny)
    settled = ended & (flat <= 1e-6 * size) & ((total * p * (1 - p)).sum(axis=1) > CERTAIN * size)
    found[~settled] = np.nan
    return Fitted(found, np.where(settled, best, np.nan))


def _solved(curve: np.ndarray, slope: np.ndarray) -> np.ndarray:
    """The Newton step of each group; nan where its curvature has no inverse."""
    step = np.full(slope.shape, np.nan)
    for group in range(len(slope)):
        try:
            step[group] = np.linalg.solve(curve[group], slope[group])
        except np.linalg.LinAlgError:  # a group without rows, or whose scores do not vary
            continue
    return step


def overlapping(x: np.ndarray, negatives: np.ndarray, positives: np.ndarray) -> np.ndarray:
    """(G,) whether the classes overlap on x (B,): else the likelihood climbs for ever (Albert and Anderson 1984)."""

    def ends(cells: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        held = cells > 0
        low = np.where(held, x, np.inf).min(axis=1, initial=np.inf)
        return low, np.where(held, x, -np.inf).max(axis=1, initial=-np.inf)

    (low0, high0), (low1, high1) = ends(negatives), ends(positives)
    return (high0 > low1) & (high1 > low0)


def sandwich(
    design: np.ndarray,
    coefficients: np.ndarray,
    cells: tuple[np.ndarray, np.ndarray],
    squares: tuple[np.ndarray, np.ndarray],
    rows: np.ndarray,
    dealt: Dealt | None = None,
) -> np.ndarray:
    """(G, P, P) covariance of the coefficients, linearised (Huber 1967; Binder 1983 for weights), with n / (n - P).

    cells, squares: sums of weights and of squared weights of negatives and positives, (G, B) each; rows: (G,). dealt:
    the same rows by random group of units, where the covariance is between units, with m / (m - 1).
    """
    w0, w1 = cells
    q0, q1 = squares
    p = 1 / (1 + np.exp(-(coefficients @ design.T)))
    curve = np.einsum("gb,bi,bj->gij", (w0 + w1) * p * (1 - p), design, design, optimize=True)
    middle = np.einsum("gb,bi,bj->gij", q1 * (1 - p) ** 2 + q0 * p**2, design, design, optimize=True)
    scale = divide(rows, rows - design.shape[1])
    if dealt is not None:
        pull = np.stack([-p, 1 - p], axis=1)[..., None] * design
        moved, hidden = dealt.summed(pull, np.stack(cells, axis=1), np.stack(squares, axis=1))
        middle = np.swapaxes(moved, 1, 2) @ moved + hidden[:, None] * np.eye(design.shape[1])
        scale = divide(dealt.units, dealt.units - 1.0)
    known = np.isfinite(coefficients).all(axis=1)
    bread = np.full(curve.shape, np.nan)
    bread[known] = np.linalg.inv(curve[known])
    return bread @ middle @ bread * scale[:, None, None]
