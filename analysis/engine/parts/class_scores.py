"""Scores of more than two classes: a histogram a class, how they go together, the highest score, the label's rank."""

import numpy as np
import polars as pl

from analysis.core.classscores import Moments, Ranks
from analysis.core.cube import Histogram
from analysis.core.roles import MULTICLASS
from analysis.engine.groups import Groups, column, filled, missing_last
from analysis.engine.parts.histogram import CELLS, coarse, merged
from analysis.engine.parts.part import PARTS, Answers, Part, Statements
from analysis.engine.statements import Asked, Select
from analysis.engine.terms import coded


def _asks(asked: Asked, need: str, held: int) -> bool:
    return need in asked.query.needs and held > 0 and asked.evaluation.task == MULTICLASS


def _by(asked: Asked) -> int:
    """How many neighbouring codes of a class are merged: the histograms of all classes together stay bounded."""
    classes = len(asked.evaluation.classes)
    return coarse(asked.model.class_codes, asked.groups, classes * (classes + 1))


def _where(asked: Asked) -> str:
    """The rows that count: of two model versions those the other scored too."""
    other = asked.other
    if other is None or not (other.class_codes or other.top_codes):
        return asked.where
    return f"{asked.where} AND {coded(other)} IS NOT NULL"


def _select(asked: Asked, name: str, label: str, by: int) -> Select:
    code = f"r.{name}" if by == 1 else f"r.{name} // {by}"
    return Select((f"{label} AS y", f"{code} AS code"), asked.counts, f"{_where(asked)} AND r.{name} IS NOT NULL")


def _histogram(answers: Answers, groups: Groups, name: str, labels: int, by: int) -> Histogram:
    low, high = merged(*groups.codes(name), by)
    cells = groups.counted(
        answers[name],
        (labels + 1, len(low)),
        lambda frame: (missing_last(frame["y"], labels), frame["code"].cast(pl.Int64).to_numpy()),
    )
    return Histogram(*cells, low, high, groups.weighted)


def _names(asked: Asked) -> list[str]:
    return [f"b{asked.model.index}_{code}" for code in range(len(asked.evaluation.classes))]


def _of_classes(asked: Asked) -> Statements:
    if not _asks(asked, "class_scores", asked.model.class_codes):
        return {}
    return {name: _select(asked, name, "r.y", _by(asked)) for name in _names(asked)}


def _classes(answers: Answers, asked: Asked, groups: Groups) -> tuple[Histogram, ...]:
    size = len(asked.evaluation.classes)
    return tuple(_histogram(answers, groups, name, size, _by(asked)) for name in _names(asked))


def _of_moments(asked: Asked) -> Statements:
    classes = len(asked.evaluation.classes)
    held = asked.model.class_codes if classes**3 * (asked.groups or 1) <= CELLS else 0
    if not _asks(asked, "class_moments", held) or not asked.evaluation.roles.label:
        return {}
    names = [f"CAST(r.{name} AS DOUBLE)" for name in _names(asked)]
    sums = [f"sum({name}) AS m{at}" for at, name in enumerate(names)]
    sums += [
        f"sum({names[at]} * {names[other]}) AS m{at}_{other}" for at in range(classes) for other in range(at, classes)
    ]
    where = f"{_where(asked)} AND r.y IS NOT NULL AND r.b{asked.model.index}_0 IS NOT NULL"
    return {"moments": Select(("r.y AS y",), ("count(*) AS n", *sums), where)}


def _moments(answers: Answers, asked: Asked, groups: Groups) -> Moments:
    answer, place = groups.placed(answers["moments"])
    classes = len(asked.evaluation.classes)
    at = place, missing_last(answer["y"], classes)
    n = filled((len(groups), classes), at, column(answer, "n", np.int64))
    first = np.zeros((len(groups), classes, classes))
    second = np.zeros((len(groups), classes, classes, classes))
    for one in range(classes):
        first[(*at, one)] = column(answer, f"m{one}")
        for other in range(one, classes):
            second[(*at, one, other)] = second[(*at, other, one)] = column(answer, f"m{one}_{other}")
    return Moments(n, first, second)


def _of_top(asked: Asked) -> Statements:
    if not _asks(asked, "top_label", asked.model.top_codes) or not asked.evaluation.roles.label:
        return {}
    index = asked.model.index
    right = f"CAST(r.r{index} = 1 AS UTINYINT)"
    return {f"b{index}_top": _select(asked, f"b{index}_top", right, coarse(asked.model.top_codes, asked.groups))}


def _top(answers: Answers, asked: Asked, groups: Groups) -> Histogram:
    return _histogram(answers, groups, f"b{asked.model.index}_top", 2, coarse(asked.model.top_codes, asked.groups))


def _of_ranks(asked: Asked) -> Statements:
    if not _asks(asked, "ranks", asked.model.top_codes) or not asked.evaluation.roles.label:
        return {}
    rank = f"r.r{asked.model.index}"
    return {"ranks": Select((f"{rank} AS rank",), asked.counts, f"{_where(asked)} AND {rank} IS NOT NULL")}


def _ranks(answers: Answers, asked: Asked, groups: Groups) -> Ranks:
    shape = (len(asked.evaluation.classes),)
    cells = groups.counted(answers["ranks"], shape, lambda frame: (frame["rank"].cast(pl.Int64).to_numpy() - 1,))
    return Ranks(*cells, groups.weighted)


PARTS.add(Part("class_histograms", _of_classes, _classes))
PARTS.add(Part("class_moments", _of_moments, _moments))
PARTS.add(Part("top_label", _of_top, _top))
PARTS.add(Part("ranks", _of_ranks, _ranks))
