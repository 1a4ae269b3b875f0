"""Doubted labels: those a model version's scores confidently contradict, counted and listed over all rows.

What is confident, and what follows from it, is said in `metrics/confident.py`; here it is SQL over a row `r`. Only
counts and the rows listed leave a scan.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from analysis.core.roles import BINARY, REGRESSION
from analysis.core.schema import Column
from analysis.core.segment import Everything, Segment
from analysis.engine.condition import double, quoted
from analysis.engine.subject import Answered, Subject
from analysis.metrics.confident import TOLERANCE
from analysis.store.labeldecisions import row_name

EVERYTHING = Everything()
ORDERS = {"score": "score, margin", "margin": "margin, score"}


@dataclass(frozen=True, eq=False)
class Doubts:
    """The labels of one model version's rows, counted.

    names: (K,) classes; binary: negative, positive. scores: SQL of each class's score. labelled: (K,) rows of a label
    with every score in [0, 1]; thresholds: (K,) mean score of a label's own class, nan where no row has it.
    joint: (K, K) rows by label and confident class. expected, variance: of the contradicted among confident rows where
    scores are right. left_out: labelled rows without usable scores. sql: the statements that counted.
    """

    subject: Subject
    model: Answered
    names: tuple[str, ...]
    scores: tuple[str, ...]
    labelled: np.ndarray
    thresholds: np.ndarray
    joint: np.ndarray
    expected: float
    variance: float
    total: int
    total_labelled: int
    where: Segment
    sql: Mapping[str, str]

    @property
    def confident(self) -> int:
        return int(self.joint.sum())

    @property
    def found(self) -> int:
        return int(self.joint.sum() - np.trace(self.joint))

    def table(self, *picked: str) -> str:
        """Confident rows: y, c (label and confident class by number), s (score of the confident class), and what is
        picked of `r`."""
        rows = _rows(self.subject, self.scores, self.names, self.where, picked)
        return _confident(rows, self.thresholds)


def counted(subject: Subject, model: Answered, where: Segment = EVERYTHING) -> Doubts | str:
    """The doubts of a version among the rows of a segment, or why there are none to be had."""
    known = _classes(subject, model)
    if isinstance(known, str):
        return known
    names, scores = known
    own = "list_extract([" + ", ".join(f"p{at}" for at in range(len(names))) + "], y + 1)"
    inside = f"({subject.condition(where)}) AS inside"
    means = (
        f"SELECT y, count(*) FILTER (inside) AS n, count(*) AS everywhere, avg({own}) AS mean FROM "
        f"({_rows(subject, scores, names, EVERYTHING, (inside,))}) GROUP BY y ORDER BY y"
    )
    found = subject.scan(means)
    if len(found) < 2:
        return "fewer than two classes have rows with a label and scores"
    labelled, thresholds = np.zeros(len(names), dtype=int), np.full(len(names), np.nan)
    labelled[found["y"].to_numpy()] = found["n"].to_numpy()
    thresholds[found["y"].to_numpy()] = found["mean"].to_numpy()
    table = _confident(_rows(subject, scores, names, where), thresholds)
    cells_sql = f"SELECT y, c, count(*) AS n, sum(1 - s) AS e, sum(s * (1 - s)) AS v FROM ({table}) GROUP BY y, c"
    cells = subject.scan(cells_sql)
    joint = np.zeros((len(names), len(names)), dtype=int)
    joint[cells["y"].to_numpy(), cells["c"].to_numpy()] = cells["n"].to_numpy()
    return Doubts(
        subject,
        model,
        names,
        scores,
        labelled,
        thresholds,
        joint,
        float(cells["e"].sum()),
        float(cells["v"].sum()),
        subject.count(where),
        int(found["everywhere"].sum()),
        where,
        {"thresholds": means, "joint": cells_sql},
    )


def contradicted(doubts: Doubts, where: Segment) -> tuple[int, float]:
    """(contradicted rows of a segment, how many the scores expect)."""
    table = _confident(_rows(doubts.subject, doubts.scores, doubts.names, where), doubts.thresholds)
    found, expected = doubts.subject.one(f"SELECT count(*) FILTER (y <> c), coalesce(sum(1 - s), 0) FROM ({table})")
    return int(found), float(expected)


def sampled(doubts: Doubts, most: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """At most about `most` labelled rows in random order, the same each time: (labels by number, (n, K) scores, whether
    the row is one of those counted)."""
    every = max(1, doubts.total_labelled // most)
    inside = f"({doubts.subject.condition(doubts.where)}) AS inside"
    rows = _rows(doubts.subject, doubts.scores, doubts.names, EVERYTHING, (inside, "hash(r.rowid) AS h"))
    frame = doubts.subject.scan(f"SELECT * EXCLUDE (h) FROM ({rows}) WHERE h % {every} = 0 ORDER BY h")
    scores = frame.select(f"p{at}" for at in range(len(doubts.names))).to_numpy()
    return frame["y"].to_numpy().astype(np.int64), scores, frame["inside"].to_numpy().astype(bool)


def listed(doubts: Doubts, limit: int, order: str = "score") -> pl.DataFrame:
    """The labels most in doubt: id, label, suggested, score, margin, sure.

    score: what the version gives the label; margin: that less the highest score of another class, -1 to 1. sure:
    whether the version is confident of another class, which is then suggested; else it is the other class with the
    highest score. id: see `id_sql`. Of equal ones the first in the file comes first.
    """
    subject, k = doubts.subject, len(doubts.names)
    rows = _rows(subject, doubts.scores, doubts.names, doubts.where, (f"{id_sql(subject)} AS id", "r.rowid AS place"))
    own = "CASE y " + " ".join(f"WHEN {at} THEN p{at}" for at in range(k)) + " END"
    other = "greatest(" + ", ".join(f"CASE WHEN y <> {at} THEN p{at} END" for at in range(k)) + ")"
    best = "CASE " + " ".join(f"WHEN y <> {at} AND p{at} = other THEN {at}" for at in range(k)) + " END"
    body = f"SELECT *, {own} AS score, {other} AS other FROM ({_confident(rows, doubts.thresholds, unsure=True)})"
    frame = subject.scan(
        "SELECT id, y, score, score - other AS margin, coalesce(c <> y, false) AS sure, "
        f"CASE WHEN c <> y THEN c ELSE {best} END AS c FROM ({body}) ORDER BY {ORDERS[order]}, place LIMIT {limit}"
    )
    said = dict(enumerate(doubts.names))
    return frame.select(
        "id",
        pl.col("y").replace_strict(said, return_dtype=pl.String).alias("label"),
        pl.col("c").replace_strict(said, return_dtype=pl.String).alias("suggested"),
        "score",
        "margin",
        "sure",
    )


def by_column(doubts: Doubts, columns: Sequence[Column]) -> pl.DataFrame:
    """Confident rows by the values of each column, in one scan: column, group (text, null = missing), confident, found,
    expected, variance."""
    schema = {"column": pl.String, "group": pl.String, "confident": pl.Int64, "found": pl.Int64}
    schema |= {"expected": pl.Float64, "variance": pl.Float64}
    if not columns:
        return pl.DataFrame(schema=schema)
    keys = [f"g{at}" for at in range(len(columns))]
    table = doubts.table(
        *(f"{doubts.subject.text(column)} AS {key}" for column, key in zip(columns, keys, strict=True))
    )
    which = "CASE " + " ".join(f"WHEN GROUPING({key}) = 0 THEN {at}" for at, key in enumerate(keys)) + " END"
    value = "CASE " + " ".join(f"WHEN GROUPING({key}) = 0 THEN {key}" for key in keys) + " END"
    frame = doubts.subject.scan(
        f'SELECT {which} AS place, {value} AS "group", count(*) AS confident, count(*) FILTER (y <> c) AS found, '
        f"sum(1 - s) AS expected, sum(s * (1 - s)) AS variance FROM ({table}) "
        f'GROUP BY GROUPING SETS ({", ".join(f"({key})" for key in keys)}) ORDER BY place, "group" NULLS LAST'
    )
    names = dict(enumerate(column.name for column in columns))
    named = pl.col("place").cast(pl.Int64).replace_strict(names, return_dtype=pl.String).alias("column")
    return frame.select(named, *(pl.col(name).cast(kind) for name, kind in list(schema.items())[1:]))


def id_sql(subject: Subject) -> str:
    """What a row is called: the values of its id columns, as `row_name` joins them, else its place in the file, #0 the
    first."""
    if not subject.roles.id:
        return "'#' || r.rowid"
    parts = [subject.text(subject.column(name)) for name in subject.roles.id]
    return row_name(parts)


def _classes(subject: Subject, model: Answered) -> tuple[tuple[str, ...], tuple[str, ...]] | str:
    """(the classes, the SQL of their scores), or why there are none."""
    if not subject.label:
        return "no column has the role label"
    if subject.task == REGRESSION:
        return "the label is a number"
    if subject.task != BINARY:
        if len(model.class_scores) < 2:
            return f"{model.name} has no score for each class"
        names, _, scores = zip(*model.class_scores, strict=True)
        return tuple(names), tuple(scores)
    if not subject.positive or not model.score:
        return f"{model.name} has no score" if subject.positive else "no value of the label is the positive class"
    seen = subject.scan(
        f"SELECT DISTINCT {subject.label} AS v, {subject.positive} AS y FROM {subject.relation} r "
        f"WHERE {subject.label} IS NOT NULL ORDER BY y, v"
    )
    if seen["y"].to_list() != [False, True]:
        return "the label does not have two classes, one of them positive"
    return (seen["v"][0], seen["v"][1]), (f"(1 - {model.score})", model.score)


def _rows(
    subject: Subject, scores: Sequence[str], names: Sequence[str], where: Segment, picked: Sequence[str] = ()
) -> str:
    """Labelled rows of a segment with every score: y, p0, p1, ..., and what is picked of `r`."""
    if subject.task == BINARY:
        y = f"CAST({subject.positive} AS INTEGER)"
    else:
        y = f"CASE {subject.label} " + " ".join(f"WHEN {quoted(name)} THEN {at}" for at, name in enumerate(names))
        y += " END"
    listing = ", ".join([f"{y} AS y", *(f"CAST({sql} AS DOUBLE) AS p{at}" for at, sql in enumerate(scores)), *picked])
    usable = " AND ".join(f"p{at} BETWEEN 0 AND 1" for at in range(len(scores)))
    inside = f"SELECT {listing} FROM {subject.relation} r WHERE {subject.condition(where)}"
    return f"SELECT * FROM ({inside}) WHERE y IS NOT NULL AND {usable}"


def _confident(rows: str, thresholds: np.ndarray, unsure: bool = False) -> str:
    """The confident ones of these rows, or all, with c and s, null where unsure. Of equal scores the first counts."""
    reached = {at: f"p{at} >= {double(float(limit) - TOLERANCE)}" for at, limit in enumerate(thresholds) if limit >= 0}
    best = ", ".join(f"CASE WHEN {test} THEN p{at} END" for at, test in reached.items())
    whose = " ".join(f"WHEN p{at} = s AND {test} THEN {at}" for at, test in reached.items())
    keep = "" if unsure else " WHERE s IS NOT NULL"
    return f"SELECT *, CASE {whose} END AS c FROM (SELECT *, greatest({best}) AS s FROM ({rows})){keep}"
