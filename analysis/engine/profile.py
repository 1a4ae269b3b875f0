"""Profiles: what is in each column of a table. One scan counts all columns; what one column holds is asked when seen.

Quantiles interpolate linearly between values, as numpy's do by default. NaN counts as missing, and apart; infinite
values are counted apart and left out of moments and quantiles. Distinct values are approximate (HyperLogLog, within
about 5 %) until a check counts them.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import polars as pl

from analysis.core.schema import FLOATS, Column
from analysis.core.settings import whole
from analysis.engine.subject import Subject

LEVELS = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)
AT_ONCE, VALUES_AT_ONCE = 20, 25_000_000
"""Columns counted in one statement, and values of numbers: DuckDB holds the values of every quantile of a statement at
once, 8 bytes each and as much again while it merges them."""
BINS, TOP, SMALL = 20, 20, 12
DRAWN = 50_000
"""Rows a small picture of a column is drawn from, about: every so manieth row of the file."""
REACH, MADS = 1.5, 3.5
"""Outliers: beyond 1.5 interquartile ranges of the quartiles (Tukey 1977); a modified z of more than 3.5 (Iglewicz and
Hoaglin 1993)."""
NUMBER, TEXT, TIME, TRUTH, OTHER = "number", "text", "time", "boolean", "other"
SCHEMA: dict[str, Any] = {
    "column": pl.String,
    "type": pl.String,
    "kind": pl.String,
    "rows": pl.Int64,
    "missing": pl.Int64,
    "nan": pl.Int64,
    "infinite": pl.Int64,
    "distinct": pl.Int64,
    "zeros": pl.Int64,
    "negatives": pl.Int64,
    "mean": pl.Float64,
    "deviation": pl.Float64,
    "low": pl.String,
    "q05": pl.Float64,
    "q25": pl.Float64,
    "median": pl.Float64,
    "q75": pl.Float64,
    "q95": pl.Float64,
    "high": pl.String,
    "shortest": pl.Int64,
    "longest": pl.Int64,
    "length": pl.Float64,
}


def kind_of(column: Column) -> str:
    """number, text, time, boolean or other (nested, binary)."""
    if column.numeric:
        return NUMBER
    if column.temporal:
        return TIME
    if column.type == "BOOLEAN":
        return TRUTH
    return TEXT if column.type == "VARCHAR" or column.type.startswith("ENUM") else OTHER


@dataclass(frozen=True)
class Profile:
    """The counted columns, by name and as a frame (SCHEMA), and the statements that counted them."""

    frame: pl.DataFrame
    by_name: Mapping[str, Mapping[str, Any]]
    sql: tuple[str, ...]

    def of(self, name: str) -> Mapping[str, Any]:
        return self.by_name[name]


def profile(subject: Subject, names: Sequence[str] = ()) -> Profile:
    """These columns counted; () = all."""
    columns = [subject.column(name) for name in names] if names else list(subject.columns)
    rows, statements = [], []
    for part in _parts(columns, subject.rows):
        statement = f"SELECT {', '.join(_counted(subject, column) for column in part)} FROM {subject.relation} r"
        statements.append(statement)
        for column, said in zip(part, subject.one(statement), strict=True):
            rows.append(_row(subject, column, said))
    frame = pl.DataFrame(rows, schema=SCHEMA)
    return Profile(frame, {row["column"]: row for row in rows}, tuple(statements))


def _parts(columns: Sequence[Column], rows: int) -> Iterator[list[Column]]:
    """The columns as they are counted together."""
    part: list[Column] = []
    for column in columns:
        held = rows * sum(kind_of(each) == NUMBER for each in (*part, column))
        if part and (len(part) == AT_ONCE or held > VALUES_AT_ONCE):
            yield part
            part = []
        part.append(column)
    if part:
        yield part


def _counted(subject: Subject, column: Column) -> str:
    """One column's counts as a struct."""
    raw, kind = f"r.{column.key}", kind_of(column)
    parts = {"missing": f"count(*) - count({raw})", "distinct": f"approx_count_distinct({raw})"}
    if kind == NUMBER:
        real = f"CAST({raw} AS DOUBLE)"
        value = f"CASE WHEN isfinite({real}) THEN {real} END" if column.type in FLOATS else real
        if column.type in FLOATS:
            parts |= {"nan": f"count(*) FILTER (isnan({raw}))", "infinite": f"count(*) FILTER (isinf({raw}))"}
        parts |= {
            "zeros": f"count(*) FILTER ({raw} = 0)",
            "negatives": f"count(*) FILTER ({raw} < 0)",
            "mean": f"avg({value})",
            "deviation": f"stddev_samp({value})",
            "quantiles": f"quantile_cont({value}, {list(LEVELS)})",
        }
    elif kind == TEXT:
        text = subject.text(column)
        parts |= {"low": f"min({text})", "high": f"max({text})", "shortest": f"min(length({text}))"}
        parts |= {"longest": f"max(length({text}))", "length": f"avg(length({text}))"}
    elif kind == TIME:
        shown = (
            f"CAST({raw} AS TIMESTAMP)"
            if column.type != "TIMESTAMP WITH TIME ZONE"
            else f"make_timestamp(epoch_us({raw}))"
        )
        parts |= {"low": f"CAST(min({shown}) AS VARCHAR)", "high": f"CAST(max({shown}) AS VARCHAR)"}
    elif kind == TRUTH:
        parts |= {"zeros": f"count(*) FILTER (NOT {raw})", "mean": f"avg(CAST({raw} AS INTEGER))"}
    packed = ", ".join(f"'{name}': {sql}" for name, sql in parts.items())
    return f"{{{packed}}} AS {column.key}"


