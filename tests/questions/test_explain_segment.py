"""Explaining a segment and a difference: numbers of single explanations, planted truths, work that is not lost."""

import json
import threading
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from scipy import stats

from analysis import questions
from analysis.core.errors import BadRequest, Interrupted, UnknownName
from analysis.core.expression import parse
from analysis.core.model import NUMBER, Answers, Input, Model, Scorer
from analysis.core.roles import ModelColumns, Roles
from analysis.engine import background
from analysis.engine.explanations import Request, RowExplained
from analysis.engine.manyexplained import ManyExplained, Plan
from analysis.explaining.asked import explained
from analysis.questions import Explaining, Flips
from tests.engine.making import Folder, Table, opened

SIZE, SAMPLES = 600, 400
INPUTS = (Input("pay", NUMBER), Input("region"), Input("years", NUMBER), Input("idle", NUMBER))
NAMES = [each.name for each in INPUTS]


def margin(frame):
    """pay counts in West alone; years counts everywhere, idle nowhere."""
    pay, region, years, _ = (column.to_numpy() for column in frame.get_columns())
    return 0.8 * pay * (region == "West") - 0.4 * (np.nan_to_num(years, nan=4.0) - 4)


def right(frame):
    return two(1 / (1 + np.exp(-margin(frame))))


def two(score):
    return Answers(np.column_stack([1 - score, score]), ("no", "yes"), pl.Series(np.where(score >= 0.5, "yes", "no")))


