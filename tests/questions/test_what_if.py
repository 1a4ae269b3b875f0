"""One row otherwise: against models written out here, and against brute force over the rows."""

import numpy as np
import polars as pl
import pytest

from analysis import questions
from analysis.core.background import Feature
from analysis.core.cutoffs import Band, ByGroup
from analysis.core.errors import BadRequest, ModelFailed, NotFound, UnknownName
from analysis.core.evaluation import EvalColumn
from analysis.core.model import NUMBER, Answers, Input, Model, Scorer
from analysis.core.roles import ModelColumns, Roles
from analysis.engine import background
from analysis.engine.changing import changeable, place, read, said
from analysis.engine.duckdb import Engine
from analysis.store import datasets, evaluations

SIZE = 1500
NAMES = ("pay", "region", "years", "age")


def chance(frame):
    """The positive class's score of columns pay, region, years, age; a gap in years counts as 3."""
    pay, region, years, age = frame.get_columns()
    years = years.cast(pl.Float64).fill_null(3.0).to_numpy()
    west = (region == "West").fill_null(False).to_numpy()
    return 1 / (1 + np.exp(-(0.9 * pay.to_numpy() + 0.7 * west - 0.3 * years + 0.02 * (age.to_numpy() - 40))))


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(17)
    made = pl.DataFrame(
        {
            "case": [f"C{at}" for at in range(SIZE)],
            "pay": rng.normal(size=SIZE).round(3),
            "region": rng.choice(["West", "East", "South"], SIZE),
            "years": pl.Series(np.where(rng.uniform(size=SIZE) < 0.1, -1, rng.integers(0, 9, SIZE))),
            "age": rng.integers(18, 70, SIZE),
        }
    ).with_columns(pl.when(pl.col("years") >= 0).then("years").alias("years"))
    score = chance(made.select(NAMES))
    return made.with_columns(
        pl.Series("score", score),
        pl.Series("said", np.where(score >= 0.4, "yes", "no")),
        pl.Series("paid", np.where(rng.uniform(size=SIZE) < score, "yes", "no")),
        pl.Series("amount", 100 * score),
        pl.Series("forecast", 90 * score),
        *(pl.Series(name, rng.choice(["a", "b", "c"], SIZE)) for name in ("grade", "graded")),
    )


@pytest.fixture(scope="module")
def opened(kept, rows, tmp_path_factory):
    """{task: an evaluation one can ask}."""
    file = tmp_path_factory.mktemp("whatif") / "cases.csv"
    rows.write_csv(file)
    dataset, _ = datasets.ingest(kept, file, name="whatif")
    base = Roles(id=("case",), features=NAMES, positive="yes", label="paid", protected=("age",))
    plans = {
        "binary": base.with_(models=(ModelColumns("m", prediction="said", scores=((None, "score"),)),)),
        "regression": base.with_(label="amount", models=(ModelColumns("m", prediction="forecast"),), positive=None),
        "multiclass": base.with_(label="grade", models=(ModelColumns("m", prediction="graded"),), positive=None),
    }
    engine = Engine(kept)
    return {
        task: engine.open(evaluations.create(kept, dataset, name=f"w {task}", task=task, roles=roles)[0])
        for task, roles in plans.items()
    }


def scorer(predict=chance, **changes):
    inputs = tuple(Input(name, NUMBER if name != "region" else "any") for name in NAMES)
    facts = {"inputs": inputs, "classes": ("no", "yes"), "libraries": {"none": "1"}} | changes

    def answer(frame):
        said = predict(frame)
        return said if isinstance(said, Answers) else Answers(np.column_stack([1 - said, said]), ("no", "yes"))

    return Scorer(Model("id", "m", 1, "onnx", "f" * 64, "m.onnx", 10, **facts), answer)


def one(rows, case, **changes):
    """The score of a row with changes, by itself."""
    row = rows.filter(pl.col("case") == case).select(NAMES)
    return float(chance(row.with_columns(pl.lit(value).alias(name) for name, value in changes.items()))[0])


def test_what_if_alone_and_together(opened, rows):
    calls = []

    def counted(frame):
        calls.append(len(frame))
        return chance(frame)

    changes = {"pay": "-2.5", "region": "North", "years": "", "age": "99"}
    result = questions.what_if(opened["binary"], scorer(counted), row="C7", changes=changes)
    assert calls == [6]
    values = {"pay": -2.5, "region": "North", "years": None, "age": 99}
    for row in result.frame.iter_rows(named=True):
        name = row["feature"]
        assert row["alone"] == pytest.approx(one(rows, "C7", **{name: values[name]}), abs=1e-12)
        assert row["change"] == pytest.approx(row["alone"] - one(rows, "C7"), abs=1e-12)
    places = dict(result.frame.select("feature", "where").iter_rows())
    assert places == {"pay": "observed", "region": "new", "years": "missing", "age": "above all"}
    together = result.frames["together"]
    assert together["prediction"].to_list() == pytest.approx([one(rows, "C7"), one(rows, "C7", **values)], abs=1e-12)
    assert together["recorded"][0] == pytest.approx(one(rows, "C7"), abs=1e-12)
    spare = together["prediction"][1] - together["prediction"][0] - result.frame["change"].sum()
    assert together["shared"][1] == pytest.approx(spare, abs=1e-12)
    assert together["high"][0] == rows.filter(pl.col("said") == "yes")["score"].min()
    assert "region North is in no row of the data" in result.sentence
    assert result.frames["lies"].filter(pl.col("feature") == "region")["share"].sum() == pytest.approx(1)
    years = result.frames["lies"].filter(pl.col("feature") == "years")
    assert years["share"].sum() == pytest.approx(1)
    assert years["share"][0] == pytest.approx((rows["years"] == 0).sum() / rows["years"].count(), abs=0.05)


