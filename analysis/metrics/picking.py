"""Picking: the candidates of a lattice that stand out, one after the other, each after the effects of those before it.

What stands out is decided by evidence less what its kind would reach by chance: z squared - 2 ln(candidates with as
many conditions), the risk inflation criterion of Foster and George (1994). So a condition is added only where the rows
it keeps differ from those it drops. A pick's effect is then taken off its rows, and all candidates are judged again:
what was only its shadow (a parent it is part of, a child, a column that goes with it) no longer stands out. Rows that
do much better than all others are picked too, only to take off their effect: all that lies around them is not weak.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from analysis.core.errors import Interrupted
from analysis.metrics.intervals import divide
from analysis.metrics.lattice import Lattice, Literals, Rows

LOWEST_Z = 3.0
SLACK = 10.0
"""Candidates below this z, or whose score falls short of zero by more than the slack, are not worth a test."""
EXCEPTION = 1.5
"""Rows that do better are taken for the exception where their score is so many times that of any that do worse."""
TAIL = 10
"""Picks whose score is below zero: a test each dilutes the others, so that there are few."""
LARGEST_SHARE = 0.5
"""A weak spot is at most half of the rows: of more, the other side is the exception."""
COPY = 0.8
"""Jaccard index from which on two descriptions are of the same rows."""
NEAR = 0.2
RIVALS, COPIES = 6, 5


@dataclass(frozen=True)
class Aim:
    """What counts as weak, in terms of the mean of x. sign: 1 where a higher one is worse, -1 where a lower one is, 0
    where distance from zero is. apart: the mean itself must lie on the bad side of zero, not only beyond the rest's.
    minimum: the fewest rows (of each side) a candidate and its rest may have.
    """

    sign: int
    apart: bool
    minimum: int


@dataclass(frozen=True)
class Pick:
    """A candidate that stood out. z: its evidence on the rows that chose it, after the picks before it. gap: its mean
    less that of the rest, likewise. copies: other descriptions of the same rows, with their Jaccard index. rivals:
    descriptions that overlap with it and could have been chosen instead. weak: it is worse; else it does better, and
    was picked so that its effect is out of the way.
    """

    literals: Literals
    z: float
    gap: float
    weak: bool = True
    copies: tuple[tuple[Literals, float], ...] = ()
    rivals: tuple[Literals, ...] = ()


@dataclass(frozen=True)
class Searched:
    """The picks in their order, and by candidate whether it was counted and judged. best: (its columns, z) of the
    strongest candidate of each set of columns before any pick."""

    picks: tuple[Pick, ...]
    counted: np.ndarray
    eligible: int
    best: tuple[tuple[tuple[int, ...], float], ...] = ()


@dataclass
class _Side:
    """One side's rows and sums: one, or the reference and what is compared with it. x: of the rows, less the effects
    of the picks so far."""

    rows: Rows
    x: np.ndarray
    n: np.ndarray = field(default_factory=lambda: np.zeros(0))
    w: np.ndarray = field(default_factory=lambda: np.zeros(0))
    sx: np.ndarray = field(default_factory=lambda: np.zeros(0))
    raw: np.ndarray = field(default_factory=lambda: np.zeros(0))
    spread: np.ndarray = field(default_factory=lambda: np.zeros(0))
    weight: float = 0.0
    total: float = 0.0
    deflation: float = 1.0
    pooled: float = 0.0

    def weigh(self, values: np.ndarray) -> np.ndarray:
        return values if self.rows.w is None else values * self.rows.w

    def taken(self, held: np.ndarray, gap: float) -> None:
        self.x[held] -= gap
        self.total = float(self.weigh(self.x).sum())


def picked(
    sides: tuple[Rows, ...],
    lattice: Lattice,
    aim: Aim,
    *,
    most: int,
    done: Callable[[float], bool] = lambda share: False,
    cancelled: Callable[[], bool] = lambda: False,
) -> Searched:
    """Pick until nothing stands out or there are `most`. sides: the rows that choose; of two, the reference first.

    done(share): as in Lattice.sums. Interrupted where `cancelled` says so.
    """
    made = [_Side(rows, rows.x.copy()) for rows in sides]
    counted = np.ones(lattice.total, dtype=bool)
    for place, side in enumerate(made):

        def tick(share: float, place: int = place) -> bool:
            if cancelled():
                raise Interrupted("Cancelled.")
            return done((place + share) / len(made))

        counted &= _count(side, lattice, tick)
    search = _Search(lattice, made, aim, counted)
    picks: list[Pick] = []
    first: np.ndarray | None = None
    tail = 0
    while len(picks) < most and tail <= TAIL:
        if cancelled():
            raise Interrupted("Cancelled.")
        z, score = search.judged()
        if not len(score):
            break
        weak = np.where(search.eligible & (z >= LOWEST_Z), score, -np.inf)
        first = np.where(search.eligible, np.maximum(z, 0.0), 0.0) if first is None else first
        strong = np.where(search.fits & (z != 0) & ~np.isfinite(weak), score, -np.inf)
        place, exception = int(np.argmax(weak)), int(np.argmax(strong))
        if strong[exception] > EXCEPTION * max(weak[place], 0.0):
            picks.append(search.take(exception, strong, weak=False))
            continue
        if not weak[place] >= -SLACK:
            break
        tail += weak[place] < 0
        picks.append(search.take(place, weak, weak=True))
    strongest = [] if first is None else [(axes, float(first[at])) for axes, at in lattice.best_by_set(first)]
    return Searched(tuple(picks), counted, int(search.eligible.sum()), tuple(strongest))


def _count(side: _Side, lattice: Lattice, done: Callable[[float], bool]) -> np.ndarray:
    """Fill a side's sums; (total,) which candidates were counted."""
    rows, squares = side.rows, side.weigh(side.x) * side.x
    binary = rows.w is None and bool(np.isin(np.unique(side.x[:1000]), (0.0, 1.0)).all()) and _is_binary(side.x)
    weights = [None, side.weigh(side.x), *([] if binary else [squares]), *([] if rows.w is None else [rows.w])]
    sums, counted = lattice.sums(rows, weights, done)
    side.n, side.sx, side.raw = sums[0], sums[1], sums[1].copy()
    side.w = side.n if rows.w is None else sums[-1]
    square = side.sx if binary else sums[2]
    side.weight = float(len(rows) if rows.w is None else rows.w.sum())
    side.total = float(side.weigh(side.x).sum())
    if rows.w is not None and side.weight > 0:
        side.deflation = side.weight**2 / float((rows.w * rows.w).sum()) / max(len(rows), 1)
    mean = side.total / side.weight if side.weight > 0 else 0.0
    side.pooled = float(squares.sum()) / side.weight - mean * mean if side.weight > 0 else 0.0
    own = divide(square, side.w) - divide(side.sx, side.w) ** 2
    side.spread = np.maximum(np.nan_to_num(own), side.pooled)
    return counted


