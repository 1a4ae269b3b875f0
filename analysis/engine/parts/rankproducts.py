"""Rank products: how the ranks of label and prediction go together, from their codes."""

import numpy as np

from analysis.core.wholes import RankProducts
from analysis.engine.groups import Groups, column, filled
from analysis.engine.parts.part import PARTS, Answers, Part, Statements
from analysis.engine.statements import Asked
from analysis.engine.terms import usable

SUMS = ("w", "w2", "yy", "pp", "yp", "hidden_y", "hidden_p")


def _statements(asked: Asked) -> Statements:
    """Midranks of each code, joined to the rows; the mean midrank is half the sum of weights."""
    if "rank_products" not in asked.query.needs or not asked.model.ranked:
        return {}
    keys, index = asked.keys, asked.model.index
    names = "".join(f"{name}, " for name in keys.places)
    part = f"PARTITION BY {names.rstrip(', ')} " if names else ""
    picked = [f"{sql} AS {name}" for sql, name in zip(keys.sql, keys.places, strict=True)]
    weight = "r.w" if asked.evaluation.weighted else "1.0::DOUBLE"
    picked += ["r.o AS y", f"r.o{index} AS p", f"{weight} AS w"]
    where = f"{asked.where} AND {usable(asked.evaluation, *asked.models)}"
    parts = [f"mine AS (SELECT {', '.join(picked)} FROM rows r WHERE {where})"]
    for side, code in (("y", "o"), ("p", f"o{index}")):
        parts.append(
            f"{side}_ties AS (SELECT {names}{side}, sum(w) AS tie, count(*) AS n FROM mine GROUP BY ALL), "
            f"{side}_ranks AS (SELECT {names}{side}, sum(tie) OVER ({part}ORDER BY {side}) - tie / 2 "
            f"- sum(tie) OVER ({part.strip()}) / 2 AS rank, "
            f"CASE WHEN c.low < c.high AND n > 1 THEN tie * tie * tie / 12 ELSE 0 END AS hidden "
            f"FROM {side}_ties JOIN codes c ON c.name = '{code}' AND c.code = {side}), "
            f"{side}_hidden AS (SELECT {names}sum(hidden) AS hidden FROM {side}_ranks GROUP BY ALL)"
        )

    def same(other: str, *more: str) -> str:
        return " AND ".join(f"m.{name} IS NOT DISTINCT FROM {other}.{name}" for name in (*keys.places, *more)) or "true"

    own = "".join(f"m.{name} AS {name}, " for name in keys.places)
    summed = (
        f"SELECT {own}count(*) AS n, sum(m.w) AS w, sum(m.w * m.w) AS w2, fsum(m.w * a.rank * a.rank) AS yy, "
        "fsum(m.w * b.rank * b.rank) AS pp, fsum(m.w * a.rank * b.rank) AS yp FROM mine m "
        f"JOIN y_ranks a ON {same('a', 'y')} JOIN p_ranks b ON {same('b', 'p')} GROUP BY ALL"
    )
    body = (
        f"SELECT m.*, a.hidden AS hidden_y, b.hidden AS hidden_p FROM ({summed}) m "
        f"JOIN y_hidden a ON {same('a')} JOIN p_hidden b ON {same('b')}"
    )
    return {"rank products": f"WITH {', '.join(parts)} {keys.as_text(body)}"}


def _assemble(answers: Answers, asked: Asked, groups: Groups) -> RankProducts:
    answer, place = groups.placed(answers["rank products"])
    n = filled((len(groups),), (place,), column(answer, "n", np.int64))
    sums = {name: filled((len(groups),), (place,), column(answer, name)) for name in SUMS}
    return RankProducts(n, **sums, weighted=groups.weighted)


PARTS.add(Part("rank_products", _statements, _assemble))
