"""SHAP values of a row against its usual values, by the `shap` package where that is installed."""

import importlib.util
import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl

from analysis.core.background import Background
from analysis.explaining import neighbourhood
from analysis.explaining.local import Scores, answered
from analysis.explaining.neighbourhood import FLAG, NUMBER, Layout
from analysis.explaining.occlusion import usual

SCHEMA: dict[str, Any] = {"term": pl.String, "shap": pl.Float64}
EXACT_TO = 12
"""Up to so many columns all 4,096 ways to mix the row with its usual values are asked about: exact values."""
ASKED = 4096
NOT_THERE = "The shap package is not installed, so SHAP values are left out: pip install shap."


def installed() -> bool:
    """Whether the package is there."""
    return importlib.util.find_spec("shap") is not None


def shapley(scores: Scores, known: Background, row: Mapping[str, Any], seed: int) -> tuple[pl.DataFrame, bool]:
    """(a row a term: SCHEMA, whether they are exact). The values add up to the prediction less that of the usual row.

    A column is put to its usual value as for occlusion. What a flag stands beside gets the column's value where the row
    has one, the flag where it is missing; the other term has none. Lundberg and Lee 2017, kernel SHAP.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what the package does to matplotlib when it is imported
        import shap

    layout = neighbourhood.layout(known, row)
    places = _places(layout)
    changed = {layout.terms[at].column: usual(known, layout, layout.terms[at]).value for at in places}
    names = [layout.names[column] for column in changed]
    kinds = {name: pl.String if text else pl.Float64 for name, text in zip(layout.names, layout.texts, strict=True)}
    both = pl.DataFrame(
        [
            dict(zip(layout.names, layout.row, strict=True)),
            {
                name: changed.get(place, value)
                for place, (name, value) in enumerate(zip(layout.names, layout.row, strict=True))
            },
        ],
        schema=kinds,
    )

    def mixed(masks: np.ndarray) -> np.ndarray:
        """Of rows that have their own values where a mask is 1."""
        side = (np.asarray(masks) < 0.5).astype(int)
        own = {name: both[name].gather(side[:, at]) for at, name in enumerate(names)}
        rest = {name: pl.Series([both[name][0]] * len(side), dtype=kinds[name]) for name in layout.names}
        return answered(scores, pl.DataFrame({**rest, **own}, schema=kinds))

    count = len(names)
    exact = count <= EXACT_TO
    np.random.seed(seed)
    explainer = shap.KernelExplainer(mixed, np.zeros((1, count)))
    asked = 2**count if exact else ASKED
    values = explainer.shap_values(np.ones((1, count)), nsamples=asked, l1_reg=False, silent=True)
    found: list[float | None] = [None] * len(layout.terms)
    for at, value in zip(places, np.asarray(values, dtype=float).reshape(-1), strict=True):
        found[at] = float(value)
    return pl.DataFrame({"term": [term.name for term in layout.terms], "shap": found}, schema=SCHEMA), exact


def _places(layout: Layout) -> list[int]:
    """The term of each column that its value belongs to."""
    own = {}
    for at, term in enumerate(layout.terms):
        missing = layout.row[term.column] is None
        if term.kind not in (FLAG, NUMBER) or (term.kind == FLAG) == missing:
            own[term.column] = at
    return [own[column] for column in sorted(own)]
