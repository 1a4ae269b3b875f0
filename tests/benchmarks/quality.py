"""How long profile and all checks of a dataset take, against one bare DuckDB pass with the same counts and quantiles.

Twenty columns: id, time, label, a score with its decision, eight numbers with gaps, seven texts.
"""

import resource
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import duckdb

from analysis import questions
from analysis.core.roles import ModelColumns, Roles
from analysis.engine import subject as subjects
from analysis.engine.profile import LEVELS, profile
from analysis.store import datasets
from analysis.store.workspace import Workspace
from tests.benchmarks import fresh
from tests.benchmarks.table import Line

NAME, RATIO, MEMORY_MB = "checked", 2.0, 2000.0
TEXTS = {"region": 4, "product": 5, "channel": 8, "tier": 3, "plan": 6, "device": 12, "country": 40}
NUMBERS = tuple(f"x{place}" for place in range(8))
ROLES = Roles(
    id=("id",),
    time="at",
    label="label",
    positive="1",
    models=(ModelColumns("m", "decision", ((None, "score"),)),),
    features=NUMBERS,
)


def _sql(rows: int) -> str:
    texts = ", ".join(
        f"'{name} ' || (hash(i * 5 + {place}) % {count}) AS {name}" for place, (name, count) in enumerate(TEXTS.items())
    )
    numbers = ", ".join(
        f"CASE WHEN hash(i * 3 + {place}) % 20 > 0 THEN (hash(i * 7 + {place}) % 1000003) / 1000003.0 END AS {name}"
        for place, name in enumerate(NUMBERS)
    )
    return f"""
        SELECT *, (score >= 0.5)::INT AS decision FROM (
            SELECT i AS id, TIMESTAMP '2026-01-05' + to_seconds(i * {15_000_000 // rows + 1}) AS at,
                (hash(i + 1) % 10 < 3)::INT AS label, (hash(i + 2) % 100003) / 100003.0 AS score, {texts}, {numbers}
            FROM range({rows}) r(i))
    """


def take_in(root: str, source: str) -> int:
    """In a process of its own: the dataset."""
    workspace = Workspace.open(root)
    dataset, _ = datasets.ingest(workspace, Path(source), name=NAME)
    workspace.close()
    return dataset.rows


def ours(root: str) -> dict[str, Any]:
    """In a process of its own: seconds of the profile, of the profile with all checks, hits and peak memory."""
    workspace = Workspace.open(root)
    checked = subjects.of_dataset(workspace, datasets.find(workspace, NAME), "binary", ROLES)
    began = time.perf_counter()
    profile(checked)
    profiled = time.perf_counter() - began
    began = time.perf_counter()
    result = questions.quality(checked)
    seconds = time.perf_counter() - began
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    workspace.close()
    return {"profile": profiled, "seconds": seconds, "mb": memory, "found": len(result.frame.filter(outcome="found"))}


def bare(root: str) -> float:
    """In a process of its own: seconds of one statement with the counts, moments and quantiles of every column."""
    workspace = Workspace.open(root)
    dataset = datasets.find(workspace, NAME)
    file = workspace.file("dataset", dataset.id)
    workspace.close()
    picked = []
    for column in dataset.schema:
        key = column.key
        picked += [f"count({key})", f"approx_count_distinct({key})", f"min({key})", f"max({key})"]
        if column.numeric:
            picked += [f"avg({key})", f"stddev_samp({key})", f"count(*) FILTER ({key} = 0)"]
            picked += [f"count(*) FILTER ({key} < 0)", f"quantile_cont({key}, {list(LEVELS)})"]
        elif column.type == "VARCHAR":
            picked += [f"min(length({key}))", f"max(length({key}))", f"avg(length({key}))"]
    with duckdb.connect(str(file), read_only=True) as connection:
        began = time.perf_counter()
        connection.execute(f"SELECT {', '.join(picked)} FROM data").fetchall()
        return time.perf_counter() - began


def run(rows: int, folder: Path) -> Iterable[Line]:
    """The promises of profile and checks."""
    root, source = folder / f"checked-{rows}", folder / f"checked-{rows}.parquet"
    with duckdb.connect() as connection:
        connection.execute(f"COPY ({_sql(rows)}) TO '{source}' (FORMAT parquet)")
    fresh.call(take_in, str(root), str(source))
    theirs = fresh.call(bare, str(root))
    made = fresh.call(ours, str(root))
    yardstick = f"bare {theirs:.1f} s"
    yield Line("profile", f"{made['profile']:.1f} s", yardstick, made["profile"] / theirs, RATIO, "x")
    said = f"{made['seconds']:.1f} s"
    yield Line("profile and all checks", said, yardstick, made["seconds"] / theirs, RATIO, "x")
    yield Line("profile and all checks, memory", "", "", made["mb"], MEMORY_MB, "MB")
    yield Line("checks that speak of clean rows", "", "", float(made["found"]), 0.0, "hits")
