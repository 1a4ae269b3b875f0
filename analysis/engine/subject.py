"""Subjects: the table a check looks at, as it lies in its file: a dataset as uploaded, or the rows of an evaluation."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from analysis.core import judged
from analysis.core.dataset import Dataset
from analysis.core.errors import AssayError
from analysis.core.literal import family
from analysis.core.roles import BINARY, REGRESSION, ModelColumns, Roles
from analysis.core.schema import FLOATS, Column, Schema
from analysis.core.segment import Segment
from analysis.engine.cache import Shelf
from analysis.engine.condition import ColumnRef, quoted, render
from analysis.engine.query import OpenEvaluation
from analysis.store.labels import time_sql
from analysis.store.workspace import Workspace


@dataclass(frozen=True)
class Answered:
    """What one model version says of a row, as SQL over `r`; "" where it does not say it.

    decision: the decided class as text, or the forecast. score: of the positive class. columns: {what: the name a
    segment uses for it}, what: decision, score. class_scores: (class, column name, SQL). quantiles: (level, column
    name, SQL), ascending.
    """

    name: str
    decision: str
    score: str
    columns: Mapping[str, str]
    class_scores: tuple[tuple[str, str, str], ...] = ()
    quantiles: tuple[tuple[float, str, str], ...] = ()

    @property
    def given(self) -> str:
        """Whether the version answers at all."""
        parts = [each for each in (self.score, self.decision, *(sql for _, _, sql in self.class_scores)) if each]
        return "(" + " OR ".join(f"{each} IS NOT NULL" for each in parts) + ")" if parts else "false"


@dataclass(frozen=True, eq=False)
class Subject:
    """A table one can check.

    kind: "dataset" or "evaluation". relation: what to select from, with `r` as a row and `rowid` its place in the file.
    label, positive, time: the label (class as text, or number), whether it is the positive class, the local moment, as
    SQL; "" where there is none. made: the day it was taken in, which stands for today. scan: runs a statement. shelf:
    where answers about it are kept; None where they are not.
    """

    name: str
    fingerprint: str
    kind: str
    relation: str
    rows: int
    columns: tuple[Column, ...]
    task: str
    roles: Roles
    label: str
    positive: str
    time: str
    time_column: str
    models: tuple[Answered, ...]
    made: date
    scan: Callable[[str], pl.DataFrame]
    known: Mapping[str, ColumnRef]
    location: str
    shelf: Shelf | None = None

    def column(self, name: str) -> Column:
        """The column called `name`; UnknownName with the nearest one otherwise."""
        return Schema(self.columns).column(name)

    def text(self, column: Column) -> str:
        """A column as text, in SQL."""
        return f"r.{column.key}" if column.type == "VARCHAR" else f"CAST(r.{column.key} AS VARCHAR)"

    def value(self, column: Column) -> str:
        """A column in SQL, NaN as missing."""
        return (
            f"CASE WHEN NOT isnan(r.{column.key}) THEN r.{column.key} END"
            if column.type in FLOATS
            else self._raw(column)
        )

    def _raw(self, column: Column) -> str:
        return f"r.{column.key}"

    def count(self, where: Segment) -> int:
        """How many rows a segment holds."""
        return int(self.one(f"SELECT count(*) FROM {self.relation} r WHERE {self.condition(where)}")[0])

    def again(self, names: Sequence[str], known: Sequence[str] = ()) -> list[int]:
        """The places of rows that repeat the values of these columns of an earlier row; only where `known` are."""
        keys = ", ".join(f"r.{self.column(name).key}" for name in names)
        known_sql = " AND ".join(f"r.{self.column(name).key} IS NOT NULL" for name in known) or "true"
        table = f"(SELECT r.rowid AS place, hash({keys}) AS h FROM {self.relation} r WHERE {known_sql})"
        more = f"(SELECT h FROM {table} GROUP BY h HAVING count(*) > 1)"
        if not self.one(f"SELECT count(*) FROM {more}")[0]:
            return []
        rows = self.scan(f"SELECT place, h FROM {table} WHERE h IN {more} ORDER BY place")
        return rows.filter(~pl.col("h").is_first_distinct())["place"].to_list()

    def condition(self, where: Segment) -> str:
        """A segment as SQL."""
        return render(where, self.known)

    def one(self, statement: str) -> tuple[Any, ...]:
        """The only row of an answer."""
        return self.scan(statement).row(0)

    def bare(self, statement: str) -> str:
        """A statement as a bare DuckDB runs it from the workspace folder."""
        return f"ATTACH '{self.location}' AS e (READ_ONLY);\nUSE e;\n{statement};"

    @property
    def plain(self) -> tuple[Column, ...]:
        """The columns that no model wrote and that are not the label."""
        used = self.roles.used()
        own = {"label", "prediction", "score", "quantile", "latency"}
        return tuple(column for column in self.columns if not own & set(used.get(column.name, ())))


def of_evaluation(opened: OpenEvaluation) -> Subject:
    """An evaluation's rows."""
    facts = opened.facts
    columns = tuple(Column(each.key, each.name, each.type, each.missing) for each in facts.columns)
    names, roles = judged.named(facts), facts.roles
    first = opened.judge(facts.models[0].name, None)
    models = []
    for model in facts.models:
        seen = opened.judge(model.name, None)
        theirs = next((each for each in roles.models if each.name == model.name), ModelColumns(model.name))
        wide = roles.model_version is None and theirs.mapping is None
        said = {"decision": names["prediction"], "score": names.get("score", "")}
        if wide and theirs.prediction:
            said["decision"] = theirs.prediction
        positive = next((column for name, column in theirs.scores if name in (None, roles.positive)), None)
        if wide and positive:
            said["score"] = positive
        keys = {column.name: f"r.{column.key}" for column in columns}
        models.append(
            Answered(
                model.name,
                seen.sql("prediction") if model.decision else "",
                f"r.s{model.index}" if facts.task == BINARY and model.score else "",
                said,
                tuple((name, column, keys[column]) for name, column in model.class_scores if column in keys),
                tuple((level, column, keys[column]) for level, column in sorted(model.quantiles) if column in keys),
            )
        )
    known = first.references()
    label = first.sql("label") if roles.label is not None else ""
    return Subject(
        facts.label,
        facts.fingerprint,
        "evaluation",
        "rows",
        facts.rows,
        columns,
        facts.task,
        roles,
        label,
        "(r.y = 1)" if facts.task == BINARY and label else "",
        "r.t" if roles.time else "",
        _time_column(columns, roles, names.get("time", "")),
        tuple(models),
        date.fromisoformat(facts.created[:10]) if facts.created else date.max,
        opened.scan,
        known,
        opened.location,
        opened.shelf,
    )


