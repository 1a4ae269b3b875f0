"""Fault: one planted defect. It says where it sits, marks the rows it touched and what a check should find."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from zlib import crc32

import numpy as np

from sample_data.places import Places
from sample_data.schema import BANDS, GENDERS, Schema
from sample_data.world import Batch

LISTED_IDS = 1000


@dataclass(frozen=True)
class Scene:
    """What every fault may know: the schema, the places, the seed, and which chunk of the file is being made."""

    schema: Schema
    places: Places
    seed: int
    chunk: int

    def rng(self, code: str) -> np.random.Generator:
        """Chance of its own for each fault and chunk, so that a new fault moves no other."""
        return np.random.default_rng([self.seed, 3, self.chunk, crc32(code.encode())])

    def name(self, slot: str) -> str:
        return self.schema.columns[slot]

    def values(self, slot: str) -> list[str]:
        """The values a choice may take in the file; those that only a fault brings come last."""
        schema = self.schema
        if slot == "branch":
            return [branch for group in schema.areas.values() for branch in group]
        if slot == "household":
            return [str(number) for number in range(1, 9)] + list(schema.missing)
        fixed = {"area": list(schema.areas), "band": list(BANDS), "gender": list(GENDERS)}
        extra = {"product": [schema.late_product], "device": list(schema.spellings), "work": list(schema.missing)}
        return fixed.get(slot) or [*schema.choices[slot], *extra.get(slot, [])]

    def code(self, slot: str, value: str) -> int:
        return self.values(slot).index(value)

    def equals(self, slot: str, value: str) -> str:
        """The expression `column = 'value'`."""
        return f"{self.name(slot)} = '{value}'"


@dataclass(frozen=True)
class Touch:
    """What one fault did to one batch.

    touched: (n,) the rows changed; place: (n,) the rows that `where` describes, None for the whole file.
    slots: the columns concerned. size: the fault's planned magnitude. expect: what a check should find.
    """

    slots: tuple[str, ...]
    touched: np.ndarray
    expect: str
    where: str | None = None
    place: np.ndarray | None = None
    size: dict[str, Any] = field(default_factory=dict)


Apply = Callable[[Scene, Batch], Touch]
FAULTS: dict[str, tuple[str, str, Apply]] = {}
"""{code: (stage, title, function)} in the order they are applied within a stage."""


def fault(stage: str, code: str, title: str) -> Callable[[Apply], Apply]:
    """Register a fault. Stages in order: world (the facts change), inputs (what the models read), outputs (scores,
    decisions, outcomes), cells (how single cells are written)."""

    def register(function: Apply) -> Apply:
        if code in FAULTS:
            raise ValueError(f"fault {code!r} is registered twice.")
        FAULTS[code] = (stage, title, function)
        return function

    return register


def some(rng: np.random.Generator, candidates: np.ndarray, rate: float, least: int = 4) -> np.ndarray:
    """(n,) a mask of `rate` times n rows (at least `least`, as far as there are any) among the candidates."""
    rows = np.flatnonzero(candidates)
    wanted = min(len(rows), max(least, round(rate * len(candidates))))
    mask = np.zeros(len(candidates), dtype=bool)
    mask[rng.choice(rows, wanted, replace=False)] = True
    return mask


def entry(scene: Scene, code: str, title: str, touch: Touch) -> dict[str, Any]:
    """The fault's part of the answer key that no chunk changes."""
    return {
        "code": code,
        "title": title,
        "columns": [scene.name(slot) for slot in touch.slots],
        "where": touch.where,
        "rows": 0,
        "place_rows": 0,
        "size": touch.size,
        "expect": touch.expect,
        "ids": [],
    }
