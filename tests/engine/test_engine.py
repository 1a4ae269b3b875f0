"""The DuckDB engine keeps the contract, and what is its own: buckets, 'other', coarse histograms, order of rows."""

import os
import subprocess
import sys
import threading
from collections import Counter
from datetime import datetime, timedelta

import numpy as np
import polars as pl
import pytest

from analysis.core.errors import BadRequest, Interrupted
from analysis.core.period import Period, bucket_place
from analysis.core.roles import ModelColumns, Roles
from analysis.engine.duckdb import Engine
from analysis.engine.parts import histogram
from analysis.engine.query import Query
from analysis.questions import measure
from tests.engine.contract import Contract, table
from tests.engine.making import Folder, Table, binary, facts, opened


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = Folder(tmp_path_factory.mktemp("evaluations"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def asked(folder):
    made = {}

    def ask(task, weighted, units=False):
        if (task, weighted, units) not in made:
            given, roles = table(task, weighted, units)
            made[task, weighted, units] = opened(folder, given, task=task, roles=roles)
        return made[task, weighted, units]

    return ask


class TestDuckDB(Contract):
    """Everything any engine must do."""


def test_the_order_of_the_rows_does_not_matter(folder):
    given, roles = table("binary", True)
    order = np.random.default_rng(1).permutation(given.rows)
    mixed = Table({name: (kind, [values[i] for i in order]) for name, (kind, values) in given.columns.items()})
    one, other = (measure(opened(folder, each, task="binary", roles=roles), by=["region"]) for each in (given, mixed))
    assert one.frame["n"].to_list() == other.frame["n"].to_list()
    for name in ("value", "low", "high"):
        first, second = (each.frame[name].fill_null(-1).to_numpy() for each in (one, other))
        np.testing.assert_allclose(first, second, rtol=1e-12)


def test_beyond_a_thousand_values_the_most_frequent_are_groups_and_the_rest_is_other(folder):
    values = [f"v{i % 1200}" for i in range(1200)] + [f"v{i}" for i in range(900)] + [None] * 5
    rows = len(values)
    given, roles = binary(y=("INTEGER", [i % 2 for i in range(rows)]), p=("INTEGER", [1] * rows), g=("VARCHAR", values))
    made = opened(folder, given, task="binary", roles=roles)
    assert made.facts.column("g").encoding == "plain"
    cube = made.ask(Query("m", frozenset({"decisions"}), by=("g",))).cube
    shown = dict(zip(cube.groups["k0"].to_list(), cube.rows.tolist(), strict=True))
    assert len(shown) == 1001  # the missing ones are among the most frequent thousand
    assert shown["other"] == 201
    assert shown[None] == 5
    assert sum(shown.values()) == rows
    result = measure(made, metrics=["precision"], by=["g"])
    assert any("1,000 most frequent" in note for note in result.receipt.notes)


def test_many_groups_get_a_coarser_histogram_whose_bound_is_kept(folder, monkeypatch):
    random = np.random.default_rng(9)
    score, label = random.random(3000).round(4), random.integers(0, 2, 3000)
    group = [f"g{i % 20}" for i in range(3000)]
    given, roles = binary(y=("INTEGER", label.tolist()), s=("DOUBLE", score.tolist()), g=("VARCHAR", group))
    made = opened(folder, given, task="binary", roles=roles)
    exact = measure(made, metrics=["roc_auc"], by=["g"]).frame.sort("g")
    monkeypatch.setattr(histogram, "CELLS", 20 * 3 * 100)
    coarse = measure(Engine(folder).open(made.facts), metrics=["roc_auc"], by=["g"]).frame.sort("g")
    assert exact["bound"].to_list() == [0.0] * 20
    assert min(coarse["bound"]) > 0
    moved = np.abs(exact["value"].to_numpy() - coarse["value"].to_numpy())
    assert np.all(moved <= coarse["bound"].to_numpy() + 1e-12)
    assert moved.max() > 0


BUCKETS = {
    "hour": lambda moment: moment.replace(minute=0, second=0, microsecond=0),
    "day": lambda moment: datetime(moment.year, moment.month, moment.day),
    "week": lambda moment: datetime.fromisocalendar(*moment.isocalendar()[:2], 1),
    "month": lambda moment: datetime(moment.year, moment.month, 1),
    "quarter": lambda moment: datetime(moment.year, (moment.month - 1) // 3 * 3 + 1, 1),
    "year": lambda moment: datetime(moment.year, 1, 1),
}
EDGES = [
    datetime(1969, 12, 28, 23, 59, 59, 999_999),
    datetime(1969, 12, 29),
    datetime(1970, 1, 4, 23, 59, 59),
    datetime(1970, 1, 5),
    datetime(2024, 2, 29, 12),
    datetime(2024, 12, 29, 23, 59, 59, 999_999),
    datetime(2024, 12, 30),
    datetime(2024, 12, 31, 23, 59, 59),
    datetime(2025, 1, 1),
    datetime(2025, 3, 31, 23, 59, 59, 999_999),
    datetime(2025, 4, 1),
    datetime(2025, 6, 30, 23, 30),
    datetime(2025, 7, 1, 0, 30),
]


@pytest.mark.parametrize("bucket", BUCKETS)
def test_buckets_are_cut_at_their_edges(folder, bucket):
    size = len(EDGES)
    given, roles = binary(
        y=("INTEGER", [i % 2 for i in range(size)]), p=("INTEGER", [1] * size), t=("TIMESTAMP", EDGES)
    )
    made = opened(folder, given, task="binary", roles=roles)
    cube = made.ask(Query("m", frozenset({"decisions"}), bucket=bucket)).cube
    places = [int(text) for text in cube.groups["k0"].to_list()]
    assert places == sorted(places)
    wanted = Counter(BUCKETS[bucket](moment) for moment in EDGES)
    assert dict(zip(places, cube.rows.tolist(), strict=True)) == {
        bucket_place(start, bucket): n for start, n in wanted.items()
    }


@pytest.mark.parametrize(("day", "hours"), [("2025-03-30", 23), ("2025-10-26", 25), ("2025-07-01", 24)])
def test_a_day_has_its_own_hours_where_clocks_change(folder, day, hours):
    """One row an hour in UTC: a local day holds 23, 24 or 25 of them."""
    first = datetime.fromisoformat(day) - timedelta(days=2)
    moments = [f"{first + timedelta(hours=h)}+00" for h in range(96)]
    given, roles = binary(
        y=("INTEGER", [h % 2 for h in range(96)]),
        p=("INTEGER", [1] * 96),
        t=("TIMESTAMP WITH TIME ZONE", moments),
    )
    made = opened(folder, given, task="binary", roles=roles.with_(zone="Europe/Vienna"))
    one = datetime.fromisoformat(day).date()
    assert made.ask(Query("m", frozenset(), period=Period(one, one))).cube.rows.tolist() == [hours]


def test_rows_without_a_time_are_in_no_period_and_a_bucket_of_their_own(folder):
    given, roles = binary(
        y=("INTEGER", [0, 1, 1]), p=("INTEGER", [1, 1, 1]), t=("DATE", ["2026-01-01", None, "2026-01-03"])
    )
    made = opened(folder, given, task="binary", roles=roles)
    assert made.ask(Query("m", frozenset())).cube.rows.sum() == 3
    days = made.ask(Query("m", frozenset(), bucket="day")).cube
    assert days.rows.tolist() == [1, 1, 1]
    assert days.groups["k0"].to_list()[-1] is None
    assert made.ask(Query("m", frozenset(), period=Period(datetime(2026, 1, 1).date()))).cube.rows.sum() == 2


def test_without_a_time_column_there_are_no_periods(folder):
    given, roles = binary(y=("INTEGER", [0, 1]), p=("INTEGER", [1, 1]))
    made = opened(folder, given, task="binary", roles=roles)
    with pytest.raises(BadRequest, match="no time column"):
        made.ask(Query("m", frozenset(), bucket="day"))


def test_a_cancelled_question_stops(folder):
    given, roles = table("binary", False)
    made = facts(folder, given, task="binary", roles=roles)
    stop = threading.Event()
    stop.set()
    slow = "SELECT count(*) AS n FROM range(100000) a, range(100000) b WHERE hash(a.range, b.range) % 7 = 3"
    with pytest.raises(Interrupted):
        folder.engine.rows(made, slow, stop)


def test_many_threads_ask_at_once_and_all_get_the_same(asked):
    made, answers = asked("binary", False), []

    def ask(place):
        query = Query("m", frozenset({"scores", "decisions"}), by=(("region", "flag")[place % 2],))
        answers.append((place % 2, made.ask(query).cube.confusion.n.tolist()))

    threads = [threading.Thread(target=ask, args=(place,)) for place in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 12
    for side in (0, 1):
        said = [n for which, n in answers if which == side]
        assert all(each == said[0] for each in said)


ZONED = """
import sys
from pathlib import Path
from analysis.core.roles import ModelColumns, Roles
from analysis.engine.query import Query
from tests.engine.making import Folder, Table, opened
folder = Folder(Path(sys.argv[1]))
moments = [f"2026-01-0{1 + i % 3} 0{i}:30:00+00" for i in range(9)]
table = Table({"y": ("INTEGER", [i % 2 for i in range(9)]), "p": ("INTEGER", [1] * 9),
               "when": ("TIMESTAMP WITH TIME ZONE", moments)})
made = opened(folder, table, task="binary", roles=Roles(label="y", models=(ModelColumns("m", "p"),)))
print(sorted(made.ask(Query("m", frozenset({"decisions"}), by=("when",))).cube.groups["k0"].to_list()))
"""


def test_moments_are_shown_in_utc_wherever_the_machine_is(tmp_path):
    said = []
    for zone in ("UTC", "America/New_York"):
        place = tmp_path / zone.replace("/", "-")
        place.mkdir()
        done = subprocess.run(
            [sys.executable, "-c", ZONED, str(place)],
            env={**os.environ, "TZ": zone, "PYTHONPATH": os.getcwd()},
            capture_output=True,
            text=True,
            check=True,
        )
        said.append(done.stdout)
    assert said[0] == said[1]
    assert "'2026-01-01 00:30:00'" in said[0]


def test_regression_and_multiclass_without_a_label_can_be_grouped(folder):
    given = Table({"p": ("DOUBLE", [1.0, 2.0, 3.0]), "g": ("VARCHAR", ["a", "b", "a"])})
    made = opened(folder, given, task="regression", roles=Roles(models=(ModelColumns("m", "p"),)))
    frame = measure(made, by=["g"]).frame
    assert frame.filter(metric="missing_prediction_rate")["value"].to_list() == [0, 0]
    frame = frame.filter(pl.col("metric") != "missing_prediction_rate")
    assert frame["value"].null_count() == len(frame)
    assert all("no label" in reason for reason in frame["reason"])
