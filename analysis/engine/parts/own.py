"""Sums of own row expressions, each over the rows that have a value of it. The need is `own:` and its text."""

import numpy as np

from analysis.core.cube import OwnSums
from analysis.engine.groups import Groups, column, filled
from analysis.engine.parts.part import PARTS, Answers, Part, Statements
from analysis.engine.parts.units import singly
from analysis.engine.rowsql import row_sql
from analysis.engine.rowterm import read
from analysis.engine.statements import Asked, Select

NEED = "own:"
TOGETHER = " by unit"


def texts(asked: Asked) -> list[str]:
    """The expressions a query asks for."""
    return sorted(need.removeprefix(NEED) for need in asked.query.needs if need.startswith(NEED))


def _statements(asked: Asked) -> Statements:
    made: Statements = {text: _select(asked, text) for text in texts(asked)}
    if singly(asked.evaluation) and asked.query.units:
        made |= {f"{text}{TOGETHER}": _by_unit(asked, text) for text in texts(asked)}
    return made


def _select(asked: Asked, text: str) -> Select:
    x = row_sql(read(text), asked.evaluation, asked.model, asked.decision).sql
    terms = {"x": x, "x2": f"{x} * {x}"}
    parts = [f"fsum({'r.w * ' if asked.evaluation.weighted else ''}{sql}) AS s_{name}" for name, sql in terms.items()]
    if asked.evaluation.weighted:
        parts += [f"fsum(r.w * r.w * {sql}) AS q_{name}" for name, sql in terms.items()]
    return Select((), (*asked.counts, *parts), f"{asked.where} AND isfinite({x})")


def _by_unit(asked: Asked, text: str) -> str:
    """Per group the units, and over them the sums of products of their sums of x and of rows."""
    x, keys = row_sql(read(text), asked.evaluation, asked.model, asked.decision).sql, asked.keys
    unit = f"r.{asked.evaluation.column(str(asked.evaluation.roles.unit)).key}"
    weight = "r.w" if asked.evaluation.weighted else "1"
    keyed = "".join(f"{sql} AS {name}, " for sql, name in zip(keys.sql, keys.places, strict=True))
    listed = "".join(f"{name}, " for name in keys.places)
    inner = (
        f"SELECT {keyed}{unit} AS unit, CASE WHEN {unit} IS NULL THEN r.rowid END AS alone, "
        f"{weight} * {x} AS x, {weight} AS o FROM rows r WHERE {asked.where} AND isfinite({x})"
    )
    each = f"SELECT {listed}unit, alone, fsum(x) AS x, sum(o)::DOUBLE AS o FROM ({inner}) GROUP BY ALL"
    products = "fsum(x * x) AS xx, fsum(x * o) AS xo, fsum(o * o) AS oo"
    return keys.as_text(f"SELECT {listed}count(*) AS n, {products} FROM ({each}) GROUP BY ALL")


def _assemble(answers: Answers, asked: Asked, groups: Groups) -> dict[str, OwnSums]:
    return {text: _sums(answers, text, groups) for text in texts(asked)}


def _sums(answers: Answers, text: str, groups: Groups) -> OwnSums:
    answer, place = groups.placed(answers[text])

    def summed(name: str, kind: type = np.float64) -> np.ndarray:
        return filled((len(groups),), (place,), column(answer, name, kind))

    n = summed("n", np.int64)
    s = {name: summed(f"s_{name}") for name in ("x", "x2")}
    together = _together(answers, text, groups)
    if not groups.weighted:
        return OwnSums(n, n, n, s, s, False, together)
    return OwnSums(n, summed("w"), summed("w2"), s, {name: summed(f"q_{name}") for name in s}, True, together)


def _together(answers: Answers, text: str, groups: Groups) -> np.ndarray | None:
    if f"{text}{TOGETHER}" not in answers:
        return None
    answer, place = groups.placed(answers[f"{text}{TOGETHER}"])
    columns = [filled((len(groups),), (place,), column(answer, name)) for name in ("n", "xx", "xo", "oo")]
    return np.stack(columns, axis=-1)


PARTS.add(Part("own", _statements, _assemble))
