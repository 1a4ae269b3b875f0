"""What shuffling costs: a metric lost when a feature's values are dealt to other rows, with an interval that knows both
which rows were drawn and how they were dealt.

With k rows and r shuffles, let d(k, r) be by how much row k moves the loss of shuffle r. The loss is a statistic of
pairs, a row and the row whose value it was given, so each row counts twice: as the one that received and as the one
that gave. Summing both for each row and over the shuffles, and taking off what the shuffles put in twice, gives
variance(rows) + variance(dealing) / shuffles (Hoeffding's decomposition of a two-sample U-statistic; Lee 1990, ch. 2).
"""

from dataclasses import dataclass

import numpy as np

from analysis.metrics.intervals import t_value

FLOOR = 0.05
"""Of the dealing's own variance: the least that is taken for the whole, where taking off left nearly nothing."""


@dataclass(frozen=True)
class Loss:
    """value: the mean loss of the shuffles, positive where the metric got worse. error: its standard error, 0 where no
    answer changed, nan where nothing varies though some did. freedom: of Student's t."""

    value: float
    error: float
    freedom: float

    def ends(self, level: float) -> tuple[float, float]:
        reach = self.error * float(t_value(level, np.array(self.freedom)))
        return self.value - reach, self.value + reach

    @property
    def p(self) -> float:
        """Two-sided, that nothing is lost or gained; 1 where no answer changed, nan without a standard error."""
        from scipy.special import stdtr

        if self.error == 0:
            return 1.0
        return float(2 * stdtr(self.freedom, -abs(self.value) / self.error))


def dealt(rows: int, shuffles: int, seed: int) -> np.ndarray:
    """(shuffles, rows) whose value each row is given; more shuffles begin with the same ones."""
    random = np.random.default_rng([seed, rows])
    return np.stack([random.permutation(rows) for _ in range(shuffles)])


def loss(values: np.ndarray, moved: np.ndarray, given: np.ndarray, units: np.ndarray | None, *, same: bool) -> Loss:
    """The mean of the losses of each shuffle, with its standard error.

    values: (R,) the loss of each shuffle. moved: (R, n) by how much each row moves it, as influences: the squares add
    up to a variance. given: (R, n) as of `dealt`. units: (n,) numbers of units that belong together, None where each
    row is one by itself. same: whether no answer changed in any shuffle.
    """
    shuffles = len(moved)
    both = moved.mean(axis=0)
    for place in range(shuffles):
        both[given[place]] += moved[place] / shuffles
    if units is not None:
        both = np.bincount(units, both)
    squares, size = both**2, len(both)
    cells = float((moved**2).sum()) / shuffles
    variance = float(squares.sum()) * size / max(size - 1, 1) - cells / shuffles
    variance = max(variance, FLOOR * cells / shuffles)
    error = 0.0 if same else float(np.sqrt(variance)) if variance > 0 and size > 1 else float("nan")
    return Loss(float(values.mean()), error, _freedom(squares))


def _freedom(squares: np.ndarray) -> float:
    """Of a variance that is a sum of squares: what so variable squares are worth (Satterthwaite 1946), at least 1."""
    total, size = squares.sum(), len(squares)
    spread = (squares**2).sum() - total**2 / max(size, 1)
    return float(max(1.0, min(size - 1.0, 2 * total**2 / spread if spread > 0 else np.inf)))


def change(values: np.ndarray, errors: np.ndarray) -> tuple[float, int]:
    """(p that all of several independent values are the same, degrees of freedom): Cochran's Q (Cochran 1954).

    nan with fewer than two values that have a standard error; 1 where all are 0 for certain.

    >>> round(change(np.array([1.0, 1.0, 4.0]), np.array([1.0, 1.0, 1.0]))[0], 4)
    0.0498
    """
    from scipy.special import chdtrc

    if len(values) > 1 and not values.any() and not errors.any():
        return 1.0, len(values) - 1
    known = np.isfinite(values) & (errors > 0)
    if known.sum() < 2:
        return float("nan"), 0
    weights = 1 / errors[known] ** 2
    mean = (weights * values[known]).sum() / weights.sum()
    freedom = int(known.sum()) - 1
    return float(chdtrc(freedom, (weights * (values[known] - mean) ** 2).sum())), freedom


RISES, FALLS, MIXED = "rises", "falls", "mixed"
ONE_WAY = 0.9


def direction(given: np.ndarray, moved: np.ndarray, bins: int = 10) -> str | None:
    """Whether the answer RISES, FALLS or is MIXED as the value a row is given grows; None where it stays.

    given: (m,) the values; moved: (m,) the answer less the one to the row's own value. Over at most `bins` bins of
    about equally many values the mean answer goes up and down in steps; one way is where nine tenths of it go.
    """
    known = np.isfinite(given) & np.isfinite(moved)
    given, moved = given[known], moved[known]
    if not len(given):
        return None
    edges = np.unique(np.quantile(given, np.arange(1, bins) / bins))
    place = np.searchsorted(edges, given, side="right")
    counts = np.bincount(place)
    means = np.bincount(place, moved)[counts > 0] / counts[counts > 0]
    steps = np.diff(means)
    up, down = steps[steps > 0].sum(), -steps[steps < 0].sum()
    if up + down <= 1e-12:
        return None
    return RISES if up >= ONE_WAY * (up + down) else FALLS if down >= ONE_WAY * (up + down) else MIXED
