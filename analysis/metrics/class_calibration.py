"""Calibration of the scores of more than two classes: of each class's score, and of the highest."""

from functools import partial

import numpy as np

from analysis.core.cube import Cube, Histogram, Moments
from analysis.core.errors import BadRequest
from analysis.core.estimate import Estimates
from analysis.core.roles import MULTICLASS
from analysis.metrics import reliability
from analysis.metrics.calibration import calibrated, said
from analysis.metrics.class_curves import correlations, versus
from analysis.metrics.class_scores import NO_SCORES, scored
from analysis.metrics.decisions import constant
from analysis.metrics.definition import METRICS, Metric, Sql
from analysis.metrics.intervals import divide
from analysis.metrics.reliability import Calibration


def classwise_ece(cube: Cube, level: float) -> Estimates:
    """The mean of the classes' ECE.

    The rows' gaps of all classes go together as far as their codes do (see `_variance`). Where there are too many
    groups to hold how the codes go together, the standard error is the smaller of two that it cannot exceed.
    By simulation a 95 % interval covers 93 to 99 % from 1,000 rows on and 95 to 100 % below: it is rather too wide.
    """
    histograms = scored(cube)
    parts = [reliability.calibration_error(versus(each, own)) for own, each in enumerate(histograms)]
    value, bound, least, bias = (
        np.mean([getattr(part, name) for part in parts], axis=0) for name in ("value", "bound", "least_bias", "bias")
    )
    known = cube.class_moments is not None and histograms[0].dealt is None  # codes say nothing of units
    moments = cube.class_moments if known else None
    variance = _at_most(histograms, parts) if moments is None else _variance(cube, moments, value)
    joint = "covariances by the codes' correlation" if known else "standard errors at their largest"
    error = Calibration(value, variance, bound, least, bias)
    return calibrated(error, versus(histograms[0], 0), level, f"{said(None)} of each of {len(parts)} classes, {joint}")


def _variance(cube: Cube, moments: Moments, value: np.ndarray) -> np.ndarray:
    """(G,) of the mean ECE, linearised at the signs found.

    A row adds its mean gap over the classes, signed by its bins. Within an actual class, the gaps of two classes
    covary as far as each follows its code in a line and the codes correlate.
    """
    histograms = scored(cube)
    size, groups = len(histograms), len(cube)
    mean, spread, line = np.zeros((3, groups, size, size))
    squares = histograms[0].w2[:, :size].sum(axis=2).astype(float)
    for own, histogram in enumerate(histograms):
        gaps = (np.arange(size) == own)[:, None] - (histogram.low + histogram.high) / 2
        sides = _signs(versus(histogram, own))
        code = np.arange(len(histogram.low), dtype=float)
        w2 = histogram.w2[:, :size].astype(float)
        share = np.nan_to_num(divide(w2, w2.sum(axis=2, keepdims=True)))
        psi = sides[:, None, :] * gaps[None] / size
        mean[:, :, own] = (share * psi).sum(axis=2)
        spread[:, :, own] = np.maximum((share * psi**2).sum(axis=2) - mean[:, :, own] ** 2, 0.0)
        place = share @ code
        width = np.sqrt(np.maximum(share @ code**2 - place**2, 0.0))
        line[:, :, own] = np.nan_to_num(divide((share * psi) @ code - mean[:, :, own] * place, width))
    apart = correlations(moments) * (1 - np.eye(size))
    within = spread.sum(axis=2) + np.einsum("gkc,gkcd,gkd->gk", line, apart, line)
    each = np.maximum(within, 0.0) + (mean.sum(axis=2) - value[:, None]) ** 2
    n, total = (array[:, :size].sum(axis=(1, 2)).astype(float) for array in (histograms[0].n, histograms[0].w))
    return divide((squares * each).sum(axis=1), total**2) * divide(n, n - 1)


def _signs(histogram: Histogram) -> np.ndarray:
    """(G, B) whether the labels of a code's bin are more (1) or fewer (-1) than its scores say."""
    bins = reliability.width_bins(histogram)
    return reliability.over(histogram, bins, lambda cells: (cells.here(np.sign(cells.excess)),))[0]


def _at_most(histograms: tuple[Histogram, ...], parts: list[Calibration]) -> np.ndarray:
    """(G,) the mean of the classes' own standard errors, squared, or what follows from a row's gaps adding up to no
    more than twice 1 - (score of the label), which says nothing of a unit."""
    error = np.mean([np.sqrt(part.variance) for part in parts], axis=0)
    if histograms[0].dealt is not None:
        return np.asarray(error**2)
    size, total = len(parts), histograms[0].w[:, : len(parts)].sum(axis=(1, 2))
    missed = np.zeros(len(total))
    for own, each in enumerate(histograms):
        missed += each.w2[:, own] @ (1 - (each.low + each.high) / 2) ** 2
    most = divide(2 * np.sqrt(missed), size * total)
    return np.asarray(np.fmin(error, most) ** 2)


def top_label_ece(cube: Cube, level: float) -> Estimates:
    """The calibration error of the highest score, as the chance that its class is the label's.

    By simulation a 95 % interval covers 93 to 98 % from 200 rows on and 94 to 99 % below: it is rather too wide.
    """
    if cube.top_label is None:
        raise BadRequest(NO_SCORES)
    return calibrated(reliability.calibration_error(cube.top_label), cube.top_label, level, said(None))


_calibration = partial(
    Metric,
    tasks=(MULTICLASS,),
    low=0.0,
    high=1.0,
    counts="rows with a label and every score",
    better="lower",
    unit="score",
    source="Naeini, Cooper and Hauskrecht 2015; Nixon et al. 2019",
    baseline=partial(constant, np.nan),
    baseline_help="none: constant scores at the classes' shares are calibrated",
)

METRICS.add(
    _calibration(
        "classwise_ece",
        "Calibration error by class (ECE)",
        needs=("class_scores", "class_moments", "probabilities"),
        help="Mean over the classes of the gap between a class's score and its share, over 15 bins: 0 calibrated, at "
        "most 2 over the number of classes.",
        estimate=classwise_ece,
        sql=Sql("class_calibration", "", "", "sum(abs(excess)) / nullif(sum(total), 0)", "sum(n_all) / max(classes)"),
    )
)
METRICS.add(
    _calibration(
        "top_label_ece",
        "Calibration error of the highest score (ECE)",
        needs=("top_label", "probabilities"),
        help="Mean gap between the highest score and how often its class is right, over 15 bins: 0 calibrated, 1 "
        "always certain and wrong.",
        estimate=top_label_ece,
        sql=Sql("top_calibration", "", "", "sum(abs(excess)) / nullif(sum(total), 0)", "sum(n_all)"),
    )
)