def of_dataset(workspace: Workspace, dataset: Dataset, task: str, roles: Roles, shelf: Shelf | None = None) -> Subject:
    """A dataset as uploaded, with the roles its columns are given. Nothing is refused."""
    columns = {column.name: column for column in dataset.schema}
    file = workspace.file("dataset", dataset.id)

    def scan(statement: str) -> pl.DataFrame:
        with workspace.reader.open(file, dataset.label) as (cursor, alias):
            cursor.execute(f"USE {alias}")
            return cursor.sql(statement).pl()

    label, positive = "", ""
    if roles.label is not None:
        column = columns[roles.label]
        label = f"CAST(r.{column.key} AS VARCHAR)" if task != REGRESSION else _number(column)
        if task == BINARY and roles.positive is not None:
            positive = f"(CAST(r.{column.key} AS VARCHAR) = {quoted(roles.positive)})"
    return Subject(
        dataset.label,
        dataset.fingerprint,
        "dataset",
        "data",
        dataset.rows,
        tuple(dataset.schema),
        task,
        roles,
        label,
        positive,
        _moment(columns, roles),
        roles.time or "",
        tuple(_answered(each, columns, task, roles) for each in roles.models),
        date.fromisoformat(dataset.created[:10]),
        scan,
        {column.name: ColumnRef(f"r.{column.key}", column.type) for column in dataset.schema},
        f"datasets/{dataset.id}.duckdb",
        shelf,
    )


def _number(column: Column) -> str:
    return f"TRY_CAST(r.{column.key} AS DOUBLE)"


def _moment(columns: Mapping[str, Column], roles: Roles) -> str:
    if roles.time is None:
        return ""
    try:
        return time_sql(columns[roles.time], roles.zone, None, None)
    except AssayError:
        return ""


def _time_column(columns: Sequence[Column], roles: Roles, fallback: str) -> str:
    """What a segment calls the moment: the file's own column where that is the local moment itself."""
    for column in columns:
        if column.name == roles.time and family(column.type) in ("date", "moment"):
            return column.name
    return fallback


def _answered(model: ModelColumns, columns: Mapping[str, Column], task: str, roles: Roles) -> Answered:
    decision = score = ""
    said = {"decision": model.prediction or "", "score": ""}
    if model.prediction is not None:
        column = columns[model.prediction]
        decision = _number(column) if task == REGRESSION else f"CAST(r.{column.key} AS VARCHAR)"
    class_scores = []
    for name, called in model.scores:
        column = columns[called]
        if task == BINARY and name in (None, roles.positive):
            score, said["score"] = _number(column), called
        if name is not None:
            class_scores.append((name, called, _number(column)))
    quantiles = tuple((level, called, _number(columns[called])) for level, called in sorted(model.quantiles))
    return Answered(model.name, decision, score, said, tuple(class_scores), quantiles)
