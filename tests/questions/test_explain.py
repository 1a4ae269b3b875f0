"""The question explain: what it says of models one can see through, of those nobody can explain, and of bad ones."""

import json
import zlib

import numpy as np
import polars as pl
import pytest

from analysis import questions
from analysis.core.errors import BadRequest, ModelFailed, NotFound, UnknownName
from analysis.core.expression import parse
from analysis.core.model import NUMBER, Answers, Input, Model, Scorer
from analysis.core.roles import ModelColumns, Roles
from analysis.engine.duckdb import Engine
from analysis.explaining.asked import explained
from analysis.store import datasets, evaluations
from analysis.telling import explaincharts, explainrows, letter

SIZE = 1500
INPUTS = (Input("pay", NUMBER), Input("region"), Input("years", NUMBER), Input("noise", NUMBER))


@pytest.fixture(scope="module")
def opened(kept, tmp_path_factory):
    """{task: an evaluation one can ask} over the same rows."""
    random = np.random.default_rng(4)
    rows = pl.DataFrame(
        {
            "case": [f"C{at}" for at in range(SIZE)],
            "pay": random.normal(10, 2, SIZE).round(4),
            "region": random.choice(["West", "East", "it's"], SIZE, p=[0.5, 0.3, 0.2]),
            "years": random.integers(0, 9, SIZE),
            "noise": random.normal(size=SIZE).round(4),
        }
    )
    rows = rows.with_columns(pl.when(pl.int_range(SIZE) % 7 == 3).then(None).otherwise(pl.col("years")).alias("years"))
    score = chance(rows.select("pay", "region", "years", "noise"))
    rows = rows.with_columns(
        pl.Series("paid", np.where(random.uniform(size=SIZE) < score, "yes", "no")),
        pl.Series("score", score),
        pl.Series("grade", random.choice(["a", "b", "c"], SIZE)),
        *(pl.Series(f"of_{name}", part) for name, part in zip("abc", thirds(score).T, strict=True)),
        pl.Series("amount", random.normal(100, 20, SIZE)),
        pl.Series("forecast", 1000 * score),
    )
    file = tmp_path_factory.mktemp("explain") / "cases.csv"
    rows.write_csv(file)
    dataset, _ = datasets.ingest(kept, file, name="explained")
    base = Roles(id=("case",), features=("pay", "region", "years", "noise"), positive="yes")
    scores = tuple((name, f"of_{name}") for name in "abc")
    plans = {
        "binary": base.with_(label="paid", models=(ModelColumns("m", scores=((None, "score"),)),)),
        "multiclass": base.with_(label="grade", models=(ModelColumns("m", scores=scores),), positive=None),
        "regression": base.with_(label="amount", models=(ModelColumns("m", prediction="forecast"),), positive=None),
    }
    engine = Engine(kept)
    return {
        task: engine.open(evaluations.create(kept, dataset, name=f"e {task}", task=task, roles=roles)[0])
        for task, roles in plans.items()
    }


def chance(frame):
    """Of pay, region, years, noise: pay and West raise it, years lower it, noise does nothing."""
    pay, region, years, _ = frame.get_columns()
    years = years.cast(pl.Float64).fill_null(2.0).to_numpy()
    inside = 0.3 * (pay.to_numpy() - 10) + 0.9 * (region == "West").to_numpy() - 0.2 * years
    return 1 / (1 + np.exp(-inside))


def thirds(score):
    return np.column_stack([score * 0.5, 1 - score, score * 0.5])


def scorer(answers, mark="f", **changes):
    """A model of this test's own, asked in this process. answers: of a frame of the four features."""
    facts = {"inputs": INPUTS, "classes": ("no", "yes"), "libraries": {"none": "1"}} | changes
    model = Model(mark, "own", 1, "onnx", mark * 64, "own.onnx", 10, **facts)
    return Scorer(model, answers, lambda asked: explained(answers, asked))


def right(frame):
    score = chance(frame)
    return Answers(np.column_stack([1 - score, score]), ("no", "yes"))


def term(result, name):
    return result.frame.row(by_predicate=pl.col("feature") == name, named=True)


