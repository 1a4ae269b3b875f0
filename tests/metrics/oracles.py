"""What scikit-learn, scipy or plain numpy say each metric is, from rows. A metric without a row here fails a test."""

from dataclasses import replace

import numpy as np
from scipy import stats
from sklearn import metrics as sk

from tests.metrics import cubes, operations
from tests.metrics.calibration_oracles import BASELINES as CALIBRATION_BASELINES
from tests.metrics.calibration_oracles import ORACLES as CALIBRATION

BINARY, MULTICLASS, REGRESSION = "binary", "multiclass", "regression"


def binary_rows(seed, weighted=False, n=700, digits=2):
    """label, decision and score with ties; about a tenth of each missing."""
    random = np.random.default_rng(seed)
    score = np.round(random.beta(1.5, 2.5, n), digits)
    label = (random.random(n) < score).astype(int)
    decision = (random.random(n) < 0.3 + 0.4 * score).astype(int)
    score[random.random(n) < 0.1] = np.nan
    label[random.random(n) < 0.1] = -1
    decision[random.random(n) < 0.1] = -1
    weight = random.gamma(2, 1, n) if weighted else None
    return {"label": label, "decision": decision, "score": score, "weight": weight, **operations.columns(seed, n=n)}


def multiclass_rows(seed, weighted=False, n=700, classes=4):
    random = np.random.default_rng(seed)
    proba = random.dirichlet(np.full(classes, 0.7), n)
    label = np.array([random.choice(classes, p=row) for row in proba])
    decision = np.where(random.random(n) < 0.7, proba.argmax(axis=1), random.integers(0, classes, n))
    label[random.random(n) < 0.1] = -1
    decision[random.random(n) < 0.1] = -1
    weight = random.gamma(2, 1, n) if weighted else None
    return {"label": label, "decision": decision, "proba": proba, "weight": weight, **operations.columns(seed, n=n)}


def regression_rows(seed, weighted=False, n=700):
    random = np.random.default_rng(seed)
    label = np.round(random.lognormal(2, 0.8, n), 3) + 0.001
    prediction = label * random.lognormal(0, 0.3, n) + random.normal(0.2, 1, n)
    label[random.random(n) < 0.1] = np.nan
    prediction[random.random(n) < 0.1] = np.nan
    weight = random.gamma(2, 1, n) if weighted else None
    return {"label": label, "prediction": prediction, "weight": weight, **operations.columns(seed, label, n)}


ROWS = {BINARY: binary_rows, MULTICLASS: multiclass_rows, REGRESSION: regression_rows}


def cube(task, rows, group=None, limit=8192):
    made = plain_cube(task, rows, group, limit)
    further = operations.parts(rows, group, limit)
    return replace(made, **{**further, "orders": {**made.orders, **further.get("orders", {})}})


def plain_cube(task, rows, group=None, limit=8192):
    if task == BINARY:
        return cubes.binary_cube(rows["label"], rows["score"], rows["decision"], rows["weight"], group, limit)
    if task == MULTICLASS:
        classes = rows["proba"].shape[1]
        return cubes.multiclass_cube(rows["label"], rows["decision"], rows["proba"], rows["weight"], group, classes)
    return cubes.regression_cube(rows["label"], rows["prediction"], rows["weight"], group, limit)


def take(rows, keep):
    return {name: None if array is None else array[keep] for name, array in rows.items()}


def _weight(rows):
    return np.ones(len(rows["label"])) if rows["weight"] is None else rows["weight"]


def decided(function):
    def oracle(rows):
        rows = take(rows, (rows["label"] >= 0) & (rows["decision"] >= 0))
        return function(rows["label"], rows["decision"], _weight(rows), len(rows["label"]))

    return oracle


def scored(function):
    def oracle(rows):
        rows = take(rows, (rows["label"] >= 0) & ~np.isnan(rows["score"]))
        return function(rows["label"], rows["score"], _weight(rows))

    return oracle


def predicted(function):
    def oracle(rows):
        rows = take(rows, ~np.isnan(rows["label"] + rows["prediction"]))
        return function(rows["label"], rows["prediction"], _weight(rows))

    return oracle


def likely(function):
    def oracle(rows):
        if "score" in rows:
            rows = take(rows, (rows["label"] >= 0) & ~np.isnan(rows["score"]))
            proba = np.column_stack([1 - rows["score"], rows["score"]])
        else:
            rows = take(rows, rows["label"] >= 0)
            proba = rows["proba"]
        return function(rows["label"], proba, _weight(rows))

    return oracle


