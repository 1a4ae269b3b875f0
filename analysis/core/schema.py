"""Schemas: what the columns of a dataset are. A user's column name is a label and never an identifier in SQL."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from analysis.core.errors import UnknownName

INTEGERS = {"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT"}
FLOATS = {"FLOAT", "DOUBLE"}
TIMES = {"DATE", "TIMESTAMP", "TIMESTAMP WITH TIME ZONE", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS"}


@dataclass(frozen=True)
class Column:
    """One column of a stored table.

    key: its name in the file ("c0", "c1", ...), safe in SQL and in chart fields. name: the analyst's label, as in the
    source. type: DuckDB's name. missing: rows without a value. original: the label in the source where it had to be
    changed to be unique or non-empty, else "".
    """

    key: str
    name: str
    type: str
    missing: int = 0
    original: str = ""

    @property
    def numeric(self) -> bool:
        return self.type in INTEGERS or self.type in FLOATS or self.type.startswith("DECIMAL")

    @property
    def temporal(self) -> bool:
        return self.type in TIMES


@dataclass(frozen=True)
class Schema:
    """The columns of a table, in order; names are unique."""

    columns: tuple[Column, ...]

    def __iter__(self) -> Iterator[Column]:
        return iter(self.columns)

    def __len__(self) -> int:
        return len(self.columns)

    @property
    def names(self) -> list[str]:
        return [column.name for column in self.columns]

    def __contains__(self, name: object) -> bool:
        return any(column.name == name for column in self.columns)

    def column(self, name: str) -> Column:
        """The column called `name`, exactly; UnknownName with the nearest one otherwise."""
        for column in self.columns:
            if column.name == name:
                return column
        raise UnknownName("column", name, self.names)

    def to_list(self) -> list[dict[str, Any]]:
        return [asdict(column) for column in self.columns]

    @staticmethod
    def from_list(items: list[dict[str, Any]]) -> "Schema":
        return Schema(tuple(Column(**item) for item in items))
