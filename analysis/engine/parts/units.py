"""Units: how the rows of one customer or patient go together. Counted where the evaluation has a unit column."""

from dataclasses import replace

import numpy as np
import polars as pl

from analysis.core.evaluation import Evaluation
from analysis.core.roles import BINARY, REGRESSION
from analysis.core.wholes import Units
from analysis.engine.groups import Groups, column, filled, missing_last
from analysis.engine.parts import histogram, sums
from analysis.engine.parts.part import PARTS, Answers, Part, Statements
from analysis.engine.statements import Asked, Keys
from analysis.engine.terms import measurable, term_sql, usable

DENSE = 4_000_000
"""Groups times pairs of cells held at once; beyond it rows are taken one by one, as the method then says."""

MOST = 2_000_000
"""Rows of an evaluation whose units are looked at one by one; of more, random groups of them (engine/replicated.py)."""


def singly(evaluation: Evaluation) -> bool:
    """Whether the units of an evaluation are looked at one by one."""
    return evaluation.roles.unit is not None and evaluation.rows <= MOST


def _unit(asked: Asked) -> str:
    """The column that says which unit a row belongs to."""
    return f"r.{asked.evaluation.column(str(asked.evaluation.roles.unit)).key}"


def _from(asked: Asked, picked: list[str], where: str) -> str:
    keyed = [f"{sql} AS {name}" for sql, name in zip(asked.keys.sql, asked.keys.places, strict=True)]
    unit = _unit(asked)
    whose = f"{unit} AS unit, CASE WHEN {unit} IS NULL THEN r.rowid END AS alone"  # without a unit a row is its own
    return f"SELECT {', '.join([*keyed, whose, *picked])} FROM rows r WHERE {where}"


def _listed(keys: Keys, table: str = "") -> str:
    return "".join(f"{table}{name}, " for name in keys.places)


def _statements(asked: Asked) -> Statements:
    evaluation = asked.evaluation
    if not singly(evaluation) or not asked.query.units or asked.other is not None:
        return {}
    wanted = {"units": _counted}
    if evaluation.task != REGRESSION and (asked.groups or 1) * (len(evaluation.classes) + 1) ** 4 <= DENSE:
        wanted["cells"] = _cells
    if sums.terms(asked) and measurable(evaluation, asked.model):
        wanted["moments"] = _moments
    if evaluation.task == BINARY and "scores" in asked.query.needs and asked.model.codes:
        wanted["placements"] = _placements
    return {name: make(asked) for name, make in wanted.items()}


def _weight(asked: Asked) -> str:
    return "r.w" if asked.evaluation.weighted else "1"


def _counted(asked: Asked) -> str:
    own = f"SELECT DISTINCT {_listed(asked.keys)}unit, alone FROM ({_from(asked, [], asked.where)})"
    return asked.keys.as_text(f"SELECT {_listed(asked.keys)}count(*) AS n FROM ({own}) GROUP BY ALL")


def _cells(asked: Asked) -> str:
    keys = asked.keys
    inner = _from(asked, ["r.y AS y", f"{asked.decision} AS p", f"{_weight(asked)} AS w"], asked.where)
    each = f"SELECT * REPLACE (sum(w)::DOUBLE AS w) FROM ({inner}) GROUP BY ALL"
    same = " AND ".join(f"a.{name} IS NOT DISTINCT FROM b.{name}" for name in (*keys.places, "unit", "alone"))
    pairs = (
        f"SELECT {_listed(keys, 'a.')}a.y AS y, a.p AS p, b.y AS y2, b.p AS p2, sum(a.w * b.w) AS w "
        f"FROM each a JOIN each b ON {same} GROUP BY ALL"
    )
    return f"WITH each AS ({each}) " + keys.as_text(pairs)


def _moments(asked: Asked) -> str:
    keys, terms, weight = asked.keys, sums.terms(asked), _weight(asked)
    picked = [f"{weight} AS t0"]
    picked += [
        f"{weight} * ({term_sql(asked.evaluation, asked.model, term)}) AS t{place}"
        for place, term in enumerate(terms, start=1)
    ]
    inner = _from(asked, picked, f"{asked.where} AND {usable(asked.evaluation, asked.model)}")
    names = [f"t{place}" for place in range(len(terms) + 1)]
    summed = ", ".join(f"sum({name})::DOUBLE AS {name}" for name in names)
    each = f"SELECT {_listed(keys)}unit, alone, {summed} FROM ({inner}) GROUP BY ALL"
    products = ", ".join(
        f"sum({one} * {other}) AS m{i}_{j}" for i, one in enumerate(names) for j, other in enumerate(names[: i + 1])
    )
    return keys.as_text(f"SELECT {_listed(keys)}count(*) AS n, {products} FROM ({each}) GROUP BY ALL")