def macro_mean(y, d, w, kind, average="macro"):
    average = {"zero_division": np.nan, "sample_weight": w, "average": average}
    return {"p": sk.precision_score, "r": sk.recall_score, "f": sk.f1_score}[kind](y, d, **average)


def share(mask, of, w):
    return w[mask & of].sum() / w[of].sum()


def ks(y, s, w):
    """The largest gap of the two weighted distribution functions, looked for at every value."""
    gaps = [share(s <= t, y == 0, w) - share(s <= t, y == 1, w) for t in np.unique(s)]
    if np.all(w == 1):
        assert np.isclose(np.max(np.abs(gaps)), stats.ks_2samp(s[y == 0], s[y == 1]).statistic, rtol=1e-12)
    return np.max(np.abs(gaps))


def ece(y, s, w):
    total = 0.0
    for k in range(15):
        inside = (s >= k / 15) & ((s < (k + 1) / 15) if k < 14 else (s <= 1))
        if inside.any():
            total += abs(np.sum(w[inside] * (y[inside] - s[inside]))) / w.sum()
    return total


def brier(y, proba, w):
    loss = ((proba - np.eye(proba.shape[1])[y]) ** 2).sum(axis=1) / 2
    if proba.shape[1] == 2:
        assert np.isclose(np.average(loss, weights=w), sk.brier_score_loss(y, proba[:, 1], sample_weight=w))
    return np.average(loss, weights=w)


def all_with(column, value, rows):
    w, seen = _weight(rows), rows[column] >= 0
    return share(rows[column] == value, seen, w)


def one(function):
    """scikit-learn's function for the positive class, or per class where there are more than two."""

    def call(y, d, w, n):
        average = None if max(y.max(initial=0), d.max(initial=0)) > 1 else "binary"
        labels = np.arange(4) if average is None else None
        return function(y, d, sample_weight=w, zero_division=np.nan, average=average, labels=labels)

    return decided(call)


def rates(y, d, w):
    """scikit-learn's confusion matrix, each actual class summing to 1."""
    return sk.confusion_matrix(y, d, sample_weight=w, normalize="true")


def random_fbeta(y, d, w, beta):
    """F-beta of precision p and recall s, which random decisions have: the weighted harmonic mean."""
    p, s = dummy(y, d, w, len(y))
    return stats.hmean([p, s], weights=[1, beta**2])


def pairs_area(y, p, w):
    """Hand and Till's M: scikit-learn's where there are no weights, else its AUC of every pair of classes."""
    classes, parts = range(p.shape[1]), []
    for i in classes:
        for j in classes:
            if i != j:
                mine = (y == i) | (y == j)
                parts.append(sk.roc_auc_score(y[mine] == i, p[mine, i], sample_weight=w[mine]))
    if np.all(w == 1):
        assert np.isclose(np.mean(parts), sk.roc_auc_score(y, p, multi_class="ovo"), rtol=1e-12)
    return np.mean(parts)


def each_class(y, p, w, function):
    """scikit-learn's function of each class's score, the class against the rest."""
    return np.array([function(y == k, p[:, k], sample_weight=w) for k in range(p.shape[1])])


def common(top):
    """The share of the `top` most common classes among the labels."""
    return lambda y, p, w: np.sort(np.bincount(y, weights=w, minlength=p.shape[1]) / w.sum())[-top:].sum()


