"""Eight rows that can be counted by hand, one group of them under each heading.

    row        1    2    3    4    5    6    7    8
    label      yes  yes  yes  no   no   no   no   -      (-: no label yet)
    decision   yes  yes  no   yes  no   no   -    yes    (-: no decision)
    score      0.9  0.8  0.3  0.8  0.2  0.1  0.3  0.7

Labelled and decided: rows 1 to 6: TP 2 (1, 2), FN 1 (3), FP 1 (4), TN 2 (5, 6).
Labelled and scored: rows 1 to 7, 3 positives x 4 negatives = 12 pairs; 0.9 beats 4; 0.8 beats 3 and ties 1; 0.3 beats 2
and ties 1: 4 + 3.5 + 2.5 = 10 of 12.
"""

from fractions import Fraction

import numpy as np
import pytest

from analysis.metrics import METRICS
from tests.metrics.cubes import binary_cube, multiclass_cube, regression_cube

LABEL = np.array([1, 1, 1, 0, 0, 0, 0, -1])
DECISION = np.array([1, 1, 0, 1, 0, 0, -1, 1])
SCORE = np.array([0.9, 0.8, 0.3, 0.8, 0.2, 0.1, 0.3, 0.7])


@pytest.mark.parametrize(
    ("name", "value", "n", "baseline"),
    [
        ("accuracy", Fraction(4, 6), 6, Fraction(1, 2)),
        ("precision", Fraction(2, 3), 3, Fraction(1, 2)),
        ("recall", Fraction(2, 3), 3, Fraction(1, 2)),
        ("specificity", Fraction(2, 3), 3, Fraction(1, 2)),
        ("f1", Fraction(4, 6), 4, Fraction(1, 2)),
        ("negative_predictive_value", Fraction(2, 3), 3, Fraction(1, 2)),
        ("false_positive_rate", Fraction(1, 3), 3, Fraction(1, 2)),
        ("false_negative_rate", Fraction(1, 3), 3, Fraction(1, 2)),
        ("false_discovery_rate", Fraction(1, 3), 3, Fraction(1, 2)),
        ("f2", Fraction(5 * 2, 5 * 2 + 4 + 1), 4, Fraction(1, 2)),
        ("f0_5", Fraction(5 * 2, 5 * 2 + 1 + 4), 4, Fraction(1, 2)),
        ("informedness", Fraction(2, 3) - Fraction(1, 3), 6, 0),
        ("lift", Fraction(2, 3) / Fraction(1, 2), 6, 1),
        ("mcc", Fraction(2 * 2 - 1 * 1, 9), 6, 0),
        ("kappa", Fraction(1, 3), 6, 0),
        ("balanced_accuracy", Fraction(2, 3), 6, Fraction(1, 2)),
        ("selection_rate", Fraction(4, 7), 7, None),
        ("prevalence", Fraction(3, 7), 7, None),
        ("roc_auc", Fraction(10, 12), 7, Fraction(1, 2)),
        ("gini", Fraction(8, 12), 7, 0),
        ("average_precision", (1 + Fraction(2, 3) + Fraction(3, 5)) / 3, 3, Fraction(3, 7)),
        ("ks", Fraction(1, 2), 7, 0),
        ("brier", Fraction(1 + 4 + 49 + 64 + 4 + 1 + 9, 700), 7, Fraction(3 * 4, 49)),
    ],
)
def test_binary(name, value, n, baseline):
    got = METRICS.get(name).measure(binary_cube(LABEL, SCORE, DECISION))[0]
    assert got.value == pytest.approx(float(value), rel=1e-12)
    assert got.n == n
    assert np.isnan(got.baseline) if baseline is None else got.baseline == pytest.approx(float(baseline), rel=1e-12)
    assert got.low < got.value < got.high
    assert got.reason is None


def test_multiclass():
    """Labels a a b b c c c -, decisions a b b b c a - c: rows 1 to 6 count.

    Recall 1/2, 1, 1/2; precision 1/2, 2/3, 1.
    """
    label, decision = np.array([0, 0, 1, 1, 2, 2, 2, -1]), np.array([0, 1, 1, 1, 2, 0, -1, 2])
    cube = multiclass_cube(label, decision)
    read = {name: METRICS.get(name).measure(cube) for name in ("recall", "precision", "f1", "macro_f1", "accuracy")}
    np.testing.assert_allclose(read["recall"].value, [1 / 2, 1, 1 / 2], rtol=1e-12)
    np.testing.assert_allclose(read["precision"].value, [1 / 2, 2 / 3, 1], rtol=1e-12)
    np.testing.assert_allclose(read["f1"].value, [1 / 2, 4 / 5, 2 / 3], rtol=1e-12)
    assert read["recall"].n.tolist() == [2, 2, 2]
    assert read["precision"].n.tolist() == [2, 3, 1]
    assert read["macro_f1"][0].value == pytest.approx((1 / 2 + 4 / 5 + 2 / 3) / 3, rel=1e-12)
    assert read["accuracy"][0].value == pytest.approx(4 / 6, rel=1e-12)


@pytest.mark.parametrize(
    ("name", "value", "baseline"),
    [
        ("mae", Fraction(8, 6), Fraction(13, 6)),
        ("rmse", (14 / 6) ** 0.5, (95 / 12) ** 0.5),
        ("r2", 1 - Fraction(28, 95), 0),
        ("bias", Fraction(4, 6), 0),
        ("median_ae", Fraction(3, 2), Fraction(3, 2)),
        ("wape", Fraction(8, 27), None),
        ("mape", (1 + Fraction(1, 2) + Fraction(1, 2) + 0 + Fraction(2, 6) + Fraction(1, 10)) / 6, None),
    ],
)
def test_regression(name, value, baseline):
    """Errors 2 -1 2 0 2 -1, squares sum to 14. Labels 2 2 4 3 6 10: median 3.5, mean 4.5, variance 95/12.

    Distances from the median 1.5 1.5 0.5 0.5 2.5 6.5. One more row has no label and one no prediction.
    """
    label = np.array([2, 2, 4, 3, 6, 10, np.nan, 5])
    prediction = np.array([4, 1, 6, 3, 8, 9, 5, np.nan])
    got = METRICS.get(name).measure(regression_cube(label, prediction))[0]
    assert got.value == pytest.approx(float(value), rel=1e-12)
    assert got.n == 6
    assert np.isnan(got.baseline) if baseline is None else got.baseline == pytest.approx(float(baseline), rel=1e-12)
