"""Gates: conditions under which a build must fail, judged number by number."""

import math
from dataclasses import dataclass

from analysis.core.bound import Bound, read_bound

OPS = ("<", "<=", ">", ">=")


@dataclass(frozen=True)
class Gate:
    """Fails where its bound holds, as in `recall < 0.6`. cautious: of the interval's end that is nearer to failing."""

    bound: Bound
    cautious: bool = False

    def __str__(self) -> str:
        return f"{self.bound}{' (cautious)' if self.cautious else ''}"

    def failure(self, value: float | None, low: float | None, high: float | None, reason: str | None) -> str:
        """Why a number fails the gate; "" where it passes. What is undefined fails: nobody knows that it is well.

        >>> Gate(Bound("recall", "<", 0.6), cautious=True).failure(0.63, 0.58, 0.68, None)
        'the low end of its interval, 0.58, is < 0.6'
        """
        limit, op = self.bound.limit, self.bound.op
        if value is None or math.isnan(value):
            return f"it is undefined: {reason or 'no reason is known'}"
        if not self.cautious:
            return f"{value:.6g} is {op} {limit:g}" if self.bound.holds(value) else ""
        end, which = (low, "low") if op in ("<", "<=") else (high, "high")
        if end is None or math.isnan(end):
            return f"it has no interval to be cautious with; its value is {value:.6g}"
        return f"the {which} end of its interval, {end:.6g}, is {op} {limit:g}" if self.bound.holds(end) else ""


def read_gate(text: str, *, cautious: bool = False) -> Gate:
    """A gate as typed."""
    return Gate(read_bound(text, OPS, "a gate"), cautious)