def test_what_if_refuses_in_a_sentence(opened):
    ask = questions.what_if
    with pytest.raises(BadRequest, match="'pay' holds numbers; 'much' is not a number"):
        ask(opened["binary"], scorer(), row="C7", changes={"pay": "much"})
    with pytest.raises(UnknownName, match="Did you mean 'region'"):
        ask(opened["binary"], scorer(), row="C7", changes={"regoin": "West"})
    with pytest.raises(BadRequest, match="does not take 'paid'"):
        ask(opened["binary"], scorer(), row="C7", changes={"paid": "yes"})
    with pytest.raises(NotFound, match="has the id 'nobody'"):
        ask(opened["binary"], scorer(), row="nobody", changes={})
    with pytest.raises(ModelFailed, match="no number for row C7"):
        ask(opened["binary"], scorer(lambda frame: np.full(len(frame), np.nan)), row="C7", changes={})
    as_it_is = questions.what_if(opened["binary"], scorer(), row="C7", changes={"region": ""})
    assert "never missing" in as_it_is.frame["where"][0]
    half = questions.what_if(
        opened["binary"],
        scorer(lambda frame: np.where(frame["v3"].to_numpy() > 90, np.nan, chance(frame))),
        row="C7",
        changes={"age": "95", "pay": "0"},
    )
    assert "gives no number (nan)" in half.sentence
    assert half.frame.filter(pl.col("feature") == "pay")["alone"][0] is not None


def test_values_are_read_as_the_column_has_them(opened):
    facts = opened["binary"].facts
    lies = background.of(opened["binary"], NAMES)
    whole, number, text = (facts.column(name) for name in ("age", "pay", "region"))
    assert [read(whole, each, lies.feature("age")) for each in ("40", " 40.5 ", "Missing", "")] == [
        40,
        40.5,
        None,
        None,
    ]
    assert read(number, "1e3", lies.feature("pay")) == 1000
    assert read(text, "West ", lies.feature("region")) == "West"
    yes = EvalColumn("c0", "old", "BOOLEAN", "values", 2)
    known = Feature("old", "category", 10, 0.0, values=(("true", 6), ("false", 4)))
    assert (read(yes, "true", known), read(yes, "0", known)) == (1.0, 0.0)
    assert (said(yes, 1.0), said(yes, None), place(1.0, known)) == ("true", "missing", "observed")
    day = EvalColumn("c1", "day", "TIMESTAMP", "values", 2)
    assert read(day, "2026-03-01T10:00", Feature("day", "category", 0, 0.0)) == "2026-03-01 10:00:00"
    with pytest.raises(BadRequest, match="finite"):
        read(number, "inf", lies.feature("pay"))


def test_the_cutoff_is_the_one_in_force(opened, rows):
    def ends(threshold):
        case = changeable(opened["binary"], scorer(), "C7", threshold=threshold)
        return case.cutoff.low, case.cutoff.high

    region = rows.filter(pl.col("case") == "C7")["region"][0]
    assert ends(Band(0.2, 0.6)) == (0.2, 0.6)
    assert ends(0.7) == (0.7, 0.7)
    assert ends(ByGroup(0.3, "region", ((region, 0.55),))) == (0.55, 0.55)
    assert ends(ByGroup(0.3, "region", (("elsewhere", 0.55),))) == (0.3, 0.3)


def test_what_if_of_a_forecast_and_of_classes(opened, rows):
    forecast = questions.what_if(
        opened["regression"], scorer(lambda f: Answers(100 * chance(f)[:, None])), row="C3", changes={"pay": "2"}
    )
    assert forecast.frame["alone"][0] == pytest.approx(100 * one(rows, "C3", pay=2.0))
    assert forecast.frame["decision"].to_list() == [None]
    three = lambda f: Answers(np.column_stack([chance(f), 1 - chance(f), 0 * chance(f)]), ("a", "b", "c"))  # noqa: E731
    named = questions.what_if(opened["multiclass"], scorer(three), row="C3", changes={"pay": "2"}, cls="b")
    assert named.frame["alone"][0] == pytest.approx(1 - one(rows, "C3", pay=2.0))
    assert named.frame["decision"].to_list() == ["a"]
    with pytest.raises(UnknownName):
        questions.what_if(opened["multiclass"], scorer(three), row="C3", changes={}, cls="z")


