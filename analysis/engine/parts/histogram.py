"""The histogram of score codes by label, made coarser where many groups would make it too large."""

import numpy as np
import polars as pl

from analysis.core.cube import Histogram
from analysis.core.roles import REGRESSION
from analysis.engine.groups import Groups, missing_last
from analysis.engine.parts.part import PARTS, Answers, Part, Statements
from analysis.engine.statements import Asked, Select

CELLS = 6_000_000  # a histogram of groups x labels x codes stays below 50 MB


REPLICATED = 800_000  # of groups of units: enough for their variances, and quick to count


def coarse(codes: int, groups: int | None, labels: int = 3, cells: int = CELLS) -> int:
    """How many neighbouring codes are merged into one, for so many groups of so many labels."""
    most = max(1, cells // (labels * max(codes, 1)))
    return 1 if groups is None or groups <= most else -(-groups // most)


def merged(low: np.ndarray, high: np.ndarray, by: int) -> tuple[np.ndarray, np.ndarray]:
    """(low, high) of the codes once `by` neighbours are one."""
    if by == 1:
        return low, high
    firsts = np.arange(0, len(low), by)
    return low[firsts], high[np.minimum(firsts + by - 1, len(high) - 1)]


def step(asked: Asked) -> int:
    """How many neighbouring codes of the model are one in this query."""
    return coarse(asked.model.codes, asked.groups, cells=REPLICATED if asked.query.replicates else CELLS)


def code_sql(asked: Asked) -> str:
    """The score code of a row as the histogram counts it."""
    by = step(asked)
    return f"r.b{asked.model.index}" if by == 1 else f"r.b{asked.model.index} // {by}"


def _statements(asked: Asked) -> Statements:
    if "scores" not in asked.query.needs or not asked.model.codes or asked.evaluation.task == REGRESSION:
        return {}
    where = " AND ".join([asked.where, *(f"r.b{model.index} IS NOT NULL" for model in asked.models)])
    return {"scores": Select(("r.y AS y", f"{code_sql(asked)} AS code"), asked.counts, where)}


def _assemble(answers: Answers, asked: Asked, groups: Groups) -> Histogram:
    low, high = merged(*groups.codes(f"b{asked.model.index}"), step(asked))
    cells = groups.counted(
        answers["scores"],
        (3, len(low)),
        lambda frame: (missing_last(frame["y"], 2), frame["code"].cast(pl.Int64).to_numpy()),
    )
    return Histogram(*cells, low, high, groups.weighted)


PARTS.add(Part("histogram", _statements, _assemble))