def other(frame):
    """Another model: it looks at pay everywhere."""
    pay, _, years, _ = (column.to_numpy() for column in frame.get_columns())
    return two(1 / (1 + np.exp(-(0.8 * pay - 0.4 * (np.nan_to_num(years, nan=4.0) - 4)))))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = Folder(tmp_path_factory.mktemp("explain_segment"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def cases(folder):
    """{task: an evaluation}; half of the rows are in West."""
    rng = np.random.default_rng(3)
    years = [None if at % 11 == 0 else int(each) for at, each in enumerate(rng.integers(0, 9, SIZE))]
    table = {
        "id": ("VARCHAR", [f"C{at}" for at in range(SIZE)]),
        "pay": ("DOUBLE", rng.normal(size=SIZE).round(6).tolist()),
        "region": ("VARCHAR", rng.choice(["West", "East", "North"], SIZE, p=[0.5, 0.3, 0.2]).tolist()),
        "years": ("BIGINT", years),
        "idle": ("DOUBLE", rng.normal(size=SIZE).tolist()),
        "customer": ("BIGINT", (np.arange(SIZE) // 2).tolist()),
    }
    frame = pl.DataFrame({name: table[name][1] for name in NAMES}).with_columns(pl.col("years").cast(pl.Float64))
    score = right(frame).scores[:, 1]
    table["y"] = ("VARCHAR", np.where(rng.uniform(size=SIZE) < score, "yes", "no").tolist())
    table["s"] = ("DOUBLE", score.tolist())
    table["amount"] = ("DOUBLE", (margin(frame) + rng.normal(size=SIZE)).tolist())
    table["grade"] = ("VARCHAR", rng.choice(list("abc"), SIZE).tolist())
    roles = Roles(id=("id",), label="y", positive="yes", models=(ModelColumns("m", scores=((None, "s"),)),))
    forecast = roles.with_(label="amount", positive=None, models=(ModelColumns("m", prediction="s"),))
    plain = {
        "binary": ("binary", roles),
        "units": ("binary", roles.with_(unit="customer")),
        "regression": ("regression", forecast),
    }
    return {name: opened(folder, Table(table), task=task, roles=each) for name, (task, each) in plain.items()}


def scorer(predict, mark="a", **changes):
    facts = {"inputs": INPUTS, "classes": ("no", "yes"), "libraries": {"none": "1"}} | changes
    model = Model(mark, "own", 1, "onnx", mark * 64, "own.onnx", 10, **facts)
    return Scorer(model, predict, lambda asked: explained(predict, asked))


def west(evaluation):
    return parse("region = 'West'", columns=evaluation.facts.types())


def row(result, feature):
    return result.frame.row(by_predicate=pl.col("feature") == feature, named=True)


def test_what_the_model_uses_in_one_region_only_is_found(cases):
    case = cases["binary"]
    asked = Explaining(west(case), limit=100, samples=SAMPLES)
    result = questions.explain_segment(case, scorer(right), asked)
    pay, years, idle = (row(result, name) for name in ("pay", "years", "idle"))
    assert pay["lean_verdict"] == "leans more"
    assert pay["lean_here"] > 0.08 > 0.02 > pay["lean_there"]
    assert pay["lean_difference_low"] < pay["lean_difference"] < pay["lean_difference_high"]
    assert abs(pay["here"]) < pay["lean_here"]
    assert idle["verdict"] == idle["lean_verdict"] == "not shown"
    assert abs(idle["lean_here"]) < 0.002
    assert result.sentence.startswith("Where region is West, own@1 leans more on pay (it moves the score by 0.")
    assert "elsewhere by 0.0" in result.sentence
    assert years["n"] == result.frames["sides"]["used"][0]
    assert result.receipt.m == 2 * (len(result.frame) - 1)
    used = result.receipt.used[0]
    assert used.rows == SIZE == used.used + sum(used.dropped.values())
    shown = result.frames["representative"]
    assert set(shown["side"]) == {"segment", "rest"}
    assert shown["row"].str.starts_with("C").all()
    json.dumps(result.receipt.to_dict())


def test_the_numbers_are_those_of_single_explanations(cases):
    """Each row by the path of one row with its seed; then numpy and scipy."""
    case, own = cases["binary"], scorer(right, "b")
    asked = Explaining(west(case), limit=12, samples=SAMPLES, repeats=3, seed=5)
    result = questions.explain_segment(case, own, asked)
    many = ManyExplained(case, own, Plan("yes", SAMPLES, 3, seed=5))
    whole = background.of(case, NAMES)
    pushes, leans = {}, {}
    for name, where in (("segment", "region = 'West'"), ("rest", "not (region = 'West')")):
        ids = case.rows(_drawn(case, where)).frame
        values, sizes, fits = [], [], []
        for at in range(len(ids)):
            runs = []
            for seed in many.seeds(ids["row"][at]):
                near = parse(where, columns=case.facts.types())
                single = RowExplained(case, own, Request(ids["i0"][at], samples=SAMPLES, seed=seed, where=near))
                runs.append(single.runs(1))
            names, kinds = runs[0]["term"].to_list(), runs[0]["kind"].to_list()
            each_run = np.array([each["weight"].to_numpy() for each in runs])
            weights = each_run.mean(axis=0)
            signs = np.sign([np.delete(each_run, at, axis=0).mean(axis=0) for at in range(3)])
            steps = [1.0] * len(names)
            for term, (feature, kind) in enumerate(zip(names, kinds, strict=True)):
                column = NAMES.index(feature.removesuffix(" is missing"))
                value = ids[f"v{column}"][at]
                if kind == "number":
                    apart = 0.0 if value is None else value - whole.features[column].median
                    steps[term] = apart / single.known.features[column].deviation
            values.append(dict(zip(names, weights * steps, strict=True)))
            sizes.append(dict(zip(names, (each_run * signs).mean(axis=0) * np.abs(steps), strict=True)))
            fits.append(np.mean([each["fit"][0] for each in runs]))
        good = np.flatnonzero(np.array(fits) >= 0.5).tolist()
        used = result.frames["sides"].row(by_predicate=pl.col("side") == name, named=True)["used"]
        assert len(good) == used
        pushes[name], leans[name] = [values[at] for at in good], [sizes[at] for at in good]
    assert row(result, "region")["here"] is None
    assert row(result, "region")["verdict"] == "does not vary"
    for feature in set(result.frame["feature"]) - {"region"}:
        found = row(result, feature)
        for mark, both in (("", pushes), ("lean_", leans)):
            here, there = (np.array([each.get(feature, 0.0) for each in both[name]]) for name in ("segment", "rest"))
            assert found[f"{mark}here"] == pytest.approx(here.mean(), abs=1e-9)
            assert found[f"{mark}there"] == pytest.approx(there.mean(), abs=1e-9)
            welch = stats.ttest_ind(here, there, equal_var=False)
            assert found[f"{mark}p"] == pytest.approx(welch.pvalue, abs=1e-9)
            low, high = welch.confidence_interval(0.95)
            assert found[f"{mark}difference_low"] == pytest.approx(low, abs=1e-9)
            assert found[f"{mark}difference_high"] == pytest.approx(high, abs=1e-9)
            low, high = stats.ttest_1samp(here, 0).confidence_interval(0.95)
            assert found[f"{mark}here_low"] == pytest.approx(low, abs=1e-9)
        assert found["verdict"] == found["lean_verdict"] == "not enough data"
    told = result.frame.drop_nulls("p")
    adjusted = stats.false_discovery_control(np.concatenate([told["p"], told["lean_p"]]))
    assert np.concatenate([told["p_adjusted"], told["lean_p_adjusted"]]) == pytest.approx(adjusted)
    assert result.sentence.startswith("Not enough data to tell what own@1 does otherwise")


def _drawn(case, where):
    from analysis.engine.sampled import Sampled

    return Sampled("m", parse(where, columns=case.facts.types()), columns=tuple(NAMES), limit=12, seed=5)


def test_errors_are_told_from_correct_rows(cases):
    case = cases["binary"]
    asked = Explaining(west(case), "correct", threshold=0.5, limit=60, samples=SAMPLES)
    result = questions.explain_segment(case, scorer(right), asked)
    sides = result.frames["sides"]
    assert sides["side"].to_list() == ["wrong", "correct"]
    table = case.rows(_all()).frame
    wrong = ((table["s0"] >= 0.5) != (table["v1"] == "yes")) & (table["v0"] == "West")
    assert sides["rows"].to_list() == [wrong.sum(), (table["v0"] == "West").sum() - wrong.sum()]
    assert "m's recorded decisions" in " ".join(result.receipt.notes)
    everywhere = questions.explain_segment(case, scorer(right), replace(asked, where=None))
    assert everywhere.sentence.startswith(("Where m is wrong", "No feature is shown"))


def _all():
    from analysis.engine.sampled import Sampled

    return Sampled("m", columns=("region", "y"), limit=SIZE)


def test_all_rows_are_told_alone(cases):
    result = questions.explain_segment(
        cases["regression"], scorer(lambda frame: Answers(margin(frame)[:, None])), ALONE
    )
    assert set(result.frame["verdict"]) == {"nothing to compare with"}
    assert result.frame["there"].null_count() == len(result.frame)
    overall = result.frames["overall"]
    assert overall["feature"][0] in ("years", "years is missing", "pay")
    assert overall["feature"][-1] == "idle"
    assert (overall["weight_low"] <= overall["weight"]).all()
    assert result.sentence.startswith(f"own@1 leans most on {overall['feature'][0]}: it moves the forecast by")


ALONE = Explaining(limit=40, samples=SAMPLES)


def test_two_models_are_told_apart_on_the_rows_they_decide_otherwise(cases):
    case = cases["binary"]
    one, two_ = scorer(right), scorer(other, "c")
    result = questions.explain_difference(case, one, two_, Flips(limit=60, samples=SAMPLES))
    table = case.rows(_features()).frame.select(pl.col(f"v{at}").alias(name) for at, name in enumerate(NAMES))
    flipped = int((right(table).labels != other(table).labels).sum())
    flips = result.frames["flips"]
    assert flips["n"].sum() == flips["flipped"][0] == flipped
    pay = row(result, "pay")
    assert pay["lean_verdict"] == "leans less"
    assert pay["lean_there"] > pay["lean_here"]
    assert pay["n"] == pay["n_other"]
    assert f"{flipped:,} rows of {SIZE:,}" in result.sentence
    used = result.receipt.used[0]
    assert used.rows == used.used + sum(used.dropped.values())
    with pytest.raises(BadRequest, match="same file"):
        questions.explain_difference(case, one, one)
    with pytest.raises(BadRequest, match="decide all 600 rows alike"):
        questions.explain_difference(case, one, scorer(right, "d"))
    with pytest.raises(BadRequest, match="no decisions"):
        questions.explain_difference(cases["regression"], one, two_)


def _features():
    from analysis.engine.sampled import Sampled

    return Sampled("m", columns=tuple(NAMES), limit=SIZE)


def test_what_was_cancelled_goes_on_where_it_stopped(cases):
    case, stop, calls = cases["binary"], threading.Event(), []
    own = scorer(right, "e")

    def explain(asked):
        calls.append(len(asked.rows))
        if len(calls) == 2:
            stop.set()
        return explained(right, asked)

    counted = replace(own, explain=explain)
    asked = Explaining(west(case), limit=75, samples=1000)
    with pytest.raises(Interrupted, match="2 parts of the work are kept"):
        questions.explain_segment(case, counted, asked, cancelled=stop.is_set)
    left, parts = questions.explain_segment_left(case, counted, asked)
    assert (left, parts) == (4, 6)
    said = []
    first = questions.explain_segment(case, counted, asked, progress=lambda share, doing: said.append((share, doing)))
    assert calls == [50] * 6
    assert "2 kept from before" in said[0][1]
    again = questions.explain_segment(case, counted, asked)
    assert again.receipt.cached
    assert again.frame.equals(first.frame)
    assert questions.explain_segment_known(case, own, asked) is not None
    fresh = questions.explain_segment(case, scorer(right, "f"), asked)
    assert fresh.frame.equals(first.frame)
    assert len(calls) == 6


def test_the_errors_of_a_surrogate_are_those_of_the_version_it_stands_for(cases):
    case = cases["binary"]
    first = case.facts.models[0]
    both = replace(case, facts=replace(case.facts, models=(first, replace(first, name="later", index=1))))
    assert Explaining().understood(both, scorer(right)).version == "later"
    assert Explaining().understood(both, scorer(right, surrogate_of={"version": "m"})).version == "m"


def test_what_cannot_be_asked_is_said(cases):
    case, own = cases["binary"], scorer(right)
    for asked, said in (
        (Explaining(against="others"), "not 'others'"),
        (Explaining(limit=1), "2 to 10,000"),
        (Explaining(samples=5), "100 to 1,000,000"),
        (Explaining(against="correct"), "no decisions; give a threshold"),
        (
            Explaining(parse("region = 'Nowhere'", columns=case.facts.types())),
            "on the side 'segment'",
        ),
    ):
        with pytest.raises(BadRequest, match=said):
            questions.explain_segment(case, own, asked)
    with pytest.raises(UnknownName):
        questions.explain_segment(case, own, Explaining(cls="perhaps"))
    with pytest.raises(BadRequest, match="not right or wrong"):
        questions.explain_segment(cases["regression"], own, Explaining(against="correct"))
    flat = scorer(lambda frame: two(np.full(len(frame), 0.3)), "9")
    result = questions.explain_segment(case, flat, Explaining(west(case), limit=5, samples=SAMPLES))
    assert result.frames["sides"]["left_out"].to_list() == [5, 5]
    assert result.frame["here"].null_count() == len(result.frame)


def test_rows_of_a_unit_widen_the_interval_as_they_must(cases):
    asked = Explaining(west(cases["units"]), limit=80, samples=200)
    result = questions.explain_segment(cases["units"], scorer(right), asked)
    assert set(result.frame["method"]) == {"Welch's t over units"}


@pytest.mark.slow
def test_sides_dealt_at_random_seldom_earn_a_verdict(cases):
    """Rows of one kind dealt to two sides 400 times: the share of deals with any verdict stays at q or below."""
    from analysis.core.settings import number
    from analysis.engine.manyexplained import drawn
    from analysis.engine.pushes import together
    from analysis.engine.pushframes import Contrasted

    case, own = cases["binary"], scorer(right, "8")
    plan = Plan("yes", 500, seed=1)
    rows = drawn(case, own, version="m", where=None, period=None, threshold=None, limit=SIZE, seed=1)
    many = ManyExplained(case, own, plan)
    found = together(rows, [piece.make(lambda share: None) for piece in many.pieces(rows)])
    random, hits, deals = np.random.default_rng(2), 0, 400
    for _ in range(deals):
        order = random.permutation(SIZE)
        frame = Contrasted(found.take(order[:100]), found.take(order[100:200])).frame()
        hits += bool(((frame["p_adjusted"] <= number("q")) | (frame["lean_p_adjusted"] <= number("q"))).any())
    q = number("q")
    allowed = q + 3 * np.sqrt(q * (1 - q) / deals)
    assert hits / deals <= allowed, f"{hits} of {deals} deals with a false verdict, {allowed:.3f} allowed"
