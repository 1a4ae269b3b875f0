"""Worth: what the decisions at each threshold bring, in the analyst's own currency, with its interval."""

from dataclasses import dataclass
from functools import partial

import numpy as np

from analysis.core.cube import Amounts, Cube
from analysis.core.estimate import Estimates
from analysis.core.roles import BINARY
from analysis.core.value import Values
from analysis.metrics.decisions import undefined
from analysis.metrics.definition import Metric
from analysis.metrics.intervals import divide, mean_variance, plain
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
    ends = at("v")
    either = np.repeat(divide(np.maximum(ends[:, 0], ends[:, -1]), positive.w.sum(axis=(1, 2))), times)
    count = n.astype(np.int64)
    return Estimates(value, low, high, count, "linearised", undefined(value, count, NO_ROWS), either)


def gain(cube: Cube, chosen: np.ndarray, single: np.ndarray, values: Values, level: float) -> Estimates:
    """How much more a decision is worth over all groups with the places `chosen` (G,) than with `single` (G,).

    Both decide the same rows, so only those they decide differently count, and Student's quantile goes by how many
    these are; no interval below two of them.
    """
    positive, _ = _both(cube, values)
    codes = np.arange(positive.n.shape[2])
    more = (codes >= chosen[:, None]).astype(float) - (codes >= single[:, None])  # 1: now selected, -1: no longer
    tp, fp, fn, tn = zip(values.fixed, values.share, strict=True)
    step = np.array([fp, tp]) - np.array([tn, fn])
    moved = _moments(cube, step[:, 0], step[:, 1])
    total, square = more[:, None, :], np.abs(more)[:, None, :]
    n, w, w2 = (np.array([getattr(positive, name).sum()]) for name in ("n", "w", "w2"))
    value = divide(np.array([(moved.v * total).sum()]), w)
    cross = np.array([(moved.wv * total).sum()])
    variance = mean_variance(n, w, np.array([(moved.v2 * square).sum()]), cross, w2, value)
    low, high = plain(value, variance, level, (positive.n * square).sum() - np.ones(1))
    count = n.astype(np.int64)
    return Estimates(value, low, high, count, "linearised, the same rows", undefined(value, count, NO_ROWS))


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
