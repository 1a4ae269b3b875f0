"""Order statistics of per-row quantities: exact medians, and the counts by code that their intervals are read from."""

import numpy as np
import polars as pl

from analysis.core.cube import Order
from analysis.engine.groups import Groups, column, filled
from analysis.engine.parts.part import PARTS, Answers, Part, Statements
from analysis.engine.statements import Asked, Keys, Select
from analysis.engine.terms import usable


def quantities(asked: Asked) -> list[str]:
    """The quantities a query asks for."""
    return sorted(need[6:] for need in asked.query.needs if need.startswith("order:"))


def _value(asked: Asked, quantity: str) -> str:
    errors = f"abs(r.e{asked.model.index})"
    return {"ae": errors, "d": f"abs(r.y - {asked.evaluation.median!r})"}[quantity]


def _statements(asked: Asked) -> Statements:
    if not asked.evaluation.roles.label:
        return {}
    made: Statements = {}
    rows = f"{asked.where} AND {usable(asked.evaluation, *asked.models)}"
    for quantity in quantities(asked):
        value = _value(asked, quantity)
        if asked.evaluation.weighted:
            made[f"{quantity} exact"] = weighted_median(asked.keys, value, rows, "min(v) FILTER (middle) AS v")
        else:
            made[f"{quantity} exact"] = Select((), (f"quantile_cont({value}, 0.5) AS v",), rows)
        if quantity == "ae":
            weight = ("sum(r.w) AS w",) if asked.evaluation.weighted else ()
            made[f"{quantity} codes"] = Select((f"r.a{asked.model.index} AS code",), ("count(*) AS n", *weight), rows)
    return made


def _assemble(answers: Answers, asked: Asked, groups: Groups) -> dict[str, Order]:
    return {quantity: _order(answers, asked, groups, quantity) for quantity in quantities(asked)}


def _order(answers: Answers, asked: Asked, groups: Groups, quantity: str) -> Order:
    exact, place = groups.placed(answers[f"{quantity} exact"])
    median = np.full(len(groups), np.nan)
    median[place] = exact["v"].cast(pl.Float64).fill_null(float("nan")).to_numpy()
    codes = answers.get(f"{quantity} codes")
    if codes is None:
        nothing = np.zeros((len(groups), 0))
        return Order(nothing, nothing, np.empty(0), np.empty(0), {0.5: median}, groups.weighted)
    low, high = groups.codes(f"a{asked.model.index}")
    codes, place = groups.placed(codes)
    index, shape = (place, codes["code"].cast(pl.Int64).to_numpy()), (len(groups), len(low))
    n = filled(shape, index, column(codes, "n", np.int64))
    w = filled(shape, index, column(codes, "w")) if groups.weighted else n
    return Order(n, w, low, high, {0.5: median}, groups.weighted)


def weighted_median(by: Keys, value: str, where: str, picked: str) -> str:
    """`picked` by group over v (the value) and middle: whether half of the weight lies at or below it.

    The least v in the middle is the median: the left-continuous inverse of the weighted distribution.
    """
    names = by.places
    part = f"PARTITION BY {', '.join(names)} " if names else ""
    texts = "".join(f"CAST({sql} AS VARCHAR) AS {name}, " for sql, name in zip(by.sql, names, strict=True))
    inner = f"SELECT {texts}{value} AS v, r.w AS w FROM rows r WHERE {where}"
    upto, total = f"sum(w) OVER ({part}ORDER BY v)", f"sum(w) OVER ({part.strip()})"
    middle = f"SELECT *, {upto} >= {total} / 2 AND {total} > 0 AS middle FROM ({inner})"
    return f"SELECT {', '.join([*names, picked])} FROM ({middle}) GROUP BY ALL"


PARTS.add(Part("orders", _statements, _assemble))
