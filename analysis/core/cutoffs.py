"""Cutoffs: how scores become decisions. One threshold, a band whose middle goes to a person, or a threshold a group.

`Threshold` is what every question takes: a number, or one of the rules that a number cannot say. It applies to every
model version that has scores.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from analysis.core import words
from analysis.core.errors import BadRequest


@dataclass(frozen=True)
class Band:
    """Two thresholds: negative below `low`, positive from `high` on, and what scores in [low, high) goes to a person.

    Rows for review have no decision. Metrics of decisions leave them out, of numerator and denominator alike: they
    describe what is decided without a person. Metrics of scores count them. How many there are is said with the rows
    used. BadRequest where low > high or an end is not a number.
    """

    low: float
    high: float

    def __post_init__(self) -> None:
        if not self.low <= self.high:
            raise BadRequest(f"A policy's band runs from a lower to a higher score, not {self.low} to {self.high}.")

    def moved(self, to: Callable[[float], float]) -> "Band":
        """The same rule with its numbers replaced."""
        return Band(to(self.low), to(self.high))

    def sentence(self) -> str:
        """The rule in words."""
        low, high = (words.number(each, "score") for each in (self.low, self.high))
        return f"positive from {high} on, negative below {low}, in between to a person"

    def to_dict(self) -> dict[str, Any]:
        return {"band": [self.low, self.high]}


@dataclass(frozen=True)
class ByGroup:
    """A threshold for each group of a column: (group as text, None for missing; threshold) pairs.

    threshold: serves every group that is not named.
    """

    threshold: float
    column: str
    groups: tuple[tuple[str | None, float], ...]

    def moved(self, to: Callable[[float], float]) -> "ByGroup":
        """The same rule with its numbers replaced."""
        return ByGroup(to(self.threshold), self.column, tuple((group, to(each)) for group, each in self.groups))

    def sentence(self) -> str:
        """The rule in words."""
        many = words.plural(len(self.groups), "group")
        return f"{sentence(self.threshold)}, with thresholds of their own for {many} of {self.column}"

    def to_dict(self) -> dict[str, Any]:
        groups = [[group, threshold] for group, threshold in self.groups]
        return {"threshold": self.threshold, "by": self.column, "segments": groups}


Threshold = float | Band | ByGroup


def moved(rule: Threshold, to: Callable[[float], float]) -> Threshold:
    """The rule with its numbers replaced."""
    return rule.moved(to) if isinstance(rule, Band | ByGroup) else to(rule)


def sentence(rule: Threshold) -> str:
    """A rule in words.

    >>> sentence(Band(0.2, 0.4))
    'positive from 0.400 on, negative below 0.200, in between to a person'
    """
    if isinstance(rule, Band | ByGroup):
        return rule.sentence()
    return f"positive from {words.number(rule, 'score')} on"


def start(rule: Threshold) -> float:
    """The one threshold nearest to a rule: where a row is positive without a person, or in a group not named."""
    if isinstance(rule, Band):
        return rule.high
    return rule.threshold if isinstance(rule, ByGroup) else rule


def snapped(asked: Threshold | None, used: Threshold | None, model: str) -> list[str]:
    """A note where an engine could not part the rows exactly where it was asked to; none where it could.

    >>> snapped(0.5, 0.52, "v1")
    ['The threshold 0.5 lies between two score codes of v1; 0.52 was used.']
    """
    if asked is None or used is None or asked == used:
        return []
    if isinstance(used, Band | ByGroup):
        return [f"Thresholds of the policy lie between two score codes of {model}; used was: {used.sentence()}."]
    return [f"The threshold {asked} lies between two score codes of {model}; {used:.6g} was used."]
