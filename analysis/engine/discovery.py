"""Discovery: the weak spots of one model version. Searched on one half of the rows, tested on the other."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from analysis.core.errors import BadRequest, Interrupted
from analysis.core.segment import Segment, every
from analysis.engine.coded import BLOCKS, TELLING_AUC, Coded, Scope, coded, facets, searchable
from analysis.engine.query import OpenEvaluation
from analysis.metrics import confirming, joining
from analysis.metrics.confirming import Confirmed, Standing
from analysis.metrics.contrasts import POWER
from analysis.metrics.intervals import z_value
from analysis.metrics.lattice import Lattice, Literals
from analysis.metrics.picking import LOWEST_Z, Aim, Pick, Searched, picked, prices

MOST_PICKS = 25
LEAST_ROWS, LEAST_SHARE = 60, 0.005
LIKELY = 0.05
"""How a pick lies to others is worked out where its p before correction is no larger, which each confirmed one's is."""

Progress = Callable[[float, str], None]
Answer = Callable[[], bool]


@dataclass(frozen=True)
class Options:
    """depth: conditions a segment may have, 1 to 3. minimum: its fewest rows, None for a two-hundredth of them and at
    least 60. budget: candidates to search, in their fixed order. late: whether the time is up."""

    depth: int = 2
    minimum: int | None = None
    columns: tuple[str, ...] = ()
    budget: int = 5_000_000
    level: float = 0.95
    progress: Progress = lambda share, doing: None
    cancelled: Answer = lambda: False
    late: Answer = lambda: False


@dataclass(frozen=True)
class Spot:
    """A pick with what both halves say. standing: over all rows. copies: other descriptions of the same rows, with
    their Jaccard index. parents: segments it is part of and whose gap vanishes outside of it. stability: the share of
    resamples in which it beats every rival description. child: it is part of another spot, by its place. members: of
    one that names several values of a text, the places of those that name one each (metrics/joining.py)."""

    segment: Segment
    pick: Pick
    standing: Standing
    confirmed: Confirmed
    copies: tuple[tuple[Segment, float], ...]
    inside: tuple[int, ...]
    vanishes: bool
    members: tuple[int, ...] = ()


@dataclass(frozen=True)
class Spots:
    """spots: in the order of evidence on the half that chose them. offered, searched, eligible: candidates, those
    counted, and those large enough. left: {column: why it was not searched}. by_column: (column, levels, z of its best
    level alone). minimum: rows a segment had to have. rows: those searched."""

    spots: tuple[Spot, ...]
    offered: int
    searched: int
    eligible: int
    left: Mapping[str, str]
    by_column: tuple[tuple[str, int, float], ...]
    minimum: int
    rows: int
    sql: str
    _coded: Coded = field(repr=False)
    _aim: Aim = field(repr=False)
    prices: Sequence[float] = field(repr=False)
    _picks: Sequence[Pick] = field(repr=False)

    def smallest(self, share: float, conditions: int) -> float:
        """The smallest gap with which a segment of this share and so many conditions is found in about four of five
        searches: it outweighs its price on the half that chooses (see metrics/picking.py). nan where nothing varies.
        """
        rows = self._coded.finding[-1]
        size = len(rows) * share
        spread = float(np.std(rows.x)) * np.sqrt(1 / size + 1 / (len(rows) - size))
        needed = max(np.sqrt(self.prices[conditions]), LOWEST_Z) + z_value(2 * POWER - 1)
        return float(needed * spread) if spread > 0 else float("nan")

    def stability(self, wanted: Sequence[int], seed: int) -> dict[int, float]:
        """{place: share} of the spots that are shown: of resamples in which each is chosen over its rivals; of one with
        several values that of the value it is least for."""
        rows, found = self._coded.finding, {}
        alone = {each for place in wanted for each in (self.spots[place].members or (place,))}
        places = {id(self.spots[place].pick): place for place in alone}
        for pick in self._picks:
            place = places.get(id(pick))
            if place is not None:
                found[place] = confirming.stability(rows, pick, self._aim, self.prices, blocks=BLOCKS, seed=seed)
            x = rows[-1].x - pick.gap * rows[-1].inside(pick.literals)
            rows = (*rows[:-1], rows[-1].with_x(x))
        return {place: min(found[each] for each in (self.spots[place].members or (place,))) for place in wanted}


