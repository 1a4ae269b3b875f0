"""Metrics of calibration: whether a score of 0.3 means that three in ten are positive."""

from functools import partial

import numpy as np

from analysis.core.cube import Cube, Histogram
from analysis.core.estimate import Estimates
from analysis.core.mapping import MARGIN
from analysis.core.roles import BINARY
from analysis.metrics import curves, logistic, reliability
from analysis.metrics.decisions import NO_WEIGHT, constant
from analysis.metrics.definition import METRICS, Metric, Sql
from analysis.metrics.intervals import divide, plain, reasons
from analysis.metrics.reliability import Bins, Calibration, Cells
from analysis.metrics.scores import scored

OUTSIDE = "some scores lie outside 0 to 1, so they are no probabilities"


def why_not(histogram: Histogram, value: np.ndarray) -> np.ndarray:
    """(G,) why a calibration metric is undefined, else None."""
    sizes = curves.class_sizes(histogram)
    return reasons(
        len(value),
        (sizes.rows == 0, "no row has both a label and a score"),
        (sizes.effective_positives + sizes.effective_negatives == 0, NO_WEIGHT),
        (np.isnan(value), OUTSIDE),
    )


def rows_of(histogram: Histogram) -> np.ndarray:
    return curves.class_sizes(histogram).rows


def said(bins: Bins | None) -> str:
    """Which bins, in words."""
    if bins is None:
        return f"{reliability.BINS} equal-width bins"
    even = np.allclose(bins.edges, np.arange(len(bins) + 1) / len(bins))
    return f"{len(bins)} equal-width bins" if even else f"{len(bins)} bins of about equally many rows"


def ece(cube: Cube, level: float, bins: Bins | None = None) -> Estimates:
    """Expected calibration error, whose ends are moved down by the bias that summing sizes causes (see `calibrated`).

    By simulation a 95 % interval covers 94.5 to 98 % from 200 rows on and 94 to 99.7 % below, but 91 % at 50 rows of
    scores that are much too sure of 5 % positives.
    """
    histogram = scored(cube)
    return calibrated(reliability.calibration_error(histogram, bins), histogram, level, said(bins))


def calibrated(error: Calibration, histogram: Histogram, level: float, over: str) -> Estimates:
    """A calibration error with its interval. histogram: the rows it is of; over: the bins, in words.

    The low end is moved down by the most the error can owe to noise, the high end by the least, not below the value.
    """
    low, high = plain(error.value, error.variance, level, reliability.freedom(histogram))
    low, high = np.clip(low - error.bias, 0, 1), np.clip(np.maximum(high - error.least_bias, error.value), 0, 1)
    method = f"linearised at the signs found, {over}{reliability.how(histogram)}"
    method += "; both ends allow for the bias of summed sizes"
    why = why_not(histogram, error.value)
    return Estimates(error.value, low, high, rows_of(histogram), method, why, bound=error.bound)


def mce(cube: Cube, level: float, bins: Bins | None = None) -> Estimates:
    """Maximum calibration error over the bins that have rows; one bin of few rows can make it large and uncertain.

    By simulation a 95 % interval covers 95 to 100 %: it is rather too wide than too narrow.
    """
    histogram = scored(cube)
    picked = reliability.width_bins(histogram) if bins is None else bins
    value, (low, high), bound = reliability.largest_error(histogram, picked, level)
    method = f"exact intervals of all bins with rows at once (Clopper, Pearson; Sidak), {said(bins)}"
    method += f"{reliability.how(histogram)}; conservative"
    return Estimates(value, low, high, rows_of(histogram), method, why_not(histogram, value), bound=bound)


