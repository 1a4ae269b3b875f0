"""What a part of a cube is."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import polars as pl

from analysis.core.registry import Registry
from analysis.engine.groups import Groups
from analysis.engine.statements import Asked, Select

Statements = dict[str, Select | str]
Answers = dict[str, pl.DataFrame]


@dataclass(frozen=True)
class Part:
    """name: the Cube's field it fills.

    statements(asked): what must be run, by a name of the part's own; empty where the query does not need the part. A
    Select can share its scan with the same Select of other groupings; a str is run as it is.
    assemble(answers, asked, groups): the field's value from what those statements returned.
    """

    name: str
    statements: Callable[[Asked], Statements]
    assemble: Callable[[Answers, Asked, Groups], Any]


PARTS: Registry[Part] = Registry("part of a cube")
