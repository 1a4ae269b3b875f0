"""Sums of own row expressions, each over the rows that have a value of it. The need is `own:` and its text."""

import numpy as np

from analysis.core.cube import Sums
from analysis.engine.groups import Groups, column, filled
from analysis.engine.parts.part import PARTS, Answers, Part, Statements
from analysis.engine.rowsql import row_sql
from analysis.engine.rowterm import read
from analysis.engine.statements import Asked, Select

NEED = "own:"


def texts(asked: Asked) -> list[str]:
    """The expressions a query asks for."""
    return sorted(need.removeprefix(NEED) for need in asked.query.needs if need.startswith(NEED))


def _statements(asked: Asked) -> Statements:
    return {text: _select(asked, text) for text in texts(asked)}


def _select(asked: Asked, text: str) -> Select:
    x = row_sql(read(text), asked.evaluation, asked.model, asked.decision).sql
    terms = {"x": x, "x2": f"{x} * {x}"}
    parts = [f"fsum({'r.w * ' if asked.evaluation.weighted else ''}{sql}) AS s_{name}" for name, sql in terms.items()]
    if asked.evaluation.weighted:
        parts += [f"fsum(r.w * r.w * {sql}) AS q_{name}" for name, sql in terms.items()]
    return Select((), (*asked.counts, *parts), f"{asked.where} AND isfinite({x})")


def _assemble(answers: Answers, asked: Asked, groups: Groups) -> dict[str, Sums]:
    return {text: _sums(answers, text, groups) for text in texts(asked)}


def _sums(answers: Answers, text: str, groups: Groups) -> Sums:
    answer, place = groups.placed(answers[text])

    def summed(name: str, kind: type = np.float64) -> np.ndarray:
        return filled((len(groups),), (place,), column(answer, name, kind))

    n = summed("n", np.int64)
    s = {name: summed(f"s_{name}") for name in ("x", "x2")}
    if not groups.weighted:
        return Sums(n, n, n, s, s, False)
    return Sums(n, summed("w"), summed("w2"), s, {name: summed(f"q_{name}") for name in s}, True)


PARTS.add(Part("own", _statements, _assemble))