def prices(lattice: Lattice) -> list[float]:
    """What evidence a candidate of 0, 1, ... conditions needs before it stands out: 2 ln(candidates of its kind)."""
    return [0.0] + [2 * float(np.log(max(count, 1))) for count in lattice.by_depth[1:]]


def _is_binary(x: np.ndarray) -> bool:
    return bool(((x == 0) | (x == 1)).all())


class _Search:
    def __init__(self, lattice: Lattice, sides: list[_Side], aim: Aim, counted: np.ndarray) -> None:
        self.lattice, self.sides, self.aim = lattice, sides, aim
        fits = counted.copy()
        for side in sides:
            rest = len(side.rows) - side.n
            fits &= (side.n >= aim.minimum) & (rest >= aim.minimum) & (side.n <= LARGEST_SHARE * len(side.rows))
        sized = fits.copy()
        if aim.apart and aim.sign:
            means = [divide(side.raw, side.w) for side in sides]
            fits &= aim.sign * (means[-1] - (means[0] if len(sides) == 2 else 0.0)) > 0
        if aim.sign == 0:
            means = [divide(side.raw, side.w) for side in sides]
            rests = [divide(side.total - side.raw, side.weight - side.w) for side in sides]
            own, others = (each[-1] - (each[0] if len(sides) == 2 else 0.0) for each in (means, rests))
            fits &= np.abs(own) > np.abs(others)
        self.counted, self.fits, self.eligible = counted, sized, fits
        self.price = np.array(prices(lattice))[lattice.depths] if lattice.total else np.zeros(0)

    def judged(self) -> tuple[np.ndarray, np.ndarray]:
        """((total,) z, positive where a candidate is worse, (total,) score); 0 and -inf where it is too small."""
        gap, variance = self._gap(), np.zeros(self.lattice.total)
        for side in self.sides:
            inside, outside = side.n * side.deflation, (len(side.rows) - side.n) * side.deflation
            variance += divide(side.spread, inside) + divide(side.spread, outside)
        z = np.nan_to_num(divide(gap, np.sqrt(variance)))
        z[~self.fits] = 0.0
        z = z * self.aim.sign if self.aim.sign else np.where(self.eligible, np.abs(z), -np.abs(z))
        return z, np.where(z != 0, z * z - self.price, -np.inf)

    def _gap(self) -> np.ndarray:
        gap = np.zeros(self.lattice.total)
        for place, side in enumerate(self.sides):
            own = divide(side.sx, side.w) - divide(side.total - side.sx, side.weight - side.w)
            gap += own if place == len(self.sides) - 1 else -own
        return gap

    def take(self, place: int, score: np.ndarray, *, weak: bool) -> Pick:
        """The pick at a place, the ends of its ranges made finer; its effect is taken off its rows."""
        literals = self._refined(self.lattice.literals(place))
        held = [side.rows.inside(literals) for side in self.sides]
        gap, z = self._alone(held)
        shared = np.zeros(self.lattice.total)
        for number, (side, inside) in enumerate(zip(self.sides, held, strict=True)):
            rows = side.rows.where(inside)
            sums, _ = self.lattice.sums(rows, [None] if rows.w is None else [None, rows.w])
            shared += sums[0]
            if number == len(self.sides) - 1:
                side.sx = side.sx - gap * sums[-1]
                side.taken(inside, gap)
        size = sum(float(inside.sum()) for inside in held)
        likeness = divide(shared, size + sum(side.n for side in self.sides) - shared)
        self.eligible[place] = self.fits[place] = False
        copies, rivals = self._others(literals, np.where(self.counted, np.nan_to_num(likeness), 0.0), score)
        return Pick(literals, z, gap, weak, copies, rivals)

    def _alone(self, held: list[np.ndarray]) -> tuple[float, float]:
        """(gap, z) of the rows of a mask a side, as `judged` would have it."""
        gap, variance = 0.0, 0.0
        for number, (side, inside) in enumerate(zip(self.sides, held, strict=True)):
            places = np.flatnonzero(inside)
            x = side.x[places]
            w = np.ones(len(x)) if side.rows.w is None else side.rows.w[places]
            own, total = float(w.sum()), float((w * x).sum())
            if own <= 0 or side.weight - own <= 0:
                return 0.0, 0.0
            mean, rest = total / own, (side.total - total) / (side.weight - own)
            gap += (mean - rest) * (1 if number == len(self.sides) - 1 else -1)
            spread = max(float((w * (x - mean) ** 2).sum()) / own, side.pooled)
            n, others = len(x) * side.deflation, (len(side.rows) - len(x)) * side.deflation
            variance += spread / n + spread / others
        z = gap / np.sqrt(variance) if variance > 0 else 0.0
        return gap, z * self.aim.sign if self.aim.sign else z

    def _refined(self, literals: Literals) -> Literals:
        """Each range in turn replaced by the one that stands out most with the other conditions.

        A range with two ends has more to choose from than one with one, so that it pays for its second end.
        """
        sign = int(np.sign(self._alone([side.rows.inside(literals) for side in self.sides])[0])) or 1
        for _ in range(2):
            before = literals
            for turn, (axis, codes) in enumerate(literals):
                size = self.lattice.axes[axis].ordered
                held = np.flatnonzero(np.frombuffer(codes, dtype=bool))
                if size > 2 and held[-1] < size and len(held) < size:
                    others = literals[:turn] + literals[turn + 1 :]
                    first, last = self._range(others, axis, size, sign, (int(held[0]), int(held[-1])))
                    finer = self.lattice.axes[axis].range_of(first, last)
                    literals = (*literals[:turn], (axis, finer), *literals[turn + 1 :])
            if literals == before:
                break
        return literals

    def _range(self, others: Literals, axis: int, size: int, sign: int, now: tuple[int, int]) -> tuple[int, int]:
        first, last = np.triu_indices(size)
        gap, variance, fits = np.zeros(len(first)), np.zeros(len(first)), (last - first) < size - 1
        for number, side in enumerate(self.sides):
            inside = np.flatnonzero(side.rows.inside(others))
            codes, x = side.rows.codes[axis][inside], side.x[inside]
            w = None if side.rows.w is None else side.rows.w[inside]
            value = x if w is None else x * w
            tables = [np.bincount(codes, each, minlength=size)[:size] for each in (None, w, value, value * x)]
            upto = [np.concatenate([[0.0], np.cumsum(table)]) for table in tables]
            n, total, s, q = (each[last + 1] - each[first] for each in upto)
            own, rest = divide(s, total), divide(side.total - s, side.weight - total)
            gap += (own - rest) * (1 if number == len(self.sides) - 1 else -1)
            spread = np.maximum(np.nan_to_num(divide(q, total) - own**2), side.pooled)
            variance += divide(spread, n * side.deflation) + divide(spread, (len(side.rows) - n) * side.deflation)
            fits &= (n >= self.aim.minimum) & (n <= LARGEST_SHARE * len(side.rows))
        z = np.nan_to_num(divide(gap, np.sqrt(variance))) * sign
        ends = (first > 0).astype(int) + (last < size - 1)
        score = np.where(fits & (z > 0), z * z - 2 * np.log(size) * ends, -np.inf)
        best = int(np.argmax(score))
        return (int(first[best]), int(last[best])) if np.isfinite(score[best]) else now

    def _others(
        self, literals: Literals, likeness: np.ndarray, score: np.ndarray
    ) -> tuple[tuple[tuple[Literals, float], ...], tuple[Literals, ...]]:
        """Descriptions of the same rows by other columns, and the strongest of other columns that overlap."""
        own = {axis for axis, _ in literals}
        copies: list[tuple[set[int], Literals, float]] = []
        for axes, place in self.lattice.best_by_set(likeness):
            known = [own, *(each for each, _, _ in copies)]
            if likeness[place] >= COPY and len(axes) < 3 and not any(set(axes) >= each for each in known):
                copies.append((set(axes), self.lattice.literals(place), float(likeness[place])))
        near = np.where(likeness >= NEAR, score, -np.inf)
        strongest = sorted(
            ((near[place], axes, place) for axes, place in self.lattice.best_by_set(near)), key=lambda each: -each[0]
        )
        rivals = [
            self.lattice.literals(place)
            for value, axes, place in strongest[: RIVALS + 1]
            if np.isfinite(value) and set(axes) != own and likeness[place] < COPY
        ]
        top = sorted(copies, key=lambda each: -each[2])[:COPIES]
        return tuple((each[1], each[2]) for each in top), tuple(rivals[:RIVALS])
