"""Days: how many rows a model answered on each day of a group, and how many days there are."""

import numpy as np

from analysis.core.wholes import Days
from analysis.engine.groups import Groups, column, filled
from analysis.engine.judgement import bucket_sql
from analysis.engine.parts.part import PARTS, Answers, Part, Statements
from analysis.engine.statements import Asked, scope
from analysis.engine.terms import answered


def _statements(asked: Asked) -> Statements:
    if "days" not in asked.query.needs or asked.evaluation.roles.time is None:
        return {}
    picked = [f"{sql} AS {name}" for sql, name in zip(asked.keys.sql, asked.keys.places, strict=True)]
    picked += [f"{bucket_sql('day')} AS day", f"count(*) FILTER ({answered(asked.evaluation, asked.model)}) AS n"]
    where = f"{scope(asked.seen, asked.query)} AND r.t IS NOT NULL"
    each = f"SELECT {', '.join(picked)} FROM rows r WHERE {where} GROUP BY ALL"
    summed = ("sum(n) AS n", "sum(n * n)::DOUBLE AS squares", "max(day) - min(day) + 1 AS span")
    return {"days": asked.keys.as_text(f"SELECT {', '.join([*asked.keys.places, *summed])} FROM ({each}) GROUP BY ALL")}


def _assemble(answers: Answers, asked: Asked, groups: Groups) -> Days:
    answer, place = groups.placed(answers["days"])
    n, span = (filled((len(groups),), (place,), column(answer, name, np.int64)) for name in ("n", "span"))
    return Days(n, filled((len(groups),), (place,), column(answer, "squares")), span)


PARTS.add(Part("days", _statements, _assemble))
