"""Two model versions on the same rows as cubes, counted row by row with numpy. -1 or nan means missing."""

from dataclasses import replace

import numpy as np

from analysis.core.joint import Joint, Pair
from tests.metrics import cubes


def joint(label, first, second, weight, group, size, steps=(1, 1)):
    """The cells of rows that both answered; -1 as label becomes `size`."""
    label, first, second = (np.asarray(each) for each in (label, first, second))
    kept = (first >= 0) & (second >= 0)
    rows = np.stack([group, np.where(label < 0, size, label), first // steps[0], second // steps[1]], axis=1)[kept]
    sizes = rows.max(axis=0) + 1
    flat, place = np.unique(np.ravel_multi_index(rows.T, sizes), return_inverse=True)
    keys = np.stack(np.unravel_index(flat, sizes), axis=1)
    n = np.bincount(place, minlength=len(keys))
    w, w2 = n, n
    if weight is not None:
        w, w2 = (np.bincount(place, weights=weight[kept] ** power, minlength=len(keys)) for power in (1, 2))
    return Joint(*keys.T, n, w, w2, weight is not None, steps)


def decisions(label, first, second, classes=2, weight=None, group=None):
    """(first's cube with the pair, second's cube)."""
    both = (np.asarray(first) >= 0) & (np.asarray(second) >= 0)
    ids = np.zeros(len(label), dtype=int) if group is None else np.asarray(group)
    made = []
    for own in (first, second):
        given = np.where(both, own, -1)
        if classes == 2:
            made.append(cubes.binary_cube(label, None, given, weight, group))
        else:
            made.append(cubes.multiclass_cube(label, given, None, weight, group, classes))
    pair = Pair(decisions=joint(label, first, second, weight, ids, classes))
    return replace(made[0], pair=pair), made[1]


def scores(label, first, second, weight=None, group=None, steps=(1, 1)):
    """The same of scored rows, all labelled; with the sums of their losses."""
    ids = np.zeros(len(label), dtype=int) if group is None else np.asarray(group)
    made = [cubes.binary_cube(label, own, None, weight, group) for own in (first, second)]
    codes = [cubes.codes(np.asarray(own, dtype=float))[0] for own in (first, second)]
    terms = {}
    for name, loss in {
        "ll": lambda s: -np.log(np.where(np.asarray(label) == 1, s, 1 - s)),
        "sq": lambda s: (s - label) ** 2,
    }.items():
        terms[name] = loss(np.asarray(first)) - loss(np.asarray(second))
    pair = Pair(scores=joint(label, *codes, weight, ids, 2, steps), sums=gaps(terms, weight, group))
    return replace(made[0], pair=pair), made[1]


def gaps(terms, weight=None, group=None):
    """Per-row differences and their squares as Sums."""
    return cubes.sums({**terms, **{f"{name}^2": gap**2 for name, gap in terms.items()}}, weight, group)


def forecasts(label, first, second, weight=None, group=None):
    """The same of forecasts."""
    made = [cubes.regression_cube(label, own, weight, group) for own in (first, second)]
    errors = [np.asarray(own) - label for own in (first, second)]
    terms = {
        "e": errors[0] - errors[1],
        "ae": np.abs(errors[0]) - np.abs(errors[1]),
        "e2": errors[0] ** 2 - errors[1] ** 2,
    }
    return replace(made[0], pair=Pair(sums=gaps(terms, weight, group))), made[1]