def _placements(asked: Asked) -> str:
    """DeLong's placements of each code, joined to the rows: their sum by unit is the unit's influence on the AUC."""
    keys, code = asked.keys, histogram.code_sql(asked)
    part = f"PARTITION BY {', '.join(keys.places)} " if keys.places else ""
    both = f"r.b{asked.model.index} IS NOT NULL AND r.y IS NOT NULL"
    picked = ["r.y AS y", f"{code} AS code", f"{_weight(asked)} AS w"]
    scored = _from(asked, picked, f"{asked.where} AND {both}")
    ties = (
        f"SELECT {_listed(keys)}code, coalesce(sum(w) FILTER (y = 1), 0)::DOUBLE AS pos, "
        f"coalesce(sum(w) FILTER (y = 0), 0)::DOUBLE AS neg FROM scored GROUP BY ALL"
    )
    places = (
        f"SELECT {_listed(keys)}code, pos, neg, "
        f"sum(neg) OVER ({part}ORDER BY code) - neg / 2 AS below, "
        f"sum(pos) OVER ({part}ORDER BY code) - pos / 2 AS under, "
        f"sum(pos) OVER ({part.strip()}) AS positives, sum(neg) OVER ({part.strip()}) AS negatives FROM ties"
    )
    area = f"sum(pos * below) OVER ({part.strip()}) / (positives * negatives)"
    shares = (
        f"SELECT {_listed(keys)}code, (below / negatives - {area}) / positives AS up, "
        f"(1 - under / positives - {area}) / negatives AS down FROM places WHERE positives > 0 AND negatives > 0"
    )
    same = " AND ".join(f"scored.{name} IS NOT DISTINCT FROM shares.{name}" for name in (*keys.places, "code"))
    each = (
        f"SELECT {_listed(keys, 'scored.')}unit, alone, sum(w * CASE y WHEN 1 THEN up ELSE down END) AS z "
        f"FROM scored JOIN shares ON {same} GROUP BY ALL"
    )
    head = f"WITH scored AS ({scored}), ties AS ({ties}), places AS ({places}), shares AS ({shares}) "
    return head + keys.as_text(f"SELECT {_listed(keys)}count(*) AS n, sum(z * z) AS z FROM ({each}) GROUP BY ALL")


def _assemble(answers: Answers, asked: Asked, groups: Groups) -> Units:
    size = len(groups)

    def together(name: str) -> tuple[pl.DataFrame, np.ndarray]:
        return groups.placed(answers[name])

    def counted(name: str) -> tuple[pl.DataFrame, np.ndarray, np.ndarray]:
        answer, place = together(name)
        return answer, place, filled((size,), (place,), column(answer, "n", np.int64))

    made = Units(counted("units")[2])
    if "cells" in answers:
        made = replace(made, cells=_squares(*together("cells"), asked, groups))
    if "moments" in answers:
        answer, place, used = counted("moments")
        names = ("one", *sums.terms(asked))
        moments = np.zeros((size, len(names), len(names)))
        for i in range(len(names)):
            for j in range(i + 1):
                moments[:, i, j] = moments[:, j, i] = filled((size,), (place,), column(answer, f"m{i}_{j}"))
        made = replace(made, terms=names, moments=moments, used=used)
    if "placements" in answers:
        answer, place, ranked = counted("placements")
        z = filled((size,), (place,), answer["z"].cast(pl.Float64).to_numpy())
        made = replace(made, auc=np.where(ranked > 0, z, np.nan), ranked=ranked)
    return made


def _squares(answer: pl.DataFrame, place: np.ndarray, asked: Asked, groups: Groups) -> np.ndarray:
    width = len(asked.evaluation.classes) + 1
    one, other = (
        missing_last(answer[y], width - 1) * width + missing_last(answer[p], width - 1)
        for y, p in (("y", "p"), ("y2", "p2"))
    )
    return filled((len(groups), width**2, width**2), (place, one, other), column(answer, "w"))


PARTS.add(Part("units", _statements, _assemble))
