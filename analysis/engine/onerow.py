"""One row: found by its id, with what a model takes of it and what was recorded of it."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from analysis.core.errors import BadRequest, NotFound
from analysis.core.evaluation import EvalColumn, Evaluation
from analysis.core.literal import fit
from analysis.core.roles import BINARY, REGRESSION
from analysis.core.segment import Compare, Segment, every
from analysis.engine.query import OpenEvaluation
from analysis.engine.sampled import Sampled, wanted


@dataclass(frozen=True)
class OneRow:
    """A row of an evaluation. id: as it is asked for. where: the segment that holds it alone. columns: what `values`
    are of. frame: the one row of a Sampled query, with what was recorded of it. sql: what found it."""

    id: str
    where: Segment
    columns: tuple[EvalColumn, ...]
    frame: pl.DataFrame
    sql: str

    @property
    def values(self) -> pl.DataFrame:
        """(1, columns): v0, v1, ... as a model takes them."""
        return self.frame.select(f"v{at}" for at in range(len(self.columns)))


def one_row(evaluation: OpenEvaluation, id: str, columns: Sequence[EvalColumn]) -> OneRow:
    """The row with this id, of several id columns their values as a line of CSV; `columns` are read of it.

    BadRequest where the evaluation has no id, the text is none, or several rows have it; NotFound where none has.
    """
    where = with_id(evaluation.facts, id)
    found = evaluation.rows(Sampled(evaluation.facts.models[-1].name, where, columns=wanted(columns), limit=2))
    if not len(found.frame):
        raise NotFound(f"No row of '{evaluation.facts.name}' has the id '{id}'.")
    if len(found.frame) > 1:
        raise BadRequest(f"Several rows of '{evaluation.facts.name}' have the id '{id}'; it names no single one.")
    return OneRow(id, where, tuple(columns), found.frame, found.sql)


def with_id(facts: Evaluation, id: str) -> Segment:
    """The segment of the rows with this id; BadRequest where the text is no id of the evaluation."""
    names = facts.roles.id
    if not names:
        raise BadRequest(f"'{facts.name}' has no id to name a row by; give a column the role id.")
    texts = [id] if len(names) == 1 else next(csv.reader([id], skipinitialspace=True), [])
    if len(texts) != len(names):
        raise BadRequest(
            f"An id of '{facts.name}' is {len(names)} values, of {', '.join(names)}, joined by commas; one that holds "
            'a comma stands in double quotes: a5,"b,5".'
        )
    columns = [facts.column(name) for name in names]
    return every(
        Compare(each.name, "=", fit(text, each.type, column=each.name))
        for each, text in zip(columns, texts, strict=True)
    )


def id_text(facts: Evaluation, frame: pl.DataFrame, at: int) -> str:
    """The id of a row of a Sampled frame, as `one_row` takes it."""
    values = [str(frame[f"i{place}"][at]) for place in range(len(facts.roles.id))]
    if len(values) == 1:
        return values[0]
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(values)
    return line.getvalue()


def recorded_of(facts: Evaluation, row: OneRow, version: str, cls: str) -> float | None:
    """The score of a class, or the forecast, recorded of a row; None where there is none."""
    index, code = facts.model(version).index, facts.classes.index(cls) if cls else 0
    of_class = f"s{index}" if facts.task == BINARY else f"s{index}_{code}"
    name = f"p{index}" if facts.task == REGRESSION else of_class
    value = row.frame[name].cast(pl.Float64)[0] if name in row.frame.columns else None
    return 1 - value if value is not None and facts.task == BINARY and code == 0 else value
