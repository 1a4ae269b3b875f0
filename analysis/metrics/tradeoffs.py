"""Trade-offs: one number for both errors of a decision. F-scores, informedness and lift, from four cells.

F1 serves both tasks, class by class where there are more than two; the others are for two classes only.
"""

import re
from functools import partial

import numpy as np

from analysis.core.cube import Cube
from analysis.core.errors import UnknownName
from analysis.core.estimate import Estimates
from analysis.core.roles import BINARY, MULTICLASS
from analysis.metrics.binary import NOT_LABELLED, NOT_PREDICTED, actual_share, predicted_share
from analysis.metrics.clusters import BY_UNIT
from analysis.metrics.decisions import NO_ROWS, NO_WEIGHT, cell_variance, constant, decided, share_ends, undefined
from analysis.metrics.definition import METRICS, Metric, Sql
from analysis.metrics.intervals import FLAT, combine, divide, fisher, log_scale, mover_difference, reasons
from analysis.metrics.shares import FN, FP, TN, TP, Share, cells, in_units, versus

F_BETA = re.compile(r"f(?P<beta>\d+(?:[._]\d+)?)")


def f_beta(cube: Cube, level: float, *, beta: float) -> Estimates:
    """F-beta: recall weighs beta times as much as precision. By class where there are more than two.

    It is a function of two independent shares, J = TP / (TP + FP + FN) and q = FN / (FP + FN): its odds are those of J
    over 1 + (beta^2 - 1) q, times 1 + beta^2. The interval is MOVER of Wilson's on the scale of log odds; F1 is a
    function of J alone. By simulation a 95 % interval covers 93 to 97 % from 50 rows on, 5 of them positive.
    """
    counts, extra = versus(cube), beta * beta
    top, missed = (cells(counts.w, each).astype(float) for each in (TP, FN))
    n, w, w2 = (cells(array, FP + FN + TP) for array in (counts.n, counts.w, counts.w2))
    j, j_ends = share_ends(top, w, w2, level, in_units(cube, TP, FP + FN + TP))
    wrong, wrong2 = (cells(array, FP + FN) for array in (counts.w, counts.w2))
    q, q_ends = share_ends(missed, wrong, wrong2, level, in_units(cube, FN, FP + FN))
    load, light, heavy = (1 + (extra - 1) * np.nan_to_num(each) for each in (q, *q_ends))
    whole = np.isnan(q)
    light, heavy = np.minimum(light, heavy), np.maximum(light, heavy)
    light, heavy = (np.where(whole, pick(1.0, extra), end) for pick, end in ((min, light), (max, heavy)))

    def odds(share: np.ndarray, over: np.ndarray) -> np.ndarray:
        return np.log(divide(share, (1 - share) * over))

    inside = (j > 0) & (j < 1)
    middle = odds(np.where(inside, j, 0.5), load)
    down = np.hypot(middle - odds(np.where(inside, j_ends[0], 0.5), load), np.log(heavy / load))
    up = np.hypot(odds(np.where(inside, j_ends[1], 0.5), load) - middle, np.log(load / light))
    ends = combine(
        (inside, (1 / (1 + np.exp(down - middle)), 1 / (1 + np.exp(-middle - up)))),
        (j <= 0, (j, divide(j_ends[1], j_ends[1] + (1 - j_ends[1]) * light))),
        (j >= 1, (divide(j_ends[0], j_ends[0] + (1 - j_ends[0]) * heavy), j)),
    )
    low, high = ((1 + extra) * end / (1 + extra * end) for end in ends)
    value = divide((1 + extra) * top, top + cells(counts.w, FP) + extra * (top + missed))
    method = f"Wilson on TP / (TP + FP + FN){'' if beta == 1 else ' and FN / (FP + FN), MOVER'}, mapped to F{beta:g}"
    how = decided(cube).how
    method += f", {how}" if how else ""
    why = undefined(value, n, "no row is labelled or predicted as this class")
    return Estimates(value, low, high, n, method, why)


def random_f(cube: Cube, *, beta: float) -> np.ndarray:
    p, s = actual_share(cube), predicted_share(cube)
    return divide((1 + beta**2) * p * s, beta**2 * p + s)


def informedness(cube: Cube, level: float) -> Estimates:
    """Recall less the false positive rate, whose rows are independent, so the interval is Newcombe's.

    By simulation a 95 % interval covers 93 to 97 % from 50 rows on, 5 of them positive.
    """
    up = Share(TP, FN + TP, "no row is labelled as positive")(cube, level)
    down = Share(FP, TN + FP, "no actual negatives")(cube, level)
    value = up.value - down.value
    low, high = mover_difference(up.value, (up.low, up.high), down.value, (down.low, down.high))
    method = f"Newcombe's hybrid of recall and false positive rate ({up.method})"
    c = decided(cube)
    if c.freedom is not None:  # positives and negatives of one unit go together
        share = c.actual_share
        gradient = np.stack([np.stack([down.value, down.value - 1], -1), np.stack([-up.value, 1 - up.value], -1)], 1)
        variance = cell_variance(np.nan_to_num(divide(gradient, share[:, :, None])), c)
        joint = (variance > 0) & (np.abs(value) < 1)
        low, high = combine((joint, fisher(value, variance, level, c.freedom)), (~joint, (low, high)))
        method = f"delta method on the joint cells, Fisher's z scale, {BY_UNIT}"
    why = np.where([each is None for each in up.reason], down.reason, up.reason)
    return Estimates(value, np.clip(low, -1, 1), np.clip(high, -1, 1), c.rows, method, why)


