"""Policies: saved decision rules. From which score on a row is positive, and what goes to a person instead."""

from dataclasses import dataclass
from typing import Any

from analysis.core import cutoffs
from analysis.core.cutoffs import Band, ByGroup, Threshold
from analysis.core.errors import BadRequest

KIND = "policy"


@dataclass(frozen=True)
class Policy:
    """A decision rule made for one model version.

    rule: a threshold, a band, or thresholds by group. goal: what it was chosen for. source: the evaluation it was made
    from, as name@version. A band without width is refused: it is one threshold.
    """

    model: str
    rule: Threshold
    goal: str = ""
    source: str = ""

    def __post_init__(self) -> None:
        if isinstance(self.rule, Band) and self.rule.low == self.rule.high:
            raise BadRequest(f"A policy's band needs two thresholds, not {self.rule.low} twice.")

    def sentence(self) -> str:
        """The rule in words."""
        return f"{self.model}: {cutoffs.sentence(self.rule)}"

    def to_dict(self) -> dict[str, Any]:
        rule = self.rule.to_dict() if isinstance(self.rule, Band | ByGroup) else {"threshold": self.rule}
        return {"model": self.model, **rule, "goal": self.goal, "source": self.source}

    @staticmethod
    def from_dict(body: dict[str, Any]) -> "Policy":
        rule: Threshold
        if body.get("band"):
            rule = Band(*(float(each) for each in body["band"]))
        elif body.get("segments"):
            groups = tuple((group, float(threshold)) for group, threshold in body["segments"])
            rule = ByGroup(float(body["threshold"]), body["by"], groups)
        else:
            rule = float(body["threshold"])
        return Policy(body["model"], rule, body.get("goal", ""), body.get("source", ""))


def named(name: str) -> str:
    """A policy's name, which a link carries in the place of a threshold, so that it must not read as a number."""
    try:
        float(name)
    except ValueError:
        return name
    raise BadRequest(f"A policy cannot be called '{name}': a link could not tell it from a threshold.")