def spots(opened: OpenEvaluation, asked: Scope, options: Options) -> Spots:
    """Search and test. Interrupted where it was cancelled; BadRequest where nothing can be searched."""
    if not 1 <= options.depth <= 3:
        raise BadRequest(f"A segment has 1 to 3 conditions, not {options.depth}.")
    options.progress(0.02, "Looking at the columns")
    columns, left = searchable(opened.facts, options.columns)
    found, more = facets(opened, asked, columns)
    _stop(options)
    options.progress(0.1, "Reading the rows")
    rows = coded(opened, asked, found)
    left |= more
    if not options.columns:
        telling = {each.column: rows.tells(place) for place, each in enumerate(rows.facets)}
        telling = {name: auc for name, auc in telling.items() if auc >= TELLING_AUC}
        left |= {
            name: f"it tells the outcome (AUC {auc:.3f}); name it among the columns to search it"
            for name, auc in telling.items()
        }
        rows = rows.without(list(telling))
    if not rows.facets:
        raise BadRequest("There is no column to search: each has a role of its own, one value only, or too many.")
    _stop(options)
    minimum = options.minimum or max(LEAST_ROWS, int(np.ceil(rows.n * LEAST_SHARE)))
    objective = asked.objective
    apart = asked.theirs is not None or asked.reference is not None
    aim = Aim(objective.sign, apart, int(np.ceil(minimum / 2)))
    lattice = Lattice([each.axis for each in rows.facets], options.depth, options.budget)

    def done(share: float) -> bool:
        options.progress(0.3 + 0.4 * share, f"Searching {lattice.total:,} segments")
        return options.late()

    result = picked(rows.finding, lattice, aim, most=MOST_PICKS, done=done, cancelled=options.cancelled)
    options.progress(0.8, "Testing what was found on the other half")
    made = _tested(rows, result, aim, minimum, options)
    alone = {axes[0]: z for axes, z in result.best if len(axes) == 1}
    by_column = tuple(
        (each.column, len(each.axis.levels), alone.get(place, float("nan"))) for place, each in enumerate(rows.facets)
    )
    return Spots(
        made,
        lattice.offered,
        int(result.counted.sum()),
        result.eligible,
        left,
        by_column,
        minimum,
        rows.n,
        rows.sql,
        rows,
        aim,
        prices(lattice),
        result.picks,
    )


def _tested(rows: Coded, result: Searched, aim: Aim, minimum: int, options: Options) -> tuple[Spot, ...]:
    halves = [rows.finding, rows.confirming]
    known = [(pick, confirming.standing(halves, pick.literals)) for pick in result.picks]
    _stop(options)
    tests = confirming.confirmed(rows.confirming, [(pick.literals, pick.gap) for pick, _ in known], aim, options.level)
    weak = [place for place, (pick, standing) in enumerate(known) if pick.weak and standing.n >= minimum]
    known, tests = [known[place] for place in weak], [tests[place] for place in weak]
    likely = [place for place, test in enumerate(tests) if test.p <= LIKELY]
    masks = {place: [rows_.inside(known[place][0].literals) for rows_ in rows.finding] for place in likely}
    made = []
    for place, ((pick, standing), test) in enumerate(zip(known, tests, strict=True)):
        _stop(options)
        parents: tuple[int, ...] = ()
        vanishes = False
        if place in masks:
            others = [at for at in likely if at != place]
            parents = tuple(at for at in others if confirming.part_of(masks[place], masks[at]))
            children = [at for at in others if confirming.part_of(masks[at], masks[place])]
            inside = [np.logical_or.reduce([masks[at][side] for at in children]) for side in range(len(rows.finding))]
            vanishes = bool(children) and confirming.vanishes_outside(rows.finding, masks[place], inside)
        copies = tuple((_said(rows, each), likeness) for each, likeness in pick.copies)
        made.append(Spot(_said(rows, pick.literals), pick, standing, test, copies, parents, vanishes))
    return (*made, *_joined(rows, made, aim, options))


def _joined(rows: Coded, spots: list[Spot], aim: Aim, options: Options) -> list[Spot]:
    """Spots that differ in one value of a text, as one. Those whose gap is that of a spot inside them stay alone."""
    picks, tests = [spot.pick for spot in spots], [spot.confirmed for spot in spots]
    axes, lacking = [each.axis for each in rows.facets], [each.missing for each in rows.facets]
    halves, made = [rows.finding, rows.confirming], []
    for join in joining.joins(picks, axes, lacking):
        if joining.fits(rows.finding, join) and not any(spots[place].vanishes for place in join.members):
            test = joining.tested(rows.confirming, join, tests, aim, options.level)
            standing = confirming.standing(halves, join.pick.literals)
            said = _said(rows, join.pick.literals)
            made.append(Spot(said, join.pick, standing, test, (), (), False, join.members))
    return made


def _said(rows: Coded, literals: Literals) -> Segment:
    """A candidate as a segment, the condition of the first column first."""
    return every([rows.facets[axis].segment(codes) for axis, codes in literals])


def _stop(options: Options) -> None:
    if options.cancelled():
        raise Interrupted("Cancelled.")
