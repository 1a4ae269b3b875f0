"""Surrogates: near what they were fitted to, said to be none but surrogates, the same again when asked again."""

import threading

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import cohen_kappa_score, r2_score

from analysis.core.errors import BadRequest, Interrupted
from analysis.core.model import Model
from analysis.core.roles import ModelColumns, Roles
from analysis.core.surrogate import SurrogateOf, default_features
from analysis.engine import surrogates
from analysis.engine.duckdb import Engine
from analysis.metrics import faithfulness
from analysis.store import datasets, evaluations, fitting, models, workers
from analysis.store.fitting import Lesson

SIZE = 2000


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(5)
    region, pay = rng.choice(["West", "East", "South"], SIZE), rng.normal(size=SIZE).round(3)
    hole = rng.uniform(size=SIZE) < 0.1
    score = 1 / (1 + np.exp(-(pay + 1.5 * (region == "West") - hole)))
    return pl.DataFrame(
        {
            "case": [f"C{at}" for at in range(SIZE)],
            "customer": [f"K{at // 2}" for at in range(SIZE)],
            "region": region,
            "pay": np.where(hole, np.nan, pay),
            "score": score,
            "flat": np.full(SIZE, 0.5),
            "paid": np.where(rng.uniform(size=SIZE) < score, "yes", "no"),
        }
    ).with_columns(pl.col("pay").fill_nan(None))


@pytest.fixture(scope="module")
def space(kept, rows, tmp_path_factory):
    file = tmp_path_factory.mktemp("surrogates") / "cases.csv"
    rows.write_csv(file)
    dataset, _ = datasets.ingest(kept, file, name="surrogates")
    roles = Roles(
        id=("case",),
        label="paid",
        positive="yes",
        unit="customer",
        models=(ModelColumns("m", scores=((None, "score"),)), ModelColumns("flat", scores=((None, "flat"),))),
    )
    evaluations.create(kept, dataset, name="taught", task="binary", roles=roles)
    yield kept
    workers._end_all()


def test_a_surrogate_is_fitted_judged_and_kept_once(space, rows):
    facts = evaluations.find(space, "taught")
    opened = Engine(space).open(facts)
    assert default_features(facts) == ("region", "pay")
    said = []
    made, new = surrogates.make(space, opened, version="m", progress=lambda share, doing: said.append(doing))
    try:
        assert new
        assert (made.kind, made.label, made.evaluation) == ("surrogate", "surrogate-m@1", "taught")
        assert [each.name for each in made.inputs] == ["region", "pay"]
        of = SurrogateOf.from_dict(made.surrogate_of)
        assert (of.version, of.fingerprint, of.measure) == ("m", facts.fingerprint, "R2 of logits")
        assert of.rows + of.fit.n == SIZE
        assert of.fit.n == SIZE // 5
        assert of.fit.low < of.fit.value < of.fit.high
        assert of.faithful
        assert of.sentence().startswith("A surrogate of m in taught@1, not the model itself: on 400 held-out rows R2")
        answers = models.scorer(space, made).predict(rows.select("region", "pay"))
        assert answers.classes == ("no", "yes")
        without = pl.DataFrame({"region": ["West"] * 3, "pay": [None, np.inf, -np.inf]})
        assert len(set(models.scorer(space, made).predict(without).scores[:, 1])) == 1  # infinity is as missing
        away = np.abs(answers.scores[:, 1] - rows["score"].to_numpy())
        assert away.mean() < 0.05
        assert surrogates.make(space, opened, version="m") == (made, False)
        assert len(said) >= 3
        assert Model.from_facts(made.facts(), id="", name="", version=1, kind="", fingerprint="", source="", bytes=0)
    finally:
        models.delete(space, made)


def test_what_cannot_be_fitted_is_told_and_leaves_nothing(space):
    opened = Engine(space).open(evaluations.find(space, "taught"))
    with pytest.raises(BadRequest, match="A surrogate needs 200 rows with a recorded score; m has 100 here"):
        surrogates.make(space, opened, version="m", rows=100)
    for name, role in (("paid", "label"), ("score", "score")):
        with pytest.raises(BadRequest, match=f"'{name}' has the role {role}"):
            surrogates.make(space, opened, version="m", features=["pay", name])
    stop = threading.Event()
    stop.set()
    with pytest.raises(Interrupted):
        surrogates.make(space, opened, version="m", cancelled=stop)
    assert not any(each.surrogate_of for each in models.listed(space))
    assert not list((space.root / "staging").iterdir())


def test_the_same_lesson_gives_the_same_answers(rows, monkeypatch):
    monkeypatch.setattr(fitting, "ROUNDS", 20)
    monkeypatch.setattr(fitting, "LEAST_ROUNDS", 20)
    features, score = rows.select("region", "pay"), rows["score"].to_numpy()
    table = fitting._shown(Lesson(features, score[:, None]))[0]
    numbers = Lesson(features, 100 * score[:, None])
    first, again = (fitting.fitted(numbers, seed=1, threads=1).predict(table) for _ in range(2))
    np.testing.assert_array_equal(first, again)
    assert r2_score(100 * score, first) > 0.9
    three = np.column_stack([score / 2, 1 - score, score / 2])
    made = fitting.fitted(Lesson(features, three, ("a", "b", "c")), seed=1, threads=1)
    assert list(made.classes_) == ["a", "b", "c"]
    assert np.abs(made.predict_proba(table) - three).mean() < 0.1
    with pytest.raises(BadRequest, match="nothing for a surrogate to learn"):
        fitting.fitted(Lesson(features, np.ones((SIZE, 1))), seed=1, threads=1)


def test_units_are_never_on_both_sides(space):
    opened = Engine(space).open(evaluations.find(space, "taught"))
    version = opened.facts.model("m")
    sample, _, _ = surrogates._drawn(opened, version, "score", ("pay",), SIZE, 3)
    held = surrogates._held_out(sample, opened.facts, ("pay",), 3)
    assert held.sum() == SIZE // 5
    assert not set(sample.filter(held)["v1"]) & set(sample.filter(~held)["v1"])


def test_nearness_equals_the_libraries():
    rng = np.random.default_rng(2)
    one = rng.normal(size=(500, 3))
    other = one + rng.normal(scale=0.4, size=(500, 3))
    weight = ((one - one.mean(axis=0)) ** 2).sum(axis=0)
    by_class = r2_score(one, other, multioutput="raw_values")
    found = faithfulness.explained(one, other, level=0.95, seed=0)
    assert found.value == pytest.approx((by_class * weight).sum() / weight.sum(), abs=1e-12)
    assert found.low < found.value < found.high
    said = rng.choice(["a", "b", "c"], 500)
    turned = np.where(rng.uniform(size=500) < 0.2, "a", said)
    assert faithfulness.agreed(said, turned, level=0.95, seed=0).value == pytest.approx(cohen_kappa_score(said, turned))
    apart = faithfulness.apart(one, other, level=0.95)
    assert apart.value == pytest.approx(np.abs(one - other).mean())
    assert faithfulness.same(said, turned, level=0.95).value == (said == turned).mean()


@pytest.mark.slow
def test_the_interval_of_nearness_covers():
    """R2 of a linear answer on normal rows: 1 - noise / variance."""
    rng = np.random.default_rng(9)
    covered = 0
    for at in range(400):
        one = rng.normal(size=(400, 1))
        found = faithfulness.explained(one, one + rng.normal(scale=0.5, size=(400, 1)), level=0.95, seed=at)
        covered += found.low <= 0.75 <= found.high
    assert 0.91 <= covered / 400 <= 0.98
