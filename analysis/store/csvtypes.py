"""Kinds: what type the text of a column may become so that nothing is lost, as SQL that proves it value by value.

A kind's check is true exactly where its cast loses nothing: '007', '1_000', ' 7' and '1e3' are no whole numbers,
3.75 never becomes 4, a decimal of more than 17 digits never becomes a DOUBLE.
"""

import re
from dataclasses import dataclass
from typing import Any

import duckdb

from analysis.core.errors import BadRequest

DIGITS = 17
AT_ONCE = 50
NOT_NUMBERS = "('nan', '-nan', 'inf', '+inf', '-inf', 'infinity', '+infinity', '-infinity')"
PLAIN = r"-?(0|[1-9][0-9]*)(\.[0-9]+)?"
SIGNED = r"[-+]?((0|[1-9][0-9]*)(\.[0-9]*)?([eE][-+]?[0-9]+)?|\.[0-9]+([eE][-+]?[0-9]+)?)"
# One expression on purpose: with 2,000 columns every further node of a check costs 100 MB of vectors.
WORDS = r"[-+]?(?i:nan|inf|infinity)"
POWER = r"[eE][-+]?"
POINTED = "|".join(rf"[1-9][0-9]{{{left - 1}}}\.[0-9]{{0,{DIGITS - left}}}" for left in range(1, DIGITS + 1))
SMALL = rf"0?\.0{{0,15}}[0-9]{{1,{DIGITS}}}|0\.0*"
TINY = rf"[1-9](\.[0-9]{{0,{DIGITS - 1}}})?{POWER}(29[0-9]|30[0-7])"
DOUBLE = (
    rf"-?(0|[1-9][0-9]{{0,14}})|[-+]?((0|[1-9][0-9]{{0,14}}){POWER}[0-9]{{1,2}}"
    rf"|({SMALL}|{POINTED})({POWER}[0-9]{{1,2}})?|(0|[1-9][0-9]{{0,14}}|{SMALL}|{POINTED}){POWER}[12][0-8][0-9]|{TINY})|{WORDS}"
)
MOMENT = r"[0-9]{4}-[0-9]{2}-[0-9]{2}[ T][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?"
ZONED = MOMENT + r" ?(Z|[-+][0-9]{2}(:?[0-9]{2})?)"
TZ = "TIMESTAMP WITH TIME ZONE"
WHOLE = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT")
SAME = {"INT": "INTEGER", "TEXT": "VARCHAR", "STRING": "VARCHAR", "BOOL": "BOOLEAN", "FLOAT8": "DOUBLE"}
SAME |= {"TIMESTAMPTZ": TZ, "DATETIME": "TIMESTAMP", "NUMERIC": "DECIMAL", "LONG": "BIGINT", "REAL": "FLOAT"}
KNOWN = (*WHOLE, "FLOAT", "DOUBLE", "BOOLEAN", "DATE", "TIMESTAMP", TZ, "VARCHAR")


@dataclass(frozen=True)
class Marks:
    """How numbers and dates are written. dates: "", "iso", "day-first", "month-first" or a strptime format."""

    decimal: str = "."
    thousands: str = ""
    dates: str = ""

    @property
    def plain(self) -> bool:
        return self.decimal == "." and not self.thousands


@dataclass(frozen=True)
class Kind:
    """A type, the strptime format of its dates where they are not ISO, and whether the analyst asked for it."""

    type: str
    format: str = ""
    asked: bool = False


TEXT = Kind("VARCHAR")
Facts = dict[str, Any]


def marks(options: dict[str, Any]) -> Marks:
    """The marks the options ask for; a decimal comma implies the point as thousands mark, and the reverse."""
    decimal, thousands, dates = options.get("decimal"), options.get("thousands"), options.get("dates") or ""
    other = {",": ".", ".": ","}
    if decimal not in (None, ".", ","):
        raise BadRequest(f"--decimal {decimal!r} is not understood; it is '.' or ','.")
    if thousands not in (None, "", ".", ",", " ", "'", "\u00a0", "\u202f"):
        raise BadRequest(f"--thousands {thousands!r} is not understood; it is one of . , ' or a space.")
    if decimal is not None and thousands is None:
        thousands = other[decimal]
    elif decimal is None:
        decimal = other.get(thousands or "", ".") if thousands == "." else "."
    if decimal == thousands:
        raise BadRequest(f"--decimal and --thousands are both '{decimal}'; they must differ.")
    if dates and "%" not in dates and dates not in ("iso", "day-first", "month-first"):
        raise BadRequest(f"--dates {dates!r} is not understood; it is iso, day-first, month-first or like %d.%m.%Y.")
    return Marks(decimal, thousands or "", dates)


