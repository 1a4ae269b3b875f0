"""The table a benchmark run ends with: every promise, what was measured, and whether it was kept."""

from collections.abc import Sequence
from dataclasses import dataclass

HEADS = ("name", "ours", "yardstick", "value", "bound", "ok")


@dataclass(frozen=True)
class Line:
    """One promise. ours and yardstick: the absolute figures, in words. value: what is judged, in `unit` (x: a ratio).

    >>> Line("a", "2.0 s", "1.0 s", value=2.0, bound=2.2, unit="x").ok
    True
    """

    name: str
    ours: str
    yardstick: str
    value: float
    bound: float
    unit: str

    @property
    def ok(self) -> bool:
        """Whether the promise was kept; a value that is not a number never keeps one."""
        return self.value <= self.bound

    def cells(self) -> tuple[str, ...]:
        """The line as text, a cell a column."""
        value, bound = (f"{_shown(each)} {self.unit}" for each in (self.value, self.bound))
        return (self.name, self.ours, self.yardstick, value, bound, "yes" if self.ok else "NO")


def _shown(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.2f}"


def table(lines: Sequence[Line]) -> str:
    """The lines under their heads, in columns as wide as their longest cell."""
    rows = [HEADS, *(line.cells() for line in lines)]
    widths = [max(len(row[place]) for row in rows) for place in range(len(HEADS))]
    rows.insert(1, tuple("-" * width for width in widths))
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)