def test_a_glass_box_is_explained_and_its_explanation_is_good(opened):
    result = questions.explain(opened["binary"], scorer(right), row="C1")
    summary = explainrows.summary(result)
    assert summary["grade"] == "good", result.frames["checks"].to_dicts()
    assert summary["fit"] > 0.6
    assert result.frame["rank"].to_list() == list(range(1, len(result.frame) + 1))
    assert term(result, "pay")["weight"] > 0
    assert term(result, "pay")["settled"]
    assert term(result, "years")["weight"] < 0
    assert term(result, "years")["settled"]
    assert term(result, "noise")["negligible"]
    assert not term(result, "noise")["settled"]
    for each in result.frame.iter_rows(named=True):
        assert each["low"] <= each["weight"] <= each["high"]
    assert summary["recorded"] == pytest.approx(summary["prediction"], abs=1e-6)
    assert result.sentence.startswith("own@1 gives 0.")
    shown = [each for each in result.frame["text"] if each in result.sentence]
    assert 1 <= len(shown) <= 3
    assert "(largest difference" in " ".join(result.frames["checks"]["sentence"])
    options = result.receipt.options
    assert options["model_fingerprint"] == "f" * 64
    assert options["libraries"].keys() >= {"lime", "numpy", "none"}
    assert len(options["seeds"]) == summary["repeats"] == len(set(options["seeds"]))
    assert options["seeds"][0] == 0


def test_the_same_request_gives_the_identical_answer_also_after_a_restart(opened, kept):
    asked = 0

    def counting(frame):
        nonlocal asked
        asked += len(frame)
        return right(frame)

    first = questions.explain(opened["binary"], scorer(counting, "a"), row="C2", seed=5)
    before = asked
    again = Engine(kept).open(opened["binary"].facts)
    second = questions.explain(again, scorer(counting, "a"), row="C2", seed=5)
    assert asked - before < 2100  # the row itself, and the recorded rows; no neighbours
    assert first.frame.equals(second.frame)
    assert first.sentence == second.sentence
    fresh = questions.explain(again, scorer(right, "b"), row="C2", seed=5)
    assert fresh.frame.equals(first.frame)
    other = questions.explain(again, scorer(right, "b"), row="C2", seed=6)
    assert not other.frame.equals(first.frame)


def test_one_repeat_is_plain_lime(opened):
    result = questions.explain(opened["binary"], scorer(right), row="C3", repeats=1, seed=9, checks=False)
    assert result.frame["low"].null_count() == len(result.frame)
    assert not result.frame["settled"].any()
    assert explainrows.summary(result)["grade"] == "not checked yet"
    more = questions.explain(opened["binary"], scorer(right), row="C3", repeats=4, seed=9)
    runs = more.frames["runs"].filter(pl.col("explanation") == 0)
    same = runs.join(result.frame, on="feature", suffix="_one")
    assert same["weight"].to_list() == same["weight_one"].to_list()
    assert more.receipt.q == 0.01


def test_the_other_class_is_explained_the_other_way_round(opened):
    yes = questions.explain(opened["binary"], scorer(right), row="C4", repeats=1, checks=False)
    no = questions.explain(opened["binary"], scorer(right), row="C4", cls="no", repeats=1, checks=False)
    np.testing.assert_allclose(yes.frame["weight"], -no.frame["weight"], atol=1e-12)

    def single(frame):
        return Answers(chance(frame)[:, None])

    for cls, other in (("yes", yes), ("no", no)):
        one = scorer(single, "c", classes=())
        said = questions.explain(opened["binary"], one, row="C4", cls=cls, repeats=1, checks=False)
        np.testing.assert_allclose(said.frame["weight"], other.frame["weight"], atol=1e-12)

    def labels(frame):
        return Answers(np.empty((len(frame), 0)), labels=pl.Series(np.where(chance(frame) > 0.5, "yes", "no")))

    decided = questions.explain(opened["binary"], scorer(labels, "d", classes=(), scores=False), row="C4")
    assert explainrows.summary(decided)["prediction"] in (0.0, 1.0)
    assert term(decided, "pay")["weight"] > 0


