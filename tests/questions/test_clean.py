"""Clean tables: what chance alone makes a check say, over tables without any fault, of several shapes."""

from collections import Counter
from datetime import datetime, timedelta

import numpy as np
import pytest

from analysis import questions
from analysis.core.roles import ModelColumns, Roles
from tests.engine.making import Folder, Table, uploaded

MAY_FIRE = 0.002
"""Share of applicable checks that say something of a clean table, at most."""
TABLES = 200


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = Folder(tmp_path_factory.mktemp("clean"))
    yield made
    made.close()


def clean(seed: int) -> tuple[Table, Roles, str]:
    """A table without faults: rows, columns, rates, time and scores by chance; its roles and task."""
    random = np.random.default_rng([seed, 77])
    n = int(random.choice([300, 600, 1500, 5000]))
    days = int(random.choice([20, 60, 180, 700]))
    score = random.beta(*random.choice([[2, 2], [1, 4], [5, 2]]), n)
    label = (random.random(n) < score).astype(int)
    threshold = float(random.choice([0.37, 0.5]))
    moments = datetime(2024, 1, 1) + np.sort(random.random(n)) * days * timedelta(days=1)
    columns: dict[str, tuple[str, list]] = {
        "id": ("VARCHAR", [f"row-{random.integers(10**12)}" for _ in range(n)]),
        "at": ("TIMESTAMP", [str(each) for each in moments]),
        "income": ("DOUBLE", random.lognormal(10, 0.6, n).round(2).tolist()),
        "signed": ("DOUBLE", random.normal(0, 2, n).tolist()),
        "age": ("INTEGER", random.integers(18, 95, n).tolist()),
        "visits": ("INTEGER", random.poisson(1.5, n).tolist()),
        "percent": ("INTEGER", random.integers(0, 100, n).tolist()),
        "region": ("VARCHAR", random.choice(["North", "South", "East", "West"], n, p=[0.5, 0.3, 0.15, 0.05]).tolist()),
        "city": ("VARCHAR", random.choice([f"City {at}" for at in range(40)], n).tolist()),
        "code": ("VARCHAR", random.choice(["A-1", "B-20", "C", "none", "NA", "x y"], n).tolist()),
        "member": ("BOOLEAN", (random.random(n) < 0.3).tolist()),
        "note": ("VARCHAR", [f"said {random.integers(10**6)} and went" for _ in range(n)]),
        "gaps": ("DOUBLE", [None if random.random() < 0.2 else float(each) for each in random.random(n)]),
    }
    model = ModelColumns("m", prediction="decision", scores=((None, "score"),))
    columns["score"] = ("DOUBLE", score.tolist())
    columns["decision"] = ("VARCHAR", ["yes" if each >= threshold else "no" for each in score])
    columns["label"] = ("VARCHAR", ["yes" if each else "no" for each in label])
    features = ("income", "signed", "age", "visits", "percent", "region", "city", "code", "member", "gaps")
    roles = Roles(
        id=("id",),
        label="label",
        models=(model,),
        time="at" if random.random() < 0.8 else None,
        features=features,
        positive="yes",
        text=("note",),
    )
    return Table(columns), roles, "binary"


def fired(folder: Folder, seeds: range) -> tuple[Counter, int]:
    """(what was said how often, applicable checks) of clean tables."""
    said: Counter = Counter()
    applicable = 0
    for seed in seeds:
        table, roles, task = clean(seed)
        frame = questions.quality(uploaded(folder, table, task=task, roles=roles)).frame
        known = frame.filter(frame["outcome"] != "not applicable")
        applicable += known["code"].n_unique()
        said.update(frame.filter(outcome="found")["code"].unique().to_list())
    return said, applicable


def test_a_clean_table_is_clear(folder):
    said, applicable = fired(folder, range(1))
    assert not said
    assert applicable > 25


@pytest.mark.slow
def test_clean_tables_rarely_make_a_check_speak(folder):
    said, applicable = fired(folder, range(1000, 1000 + TABLES))
    assert sum(said.values()) <= MAY_FIRE * applicable, (said, applicable)
