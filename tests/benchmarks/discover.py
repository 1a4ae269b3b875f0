"""How long a search of weak spots takes and what it finds, against others that search slices.

A table of ten numbers and eight texts in which three segments of one, two and three conditions err more often. Others:
`sliceline`, on at most as many rows as it can hold, and a decision tree of depth three fitted to the errors.
"""

import resource
import time
from pathlib import Path
from typing import Any

import duckdb

from analysis import questions
from analysis.core.roles import ModelColumns, Roles
from analysis.engine.duckdb import Engine
from analysis.store import datasets, evaluations
from analysis.store.workspace import Workspace
from tests.benchmarks import fresh

NAME, LARGE, OTHERS, CELLS = "spots", 1_000_000, 20_000, 4
DEPTH_2_S, DEPTH_3_S, TEN_MILLION_S, MEMORY_MB, QUICKER, ALIKE = 3.0, 10.0, 20.0, 2000.0, 1 / 25, 0.8
TEXTS = {"region": 4, "product": 5, "channel": 8, "tier": 3, "plan": 6, "device": 12, "country": 40, "branch": 20}
NUMBERS = tuple(f"x{place}" for place in range(10))
PLANTED = (
    "region = 'region 1' and tier = 'tier 2'",
    "x1 >= 0.84",
    "x2 < 0.4 and x3 >= 0.6 and plan = 'plan 3'",
)


def _sql(rows: int) -> str:
    texts = ", ".join(
        f"'{name} ' || (hash(i * 5 + {place}) % {count}) AS {name}" for place, (name, count) in enumerate(TEXTS.items())
    )
    numbers = ", ".join(
        f"(hash(i * 7 + {place}) % 1000003) / 1000003.0 AS {name}" for place, name in enumerate(NUMBERS)
    )
    weak = " + ".join(f"CASE WHEN {each} THEN {0.12 + 0.04 * place} ELSE 0 END" for place, each in enumerate(PLANTED))
    return f"""
        SELECT *, CASE WHEN (hash(id + 13) % 1000003) / 1000003.0 < 0.15 + {weak}
            THEN 1 - label ELSE label END AS decision
        FROM (SELECT i AS id, (hash(i + 1) % 10 < 3)::INT AS label, {texts}, {numbers} FROM range({rows}) r(i))
    """


def evaluation(rows: int, folder: Path) -> Path:
    """The workspace with the evaluation, made once a folder and size."""
    root, source = folder / f"spots-{rows}", folder / f"spots-{rows}.parquet"
    if not root.exists():
        with duckdb.connect() as connection:
            connection.execute(f"COPY ({_sql(rows)}) TO '{source}' (FORMAT parquet)")
        fresh.call(take_in, str(root), str(source))
        source.unlink()
    return root


def take_in(root: str, source: str) -> int:
    """In a process of its own: the dataset and its evaluation."""
    workspace = Workspace.open(root)
    dataset, _ = datasets.ingest(workspace, Path(source), name=NAME)
    roles = Roles(
        id=("id",),
        label="label",
        models=(ModelColumns("m", prediction="decision"),),
        segments=tuple(TEXTS),
        features=NUMBERS,
        positive="1",
    )
    evaluations.create(workspace, dataset, name=NAME, task="binary", roles=roles)
    workspace.close()
    return dataset.rows


def ours(root: str, depth: int) -> dict[str, Any]:
    """In a process of its own: seconds of a search, peak memory, and the segments found."""
    workspace = Workspace.open(root)
    for cube in Path(root, "cubes").glob("*"):
        cube.unlink()
    opened = Engine(workspace).open(evaluations.find(workspace, NAME))
    began = time.perf_counter()
    result = questions.discover(opened, questions.Asked(depth=depth))
    seconds = time.perf_counter() - began
    workspace.close()
    return {
        "seconds": seconds,
        "mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "segments": result.frame["segment"].to_list(),
        "sentence": result.sentence,
    }
