"""Explanations against plain lime: one row through the warm worker, a hundred rows in one process, a boosted model."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from analysis import questions
from analysis.core.roles import ModelColumns, Roles
from analysis.core.settings import number
from analysis.engine.duckdb import Engine
from analysis.explaining.local import Options, explain_many
from analysis.explaining.stopping import explain_until
from analysis.store import datasets, evaluations, models, workers
from analysis.store.workspace import Workspace
from tests.benchmarks import fresh
from tests.benchmarks.table import Line
from tests.explaining.glass import known

FEATURES, SAMPLES, MANY, ROUNDS, FITTED = 18, 5000, 100, 7, 5000
SLOWER, BEYOND_MS = 1.2, 20.0
QUICKER, STOPPED = 1 / 1.5, 1 / 3
NAMES = [f"f{at}" for at in range(FEATURES)]


def _table(rows: int) -> pl.DataFrame:
    random = np.random.default_rng(3)
    return pl.DataFrame(random.normal(size=(rows, FEATURES)), schema=NAMES)


def _fitted() -> Any:
    from sklearn.ensemble import GradientBoostingClassifier
    from threadpoolctl import threadpool_limits

    x = _table(FITTED).to_numpy()
    inside = x[:, 0] * x[:, 1] + np.sin(2 * x[:, 2]) + x[:, 3:9].sum(axis=1) * 0.4
    y = np.random.default_rng(4).uniform(size=len(x)) < 1 / (1 + np.exp(-inside))
    with threadpool_limits(1):  # as a worker has
        return GradientBoostingClassifier(random_state=0).fit(x, y)


def _lime(model: Any, x: np.ndarray) -> Callable[[np.ndarray, int], Any]:
    """Plain lime as the house's options have it."""
    from lime.lime_tabular import LimeTabularExplainer

    def explain(row: np.ndarray, seed: int) -> Any:
        explainer.random_state = np.random.RandomState(seed)
        return explainer.explain_instance(row, model.predict_proba, num_features=FEATURES, num_samples=SAMPLES)

    explainer = LimeTabularExplainer(
        x, discretize_continuous=False, sample_around_instance=True, feature_selection="none", random_state=0
    )
    return explain


def _best(rounds: list[Callable[[], Any]], clock: Callable[[], float] = time.perf_counter) -> float:
    """The quickest of the rounds, in seconds: what others do on the machine only ever adds."""
    seconds = []
    for each in rounds:
        began = clock()
        each()
        seconds.append(clock() - began)
    return min(seconds)


def one_row(folder: str) -> dict[str, float]:
    """In a process of its own: seconds of the first picture of one row, and of plain lime with the same model."""
    import skops.io
    from threadpoolctl import threadpool_limits

    model, table = _fitted(), _table(FITTED)
    place = Path(folder)
    (place / "boosted.skops").write_bytes(skops.io.dumps(model))
    score = model.predict_proba(table.to_numpy())[:, 1]
    ids = pl.Series("id", [f"R{at}" for at in range(len(table))])
    label = pl.Series("y", np.where(score > 0.5, "1", "0"))
    table.with_columns(ids, label, pl.Series("score", score)).write_csv(place / "rows.csv")
    workspace = Workspace.open(place / "workspace")
    dataset, _ = datasets.ingest(workspace, place / "rows.csv", name="rows")
    version = ModelColumns("m", scores=((None, "score"),))
    roles = Roles(id=("id",), label="y", positive="1", models=(version,), features=tuple(NAMES))
    facts, _ = evaluations.create(workspace, dataset, name="rows", task="binary", roles=roles)
    kept, _ = models.add(workspace, place / "boosted.skops", name="m", evaluation="rows", features=NAMES)
    opened, scorer = Engine(workspace).open(facts), models.scorer(workspace, kept)

    def ours(at: int) -> Any:
        return questions.explain(opened, scorer, row=f"R{at}", repeats=1, checks=False)

    ours(ROUNDS)  # warms the worker and counts the background
    own = _best([lambda at=at: ours(at) for at in range(ROUNDS)])  # type: ignore[misc]
    x = table.to_numpy()
    plain = _lime(model, x)
    with threadpool_limits(1):  # as a worker has
        plain(x[ROUNDS], 0)
        other = _best([lambda at=at: plain(x[at], 0) for at in range(ROUNDS)])  # type: ignore[misc]
    first = ours(0).frame.sort("column")
    said = dict(plain(x[0], 0).local_exp[1])
    worst = max(abs(said[NAMES.index(row["column"])] - row["weight"]) for row in first.iter_rows(named=True))
    workers._end_all()
    workspace.close()
    return {"ours": own, "lime": other, "apart": worst}


