"""Sweeps: the curves a moving threshold draws, as frames, each point with its own interval (pointwise bands)."""

import numpy as np
import polars as pl

from analysis.core.cube import Cube, Histogram
from analysis.metrics.decisions import Decided, cell_variance, decided
from analysis.metrics.definition import METRICS
from analysis.metrics.intervals import divide, log_scale
from analysis.metrics.operating import every, scored

BINS = 60


def points(cube: Cube, places: np.ndarray) -> Cube:
    """The decisions at these places and where nothing is selected, of a cube's one group."""
    return every(cube, np.append(places, len(scored(cube).low)))


def roc(swept: Cube, level: float) -> pl.DataFrame:
    """A row a threshold, strictest first: threshold, fpr, fpr_low, fpr_high, tpr, tpr_low, tpr_high."""
    recall, spared = (METRICS.get(name).measure(swept, level=level) for name in ("recall", "specificity"))
    columns = {
        "fpr": 1 - spared.value,
        "fpr_low": 1 - spared.high,
        "fpr_high": 1 - spared.low,
        "tpr": recall.value,
        "tpr_low": recall.low,
        "tpr_high": recall.high,
    }
    return _frame(swept, columns)


def precision_recall(swept: Cube, level: float) -> pl.DataFrame:
    """A row a threshold, strictest first: threshold, recall, precision, precision_low, precision_high, n flagged."""
    recall, precision = (METRICS.get(name).measure(swept, level=level) for name in ("recall", "precision"))
    columns = {
        "recall": recall.value,
        "precision": precision.value,
        "precision_low": precision.low,
        "precision_high": precision.high,
        "n": precision.n,
    }
    return _frame(swept, columns).filter(pl.col("precision").is_not_null())


def gain(swept: Cube, level: float) -> pl.DataFrame:
    """Cumulative gain and lift, a row a threshold, strictest first.

    threshold; selected: share of the labelled and scored rows selected; gain, gain_low, gain_high: share of the
    positives among them; lift, lift_low, lift_high: precision over the share of positives, 1 for a random choice.
    """
    counts = decided(swept)
    recall = METRICS.get("recall").measure(swept, level=level)
    lift, low, high = _lift(counts, level)
    columns = {
        "selected": counts.predicted_share[:, 1],
        "gain": recall.value,
        "gain_low": recall.low,
        "gain_high": recall.high,
        "lift": lift,
        "lift_low": low,
        "lift_high": high,
    }
    return _frame(swept, columns)


def _lift(counts: Decided, level: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Lift with its interval by the delta method on the log scale."""
    share = divide(counts.w, counts.total[:, None, None])
    hit, positive, selected = share[:, 1, 1], share[:, 1].sum(axis=1), share[:, :, 1].sum(axis=1)
    lift = divide(hit, positive * selected)
    gradient = np.zeros(counts.w.shape)
    gradient[:, 1] -= np.nan_to_num(divide(np.ones_like(positive), positive))[:, None]
    gradient[:, :, 1] -= np.nan_to_num(divide(np.ones_like(selected), selected))[:, None]
    gradient[:, 1, 1] += np.nan_to_num(divide(np.ones_like(hit), hit))
    variance = cell_variance(gradient, counts) * lift * lift
    low, high = log_scale(lift, variance, level, counts.freedom)
    return lift, np.where(hit > 0, low, np.nan), np.where(hit > 0, high, np.nan)


def _frame(swept: Cube, columns: dict[str, np.ndarray]) -> pl.DataFrame:
    frame = pl.DataFrame({"threshold": swept.groups["threshold"], **columns})
    return frame.reverse().with_columns(pl.selectors.float().fill_nan(None))


def distribution(histogram: Histogram, names: tuple[str, ...]) -> pl.DataFrame:
    """Where the scores of each class lie: start, end, from, to, label, n, share of its weight; at most BINS bins each.

    Bins are equally wide; with few distinct scores each has a bin of its own. A bin holds the codes whose middle lies
    in it, so its rows are those that score in [from, to); to is null in the last. names: of the classes 0 and 1 and of
    the rows without a label, which appear where there are any.
    """
    low, high = histogram.low, histogram.high
    if histogram.exact and len(low) <= BINS:
        edges = np.append(low, low[-1])
        home = np.arange(len(low))
    else:
        first, last = float(low[0]), float(high[-1])
        first, last = (0.0, 1.0) if first >= 0 and last <= 1 else (first, last)
        edges = first + (last - first) * np.arange(BINS + 1) / BINS
        home = np.clip(np.searchsorted(edges, low + (high - low) / 2, side="right") - 1, 0, BINS - 1)
    bins = len(edges) - 1
    bounds = np.append(low, np.nan)[np.searchsorted(home, np.arange(bins + 1), side="left")]
    pieces = []
    for label, name in enumerate(names):
        n = np.bincount(home, histogram.n[0, label], bins).astype(np.int64)
        w = np.bincount(home, histogram.w[0, label].astype(float), bins)
        ends = {"start": edges[:-1], "end": edges[1:], "from": bounds[:-1], "to": bounds[1:]}
        piece = pl.DataFrame({**ends, "label": [name] * bins, "n": n, "share": divide(w, w.sum())})
        pieces.append(piece.filter(pl.col("n") > 0).with_columns(pl.col("to").fill_nan(None)))
    return pl.concat(pieces)


def current(cube: Cube, threshold: float) -> pl.DataFrame:
    """The counts of one decision: a row a cell, by actual (0, 1) and predicted (0, 1), with n, its weight and its share
    of the labelled and decided weight."""
    counts = decided(cube)
    total = counts.total[0]
    rows = [
        {
            "threshold": threshold,
            "actual": cube.classes[actual],
            "predicted": cube.classes[predicted],
            "cell": ("tn", "fp", "fn", "tp")[2 * actual + predicted],
            "n": int(counts.n[0, actual, predicted]),
            "weight": float(counts.w[0, actual, predicted]),
            "share": float(counts.w[0, actual, predicted] / total) if total else None,
        }
        for actual in (1, 0)
        for predicted in (1, 0)
    ]
    return pl.DataFrame(rows, schema_overrides={"share": pl.Float64})
