"""How long the background of 18 columns takes: without a filter and with one, none of it kept."""

import time
from pathlib import Path

from analysis.core.expression import parse
from analysis.engine import background
from analysis.engine.duckdb import Engine
from analysis.store import evaluations
from analysis.store.workspace import Workspace
from tests.benchmarks import discover, fresh
from tests.benchmarks.table import Line

SECONDS, TURNS = 0.3, 3


def asked(root: str, expression: str) -> float:
    """In a process of its own: seconds of the quickest of some turns, each without the cubes of those before."""
    workspace = Workspace.open(root)
    opened = Engine(workspace).open(evaluations.find(workspace, discover.NAME))
    where, times = parse(expression) if expression else None, []
    for _ in range(TURNS):
        for cube in Path(root, "cubes").glob("*"):
            cube.unlink()
        began = time.perf_counter()
        background.of(opened, (*discover.TEXTS, *discover.NUMBERS), where=where)
        times.append(time.perf_counter() - began)
    workspace.close()
    return min(times)


def run(rows: int, folder: Path) -> list[Line]:
    """A line without a filter and one with."""
    root, lines = discover.evaluation(rows, folder), []
    for name, expression in (("", ""), (", filtered", "region = 'region 1'")):
        seconds = fresh.call(asked, str(root), expression)
        lines.append(Line(f"background of 18 columns{name}", f"{seconds:.2f} s", "", seconds, SECONDS, "s"))
    return lines
