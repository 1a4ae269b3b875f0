"""What statsmodels or a plain count says of calibration, from rows: label y, score s, weight w."""

import numpy as np
import statsmodels.api as sm

MARGIN = 1e-6


def bins(s):
    return np.minimum(np.floor(s * 15), 14).astype(int)


def by_bin(y, s, w):
    """(share of the weights, mean score, observed share) of each bin with rows."""
    home, found = bins(s), []
    for k in np.unique(home):
        inside = home == k
        means = (np.average(each[inside], weights=w[inside]) for each in (s, y))
        found.append((w[inside].sum() / w.sum(), *means))
    return np.array(found).T


def logistic(y, s, w):
    """statsmodels' (intercept, slope) on the log odds, its Newton steps taken to the end."""
    s = np.clip(s, MARGIN, 1 - MARGIN)
    design = sm.add_constant(np.log(s / (1 - s)))
    model = sm.GLM(y, design, family=sm.families.Binomial(), freq_weights=w)
    return model.fit(tol=1e-15, maxiter=200).params


def reliability(y, s, w):
    share, score, seen = by_bin(y, s, w)
    return np.sum(share * (score - seen) ** 2)


def resolution(y, s, w):
    share, _, seen = by_bin(y, s, w)
    return np.sum(share * (seen - np.average(y, weights=w)) ** 2)


def uncertainty(y, s, w):
    share = np.average(y, weights=w)
    return share * (1 - share)


def remainder(y, s, w):
    """What is left of the Brier score."""
    whole = np.average((y - s) ** 2, weights=w)
    return whole - (reliability(y, s, w) - resolution(y, s, w) + uncertainty(y, s, w))


def largest(y, s, w):
    _, score, seen = by_bin(y, s, w)
    return np.max(np.abs(score - seen))


ORACLES = {
    "mce": largest,
    "calibration_in_the_large": lambda y, s, w: np.average(y, weights=w) - np.average(s, weights=w),
    "calibration_slope": lambda y, s, w: logistic(y, s, w)[1],
    "calibration_intercept": lambda y, s, w: logistic(y, s, w)[0],
    "brier_reliability": reliability,
    "brier_resolution": resolution,
    "brier_uncertainty": uncertainty,
    "brier_remainder": remainder,
}
NONE = ("mce", "calibration_in_the_large", "calibration_intercept", "brier_reliability")
BASELINES = {
    **{name: lambda y, s, w: np.nan for name in NONE},
    **{name: lambda y, s, w: 0.0 for name in ("calibration_slope", "brier_resolution", "brier_remainder")},
    "brier_uncertainty": uncertainty,
}
