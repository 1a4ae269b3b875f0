"""Confirming: what was picked on some rows, tested on others that had no say in the choice.

Each pick is tested twice: as it stands against all other rows, and after the effects of the picks before it, so that
one which merely overlaps with a true one is not confirmed by it. The larger p counts (Berger 1982: intersection-union).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from analysis.metrics.contrasts import POWER, two_proportions
from analysis.metrics.intervals import divide, mean_variance, mover_difference, t_value, wilson, z_value
from analysis.metrics.lattice import Literals, Rows
from analysis.metrics.picking import Aim, Pick

LEAST_OUTSIDE_Z, RESAMPLES = 2.0, 200
NESTED = 0.9
"""A pick of whose rows so many belong to another is part of that one."""


@dataclass(frozen=True)
class Standing:
    """A segment against all other rows. n: rows; value, rest: the mean of x, of two sides the later less the first.

    share: of all rows, or of all weights; of two sides that of the later.
    """

    n: int
    value: float
    rest: float
    share: float = float("nan")

    @property
    def gap(self) -> float:
        return self.value - self.rest


@dataclass(frozen=True)
class Confirmed:
    """standing: on these rows. low, high: of the gap. p: two-sided, 1 where the gap is on the other side than where it
    was picked. detectable: the smallest true gap a test at 95 % finds with power 0.8. method: of the interval."""

    standing: Standing
    low: float
    high: float
    p: float
    detectable: float
    method: str


@dataclass(frozen=True)
class _Contrast:
    standing: Standing
    variance: float
    freedom: float
    value_variance: float

    def p(self, of: float, variance: float) -> float:
        from scipy.special import stdtr

        if not variance > 0 or not self.freedom > 0:
            return 1.0 if of == 0 or not variance >= 0 else float("nan")
        return float(2 * stdtr(self.freedom, -abs(of) / np.sqrt(variance)))


def standing(sides: Sequence[tuple[Rows, ...]], literals: Literals) -> Standing:
    """Of a candidate over several parts of the rows together (each with one or two sides)."""
    value, rest, n, share = 0.0, 0.0, 0, float("nan")
    for number in range(len(sides[0])):
        sums = np.zeros((2, 2))
        for part in sides:
            rows = part[number]
            held = rows.inside(literals)
            n += int(held.sum())
            for place, mask in enumerate((held, ~held)):
                w = float(mask.sum()) if rows.w is None else float(rows.w[mask].sum())
                x = rows.x[mask] if rows.w is None else rows.x[mask] * rows.w[mask]
                sums[place] += w, float(x.sum())
        sign = 1 if number == len(sides[0]) - 1 else -1
        with np.errstate(invalid="ignore", divide="ignore"):
            value += sign * sums[0, 1] / sums[0, 0]
            rest += sign * sums[1, 1] / sums[1, 0]
            share = float(sums[0, 0] / sums[:, 0].sum())
    return Standing(n, value, rest, share)


def confirmed(
    sides: tuple[Rows, ...], picks: Sequence[tuple[Literals, float]], aim: Aim, level: float
) -> list[Confirmed]:
    """Of picks with the gap they were picked for, in their order. sides: the rows that had no say."""
    plain, adjusted = ([_Side(rows) for rows in sides] for _ in range(2))
    found: list[Confirmed] = []
    for literals, direction in picks:
        held = [np.flatnonzero(rows.inside(literals)) for rows in sides]
        before, after = _contrast(plain, held), _contrast(adjusted, held)
        found.append(_judged(sides, held, before, after if found else None, aim, direction, level))
        if np.isfinite(after.standing.gap):
            adjusted[-1].take(held[-1], after.standing.gap)
    return found


def _judged(
    sides: tuple[Rows, ...],
    held: list[np.ndarray],
    plain: _Contrast,
    after: _Contrast | None,
    aim: Aim,
    direction: float,
    level: float,
) -> Confirmed:
    gap, error = plain.standing.gap, np.sqrt(plain.variance)
    half = float(t_value(level, np.array(plain.freedom))) * error
    low, high, method = gap - half, gap + half, "linearised, Student's t"
    p = plain.p(gap, plain.variance)
    rows = sides[0]
    if rows.unit is not None:
        method += ", clustered by unit"
    elif len(sides) == 1 and rows.w is None and bool(((rows.x == 0) | (rows.x == 1)).all()):
        (low, high), p, method = *_proportions(rows, held[0], level), "Newcombe's hybrid"
    looks, right = [p], direction * gap > 0
    if after is not None:
        looks.append(after.p(after.standing.gap, after.variance))
        right = right and direction * after.standing.gap > 0
    if aim.apart:
        looks.append(plain.p(plain.standing.value, plain.value_variance))
        right = right and (aim.sign or np.sign(direction)) * plain.standing.value > 0
    if not right and not any(np.isnan(looks)):
        looks.append(1.0)
    detectable = (z_value(0.95) + z_value(2 * POWER - 1)) * error
    return Confirmed(plain.standing, float(low), float(high), float(max(looks)), float(detectable), method)


def _proportions(rows: Rows, held: np.ndarray, level: float) -> tuple[tuple[float, float], float]:
    own = float(rows.x[held].sum())
    k, n = np.array([own, float(rows.x.sum()) - own]), np.array([float(len(held)), float(len(rows) - len(held))])
    low, high = wilson(k, n, level)
    share = divide(k, n)
    ends = mover_difference(share[0], (low[0], high[0]), share[1], (low[1], high[1]))
    p = float(two_proportions(k[0], n[0], k[1], n[1]))
    return (float(ends[0]), float(ends[1])), 1.0 if np.isnan(p) and n.min() > 0 else p


class _Side:
    """One side's sums over all rows, and over those of a segment: rows, w, wx, w2, w2 x, w2 x2; by unit w and wx.

    x is centred, so that no sum cancels.
    """

    def __init__(self, rows: Rows) -> None:
        self.rows = rows
        self.centre = float(rows.x.mean()) if len(rows) else 0.0
        self.x = rows.x - self.centre
        self.units = 0 if rows.unit is None or not len(rows) else int(rows.unit.max()) + 1
        everything = slice(None)
        self.all, self.all_by_unit = self.sums(everything), self.by_unit(everything)

    def sums(self, held: Any) -> np.ndarray:
        x, n = self.x[held], len(self.x[held])
        if self.rows.w is None:
            return np.array([n, n, x.sum(), n, x.sum(), (x * x).sum()], dtype=float)
        w = self.rows.w[held]
        v = w * w
        return np.array([n, w.sum(), (w * x).sum(), v.sum(), (v * x).sum(), (v * x * x).sum()], dtype=float)

    def by_unit(self, held: Any) -> np.ndarray:
        if self.rows.unit is None:
            return np.zeros((2, 0))
        unit, x = self.rows.unit[held], self.x[held]
        w = np.ones(len(x)) if self.rows.w is None else self.rows.w[held]
        return np.array([np.bincount(unit, each, minlength=self.units) for each in (w, w * x)])

    def take(self, held: np.ndarray, gap: float) -> None:
        """Take the effect of a segment off its rows."""
        sums, by_unit = self.sums(held), self.by_unit(held)
        self.x[held] -= gap
        self.all += self.sums(held) - sums
        self.all_by_unit += self.by_unit(held) - by_unit


def _contrast(sides: Sequence[_Side], held: Sequence[np.ndarray]) -> _Contrast:
    """The gap with its linearised variance: between units where rows have one, else between rows."""
    value = rest = variance = own_variance = small = 0.0
    n, width = 0, max(side.units for side in sides)
    influence, seen = np.zeros((2, width)), np.zeros((2, width))
    for number, (side, inside) in enumerate(zip(sides, held, strict=True)):
        sign = 1.0 if number == len(sides) - 1 else -1.0
        sums, by_unit = side.sums(inside), side.by_unit(inside)
        n += len(inside)
        means = []
        for place, (each, units) in enumerate(((sums, by_unit), (side.all - sums, side.all_by_unit - by_unit))):
            count, w, wx, w2, w2x, w2x2 = each
            if count < 1 or not w > 0:
                return _Contrast(Standing(n, np.nan, np.nan), np.nan, np.nan, np.nan)
            mean = wx / w
            means.append(mean + side.centre)
            piece = float(mean_variance(*(np.array(part) for part in (count, w, w2x2, w2x, w2, mean))))
            variance += piece
            own_variance += piece if place == 0 else 0.0
            freedom = w * w / w2 - 1
            small += piece * piece / freedom if freedom > 0 else 0.0
            if width:
                influence[place, : side.units] += sign * (1 - 2 * place) * (units[1] - mean * units[0]) / w
                seen[place, : side.units] += units[0]
        value, rest = value + sign * means[0], rest + sign * means[1]
    standing = Standing(n, value, rest)
    if not width:
        return _Contrast(standing, variance, variance**2 / small if small > 0 else np.nan, own_variance)
    own, other, together = (int((each > 0).sum()) for each in (*seen, seen.sum(axis=0)))
    if min(own, other) < 2:
        return _Contrast(standing, np.nan, np.nan, np.nan)
    both = influence.sum(axis=0)
    return _Contrast(
        standing,
        float((both * both).sum()) * together / (together - 1),
        min(own, other) - 1,
        float((influence[0] ** 2).sum()) * own / (own - 1),
    )


def vanishes_outside(sides: tuple[Rows, ...], parent: Sequence[np.ndarray], children: Sequence[np.ndarray]) -> bool:
    """Whether a pick's gap vanishes once the rows of picks inside it are left out; so it is only their shadow.

    parent, children: (n,) of each side whether a row is in the pick, and in any pick inside it.
    """
    whole = _contrast([_Side(rows) for rows in sides], [np.flatnonzero(mask) for mask in parent])
    left = [_Side(rows.where(~out)) for rows, out in zip(sides, children, strict=True)]
    outside = _contrast(left, [np.flatnonzero(mask[~out]) for mask, out in zip(parent, children, strict=True)])
    if not np.isfinite(outside.standing.gap) or not outside.variance > 0:
        return True
    strength = outside.standing.gap * np.sign(whole.standing.gap) / np.sqrt(outside.variance)
    return bool(strength < LEAST_OUTSIDE_Z)


def part_of(child: Sequence[np.ndarray], parent: Sequence[np.ndarray]) -> bool:
    """Whether the rows of one pick are nearly all among the rows of another, which has more."""
    both = sum(int((own & other).sum()) for own, other in zip(child, parent, strict=True))
    own, other = (sum(int(mask.sum()) for mask in each) for each in (child, parent))
    return own < NESTED * other and both >= NESTED * own


def stability(
    sides: tuple[Rows, ...], pick: Pick, aim: Aim, price: Sequence[float], *, blocks: int, seed: int
) -> float:
    """The share of 200 resamples of the rows' blocks in which a pick would be chosen over every rival of its.

    sides: the rows that choose, after the effects of the picks before it. price: of so many conditions, as picks pay.
    """
    random = np.random.default_rng(seed)
    drawn = random.multinomial(blocks, np.full(blocks, 1 / blocks), size=RESAMPLES).astype(float)
    scores = []
    weighed = [[w, w * rows.x, w * rows.x**2] for rows in sides for w in [_weights(rows)]]
    totals = [
        [np.bincount(_blocks(rows), each, minlength=blocks) for each in own]
        for rows, own in zip(sides, weighed, strict=True)
    ]
    for each in (pick.literals, *pick.rivals):
        gap, variance = np.zeros(RESAMPLES), np.zeros(RESAMPLES)
        for number, (rows, own, total) in enumerate(zip(sides, weighed, totals, strict=True)):
            held = np.flatnonzero(rows.inside(each))
            block = _blocks(rows)[held]
            inside = [np.bincount(block, part[held], minlength=blocks) for part in own]
            outside = [every - part for every, part in zip(total, inside, strict=True)]
            sign = 1.0 if number == len(sides) - 1 else -1.0
            for of, (weight, x, square) in ((1.0, inside), (-1.0, outside)):
                count = drawn @ weight
                mean = divide(drawn @ x, count)
                gap += sign * of * mean
                variance += divide(divide(drawn @ square, count) - mean**2, count)
        z = np.nan_to_num(divide(gap, np.sqrt(variance)))
        z = np.maximum(z * aim.sign, 0.0) if aim.sign else z
        scores.append(np.where(z == 0, -np.inf, z * z - price[len(each)]))
    return float(((scores[0] >= np.max(scores, axis=0)) & np.isfinite(scores[0])).mean())


def _weights(rows: Rows) -> np.ndarray:
    return np.ones(len(rows)) if rows.w is None else rows.w


def _blocks(rows: Rows) -> np.ndarray:
    assert rows.block is not None  # noqa: S101 - the rows that choose have blocks
    return rows.block