def asked(text: str) -> Kind:
    """The kind an analyst names: a DuckDB type or a usual other word for one."""
    name = re.sub(r"\s+", " ", text.strip().upper())
    name = SAME.get(name, name)
    decimal = re.fullmatch(r"(?:DECIMAL|NUMERIC)(?: ?\( ?(\d+) ?(?:, ?(\d+) ?)?\))?", name)
    if decimal:
        size, scale = int(decimal[1] or 18), int(decimal[2] or (0 if decimal[1] else 3))
        if not 0 < size <= 38 or scale > size:
            raise BadRequest(f"--type {text}: a DECIMAL has 1 to 38 digits, of which its scale are decimals.")
        return Kind(f"DECIMAL({size},{scale})", asked=True)
    if name not in KNOWN:
        raise BadRequest(f"--type {text}: not a type Assay can give a column; known are {', '.join(KNOWN)}.")
    return Kind(name, asked=True)


def quoted(text: str) -> str:
    """A text as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"


def _matches(value: str, pattern: str) -> str:
    return f"regexp_full_match({value}, {quoted(pattern)})"


def number(value: str, marks: Marks) -> str:
    """The number in a text with a point as decimal mark and no thousands mark; '?' where its groups are wrong."""
    if marks.plain:
        return value
    point, group = re.escape(marks.decimal), re.escape(marks.thousands)
    whole = f"([0-9]+|[0-9]{{1,3}}({group}[0-9]{{3}})+)" if marks.thousands else "[0-9]+"
    shape = f"[-+]?{whole}({point}[0-9]*)?([eE][-+]?[0-9]+)?|[-+]?{point}[0-9]+"
    bare = f"replace({value}, {quoted(marks.thousands)}, '')" if marks.thousands else value
    bare = f"replace({bare}, {quoted(marks.decimal)}, '.')"
    words = f"lower({value}) in {NOT_NUMBERS}"
    return f"(case when {_matches(value, shape)} then {bare} when {words} then {value} else '?' end)"


def check(value: str, kind: Kind, marks: Marks, made: str = "") -> str:
    """SQL: whether a text that is not missing becomes `kind` without loss (NULL means no).

    made: the column that already holds the cast value, if there is one.
    """
    type_ = kind.type
    made = made or cast(value, kind, marks)
    if type_ == "VARCHAR":
        return "true"
    if kind.format:
        shape = "true"
        if kind.format in ORDERS:
            mark = re.escape(kind.format[2])
            shape = _matches(value, f"[0-9]{{1,2}}{mark}[0-9]{{1,2}}{mark}[0-9]{{4}}")
        return f"({made} is not null and {shape})"
    if type_ == "BOOLEAN":
        if kind.asked:
            return f"(lower({value}) in ('true', 'false', 't', 'f', 'yes', 'no', 'y', 'n', '1', '0'))"
        return f"({value} in ('true', 'false') or lower({value}) in ('true', 'false'))"
    if type_ == "DATE":
        return f"({made}::varchar = {value} and strlen({value}) = 10)"
    if type_ in ("TIMESTAMP", TZ):
        pattern = MOMENT if type_ == "TIMESTAMP" else ZONED
        if kind.asked:
            pattern = f"{pattern}|{MOMENT}|[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}"
        return f"({made} is not null and substr({value}, 12, 2) < '24' and {_matches(value, pattern)})"
    text = number(value, marks)
    if type_ in WHOLE:
        return (
            f"({made} is not null and {_matches(text, '[-+]?[0-9]+')})" if kind.asked else f"({made}::varchar = {text})"
        )
    if type_.startswith("DECIMAL"):
        scale = int(type_.rstrip(")").split(",")[1])
        fraction = f"(\\.[0-9]{{1,{scale}}})?" if scale else ""
        return f"({made} is not null and {_matches(text, f'-?(0|[1-9][0-9]*){fraction}')})"
    return _double(text, made, kind.asked)


def _double(text: str, made: str, asked: bool) -> str:
    if asked:
        return f"({made} is not null and ({_matches(text, SIGNED)} or lower({text}) in {NOT_NUMBERS}))"
    return f"({made} is not null and {_matches(text, DOUBLE)})"


def proven(keys: list[str], kinds: dict[str, Kind], marks: Marks, relation: str, mark: str) -> str:
    """A query for all columns as their kinds that stops with the error `mark` and the key at a value that is not."""
    casts, picks = [], []
    for key in keys:
        kind = kinds[key]
        if kind.type == "VARCHAR":
            picks.append(key)
            continue
        made = "v" + key[1:]
        casts.append(f", {cast(key, kind, marks)} as {made}")
        proof = check(key, kind, marks, made)
        stop = f"error({quoted(mark + key)})"
        picks.append(f"case when {key} is null then null when {proof} then {made} else {stop} end as {key}")
    return f"select {', '.join(picks)} from (select *{''.join(casts)} from {relation})"


def cast(value: str, kind: Kind, marks: Marks) -> str:
    """SQL: the value of a text as `kind`, NULL where it is none."""
    if kind.type == "VARCHAR":
        return value
    if kind.format:
        return f"try_strptime({value}, {quoted(kind.format)})::{kind.type}"
    if kind.type in WHOLE or kind.type in ("FLOAT", "DOUBLE") or kind.type.startswith("DECIMAL"):
        value = number(value, marks)
    return f"try_cast({value} as {kind.type})"


ORDERS = tuple(f"%{one}{mark}%{two}{mark}%Y" for mark in "/.-" for one, two in ("dm", "md"))


def profile(con: duckdb.DuckDBPyConnection, relation: str, keys: list[str], marks: Marks) -> dict[str, Facts]:
    """{key: how many of its values would become each kind without loss}.

    n: values. whole, double, true: whole numbers of 64 bit, numbers, booleans. Where none of these fits all values
    also: huge: whole numbers of 128 bit; plain: numbers without exponent, left and right: their most digits before and
    after the point; date, moment, zoned: times; ordered: dates like 03/04/2024. formats: {format: values that fit it},
    where all values are such dates or a format was given.
    """
    found: dict[str, Facts] = {key: {"formats": {}} for key in keys}
    first: dict[str, str | Kind] = {"n": "count({key})", "whole": Kind("BIGINT"), "true": Kind("BOOLEAN")}
    _count(con, relation, keys, first, marks, found)
    left = [key for key in keys if found[key]["n"] not in (found[key]["whole"], found[key]["true"])]
    _count(con, relation, left, {"double": Kind("DOUBLE")}, marks, found)
    left = [key for key in left if found[key]["n"] != found[key]["double"]]
    plain = "regexp_full_match({text}, " + quoted(PLAIN.replace("{", "{{").replace("}", "}}")) + ")"
    second: dict[str, str | Kind] = {
        "huge": Kind("HUGEINT"),
        "plain": f"count_if({plain})",
        "left": f"max(strlen(regexp_extract({{text}}, '^-?([0-9]*)', 1))) filter ({plain})",
        "right": f"max(strlen(regexp_extract({{text}}, '\\.([0-9]*)$', 1))) filter ({plain})",
        "date": Kind("DATE"),
        "moment": Kind("TIMESTAMP"),
        "zoned": Kind(TZ),
        "ordered": "count_if(regexp_full_match({key}, '[0-9]{{1,2}}[/.-][0-9]{{1,2}}[/.-][0-9]{{4}}'))",
    }
    _count(con, relation, left, second, marks, found)
    for key in keys:
        found[key] |= {name: 0 for name in (*second, "double") if name not in found[key]}
    given = [marks.dates] if "%" in marks.dates else []
    dated = [key for key in keys if found[key]["n"] and (given or found[key]["ordered"] == found[key]["n"])]
    formats: dict[str, str | Kind] = {each: Kind("DATE", each) for each in given or ORDERS}
    counts: dict[str, Facts] = {key: {} for key in dated}
    _count(con, relation, dated, formats, marks, counts)
    for key in dated:
        found[key]["formats"] = counts[key]
    return found


def _count(
    con: duckdb.DuckDBPyConnection,
    relation: str,
    keys: list[str],
    asks: dict[str, str | Kind],
    marks: Marks,
    found: dict[str, Facts],
) -> None:
    """Answer each ask (an aggregate, or a kind whose values are counted) for each column, a batch in one reading."""
    for start in range(0, len(keys), AT_ONCE):
        batch = keys[start : start + AT_ONCE]
        terms = []
        for key in batch:
            for ask in asks.values():
                if isinstance(ask, Kind):
                    terms.append(f"count_if({check(key, ask, marks)})")
                else:
                    terms.append(ask.format(key=key, text=number(key, marks)))
        row = con.execute(f"select {', '.join(terms)} from {relation}").fetchall()[0]
        for place, key in enumerate(batch):
            values = row[place * len(asks) : (place + 1) * len(asks)]
            found[key] |= {name: value or 0 for name, value in zip(asks, values, strict=True)}


def choose(facts: Facts, marks: Marks) -> Kind | None:
    """The narrowest kind all values fit; None where the rows seen so far cannot tell (no value, dates either way)."""
    n = facts["n"]
    if not n:
        return None
    for name, kind in (("true", "BOOLEAN"), ("whole", "BIGINT"), ("huge", "HUGEINT"), ("double", "DOUBLE")):
        if facts[name] == n:
            return Kind(kind)
    if facts["plain"] == n and facts["left"] + facts["right"] <= 38:
        return Kind(f"DECIMAL({facts['left'] + facts['right']},{facts['right']})")
    for name, kind in (("date", "DATE"), ("moment", "TIMESTAMP"), ("zoned", TZ)):
        if facts[name] == n:
            return Kind(kind)
    fits = [each for each, count in facts["formats"].items() if count == n]
    if marks.dates in ("day-first", "month-first"):
        fits = [each for each in fits if each.startswith("%d" if marks.dates == "day-first" else "%m")]
    elif marks.dates == "iso":
        fits = []
    if len(fits) == 2:
        return None
    if fits:
        timed = any(each in fits[0] for each in ("%H", "%I", "%M", "%S", "%f"))
        return Kind("TIMESTAMP" if timed else "DATE", fits[0])
    return TEXT
