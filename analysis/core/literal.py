"""Literals: the values conditions compare with, and how values and column names are read, kept and written."""

import re
from datetime import date, datetime, timezone
from decimal import Decimal
from typing import Any

from analysis.core.errors import BadRequest
from analysis.core.schema import FLOATS, INTEGERS, TIMES

Value = str | int | Decimal | bool | date | datetime

RESERVED = frozenset(
    {"and", "or", "not", "in", "between", "is", "missing", "null", "contains", "matches"}
    | {"true", "false", "everything", "inf", "infinity"}
)
MOST_DIGITS = 400

BARE = re.compile(r"[^\W\d]\w*")
NUMBER = r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,9})?"
DAY = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
CLOCK = r"[0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6})?)?(?:Z|[+-][0-9]{2}:?[0-9]{2}(?::?[0-9]{2})?)?"


def normal(value: Any) -> Value:
    """A value as segments keep it: floats by their shortest decimal text, whole decimals as int, zones as offsets.

    BadRequest for what no row can equal (None, NaN) and for text that no data file can hold.

    >>> normal(0.1), normal(Decimal("3"))
    (Decimal('0.1'), 3)
    """
    if isinstance(value, str):
        if "\0" in value or re.search("[\ud800-\udfff]", value):
            raise BadRequest("A text to compare with holds a NUL or half a character; remove it.")
        return value
    if isinstance(value, bool):
        return value
    if isinstance(value, datetime):
        offset = value.utcoffset()
        return value.replace(tzinfo=None if offset is None else timezone(offset), fold=0)
    if isinstance(value, date):
        return value
    if isinstance(value, float):
        value = Decimal(repr(float(value)))
    if isinstance(value, Decimal) and value.is_nan():
        raise BadRequest("NaN counts as missing and equals nothing; use `is missing`.")
    if isinstance(value, Decimal) and value.is_finite():
        if len(value.as_tuple().digits) > MOST_DIGITS or not -MOST_DIGITS < value.adjusted() < MOST_DIGITS:
            raise BadRequest(f"A number to compare with has more than {MOST_DIGITS} digits; shorten it.")
        return int(value) if value.as_tuple().exponent == 0 else value
    if isinstance(value, Decimal):
        return value
    if isinstance(value, int):
        if abs(value) >= 10**MOST_DIGITS:
            raise BadRequest(f"A number to compare with has more than {MOST_DIGITS} digits; shorten it.")
        return int(value)
    raise BadRequest(f"A value of type {type(value).__name__} cannot be compared with; use text, numbers or dates.")


def quoted(name: str) -> str:
    """A column name as the expression language writes it.

    >>> quoted("amount"), quoted("odd name"), quoted("not")
    ('amount', '"odd name"', '"not"')
    """
    if BARE.fullmatch(name) and name.lower() not in RESERVED:
        return name
    return '"' + name.replace('"', '""') + '"'


def written(value: Value) -> str:
    """A value as the expression language writes it.

    >>> written("O'Hare"), written(date(2024, 5, 1)), written(True)
    ("'O''Hare'", '2024-05-01', 'true')
    """
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, date):
        return value.isoformat()
    return str(value)


def family(duckdb_type: str) -> str:
    """What a DuckDB type holds: "number", "date", "moment", "zoned", "boolean" or "text" (all others, as text).

    >>> family("DECIMAL(10,2)"), family("TIMESTAMP"), family("ENUM")
    ('number', 'moment', 'text')
    """
    name = duckdb_type.upper()
    if name in INTEGERS or name in FLOATS or name == "UHUGEINT" or name.startswith("DECIMAL"):
        return "number"
    if name in ("TIMESTAMP WITH TIME ZONE", "TIMESTAMPTZ"):
        return "zoned"
    if name in TIMES:
        return "date" if name == "DATE" else "moment"
    return "boolean" if name == "BOOLEAN" else "text"


def read_moment(text: str) -> date | datetime | None:
    """An ISO date, or date and time, however quoted; None if it is none.

    >>> read_moment("2024-05-01"), read_moment("2024-05-01 10:00")
    (datetime.date(2024, 5, 1), datetime.datetime(2024, 5, 1, 10, 0))
    """
    text = text.strip()
    try:
        if re.fullmatch(DAY, text):
            return date.fromisoformat(text)
        if re.fullmatch(rf"{DAY}[Tt ]{CLOCK}", text):
            return datetime.fromisoformat(text)
    except ValueError:
        return None
    return None


def read_number(text: str) -> int | Decimal | None:
    """A number exactly as written: whole numbers as int, others as Decimal; None if it is none.

    >>> read_number("-007"), read_number("1.10"), read_number("ten")
    (-7, Decimal('1.10'), None)
    """
    text = text.strip()
    if re.fullmatch(r"[+-]?(?:inf|infinity)", text, re.IGNORECASE):
        return Decimal(text)
    if not re.fullmatch(NUMBER, text):
        return None
    if re.fullmatch(r"[+-]?[0-9]+", text) and len(text) <= 2 * MOST_DIGITS:
        return int(text)
    return Decimal(text)


def fit(value: Value, duckdb_type: str, *, column: str, typed: str | None = None) -> Value:
    """The value as a column of this DuckDB type is compared with it.

    Text that reads as a number, a date or true/false becomes one where the column holds such; anything compared with a
    text column becomes text, as typed. Zoned columns take times without a zone as UTC. BadRequest, naming the column
    and the value, where they cannot be compared.
    """
    kind = family(duckdb_type)
    if kind == "text":
        return value if isinstance(value, str) else typed or _as_text(value)
    shown = written(value)
    if kind == "boolean":
        words: dict[str, bool] = {"true": True, "false": False, "1": True, "0": False}
        asked = str(value).strip().lower()
        if isinstance(value, date) or asked not in words:
            raise BadRequest(f"The column '{column}' holds true and false; {shown} is neither.")
        return words[asked]
    if kind == "number":
        number = read_number(value) if isinstance(value, str) else value
        if number is None or isinstance(number, bool | date | str):
            raise BadRequest(f"The column '{column}' holds numbers; {shown} is not a number.")
        return normal(number)
    moment = read_moment(value) if isinstance(value, str) else value
    if not isinstance(moment, date):
        example = "2024-05-01" if kind == "date" else "'2024-05-01 10:00'"
        raise BadRequest(f"The column '{column}' holds dates; {shown} cannot be read as one, write {example}.")
    if kind != "zoned" and isinstance(moment, datetime) and moment.tzinfo is not None:
        raise BadRequest(f"The column '{column}' has no time zone; leave the zone of {shown} off.")
    return normal(moment)


def _as_text(value: Value) -> str:
    return value.isoformat(sep=" ") if isinstance(value, datetime) else written(value)
