"""Counts: actual x predicted, and how many rows a group has and can use. Every cube has them."""

import polars as pl

from analysis.core.cube import Confusion
from analysis.core.roles import REGRESSION
from analysis.engine.groups import Groups, missing_last
from analysis.engine.parts.part import PARTS, Answers, Part, Statements
from analysis.engine.statements import Asked, Select, scope
from analysis.engine.terms import answered


def base(asked: Asked) -> Select:
    """The counts and tallies of every group; the groups themselves are read from it, see `tallied`."""
    cells = () if asked.evaluation.task == REGRESSION else ("r.y AS y", f"{asked.decision} AS p")
    return Select(cells, (*asked.counts, *_tallies(asked)), scope(asked.seen, asked.query))


def _tallies(asked: Asked) -> tuple[str, ...]:
    """The columns a Tally is made of that the cells do not tell by themselves."""
    served = f"r.y IS NOT NULL AND {answered(asked.evaluation, *asked.models)}"
    serves = f"count(*) FILTER ({served}) AS answered"
    used = f"{served} AND r.w IS NOT NULL" if asked.evaluation.weighted else served
    review = (f"count(*) FILTER ({used} AND {asked.review}) AS review",) if asked.review else ()
    if not asked.evaluation.weighted and asked.evaluation.task != REGRESSION:
        return () if _decided(asked) else (serves, *review)
    return ("count(*) AS rows", "count(r.y) AS labelled", serves, f"count(*) FILTER ({used}) AS used", *review)


def _decided(asked: Asked) -> bool:
    """Whether every row the model answered has the decision that is counted; of two versions that is not known."""
    if asked.other is not None or asked.review:
        return False
    without = asked.model.undecided if asked.cut is None else asked.model.unscored
    return without == 0


def tallied(base: pl.DataFrame, asked: Asked) -> pl.DataFrame:
    """The answer of `base` with all of rows, labelled, answered, used, review."""
    if "review" not in base.columns:
        base = base.with_columns(review=0)
    if "rows" in base.columns:
        return base
    known = pl.when(pl.col("y").is_not_null())
    if "answered" not in base.columns:
        base = base.with_columns(known.then(pl.col("p").is_not_null() * pl.col("n")).otherwise(0).alias("answered"))
    return base.with_columns(
        pl.col("n").alias("rows"),
        known.then(pl.col("n")).otherwise(0).alias("labelled"),
        pl.col("answered").alias("used"),
    )


def _statements(asked: Asked) -> Statements:
    return {} if asked.evaluation.task == REGRESSION else {"base": base(asked)}


def _assemble(answers: Answers, asked: Asked, groups: Groups) -> Confusion:
    size = len(asked.evaluation.classes)
    cells = groups.counted(
        answers["base"],
        (size + 1, size + 1),
        lambda frame: (missing_last(frame["y"], size), missing_last(frame["p"], size)),
    )
    return Confusion(*cells, groups.weighted)


PARTS.add(Part("confusion", _statements, _assemble))
