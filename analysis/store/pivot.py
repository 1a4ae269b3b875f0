"""The layout of a source: which SQL expression holds what, for wide files (as they are) and long ones (pivoted)."""

from dataclasses import dataclass, replace

import duckdb

from analysis.core.errors import BadRequest, UnknownName
from analysis.core.mapping import Mapping
from analysis.core.roles import ModelColumns, Roles
from analysis.core.schema import FLOATS, Column, Schema

MOST_MODELS = 20


@dataclass(frozen=True)
class ModelSql:
    """One model version over the relation `r`. scores: (class or None, SQL) pairs; class_columns: (class, column);
    quantiles: (level, column); quantile_values: their SQL.

    mapping: what turns the positive class's score into this version's.
    """

    name: str
    index: int
    prediction: str | None
    prediction_type: str
    prediction_values: tuple[str, ...]
    scores: tuple[tuple[str | None, str], ...]
    class_columns: tuple[tuple[str, str], ...]
    quantiles: tuple[tuple[float, str], ...]
    latency: str | None
    mapping: Mapping | None = None
    quantile_values: tuple[str, ...] = ()


@dataclass(frozen=True)
class Layout:
    """relation: what to select from, with rowid and every raw column; models: their expressions over it."""

    relation: str
    models: tuple[ModelSql, ...]


def layout(connection: duckdb.DuckDBPyConnection, schema: Schema, roles: Roles, notes: list[str]) -> Layout:
    """How to read the source: as it is, or pivoted when a column says which model version a row is of."""
    if roles.model_version is None:
        return Layout(
            "src.data",
            tuple(_model(connection, "src.data", schema, each, i, None) for i, each in enumerate(roles.models)),
        )
    column = schema.column(roles.model_version)
    names = _versions(connection, column)
    shape = roles.models[0] if roles.models else ModelColumns("")
    relation = _pivoted(connection, schema, roles, shape, column, names, notes) if roles.id else "src.data"
    if not roles.id:
        notes.append("Without an id the rows of the model versions cannot be put side by side; each has its own.")
    models = []
    for index, name in enumerate(names):
        own = ModelColumns(name, shape.prediction, shape.scores, shape.quantiles, shape.latency)
        models.append(
            _model(connection, relation, schema, own, index, column if not roles.id else None, bool(roles.id))
        )
    models += [_derived(each, models, len(names) + place) for place, each in enumerate(roles.models[1:])]
    return Layout(relation, tuple(models))


def _derived(model: ModelColumns, known: list[ModelSql], index: int) -> ModelSql:
    """A version of a long file made from another one's scores."""
    mapping = Mapping.from_dict(model.mapping or {})
    by_name = {each.name: each for each in known}
    if model.name in by_name:
        raise BadRequest(f"There is a model version '{model.name}' already; give the derived one a name of its own.")
    if mapping.model not in by_name:
        raise UnknownName("model version", mapping.model, by_name)
    return replace(by_name[mapping.model], name=model.name, index=index, mapping=mapping)


def _versions(connection: duckdb.DuckDBPyConnection, column: Column) -> list[str]:
    found = connection.execute(
        f"SELECT CAST({column.key} AS VARCHAR) AS v FROM src.data WHERE v IS NOT NULL GROUP BY 1 ORDER BY 1 "
        f"LIMIT {MOST_MODELS + 1}"
    ).fetchall()
    if not found:
        raise BadRequest(f"The model version column '{column.name}' is empty.")
    if len(found) > MOST_MODELS:
        raise BadRequest(
            f"The model version column '{column.name}' has more than {MOST_MODELS} values; that is hardly a version."
        )
    return [row[0] for row in found]


def _own(shape: ModelColumns) -> list[str]:
    return [
        each
        for each in (
            shape.prediction,
            shape.latency,
            *(column for _, column in shape.scores),
            *(column for _, column in shape.quantiles),
        )
        if each is not None
    ]


