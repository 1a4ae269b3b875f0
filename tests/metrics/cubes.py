"""Cubes counted row by row with numpy: what the engine would return, made without it. -1 or nan means missing."""

from dataclasses import replace

import numpy as np
import polars as pl

from analysis.core.classscores import Moments, Ranks
from analysis.core.cube import Confusion, Cube, Histogram, Order, Sums
from analysis.core.wholes import Units


def _groups(group, size):
    group = np.zeros(size, dtype=int) if group is None else np.asarray(group)
    return group, int(group.max(initial=0)) + 1


def _count(shape, index, values):
    out = np.zeros(shape, dtype=values.dtype)
    np.add.at(out, index, values)
    return out


def _triple(shape, index, weight, size):
    n = _count(shape, index, np.ones(size, dtype=np.int64))
    if weight is None:
        return n, n, n
    return n, _count(shape, index, weight), _count(shape, index, weight * weight)


def _blank(group, groups):
    return Cube(pl.DataFrame({"g": [str(i) for i in range(groups)]}), np.bincount(group, minlength=groups))


def confusion(label, decision, classes, weight=None, group=None):
    label, decision = np.asarray(label), np.asarray(decision)
    group, groups = _groups(group, len(label))
    index = (group, np.where(label < 0, classes, label), np.where(decision < 0, classes, decision))
    shape = (groups, classes + 1, classes + 1)
    return Confusion(*_triple(shape, index, weight, len(label)), weighted=weight is not None)


def codes(score, limit=8192):
    """(code of each row, low, high): distinct values if few, else equal-frequency edges plus k/15 and k/100.

    A value more frequent than a bin should be gets a code of its own.
    """
    values, counts = np.unique(score, return_counts=True)
    if len(values) <= limit:
        return np.searchsorted(values, score), values, values
    heavy = values[counts > len(score) / limit]
    quantiles = np.quantile(score, np.linspace(0, 1, limit + 1), method="inverted_cdf")
    fixed = np.concatenate([np.arange(16) / 15, np.arange(101) / 100])
    fixed = fixed[(fixed > values[0]) & (fixed < values[-1])]
    edges = np.unique(np.concatenate([quantiles, fixed, heavy, np.nextafter(heavy, np.inf)]))
    edges = edges[(edges >= values[0]) & (edges <= values[-1])]
    code = np.clip(np.searchsorted(edges, score, side="right") - 1, 0, len(edges) - 2)
    low, high = edges[:-1].copy(), edges[1:].copy()
    least, most = np.full(len(low), np.inf), np.full(len(low), -np.inf)
    np.minimum.at(least, code, score)
    np.maximum.at(most, code, score)
    single = least == most
    low[single], high[single] = least[single], least[single]
    return code, low, high


def histogram(label, score, weight=None, group=None, limit=8192):
    label, score = np.asarray(label), np.asarray(score, dtype=float)
    group, groups = _groups(group, len(label))
    kept = ~np.isnan(score)
    code, low, high = codes(score[kept], limit)
    kept_weight = None if weight is None else weight[kept]
    index = (group[kept], np.where(label[kept] < 0, 2, label[kept]), code)
    cells = _triple((groups, 3, len(low)), index, kept_weight, int(kept.sum()))
    return Histogram(*cells, low, high, weighted=weight is not None)


def sums(terms, weight=None, group=None):
    size = len(next(iter(terms.values())))
    group, groups = _groups(group, size)
    kept = ~np.isnan(np.sum(list(terms.values()), axis=0))
    w = np.ones(size) if weight is None else np.asarray(weight, dtype=float)
    count = lambda values: _count(groups, group[kept], values[kept])  # noqa: E731
    n = count(np.ones(size, dtype=np.int64))
    s = {name: count(w * term) for name, term in terms.items()}
    q = {name: count(w * w * term) for name, term in terms.items()}
    return Sums(n, count(w), count(w * w), s, q, weighted=weight is not None)


def weighted_quantile(values, w, share):
    """The linear-interpolation sample quantile without weights, the left-continuous inverse with them."""
    if w is None:
        return np.quantile(values, share)
    order = np.argsort(values)
    return values[order][np.searchsorted(np.cumsum(w[order]), share * w.sum())]


