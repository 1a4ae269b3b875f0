"""Receipts of what does not add up over groups: answers a day, and ranks."""

from analysis.core.evaluation import Evaluation, ModelFacts
from analysis.engine.terms import answered, usable


def days(keyed: str, listed: str, where: str, weight: str, decided: str, model: ModelFacts, facts: Evaluation) -> str:
    """days: the rows of a group that have a time, with their date and whether the model answered them."""
    held = where.removesuffix(" AND r.w IS NOT NULL") if facts.weighted else where
    return (
        f"days AS (SELECT {keyed}CAST(r.t AS DATE) AS day, {answered(facts, model)} AS answered\n"
        f"  FROM rows r WHERE {held} AND r.t IS NOT NULL)"
    )


def rank_products(
    keyed: str, listed: str, where: str, weight: str, decided: str, model: ModelFacts, facts: Evaluation
) -> str:
    """rank_products: the rows with label and prediction, with their weight w and midranks less the mean, a and b."""
    keys = listed.rstrip(", ")
    part = f"PARTITION BY {keys}" if keys else ""
    ties = f"PARTITION BY {listed}"

    def rank(code: str) -> str:
        return f"sum(w) OVER ({part} ORDER BY {code}) - sum(w) OVER ({ties}{code}) / 2 - sum(w) OVER ({part}) / 2"

    return (
        f"coded AS (SELECT {keyed}r.o AS y, r.o{model.index} AS p, CAST({weight} AS DOUBLE) AS w FROM rows r "
        f"WHERE {where} AND {usable(facts, model)}),\n"
        f"rank_products AS (SELECT {listed}w, {rank('y')} AS a, {rank('p')} AS b FROM coded)"
    )
