"""How long a search of weak spots takes and what it finds, against others that search slices.

A table of ten numbers and eight texts in which three segments of one, two and three conditions err more often. Others:
`sliceline`, on at most as many rows as it can hold, and a decision tree of depth three fitted to the errors.
"""

import resource
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb
import numpy as np

from analysis import questions
from analysis.core.roles import ModelColumns, Roles
from analysis.engine.duckdb import Engine
from analysis.store import datasets, evaluations
from analysis.store.workspace import Workspace
from tests.benchmarks import fresh
from tests.benchmarks.table import Line

NAME, LARGE, OTHERS = "spots", 1_000_000, 100_000
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


def ours(root: str, source: str, depth: int) -> dict[str, Any]:
    """In a process of its own: seconds of a search, peak memory, and how like what is planted each found segment is."""
    workspace = Workspace.open(root)
    for cube in Path(root, "cubes").glob("*"):
        cube.unlink()
    opened = Engine(workspace).open(evaluations.find(workspace, NAME))
    began = time.perf_counter()
    result = questions.discover(opened, questions.Asked(depth=depth))
    seconds = time.perf_counter() - began
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    workspace.close()
    segments = result.frame["segment"].to_list()
    return {"seconds": seconds, "mb": memory, "found": len(segments), "likeness": likeness(source, segments)}


def likeness(source: str, segments: Sequence[str]) -> list[float]:
    """Of each planted segment the largest Jaccard index with one of these; all are SQL as they stand."""
    with duckdb.connect() as connection:
        return [
            max(
                (
                    connection.execute(
                        f"SELECT count(*) FILTER (({own}) AND ({each})) / count(*) FILTER (({own}) OR ({each})) "
                        f"FROM '{source}'"
                    ).fetchall()[0][0]
                    for each in segments
                ),
                default=0.0,
            )
            for own in PLANTED
        ]


def _frame(source: str) -> tuple[np.ndarray, list[np.ndarray], np.ndarray, np.ndarray]:
    """(texts by code and numbers by tenth from 1 on, each of them, errors, which rows are planted by segment)."""
    codes = [f"dense_rank() OVER (ORDER BY {name}) AS {name}" for name in TEXTS]
    codes += [f"CAST(floor({name} * 9.99999) AS INT) + 1 AS {name}" for name in NUMBERS]
    planted = [f"({each}) AS planted{place}" for place, each in enumerate(PLANTED)]
    with duckdb.connect() as connection:
        asked = f"SELECT {', '.join([*codes, *planted])}, decision <> label AS wrong FROM '{source}'"
        found = connection.execute(asked).fetchnumpy()
    columns = [np.asarray(found[name]) for name in (*TEXTS, *NUMBERS)]
    truth = np.column_stack([found[f"planted{place}"] for place in range(len(PLANTED))])
    return np.column_stack(columns), columns, np.asarray(found["wrong"]).astype(float), truth


def _like(masks: list[np.ndarray], truth: np.ndarray) -> list[float]:
    found = []
    for own in truth.T:
        found.append(max((float((own & mask).sum() / (own | mask).sum()) for mask in masks), default=0.0))
    return found


def sliceline(source: str) -> dict[str, Any]:
    """In a process of its own: the ten worst slices of at most two conditions, over tenths of the numbers."""
    from sliceline.slicefinder import Slicefinder

    table, _, wrong, truth = _frame(source)
    finder = Slicefinder(alpha=0.95, k=10, max_l=2, min_sup=int(0.005 * len(wrong)), verbose=False)
    began = time.perf_counter()
    finder.fit(table, wrong)
    seconds = time.perf_counter() - began
    masks = []
    for each in finder.top_slices_:
        held = np.ones(len(wrong), dtype=bool)
        for place, value in enumerate(each):
            if value is not None:
                held &= table[:, place] == value
        masks.append(held)
    return {"seconds": seconds, "likeness": _like(masks, truth)}


def tree(source: str) -> dict[str, Any]:
    """In a process of its own: the leaves of a tree of depth three that err more than all rows together."""
    from sklearn.tree import DecisionTreeClassifier

    table, _, wrong, truth = _frame(source)
    made = DecisionTreeClassifier(max_depth=3, min_samples_leaf=int(0.005 * len(wrong)), random_state=0)
    began = time.perf_counter()
    made.fit(table, wrong)
    seconds = time.perf_counter() - began
    leaves = made.apply(table)
    masks = [leaves == leaf for leaf in np.unique(leaves) if wrong[leaves == leaf].mean() > wrong.mean()]
    return {"seconds": seconds, "likeness": _like(masks, truth)}


def run(rows: int, folder: Path) -> list[Line]:
    """Times at up to one and ten million rows; the others at up to 100,000, beyond which memory ends."""
    lines = []
    sizes = {min(rows, LARGE): ((2, DEPTH_2_S), (3, DEPTH_3_S))}
    sizes |= {rows: ((2, TEN_MILLION_S),)} if rows > LARGE else {}
    for size, asked in sizes.items():
        root, source = evaluation(size, folder), str(folder / f"spots-{size}.parquet")
        for depth, seconds in asked:
            own = fresh.call(ours, str(root), source, depth)
            name = f"weak spots, {size:,} rows of {len(TEXTS) + len(NUMBERS)} columns, depth {depth}"
            said = f"{own['seconds']:.2f} s, {own['mb']:,.0f} MB, {own['found']} found"
            lines.append(Line(name, said, "", own["seconds"], seconds, "s"))
            lines.append(Line(f"{name}, memory", said, "", own["mb"], MEMORY_MB, "MB"))
    size = min(rows, OTHERS)
    root, source = evaluation(size, folder), str(folder / f"spots-{size}.parquet")
    fast, deep = (fresh.call(ours, str(root), source, depth) for depth in (2, 3))
    others = {"sliceline": fresh.call(sliceline, source), "a tree of depth 3": fresh.call(tree, source)}
    for name, other in others.items():
        both = f"Jaccard {_listed(deep['likeness'])}", f"{other['seconds']:.1f} s, Jaccard {_listed(other['likeness'])}"
        missed = (1 - float(np.mean(deep["likeness"]))) / max(1 - float(np.mean(other["likeness"])), 1e-9)
        lines.append(Line(f"weak spots, what is missed beside {name}", *both, missed, ALIKE, "x"))
    slower = fast["seconds"] / others["sliceline"]["seconds"]
    said = f"{fast['seconds']:.2f} s", f"{others['sliceline']['seconds']:.1f} s"
    lines.append(Line(f"weak spots, {size:,} rows, depth 2, by sliceline", *said, slower, QUICKER, "x"))
    return lines


def _listed(values: Sequence[float]) -> str:
    return ", ".join(f"{value:.2f}" for value in values)
