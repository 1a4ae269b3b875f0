"""How the tables of the corpus are made: small generators of realistic values, and the facts a scan would find."""

import datetime as dt
import random
import uuid
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from analysis.core.roles import ColumnFacts

ROWS = 200
Columns = dict[str, list[Any]]


@dataclass(frozen=True)
class Truth:
    """What the columns of a table mean. models: {name: {"prediction": column, "scores": {class: column}, ...}}.

    A class of None is the positive class; `protected` and `unit` are checked apart from the decisive roles.
    """

    task: str
    label: str | None = None
    positive: str | None = None
    id: tuple[str, ...] = ()
    time: str | None = None
    weight: str | None = None
    split: str | None = None
    models: dict[str, dict[str, Any]] = field(default_factory=dict)
    unit: str | None = None
    version: str | None = None
    protected: tuple[str, ...] = ()


@dataclass(frozen=True)
class Table:
    name: str
    make: Callable[["Maker"], Columns]
    truth: Truth

    def facts(self) -> list[ColumnFacts]:
        return [facts_of(name, values) for name, values in self.make(Maker(self.name)).items()]


class Maker:
    """Values of one table: the same for the same table name."""

    def __init__(self, seed: str) -> None:
        self.r = random.Random(seed)

    def count(self, start: int = 1) -> list[int]:
        return list(range(start, start + ROWS))

    def ids(self, low: int = 100_000, high: int = 999_999) -> list[int]:
        return self.r.sample(range(low, high), ROWS)

    def uuids(self) -> list[str]:
        return [str(uuid.UUID(int=self.r.getrandbits(128), version=4)) for _ in range(ROWS)]

    def codes(self, prefix: str) -> list[str]:
        return [f"{prefix}{each}" for each in self.ids()]

    def pick(self, *values: Any, weights: Sequence[float] | None = None) -> list[Any]:
        return self.r.choices(values, weights, k=ROWS)

    def flag(self, share: float = 0.3, yes: Any = 1, no: Any = 0) -> list[Any]:
        drawn = [yes if self.r.random() < share else no for _ in range(ROWS)]
        return [*drawn[:-2], yes, no]

    def whole(self, low: int, high: int) -> list[int]:
        return [self.r.randint(low, high) for _ in range(ROWS)]

    def real(self, low: float, high: float, digits: int = 3) -> list[float]:
        return [round(self.r.uniform(low, high), digits) for _ in range(ROWS)]

    def about(self, values: Sequence[float], spread: float, digits: int = 3) -> list[float]:
        return [round(value + self.r.gauss(0, spread), digits) for value in values]

    def moved(self, values: Sequence[float], by: float) -> list[float]:
        return [round(value + by, 3) for value in values]

    def decided(self, labels: Sequence[Any], right: float = 0.8) -> list[Any]:
        classes = sorted(set(labels), key=str)
        return [label if self.r.random() < right else self.r.choice(classes) for label in labels]

    def chance(self, labels: Sequence[Any], positive: Any) -> list[float]:
        return [
            round(self.r.betavariate(4, 2) if label == positive else self.r.betavariate(2, 4), 5) for label in labels
        ]

    def rest(self, shares: Sequence[float]) -> list[float]:
        return [round(1 - share, 5) for share in shares]

    def winner(self, shares: Sequence[float]) -> list[float]:
        return [max(share, round(1 - share, 5)) for share in shares]

    def per_class(self, labels: Sequence[Any], classes: Sequence[Any], form: str) -> Columns:
        """A column a class, named by `form`, whose rows add up to 1."""
        columns: Columns = {form.format(each): [] for each in classes}
        for label in labels:
            raw = [self.r.gammavariate(4.0 if each == label else 1.0, 1) for each in classes]
            for name, value in zip(columns, raw, strict=True):
                columns[name].append(round(value / sum(raw), 6))
        return columns

    def dates(self, start: str = "2023-01-01", step: float = 1.0) -> list[dt.date]:
        first = dt.date.fromisoformat(start)
        return [first + dt.timedelta(days=int(i * step)) for i in range(ROWS)]

    def stamps(self, start: str = "2024-03-01") -> list[dt.datetime]:
        first = dt.datetime.fromisoformat(start)
        return [first + dt.timedelta(seconds=self.r.randint(0, 60 * 86_400)) for _ in range(ROWS)]

    def prose(self) -> list[str]:
        stock = self.pick("the", "order", "came", "late", "nobody", "answered", "when", "I", "called", "help", "refund")
        return [" ".join(self.r.choices(stock, k=self.r.randint(8, 16))) for _ in range(ROWS)]


def facts_of(name: str, values: list[Any]) -> ColumnFacts:
    """What one scan of a column finds; the type by the first value present."""
    present = [value for value in values if value is not None]
    kinds = {bool: "BOOLEAN", int: "BIGINT", float: "DOUBLE", dt.date: "DATE", dt.datetime: "TIMESTAMP", str: "VARCHAR"}
    kind = kinds[type(present[0])]
    texts = [str(value).lower() if kind == "BOOLEAN" else str(value) for value in present]
    counts = Counter(texts)
    text = kind == "VARCHAR"
    return ColumnFacts(
        name=name,
        type=kind,
        rows=len(values),
        missing=len(values) - len(present),
        distinct=min(len(counts), 1_001),
        low=str(min(present)),
        high=str(max(present)),
        values=tuple(counts.most_common(20)),
        whole=kind == "BIGINT" or (kind == "DOUBLE" and all(value == int(value) for value in present)),
        length=sum(map(len, texts)) / len(texts) if text else 0.0,
        words=sum(len(value.split()) for value in texts) / len(texts) if text else 0.0,
    )
