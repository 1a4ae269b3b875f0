"""How long every one- and two-way grouping of eight columns takes, with ten count metrics, against bare SQL."""

import itertools
import resource
import time
from pathlib import Path
from typing import Any

import duckdb

from analysis.engine.duckdb import Engine
from analysis.engine.query import Query
from analysis.metrics import METRICS
from analysis.store import evaluations
from analysis.store.workspace import Workspace
from tests.benchmarks import build, fresh
from tests.benchmarks.table import Line

BARE, RAW, MEMORY_MB = 1.2, 1 / 3, 1500.0
TURNS = 3
COLUMNS = tuple(build.SEGMENTS)[:8]
GROUPINGS = [*((name,) for name in COLUMNS), *itertools.combinations(COLUMNS, 2)]
METRICS_ASKED = (
    *("accuracy", "precision", "recall", "specificity", "f1", "mcc", "balanced_accuracy", "kappa"),
    *("selection_rate", "prevalence"),
)


def ask(root: str, name: str) -> dict[str, Any]:
    """In a process of its own: seconds for all groupings and their metrics, how many estimates, and peak memory."""
    workspace = Workspace.open(root)
    opened = Engine(workspace).open(evaluations.find(workspace, name))
    queries = [Query("champion", frozenset({"decisions"}), by=by) for by in GROUPINGS]
    METRICS.get("recall").measure(opened.ask(Query("champion", frozenset({"decisions"}))).cube)
    began = time.perf_counter()
    answers = opened.ask_all(queries)
    counted = time.perf_counter() - began
    made = sum(len(METRICS.get(metric).measure(answer.cube)) for answer in answers for metric in METRICS_ASKED)
    seconds = time.perf_counter() - began
    workspace.close()
    if any(answer.cached for answer in answers):
        raise RuntimeError("A grouping was not counted.")
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    return {"seconds": seconds, "counted": counted, "estimates": made, "memory": memory}


def plain(source: str, table: str, columns: dict[str, str], label: str, prediction: str) -> float:
    """In a process of its own: seconds of the same counts as one GROUPING SETS statement over a table."""
    sets = ", ".join(f"({', '.join([*(columns[name] for name in by), label, prediction])})" for by in GROUPINGS)
    keys = ", ".join(columns.values())
    with duckdb.connect(source, read_only=True) as con:
        con.sql(f"select count(*) from {table} where {label} = 1").fetchall()
        began = time.perf_counter()
        con.sql(
            f"select {keys}, {label}, {prediction}, count(*) as n from {table} group by grouping sets ({sets})"
        ).pl()
        return time.perf_counter() - began


def run(rows: int, folder: Path) -> list[Line]:
    """The better of three turns each, one after the other, so that all meet the same machine."""
    root, name = build.evaluation(rows, folder)
    source = next((root / "datasets").glob("*.duckdb"))
    file = max((root / "evaluations").glob("*.duckdb"), key=lambda each: each.stat().st_size)
    workspace = Workspace.open(root)
    facts = evaluations.find(workspace, name)
    names = [each.name for each in facts.columns]
    encoded = {each: facts.column(each).key for each in COLUMNS}
    raw = {each: f"c{names.index(each)}" for each in COLUMNS}
    label, prediction = (f"c{names.index(each)}" for each in ("label", "prediction_a"))
    workspace.close()
    ours, bare, unencoded = [], [], []
    for _ in range(TURNS):
        for cube in (root / "cubes").glob("*"):
            cube.unlink()
        for each in (file, source):
            fresh.warm(each)
        ours.append(fresh.call(ask, str(root), name))
        bare.append(fresh.call(plain, str(file), "rows", encoded, "y", "p0"))
        unencoded.append(fresh.call(plain, str(source), "data", raw, label, prediction))
    best = min(ours, key=lambda each: each["seconds"])
    said = f"{best['seconds']:.2f} s ({best['counted']:.2f} s counting), {best['estimates']:,} estimates"
    memory = max(each["memory"] for each in ours)
    what = f"{len(GROUPINGS)} groupings, {len(METRICS_ASKED)} metrics"
    encoded_s, raw_s = min(bare), min(unencoded)
    return [
        Line(f"{what}, by bare SQL, same file", said, f"{encoded_s:.2f} s", best["seconds"] / encoded_s, BARE, "x"),
        Line(f"{what}, by SQL over a raw table", said, f"{raw_s:.2f} s", best["seconds"] / raw_s, RAW, "x"),
        Line(f"{what}, peak memory", f"{memory:,.0f} MB", "", memory, MEMORY_MB, "MB"),
    ]