def in_the_large(cube: Cube, level: float) -> Estimates:
    """Mean label less mean score, with Student's interval.

    By simulation a 95 % interval covers 94 to 96 % from 200 rows on, 89 % at 50 rows with 5 % positives.
    """
    histogram = scored(cube)

    def statistic(cells: Cells) -> tuple[np.ndarray, ...]:
        value = cells.probable(divide(cells.excess.sum(axis=1), cells.total))
        variance = cells.variance(cells.miss0 - value[:, None], cells.miss1 - value[:, None])
        return value, variance, divide((cells.w0 + cells.w1) @ cells.doubt, cells.total)

    value, variance, bound = reliability.over(histogram, reliability.width_bins(histogram), statistic)
    low, high = plain(value, variance, level, degrees(histogram))
    method = f"mean, Student's t{linearised(histogram)}"
    low, high = np.clip(low, -1, 1), np.clip(high, -1, 1)
    return Estimates(value, low, high, rows_of(histogram), method, why_not(histogram, value), bound=bound)


def effective_rows(histogram: Histogram) -> np.ndarray:
    """(G,) Kish's number of labelled rows with a score."""
    w, w2 = (array[:, :2].sum(axis=(1, 2)).astype(float) for array in (histogram.w, histogram.w2))
    return np.nan_to_num(divide(w * w, w2))


def degrees(histogram: Histogram) -> np.ndarray:
    """(G,) degrees of freedom of a mean: rows, or units where rows belong to them, less one."""
    known = reliability.freedom(histogram)
    return effective_rows(histogram) - 1 if known is None else known


def linearised(histogram: Histogram) -> str:
    """What the method of a mean adds."""
    return reliability.how(histogram) or (", linearised for the weights" if histogram.weighted else "")


Lines = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def _lines(histogram: Histogram) -> Lines:
    """(coefficients (G, 2), their variances (G, 2), whether a score is no probability, whether the classes overlap)."""
    middle = histogram.low + (histogram.high - histogram.low) / 2
    outside = (histogram.low < 0) | (histogram.high > 1)
    x = logistic.logit(logistic.clipped(middle, MARGIN))
    design = np.column_stack([np.ones(len(x)), x])
    pieces = []
    for slab in curves.slabs(histogram) if len(histogram.n) else [slice(0, 0)]:
        w, q = ((part[slab, 0].astype(float), part[slab, 1].astype(float)) for part in (histogram.w, histogram.w2))
        rows = histogram.n[slab, :2].sum(axis=(1, 2))
        overlap = logistic.overlapping(x, *w)
        beyond = histogram.n[slab][:, :2, outside].sum(axis=(1, 2)) > 0
        sound = overlap & ~beyond
        found = logistic.fit(design, w[0] * sound[:, None], w[1] * sound[:, None]).coefficients
        found[~sound] = np.nan
        dealt = None if histogram.dealt is None else histogram.dealt.pick(slab)
        spread = logistic.sandwich(design, found, w, q, rows, dealt)[:, [0, 1], [0, 1]]
        pieces.append((found, spread, beyond, overlap))
    found, spread, beyond, overlap = (np.concatenate(each) for each in zip(*pieces, strict=True))
    return found, spread, beyond, overlap


def recalibration(cube: Cube, level: float, which: int) -> Estimates:
    """Intercept (which 0) or slope (1) of the logistic regression of the label on the score's log odds (Cox 1958).

    By simulation a 95 % interval covers 94 to 96 % from 200 rows on; at 50 rows 96 %, but 82 to 92 % with 5 %
    positives or a strong model, where one sample in ten has no finite slope.
    """
    histogram = scored(cube)
    found, spread, beyond, overlap = cube.once("recalibration", lambda: _lines(histogram))
    value = found[:, which]
    known = reliability.freedom(histogram)
    low, high = plain(value, spread[:, which], level, effective_rows(histogram) - 2 if known is None else known)
    sizes = curves.class_sizes(histogram)
    why = reasons(
        len(value),
        (sizes.rows == 0, "no row has both a label and a score"),
        (sizes.effective_positives + sizes.effective_negatives == 0, NO_WEIGHT),
        (beyond, OUTSIDE),
        ((sizes.positives == 0) | (sizes.negatives == 0), "all labels are alike"),
        (~overlap, "the score separates the classes, so no finite slope is the likeliest"),
        (np.isnan(value), "no finite slope was found"),
    )
    method = (
        f"logistic regression on the score's log odds, sandwich variance, Student's t{reliability.how(histogram)}; "
    )
    method += _limits(histogram)
    exact = np.full(len(value), 0.0 if histogram.exact else np.nan)
    return Estimates(value, low, high, sizes.rows, method, why, bound=exact)


