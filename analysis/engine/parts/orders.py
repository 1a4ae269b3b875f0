"""Order statistics of per-row quantities: exact quantiles, and the counts by code that intervals are read from."""

from collections.abc import Sequence

import numpy as np
import polars as pl

from analysis.core.cube import Order
from analysis.core.evaluation import Evaluation, ModelFacts
from analysis.engine.groups import Groups, column, filled
from analysis.engine.parts.part import PARTS, Answers, Part, Statements
from analysis.engine.statements import Asked, Keys, Select
from analysis.engine.terms import usable


def quantities(asked: Asked) -> dict[str, list[float]]:
    """{quantity: levels, ascending} of what a query asks for; "order:ae" is its median, "order:latency:0.95" is not."""
    found: dict[str, set[float]] = {}
    for need in asked.query.needs:
        kind, _, rest = need.partition(":")
        if kind == "order":
            quantity, _, level = rest.partition(":")
            found.setdefault(quantity, set()).add(float(level or 0.5))
    return {quantity: sorted(found[quantity]) for quantity in sorted(found)}


def value_sql(evaluation: Evaluation, model: ModelFacts, quantity: str) -> str:
    """A row's quantity in SQL."""
    values = {"ae": f"abs(r.e{model.index})", "d": f"abs(r.y - {evaluation.median!r})", "latency": f"r.x{model.index}"}
    return values[quantity]


def rows_sql(evaluation: Evaluation, models: Sequence[ModelFacts], quantity: str) -> str:
    """The rows that have the quantity, of every one of the models."""
    if quantity == "latency":
        return " AND ".join(f"r.x{model.index} IS NOT NULL" for model in models)
    return usable(evaluation, *models)


def _codes(asked: Asked, quantity: str) -> str | None:
    """The column of the quantity's codes, None where the file holds none."""
    return {"ae": f"a{asked.model.index}", "latency": f"h{asked.model.index}"}.get(quantity)


def _statements(asked: Asked) -> Statements:
    evaluation, model = asked.evaluation, asked.model
    made: Statements = {}
    for quantity, levels in quantities(asked).items():
        if (not model.latency_codes) if quantity == "latency" else (not evaluation.roles.label):
            continue
        value = value_sql(evaluation, model, quantity)
        rows = f"{asked.where} AND {rows_sql(evaluation, asked.models, quantity)}"
        if evaluation.weighted:
            picked = f"[{', '.join(inverse(level) for level in levels)}] AS v"
            made[f"{quantity} exact"] = weighted_quantiles(asked.keys, value, rows, picked)
        else:
            made[f"{quantity} exact"] = Select((), (f"quantile_cont({value}, {levels}) AS v",), rows)
        code = _codes(asked, quantity)
        if code is not None:
            weight = ("sum(r.w) AS w",) if evaluation.weighted else ()
            made[f"{quantity} codes"] = Select((f"r.{code} AS code",), ("count(*) AS n", *weight), rows)
    return made


def _assemble(answers: Answers, asked: Asked, groups: Groups) -> dict[str, Order]:
    return {
        quantity: _order(answers, asked, groups, quantity, levels)
        for quantity, levels in quantities(asked).items()
        if f"{quantity} exact" in answers
    }


def _order(answers: Answers, asked: Asked, groups: Groups, quantity: str, levels: list[float]) -> Order:
    found, place = groups.placed(answers[f"{quantity} exact"])
    exact = {level: np.full(len(groups), np.nan) for level in levels}
    for number, level in enumerate(levels):
        exact[level][place] = found["v"].list.get(number).cast(pl.Float64).fill_null(float("nan")).to_numpy()
    code = _codes(asked, quantity)
    if code is None:
        nothing = np.zeros((len(groups), 0))
        return Order(nothing, nothing, np.empty(0), np.empty(0), exact, groups.weighted)
    low, high = groups.codes(code)
    codes, place = groups.placed(answers[f"{quantity} codes"])
    index, shape = (place, codes["code"].cast(pl.Int64).to_numpy()), (len(groups), len(low))
    n = filled(shape, index, column(codes, "n", np.int64))
    w = filled(shape, index, column(codes, "w")) if groups.weighted else n
    return Order(n, w, low, high, exact, groups.weighted)


def inverse(level: float) -> str:
    """The left-continuous inverse of a weighted distribution, over what `weighted_quantiles` has prepared."""
    return f"min(v) FILTER (upto >= total * {level} AND total > 0)"


def weighted_quantiles(by: Keys, value: str, where: str, picked: str) -> str:
    """`picked` by group over v (the value), upto (the weight at or below it) and total (all weight)."""
    names = by.places
    part = f"PARTITION BY {', '.join(names)} " if names else ""
    texts = "".join(f"CAST({sql} AS VARCHAR) AS {name}, " for sql, name in zip(by.sql, names, strict=True))
    inner = f"SELECT {texts}{value} AS v, r.w AS w FROM rows r WHERE {where}"
    upto = f"SELECT *, sum(w) OVER ({part}ORDER BY v) AS upto, sum(w) OVER ({part.strip()}) AS total FROM ({inner})"
    return f"SELECT {', '.join([*names, picked])} FROM ({upto}) GROUP BY ALL"


PARTS.add(Part("orders", _statements, _assemble))
