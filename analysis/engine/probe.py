"""A model's probe: a few rows of an evaluation, kept with a model to see later whether it still is the same."""

from collections.abc import Sequence

import polars as pl

from analysis.core.period import Period
from analysis.core.segment import Everything
from analysis.core.settings import whole
from analysis.engine.query import OpenEvaluation
from analysis.engine.sampled import Sampled


def probe(evaluation: OpenEvaluation, features: Sequence[str]) -> pl.DataFrame:
    """So many rows as the setting endpoint_probe_rows says, a column a feature; the same ones for the same file."""
    model, limit = evaluation.facts.models[-1].name, whole("endpoint_probe_rows")
    asked = Sampled(model, Everything(), Period(), None, tuple(features), limit, 0)
    return evaluation.rows(asked).frame.select(f"v{at}" for at in range(len(features)))
