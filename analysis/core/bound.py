"""Bounds: a metric against a number, as targets and gates write it."""

import re
from dataclasses import dataclass

from analysis.core.errors import BadRequest
from analysis.core.literal import NUMBER

WORDS = {"at least": ">=", "at most": "<=", "below": "<", "above": ">", "under": "<", "over": ">"}
_BOUND = re.compile(
    rf"\s*(?P<metric>[A-Za-z][A-Za-z0-9_]*)\s*(?P<op><=|>=|<|>|{'|'.join(WORDS)})\s*(?P<number>{NUMBER})\s*(?P<per>%?)\s*",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Bound:
    """op: < <= > or >=. limit: in the metric's own unit; 60% is 0.6."""

    metric: str
    op: str
    limit: float

    def __str__(self) -> str:
        return f"{self.metric} {self.op} {self.limit:g}"

    def holds(self, value: float) -> bool:
        """Whether the value keeps to the bound; nan keeps to none."""
        return {
            "<": value < self.limit,
            "<=": value <= self.limit,
            ">": value > self.limit,
            ">=": value >= self.limit,
        }[self.op]


def read_bound(text: str, ops: tuple[str, ...], what: str) -> Bound:
    """A bound as typed; BadRequest shows how `what` (as in "a target") is written.

    >>> read_bound("recall at least 60%", (">=", "<="), "a target")
    Bound(metric='recall', op='>=', limit=0.6)
    """
    found = _BOUND.fullmatch(text)
    op = "" if found is None else WORDS.get(found["op"].lower(), found["op"])
    if found is None or op not in ops:
        raise BadRequest(
            f"{what[0].upper()}{what[1:]} is written METRIC {' or '.join(ops)} NUMBER, as in 'recall {ops[0]} 0.6'; "
            f"'{text[:80]}' is not."
        )
    limit = float(found["number"]) / (100 if found["per"] else 1)
    if limit in (float("inf"), float("-inf")):
        raise BadRequest(f"The number in '{text[:80]}' is too large.")
    return Bound(found["metric"], op, limit)
