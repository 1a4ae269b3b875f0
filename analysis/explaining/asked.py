"""What is asked of explanations, answered beside the model: the weights, and what they are checked against."""

from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import numpy as np
import polars as pl

from analysis.core.classorder import same
from analysis.core.errors import ModelFailed
from analysis.core.model import Answers, Asking, Explained
from analysis.explaining import local, occlusion, reference, shapley, stopping, text
from analysis.explaining.local import Options, Scores

SHAP_SAID = "SHAP values"
"""The fact that says how they were made, or why they are missing."""


def explained(answers: Callable[[pl.DataFrame], Answers], asked: Asking) -> Explained:
    """answers: the model, asked in this process.

    ModelFailed where the model does or gives no numbers; BadRequest where nothing varies.
    """
    scores = explained_score(answers, asked)
    if asked.text:
        return _words(scores, asked)
    rows = asked.rows.to_dicts()
    options = Options(asked.samples, asked.kernel_width, asked.alpha)
    explained_rows = rows if asked.seeds else []
    further: dict[str, pl.DataFrame] = {}
    if asked.error:
        stopped = stopping.explain_until(scores, asked.background, explained_rows, options, asked.seeds, asked.error)
        found, further["stopped"] = [each.explanation for each in stopped], stopping.framed(stopped)
    else:
        found = local.explain_many(scores, asked.background, explained_rows, options, asked.seeds)
    facts: dict[str, Any] = {"numpy": version("numpy")}
    if asked.occlude:
        further["occlusion"] = occlusion.occluded(scores, asked.background, rows[0])
    if asked.reference is not None:
        said, _ = reference.by_lime(scores, asked.background, rows[0], options, asked.reference)
        further["reference"] = local.framed([said])
        facts["lime"] = version("lime")
    if asked.shap:
        _shap(scores, asked, rows[0], further, facts)
    return Explained(local.framed(found), further, facts)


def _words(scores: Scores, asked: Asking) -> Explained:
    """The same of the words of a text."""
    options = Options(asked.samples, asked.kernel_width, asked.alpha)
    row, place = text.opened(scores, asked.rows, asked.text), asked.rows.columns.index(asked.text)
    found = [text.explained(row, options, seed, place) for seed in asked.seeds]
    numbered = [frame.with_columns(pl.lit(at, pl.Int64).alias("explanation")) for at, frame in enumerate(found)]
    further: dict[str, pl.DataFrame] = {}
    facts: dict[str, Any] = {"numpy": version("numpy")}
    if asked.occlude:
        further["occlusion"] = text.occluded(row)
    if asked.reference is not None:
        further["reference"] = text.by_lime(row, options, asked.reference, place)
        facts["lime"] = version("lime")
    if asked.shap:
        facts[SHAP_SAID] = "SHAP values are not made for words."
    return Explained(pl.concat(numbered) if numbered else pl.DataFrame(schema=local.SCHEMA), further, facts)


def _shap(
    scores: Scores, asked: Asking, row: dict[str, Any], further: dict[str, pl.DataFrame], facts: dict[str, Any]
) -> None:
    if not shapley.installed():
        facts[SHAP_SAID] = shapley.NOT_THERE
        return
    further["shap"], exact = shapley.shapley(scores, asked.background, row, asked.reference or 0)
    facts["shap"] = version("shap")
    facts[SHAP_SAID] = "exact" if exact else f"from {shapley.ASKED:,} of all mixtures"


def explained_score(answers: Callable[[pl.DataFrame], Answers], asked: Asking) -> Scores:
    """The one number a row that is explained."""

    def scores(frame: pl.DataFrame) -> np.ndarray:
        said = answers(frame)
        if asked.score < 0:
            if said.labels is None:
                raise ModelFailed("The model answers neither scores nor labels.")
            names = {each: float(same(each, asked.label)) for each in said.labels.unique().to_list()}
            return np.array([names[each] for each in said.labels.to_list()])
        if asked.score >= said.scores.shape[1]:
            raise ModelFailed(f"The model gives {said.scores.shape[1]:,} scores a row, and another is asked for.")
        given: np.ndarray = said.scores[:, asked.score]
        return 1 - given if asked.turned else given

    return scores
