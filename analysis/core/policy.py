"""Policies: saved decision rules. From which score on a row is positive, and what goes to a person instead."""

from dataclasses import dataclass
from typing import Any

from analysis.core import words
from analysis.core.errors import BadRequest

KIND = "policy"


@dataclass(frozen=True)
class Policy:
    """A decision rule of one model version.

    threshold: positive from this score on. band: (low, high) rows that score in [low, high) go to a person; below is
    negative, from high on positive. by, segments: the column whose groups have thresholds of their own, as (group,
    threshold) pairs; `threshold` serves every other group. goal: what it was chosen for. source: the evaluation it was
    made from, as name@version. One of threshold and band is there.
    """

    model: str
    threshold: float | None = None
    band: tuple[float, float] | None = None
    by: str = ""
    segments: tuple[tuple[str | None, float], ...] = ()
    goal: str = ""
    source: str = ""

    def __post_init__(self) -> None:
        if (self.threshold is None) == (self.band is None):
            raise BadRequest("A policy has one threshold or a band of two.")
        if self.band is not None and not self.band[0] < self.band[1]:
            raise BadRequest(
                f"A policy's band runs from a lower to a higher score, not {self.band[0]} to {self.band[1]}."
            )

    @property
    def single(self) -> bool:
        """Whether one threshold decides every row."""
        return self.threshold is not None and not self.segments

    def sentence(self) -> str:
        """The rule in words."""
        if self.band is not None:
            low, high = (words.number(each, "score") for each in self.band)
            rule = f"positive from {high} on, negative below {low}, in between to a person"
        else:
            rule = f"positive from {words.number(self.threshold, 'score')} on"
            if self.segments:
                rule += f", with thresholds of their own for {words.plural(len(self.segments), 'group')} of {self.by}"
        return f"{self.model}: {rule}"

    def to_dict(self) -> dict[str, Any]:
        return {
            "model": self.model,
            "threshold": self.threshold,
            "band": list(self.band) if self.band else None,
            "by": self.by,
            "segments": [[group, threshold] for group, threshold in self.segments],
            "goal": self.goal,
            "source": self.source,
        }

    @staticmethod
    def from_dict(body: dict[str, Any]) -> "Policy":
        band = body.get("band")
        return Policy(
            body["model"],
            body.get("threshold"),
            (float(band[0]), float(band[1])) if band else None,
            body.get("by", ""),
            tuple((group, float(threshold)) for group, threshold in body.get("segments", [])),
            body.get("goal", ""),
            body.get("source", ""),
        )


def named(name: str) -> str:
    """A policy's name, which a link carries in the place of a threshold, so that it must not read as a number."""
    try:
        float(name)
    except ValueError:
        return name
    raise BadRequest(f"A policy cannot be called '{name}': a link could not tell it from a threshold.")
