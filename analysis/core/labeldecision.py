"""Decisions on doubted labels: an analyst confirms that a label is wrong, or rejects the doubt."""

from dataclasses import asdict, dataclass
from typing import Any

from analysis.core.errors import UnknownName

KIND = "label decision"
CONFIRMED, REJECTED = "confirmed", "rejected"


@dataclass(frozen=True)
class LabelDecision:
    """What was decided of a row's label.

    id: the row's, as a list of doubted labels has it. label: what was recorded; the decision is about this label and
    no other. suggested: what it becomes where the doubt is confirmed. model: the version that raised the doubt.
    """

    id: str
    label: str
    suggested: str
    decision: str
    model: str = ""

    def __post_init__(self) -> None:
        if self.decision not in (CONFIRMED, REJECTED):
            raise UnknownName("decision", self.decision, [CONFIRMED, REJECTED])

    @property
    def key(self) -> tuple[str, str]:
        return self.id, self.label

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @staticmethod
    def from_dict(body: dict[str, Any]) -> "LabelDecision":
        return LabelDecision(**body)
