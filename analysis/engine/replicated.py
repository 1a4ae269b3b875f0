"""Replicates of answers: where rows belong to units, the same question asked of random groups of units.

Replicates are counted in one scan, whatever the number of units; a thousand of them give a variance to 4 % and a
standard error to 2 %, which Student's quantile on their number allows for.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

import numpy as np
import polars as pl

from analysis.core.cube import Cube
from analysis.core.roles import REGRESSION
from analysis.engine.parts.units import singly
from analysis.engine.query import Answer, OpenEvaluation, Query
from analysis.metrics.definition import Metric

OF_CLASSES = ("top_label", "ranks")
MOST, FEWEST = 1_024, 64
CELLS = 3_000_000
CODES = 64
"""Score codes a replicate should have at least, so that many groups have fewer replicates rather than coarser ones."""
COUNTED = (
    *("decisions", "predictions", "labels", "scores", "amounts", "sum:", "over:", "own:"),
    *("class_scores", *OF_CLASSES),
)
"""Needs whose parts add up over replicates."""


SINGLE = ("roc_auc", "gini")
"""Metrics of scores that single units serve."""


def wanted(evaluation: OpenEvaluation, metrics: Iterable[Metric]) -> bool:
    """Whether the intervals of some of these need replicates to know units."""
    apart = {"scores", "class_scores", *OF_CLASSES}
    return not singly(evaluation.facts) or any(
        apart & set(metric.needs) and metric.name not in SINGLE for metric in metrics
    )


def count(evaluation: OpenEvaluation, query: Query, groups: int) -> int:
    """How many replicates so many groups of a query have: a power of two, fewer the more there are to count."""
    cells = 1 if evaluation.facts.task == REGRESSION else (len(evaluation.facts.classes) + 1) ** 2
    if "scores" in query.needs:
        cells = max(cells, 3 * CODES)
    if "class_scores" in query.needs:
        cells = max(cells, cells * CODES)
    fit = max(1, CELLS // (max(groups, 1) * cells))
    return int(np.clip(2 ** int(np.log2(fit)), FEWEST, MOST))


def attached(evaluation: OpenEvaluation, asked: Sequence[tuple[Query, Answer]]) -> list[Answer]:
    """The answers with the replicates of their cubes, as many for all of them; as they are where rows have no units
    or all have as many already."""
    if evaluation.facts.roles.unit is None or not asked or any(not len(answer.cube) for _, answer in asked):
        return [answer for _, answer in asked]
    held = {_each(answer.cube) for _, answer in asked}
    if len(held) == 1 and 0 not in held:
        return [answer for _, answer in asked]
    each = min(count(evaluation, query, len(answer.cube)) for query, answer in asked)
    return [_attached(evaluation, query, answer, each) for query, answer in asked]


def ask(evaluation: OpenEvaluation, query: Query) -> Answer:
    """The answer of a query, its cube with replicates where rows belong to units."""
    return attached(evaluation, [(query, evaluation.ask(query))])[0]


def _each(cube: Cube) -> int:
    """How many replicates a group of the cube has already."""
    return 0 if cube.replicates is None else len(cube.replicates) // max(len(cube), 1)


def _attached(evaluation: OpenEvaluation, query: Query, answer: Answer, each: int) -> Answer:
    needs = frozenset(need for need in query.needs if need.startswith(COUNTED))
    parts = evaluation.ask(replace(query, needs=needs, units=False, replicates=each))
    cube = answer.cube.once(("replicates", each, needs), _joined(answer.cube, parts.cube, each))
    return replace(answer, cube=cube, seconds=answer.seconds + parts.seconds, cached=answer.cached and parts.cached)


def _joined(cube: Cube, parts: Cube, each: int) -> Callable[[], Cube]:
    def made() -> Cube:
        names = cube.groups.columns
        which = parts.groups[f"k{len(names)}"].cast(pl.Int64).to_numpy()
        group = np.zeros(len(parts), dtype=np.int64)
        if names:
            known = cube.groups.with_row_index("group")
            joined = parts.groups.join(known, on=names, how="left", nulls_equal=True, maintain_order="left")
            group = joined["group"].cast(pl.Int64).to_numpy()
        places, size = group * each + which, len(cube) * each
        if len(parts) == size and np.array_equal(places, np.arange(size)):
            return replace(cube, replicates=parts)
        return replace(cube, replicates=parts.placed(places, size))

    return made
