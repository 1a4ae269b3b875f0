"""Operation, cost, ranks and quantiles counted row by row: columns for the oracles, and their parts of a cube."""

import numpy as np
from scipy import stats
from sklearn import metrics as sk

from analysis.core.wholes import Days, RankProducts
from tests.metrics import cubes

LEVELS = (0.1, 0.5, 0.9)
LATENCY = (0.5, 0.95, 0.99)
BLANK = ("latency", "cost", "day", "quantiles")


def columns(seed, label=None, n=700):
    """latency, cost, day (and three quantiles of a numeric label); about a tenth of each missing."""
    random = np.random.default_rng([seed, 5])
    made = {
        "latency": np.round(random.lognormal(4, 0.5, n)),
        "cost": np.round(random.gamma(2, 0.3, n), 4),
        "day": np.floor(random.beta(1.2, 1.0, n) * 40),
    }
    if label is not None:
        middle = np.nan_to_num(label, nan=5.0) * random.lognormal(0, 0.3, n)
        made["quantiles"] = np.round(middle[:, None] * np.array([0.6, 1.0, 1.6]), 3)
    for values in made.values():
        values[random.random(n) < 0.1] = np.nan
    return made


def answered(rows):
    """Whether the model answered each row."""
    if "prediction" in rows:
        return ~np.isnan(rows["prediction"])
    return (rows["decision"] >= 0) | (~np.isnan(rows["score"]) if "score" in rows else False)


def pinball(label, quantiles):
    """(n,) the mean pinball loss over the levels."""
    gap = label[:, None] - quantiles
    return np.mean(
        [np.maximum(level * gap[:, at], (level - 1) * gap[:, at]) for at, level in enumerate(LEVELS)], axis=0
    )


def parts(rows, group=None, limit=8192):
    """The parts of a cube these columns give."""
    if "latency" not in rows:
        return {}
    w, there, cost = rows["weight"], answered(rows), np.where(answered(rows), rows["cost"], np.nan)
    over = {
        "answers": {"unanswered": (~there).astype(float)},
        "costs": {"cost": cost, "cost2": cost**2},
    }
    made = {}
    if "decision" in rows:
        known = (rows["label"] >= 0) & (rows["decision"] >= 0)
        paid, right = np.where(known, rows["cost"], np.nan), (rows["label"] == rows["decision"]).astype(float)
        over["decided_costs"] = {"cost": paid, "cost2": paid**2, "right": right, "cost_right": paid * right}
    if "quantiles" in rows:
        q, label = rows["quantiles"], rows["label"]
        width = np.where(np.isnan(q).any(axis=1), np.nan, q[:, -1] - q[:, 0])
        flat = np.quantile(label[~np.isnan(label)], LEVELS)
        loss, inside = pinball(label, q), ((label >= q[:, 0]) & (label <= q[:, -1])).astype(float)
        over["bands"] = {"width": width, "width2": width**2}
        over["quantiles"] = {
            "loss": loss, "loss2": loss**2, "flat": pinball(label, np.tile(flat, (len(label), 1))),
            "inside": inside, "nominal": np.full(len(label), 0.8),
        }  # fmt: skip
        made["rank_products"] = rank_products(rows["label"], rows["prediction"], w, group)
    made["over"] = {name: cubes.sums(terms, w, group) for name, terms in over.items()}
    made["days"] = days(rows["day"], there, group)
    orders = {"latency": cubes.order(rows["latency"], w, group, limit, LATENCY)}
    return {**made, "orders": orders}


def days(day, there, group=None):
    group, groups = cubes._groups(group, len(day))
    found = []
    for g in range(groups):
        mine = (group == g) & ~np.isnan(day)
        counts = np.unique(day[mine & there], return_counts=True)[1]
        span = int(np.ptp(day[mine])) + 1 if mine.any() else 0
        found.append((counts.sum(), (counts**2).sum(), span))
    n, squares, span = (np.array(each) for each in zip(*found, strict=True))
    return Days(n, squares.astype(float), span)


def midranks(values, w):
    """(n,) weight below plus half that of the ties, less its mean."""
    below = (values[None, :] < values[:, None]) @ w + (values[None, :] == values[:, None]) @ w / 2
    return below - w.sum() / 2


