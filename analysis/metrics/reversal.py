"""Reversals: the whole moves one way and all of its groups the other (Simpson 1951)."""

import numpy as np

UP, DOWN = "up", "down"


def reversed_way(whole: float, groups: np.ndarray, n: np.ndarray, *, least: float) -> str | None:
    """The way the groups move, "up" or "down", where each of two or more moves against the whole; else None.

    whole: how the whole changed. groups: (G,) how each group did, nan where that is unknown. n: (G,) the smaller side
    of each; groups below `least` are set aside.

    >>> reversed_way(0.1, np.array([-0.02, -0.05]), np.array([50, 60]), least=30)
    'down'
    """
    known = groups[(n >= least) & ~np.isnan(groups)]
    if len(known) < 2 or np.isnan(whole):
        return None
    if whole > 0 and np.all(known < 0):
        return DOWN
    return UP if whole < 0 and np.all(known > 0) else None
