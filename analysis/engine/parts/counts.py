"""Counts: actual x predicted, and how many rows a group has and can use. Every cube has them."""

from analysis.core.cube import Confusion
from analysis.core.roles import REGRESSION
from analysis.engine.groups import Groups, missing_last
from analysis.engine.parts.part import PARTS, Answers, Part, Statements
from analysis.engine.statements import Asked, Select, scope
from analysis.engine.terms import answered


def base(asked: Asked) -> Select:
    """The counts and tallies of every group; the groups themselves are read from it."""
    cells = () if asked.evaluation.task == REGRESSION else ("r.y AS y", f"{asked.decision} AS p")
    return Select(cells, (*asked.counts, *_tallied(asked)), scope(asked.evaluation, asked.query))


def _tallied(asked: Asked) -> tuple[str, ...]:
    """The columns a Tally is made of, and the rows they are among."""
    served = f"r.y IS NOT NULL AND {answered(asked.evaluation, asked.model)}"
    used = f"{served} AND r.w IS NOT NULL" if asked.evaluation.weighted else served
    return (
        "count(*) AS rows",
        "count(r.y) AS labelled",
        f"count(*) FILTER ({served}) AS answered",
        f"count(*) FILTER ({used}) AS used",
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