def lift(cube: Cube, level: float) -> Estimates:
    """Precision over prevalence: how many times as many positives the selected hold as any rows do.

    By simulation a 95 % interval covers 93 to 97 % from 50 rows on, 5 of them positive.
    """
    c = decided(cube)
    hits, flagged, actual = c.w[:, 1, 1], c.w[:, :, 1].sum(axis=1), c.w[:, 1].sum(axis=1)
    value = divide(hits * c.total, flagged * actual)
    gradient = np.zeros_like(c.w)
    gradient[:, 1, 1] += np.nan_to_num(divide(c.total, hits))
    gradient[:, :, 1] -= np.nan_to_num(divide(c.total, flagged))[:, None]
    gradient[:, 1, :] -= np.nan_to_num(divide(c.total, actual))[:, None]
    variance = cell_variance(gradient, c)
    _, held = share_ends(hits, flagged, c.w2[:, :, 1].sum(axis=1), level, in_units(cube, TP, FP + TP))
    fixed = tuple(divide(end, divide(actual, c.total)) for end in held)
    flat = ~(variance * np.maximum(c.rows, 1) > FLAT) | (hits <= 0)
    low, high = combine(
        (np.isnan(value), (value, value)),
        (flat, (fixed[0], fixed[1])),
        (~flat, log_scale(value, variance * value**2, level, c.freedom)),
    )
    method = "delta method on the joint cells, log scale" + (f", {BY_UNIT}" if c.freedom is not None else "")
    if np.any(flat & ~np.isnan(value)):
        method += "; Wilson's interval of the precision, prevalence held fixed, where nothing varies"
    why = reasons(
        len(value),
        (c.rows == 0, NO_ROWS),
        (c.total <= 0, NO_WEIGHT),
        (actual <= 0, NOT_LABELLED),
        (flagged <= 0, NOT_PREDICTED),
    )
    return Estimates(value, low, high, c.rows, method, why)


_of_decisions = partial(Metric, needs=("decisions",), tasks=(BINARY,), better="higher", low=0.0, high=1.0, unit="share")
_f = partial(_of_decisions, counts="rows that are positive or predicted so", source="van Rijsbergen 1979")

METRICS.add(
    _f(
        "f1",
        "F1",
        tasks=(BINARY, MULTICLASS),
        help="Harmonic mean of precision and recall: 1 both perfect, 0 no positive found.",
        estimate=partial(f_beta, beta=1),
        baseline=partial(random_f, beta=1),
        baseline_help="random decisions at the same selection rate",
        per_class=True,
        sql=Sql(
            "counts",
            "2 * tp / nullif(2 * tp + fp + fn, 0)",
            "n_tp + n_fp + n_fn",
            "2 * sum(tp) / nullif(sum(actual + predicted), 0)",
            "sum(n_either)",
        ),
    )
)


def f_score(beta: float, name: str) -> Metric:
    """F-beta of the positive class as a metric: for the registry the usual ones, for a goal any."""
    square = f"{beta * beta:g}"
    return _f(
        name,
        f"F{beta:g}",
        help=f"Mean of precision and recall, recall weighing {beta:g} times as much: 1 both perfect, 0 nothing found.",
        estimate=partial(f_beta, beta=beta),
        baseline=partial(random_f, beta=beta),
        baseline_help="random decisions at the same selection rate",
        sql=Sql(
            "counts",
            f"(1 + {square}) * tp / nullif((1 + {square}) * tp + fp + {square} * fn, 0)",
            "n_tp + n_fp + n_fn",
        ),
    )


def sought(name: str) -> Metric:
    """The registered metric of this name, or F-beta for names like f3, f1.5 and f1_5; UnknownName otherwise."""
    snake = name.replace(".", "_")
    if snake in METRICS:
        return METRICS.get(snake)
    found = F_BETA.fullmatch(name)
    if found is None:
        raise UnknownName("metric", name, [metric.name for metric in METRICS])
    return f_score(float(found["beta"].replace("_", ".")), snake)


METRICS.add(f_score(2, "f2"))
METRICS.add(f_score(0.5, "f0_5"))
METRICS.add(
    _of_decisions(
        "informedness",
        "Informedness",
        low=-1.0,
        unit="score",
        counts="rows with a label and a decision",
        help="Recall less the false positive rate (Youden's J): 1 all right, 0 no better than chance, -1 all wrong.",
        source="Youden 1950; Powers 2011",
        estimate=informedness,
        baseline=partial(constant, 0.0),
        baseline_help="0: decisions that know nothing of the label",
        sql=Sql("counts", "tp / nullif(tp + fn, 0) - fp / nullif(tn + fp, 0)", "n_tp + n_fp + n_fn + n_tn"),
    )
)
METRICS.add(
    _of_decisions(
        "lift",
        "Lift",
        high=np.inf,
        unit="ratio",
        counts="rows with a label and a decision",
        help="Precision over prevalence: 1 as many positives as in any rows, 0 none, 3 three times as many.",
        source="Piatetsky-Shapiro and Masand 1999",
        estimate=lift,
        baseline=partial(constant, 1.0),
        baseline_help="1: choosing as many at random",
        sql=Sql(
            "counts",
            "tp * (tp + fp + fn + tn) / nullif((tp + fp) * (tp + fn), 0)",
            "n_tp + n_fp + n_fn + n_tn",
        ),
    )
)