def _row(subject: Subject, column: Column, said: Mapping[str, Any]) -> dict[str, Any]:
    row: dict[str, Any] = dict.fromkeys(SCHEMA)
    row |= {"column": column.name, "type": column.type, "kind": kind_of(column), "rows": subject.rows}
    row |= {"nan": 0, "infinite": 0} | {name: value for name, value in said.items() if name in SCHEMA}
    row["missing"] += row["nan"]
    quantiles = said.get("quantiles")
    if quantiles:
        low, *inner, high = quantiles
        row |= dict(zip(("q05", "q25", "median", "q75", "q95"), inner, strict=True))
        row |= {"low": repr(low), "high": repr(high)}
    return row


def distinct(subject: Subject, column: Column) -> int:
    """The distinct values of a column, counted exactly."""
    return int(subject.one(f"SELECT count(DISTINCT {subject.value(column)}) FROM {subject.relation} r")[0])


def top(subject: Subject, column: Column, most: int = TOP, every: int = 1) -> pl.DataFrame:
    """The most frequent values as text: value, n; ties by the text. Missing is left out. every: 1 in so many rows."""
    return subject.scan(
        f"SELECT CAST(v AS VARCHAR) AS value, sum(k)::BIGINT AS n FROM (SELECT {subject.value(column)} AS v, "
        f"count(*) AS k FROM {subject.relation} r WHERE {_each(every)} GROUP BY 1) WHERE v IS NOT NULL "
        f"GROUP BY 1 ORDER BY n DESC, value LIMIT {most}"
    )


def _each(every: int) -> str:
    return f"r.rowid % {every} = 0" if every > 1 else "true"


def histogram(
    subject: Subject, column: Column, row: Mapping[str, Any], bins: int = BINS, every: int = 1
) -> pl.DataFrame:
    """Equal-width bins [low, high), the last closed, of a number's finite values or of moments: low, high, n."""
    empty = pl.DataFrame(schema={"low": pl.Float64, "high": pl.Float64, "n": pl.Int64})
    if row["low"] is None or kind_of(column) not in (NUMBER, TIME):
        return empty
    value, low, high = _scale(column, row)
    width = (high - low) / bins
    if width == 0:
        return pl.DataFrame({"low": [low], "high": [high], "n": [row["rows"] - row["missing"] - row["infinite"]]})
    place = f"least(CAST(floor((v - CAST('{low!r}' AS DOUBLE)) / CAST('{width!r}' AS DOUBLE)) AS BIGINT), {bins - 1})"
    counted = subject.scan(
        f"SELECT {place} AS bin, count(*) AS n FROM (SELECT {value} AS v FROM {subject.relation} r "
        f"WHERE {_each(every)}) WHERE isfinite(v) GROUP BY 1"
    )
    found = dict(counted.iter_rows())
    return pl.DataFrame(
        [{"low": low + at * width, "high": low + (at + 1) * width, "n": int(found.get(at, 0))} for at in range(bins)],
        schema=empty.schema,
    )


