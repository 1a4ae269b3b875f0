"""How long the making of an evaluation takes: two model versions, ten segments, time and label, to its sealed file."""

import time
from pathlib import Path
from typing import Any

import duckdb

from analysis.core.roles import ModelColumns, Roles
from analysis.store import datasets, evaluations
from analysis.store.workspace import Workspace
from tests.benchmarks import fresh
from tests.benchmarks.table import Line

SECONDS = 15.0
TURNS = 2
NAME = "bench"
SEGMENTS = {
    "region": 4,
    "product": 12,
    "channel": 5,
    "country": 60,
    "age": 8,
    "tier": 3,
    "device": 6,
    "branch": 200,
    "plan": 3,
    "month": 12,
}
ROLES = Roles(
    id=("id",),
    label="label",
    models=(
        ModelColumns("champion", prediction="prediction_a", scores=((None, "score_a"),)),
        ModelColumns("challenger", prediction="prediction_b", scores=((None, "score_b"),)),
    ),
    time="moment",
    segments=tuple(SEGMENTS),
    positive="1",
)


def _columns() -> str:
    def score(noise: int, signal: float) -> str:
        return f"round({signal} * label + {1 - signal} * (hash(i * 3 + {noise}) % 1000000) / 1e6, 6)"

    segments = ", ".join(
        f"'{name} ' || (hash(i * 5 + {place}) % {count}) as {name}"
        for place, (name, count) in enumerate(SEGMENTS.items())
    )
    return f"""
        i as id, (hash(i + 1) % 10 < 2)::int as label,
        timestamp '2024-01-01' + to_seconds((hash(i + 2) % (182 * 86400))::bigint) as moment,
        {score(3, 0.35)} as score_a, (score_a >= 0.5)::int as prediction_a,
        {score(4, 0.30)} as score_b, (score_b >= 0.5)::int as prediction_b,
        {segments},
        round((hash(i + 6) % 100000) / 100.0, 2)::double as amount, (hash(i + 7) % 90000)::int as income,
        'said ' || (hash(i + 8) % 100000) || ' things' as note
    """


def prepare(rows: int, folder: Path) -> Path:
    """The workspace with the dataset `bench` of `rows` rows and 20 columns; made once a folder."""
    root, source = folder / "workspace", folder / "bench.parquet"
    if not root.exists():
        with duckdb.connect() as con:
            con.execute(f"copy (select {_columns()} from range({rows}) r(i)) to '{source}' (format parquet)")
        fresh.call(take_in, str(root), str(source), rows)
        source.unlink()
    return root


def take_in(root: str, source: str, rows: int) -> int:
    """In a process of its own: keep the file as a dataset."""
    workspace = Workspace.open(root)
    dataset, _ = datasets.ingest(workspace, Path(source), name=NAME)
    workspace.close()
    if (dataset.rows, len(dataset.schema)) != (rows, 20):
        raise RuntimeError(f"The dataset has {dataset.rows:,} rows of {len(dataset.schema)} columns.")
    return dataset.rows


def create(root: str, name: str) -> float:
    """In a process of its own: build the evaluation; wall time in seconds."""
    workspace = Workspace.open(root)
    dataset = datasets.find(workspace, NAME)
    began = time.perf_counter()
    made, new = evaluations.create(workspace, dataset, name=name, task="binary", roles=ROLES)
    seconds = time.perf_counter() - began
    workspace.close()
    if not new or made.rows != dataset.rows or len(made.models) != 2:
        raise RuntimeError(f"The evaluation '{name}' was not built as asked.")
    return seconds


def bare(source: str, target: str) -> float:
    """In a process of its own: a plain copy of the dataset's table into a new file; wall time in seconds."""
    began = time.perf_counter()
    with duckdb.connect(target) as con:
        con.execute(f"attach '{source}' as source (read_only)")
        con.execute("create table data as select * from source.data")
    return time.perf_counter() - began


def evaluation(rows: int, folder: Path) -> tuple[Path, str]:
    """(the workspace, the name of an evaluation in it), built if it is not there yet."""
    root = prepare(rows, folder)
    if not _built(root):
        fresh.call(create, str(root), f"{NAME} 0")
    return root, f"{NAME} 0"


def _built(root: Path) -> list[Any]:
    return list((root / "evaluations").glob("*.duckdb"))


def run(rows: int, folder: Path) -> list[Line]:
    """One line: the wall time of `evaluations.create`, the better of two turns."""
    root = prepare(rows, folder)
    source = next((root / "datasets").glob("*.duckdb"))
    ours, copied = [], []
    for turn in range(TURNS):
        fresh.warm(source)
        ours.append(fresh.call(create, str(root), f"{NAME} {turn}"))
        target = folder / "copy.duckdb"
        copied.append(fresh.call(bare, str(source), str(target)))
        target.unlink()
    size = max(file.stat().st_size for file in _built(root)) / 1e6
    yardstick = f"plain copy {min(copied):.2f} s"
    ours_said = f"{min(ours):.2f} s, file of {size:,.0f} MB"
    return [Line("build, 10 segments, 2 versions", ours_said, yardstick, min(ours), SECONDS, "s")]
