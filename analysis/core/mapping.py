"""Mappings: how a score is turned into a calibrated probability. A value: arrays, SQL and a dict say the same.

A mapping never falls, so it keeps the order of the rows (isotonic may tie neighbours).
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from analysis.core.errors import BadRequest, UnknownName

PLATT, ISOTONIC, BETA = "platt", "isotonic", "beta"
METHODS = (PLATT, ISOTONIC, BETA)
MARGIN = 1e-6
"""Scores nearer to 0 or 1 than this are taken as this far away before a logarithm, so that it is finite."""
NEEDED = {PLATT: ("intercept", "slope"), BETA: ("intercept", "rise", "fall"), ISOTONIC: ()}


@dataclass(frozen=True)
class Mapping:
    """method: "platt", 1 / (1 + exp(-(intercept + slope * x))), where x is the score's log odds, or the score itself
    where it is no probability (raw); "beta", the same of intercept + rise * ln(s) - fall * ln(1 - s); "isotonic",
    straight lines between knots (score, probability), level beyond the first and the last.

    model: the version whose scores it takes.
    """

    method: str
    parameters: tuple[tuple[str, float], ...] = ()
    knots: tuple[tuple[float, float], ...] = ()
    raw: bool = False
    model: str = ""

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise UnknownName("calibration method", self.method, METHODS)
        given = dict(self.parameters)
        if tuple(given) != NEEDED[self.method] or (self.method == ISOTONIC) != bool(self.knots):
            raise BadRequest(f"A mapping by {self.method} needs {', '.join(NEEDED[self.method]) or 'knots'}.")
        numbers = [*given.values(), *(each for knot in self.knots for each in knot)]
        if not all(math.isfinite(each) for each in numbers):
            raise BadRequest("A mapping is made of finite numbers.")
        x, y = self._knots()
        if any(given.get(name, 0.0) < 0 for name in ("slope", "rise", "fall")) or np.any(np.diff(y) < 0):
            raise BadRequest("A mapping must not fall anywhere: it would turn the order of the rows round.")
        if np.any(np.diff(x) <= 0) or np.any((y < 0) | (y > 1)):
            raise BadRequest("The knots of a mapping have rising scores and probabilities from 0 to 1.")

    def _knots(self) -> tuple[np.ndarray, np.ndarray]:
        return np.array([knot[0] for knot in self.knots]), np.array([knot[1] for knot in self.knots])

    def apply(self, score: np.ndarray) -> np.ndarray:
        """The probability of each score, 0 to 1; nan where the score is nan.

        >>> Mapping("platt", (("intercept", 0.0), ("slope", 1.0))).apply(np.array([0.25, 0.5])).round(3).tolist()
        [0.25, 0.5]
        """
        score = np.asarray(score, dtype=float)
        if self.method == ISOTONIC:
            return np.where(np.isnan(score), np.nan, np.interp(score, *self._knots()))
        given, s = dict(self.parameters), np.clip(score, MARGIN, 1 - MARGIN)
        if self.method == BETA:
            line = given["intercept"] + given["rise"] * np.log(s) - given["fall"] * np.log(1 - s)
        else:
            x = score if self.raw else np.log(s) - np.log(1 - s)
            line = given["intercept"] + given["slope"] * x
        with np.errstate(over="ignore"):
            return 1 / (1 + np.exp(-line))

    def sql(self, score: str) -> str:
        """The same as SQL over the expression `score`, a DOUBLE; NULL where that is NULL."""
        if self.method == ISOTONIC:
            return f"CASE WHEN {score} IS NULL THEN NULL ELSE {self._pieces(score, 0, len(self.knots))} END"
        given = {name: literal(value) for name, value in self.parameters}
        s = f"least(greatest({score}, {literal(MARGIN)}), {literal(1 - MARGIN)})"
        if self.method == BETA:
            line = f"{given['intercept']} + {given['rise']} * ln({s}) - {given['fall']} * ln(1 - {s})"
        else:
            x = score if self.raw else f"(ln({s}) - ln(1 - {s}))"
            line = f"{given['intercept']} + {given['slope']} * {x}"
        return f"CASE WHEN {score} IS NOT NULL THEN 1 / (1 + exp(-({line}))) END"

    def _pieces(self, score: str, first: int, last: int) -> str:
        """The line through the knots first..last-1, found by halving, so that many knots stay quick."""
        if last - first > 2:
            middle = (first + last) // 2
            below, above = self._pieces(score, first, middle + 1), self._pieces(score, middle, last)
            return f"CASE WHEN {score} < {literal(self.knots[middle][0])} THEN {below} ELSE {above} END"
        (x0, y0), (x1, y1) = self.knots[first], self.knots[last - 1]
        if x0 == x1 or y0 == y1:
            return literal(y0)
        held = f"least(greatest({score}, {literal(x0)}), {literal(x1)})"
        return f"({literal(y0)} + ({held} - {literal(x0)}) * {literal((y1 - y0) / (x1 - x0))})"

    def to_dict(self) -> dict[str, Any]:
        """JSON-able, and read back by `from_dict`."""
        return {
            "method": self.method,
            "model": self.model,
            "raw": self.raw,
            "parameters": dict(self.parameters),
            "knots": [list(knot) for knot in self.knots],
        }

    @staticmethod
    def from_dict(data: dict[str, Any]) -> "Mapping":
        """The mapping a dict describes; BadRequest where it describes none."""
        try:
            return Mapping(
                str(data["method"]),
                tuple((str(name), float(value)) for name, value in data.get("parameters", {}).items()),
                tuple((float(x), float(y)) for x, y in data.get("knots", ())),
                bool(data.get("raw", False)),
                str(data.get("model", "")),
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise BadRequest(f"This is no mapping of a score: {error}.") from error


def literal(value: float) -> str:
    """A number as a DOUBLE literal that loses nothing; without an exponent it would be a DECIMAL."""
    return f"({value:.17e})" if value < 0 else f"{value:.17e}"
