"""Amounts: what the rows of each label and score code are about, in money or any other unit."""

import numpy as np
import polars as pl

from analysis.core.cube import Amounts
from analysis.core.errors import BadRequest
from analysis.core.schema import FLOATS, INTEGERS
from analysis.engine.groups import Groups, column, filled, missing_last
from analysis.engine.parts.histogram import code_sql, merged, step
from analysis.engine.parts.part import PARTS, Answers, Part, Statements
from analysis.engine.statements import Asked, Select


def _amount(asked: Asked) -> str:
    """A row's amount in SQL, null where it has none or an infinite one."""
    name = asked.evaluation.roles.amount
    if name is None:
        raise BadRequest(
            f"'{asked.evaluation.name}' has no amount column, so no value depends on amounts; give one the role amount."
        )
    found = asked.evaluation.column(name)
    if found.type not in INTEGERS | FLOATS and not found.type.startswith("DECIMAL"):
        raise BadRequest(f"The amount column '{name}' holds {found.type}, not numbers.")
    raw = f"CAST(r.{found.key} AS DOUBLE)"
    return f"CASE WHEN isfinite({raw}) THEN {raw} END" if found.type in FLOATS else raw


def _statements(asked: Asked) -> Statements:
    if "amounts" not in asked.query.needs or not asked.model.codes:
        return {}
    a, w = _amount(asked), "r.w" if asked.evaluation.weighted else "1"
    known = f"FILTER ({a} IS NOT NULL)"
    sums = [f"count(*) {known} AS n", f"count(*) FILTER ({a} IS NULL) AS missing", f"fsum({w} * ({a})) AS a"]
    sums += [f"fsum({w} * {w} * ({a})) AS wa", f"fsum(({w} * ({a})) ** 2) AS a2"]
    if asked.evaluation.weighted:
        sums += [f"sum(r.w) {known} AS w", f"sum(r.w * r.w) {known} AS w2"]
    where = f"{asked.where} AND r.b{asked.model.index} IS NOT NULL"
    return {"amounts": Select(("r.y AS y", f"{code_sql(asked)} AS code"), tuple(sums), where)}


def _assemble(answers: Answers, asked: Asked, groups: Groups) -> Amounts:
    low, _ = merged(*groups.codes(f"b{asked.model.index}"), step(asked))
    frame, place = groups.placed(answers["amounts"])
    index = (place, missing_last(frame["y"], 2), frame["code"].cast(pl.Int64).to_numpy())

    def cells(name: str, kind: type = np.float64) -> np.ndarray:
        return filled((len(groups), 3, len(low)), index, column(frame, name, kind))

    n = cells("n", np.int64)
    w, w2 = (cells("w"), cells("w2")) if groups.weighted else (n, n)
    return Amounts(n, w, w2, cells("a"), cells("wa"), cells("a2"), cells("missing", np.int64), groups.weighted)


PARTS.add(Part("amounts", _statements, _assemble))