def test_classes_and_forecasts(opened):
    def three(frame):
        return Answers(thirds(chance(frame))[:, ::-1], ("c", "b", "a"))

    preferred = questions.explain(opened["multiclass"], scorer(three, "e", classes=("c", "b", "a")), row="C5")
    row = explainrows.summary(preferred)
    assert row["class"] in ("a", "b")
    assert row["recorded"] == pytest.approx(row["prediction"], abs=1e-6)
    of_b = questions.explain(opened["multiclass"], scorer(three, "e", classes=("c", "b", "a")), row="C5", cls="b")
    assert term(of_b, "pay")["weight"] < 0

    def forecast(frame):
        return Answers(1000 * chance(frame)[:, None])

    result = questions.explain(opened["regression"], scorer(forecast, "g", classes=()), row="C5")
    assert explainrows.summary(result)["class"] == ""
    assert term(result, "pay")["weight"] > 20
    assert explainrows.axis(result, "weight")[1:] == ("← lowers", "raises →")
    with pytest.raises(BadRequest, match="no classes"):
        questions.explain(opened["regression"], scorer(forecast, "g", classes=()), row="C5", cls="b")


def hashed(frame):
    """A score without any shape: a hash of the row."""
    marks = [zlib.crc32(repr(row).encode()) / 2**32 for row in frame.iter_rows()]
    return Answers(np.column_stack([1 - np.array(marks), marks]), ("no", "yes"))


def flat(frame):
    return Answers(np.tile([0.3, 0.7], (len(frame), 1)), ("no", "yes"))


@pytest.mark.parametrize(("model", "why"), [(hashed, "straight line explains only 0."), (flat, "the same answer to")])
def test_what_cannot_be_explained_is_said_instead_of_drawn(opened, model, why):
    result = questions.explain(opened["binary"], scorer(model, "h" if model is hashed else "i"), row="C6")
    row = explainrows.summary(result)
    assert row["grade"] == "cannot explain"
    assert why in row["why"]
    assert "cannot be explained" in result.sentence
    assert " = " not in result.sentence
    assert "cannot be traced" in letter.paragraph(result)
    assert json.loads(explainrows.told(result, True))["grade"] == "cannot explain"


def test_a_model_that_made_other_scores_is_explained_with_care(opened):
    def other(frame):
        score = chance(frame) ** 2
        return Answers(np.column_stack([1 - score, score]), ("no", "yes"))

    result = questions.explain(opened["binary"], scorer(other, "j"), row="C7")
    row = explainrows.summary(result)
    assert row["grade"] == "with care"
    assert "not what was recorded" in row["why"]


def test_neighbours_may_be_drawn_from_a_segment(opened):
    where = parse("pay > 11", columns=opened["binary"].facts.types())
    near = questions.explain(opened["binary"], scorer(right), row="C8", where=where, repeats=1, checks=False)
    wide = questions.explain(opened["binary"], scorer(right), row="C8", repeats=1, checks=False)
    assert term(near, "pay")["weight"] < 0.8 * term(wide, "pay")["weight"]
    assert near.receipt.options["neighbourhood"] == "pay > 11"


def test_what_is_told_is_in_the_frame(opened):
    result = questions.explain(opened["binary"], scorer(right), row="C10")
    said = json.loads(explainrows.told(result, True))
    summary = explainrows.summary(result)
    assert (said["prediction"], said["surrogate"], said["fit"]) == tuple(
        summary[name] for name in ("prediction", "surrogate", "fit")
    )
    assert {"feature", "value", "weight", "low", "high", "settled"} <= said["frame"][0].keys()
    for measure in explainrows.MEASURES:
        bars = explainrows.bars(result, measure)
        assert len(bars) == len(result.frame)
        sizes = bars["value"].abs().to_list()
        assert sizes == sorted(sizes, reverse=True)
        explaincharts.bars(len(bars), *explainrows.axis(result, measure), False, measure == "contribution")
    text = letter.paragraph(result)
    assert "Trust grade: good" in text
    assert "\n" not in text
    assert "E06" in [each["code"] for each in said["frames"]["checks"]]


