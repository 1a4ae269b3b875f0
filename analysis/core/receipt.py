"""Receipts and results: what a question returns, frozen, with how to get the same number again."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from analysis import __version__
from analysis.core.cutoffs import Band, ByGroup


@dataclass(frozen=True)
class Used:
    """The rows one model version's numbers rest on. dropped: {why: rows}; rows = used + sum of dropped.

    review: of the rows used, those a band leaves to a person. They have no decision, so metrics of decisions leave them
    out too, while metrics of scores count them.
    """

    model: str
    rows: int
    used: int
    dropped: dict[str, int]
    review: int = 0

    def sentence(self) -> str:
        lost = ", ".join(f"{count:,} {why}" for why, count in self.dropped.items())
        said = f"{self.used:,} of {self.rows:,} rows used; left out: {lost}" if lost else f"all {self.rows:,} rows used"
        if self.rows == self.used == 1:
            said = "1 row used"
        if self.review:
            said += (
                f"; {self.review:,} of them go to a person and have no decision: metrics of decisions leave them out"
            )
        return f"{self.model}: {said}."


@dataclass(frozen=True)
class Receipt:
    """How to get the same number again.

    options: the question's, JSON-able but for a threshold, which `to_dict` writes out.
    sql: {what: statement} that gives the same n and value in a bare DuckDB.
    m, q: how many looks were corrected for, at which false-discovery rate; None where none were.
    recommended: what the question advises, JSON-able; left out of `to_dict` where it advises nothing.
    """

    question: str
    evaluation: str
    fingerprint: str
    options: dict[str, Any]
    used: tuple[Used, ...] = ()
    sql: dict[str, str] = field(default_factory=dict)
    seed: int | None = None
    m: int | None = None
    q: float | None = None
    seconds: float = 0.0
    cached: bool = False
    notes: tuple[str, ...] = ()
    recommended: tuple[dict[str, Any], ...] = ()
    version: str = __version__

    @property
    def id(self) -> str:
        """12 hex digits that name what was asked of what; the same for the same answer."""
        said = [self.question, self.fingerprint, self.options, self.version]
        return hashlib.sha256(json.dumps(said, sort_keys=True, default=str).encode()).hexdigest()[:12]

    def to_dict(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "question": self.question,
            "evaluation": self.evaluation,
            "fingerprint": self.fingerprint,
            "options": {name: said(value) for name, value in self.options.items()},
            "rows": [
                {"model": each.model, "rows": each.rows, "used": each.used, "dropped": each.dropped}
                | ({"review": each.review} if each.review else {})
                for each in self.used
            ],
            "sql": self.sql,
            "seed": self.seed,
            "m": self.m,
            "q": self.q,
            "seconds": round(self.seconds, 4),
            "cached": self.cached,
            "notes": list(self.notes),
            "version": self.version,
            **({"recommended": [dict(each) for each in self.recommended]} if self.recommended else {}),
        }


@dataclass(frozen=True)
class Result:
    """What a question returns: its frame, further named frames, its sentence (a line a model version), its receipt.

    own: the definitions of metrics in it that analysts made, by name.
    """

    frame: pl.DataFrame
    sentence: str
    receipt: Receipt
    frames: dict[str, pl.DataFrame] = field(default_factory=dict)
    own: Mapping[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """JSON-able, with undefined numbers as null."""
        return {"sentence": self.sentence, "frame": records(self.frame), "receipt": self.receipt.to_dict()}


def said(option: Any) -> Any:
    """An option of a receipt as JSON has it."""
    return option.to_dict() if isinstance(option, Band | ByGroup) else option


def records(frame: pl.DataFrame) -> list[dict[str, Any]]:
    """A frame's rows as JSON-able dicts; nan and infinities become null."""

    def plain(value: Any) -> Any:
        if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
            return None
        return value if value is None or isinstance(value, bool | int | float | str) else str(value)

    return [{name: plain(value) for name, value in row.items()} for row in frame.iter_rows(named=True)]