ORACLES = {
    "accuracy": decided(lambda y, d, w, n: sk.accuracy_score(y, d, sample_weight=w)),
    "precision": one(sk.precision_score),
    "recall": one(sk.recall_score),
    "f1": one(sk.f1_score),
    "specificity": decided(lambda y, d, w, n: sk.recall_score(y, d, sample_weight=w, pos_label=0)),
    "negative_predictive_value": decided(lambda y, d, w, n: sk.precision_score(y, d, sample_weight=w, pos_label=0)),
    "false_positive_rate": decided(lambda y, d, w, n: rates(y, d, w)[0, 1]),
    "false_negative_rate": decided(lambda y, d, w, n: rates(y, d, w)[1, 0]),
    "false_discovery_rate": decided(lambda y, d, w, n: 1 - sk.precision_score(y, d, sample_weight=w)),
    "f2": decided(lambda y, d, w, n: sk.fbeta_score(y, d, beta=2, sample_weight=w)),
    "f0_5": decided(lambda y, d, w, n: sk.fbeta_score(y, d, beta=0.5, sample_weight=w)),
    "informedness": decided(lambda y, d, w, n: sk.balanced_accuracy_score(y, d, sample_weight=w, adjusted=True)),
    "lift": decided(lambda y, d, w, n: sk.precision_score(y, d, sample_weight=w) / np.average(y, weights=w)),
    "mcc": decided(lambda y, d, w, n: sk.matthews_corrcoef(y, d, sample_weight=w)),
    "balanced_accuracy": decided(lambda y, d, w, n: sk.balanced_accuracy_score(y, d, sample_weight=w)),
    "kappa": decided(lambda y, d, w, n: sk.cohen_kappa_score(y, d, sample_weight=w)),
    "selection_rate": lambda rows: all_with("decision", 1, rows),
    "prevalence": lambda rows: all_with("label", 1, rows),
    "macro_precision": decided(lambda y, d, w, n: macro_mean(y, d, w, "p")),
    "macro_recall": decided(lambda y, d, w, n: macro_mean(y, d, w, "r")),
    "macro_f1": decided(lambda y, d, w, n: macro_mean(y, d, w, "f")),
    "weighted_precision": decided(lambda y, d, w, n: macro_mean(y, d, w, "p", "weighted")),
    "weighted_f1": decided(lambda y, d, w, n: macro_mean(y, d, w, "f", "weighted")),
    "roc_auc_ovr": likely(lambda y, p, w: sk.roc_auc_score(y, p, multi_class="ovr", sample_weight=w)),
    "roc_auc_ovo": likely(pairs_area),
    "roc_auc_by_class": likely(lambda y, p, w: each_class(y, p, w, sk.roc_auc_score)),
    "average_precision_by_class": likely(lambda y, p, w: each_class(y, p, w, sk.average_precision_score)),
    "top_2_accuracy": likely(lambda y, p, w: sk.top_k_accuracy_score(y, p, k=2, sample_weight=w)),
    "top_3_accuracy": likely(lambda y, p, w: sk.top_k_accuracy_score(y, p, k=3, sample_weight=w)),
    "classwise_ece": likely(lambda y, p, w: np.mean([ece(y == k, p[:, k], w) for k in range(p.shape[1])])),
    "top_label_ece": likely(lambda y, p, w: ece(y == p.argmax(axis=1), p.max(axis=1), w)),
    "roc_auc": scored(lambda y, s, w: sk.roc_auc_score(y, s, sample_weight=w)),
    "gini": scored(lambda y, s, w: 2 * sk.roc_auc_score(y, s, sample_weight=w) - 1),
    "average_precision": scored(lambda y, s, w: sk.average_precision_score(y, s, sample_weight=w)),
    "ks": scored(ks),
    "ece": scored(ece),
    "log_loss": likely(lambda y, p, w: sk.log_loss(y, p, sample_weight=w)),
    "brier": likely(brier),
    "mae": predicted(lambda y, p, w: sk.mean_absolute_error(y, p, sample_weight=w)),
    "rmse": predicted(lambda y, p, w: sk.root_mean_squared_error(y, p, sample_weight=w)),
    "r2": predicted(lambda y, p, w: sk.r2_score(y, p, sample_weight=w)),
    "median_ae": predicted(lambda y, p, w: cubes.weighted_quantile(np.abs(y - p), None if np.all(w == 1) else w, 0.5)),
    "bias": predicted(lambda y, p, w: np.average(p - y, weights=w)),
    "mape": predicted(lambda y, p, w: sk.mean_absolute_percentage_error(y, p, sample_weight=w)),
    "wape": predicted(lambda y, p, w: np.sum(w * np.abs(y - p)) / np.sum(w * np.abs(y))),
    "smape": predicted(lambda y, p, w: np.average(2 * np.abs(y - p) / (np.abs(y) + np.abs(p)), weights=w)),
    **{name: scored(function) for name, function in CALIBRATION.items()},
    "over_prediction_share": predicted(lambda y, p, w: share(p > y, np.isfinite(y), w)),
    "under_prediction_share": predicted(lambda y, p, w: share(p < y, np.isfinite(y), w)),
    "spearman": predicted(operations.spearman),
    **operations.ORACLES,
}


def dummy(y, d, w, n):
    """Random decisions at the selection rate that was used, as expected values."""
    return np.average(y, weights=w), np.average(d, weights=w)


