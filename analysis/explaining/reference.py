"""The reference: what the `lime` package itself says, given the same statistics, options and seed."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from analysis.core.background import Background
from analysis.explaining import neighbourhood
from analysis.explaining.local import Explanation, Options, Scores, answered
from analysis.explaining.neighbourhood import NUMBER, Draws, Layout


def explainer(layout: Layout, options: Options, seed: int) -> Any:
    """A LimeTabularExplainer that knows of the background what the layout does."""
    from lime.lime_tabular import LimeTabularExplainer

    terms = layout.terms
    coded = [at for at, term in enumerate(terms) if term.kind != NUMBER]
    # Two rows whose mean and standard deviation are the background's: it computes them even where they are given.
    ends = np.array([[sign * term.scale if term.kind == NUMBER else 0.0 for term in terms] for sign in (-1, 1)])
    each = np.zeros(len(terms))
    statistics = {
        "means": each,
        "mins": each,
        "maxs": each,
        "stds": each,
        "feature_values": {at: list(range(len(terms[at].values))) for at in coded},
        "feature_frequencies": {at: list(terms[at].shares) for at in coded},
    }
    return LimeTabularExplainer(
        ends,
        mode="regression",
        training_data_stats=statistics,
        feature_names=[term.name for term in terms],
        categorical_features=coded,
        kernel_width=options.width(len(terms)),
        discretize_continuous=False,
        sample_around_instance=True,
        feature_selection="none",
        random_state=seed,
    )


def by_lime(
    scores: Scores, known: Background, row: Mapping[str, Any], options: Options, seed: int
) -> tuple[Explanation, np.ndarray]:
    """(its explanation, with `outside` nan; the neighbours' scores).

    The package writes its features as numbers; they are read back here, so that the model sees raw columns.
    """
    from sklearn.linear_model import Ridge

    layout = neighbourhood.layout(known, row)
    own = np.array([term.base if term.kind == NUMBER else float(term.own) for term in layout.terms])
    seen: list[np.ndarray] = []

    def asked(values: np.ndarray) -> np.ndarray:
        seen.append(answered(scores, neighbourhood.given(layout, _read(layout, values))[0]))
        return seen[-1]

    said = explainer(layout, options, seed).explain_instance(
        own, asked, num_features=len(own), num_samples=options.samples, model_regressor=Ridge(alpha=options.alpha)
    )
    weights = np.zeros(len(own))
    for at, weight in said.local_exp[1]:
        weights[at] = weight
    made = Explanation(
        layout,
        seed,
        weights,
        float(seen[0][0]),
        float(said.local_pred[0]),
        float(said.score),
        np.full(len(own), np.nan),
    )
    return made, seen[0]


def _read(layout: Layout, values: np.ndarray) -> Draws:
    """What was drawn, from the package's table of values and codes."""
    normals, codes = np.zeros(values.T.shape), np.zeros(values.T.shape, dtype=np.int32)
    for at, term in enumerate(layout.terms):
        if term.kind == NUMBER:
            normals[at] = (values[:, at] - term.base) / term.scale
        else:
            codes[at] = values[:, at].astype(np.int32)
    return neighbourhood.drawn(layout, normals, codes)
