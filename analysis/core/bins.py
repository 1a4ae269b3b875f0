"""Bins: round edges for a quantity, and what a bin is called. k edges make k + 1 bins, the first and last open.

Bin i is [edges[i - 1], edges[i]): a value on an edge belongs to the bin above it.
"""

import math
from collections.abc import Sequence
from decimal import Decimal

from analysis.core.words import minus

STEPS = (Decimal(1), Decimal(2), Decimal("2.5"), Decimal(5), Decimal(10))


def round_edges(low: float, high: float, most: int) -> tuple[float, ...]:
    """The multiples of a round width (1, 2, 2.5 or 5 times a power of ten) that cut [low, high] into at most `most`
    bins, the open ones included; none where low is not below high.

    >>> round_edges(0.02, 0.98, 6)
    (0.2, 0.4, 0.6, 0.8)
    """
    if not low < high or most < 2 or not math.isfinite(high - low):
        return ()
    first, last = Decimal(repr(float(low))), Decimal(repr(float(high)))
    rough = (last - first) / most
    scale = Decimal(1).scaleb(rough.adjusted())
    for step in (*STEPS, Decimal(20)):
        width = step * scale
        start, end = math.floor(first / width) + 1, math.ceil(last / width) - 1
        if width >= rough and end - start + 2 <= most:
            return tuple(float(width * place) for place in range(start, end + 1))
    raise ValueError(f"no round width cuts {low} to {high} into {most} bins")


def called(edges: Sequence[float], place: int) -> str:
    """A bin in words.

    >>> [called((0.5, 1), place) for place in range(3)]
    ['below 0.5', '0.5 to 1', '1 and above']
    """
    texts = [minus(f"{edge:,.10g}") for edge in edges]
    if not texts:
        return "all"
    if place == 0:
        return f"below {texts[0]}"
    return f"{texts[-1]} and above" if place == len(texts) else f"{texts[place - 1]} to {texts[place]}"


def ends(edges: Sequence[float], place: int) -> tuple[float | None, float | None]:
    """(first value of the bin, first value after it); None where it is open."""
    return (edges[place - 1] if place else None), (edges[place] if place < len(edges) else None)


def drawn(edges: Sequence[float], place: int) -> tuple[float, float]:
    """Where a bin is drawn: an open one as wide as its neighbour."""
    width = edges[1] - edges[0] if len(edges) > 1 else 1.0
    low, high = ends(edges, place)
    if low is None and high is None:
        return 0.0, 1.0
    return (low if low is not None else float(high or 0) - width), (
        high if high is not None else float(low or 0) + width
    )