BASELINES = {
    "accuracy": decided(lambda y, d, w, n: max(share(y == k, y >= 0, w) for k in range(4))),
    "precision": decided(lambda y, d, w, n: dummy(y, d, w, n)[0]),
    "recall": decided(lambda y, d, w, n: dummy(y, d, w, n)[1]),
    "specificity": decided(lambda y, d, w, n: 1 - dummy(y, d, w, n)[1]),
    "f1": decided(lambda y, d, w, n: stats.hmean(dummy(y, d, w, n))),
    "f2": decided(lambda y, d, w, n: random_fbeta(y, d, w, 2)),
    "f0_5": decided(lambda y, d, w, n: random_fbeta(y, d, w, 0.5)),
    "negative_predictive_value": decided(lambda y, d, w, n: 1 - dummy(y, d, w, n)[0]),
    "false_discovery_rate": decided(lambda y, d, w, n: 1 - dummy(y, d, w, n)[0]),
    "false_positive_rate": decided(lambda y, d, w, n: dummy(y, d, w, n)[1]),
    "false_negative_rate": decided(lambda y, d, w, n: 1 - dummy(y, d, w, n)[1]),
    "lift": decided(lambda y, d, w, n: 1.0),
    "average_precision": scored(lambda y, s, w: sk.average_precision_score(y, np.zeros(len(y)), sample_weight=w)),
    "roc_auc": scored(lambda y, s, w: sk.roc_auc_score(y, np.zeros(len(y)), sample_weight=w)),
    "balanced_accuracy": decided(lambda y, d, w, n: 1 / len(np.unique(y))),
    "macro_recall": decided(lambda y, d, w, n: 1 / len(np.unique(y))),
    "macro_precision": decided(lambda y, d, w, n: np.mean([share(y == k, y >= 0, w) for k in np.unique(d)])),
    "macro_f1": decided(
        lambda y, d, w, n: np.mean(
            [stats.hmean([share(y == k, y >= 0, w), share(d == k, y >= 0, w)]) for k in range(4)]
        )
    ),
    "weighted_precision": decided(
        lambda y, d, w, n: np.average([share(y == k, y >= 0, w) for k in range(4)], weights=np.bincount(y, weights=w))
    ),
    "weighted_f1": decided(
        lambda y, d, w, n: np.average(
            [stats.hmean([share(y == k, y >= 0, w), share(d == k, y >= 0, w)]) for k in range(4)],
            weights=np.bincount(y, weights=w),
        )
    ),
    "roc_auc_ovr": likely(lambda y, p, w: sk.roc_auc_score(y, np.full(p.shape, 1 / p.shape[1]), multi_class="ovr")),
    "roc_auc_ovo": likely(lambda y, p, w: sk.roc_auc_score(y, np.full(p.shape, 1 / p.shape[1]), multi_class="ovo")),
    "roc_auc_by_class": likely(lambda y, p, w: each_class(y, np.zeros(p.shape), w, sk.roc_auc_score)),
    "average_precision_by_class": likely(
        lambda y, p, w: each_class(y, np.zeros(p.shape), w, sk.average_precision_score)
    ),
    "top_2_accuracy": likely(common(2)),
    "top_3_accuracy": likely(common(3)),
    "log_loss": likely(
        lambda y, p, w: sk.log_loss(
            y, np.tile([share(y == k, y >= 0, w) for k in range(p.shape[1])], (len(y), 1)), sample_weight=w
        )
    ),
    "brier": likely(
        lambda y, p, w: brier(y, np.tile([share(y == k, y >= 0, w) for k in range(p.shape[1])], (len(y), 1)), w)
    ),
    "mae": predicted(lambda y, p, w: np.average(np.abs(y - np.median(y)), weights=w)),
    "median_ae": predicted(
        lambda y, p, w: cubes.weighted_quantile(np.abs(y - np.median(y)), None if np.all(w == 1) else w, 0.5)
    ),
    "rmse": predicted(lambda y, p, w: np.sqrt(np.average((y - np.average(y, weights=w)) ** 2, weights=w))),
    **{name: lambda rows: 0.0 for name in ("mcc", "kappa", "informedness", "ks", "gini", "r2", "bias")},
    **{name: lambda rows: np.nan for name in ("selection_rate", "prevalence", "ece", "mape", "wape", "smape")},
    **{name: lambda rows: np.nan for name in ("classwise_ece", "top_label_ece")},
    **{name: scored(function) for name, function in CALIBRATION_BASELINES.items()},
    **operations.BASELINES,
}
