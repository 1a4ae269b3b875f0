"""Phrases: the conditions on one column an editor offers, and the segment each one makes.

What depends on the data (the most frequent values, a range of quantile bins) becomes the values it stands for today, so
that the segment says the same of every evaluation.
"""

from collections.abc import Sequence

from analysis.core.errors import BadRequest
from analysis.core.evaluation import EvalColumn
from analysis.core.literal import Value, family, fit
from analysis.core.pattern import check_pattern
from analysis.core.segment import And, Between, Compare, Contains, Matches, Missing, Not, OneOf, Segment, every

ONE, NONE, TOP, OTHER = "is one of", "is none of", "is among the most frequent", "is another value"
CONTAINS, MATCHES = "contains", "matches the pattern"
BETWEEN, BINS = "is between", "is in a range of quantile bins"
LEAST, LESS, MOST, MORE = "is at least", "is less than", "is at most", "is more than"
MISSING, KNOWN = "is missing", "is not missing"
SIGNS = {LEAST: ">=", LESS: "<", MOST: "<=", MORE: ">"}
LISTS, FREQUENT, TEXTS, SINGLE = (ONE, NONE), (TOP, OTHER), (CONTAINS, MATCHES), tuple(SIGNS)
"""Which phrases take what: values, how many of the most frequent ones, a text, one value."""


def phrases(column: EvalColumn) -> list[str]:
    """The phrases that make sense of a column, the usual one first."""
    kind = family(column.type)
    if kind == "boolean":
        return [ONE, MISSING, KNOWN]
    if kind == "text":
        return [*LISTS, *FREQUENT, *TEXTS, MISSING, KNOWN]
    ranges = [BETWEEN, *SINGLE, *([BINS] if len(column.edges) > 2 else [])]
    few = column.encoding == "values"
    return [*(LISTS if few else []), *ranges, *([] if few else LISTS), *(FREQUENT if few else []), MISSING, KNOWN]


def phrased(column: EvalColumn, phrase: str, values: Sequence[Value] = ()) -> Segment:
    """The segment of a phrase. values: as the phrase takes them; for BINS the first and the last bin, from 0.

    Those of TOP and OTHER are the most frequent values themselves. BadRequest where one is lacking or does not fit.
    """
    name = column.name
    if phrase == MISSING:
        return Missing(name)
    if phrase == KNOWN:
        return Not(Missing(name))
    if not values or any(value is None or value == "" for value in values):
        raise BadRequest(f"Say a value for '{name}'.")
    if phrase == BINS:
        return _bins(column, int(str(values[0])), int(str(values[-1])))
    if phrase == MATCHES:
        check_pattern(str(values[0]))
    if phrase in TEXTS:
        return (Contains if phrase == CONTAINS else Matches)(name, str(values[0]))
    held = tuple(fit(value, column.type, column=name) for value in values)
    if phrase in SIGNS:
        return Compare(name, SIGNS[phrase], held[0])
    if phrase == BETWEEN:
        if len(held) != 2:
            raise BadRequest(f"A range of '{name}' needs its two ends.")
        return Between(name, *held)
    listed = Compare(name, "=", held[0]) if len(held) == 1 else OneOf(name, held)
    if phrase in (ONE, TOP):
        return listed
    return And((Not(listed), Not(Missing(name)))) if phrase == OTHER else Not(listed)


def _bins(column: EvalColumn, first: int, last: int) -> Segment:
    """From the first to the last of a column's quantile bins; open where there is no further bin."""
    count = len(column.edges) - 1
    if not 0 <= first <= last < count:
        raise BadRequest(f"'{column.name}' has {count} bins; choose a first and a last one of them.")

    def edge(place: int) -> Value:
        return fit(column.edges[place], column.type, column=column.name)

    parts: list[Segment] = []
    if first > 0:
        parts.append(Compare(column.name, ">=", edge(first)))
    if last < count - 1:
        parts.append(Compare(column.name, "<", edge(last + 1)))
    return every(parts) if parts else Not(Missing(column.name))
