"""Sums of per-row terms over the rows that have both a label and an answer."""

import numpy as np

from analysis.core.cube import Sums
from analysis.engine.groups import Groups, column, filled
from analysis.engine.parts.part import PARTS, Answers, Part, Statements
from analysis.engine.statements import Asked, Select
from analysis.engine.terms import measurable, term_sql, usable


def terms(asked: Asked) -> tuple[str, ...]:
    """The terms a query asks for."""
    return tuple(sorted(need[4:] for need in asked.query.needs if need.startswith("sum:")))


def _statements(asked: Asked) -> Statements:
    if not terms(asked) or not measurable(asked.evaluation, asked.model):
        return {}
    parts: list[str] = []
    for term in terms(asked):
        sql = term_sql(asked.evaluation, asked.model, term)
        if asked.evaluation.weighted:
            parts += [f"fsum(r.w * ({sql})) AS s_{term}", f"fsum(r.w * r.w * ({sql})) AS q_{term}"]
        else:
            parts.append(f"fsum({sql}) AS s_{term}")
    where = f"{asked.where} AND {usable(asked.evaluation, *asked.models)}"
    return {"sums": Select((), (*asked.counts, *parts), where)}


def _assemble(answers: Answers, asked: Asked, groups: Groups) -> Sums:
    answer, place = groups.placed(answers["sums"])

    def summed(name: str, kind: type = np.float64) -> np.ndarray:
        return filled((len(groups),), (place,), column(answer, name, kind))

    n = summed("n", np.int64)
    s = {term: summed(f"s_{term}") for term in terms(asked)}
    if not groups.weighted:
        return Sums(n, n, n, s, s, False)
    return Sums(n, summed("w"), summed("w2"), s, {term: summed(f"q_{term}") for term in s}, True)


PARTS.add(Part("sums", _statements, _assemble))
