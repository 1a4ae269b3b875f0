"""Own metrics: what an analyst defines as a metric of their own, before it is measured."""

import re
from dataclasses import asdict, dataclass
from typing import Any

from analysis.core.errors import BadRequest

NAME = re.compile(r"[a-z][a-z0-9_]{0,59}")
BETTER = ("higher", "lower", "none")
UNITS = ("share", "score", "ratio", "label")
FORMULA, EXPRESSION = "formula", "expression"


@dataclass(frozen=True)
class OwnMetric:
    """A metric of one's own.

    kind: "formula" (over metrics) or "expression" (of a row, under sum, avg or count). text: as typed. better:
    "higher", "lower" or "none". unit: as of a Metric; "" where its parts decide. purpose: what it is for.
    """

    name: str
    kind: str
    text: str
    better: str = "higher"
    unit: str = ""
    purpose: str = ""

    @property
    def title(self) -> str:
        return self.name.replace("_", " ").capitalize()

    def body(self) -> dict[str, Any]:
        """What is kept beside the name."""
        kept = asdict(self)
        del kept["name"]
        return kept


def own_metric(
    name: str, *, formula: str = "", expression: str = "", better: str = "higher", unit: str = "", purpose: str = ""
) -> OwnMetric:
    """An own metric as somebody typed it; BadRequest says what is wrong with its name, kind, direction or unit.

    >>> own_metric("balance", formula="0.5 * recall + 0.5 * specificity").title
    'Balance'
    """
    name = name.strip()
    if not NAME.fullmatch(name):
        raise BadRequest(
            f"A metric's name is made of small letters, digits and _, a letter first, at most 60: not '{name[:80]}'."
        )
    if bool(formula.strip()) == bool(expression.strip()):
        raise BadRequest("A metric of your own is either a formula over metrics or an expression of a row; give one.")
    if better not in BETTER:
        raise BadRequest(f"Better is one of {', '.join(BETTER)}, not '{better}'.")
    if unit and unit not in UNITS:
        raise BadRequest(f"The unit is one of {', '.join(UNITS)}, not '{unit}'.")
    kind = FORMULA if formula.strip() else EXPRESSION
    return OwnMetric(name, kind, (formula or expression).strip(), better, unit, purpose.strip())
