"""Estimates: a value never travels alone."""

import math
from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True)
class Estimate:
    """One number with its evidence.

    value, low, high: floats; nan where undefined, with the reason. n: the denominator (recall counts positives).
    method: how the interval was made. baseline: what no skill would give, nan where there is none.
    """

    value: float
    low: float
    high: float
    n: int
    method: str
    reason: str | None = None
    baseline: float = math.nan

    @property
    def defined(self) -> bool:
        return not math.isnan(self.value)


@dataclass(frozen=True)
class Estimates:
    """A column of estimates, one a group: arrays of shape (G,).

    reason holds None where the value is defined, else why it is not. bound is the most by which binning can have
    moved each value (0 where exact).
    """

    value: np.ndarray
    low: np.ndarray
    high: np.ndarray
    n: np.ndarray
    method: str
    reason: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=object))
    baseline: np.ndarray = field(default_factory=lambda: np.empty(0))
    bound: np.ndarray = field(default_factory=lambda: np.empty(0))

    def __post_init__(self) -> None:
        groups = len(self.value)
        if len(self.reason) != groups:
            object.__setattr__(self, "reason", np.full(groups, None, dtype=object))
        if len(self.baseline) != groups:
            object.__setattr__(self, "baseline", np.full(groups, np.nan))
        if len(self.bound) != groups:
            object.__setattr__(self, "bound", np.zeros(groups))

    def __len__(self) -> int:
        return len(self.value)

    def __getitem__(self, group: int) -> Estimate:
        return Estimate(
            float(self.value[group]),
            float(self.low[group]),
            float(self.high[group]),
            int(self.n[group]),
            self.method,
            self.reason[group],
            float(self.baseline[group]),
        )
