"""Representative rows: few whose explanations together show what the explanations of all lean on.

SP-LIME of Ribeiro, Singh and Guestrin 2016: a feature weighs the root of the sum of its absolute weights, a set of rows
covers the features its explanations have, and the row that adds most is taken, again and again. Coverage is submodular,
so this greedy choice reaches at least 63 % of the best one (Nemhauser, Wolsey and Fisher 1978).
"""

import numpy as np


def sparse(weights: np.ndarray, top: int) -> np.ndarray:
    """(rows, features): each row's largest `top` weights by size, 0 for the others; of equals the first."""
    order = np.argsort(-np.abs(weights), axis=1, kind="stable")[:, :top]
    kept = np.zeros(weights.shape, bool)
    np.put_along_axis(kept, order, True, axis=1)
    return np.where(kept, weights, 0.0)


def picked(weights: np.ndarray, count: int) -> list[int]:
    """At most `count` places of rows, the one that covers most first; fewer where further ones add nothing.

    weights: (rows, features), 0 where an explanation does not have a feature.
    """
    has = weights != 0
    worth = np.sqrt(np.abs(weights).sum(axis=0))
    found: list[int] = []
    covered = np.zeros(weights.shape[1], bool)
    for _ in range(min(count, len(weights))):
        gain = (has & ~covered) @ worth
        best = int(gain.argmax())
        if gain[best] <= 0:
            break
        found.append(best)
        covered |= has[best]
    return found
