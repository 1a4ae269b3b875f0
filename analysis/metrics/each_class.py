"""Metrics of each class's score among many: how well it tells the class from all the others."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np

from analysis.core.cube import Cube
from analysis.core.estimate import Estimates
from analysis.core.roles import MULTICLASS
from analysis.metrics import scores
from analysis.metrics.class_curves import versus
from analysis.metrics.class_scores import scored
from analysis.metrics.definition import METRICS, Estimator, Metric, Sql

WORDS = {
    scores.NO_POSITIVES: "no row is labelled as this class",
    scores.NO_NEGATIVES: "all labels are of this class",
}


def _apart(cube: Cube) -> list[Cube]:
    """For each class the cube of two classes: itself and the rest."""

    def made() -> list[Cube]:
        bare = replace(cube, class_histograms=(), class_moments=None, units=None)
        return [replace(bare, histogram=versus(each, own)) for own, each in enumerate(scored(cube))]

    return cube.once("each class against the rest", made)


def by_class(cube: Cube, level: float, *, estimate: Estimator) -> Estimates:
    """A metric of two classes for each class against the rest, (G * C,) group-major; see `estimate` for its interval.

    The classes' estimates share their rows, so they are not independent of each other.
    """
    each = [estimate(one, level) for one in _apart(cube)]

    def grouped(name: str) -> np.ndarray:
        return np.stack([getattr(one, name) for one in each], axis=1).ravel()

    methods = dict.fromkeys(part for one in each for part in one.method.split("; "))
    reason = np.array([None if why is None else WORDS.get(why, why) for why in grouped("reason")], dtype=object)
    value, low, high, n, bound = map(grouped, ("value", "low", "high", "n", "bound"))
    return Estimates(value, low, high, n, f"each class against the rest, {'; '.join(methods)}", reason, bound=bound)


def chance(cube: Cube, *, of: Callable[[Cube], np.ndarray]) -> np.ndarray:
    """(G * C,) what no skill gives each class."""
    return np.stack([of(one) for one in _apart(cube)], axis=1).ravel()


def _against_the_rest(name: str, two: str, title: str, *, counts: str, what: str, baseline_help: str) -> Metric:
    """The metric of two classes called `two`, asked of each class."""
    of_two = METRICS.get(two)
    written = of_two.sql or Sql("", "", "")
    return replace(
        of_two,
        name=name,
        title=title,
        counts=counts,
        help=what,
        baseline_help=baseline_help,
        tasks=(MULTICLASS,),
        needs=("class_scores",),
        estimate=partial(by_class, estimate=of_two.estimate),
        baseline=partial(chance, of=of_two.baseline),
        per_class=True,
        sql=Sql("class_scores", "", "", written.value, written.n),
    )


METRICS.add(
    _against_the_rest(
        "roc_auc_by_class",
        "roc_auc",
        "ROC AUC of each class",
        counts="rows with a label and every score",
        what="Chance that a row of the class has a higher score of it than a row of another class, ties half: 1 "
        "always, 0.5 as often as not, 0 never.",
        baseline_help="0.5: a score that knows nothing of the class",
    )
)
METRICS.add(
    _against_the_rest(
        "average_precision_by_class",
        "average_precision",
        "Average precision of each class",
        counts="rows of the class with every score",
        what="Mean over the class's rows of the share of the class among those with at least their score of it (step "
        "sum): 1 all its rows come first.",
        baseline_help="the class's share: any score that knows nothing of the class",
    )
)
