"""Sums over other rows than those with a label and an answer: what answers cost, whether there is one, quantiles."""

import numpy as np

from analysis.core.cube import Sums
from analysis.engine.groups import Groups, column, filled
from analysis.engine.parts.part import PARTS, Answers, Part, Statements
from analysis.engine.rowsets import RowSet, row_set
from analysis.engine.statements import Asked, Select


def _names(asked: Asked) -> list[str]:
    """The row sets a query asks for."""
    return sorted(need[5:] for need in asked.query.needs if need.startswith("over:"))


def _set(asked: Asked, name: str) -> RowSet:
    return row_set(name, asked.evaluation, asked.models, asked.decision)


def _statements(asked: Asked) -> Statements:
    made: Statements = {}
    for name in _names(asked):
        rows = _set(asked, name)
        sums = list(asked.counts)
        for term, sql in rows.terms.items():
            if asked.evaluation.weighted:
                sums += [f"fsum(r.w * ({sql})) AS s_{term}", f"fsum(r.w * r.w * ({sql})) AS q_{term}"]
            else:
                sums.append(f"fsum({sql}) AS s_{term}")
        made[name] = Select((), tuple(sums), f"{asked.where} AND {rows.where}")
    return made


def _assemble(answers: Answers, asked: Asked, groups: Groups) -> dict[str, Sums]:
    return {name: _sums(answers, asked, groups, name) for name in _names(asked)}


def _sums(answers: Answers, asked: Asked, groups: Groups, name: str) -> Sums:
    answer, place = groups.placed(answers[name])

    def summed(column_name: str, kind: type = np.float64) -> np.ndarray:
        return filled((len(groups),), (place,), column(answer, column_name, kind))

    terms = _set(asked, name).terms
    n, s = summed("n", np.int64), {term: summed(f"s_{term}") for term in terms}
    if not groups.weighted:
        return Sums(n, n, n, s, s, False)
    return Sums(n, summed("w"), summed("w2"), s, {term: summed(f"q_{term}") for term in terms}, True)


PARTS.add(Part("over", _statements, _assemble))
