"""Tables of codes with planted weak segments, and none: what a search of weak spots is judged by."""

from dataclasses import dataclass, replace

import numpy as np

from analysis.metrics.confirming import Confirmed, confirmed
from analysis.metrics.contrasts import benjamini_hochberg
from analysis.metrics.lattice import Axis, Lattice, Literals, Rows
from analysis.metrics.picking import Aim, Searched, picked


def ordinal(size: int) -> Axis:
    """Every range of neighbouring codes; for three conditions ranges from one end and single ones of five groups."""
    coarse = np.arange(size) * min(5, size) // size
    groups = int(coarse.max()) + 1
    few = [(i, j) for i in range(groups) for j in range(i, groups) if (i == j or i == 0 or j == groups - 1)]
    return Axis(size, size, np.arange(size), _ranges(size, None), coarse, _ranges(groups, few))


def _ranges(size: int, only: list[tuple[int, int]] | None) -> np.ndarray:
    ranges = only or [(i, j) for i in range(size) for j in range(i, size)]
    ranges = [(i, j) for i, j in ranges if j - i < size - 1]
    made = np.zeros((len(ranges), size), dtype=bool)
    for place, (i, j) in enumerate(ranges):
        made[place, i : j + 1] = True
    return made


def nominal(size: int) -> Axis:
    every, single = np.arange(size), np.eye(size, dtype=bool)
    return Axis(size, 0, every, single, every, single)


AXES = (*(ordinal(10) for _ in range(4)), *(nominal(size) for size in (3, 4, 5, 8, 12)))


@dataclass(frozen=True)
class Table:
    """codes by column, the per-row term, and which rows are planted."""

    rows: Rows
    truth: np.ndarray


def drawn(
    seed: int,
    size: int,
    planted: tuple[tuple[int, tuple[int, ...]], ...] = (),
    *,
    base: float = 0.15,
    gap: float = 0.0,
    decoy: float = 0.0,
) -> Table:
    """An error (x = 1) is as likely everywhere but where all planted (column, codes) hold: there by `gap` more.

    decoy: the share of rows on which a last column repeats the first planted column.
    """
    random = np.random.default_rng(seed)
    codes = [random.integers(0, axis.size, size).astype(np.uint8) for axis in AXES]
    truth = np.ones(size, dtype=bool) if planted else np.zeros(size, dtype=bool)
    for column, held in planted:
        truth &= np.isin(codes[column], held)
    x = (random.random(size) < base + gap * truth).astype(float)
    if decoy:
        first = planted[0][0]
        other = random.integers(0, AXES[first].size, size).astype(np.uint8)
        codes.append(np.where(random.random(size) < decoy, codes[first], other).astype(np.uint8))
    block = random.integers(0, 20, size).astype(np.uint8)
    return Table(Rows(tuple(codes), x, block=block), truth)


@dataclass(frozen=True)
class Found:
    """What was picked on the first half of the rows, and which of it holds on the other half at q."""

    searched: Searched
    tests: list[Confirmed]
    adjusted: np.ndarray
    q: float

    @property
    def hits(self) -> list[Literals]:
        return [pick.literals for pick, p in zip(self.searched.picks, self.adjusted, strict=True) if p <= self.q]


def search(
    table: Table, *, depth: int = 2, axes: tuple[Axis, ...] = AXES, minimum: int = 30, q: float = 0.05, sign: int = 1
) -> Found:
    half = np.arange(len(table.rows)) % 2 == 0
    finding, confirming = table.rows.where(half), table.rows.where(~half)
    aim = Aim(sign, False, minimum)
    searched = picked((finding,), Lattice(axes, depth), aim, most=25)
    tests = confirmed((confirming,), [(pick.literals, pick.gap) for pick in searched.picks], aim, 0.95)
    weak = [place for place, pick in enumerate(searched.picks) if pick.weak]
    tests = [tests[place] for place in weak]
    searched = replace(searched, picks=tuple(searched.picks[place] for place in weak))
    return Found(searched, tests, benjamini_hochberg(np.array([each.p for each in tests])), q)


def jaccard(table: Table, literals: Literals) -> float:
    held = table.rows.inside(literals)
    return float((held & table.truth).sum() / (held | table.truth).sum())


def best(table: Table, found: Found) -> float:
    """The largest Jaccard index of a hit with the planted rows, 0 without a hit."""
    return max((jaccard(table, each) for each in found.hits), default=0.0)


def with_noise(table: Table, spread: float, seed: int = 1) -> Table:
    """The same rows, x a skewed number instead of an error."""
    random = np.random.default_rng(seed)
    return replace(table, rows=table.rows.with_x((1 + table.rows.x) * random.gamma(1.0, spread, len(table.rows))))
