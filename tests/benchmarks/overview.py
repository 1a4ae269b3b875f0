"""How long the overview of a large evaluation takes, first and again, from a warm file and from a cold one."""

import statistics
import time
from pathlib import Path
from typing import Any

import duckdb

from analysis.engine.duckdb import Engine
from analysis.questions import overview
from analysis.store import evaluations
from analysis.store.workspace import Workspace
from tests.benchmarks import build, fresh
from tests.benchmarks.table import Line

FIRST_S, AGAIN_MS = 3.0, 150.0
TURNS = 2
REPEATS = 5
PLAIN = (
    "select date_trunc('week', c2), c1, c4, count(*), sum(ln(abs(1 - c1 - c3) + 1e-15)), sum((c1 - c3) ** 2) "
    "from data group by all",
    "select date_trunc('week', c2), c1, c6, count(*), sum(ln(abs(1 - c1 - c5) + 1e-15)), sum((c1 - c5) ** 2) "
    "from data group by all",
    "select c3, c1, count(*) from data group by all",
    "select c5, c1, count(*) from data group by all",
)


def ask(root: str, name: str) -> dict[str, Any]:
    """In a process of its own: seconds of the first answer, ms of the next ones (their median), MB read from disk."""
    workspace = Workspace.open(root)
    facts = evaluations.find(workspace, name)
    before = fresh.bytes_read()
    began = time.perf_counter()
    opened = Engine(workspace).open(facts)
    result = overview(opened)
    first = time.perf_counter() - began
    fetched = (fresh.bytes_read() - before) / 1e6
    if result.receipt.cached or result.frame["value"].null_count() == len(result.frame):
        raise RuntimeError("The overview did not count anything.")
    again = []
    for _ in range(REPEATS):
        began = time.perf_counter()
        repeated = overview(opened)
        again.append(time.perf_counter() - began)
    workspace.close()
    if not repeated.frame.equals(result.frame):
        raise RuntimeError("The repeated overview gave other figures.")
    return {"first": first, "again": statistics.median(again) * 1000, "fetched": fetched}


def plain(source: str) -> float:
    """In a process of its own: seconds of bare SQL over the dataset for the same counts, sums and score histograms."""
    began = time.perf_counter()
    with duckdb.connect(source, read_only=True) as con:
        for statement in PLAIN:
            con.sql(statement).fetchall()
    return time.perf_counter() - began


def run(rows: int, folder: Path) -> list[Line]:
    """First and repeated, warm and cold: four lines, each the better of two turns."""
    root, name = build.evaluation(rows, folder)
    source = next((root / "datasets").glob("*.duckdb"))
    file = max((root / "evaluations").glob("*.duckdb"), key=lambda each: each.stat().st_size)
    fresh.warm(source)
    yardstick = f"plain SQL, warm, {fresh.call(plain, str(source)):.2f} s"
    lines = []
    for state in ("warm", "cold"):
        turns, how = [], ""
        for _ in range(TURNS):
            for cube in (root / "cubes").glob("*"):
                cube.unlink()
            if state == "warm":
                fresh.warm(file)
            else:
                how = fresh.cool(file)
            turns.append(fresh.call(ask, str(root), name))
        first, again = min(turn["first"] for turn in turns), min(turn["again"] for turn in turns)
        fetched = min(turn["fetched"] for turn in turns)
        said = f"{first:.2f} s, {fetched:,.0f} MB from disk" + (f" ({how})" if how else "")
        lines.append(Line(f"overview, first, {state} file", said, yardstick, first, FIRST_S, "s"))
        lines.append(Line(f"overview, repeated, {state} file", f"{again:.0f} ms", "", again, AGAIN_MS, "ms"))
    return lines
