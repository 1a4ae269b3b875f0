"""Goals: what a threshold should achieve, as an analyst says it."""

import re
from dataclasses import dataclass

from analysis.core import words
from analysis.core.errors import BadRequest

MAX, BOUND, CAPACITY, EQUAL, BAND, REVIEW = "max", "bound", "capacity", "equal", "band", "review"
NUMBER = r"(?P<number>\d+(?:[.,]\d+)*|\.\d+)\s*(?P<percent>%)?"
FORMS = {
    MAX: re.compile(r"(?:max|maximi[sz]e|best)\s+(?P<metric>[a-z][\w.]*)", re.IGNORECASE),
    BOUND: re.compile(rf"(?P<metric>[a-z]\w*)\s*(?P<sign>>=|<=|≥|≤)\s*{NUMBER}", re.IGNORECASE),
    CAPACITY: re.compile(rf"at\s+most\s+{NUMBER}\s+(?:a|per)\s+day", re.IGNORECASE),
    EQUAL: re.compile(r"equal\s+(?P<metric>[a-z]\w*)\s+by\s+(?P<column>.+)", re.IGNORECASE),
    BAND: re.compile(rf"band\s+{NUMBER}", re.IGNORECASE),
    REVIEW: re.compile(rf"review\s+{NUMBER}", re.IGNORECASE),
}
KNOWN = (
    "'max f1' (or f2, f0.5, mcc, value), 'recall >= 0.8', 'precision >= 70%', 'at most 200 a day', "
    "'equal recall by region', 'band 0.05' or 'review 10%'"
)


@dataclass(frozen=True)
class Goal:
    """What a threshold is chosen for.

    kind: "max" (the best value of a metric), "bound" (a metric at least or at most `number`, by `sign`), "capacity" (at
    most `number` rows selected a day on average), "equal" (a metric alike in every group of `column`), "band" (review
    what scores within `number` of the threshold), "review" (review that share of the rows around it).
    """

    kind: str
    metric: str = ""
    sign: str = ""
    number: float = 0.0
    column: str = ""

    @property
    def text(self) -> str:
        """The goal as it is written; `read_goal` reads it back."""
        said = f"{self.number:.12g}"
        return {
            MAX: f"max {self.metric}",
            BOUND: f"{self.metric} {self.sign} {said}",
            CAPACITY: f"at most {said} a day",
            EQUAL: f"equal {self.metric} by {self.column}",
            BAND: f"band {said}",
            REVIEW: f"review {self.number * 100:.10g}%",
        }[self.kind]

    @property
    def name(self) -> str:
        """What a registry of goals calls it."""
        return self.text


def read_goal(text: str) -> Goal:
    """The goal a text says; BadRequest with the known forms otherwise.

    >>> read_goal("Recall >= 80%").text, read_goal("at most 1,200 per day").number
    ('recall >= 0.8', 1200.0)
    """
    for kind, form in FORMS.items():
        found = form.fullmatch(text.strip())
        if found is not None:
            return _made(kind, found.groupdict(), text)
    raise BadRequest(f"'{text}' is no goal Assay knows. Write {KNOWN}.")


def _made(kind: str, parts: dict[str, str | None], text: str) -> Goal:
    metric, column = (parts.get("metric") or "").lower(), (parts.get("column") or "").strip().strip('"')
    sign = {"≥": ">=", "≤": "<="}.get(parts.get("sign") or "", parts.get("sign") or "")
    number = 0.0
    written = parts.get("number")
    if written is not None:
        plain = re.sub(r",(?=\d{3}(?:\D|$))", "", written)
        if not re.fullmatch(r"\d*\.?\d+", plain):
            raise BadRequest(f"'{written}' in the goal '{text}' is not a number; write it like 0.8 or 1,200.")
        number = float(plain) / (100 if parts.get("percent") else 1)
    if kind == REVIEW and not 0 < number < 1:
        raise BadRequest(f"'{text}' asks to review {words.number(number, 'share')} of the rows; write a share below 1.")
    if kind in (BAND, CAPACITY) and (number <= 0 or parts.get("percent")):
        raise BadRequest(f"The goal '{text}' needs a number above 0, without a per cent sign.")
    return Goal(kind, metric, sign, number, column)
