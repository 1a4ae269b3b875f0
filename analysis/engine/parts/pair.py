"""The pair: joint decisions, joint score codes and per-row differences of two model versions on the same rows."""

import numpy as np
import polars as pl

from analysis.core.cube import Sums
from analysis.core.joint import Joint, Pair
from analysis.core.roles import REGRESSION
from analysis.engine.groups import Groups, column, filled, missing_last
from analysis.engine.judgement import decision
from analysis.engine.parts.part import PARTS, Answers, Part, Statements
from analysis.engine.statements import Asked, Select
from analysis.engine.terms import measurable, term_sql, usable

FINE_ROWS = 2_000_000
COARSE_CODES = 1_024  # of either side where there are more rows, so that the cells stay about as many


def steps(asked: Asked) -> tuple[int, int]:
    """How many neighbouring codes of either side are one."""
    if asked.evaluation.rows <= FINE_ROWS:
        return 1, 1
    first, second = (-(-model.codes // COARSE_CODES) for model in asked.models)
    return first, second


def differences(asked: Asked) -> tuple[str, ...]:
    """The terms whose per-row difference a query asks for."""
    own = {need[5:] for need in asked.query.needs if need.startswith("pair:")}
    return tuple(sorted(own - {"decisions", "scores"}))


def _statements(asked: Asked) -> Statements:
    if asked.other is None:
        return {}
    made: Statements = {}
    evaluation, needs = asked.evaluation, asked.query.needs
    if "pair:decisions" in needs and evaluation.task != REGRESSION:
        first, second = decision(asked.model, asked.cut), decision(asked.other, asked.other_cut)
        where = f"{asked.where} AND {first} IS NOT NULL AND {second} IS NOT NULL"
        made["decisions"] = Select(("r.y AS y", f"{first} AS a", f"{second} AS b"), asked.counts, where)
    if "pair:scores" in needs and asked.model.codes and asked.other.codes:
        codes = [f"r.b{model.index}" for model in asked.models]
        where = " AND ".join([asked.where, "r.y IS NOT NULL", *(f"{code} IS NOT NULL" for code in codes)])
        first, second = (
            code if step == 1 else f"{code} // {step}" for code, step in zip(codes, steps(asked), strict=True)
        )
        made["scores"] = Select(("r.y AS y", f"{first} AS a", f"{second} AS b"), asked.counts, where)
    if differences(asked) and all(measurable(evaluation, model) for model in asked.models):
        sums: list[str] = []
        for term in differences(asked):
            sql = " - ".join(f"({term_sql(evaluation, model, term)})" for model in asked.models)
            w, w2 = ("r.w * ", "r.w * r.w * ") if evaluation.weighted else ("", "")
            sums += [f"fsum({w}({sql})) AS s_{term}", f"fsum({w}({sql}) ** 2) AS z_{term}"]
            if evaluation.weighted:
                sums += [f"fsum({w2}({sql})) AS q_{term}", f"fsum({w2}({sql}) ** 2) AS v_{term}"]
        made["sums"] = Select((), (*asked.counts, *sums), f"{asked.where} AND {usable(evaluation, *asked.models)}")
    return made


def _assemble(answers: Answers, asked: Asked, groups: Groups) -> Pair:
    def joint(name: str, size: int, by: tuple[int, int]) -> Joint | None:
        if name not in answers:
            return None
        answer, place = groups.placed(answers[name])
        n = column(answer, "n", np.int64)
        w, w2 = (column(answer, each) for each in ("w", "w2")) if groups.weighted else (n, n)
        first, second = (answer[each].cast(pl.Int32).to_numpy() for each in "ab")
        label = missing_last(answer["y"], size).astype(np.int32)
        return Joint(place.astype(np.int32), label, first, second, n, w, w2, groups.weighted, by)

    size = len(asked.evaluation.classes)
    return Pair(joint("decisions", size, (1, 1)), joint("scores", size, steps(asked)), _sums(answers, asked, groups))


def _sums(answers: Answers, asked: Asked, groups: Groups) -> Sums | None:
    if "sums" not in answers:
        return None
    answer, place = groups.placed(answers["sums"])

    def summed(name: str, kind: type = np.float64) -> np.ndarray:
        return filled((len(groups),), (place,), column(answer, name, kind))

    def each(plain: str, squared: str) -> dict[str, np.ndarray]:
        terms = differences(asked)
        return {t: summed(f"{plain}_{t}") for t in terms} | {f"{t}^2": summed(f"{squared}_{t}") for t in terms}

    n, s = summed("n", np.int64), each("s", "z")
    if not groups.weighted:
        return Sums(n, n, n, s, s, False)
    return Sums(n, summed("w"), summed("w2"), s, each("q", "v"), True)


PARTS.add(Part("pair", _statements, _assemble))
