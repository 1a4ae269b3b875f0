"""Shares of decisions for one class: of the positive one where there are two, of each in turn where there are more.

Precision and recall serve both tasks; the others are for two classes only. Each is a pair of sets of cells, (actual,
predicted): what is counted, and among what.
"""

from functools import partial

import numpy as np

from analysis.core.roles import BINARY, MULTICLASS
from analysis.metrics.decisions import constant
from analysis.metrics.definition import METRICS, Metric, Sql
from analysis.metrics.shares import BOTH, FLAGGED, FN, FP, NEGATIVES, PASSED, POSITIVES, TN, TP, Share

NOT_PREDICTED, NOT_LABELLED = "nothing was predicted as this class", "no row is labelled as this class"

actual_share = Share(FN + TP, BOTH).value
predicted_share = Share(FP + TP, BOTH).value
other_actual_share = Share(TN + FP, BOTH).value
other_predicted_share = Share(TN + FN, BOTH).value

_share = partial(Metric, needs=("decisions",), tasks=(BINARY,), low=0.0, high=1.0, unit="share")

METRICS.add(
    _share(
        "precision",
        "Precision",
        tasks=(BINARY, MULTICLASS),
        better="higher",
        counts="predicted positives",
        help="Share of the predicted positives that are positive: 1 no false alarm, 0 nothing else.",
        source="Kent et al. 1955",
        estimate=Share(TP, FP + TP, NOT_PREDICTED),
        baseline=actual_share,
        baseline_help="the class's share among the labels: deciding at random",
        per_class=True,
        sql=Sql(
            "counts",
            "tp / nullif(tp + fp, 0)",
            "n_tp + n_fp",
            "sum(tp) / nullif(sum(predicted), 0)",
            "sum(n_predicted)",
        ),
    )
)
METRICS.add(
    _share(
        "recall",
        "Recall",
        tasks=(BINARY, MULTICLASS),
        better="higher",
        counts="actual positives",
        help="Share of the actual positives that were found: 1 all, 0 none.",
        source="Kent et al. 1955",
        estimate=Share(TP, FN + TP, NOT_LABELLED),
        baseline=predicted_share,
        baseline_help="the share of rows selected: choosing as many at random",
        per_class=True,
        sql=Sql(
            "counts", "tp / nullif(tp + fn, 0)", "n_tp + n_fn", "sum(tp) / nullif(sum(actual), 0)", "sum(n_actual)"
        ),
    )
)
METRICS.add(
    _share(
        "specificity",
        "Specificity",
        better="higher",
        counts="actual negatives",
        help="Share of the actual negatives left alone: 1 all, 0 none; 1 minus the false positive rate.",
        source="Yerushalmy 1947",
        estimate=Share(TN, TN + FP, "no actual negatives"),
        baseline=other_predicted_share,
        baseline_help="the share of rows not selected: choosing as many at random",
        sql=Sql("counts", "tn / nullif(tn + fp, 0)", "n_tn + n_fp"),
    )
)
METRICS.add(
    _share(
        "negative_predictive_value",
        "Negative predictive value",
        better="higher",
        counts="predicted negatives",
        help="Share of the predicted negatives that are negative: 1 no positive is missed among them, 0 all are.",
        source="Vecchio 1966",
        estimate=Share(TN, TN + FN, "nothing was predicted as negative"),
        baseline=other_actual_share,
        baseline_help="the share of negatives among the labels: deciding at random",
        sql=Sql("counts", "tn / nullif(tn + fn, 0)", "n_tn + n_fn"),
    )
)
METRICS.add(
    _share(
        "false_positive_rate",
        "False positive rate",
        better="lower",
        counts="actual negatives",
        help="Share of the actual negatives that were flagged: 0 none, 1 all; 1 minus specificity.",
        source="Yerushalmy 1947",
        estimate=Share(FP, TN + FP, "no actual negatives"),
        baseline=predicted_share,
        baseline_help="the share of rows selected: choosing as many at random",
        sql=Sql("counts", "fp / nullif(tn + fp, 0)", "n_tn + n_fp"),
    )
)
METRICS.add(
    _share(
        "false_negative_rate",
        "False negative rate",
        better="lower",
        counts="actual positives",
        help="Share of the actual positives that were missed: 0 none, 1 all; 1 minus recall.",
        source="Yerushalmy 1947",
        estimate=Share(FN, FN + TP, NOT_LABELLED),
        baseline=other_predicted_share,
        baseline_help="the share of rows not selected: choosing as many at random",
        sql=Sql("counts", "fn / nullif(tp + fn, 0)", "n_tp + n_fn"),
    )
)
METRICS.add(
    _share(
        "false_discovery_rate",
        "False discovery rate",
        better="lower",
        counts="predicted positives",
        help="Share of the predicted positives that are negative: 0 none, 1 all; 1 minus precision.",
        source="Sorić 1989",
        estimate=Share(FP, FP + TP, NOT_PREDICTED),
        baseline=other_actual_share,
        baseline_help="the share of negatives among the labels: deciding at random",
        sql=Sql("counts", "fp / nullif(tp + fp, 0)", "n_tp + n_fp"),
    )
)
METRICS.add(
    _share(
        "selection_rate",
        "Selection rate",
        needs=("predictions",),
        better=None,
        counts="rows with a decision",
        help="Share of the decisions that are positive, labelled or not: 0 none, 1 all.",
        source="Uniform Guidelines on Employee Selection Procedures 1978",
        estimate=Share(FLAGGED, FLAGGED + PASSED, "no row has a decision"),
        baseline=partial(constant, np.nan),
        sql=Sql("counts", "flagged / nullif(decided, 0)", "n_decided"),
    )
)
METRICS.add(
    _share(
        "prevalence",
        "Prevalence",
        needs=("labels",),
        better=None,
        counts="rows with a label",
        help="Share of the labels that are positive, decided or not: 0 none, 1 all.",
        source="the share itself",
        estimate=Share(POSITIVES, POSITIVES + NEGATIVES, "no row has a label"),
        baseline=partial(constant, np.nan),
        sql=Sql("counts", "positives / nullif(labelled, 0)", "n_labelled"),
    )
)