def _pivoted(
    connection: duckdb.DuckDBPyConnection,
    schema: Schema,
    roles: Roles,
    shape: ModelColumns,
    version: Column,
    names: list[str],
    notes: list[str],
) -> str:
    """A table with one row a key, and m<i>_<column> for each model's own columns."""
    keys = [schema.column(name).key for name in roles.id]
    by = ", ".join(keys)
    repeated = _repeats(connection, by, version.key)
    if repeated and roles.time is not None:
        keys.append(schema.column(roles.time).key)
        by = ", ".join(keys)
        repeated = _repeats(connection, by, version.key)
        notes.append("An id occurs several times for one model version; a row is one id at one time.")
    if repeated:
        raise BadRequest(
            f"{repeated:,} ids have several rows for the same model version in '{version.name}', and it cannot be told "
            "which one counts. Leave one row an id and model version, or give a time column that tells them apart."
        )
    first, known = "min(rowid) AS first", ""
    if roles.label is not None:
        label = schema.column(roles.label).key
        first += f", arg_min({label}, rowid) AS label, min({label}) IS DISTINCT FROM max({label}) AS torn"
        known = f"REPLACE (k.label AS {label})"
        torn = connection.execute(
            f"SELECT count(*) FILTER (torn) FROM (SELECT {first} FROM src.data GROUP BY {by})"
        ).fetchone()
        if torn and torn[0]:
            notes.append(f"{torn[0]:,} ids have different labels in different rows; the first one counts.")
    connection.execute(
        f"CREATE TEMP TABLE wide AS SELECT d.* {known} FROM src.data d "
        f"JOIN (SELECT {first} FROM src.data GROUP BY {by}) k ON d.rowid = k.first ORDER BY d.rowid"
    )
    for index, name in enumerate(names):
        columns = [schema.column(each).key for each in dict.fromkeys(_own(shape))]
        own = ", ".join([*keys, *(f"{key} AS m{index}_{key}" for key in columns)])
        text = name.replace("'", "''")
        same = " AND ".join(f"w.{key} IS NOT DISTINCT FROM m.{key}" for key in keys)
        picked = ", ".join(["w.*", *(f"m.m{index}_{key}" for key in columns)])
        connection.execute(
            f"CREATE OR REPLACE TEMP TABLE wide AS SELECT {picked} FROM wide w LEFT JOIN (SELECT {own} FROM src.data "
            f"WHERE CAST({version.key} AS VARCHAR) = '{text}') m ON {same} ORDER BY w.rowid"
        )
    counted = connection.execute("SELECT count(*) FROM wide").fetchone()
    notes.append(f"{counted[0] if counted else 0:,} rows, one an id, from {len(names)} model versions side by side.")
    return "wide"


def _repeats(connection: duckdb.DuckDBPyConnection, by: str, version: str) -> int:
    row = connection.execute(
        f"SELECT count(*) FROM (SELECT {by} FROM src.data GROUP BY {by}, {version} HAVING count(*) > 1)"
    ).fetchone()
    return int(row[0]) if row else 0


def _model(
    connection: duckdb.DuckDBPyConnection,
    relation: str,
    schema: Schema,
    model: ModelColumns,
    index: int,
    only: Column | None,
    pivoted: bool = False,
) -> ModelSql:
    def sql(name: str) -> str:
        key = schema.column(name).key
        raw = f"r.m{index}_{key}" if pivoted else f"r.{key}"
        if only is None:
            return raw
        text = model.name.replace("'", "''")
        return f"CASE WHEN CAST(r.{only.key} AS VARCHAR) = '{text}' THEN {raw} END"

    numbers = [("score", name) for _, name in model.scores] + [("quantile", name) for _, name in model.quantiles]
    for role, name in [*numbers, *([("latency", model.latency)] if model.latency is not None else [])]:
        column = schema.column(name)
        if not column.numeric and column.type != "BOOLEAN":
            raise BadRequest(f"The {role} column '{name}' holds {column.type}, not numbers; choose another column.")
    prediction, kind = None, ""
    values: tuple[str, ...] = ()
    if model.prediction is not None:
        column = schema.column(model.prediction)
        prediction, kind = sql(model.prediction), column.type
        values = _seen(connection, relation, prediction, kind)
    return ModelSql(
        name=model.name,
        index=index,
        prediction=prediction,
        prediction_type=kind,
        prediction_values=values,
        scores=tuple((name, sql(column)) for name, column in model.scores),
        class_columns=tuple((name, column) for name, column in model.scores if name is not None),
        quantiles=model.quantiles,
        latency=None if model.latency is None else sql(model.latency),
        mapping=None if model.mapping is None else Mapping.from_dict(model.mapping),
        quantile_values=tuple(sql(column) for _, column in model.quantiles),
    )


def _seen(connection: duckdb.DuckDBPyConnection, relation: str, sql: str, kind: str) -> tuple[str, ...]:
    valid = "AND NOT isnan(v)" if kind in FLOATS else ""
    rows = connection.execute(
        f"SELECT DISTINCT {text_sql('v', kind)} FROM (SELECT {sql} AS v FROM {relation} r) "
        f"WHERE v IS NOT NULL {valid} LIMIT 1001"
    ).fetchall()
    return tuple(sorted(row[0] for row in rows))


def text_sql(sql: str, kind: str) -> str:
    """A class as text: 1, 1.0 and '1' are one class; true and false are spelled so."""
    if kind in FLOATS or kind.startswith("DECIMAL"):
        whole_number = f"{sql} = floor({sql}) AND abs({sql}) < 1e15"
        return f"CASE WHEN {whole_number} THEN CAST(CAST({sql} AS BIGINT) AS VARCHAR) ELSE CAST({sql} AS VARCHAR) END"
    return f"CAST({sql} AS VARCHAR)"
