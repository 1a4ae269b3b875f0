"""Parts: what a cube is made of. A part says which statements a query needs and makes of their answers its field.

A new kind of statistic is a file here: one `PARTS.add(...)`, and the engine, the cache and grouping sets know it.
"""

from analysis.engine.parts import amounts, class_scores, counts, histogram, orders, own, sums, units  # noqa: F401
from analysis.engine.parts.part import PARTS, Part

__all__ = ["PARTS", "Part"]