def order(values, weight=None, group=None, limit=8192, levels=(0.5,)):
    values = np.asarray(values, dtype=float)
    group, groups = _groups(group, len(values))
    kept = ~np.isnan(values)
    code, low, high = codes(values[kept], limit)
    kept_weight = None if weight is None else weight[kept]
    n, w, _ = _triple((groups, len(low)), (group[kept], code), kept_weight, int(kept.sum()))
    exact = {level: np.full(groups, np.nan) for level in levels}
    for g in range(groups):
        mine = kept & (group == g)
        for level in levels if mine.any() else ():
            exact[level][g] = weighted_quantile(values[mine], None if weight is None else weight[mine], level)
    return Order(n, w, low, high, exact, weighted=weight is not None)


def binary_cube(label, score=None, decision=None, weight=None, group=None, limit=8192):
    label = np.asarray(label)
    ids, groups = _groups(group, len(label))
    cube = replace(_blank(ids, groups), classes=("no", "yes"))
    if decision is not None:
        cube = replace(cube, confusion=confusion(label, decision, 2, weight, group))
    if score is not None:
        score = np.asarray(score, dtype=float)
        cube = replace(cube, histogram=histogram(label, score, weight, group, limit))
        if np.nanmin(score) >= 0 and np.nanmax(score) <= 1:
            p = np.clip(score, np.finfo(float).eps, 1 - np.finfo(float).eps)
            ll = -np.where(label == 1, np.log(p), np.log1p(-p))
            sq = (score - label) ** 2
            terms = {"ll": ll, "ll2": ll**2, "sq": sq, "sq2": sq**2}
            terms = {name: np.where(label < 0, np.nan, term) for name, term in terms.items()}
            cube = replace(cube, sums=sums(terms, weight, group))
    return cube


def multiclass_cube(label, decision, proba=None, weight=None, group=None, classes=3):
    label = np.asarray(label)
    ids, groups = _groups(group, len(label))
    cube = replace(_blank(ids, groups), classes=tuple("abcdefghij"[:classes]))
    cube = replace(cube, confusion=confusion(label, decision, classes, weight, group))
    if proba is not None:
        one = np.eye(classes)[np.maximum(label, 0)]
        ll = -np.log(np.clip((proba * one).sum(axis=1), np.finfo(float).eps, 1))
        sq = ((proba - one) ** 2).sum(axis=1) / 2
        terms = {"ll": ll, "ll2": ll**2, "sq": sq, "sq2": sq**2}
        terms = {name: np.where(label < 0, np.nan, term) for name, term in terms.items()}
        cube = replace(cube, sums=sums(terms, weight, group))
        cube = replace(cube, **class_parts(label, proba, weight, group))
    return cube


def class_parts(label, proba, weight=None, group=None):
    """Histogram of each class's score by actual class, that of the highest score, and the ranks of the labels."""
    group, groups = _groups(group, len(label))
    classes = proba.shape[1]
    many, coded = [], []
    for own in range(classes):
        code, low, high = codes(proba[:, own])
        cells = _triple(
            (groups, classes + 1, len(low)), (group, np.where(label < 0, classes, label), code), weight, len(label)
        )
        coded.append(code)
        many.append(Histogram(*cells, low, high, weighted=weight is not None))
    order = np.argsort(proba, axis=1, kind="stable")[:, ::-1]
    rank = (order == label[:, None]).argmax(axis=1)
    right = np.where(label < 0, -1, (order[:, 0] == label).astype(int))
    known = label >= 0
    known_weight = None if weight is None else weight[known]
    ranks = _triple((groups, classes), (group[known], rank[known]), known_weight, int(known.sum()))
    return {
        "class_histograms": tuple(many),
        "top_label": histogram(right, proba.max(axis=1), weight, group),
        "ranks": Ranks(*ranks, weighted=weight is not None),
        "class_moments": moments(
            np.column_stack(coded)[known].astype(float), label[known], group[known], groups, classes
        ),
    }


def moments(coded, label, group, groups, classes):
    """Sums of the codes of every class and of their products, by actual class."""
    products = coded[:, :, None] * coded[:, None, :]
    n = _count((groups, classes), (group, label), np.ones(len(label)))
    first, second = np.zeros((groups, classes, classes)), np.zeros((groups, classes, classes, classes))
    np.add.at(first, (group, label), coded)
    np.add.at(second, (group, label), products)
    return Moments(n, first, second)


