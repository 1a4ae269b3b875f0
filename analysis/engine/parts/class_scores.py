"""Scores of more than two classes: a histogram a class by label, that of the highest score, and the label's ranks."""

import polars as pl

from analysis.core.cube import Histogram, Ranks
from analysis.core.roles import MULTICLASS
from analysis.engine.groups import Groups, missing_last
from analysis.engine.parts.histogram import coarse, merged
from analysis.engine.parts.part import PARTS, Answers, Part, Statements
from analysis.engine.statements import Asked, Select


def _asks(asked: Asked, need: str, held: int) -> bool:
    return need in asked.query.needs and held > 0 and asked.evaluation.task == MULTICLASS


def _by(asked: Asked) -> int:
    """How many neighbouring codes of a class are merged: the histograms of all classes together stay bounded."""
    classes = len(asked.evaluation.classes)
    return coarse(asked.model.class_codes, asked.groups, classes * (classes + 1))


def _select(asked: Asked, name: str, label: str, by: int) -> Select:
    code = f"r.{name}" if by == 1 else f"r.{name} // {by}"
    return Select((f"{label} AS y", f"{code} AS code"), asked.counts, f"{asked.where} AND r.{name} IS NOT NULL")


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
    return {"ranks": Select((f"{rank} AS rank",), asked.counts, f"{asked.where} AND {rank} IS NOT NULL")}


def _ranks(answers: Answers, asked: Asked, groups: Groups) -> Ranks:
    shape = (len(asked.evaluation.classes),)
    cells = groups.counted(answers["ranks"], shape, lambda frame: (frame["rank"].cast(pl.Int64).to_numpy() - 1,))
    return Ranks(*cells, groups.weighted)


PARTS.add(Part("class_histograms", _of_classes, _classes))
PARTS.add(Part("top_label", _of_top, _top))
PARTS.add(Part("ranks", _of_ranks, _ranks))
