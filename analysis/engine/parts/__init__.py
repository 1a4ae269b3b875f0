"""Parts: what a cube is made of. A part says which statements a query needs and makes of their answers its field.

A new kind of statistic is a file here: one `PARTS.add(...)`, and the engine, the cache and grouping sets know it.
"""

from analysis.engine.parts import (  # noqa: F401  # noqa: F401
    amounts,
    class_scores,
    counts,
    days,
    histogram,
    orders,
    over,
    own,
    pair,
    rankproducts,
    sums,
    units,
)
from analysis.engine.parts.part import PARTS, Part

__all__ = ["PARTS", "Part"]