def rank_products(label, prediction, weight=None, group=None):
    group, groups = cubes._groups(group, len(label))
    weights = np.ones(len(label)) if weight is None else weight
    found = []
    for g in range(groups):
        mine = (group == g) & ~np.isnan(label + prediction)
        w = weights[mine]
        a, b = midranks(label[mine], w), midranks(prediction[mine], w)
        found.append((mine.sum(), w.sum(), (w**2).sum(), (w * a * a).sum(), (w * b * b).sum(), (w * a * b).sum(), 0, 0))
    return RankProducts(*(np.array(each) for each in zip(*found, strict=True)), weighted=weight is not None)


def _weight(rows):
    return np.ones(len(rows["label"])) if rows["weight"] is None else rows["weight"]


def _kept(rows, keep, function):
    return function({name: array[keep] for name, array in rows.items() if array is not None}, _weight(rows)[keep])


def latency(level):
    def oracle(rows):
        keep = ~np.isnan(rows["latency"])
        weight = None if rows["weight"] is None else rows["weight"][keep]
        return cubes.weighted_quantile(rows["latency"][keep], weight, level)

    return oracle


def throughput(rows):
    """numpy's histogram of the days, every day in the span a bin."""
    day = rows["day"][~np.isnan(rows["day"])]
    edges = np.arange(day.min(), day.max() + 2)
    return np.histogram(rows["day"][~np.isnan(rows["day"]) & answered(rows)], edges)[0].mean()


def cost(rows):
    keep = answered(rows) & ~np.isnan(rows["cost"])
    return _kept(rows, keep, lambda kept, w: np.average(kept["cost"], weights=w))


def cost_per_right(rows):
    keep = (rows["label"] >= 0) & (rows["decision"] >= 0) & ~np.isnan(rows["cost"])

    def ratio(kept, w):
        share = sk.accuracy_score(kept["label"], kept["decision"], sample_weight=w)
        return np.average(kept["cost"], weights=w) / share

    return _kept(rows, keep, ratio)


def forecast(function):
    """Over the rows with a label and every quantile."""

    def oracle(rows):
        keep = ~np.isnan(rows["label"] + rows["quantiles"].sum(axis=1))
        return _kept(rows, keep, function)

    return oracle


def loss(kept, w):
    return np.mean(
        [
            sk.mean_pinball_loss(kept["label"], kept["quantiles"][:, at], alpha=level, sample_weight=w)
            for at, level in enumerate(LEVELS)
        ]
    )


def flat_loss(rows):
    ends = np.quantile(rows["label"][~np.isnan(rows["label"])], LEVELS)
    return forecast(lambda kept, w: loss({**kept, "quantiles": np.tile(ends, (len(w), 1))}, w))(rows)


def inside(kept, w):
    outer = kept["quantiles"]
    return np.average((kept["label"] >= outer[:, 0]) & (kept["label"] <= outer[:, 2]), weights=w)


def width(rows):
    keep = ~np.isnan(rows["quantiles"]).any(axis=1)
    return _kept(rows, keep, lambda kept, w: np.average(kept["quantiles"][:, 2] - kept["quantiles"][:, 0], weights=w))


def spearman(y, p, w):
    """scipy's rho; with weights the weighted correlation (numpy's cov) of weighted midranks."""
    if np.all(w == 1):
        return stats.spearmanr(y, p).statistic
    spread = np.cov(midranks(y, w), midranks(p, w), aweights=w)
    return spread[0, 1] / np.sqrt(spread[0, 0] * spread[1, 1])


ORACLES = {
    **{f"latency_p{level * 100:.0f}": latency(level) for level in LATENCY},
    "throughput": throughput,
    "missing_prediction_rate": lambda rows: np.average(~answered(rows), weights=_weight(rows)),
    "cost_per_prediction": cost,
    "cost_per_correct_decision": cost_per_right,
    "quantile_loss": forecast(loss),
    "interval_coverage": forecast(inside),
    "interval_width": width,
}
BASELINES = {
    **{name: lambda rows: np.nan for name in ORACLES},
    "quantile_loss": flat_loss,
    "interval_coverage": lambda rows: 0.8,
    "spearman": lambda rows: 0.0,
    **{f"{side}_prediction_share": lambda rows: np.nan for side in ("over", "under")},
}
