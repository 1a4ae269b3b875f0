"""The same task as others do it: ten count metrics of eight columns with intervals, at the sizes they can finish."""

import time
import warnings
from pathlib import Path
from typing import Any

import duckdb

from analysis.engine.duckdb import Engine
from analysis.engine.query import Query
from analysis.metrics import METRICS
from analysis.store import evaluations
from analysis.store.workspace import Workspace
from tests.benchmarks import build, fresh
from tests.benchmarks.groupings import COLUMNS, METRICS_ASKED
from tests.benchmarks.table import Line

ROWS, REPLICATES = 100_000, 10
SLOWER = 0.1
"""Ours may take at most this share of the time of pandas with scikit-learn, which gives no interval at all."""


def ours(root: str, name: str) -> float:
    """In a process of its own: seconds for the groupings by each of the columns, every number with its interval."""
    workspace = Workspace.open(root)
    opened = Engine(workspace).open(evaluations.find(workspace, name))
    began = time.perf_counter()
    for answer in opened.ask_all([Query("champion", frozenset({"decisions"}), by=(by,)) for by in COLUMNS]):
        for metric in METRICS_ASKED:
            METRICS.get(metric).measure(answer.cube)
    seconds = time.perf_counter() - began
    workspace.close()
    return seconds


def _table(source: str) -> Any:
    with duckdb.connect(source, read_only=True) as con:
        names = ["id", "label", "moment", "score_a", "prediction_a", "score_b", "prediction_b", *build.SEGMENTS]
        picked = ", ".join(f"c{place} as {name}" for place, name in enumerate(names))
        return con.sql(f"select {picked} from data").df()


def _functions() -> dict[str, Any]:
    from sklearn import metrics as sk

    return {
        "accuracy": sk.accuracy_score,
        "precision": lambda y, p: sk.precision_score(y, p, zero_division=0),
        "recall": lambda y, p: sk.recall_score(y, p, zero_division=0),
        "specificity": lambda y, p: sk.recall_score(y, p, pos_label=0, zero_division=0),
        "f1": lambda y, p: sk.f1_score(y, p, zero_division=0),
        "mcc": sk.matthews_corrcoef,
        "balanced_accuracy": sk.balanced_accuracy_score,
        "kappa": sk.cohen_kappa_score,
        "selection_rate": lambda y, p: (p == 1).mean(),
        "prevalence": lambda y, p: (y == 1).mean(),
    }


def pandas_with_sklearn(source: str) -> float:
    """In a process of its own: seconds of scikit-learn's functions over pandas' groups, without intervals."""
    frame, functions = _table(source), _functions()
    began = time.perf_counter()
    for column in COLUMNS:
        for _, part in frame.groupby(column):
            for function in functions.values():
                function(part["label"], part["prediction_a"])
    return time.perf_counter() - began


def fairlearn(source: str, columns: int, replicates: int) -> float:
    """In a process of its own: seconds of fairlearn's MetricFrame over the first columns, bootstrapped where asked."""
    from fairlearn.metrics import MetricFrame

    frame, functions = _table(source), _functions()
    options = {"n_boot": replicates, "ci_quantiles": [0.025, 0.975]} if replicates else {}
    began = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns of undefined metrics in resampled groups; ours says so in words
        for column in COLUMNS[:columns]:
            MetricFrame(
                metrics=functions,
                y_true=frame["label"],
                y_pred=frame["prediction_a"],
                sensitive_features=frame[[column]],
                **options,
            )
    return time.perf_counter() - began


def run(rows: int, folder: Path) -> list[Line]:
    """At most 100,000 rows: beyond, the others take minutes to hours."""
    size = min(rows, ROWS)
    place = folder / "peers"
    place.mkdir(exist_ok=True)
    root, name = build.evaluation(size, place)
    source = str(next((root / "datasets").glob("*.duckdb")))
    for cube in (root / "cubes").glob("*"):
        cube.unlink()
    own = fresh.call(ours, str(root), name)
    said = f"{own:.2f} s, every number with its interval"
    others = {
        "pandas with scikit-learn, no intervals": fresh.call(pandas_with_sklearn, source),
        "fairlearn's MetricFrame, no intervals": fresh.call(fairlearn, source, len(COLUMNS), 0),
        f"fairlearn, {REPLICATES} replicates, one column": fresh.call(fairlearn, source, 1, REPLICATES),
    }
    what = f"{len(COLUMNS)} columns of {size:,} rows, {len(METRICS_ASKED)} metrics"
    return [
        Line(f"{what}, by {other}", said, f"{seconds:.1f} s", own / seconds, SLOWER, "x")
        for other, seconds in others.items()
    ]
