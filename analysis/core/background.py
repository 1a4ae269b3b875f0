"""Backgrounds: how the values of columns lie over many rows, as an explanation and a what-if want them."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from analysis.core.errors import UnknownName

NUMBER, CATEGORY = "number", "category"
LEVELS = tuple(round(place / 20, 2) for place in range(21))
"""The levels of a number's quantiles: 0, 0.05, ..., 1."""
MOST_VALUES = 1000


@dataclass(frozen=True)
class Feature:
    """One column. n: rows looked at that have a value, finite where it is a number; missing: share of those without,
    nan where no row was looked at; infinite: rows whose number is.

    A number: low, high, mean, deviation (of the population: divided by n), quantiles (at LEVELS, linear between
    neighbours as numpy has it; () without a value). bounded: low and high are those of all rows, not of a sample.
    A category, which is a text, yes or no, or a moment: values, (value, rows) each, the most frequent first and then in
    the order of text, every one the file encodes even where no row looked at has it, at most 1,000; other: rows with
    any other value.
    """

    name: str
    kind: str
    n: int
    missing: float
    infinite: int = 0
    low: float | None = None
    high: float | None = None
    mean: float | None = None
    deviation: float | None = None
    quantiles: tuple[float, ...] = ()
    bounded: bool = True
    values: tuple[tuple[str, int], ...] = ()
    other: int = 0

    @property
    def median(self) -> float | None:
        return self.quantiles[10] if self.quantiles else None

    @property
    def quartiles(self) -> tuple[float, ...]:
        """The three quartiles; () without a value."""
        return tuple(self.quantiles[place] for place in (5, 10, 15)) if self.quantiles else ()


@dataclass(frozen=True)
class Background:
    """features: in the order asked for. rows: those in scope; looked: those the numbers rest on, fewer where it is a
    sample. sql: {what: statement} that gives them."""

    features: tuple[Feature, ...]
    rows: int
    looked: int
    sql: Mapping[str, str]

    @property
    def sampled(self) -> bool:
        return self.looked < self.rows

    def sentence(self) -> str:
        """Which rows the numbers rest on.

        >>> Background((), 10_000_000, 49_877, {}).sentence()
        'from a fixed sample of 49,877 of 10,000,000 rows'
        """
        if self.sampled:
            return f"from a fixed sample of {self.looked:,} of {self.rows:,} rows"
        return f"from all {self.rows:,} rows"

    def feature(self, name: str) -> Feature:
        for feature in self.features:
            if feature.name == name:
                return feature
        raise UnknownName("feature", name, [feature.name for feature in self.features])

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @staticmethod
    def from_dict(data: Mapping[str, Any]) -> "Background":
        made = []
        for each in data["features"]:
            values = tuple((pair[0], int(pair[1])) for pair in each["values"])
            made.append(Feature(**{**each, "quantiles": tuple(each["quantiles"]), "values": values}))
        return Background(tuple(made), data["rows"], data["looked"], dict(data["sql"]))
