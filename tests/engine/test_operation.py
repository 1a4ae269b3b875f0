"""Operation, money, ranks and quantiles from the file to the frame: roles that are there or not, old files, pairs."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from scipy import stats

from analysis.core.evaluation import Evaluation
from analysis.core.roles import ModelColumns, Roles
from analysis.engine.query import Query
from analysis.metrics import METRICS, operational
from analysis.questions import measure, overview
from tests.engine.contract import QUANTILES, ROWS, table
from tests.engine.making import Folder, Table, facts, opened, stored
from tests.engine.test_receipts import agree

BY_ROLE = {"latency": "latency_p95", "cost": "cost_per_prediction", "time": "throughput", "quantile": "interval_width"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = Folder(tmp_path_factory.mktemp("evaluations"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def whole(folder):
    given, roles = table("regression", False)
    return opened(folder, given, task="regression", roles=roles)


def reasons(evaluation, names):
    return measure(evaluation, metrics=names).frame["reason"].to_list()


def test_the_file_holds_quantiles_once_and_the_codes_of_latency_label_and_forecast(folder, whole):
    model, rows = whole.facts.models[0], ROWS["regression", False]
    held = stored(folder, whole.facts)
    for place, (_, name) in enumerate(QUANTILES):
        assert whole.facts.column(name).key == f"z0_{place}"
        assert held[f"z0_{place}"].drop_nulls().sort().to_list() == sorted(
            row[name] for row in rows if row[name] is not None
        )
    assert model.latency_codes == len({row["ms"] for row in rows if row["ms"] is not None})
    assert model.ranked
    for code, value in (("h0", "x0"), ("o", "y"), ("o0", "p0")):
        order = held.select(code, value).drop_nulls().sort(value)
        assert len(order) == held[value].count()
        known = held[value].unique().drop_nulls().sort().to_list()
        assert order[code].to_list() == [known.index(each) for each in order[value]]


def test_what_has_no_column_is_not_offered_and_says_why_when_asked_for(folder):
    given = Table({"y": ("DOUBLE", [1.0, 2.0, 4.0]), "p": ("DOUBLE", [1.5, 2.0, 3.0])})
    bare = opened(folder, given, task="regression", roles=Roles(label="y", models=(ModelColumns("m", "p"),)))
    assert not set(measure(bare).frame["metric"]) & set(BY_ROLE.values())
    wanted = [f"needs a {role} column: give one the role {role}" for role in BY_ROLE]
    assert reasons(bare, list(BY_ROLE.values())) == wanted
    assert not set(overview(bare).frame["metric"]) & set(operational.SECTION)


def test_an_older_file_says_that_it_is_one(folder, whole):
    model = whole.facts.models[0].with_(latency_codes=0, label_quantiles=(), ranked=False)
    older = folder.engine.open(replace(whole.facts, models=(model,)))
    names = ["latency_p50", "quantile_loss", "interval_width", "spearman"]
    assert set(reasons(older, names)) == {"made by an older Assay: save its roles again"}
    assert reasons(older, ["cost_per_prediction", "missing_prediction_rate", "throughput"]) == [None] * 3


def test_facts_from_before_these_columns_load(whole):
    kept = whole.facts.facts()
    for model in kept["models"]:
        for name in ("label_quantiles", "latency_codes", "ranked"):
            del model[name]
    known = {name: getattr(whole.facts, name) for name in ("id", "name", "version", "fingerprint", "task", "roles")}
    loaded = Evaluation.from_facts(kept, **known)
    assert (loaded.models[0].label_quantiles, loaded.models[0].latency_codes, loaded.models[0].ranked) == ((), 0, False)


def test_without_a_label_operation_is_measured_all_the_same(folder):
    given, roles = table("binary", False)
    made = opened(folder, given, task="binary", roles=roles.with_(label=None, positive="yes"))
    found = {row["metric"]: row for row in measure(made).frame.iter_rows(named=True)}
    for name in operational.SECTION[:-1]:
        assert found[name]["value"] is not None, name
    assert found["cost_per_correct_decision"]["reason"] == "no label: nobody knows yet what was right"
    latencies = [row["ms"] for row in ROWS["binary", False] if row["ms"] is not None]
    assert found["latency_p95"]["value"] == pytest.approx(np.quantile(latencies, 0.95))


def test_one_quantile_column_has_a_loss_and_no_interval(folder):
    given, roles = table("regression", False)
    model = replace(roles.models[0], quantiles=QUANTILES[1:2])
    made = opened(folder, given, task="regression", roles=roles.with_(models=(model,)))
    assert reasons(made, ["quantile_loss", "interval_coverage"]) == [None, "needs two quantile columns"]


def test_a_cost_that_is_no_number_is_refused_in_words(folder):
    given, roles = table("binary", False)
    made = opened(folder, given, task="binary", roles=roles.with_(cost="region"))
    assert reasons(made, ["cost_per_prediction"]) == ["the cost column 'region' holds ENUM, not numbers"]


@pytest.mark.parametrize("task", ["binary", "regression"])
def test_over_time_the_total_is_that_of_all_rows(folder, task):
    given, roles = table(task, True)
    made = opened(folder, given, task=task, roles=roles)
    names = [name for name in (*operational.SECTION, "spearman", "quantile_loss") if task in METRICS.get(name).tasks]
    timed, plain = overview(made, metrics=names), measure(made, metrics=names)
    assert set(timed.frames["trend"]["metric"]) == set(names)
    for name in ("value", "low", "high", "n"):
        found, wanted = (
            each.frame.sort("metric")[name].cast(pl.Float64).fill_null(np.nan).to_numpy() for each in (timed, plain)
        )
        np.testing.assert_allclose(found, wanted, rtol=1e-12)


@pytest.fixture(scope="module")
def many(folder):
    """More distinct labels and forecasts than codes, in three groups."""
    random = np.random.default_rng(3)
    label = random.normal(size=20_000)
    forecast = label + random.normal(size=20_000)
    columns = {"y": ("DOUBLE", label.tolist()), "p": ("DOUBLE", forecast.tolist())}
    given = Table({**columns, "g": ("INTEGER", (np.arange(20_000) % 3).tolist())})
    return opened(folder, given, task="regression", roles=Roles(label="y", models=(ModelColumns("m", "p"),)))


@pytest.mark.parametrize("by", [(), ("g",)])
def test_the_rank_correlation_of_coarse_codes_is_as_near_as_it_says(folder, monkeypatch, many, by):
    result = measure(many, metrics=["spearman"], by=by)
    held = stored(folder, many.facts)
    frame = result.frame.sort("g") if by else result.frame
    for place, row in enumerate(frame.iter_rows(named=True)):
        mine = held.filter(pl.col(many.facts.column("g").key) == place) if by else held
        true = stats.spearmanr(mine["y"], mine["p0"]).statistic
        assert 0 < abs(row["value"] - true) <= row["bound"] < 2e-3
        assert row["value"] == pytest.approx(true, abs=1e-5)
    monkeypatch.chdir(folder.root)
    assert agree(result, list(by)) == len(result.frame)


def test_of_two_versions_costs_and_ranks_are_those_of_the_rows_both_answered(folder):
    one, two = ([1.0, 2.0, None, 4.0, 3.0], [2.0, 1.0, 3.0, None, 4.0])
    given = Table(
        {
            "y": ("DOUBLE", [1.0, 2.0, 3.0, 4.0, None]),
            "a": ("DOUBLE", one),
            "b": ("DOUBLE", two),
            "cost": ("DOUBLE", [1.0, 2.0, 4.0, 8.0, 16.0]),
        }
    )
    models = (ModelColumns("a", "a"), ModelColumns("b", "b"))
    made = opened(folder, given, task="regression", roles=Roles(label="y", models=models, cost="cost"))
    needs = frozenset({"over:costs", "over:answers", "rank_products"})
    cube = made.ask(Query("a", needs, other="b")).cube
    assert cube.over["costs"].s["cost"][0] == 1 + 2 + 16
    assert cube.rank_products.n[0] == 2
    assert cube.over["answers"].s["unanswered"][0] == 1


def test_a_row_with_the_scores_of_every_class_is_answered_without_a_label_too(folder):
    given, roles = table("multiclass", False)
    made = facts(folder, given, task="multiclass", roles=roles)
    answered = [row for row in ROWS["multiclass", False] if row["p"] is not None or row["s_a"] is not None]
    assert made.models[0].scored == len(answered)
