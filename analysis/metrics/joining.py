"""Joining: picks that differ in one value of one column only, as one that names these values.

They are put together by what the rows that chose them say alone. The joined pick claims that each of its values is
worse, so that its p is the largest of theirs and of its own (Berger 1982: intersection-union), and it is one more test
of the family: it is never confirmed unless all of its values are.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from analysis.metrics.confirming import Confirmed, confirmed
from analysis.metrics.lattice import Axis, Rows
from analysis.metrics.picking import LARGEST_SHARE, Aim, Pick

ALIKE = 0.5
"""Values are told together where the smallest of their gaps is at least so much of the largest."""


@dataclass(frozen=True)
class Join:
    """pick: of all its values. members: the places of the picks it is made of."""

    pick: Pick
    members: tuple[int, ...]


def joins(picks: Sequence[Pick], axes: Sequence[Axis], lacking: Sequence[int | None]) -> list[Join]:
    """What can be told together, the most values first, each pick in one join at most. lacking: by axis the code of
    missing values, which is not told with others."""
    families: dict[object, list[int]] = {}
    for place, pick in enumerate(picks):
        for turn, (axis, codes) in enumerate(pick.literals):
            held = np.flatnonzero(np.frombuffer(codes, dtype=bool))
            if not axes[axis].ordered and len(held) == 1 and held[0] != lacking[axis]:
                others = pick.literals[:turn] + pick.literals[turn + 1 :]
                families.setdefault((axis, others, np.sign(pick.gap)), []).append(place)
    found: list[Join] = []
    taken: set[int] = set()
    for family in sorted((_alike(picks, each) for each in families.values()), key=lambda each: (-len(each), each)):
        members = tuple(place for place in family if place not in taken)
        if len(members) > 1:
            taken |= set(members)
            found.append(Join(_together([picks[place] for place in members]), members))
    return found


def _alike(picks: Sequence[Pick], family: list[int]) -> list[int]:
    largest = max(abs(picks[place].gap) for place in family)
    return [place for place in family if abs(picks[place].gap) >= ALIKE * largest]


def _together(picks: Sequence[Pick]) -> Pick:
    literals = []
    for same in zip(*(pick.literals for pick in picks), strict=True):
        held = np.any([np.frombuffer(codes, dtype=bool) for _, codes in same], axis=0)
        literals.append((same[0][0], held.astype(np.uint8).tobytes()))
    gap = float(np.mean([pick.gap for pick in picks]))
    return Pick(tuple(literals), min(pick.z for pick in picks), gap)


def fits(sides: tuple[Rows, ...], join: Join) -> bool:
    """Whether a join is no more of the rows than a weak spot may be. sides: the rows that choose."""
    return all(rows.inside(join.pick.literals).sum() <= LARGEST_SHARE * len(rows) for rows in sides)


def tested(sides: tuple[Rows, ...], join: Join, tests: Sequence[Confirmed], aim: Aim, level: float) -> Confirmed:
    """A join on the rows that had no say. tests: of all picks, by their places."""
    [own] = confirmed(sides, [(join.pick.literals, join.pick.gap)], aim, level)
    p = [own.p, *(tests[place].p for place in join.members)]
    return replace(own, p=float(np.max(p)), method=f"{own.method}; p: the largest of its values")