def _limits(histogram: Histogram) -> str:
    clipped = (histogram.low < MARGIN) | (histogram.high > 1 - MARGIN)
    lost = int(histogram.n[:, :2, clipped].sum())
    how = f"{lost:,} scores within {MARGIN:g} of 0 or 1 moved that far away" if lost else "no score at 0 or 1"
    return how if histogram.exact else f"{how}; each code at the middle of its range"


_of_score = partial(Metric, tasks=(BINARY,), needs=("scores",), counts="rows with a label and a score")
_none = partial(constant, np.nan)
_calibrated = "none: a constant score at the positives' share is calibrated"

METRICS.add(
    _of_score(
        "ece",
        "Calibration error (ECE)",
        better="lower",
        low=0.0,
        high=1.0,
        unit="score",
        help="Mean gap between score and observed share over 15 bins: 0 calibrated, 1 always certain and wrong.",
        source="Naeini, Cooper and Hauskrecht 2015",
        estimate=ece,
        baseline=_none,
        baseline_help=_calibrated,
        sql=Sql("calibration", "sum(abs(excess)) / nullif(sum(total), 0)", "sum(n_all)"),
    )
)
METRICS.add(
    _of_score(
        "mce",
        "Largest calibration error (MCE)",
        better="lower",
        low=0.0,
        high=1.0,
        unit="score",
        help="Largest gap between score and observed share of any of 15 bins: 0 calibrated, 1 certain and wrong.",
        source="Naeini, Cooper and Hauskrecht 2015",
        estimate=mce,
        baseline=_none,
        baseline_help=_calibrated,
        sql=Sql("calibration", "max(abs(excess) / nullif(total, 0))", "sum(n_all)"),
    )
)
METRICS.add(
    _of_score(
        "calibration_in_the_large",
        "Calibration in the large",
        better="zero",
        low=-1.0,
        high=1.0,
        unit="share",
        help="Mean label less mean score: 0 right on average, below it the scores are too high, above it too low; "
        "-1 and 1 are certain and wrong.",
        source="Cox 1958; Steyerberg 2009",
        estimate=in_the_large,
        baseline=_none,
        baseline_help="none: a constant score at the positives' share is right on average",
        sql=Sql("calibration", "sum(excess) / nullif(sum(total), 0)", "sum(n_all)"),
    )
)
METRICS.add(
    _of_score(
        "calibration_slope",
        "Calibration slope",
        better=None,
        low=-np.inf,
        high=np.inf,
        unit="ratio",
        help="Slope of the label on the score's log odds: 1 spread as it should be, below 1 too sure of itself, "
        "above 1 too timid, 0 knows nothing.",
        source="Cox 1958",
        estimate=partial(recalibration, which=1),
        baseline=partial(constant, 0.0),
        baseline_help="0: a score that knows nothing of the label",
        sql=Sql("recalibration", "max(CASE WHEN sound THEN slope END)", "coalesce(max(n_all), 0)"),
    )
)
METRICS.add(
    _of_score(
        "calibration_intercept",
        "Calibration intercept",
        better="zero",
        low=-np.inf,
        high=np.inf,
        unit="ratio",
        help="Intercept beside that slope, in log odds at a score of one half: 0 right there, below 0 the scores are "
        "too high there, above it too low.",
        source="Cox 1958",
        estimate=partial(recalibration, which=0),
        baseline=_none,
        baseline_help="none: a constant score has no slope beside it",
        sql=Sql("recalibration", "max(CASE WHEN sound THEN intercept END)", "coalesce(max(n_all), 0)"),
    )
)
