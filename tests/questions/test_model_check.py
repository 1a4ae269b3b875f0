"""The check of a model: what it says of good models, of wrong ones, and of those that cannot answer."""

import re

import numpy as np
import polars as pl
import pytest

from analysis import questions
from analysis.core import words
from analysis.core.classorder import class_order
from analysis.core.errors import LimitReached, ModelFailed
from analysis.core.expression import parse
from analysis.core.model import NUMBER, Answers, Input, Model, Scorer
from analysis.core.roles import ModelColumns, Roles
from analysis.engine.duckdb import Engine
from analysis.metrics import agreement
from analysis.store import datasets, evaluations

SIZE = 3000
INPUTS = (Input("pay", NUMBER), Input("region"), Input("years", NUMBER))


def chance(frame):
    """The positive class's score, of columns pay, region, years."""
    pay, region, years = (column.to_numpy() for column in frame.get_columns())
    return 1 / (1 + np.exp(-(0.3 * pay + 0.7 * (region == "West") - 0.2 * years)))


@pytest.fixture(scope="module")
def opened(kept, tmp_path_factory):
    """{task: an evaluation one can ask}."""
    rng = np.random.default_rng(11)
    rows = pl.DataFrame(
        {
            "case": [f"C{at}" for at in range(SIZE)],
            "pay": rng.normal(size=SIZE).round(6),
            "region": rng.choice(["West", "East"], SIZE),
            "years": rng.integers(0, 9, SIZE),
        }
    )
    score = chance(rows.select("pay", "region", "years"))
    three = np.column_stack([score * 0.5, 1 - score, score * 0.5])
    gap = np.where(np.arange(SIZE) % 10 == 0, None, score)
    rows = rows.with_columns(
        pl.Series("paid", np.where(rng.uniform(size=SIZE) < score, "yes", "no")),
        pl.Series("score", score),
        pl.Series("other", gap.astype(float)),
        pl.Series("said", np.where(score >= 0.5, "yes", "no")),
        pl.Series("grade", rng.choice(["a", "b", "c"], SIZE)),
        *(pl.Series(f"of_{name}", three[:, at]) for at, name in enumerate("abc")),
        pl.Series("amount", rng.normal(100, 20, SIZE)),
        pl.Series("forecast", (1000 * score).round(2)),
    )
    file = tmp_path_factory.mktemp("check") / "cases.csv"
    rows.write_csv(file)
    dataset, _ = datasets.ingest(kept, file, name="cases")
    base = Roles(id=("case",), features=("pay", "region", "years"), positive="yes")
    plans = {
        "binary": base.with_(
            label="paid",
            models=(ModelColumns("m", scores=((None, "score"),)), ModelColumns("gap", scores=((None, "other"),))),
        ),
        "decided": base.with_(label="paid", models=(ModelColumns("m", prediction="said"),)),
        "multiclass": base.with_(
            label="grade",
            models=(ModelColumns("m", scores=tuple((name, f"of_{name}") for name in "abc")),),
            positive=None,
        ),
        "regression": base.with_(label="amount", models=(ModelColumns("m", prediction="forecast"),), positive=None),
    }
    engine = Engine(kept)
    made = {}
    for name, roles in plans.items():
        task = "binary" if name == "decided" else name
        made[name] = engine.open(evaluations.create(kept, dataset, name=f"c {name}", task=task, roles=roles)[0])
    return made


def scorer(predict, **changes):
    """A model of this test's own. predict: of a frame of pay, region, years."""
    facts = {"inputs": INPUTS, "classes": ("no", "yes"), "libraries": {"none": "1"}} | changes
    return Scorer(Model("id", "own", 1, "onnx", "f" * 64, "own.onnx", 10, **facts), predict)


def two(score, classes=("no", "yes"), labels=None):
    return Answers(np.column_stack([1 - score, score]), classes, labels)


def right(frame):
    return two(chance(frame))


def row(result, code, model=None):
    rows = result.frame.filter(pl.col("code") == code)
    return (rows if model is None else rows.filter(pl.col("model") == model)).row(0, named=True)


def test_a_model_that_made_the_scores(opened):
    result = questions.model_check(opened["binary"], scorer(lambda frame: two(chance(frame))))
    assert result.frame.filter(pl.col("outcome") == "found").is_empty()
    found = row(result, "M04", "m")
    assert (found["value"], found["n"], found["high"]) == (1.0, 2000, 1.0)
    assert found["low"] == pytest.approx(2000 / (2000 + 1.959964**2))
    assert result.sentence.startswith("own@1 reproduces the recorded predictions of m: 100.0% of 2,000 rows agree")
    assert result.receipt.options["model_fingerprint"] == "f" * 64
    assert result.receipt.options["features"] == ["pay", "region", "years"]
    assert result.receipt.options["libraries"] == {"none": "1"}
    used = {each.model: (each.rows, each.used) for each in result.receipt.used}
    assert used["m"] == (2000, 2000)
    assert used["gap"][1] == row(result, "M04", "gap")["n"] < 2000
    assert len(result.frames["differences"]) == 0
    assert len(result.frames["pairs"].filter(pl.col("model") == "m")) == 2000