def many_rows() -> dict[str, float]:
    """In a process of its own, on one thread: processor seconds of a hundred rows at once, and of plain lime."""
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):
        model, table = _fitted(), _table(FITTED)
        x, background = table.to_numpy(), known(table)
        rows = [table.row(at, named=True) for at in range(MANY)]
        plain = _lime(model, x)

        def scores(frame: pl.DataFrame) -> np.ndarray:
            return np.asarray(model.predict_proba(frame.to_numpy())[:, 1])

        seeds, cpu = [0] * MANY, time.process_time
        explain_many(scores, background, rows[:2], Options(SAMPLES), seeds[:2])
        made: list[Any] = []
        own = _best([lambda: made.append(explain_many(scores, background, rows, Options(SAMPLES), seeds))] * 2, cpu)
        until: list[Any] = []
        stated = number("explain_error")

        def stopped() -> None:
            until.append(explain_until(scores, background, rows, Options(SAMPLES), seeds, stated))

        sooner = _best([stopped] * 2, cpu)
        said: list[Any] = []
        other = _best([lambda: said.append([plain(x[at], seeds[at]) for at in range(MANY)])] * 2, cpu)
        floor = _best([lambda: [model.predict_proba(x[:SAMPLES]) for _ in range(MANY)]] * 2, cpu)
    apart = max(
        abs(weight - each.weights[at])
        for each, one in zip(made[0], said[0], strict=True)
        for at, weight in one.local_exp[1]
    )
    reached = sum(each.reached for each in until[0]) / MANY
    return {"ours": own, "lime": other, "model": floor, "apart": apart, "sooner": sooner, "reached": reached}


def run(rows: int, folder: Path) -> list[Line]:
    """Speed and sameness; `rows` does not matter, as nothing here looks at more than the background."""
    place = folder / "explain"
    place.mkdir(exist_ok=True)
    one = fresh.call(one_row, str(place))
    allowed = max(SLOWER * one["lime"], one["lime"] + BEYOND_MS / 1000)
    many = fresh.call(many_rows)
    what = f"{FEATURES} features, {SAMPLES:,} neighbours"
    return [
        Line(
            f"explain one row, {what}, share of what is allowed (1.2 times or 20 ms more)",
            f"{one['ours'] * 1000:.0f} ms",
            f"plain lime {one['lime'] * 1000:.0f} ms",
            one["ours"] / allowed,
            1.0,
            "x",
        ),
        Line(
            f"explain {MANY} rows, {what}",
            f"{many['ours']:.2f} s",
            f"a loop of plain lime {many['lime']:.2f} s, the model alone {many['model']:.2f} s",
            many["ours"] / many["lime"],
            QUICKER,
            "x",
        ),
        Line(
            f"explain {MANY} rows until no standard error exceeds {number('explain_error'):.0%} of the largest weight",
            f"{many['sooner']:.2f} s, {many['reached']:.0%} of the rows got there",
            f"a loop of plain lime {many['lime']:.2f} s",
            many["sooner"] / many["lime"],
            STOPPED,
            "x",
        ),
        Line(
            "explain, largest difference of a weight to plain lime's, in 1e-9",
            f"{max(one['apart'], many['apart']):.1e}",
            "",
            max(one["apart"], many["apart"]) / 1e-9,
            1.0,
            "",
        ),
    ]
