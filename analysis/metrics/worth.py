"""Worth: what the decisions at each threshold bring, in the analyst's own currency, with its interval."""

from dataclasses import dataclass
from functools import partial

import numpy as np

from analysis.core.cube import Amounts, Cube
from analysis.core.estimate import Estimates
from analysis.core.roles import BINARY
from analysis.core.value import Values
from analysis.metrics import cuts, replicates
from analysis.metrics.clusters import DEALT
from analysis.metrics.decisions import undefined
from analysis.metrics.definition import Metric
from analysis.metrics.intervals import Ends, divide, mean_variance, plain
from analysis.metrics.operating import from_above, scored

NO_ROWS = "no row has a label, a score and, where it counts, an amount"


@dataclass(frozen=True)
class Moments:
    """By label (0, 1) and code, (G, 2, B): rows, weights, squared weights; sums of w v, w^2 v, (w v)^2 of a worth v."""

    n: np.ndarray
    w: np.ndarray
    w2: np.ndarray
    v: np.ndarray
    wv: np.ndarray
    v2: np.ndarray


def needs(values: Values) -> tuple[str, ...]:
    """What a cube must hold."""
    return ("scores", "amounts") if values.of_amounts else ("scores",)


def _moments(cube: Cube, fixed: np.ndarray, share: np.ndarray) -> Moments:
    """Of the worth fixed + share * amount, given by label: (2,) each."""
    held = scored(cube) if cube.amounts is None else cube.amounts
    n, w, w2 = (getattr(held, name)[:, :2].astype(float) for name in ("n", "w", "w2"))
    f, s = fixed[None, :, None], share[None, :, None]
    if not isinstance(held, Amounts):
        return Moments(n, w, w2, f * w, f * w2, f * f * w2)
    a, wa, a2 = (getattr(held, name)[:, :2] for name in ("a", "wa", "a2"))
    return Moments(n, w, w2, f * w + s * a, f * w2 + s * wa, f * f * w2 + 2 * f * s * wa + s * s * a2)


def _both(cube: Cube, values: Values) -> tuple[Moments, Moments]:
    """(of a positive decision, of a negative one)."""
    tp, fp, fn, tn = zip(values.fixed, values.share, strict=True)
    positive, negative = (np.array([fp, tp]), np.array([tn, fn]))  # by label: negative, positive
    return _moments(cube, positive[:, 0], positive[:, 1]), _moments(cube, negative[:, 0], negative[:, 1])


def per_decision(cube: Cube, places: np.ndarray, values: Values, level: float) -> Estimates:
    """The mean worth of a decision at each place, groups x places, group-major; linearised interval.

    places: (G, T). Rows with a label and a score count, and an amount where the values ask for one. The total over
    these rows is value * weight, see `weight`. The baseline is the better of selecting every row and none.
    """
    positive, negative = _both(cube, values)

    def at(name: str) -> np.ndarray:
        up, down = from_above(getattr(positive, name).sum(axis=1)), from_above(getattr(negative, name).sum(axis=1))
        return up + down[:, :1] - down

    v, wv, v2 = (np.take_along_axis(at(name), places, axis=1).reshape(-1) for name in ("v", "wv", "v2"))
    times = places.shape[1]
    n, w, w2 = (np.repeat(getattr(positive, name).sum(axis=(1, 2)), times) for name in ("n", "w", "w2"))
    value = divide(v, w)
    low, high = plain(value, mean_variance(n, w, v2, wv, w2, value), level)
    method, known = "linearised", _by_replicate(cube, places, values)
    if known is not None:
        moved = known.worth - value.reshape(places.shape)[..., None] * known.weight[:, None]
        held = np.repeat(known.held, times, axis=0)
        low, high = _between_units(value, moved.reshape(-1, moved.shape[2]), known.loose.reshape(-1), held, w, level)
        method = f"linearised, Student's t, {DEALT}"
    ends = at("v")
    either = np.repeat(divide(np.maximum(ends[:, 0], ends[:, -1]), positive.w.sum(axis=(1, 2))), times)
    count = n.astype(np.int64)
    return Estimates(value, low, high, count, method, undefined(value, count, NO_ROWS), either)


@dataclass(frozen=True)
class _Replicates:
    """What decisions at places bring by replicate. worth: (G, T, R); weight, held: (G, R) rows' weight, and whether
    there are any; loose: (G, T) the variance that the cells of replicates hide, see metrics/cuts.py."""

    worth: np.ndarray
    weight: np.ndarray
    held: np.ndarray
    loose: np.ndarray