@pytest.mark.parametrize("case", ["C7", "C20"])
@pytest.mark.parametrize("threshold", [None, 0.6])
def test_the_smallest_turn_is_the_smallest_by_brute_force(opened, rows, case, threshold):
    calls = []

    def counted(frame):
        calls.append(len(frame))
        return chance(frame)

    result = questions.flip(opened["binary"], scorer(counted), row=case, threshold=threshold, protected=True)
    assert len(calls) == 1
    cut = rows.filter(pl.col("said") == "yes")["score"].min() if threshold is None else threshold
    cut = result.frames["state"]["prediction"][0] if cut is None else cut
    own = rows.filter(pl.col("case") == case).row(0, named=True)
    before = one(rows, case) >= cut
    expected = {}
    for name in NAMES:
        observed = rows[name].drop_nulls()
        if name == "region":
            turned = [v for v in observed.unique() if (one(rows, case, region=v) >= cut) != before]
            expected |= {name: 1.0} if turned else {}
            continue
        low, high = (
            observed.cast(pl.Float64).quantile(0.05, "linear"),
            observed.cast(pl.Float64).quantile(0.95, "linear"),
        )
        steps = np.quantile(observed.to_numpy(), np.arange(101) / 100, method="inverted_cdf")
        away = [
            1.0 if own[name] is None else abs(v - own[name]) / (high - low)
            for v in steps.tolist()
            if (one(rows, case, **{name: v}) >= cut) != before
        ]
        expected |= {name: min(away)} if away else {}
    assert dict(result.frame.select("feature", "change").iter_rows()) == pytest.approx(expected, abs=1e-9)
    assert result.frame["change"].is_sorted()
    assert expected


def test_turns_leave_out_what_cannot_change(opened):
    result = questions.flip(opened["binary"], scorer(), row="C7", fixed=["region"])
    why = dict(result.frames["tried"].select("feature", "why").iter_rows())
    assert (why["age"], why["region"]) == ("a protected attribute", "held fixed")
    assert not {"age", "region"} & set(result.frame["feature"])
    same = questions.flip(opened["binary"], scorer(lambda frame: np.full(len(frame), 0.9)), row="C7")
    assert not len(same.frame)
    assert same.sentence.startswith("No single change turns row C7")
    with pytest.raises(BadRequest, match="is a forecast"):
        questions.flip(opened["regression"], scorer(), row="C7")


def gower(rows, case):
    """(SIZE,) distances of all rows to one."""
    own = rows.filter(pl.col("case") == case).row(0, named=True)
    parts = []
    for name in NAMES:
        column = rows[name]
        if name == "region":
            parts.append((column != own[name]).cast(pl.Float64).to_numpy())
            continue
        numbers = column.cast(pl.Float64)
        width = numbers.drop_nulls().quantile(0.95, "linear") - numbers.drop_nulls().quantile(0.05, "linear")
        if own[name] is None:
            parts.append(column.is_not_null().cast(pl.Float64).to_numpy())
        else:
            parts.append(((numbers - own[name]).abs() / width).clip(0, 1).fill_null(1.0).to_numpy())
    return np.mean(parts, axis=0)


@pytest.mark.parametrize("by", ["recorded", "model"])
@pytest.mark.parametrize("at", [7, 20, 33])
def test_the_nearest_opposite_is_the_nearest_by_brute_force(opened, rows, by, at):
    result = questions.opposite(opened["binary"], scorer(), row=f"C{at}", by=by, limit=3)
    distance, said = gower(rows, f"C{at}"), rows["said"].to_numpy()
    other = np.flatnonzero(said != said[at])
    nearest = other[np.lexsort((other, distance[other].round(12)))][:3]
    found = result.frame.group_by("row", maintain_order=True).first()
    assert found["distance"].to_numpy() == pytest.approx(distance[nearest], abs=1e-9)
    assert found["row"].to_list() == [f"C{place}" for place in nearest]
    assert set(found["prediction"]) == {said[other[0]]}
    first = result.frame.filter(pl.col("row") == found["row"][0])
    assert first["apart"].mean() == pytest.approx(found["distance"][0], abs=1e-9)
    assert f"is row {found['row'][0]}" in result.sentence


def test_an_opposite_without_a_model_and_without_decisions(opened):
    alone = questions.opposite(opened["binary"], row="C7")
    assert alone.receipt.options["by"] == "recorded"
    assert alone.receipt.options["features"] == list(NAMES)
    strict = questions.opposite(opened["binary"], row="C7", threshold=0.0)
    assert "none of all 1,500 rows is decided otherwise" in strict.sentence
    with pytest.raises(BadRequest, match="is a forecast"):
        questions.opposite(opened["regression"], row="C7")
    with pytest.raises(BadRequest, match="by 'model' where there is one"):
        questions.opposite(opened["binary"], row="C7", by="model")