def test_the_same_rows_are_drawn_again_and_they_spread_over_the_file(opened):
    seen = []

    def predict(frame):
        seen.append(frame)
        return two(chance(frame))

    first, again, other = (
        questions.model_check(opened["binary"], scorer(predict), limit=500, seed=seed).frames["pairs"]["row"]
        for seed in (0, 0, 1 << 31)
    )
    assert first.to_list() == again.to_list() != other.to_list()
    rows = np.sort(first.to_numpy()[:500])
    assert len(set(rows.tolist())) == 500
    assert np.bincount(rows * 10 // SIZE, minlength=10).tolist() == pytest.approx([50] * 10, abs=3)


def test_its_numbers_are_those_of_numpy(opened):
    def predict(frame):
        score = chance(frame)
        return two(np.where(np.arange(len(score)) % 4 == 0, score**2, score))

    result = questions.model_check(opened["binary"], scorer(predict), versions=["m"])
    pairs = result.frames["pairs"]
    apart = np.abs(pairs["recorded"].to_numpy() - pairs["answered"].to_numpy())
    assert row(result, "M04")["value"] == (apart <= 1e-6).mean()
    assert row(result, "M05")["value"] == apart.max()
    expected = np.corrcoef(pairs["recorded"], pairs["answered"])[0, 1]
    assert row(result, "M06")["value"] == pytest.approx(expected, abs=1e-12)
    assert row(result, "M04")["outcome"] == "found"
    assert "reproduces most but not all" in result.sentence
    worst = result.frames["differences"]
    assert worst["difference"].to_list() == sorted(apart, reverse=True)[: len(worst)]
    assert worst["case"][0] == f"C{pairs['row'][int(apart.argmax())]}"


@pytest.mark.parametrize(
    ("predict", "changes", "code", "said"),
    [
        (lambda frame: two(1 - chance(frame)), {}, "M04", "Its scores are those of the other class: turned round"),
        (lambda frame: two(chance(frame) ** 3), {}, "M04", "Does not reproduce m: .* features are not those it was"),
        (
            lambda frame: two(np.full(len(frame), 0.5)),
            {"inputs": ()},
            "M04",
            "features are given in another order",
        ),
        (lambda frame: two(np.full(len(frame), np.nan)), {}, "M02", r"no number .* for 2,000 of 2,000 rows\."),
        (lambda frame: Answers(np.zeros((len(frame), 0))), {}, "M02", "answers nothing that can be compared"),
        (lambda frame: two(chance(frame), ("l", "r")), {}, "M03", "classes 'l', 'r' are not the evaluation's"),
        (right, {"inputs": (Input("pya"),)}, "M01", "lacks 1 feature of the model: 'pya'. Did you mean 'pay'"),
        (right, {"inputs": (Input("region", NUMBER),)}, "M01", "'region' is text"),
        (right, {"inputs": (), "width": 9}, "M01", "takes 9 features without names; the evaluation has 3"),
    ],
)
def test_what_is_wrong_is_said(opened, predict, changes, code, said):
    result = questions.model_check(opened["binary"], scorer(predict, **changes), versions=["m"])
    found = row(result, code)
    assert found["outcome"] == "found"
    assert re.search(said, found["sentence"]), found["sentence"]
    assert "\n" not in found["sentence"]


@pytest.mark.parametrize("error", [ModelFailed("It raised."), LimitReached("It hung.")])
def test_a_model_that_cannot_answer_is_an_answer(opened, error):
    def predict(frame):
        raise error

    result = questions.model_check(opened["binary"], scorer(predict))
    assert result.sentence == f"own@1 could not be compared with what is recorded. {error}"
    assert row(result, "M02")["outcome"] == "found"


def test_some_nan_is_counted_and_the_rest_compared(opened):
    def predict(frame):
        return two(np.where(np.arange(len(frame)) < 7, np.nan, chance(frame)))

    result = questions.model_check(opened["binary"], scorer(predict), versions=["m"])
    assert row(result, "M02")["value"] == 7
    assert row(result, "M04")["value"] == 1993 / 2000


def test_classes_in_another_order_are_matched_by_name_or_by_the_labels(opened):
    def turned(frame):
        score = chance(frame)
        return Answers(np.column_stack([score, 1 - score]), ("yes", "no"))

    def unnamed(frame):
        score = chance(frame)
        labels = pl.Series(np.where(score > 0.5, "yes", "no"))
        return Answers(np.column_stack([score, 1 - score]), (), labels)

    def one(frame):
        return Answers(chance(frame)[:, None])

    for predict, said in (
        (turned, "names its classes 'yes', 'no'"),
        (unnamed, "By the labels"),
        (one, "one score a row"),
    ):
        result = questions.model_check(opened["binary"], scorer(predict))
        assert row(result, "M04", "m")["outcome"] == "clear", said
        assert said in row(result, "M03")["sentence"]


def test_other_tasks(opened):
    def three(frame):
        score = chance(frame)
        return Answers(np.column_stack([score * 0.5, score * 0.5, 1 - score]), ("c", "a", "b"))

    def forecast(frame):
        return Answers(1000 * chance(frame)[:, None])

    result = questions.model_check(opened["multiclass"], scorer(three, classes=("c", "a", "b")))
    assert row(result, "M04")["value"] == 1.0
    result = questions.model_check(
        opened["multiclass"], scorer(lambda frame: Answers(three(frame).scores, ("a", "b", "c")))
    )
    assert row(result, "M04")["outcome"] == "found"
    result = questions.model_check(opened["regression"], scorer(forecast, classes=()))
    assert row(result, "M04")["value"] == 1.0
    assert "within 0.005" in result.sentence  # the forecasts were written with two decimals
    result = questions.model_check(opened["regression"], scorer(lambda frame: Answers(forecast(frame).scores + 0.02)))
    assert row(result, "M04")["value"] < 0.01
    result = questions.model_check(opened["regression"], scorer(lambda frame: two(chance(frame))))
    assert "2 scores a row where one number is forecast" in row(result, "M02")["sentence"]
    labels = lambda frame: two(chance(frame), labels=pl.Series(np.where(chance(frame) >= 0.5, "YES", "NO")))  # noqa: E731
    result = questions.model_check(opened["decided"], scorer(labels))
    assert row(result, "M04")["value"] == 1.0
    assert result.frame.filter(pl.col("code").is_in(["M05", "M06"])).is_empty()


def test_only_the_rows_asked_for(opened):
    def predict(frame):
        assert set(frame["v1"]) == {"West"}
        return two(chance(frame))

    where = parse("region = 'West'", columns=opened["binary"].facts.types())
    result = questions.model_check(opened["binary"], scorer(predict), where=where)
    assert result.receipt.options["where"] == "region = 'West'"
    none = parse("region = 'Nowhere'", columns=opened["binary"].facts.types())
    result = questions.model_check(opened["binary"], scorer(predict), where=none)
    assert row(result, "M02")["outcome"] == "not applicable"


def test_every_number_of_the_sentence_is_in_the_frame(opened):
    result = questions.model_check(opened["binary"], scorer(lambda frame: two(chance(frame) * 0.9)), versions=["m"])
    agreed, apart = row(result, "M04"), row(result, "M05")
    assert words.number(agreed["value"], "share") in result.sentence
    assert f"{agreed['n']:,} rows" in result.sentence
    assert words.significant(apart["value"]) in result.sentence
    assert agreed["method"].rpartition(" ")[2] in result.sentence


def test_rounding_is_found_where_it_is_and_nowhere_else():
    values = np.random.default_rng(0).uniform(size=500)
    assert agreement.rounding(values) == 0
    for decimals in (2, 3, 4, 5):
        assert agreement.rounding(values.round(decimals)) == pytest.approx(0.5 * 10.0**-decimals, abs=2e-8)
    assert agreement.rounding(values.round(7)) == 0
    assert agreement.rounding((values > 0.5).astype(float)) == 0
    assert agreement.rounding(np.arange(500.0)) == pytest.approx(0.005, abs=2e-8)


def test_learned_classes_must_be_settled():
    scores = np.array([[0.9, 0.1], [0.2, 0.8], [0.7, 0.3]])
    settled = class_order(Answers(scores, (), pl.Series(["b", "a", "b"])), ("a", "b"))
    assert (settled.places, settled.how) == ((1, 0), "learned")
    torn = class_order(Answers(scores, (), pl.Series(["b", "a", "a"])), ("a", "b"))
    assert (torn.places, torn.how, torn.sound) == ((0, 1), "assumed", True)
    missing = class_order(Answers(scores, ("a", "x")), ("a", "b"))
    assert (missing.places, missing.sound) == ((0, -1), False)
