"""Effects: the difference is that of measuring twice, and its interval holds what it should."""

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, f1_score, recall_score, roc_auc_score

from analysis.core.expression import parse
from analysis.engine import effects
from analysis.metrics import METRICS
from tests.engine.making import Folder, binary, opened

ORACLES = {
    "roc_auc": lambda y, p, s: roc_auc_score(y, s),
    "accuracy": lambda y, p, s: accuracy_score(y, p),
    "recall": lambda y, p, s: recall_score(y, p),
    "f1": lambda y, p, s: f1_score(y, p),
    "brier": lambda y, p, s: np.mean((s - y) ** 2),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = Folder(tmp_path_factory.mktemp("nested"))
    yield made
    made.close()


def drawn(seed: int, n: int = 600) -> dict[str, np.ndarray]:
    """Rows of which a third is bad: there the score says less."""
    random = np.random.default_rng(seed)
    bad = random.random(n) < 0.3
    truth = random.beta(2, 2, n)
    score = np.where(bad, random.beta(2, 2, n), truth).round(3)
    return {"y": (random.random(n) < truth).astype(int), "s": score, "p": (score >= 0.5).astype(int), "bad": bad}


def effect(folder: Folder, rows: dict[str, np.ndarray], metric: str, units: int = 0):
    kinds = {"y": "INTEGER", "p": "INTEGER", "s": "DOUBLE", "bad": "BOOLEAN"}
    columns = {name: (kind, rows[name].tolist()) for name, kind in kinds.items()}
    if units:
        columns["unit"] = ("INTEGER", (np.arange(len(rows["y"])) % units).tolist())
    table, roles = binary(**columns)
    roles = roles.with_(positive="1", unit="unit" if units else None)
    evaluation = opened(folder, table, task="binary", roles=roles)
    where = parse("bad = true", columns=evaluation.facts.types())
    return effects.effect(evaluation, METRICS.get(metric), evaluation.facts.models[0], where, None, 0.95)


@pytest.mark.parametrize("metric", ORACLES)
@pytest.mark.parametrize("units", [0, 200])
def test_values_are_those_of_measuring_each_set_of_rows(folder, metric, units):
    rows = drawn(3)
    made = effect(folder, rows, metric, units)
    for found, kept in (
        (made.values.over_all, np.ones(len(rows["y"]), bool)),
        (made.values.without, ~rows["bad"]),
        (made.values.alone, rows["bad"]),
    ):
        assert found.value[0] == pytest.approx(ORACLES[metric](*(rows[name][kept] for name in "yps")), abs=1e-9)
    difference = made.values.difference
    assert difference.value[0] == pytest.approx(made.values.over_all.value[0] - made.values.without.value[0])
    if metric == "f1" and not units:  # no mean over rows, and no units whose replicates would tell
        assert np.isnan(difference.low[0])
        assert "no mean over rows" in difference.reason[0]
    else:
        assert difference.low[0] < difference.value[0] < difference.high[0]
    wrong = rows["y"] != rows["p"]
    assert made.errors == pytest.approx(wrong[rows["bad"]].sum() / wrong.sum())


def bootstrapped(rows: dict[str, np.ndarray], metric: str, draws: int = 300) -> float:
    """The standard error of the difference by drawing rows anew."""
    random, found = np.random.default_rng(1), []
    for _ in range(draws):
        at = random.integers(0, len(rows["y"]), len(rows["y"]))
        mine = {name: values[at] for name, values in rows.items()}
        kept = {name: values[~mine["bad"]] for name, values in mine.items()}
        whole, rest = (ORACLES[metric](*(each[name] for name in "yps")) for each in (mine, kept))
        found.append(whole - rest)
    return float(np.std(found))


SLOW = pytest.mark.slow


@pytest.mark.parametrize(
    "metric", ["brier", *(pytest.param(name, marks=SLOW) for name in ("roc_auc", "accuracy", "recall"))]
)
def test_the_interval_is_as_wide_as_drawing_rows_anew_says(folder, metric):
    rows = drawn(5, 1500)
    difference = effect(folder, rows, metric).values.difference
    error = (difference.high[0] - difference.low[0]) / (2 * 1.959964)
    assert error == pytest.approx(bootstrapped(rows, metric), rel=0.15)


def test_rows_that_do_not_count_change_nothing(folder):
    rows = drawn(8)
    rows["p"] = rows["p"] * 1
    rows["bad"] = rows["y"] == 0
    made = effect(folder, rows, "recall")
    assert (made.values.difference.value[0], made.values.difference.low[0], made.values.difference.high[0]) == (0, 0, 0)


def test_where_nothing_is_left_the_effect_is_not_known(folder):
    rows = drawn(9)
    rows["bad"] = np.ones(len(rows["y"]), bool)
    difference = effect(folder, rows, "roc_auc").values.difference
    assert np.isnan(difference.value[0])
    assert difference.reason[0].startswith("undefined: ")


@pytest.mark.slow
@pytest.mark.parametrize(("metric", "units"), [("roc_auc", 0), ("accuracy", 0), ("roc_auc", 300)])
def test_nothing_is_called_an_effect_more_often_than_it_may(folder, metric, units):
    """Rows marked at random have no effect: the interval leaves 0 out about once in twenty."""
    out = 0
    for seed in range(200):
        rows = drawn(seed, 900)
        rows["bad"] = np.random.default_rng(seed + 10_000).random(900) < 0.2
        difference = effect(folder, rows, metric, units).values.difference
        out += not difference.low[0] <= 0 <= difference.high[0]
    assert 2 <= out <= 20