def _by_replicate(cube: Cube, places: np.ndarray, values: Values) -> _Replicates | None:
    parts = cube.replicates
    if parts is None or parts.histogram is None:
        return None

    def moments() -> tuple[np.ndarray, ...]:
        positive, negative = _both(parts, values)
        rows, weight = (replicates.split(each.sum(axis=(1, 2)), cube) for each in (positive.n, positive.w))
        step, base = (replicates.split(each, cube) for each in (positive.v - negative.v, negative.v.sum(axis=(1, 2))))
        return cuts.from_above(step), base, weight, rows > 0

    step, base, weight, held = cube.once(("worth by replicate", values), moments)
    at = cuts.cuts(cube, places)
    brought = base[:, None] + at.above(step).sum(axis=2).transpose(0, 2, 1)
    return _Replicates(brought, weight, held, at.loose(_steps(cube, values).v2).sum(axis=1))


def _steps(cube: Cube, values: Values) -> Moments:
    """Of what a positive decision brings more than a negative one."""
    tp, fp, fn, tn = zip(values.fixed, values.share, strict=True)
    step = np.array([fp, tp]) - np.array([tn, fn])
    return _moments(cube, step[:, 0], step[:, 1])


def _between_units(
    value: np.ndarray, moved: np.ndarray, loose: np.ndarray, held: np.ndarray, w: np.ndarray, level: float
) -> Ends:
    """Ends of a worth over weight w from what each replicate moves it. moved, held: (N, R); loose: (N,) or a number."""
    units = held.sum(axis=1).astype(float)
    variance = divide(((moved**2).sum(axis=1) + loose) * divide(units, units - 1), w * w)
    return plain(value, variance, level, units - 1)


def gain(cube: Cube, chosen: np.ndarray, single: np.ndarray, values: Values, level: float) -> Estimates:
    """How much more a decision is worth over all groups with the places `chosen` (G,) than with `single` (G,).

    Both decide the same rows, so only those they decide differently count, and Student's quantile goes by how many
    these are; no interval below two of them.
    """
    positive, _ = _both(cube, values)
    codes = np.arange(positive.n.shape[2])
    more = (codes >= chosen[:, None]).astype(float) - (codes >= single[:, None])  # 1: now selected, -1: no longer
    moved = _steps(cube, values)
    total, square = more[:, None, :], np.abs(more)[:, None, :]
    n, w, w2 = (np.array([getattr(positive, name).sum()]) for name in ("n", "w", "w2"))
    value = divide(np.array([(moved.v * total).sum()]), w)
    cross = np.array([(moved.wv * total).sum()])
    variance = mean_variance(n, w, np.array([(moved.v2 * square).sum()]), cross, w2, value)
    low, high = plain(value, variance, level, (positive.n * square).sum() - np.ones(1))
    method, known = "linearised, the same rows", _by_replicate(cube, np.stack([chosen, single], axis=1), values)
    if known is not None:
        gained = (known.worth[:, 0] - known.worth[:, 1]).sum(axis=0) - value[0] * known.weight.sum(axis=0)
        held = np.asarray(known.held.any(axis=0))
        low, high = _between_units(value, gained[None], known.loose.sum(), held[None], w, level)
        method = f"linearised, the same rows, Student's t, {DEALT}"
    count = n.astype(np.int64)
    return Estimates(value, low, high, count, method, undefined(value, count, NO_ROWS))


def weight(cube: Cube) -> np.ndarray:
    """(G,) sum of weights of the rows a value is the mean of."""
    held = scored(cube) if cube.amounts is None else cube.amounts
    return held.w[:, :2].sum(axis=(1, 2)).astype(float)


def _unmeasured(cube: Cube, level: float) -> Estimates:
    raise ValueError("a value is measured with per_decision, which is told what decisions are worth")


def metric(values: Values) -> Metric:
    """Value as a metric, for its title, unit and direction; `per_decision` measures it."""
    return Metric(
        "value",
        "Value a decision",
        tasks=(BINARY,),
        needs=needs(values),
        better="higher",
        low=-np.inf,
        high=np.inf,
        unit="label",
        counts="rows with a label and a score",
        help=f"Mean worth of a decision, 0 where gains and costs balance: {values.sentence()}.",
        source="Elkan 2001",
        estimate=_unmeasured,
        baseline=partial(np.full, fill_value=np.nan),
        baseline_help="the better of selecting every row and selecting none",
    )