def regression_cube(label, prediction, weight=None, group=None, limit=8192):
    label, prediction = np.asarray(label, dtype=float), np.asarray(prediction, dtype=float)
    ids, groups = _groups(group, len(label))
    known = ~np.isnan(label + prediction)
    e, y = prediction - label, label - label[~np.isnan(label)].mean()
    ae, ay, zero = np.abs(e), np.abs(label), label == 0
    ape = np.where(zero, 0.0, ae / np.where(zero, 1.0, ay))
    scale = ay + np.abs(prediction)
    sape = np.where(scale == 0, 0.0, 2 * ae / np.where(scale == 0, 1.0, scale))
    middle = np.median(label[known])
    terms = {
        "e": e, "ae": ae, "e2": e**2, "e4": e**4, "y": y, "y2": y**2, "y3": y**3, "y4": y**4,
        "e2y": e**2 * y, "e2y2": e**2 * y**2, "d": np.abs(label - middle), "zero": zero.astype(float),
        "ape": ape, "ape2": ape**2, "aey": ae * ay, "ay": ay, "ay2": ay**2, "sape": sape, "sape2": sape**2,
        "over": (e > 0).astype(float), "under": (e < 0).astype(float),
    }  # fmt: skip
    terms = {name: np.where(known, term, np.nan) for name, term in terms.items()}
    orders = {
        "ae": order(terms["ae"], weight, group, limit),
        "d": order(terms["d"], weight, group, limit),
    }
    return replace(_blank(ids, groups), sums=sums(terms, weight, group), orders=orders)


def units(unit, terms=None, confused=None, scored=None, weight=None, group=None):
    """Units counted row by row. terms: {name: per-row values, nan missing}; confused: (label, decision, classes);
    scored: (label, score)."""
    unit = np.asarray(unit)
    group, groups = _groups(group, len(unit))
    w = np.ones(len(unit)) if weight is None else np.asarray(weight, dtype=float)
    each = [(group == g) & (unit == u) for g in range(groups) for u in np.unique(unit[group == g])]
    of = np.array([group[mask][0] for mask in each])

    def together(values):
        """(G, K, K) sums over units of the products of their sums of (N, K) per-row values."""
        totals = np.stack([values[mask].sum(axis=0) for mask in each])
        return np.stack([totals[of == g].T @ totals[of == g] for g in range(groups)])

    made = Units(np.bincount(of, minlength=groups))
    if terms is not None:
        known = ~np.isnan(np.sum(list(terms.values()), axis=0))
        values = np.stack([np.ones(len(unit)), *terms.values()], axis=1)
        moments = together(np.where(known[:, None], values, 0) * w[:, None])
        used = np.bincount([g for g, mask in zip(of, each, strict=True) if known[mask].any()], minlength=groups)
        made = replace(made, terms=("one", *terms), moments=moments, used=used)
    if confused is not None:
        label, decision, classes = confused
        cell = np.where(label < 0, classes, label) * (classes + 1) + np.where(decision < 0, classes, decision)
        made = replace(made, cells=together(np.eye((classes + 1) ** 2)[cell] * w[:, None]))
    if scored is not None:
        made = replace(made, **_ranked(*scored, w, group, groups, each, of))
    return made


def _ranked(label, score, w, group, groups, each, of):
    psi = np.full(len(label), np.nan)
    for g in range(groups):
        mine = (group == g) & (label >= 0) & ~np.isnan(score)
        for side in (0, 1):
            own, other = mine & (label == side), mine & (label == 1 - side)
            beats = (score[own][:, None] > score[other][None, :]) == bool(side)
            half = np.where(score[own][:, None] == score[other][None, :], 0.5, beats)
            psi[own] = half @ w[other] / w[other].sum()
        area = np.average(psi[mine & (label == 1)], weights=w[mine & (label == 1)])
        for side in (0, 1):
            own = mine & (label == side)
            psi[own] = w[own] * (psi[own] - area) / w[own].sum()
    known = ~np.isnan(psi)
    totals = np.array([np.nansum(psi[mask]) for mask in each])
    seen = [g for g, mask in zip(of, each, strict=True) if known[mask].any()]
    return {"auc": np.bincount(of, totals**2, groups), "ranked": np.bincount(seen, minlength=groups)}
