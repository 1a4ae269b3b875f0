"""Columns of an evaluation file: kept raw, and encoded so that grouping by them is grouping by small integers.

Text with few values becomes an ENUM, numbers and moments with many values get a column of ten quantile bins.
"""

from dataclasses import dataclass

import numpy as np

from analysis.core.evaluation import BINS, EvalColumn
from analysis.core.schema import FLOATS, Column, Schema
from analysis.core.settings import whole
from analysis.store.codes import quantile_edges
from analysis.store.source import Source

LOOKED_AT = 200_000
FLOATING = "DOUBLE"


@dataclass(frozen=True)
class Profile:
    """One column's counts. distinct is approximate; missing leaves NaN out."""

    column: Column
    distinct: int
    missing: int
    nan: int
    infinite: int

    @property
    def raw(self) -> str:
        """The column with NaN as missing."""
        raw = f"r.{self.column.key}"
        return f"CASE WHEN isnan({raw}) THEN NULL ELSE {raw} END" if self.nan else raw

    @property
    def clean(self) -> bool:
        """Whether a measured quantity can be this column itself rather than a copy without infinities."""
        return self.column.type == FLOATING and not self.infinite


def profiles(source: Source, schema: Schema) -> list[Profile]:
    """Every column's counts, in one scan."""
    asked = []
    for column in schema:
        key, floating = f"r.{column.key}", column.type in FLOATS
        asked += [f"approx_count_distinct({key})", f"count(*) - count({key})"]
        asked += [f"count(*) FILTER (isnan({key}))", f"count(*) FILTER (isinf({key}))"] if floating else ["0", "0"]
    facts = source.one(f"SELECT {', '.join(asked)} FROM {source.relation} r")
    return [
        Profile(column, *(int(each) for each in facts[4 * place : 4 * place + 4]))
        for place, column in enumerate(schema)
    ]


def encode(source: Source, found: list[Profile], instead: dict[str, str]) -> tuple[list[EvalColumn], list[str]]:
    """(the columns of the file, the select list that reads them).

    instead: {column label: name} of columns the file holds under another name already, as a score or a label.
    """
    made: list[EvalColumn] = []
    read: list[str] = []
    binned: list[int] = []
    for profile in found:
        column, key = profile.column, instead.get(profile.column.name, profile.column.key)
        encoding, distinct = _encoding(source, profile)
        kind, code = column.type, ""
        if encoding == "values" and column.type == "VARCHAR" and distinct:
            kind = "ENUM"
            source.connection.execute(
                f"CREATE TYPE e_{column.key} AS ENUM (SELECT DISTINCT {column.key} FROM {source.relation} "
                f"WHERE {column.key} IS NOT NULL ORDER BY {column.key})"
            )
            read.append(f"CAST({profile.raw} AS e_{column.key}) AS {key}")
        elif column.name not in instead:
            read.append(f"{profile.raw} AS {key}")
        if encoding == "bins":
            code = f"q{column.key[1:]}"
            binned.append(len(made))
        made.append(EvalColumn(key, column.name, kind, encoding, distinct, profile.missing, profile.nan, code=code))
    for place, edges in zip(binned, _edges(source, [found[place] for place in binned]), strict=True):
        if len(edges):
            read.append(_bin_sql(found[place], edges, made[place].code))
            made[place] = made[place].with_edges(tuple(_text(found[place].column, edge) for edge in edges))
        else:
            made[place] = made[place].plain()
    return made, read


def _encoding(source: Source, profile: Profile) -> tuple[str, int]:
    column = profile.column
    limit = whole("encode_values") if column.type == "VARCHAR" else whole("by_values")
    if profile.distinct <= limit * 1.2:  # the count is approximate to about a tenth
        values = source.values(profile.raw, limit + 1)
        if len(values) <= limit:
            return "values", len(values)
    if column.numeric or column.temporal:
        return "bins", profile.distinct
    return "plain", profile.distinct


def _edges(source: Source, found: list[Profile]) -> list[np.ndarray]:
    """The edges of about equally full bins, from one sample of all the columns."""
    if not found:
        return []
    numbers = [profile.raw if profile.column.numeric else f"epoch_us({profile.raw})" for profile in found]
    samples = source.sample(numbers, LOOKED_AT)
    edges = [quantile_edges(values, BINS) if len(values) else values for values in samples]
    return [
        _sayable(each) if profile.column.type in FLOATS else each for profile, each in zip(found, edges, strict=True)
    ]


def _sayable(edges: np.ndarray) -> np.ndarray:
    """Edges with at most six digits where that keeps them apart: what is written is exactly where the bins are cut.

    An edge is a value of the data and goes down only, so that the value stays in the bin above it.
    """
    inner = edges[1:-1]
    short = np.array([float(f"{each:.6g}") for each in inner])
    unit = 10.0 ** (np.floor(np.log10(np.maximum(np.abs(inner), 1e-300))) - 5)
    short = np.array([float(f"{each:.6g}") for each in np.where(short > inner, short - unit, short)])
    apart = np.concatenate([edges[:1], short, edges[-1:]])
    keeps = np.all(np.diff(apart) > 0) and np.all(short <= inner)
    kept = short if keeps else np.array([float(f"{each:.15g}") for each in inner])
    return np.concatenate([edges[:1], kept, edges[-1:]])


def _bin_sql(profile: Profile, edges: np.ndarray, code: str) -> str:
    raw = profile.raw
    if profile.column.type == "TIMESTAMP WITH TIME ZONE":
        raw = f"epoch_us({raw})"
    steps = " + ".join(f"CAST({raw} >= {_literal(profile.column, edge)} AS UTINYINT)" for edge in edges[1:-1]) or "0"
    return f"CASE WHEN {profile.raw} IS NOT NULL THEN CAST({steps} AS UTINYINT) END AS {code}"


def _literal(column: Column, edge: float) -> str:
    if column.type == "TIMESTAMP WITH TIME ZONE":
        return str(int(edge))
    if column.temporal:
        return f"{'DATE' if column.type == 'DATE' else 'TIMESTAMP'} '{_text(column, edge)}'"
    return repr(float(edge)) if column.type in FLOATS else _text(column, edge)


def _text(column: Column, edge: float) -> str:
    if column.temporal:
        moment = str(np.datetime64(int(edge), "us")).replace("T", " ")
        return moment[:10] if column.type == "DATE" else moment[:26]
    return f"{edge:.15g}" if column.type in FLOATS or column.type.startswith("DECIMAL") else str(int(edge))