@pytest.mark.parametrize(
    ("options", "kind", "said"),
    [
        ({"row": "C0x"}, NotFound, "No row"),
        ({"row": "C1", "cls": "maybe"}, UnknownName, "maybe"),
        ({"row": "C1", "samples": 10}, BadRequest, "10 neighbours"),
        ({"row": "C1", "kernel_width": 0.0}, BadRequest, "kernel width"),
        ({"row": "C1", "repeats": 0}, BadRequest, "0 repeats"),
        ({"row": "C1", "seed": -1}, BadRequest, "A seed"),
    ],
)
def test_what_cannot_be_asked_is_refused(opened, options, kind, said):
    with pytest.raises(kind, match=said):
        questions.explain(opened["binary"], scorer(right), **options)


def test_a_model_that_fails_is_a_sentence(opened):
    def broken(frame):
        raise ModelFailed("The model stopped on these rows: no.")

    with pytest.raises(ModelFailed, match="stopped on these rows"):
        questions.explain(opened["binary"], scorer(broken, "k"), row="C1")

    def gaps(frame):
        score = np.where(np.arange(len(frame)) % 3 == 1, np.nan, chance(frame))
        return Answers(np.column_stack([1 - score, score]), ("no", "yes"))

    with pytest.raises(ModelFailed, match="no number"):
        questions.explain(opened["binary"], scorer(gaps, "l"), row="C1")
    lacking = scorer(right, "m", inputs=(*INPUTS, Input("rent", NUMBER)))
    with pytest.raises(BadRequest, match="lacks 1 feature of the model: 'rent'"):
        questions.explain(opened["binary"], lacking, row="C1")


def ring(frame):
    """Near a pay of 10 more pay lowers the score, far from it raises it."""
    pay = (frame.get_columns()[0].to_numpy() - 10) / 2
    score = 0.5 + 0.2 * (2 * np.tanh(1.5 * pay) - 1.5 * np.tanh(4 * pay))
    return Answers(np.column_stack([1 - score, score]), ("no", "yes"))


def test_a_sign_that_turns_with_the_kernel_width_is_named(opened):
    options = {"row": nearest(opened, 10.0), "repeats": 10, "samples": 5000, "kernel_width": 1.0}
    model = scorer(ring, "r")
    result = questions.explain(opened["binary"], model, kernel_widths=(0.5, 1, 3), **options)
    widths = result.frames["widths"].filter(pl.col("feature") == "pay")
    assert widths["times"].to_list() == [0.5, 1.0, 3.0]
    assert widths["width"].to_list() == pytest.approx([0.5, 1.0, 3.0])
    assert widths["settled"][0]
    assert widths["settled"][2]
    assert widths["weight"][0] < 0 < widths["weight"][2]
    check = result.frames["checks"].row(by_predicate=pl.col("check") == "kernel widths", named=True)
    assert check["outcome"] == "found"
    assert check["sentence"].startswith("The sign of pay turns from 0.5 to 3 times the usual kernel width")
    assert result.receipt.options["kernel_widths"] == [0.5, 3.0]
    alone = questions.explain(opened["binary"], model, **options | {"kernel_width": 0.5})
    assert term(alone, "pay")["weight"] == pytest.approx(widths["weight"][0], abs=1e-12)
    steady = questions.explain(opened["binary"], scorer(right), kernel_widths=(0.5, 2), **options)
    said = steady.frames["checks"].row(by_predicate=pl.col("check") == "kernel widths", named=True)
    assert (said["outcome"], said["sentence"]) == (
        "clear",
        "No settled sign turns from 0.5 to 2 times the usual kernel width.",
    )
    assert "widths" not in questions.explain(opened["binary"], model, **options).frames
    with pytest.raises(BadRequest, match="multiples of the usual one"):
        questions.explain(opened["binary"], model, kernel_widths=(0,), **options)


def nearest(opened, pay):
    """The id of the row whose pay is nearest to this."""
    found = questions.rows(opened["binary"], limit=2000).frame
    return found.sort((pl.col("pay") - pay).abs())["case"][0]