def shapes(subject: Subject, counted: Profile, most: int = 200) -> pl.DataFrame:
    """How the first columns are spread, small: column, place, n. Of numbers and moments SMALL equal-width bins, of
    booleans and text of few values the most frequent ones. Other columns have no rows. Of many rows n counts every so
    manieth one, DRAWN or so in all."""
    rows, every = [], max(1, subject.rows // DRAWN)
    for column in subject.columns[:most]:
        row = counted.of(column.name)
        if row["kind"] in (NUMBER, TIME):
            sizes = histogram(subject, column, row, SMALL, every)["n"]
        elif row["kind"] in (TEXT, TRUTH) and row["distinct"] <= whole("encode_values"):
            sizes = top(subject, column, SMALL, every)["n"]
        else:
            continue
        rows += [{"column": column.name, "place": at, "n": n} for at, n in enumerate(sizes)]
    return pl.DataFrame(rows, schema={"column": pl.String, "place": pl.Int64, "n": pl.Int64})


def _scale(column: Column, row: Mapping[str, Any]) -> tuple[str, float, float]:
    """(a number or moment as a double, its lowest and highest value)."""
    if kind_of(column) == NUMBER:
        return f"CAST(r.{column.key} AS DOUBLE)", float(row["low"]), float(row["high"])
    return f"epoch(r.{column.key})", _seconds(row["low"]), _seconds(row["high"])


def _seconds(text: str) -> float:
    moment = datetime.fromisoformat(text)
    return (moment - datetime(1970, 1, 1)).total_seconds()


def outliers(subject: Subject, column: Column, row: Mapping[str, Any]) -> dict[str, Any]:
    """Values far from the others, by two rules: iqr_low, iqr_high, iqr (rows beyond), mad, mad_low, mad_high, by_mad.

    None where a rule cannot speak: no values, or no spread (an interquartile range or median deviation of 0).
    """
    found: dict[str, Any] = dict.fromkeys(("iqr_low", "iqr_high", "iqr", "mad", "mad_low", "mad_high", "by_mad"))
    if kind_of(column) != NUMBER or row["median"] is None:
        return found
    real = f"CAST(r.{column.key} AS DOUBLE)"
    middle = f"CAST('{row['median']!r}' AS DOUBLE)"
    table = f"(SELECT {real} AS v FROM {subject.relation} r WHERE isfinite({real}))"
    mad = float(subject.one(f"SELECT quantile_cont(abs(v - {middle}), 0.5) FROM {table}")[0])
    spread = row["q75"] - row["q25"]
    ends: dict[str, float] = {}
    if spread > 0:
        ends |= {"iqr_low": row["q25"] - REACH * spread, "iqr_high": row["q75"] + REACH * spread}
    if mad > 0:
        reach = MADS * mad / 0.6744897501960817
        ends |= {"mad_low": row["median"] - reach, "mad_high": row["median"] + reach}
    found |= {"mad": mad, **ends}
    for rule, name in (("iqr", "iqr"), ("mad", "by_mad")):
        if f"{rule}_low" in ends:
            low, high = (f"CAST('{ends[f'{rule}_{end}']!r}' AS DOUBLE)" for end in ("low", "high"))
            found[name] = int(subject.one(f"SELECT count(*) FROM {table} WHERE v < {low} OR v > {high}")[0])
    return found


def moment(text: str | None) -> date | None:
    return None if text is None else datetime.fromisoformat(text).date()
