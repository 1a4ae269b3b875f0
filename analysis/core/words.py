"""Words: numbers as an analyst reads them. Rates in per cent, one decimal; scores with three; counts with commas."""

import math
from collections.abc import Sequence

DASH = "—"


def number(value: float | None, unit: str) -> str:
    """A value in its unit: "share", "score", "ratio", or one of a column's own: "label", "latency", "money", "rate".

    >>> number(0.6123, "share"), number(0.81234, "score"), number(1234.5678, "label")
    ('61.2%', '0.812', '1,235')
    """
    if value is None or math.isnan(value):
        return DASH
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    if unit == "share":
        return f"{minus(f'{value * 100:.1f}')}%"
    if unit in ("score", "ratio"):
        return minus(f"{value:.3f}")
    return minus(significant(value))


def significant(value: float) -> str:
    """Four significant digits, with commas, without exponents where a person would not write one."""
    size = abs(value)
    if size == 0:
        return "0"
    if size >= 1e12 or size < 1e-5:
        return f"{value:.3e}"
    decimals = max(0, 3 - math.floor(math.log10(size)))
    return f"{value:,.{decimals}f}"


def plain_number(value: float) -> str:
    """A value of a column: up to four significant digits, whole numbers whole.

    >>> plain_number(0.085), plain_number(12345.0), plain_number(-2.5)
    ('0.085', '12,345', '−2.5')
    """
    return minus(f"{value:,.0f}" if value % 1 == 0 and abs(value) < 1e15 else f"{value:,.4g}")


def minus(text: str) -> str:
    return text.replace("-", "−") if text.lstrip("-").strip("0.,") else text.lstrip("-")


def interval(low: float | None, high: float | None, unit: str) -> str:
    """An interval's ends.

    >>> interval(0.55, 0.67, "share")
    '55.0% – 67.0%'
    """
    if low is None or high is None or math.isnan(low) or math.isnan(high):
        return DASH
    return f"{number(low, unit)} {'to' if low < 0 else '–'} {number(high, unit)}"


def between(low: float | None, high: float | None, unit: str) -> str:
    """An interval inside a sentence."""
    if low is None or high is None or math.isnan(low) or math.isnan(high):
        return "no interval"
    return f"between {number(low, unit)} and {number(high, unit)}"


def delta(value: float | None, unit: str) -> str:
    """A signed difference; of rates in points.

    >>> delta(-0.0173, "share")
    '−1.7 pts'
    """
    if value is None or math.isnan(value):
        return DASH
    if unit == "share":
        text = f"{value * 100:+.1f}"
        return f"{minus(text)} pts"
    text = f"{value:+.3f}" if unit in ("score", "ratio") else ("+" if value > 0 else "") + significant(value)
    return minus(text)


def size(value: float | None, unit: str) -> str:
    """How large a difference is, without a sign.

    >>> size(0.0173, "share"), size(None, "share")
    ('1.7 pts', '—')
    """
    return delta(value, unit).lstrip("+")


def count(value: int) -> str:
    return f"{value:,}"


def p_value(value: float | None) -> str:
    """A p-value: `< 0.001` or three decimals."""
    if value is None or math.isnan(value):
        return DASH
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def listed(items: Sequence[str]) -> str:
    """A list in a sentence.

    >>> listed(["a", "b", "c"])
    'a, b and c'
    """
    return items[0] if len(items) == 1 else ", ".join(items[:-1]) + " and " + items[-1] if items else ""


def inside(title: str) -> str:
    """A title inside a sentence: its first letter small where a word begins with it.

    >>> inside("Log loss"), inside("ROC AUC"), inside("F1")
    ('log loss', 'ROC AUC', 'F1')
    """
    return title[:1].lower() + title[1:] if title[1:2].islower() else title


def plural(value: int, noun: str, many: str = "") -> str:
    """A count with its noun.

    >>> plural(1, "row"), plural(2050, "row")
    ('1 row', '2,050 rows')
    """
    return f"{value:,} {noun if value == 1 else many or noun + 's'}"
