"""discover: what it says of a weak spot is what plain Python counts; what it searched and did not find is said too."""

import re
import threading
from dataclasses import replace

import duckdb
import numpy as np
import pytest

from analysis.core import words
from analysis.core.along import along
from analysis.core.errors import BadRequest, Interrupted
from analysis.core.expression import parse
from analysis.core.roles import ModelColumns, Roles
from analysis.engine import binning
from analysis.questions import Asked, comparable, discover, discovered, measure, offered, segments
from analysis.telling import weakspots
from tests.core.segment_oracle import holds
from tests.engine.making import Folder, Table, opened
from tests.questions.twin import ask, write

SIZE = 6000
CONTRACT = ("segment", "sentence", "n", "value", "rest", "gap", "low", "high", "p_adjusted", "recoverable")


def columns(seed=1, size=SIZE):
    """Errors are frequent where region is West and amount high; the newer model is worse on the web."""
    random = np.random.default_rng(seed)
    region, channel = random.choice(["North", "South", "West"], size), random.choice(["web", "shop", "phone"], size)
    amount, age = random.gamma(2, 100, size), random.integers(18, 80, size)
    y = random.random(size) < 0.4
    weak = (region == "West") & (amount >= 200)
    wrong = random.random(size) < np.where(weak, 0.45, 0.1)
    worse = random.random(size) < np.where(channel == "web", 0.35, 0.08)
    score = np.clip(np.where(y, 0.7, 0.3) + random.normal(0, 0.15, size) + 0.25 * (channel == "shop"), 0.001, 0.999)
    day = [f"2026-{1 + place * 6 // size:02d}-{1 + place % 28:02d} 10:00:00" for place in range(size)]
    return {
        "id": ("BIGINT", list(range(size))),
        "region": ("VARCHAR", [None if random.random() < 0.05 else str(each) for each in region]),
        "channel": ("VARCHAR", channel.tolist()),
        "amount": ("DOUBLE", amount.round(2).tolist()),
        "age": ("INTEGER", age.tolist()),
        "label": ("VARCHAR", np.where(y, "yes", "no").tolist()),
        "old": ("VARCHAR", np.where(y ^ wrong, "yes", "no").tolist()),
        "new": ("VARCHAR", np.where(y ^ worse, "yes", "no").tolist()),
        "score": ("DOUBLE", score.tolist()),
        "w": ("DOUBLE", random.gamma(2, 1, size).tolist()),
        "day": ("TIMESTAMP", day),
        "customer": ("BIGINT", [int(each) for each in random.integers(0, size // 3, size)]),
        "leak": ("INTEGER", (y * 3 + random.integers(0, 2, size)).tolist()),
    }


ROLES = Roles(
    id=("id",),
    label="label",
    models=(ModelColumns("old", prediction="old"), ModelColumns("new", prediction="new", scores=((None, "score"),))),
    segments=("region", "channel"),
    features=("amount", "age", "leak"),
    positive="yes",
    time="day",
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = Folder(tmp_path_factory.mktemp("discover"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def table():
    return Table(columns())


@pytest.fixture(scope="module")
def evaluation(folder, table):
    return opened(folder, table, task="binary", roles=ROLES)


@pytest.fixture(scope="module")
def result(evaluation):
    return discover(evaluation, Asked(models=("old",)))


def rows_of(table):
    names = list(table.columns)
    return [dict(zip(names, row, strict=True)) for row in zip(*(table.values(name) for name in names), strict=True)]


def selected(evaluation, table, segment):
    """(n,) which rows a segment selects, row by row in Python."""
    types = evaluation.facts.types()
    return np.array([holds(parse(segment, columns=types), row, types) for row in rows_of(table)])


def test_the_planted_segment_is_first_and_its_numbers_are_those_of_the_rows(evaluation, table, result):
    frame = result.frame
    assert frame.columns[: len(CONTRACT)] == list(CONTRACT)
    top = frame.row(0, named=True)
    inside = selected(evaluation, table, top["segment"])
    assert set(parse(top["segment"]).columns()) == {"region", "amount"}
    truth = selected(evaluation, table, "region = 'West' and amount >= 200")
    assert (inside & truth).sum() / (inside | truth).sum() > 0.9
    right = np.array(table.values("label")) == np.array(table.values("old"))
    own, other = right[inside], right[~inside]
    assert top["n"] == len(own)
    assert top["value"] == pytest.approx(own.mean(), rel=1e-12)
    assert top["rest"] == pytest.approx(other.mean(), rel=1e-12)
    assert top["gap"] == pytest.approx(own.mean() - other.mean(), rel=1e-9)
    assert top["share"] == pytest.approx(len(own) / SIZE)
    assert top["recoverable"] == pytest.approx(len(own) / SIZE * (other.mean() - own.mean()))
    assert top["rows_lost"] == pytest.approx(len(own) * (other.mean() - own.mean()))
    assert top["low"] <= top["gap"] <= top["high"] < 0
    assert top["stability"] > 0.9
    assert top["p_adjusted"] < 1e-6
    measured = measure(evaluation, metrics=["accuracy"], models=["old"], where=parse(top["segment"])).frame
    assert (measured["value"][0], measured["n"][0]) == (pytest.approx(top["value"]), top["n"])


def test_values_that_are_worse_alike_are_one_spot_and_told_in_its_words(folder, table):
    random = np.random.default_rng(4)
    office = random.choice(["Bonn", "Kiel", "Ulm", "Trier", "Jena"], SIZE)
    y = np.array(table.values("label")) == "yes"
    wrong = random.random(SIZE) < np.where(np.isin(office, ["Kiel", "Jena"]), 0.4, 0.1)
    given = {"office": ("VARCHAR", office.tolist()), "old": ("VARCHAR", np.where(y ^ wrong, "yes", "no").tolist())}
    evaluation = opened(folder, Table(columns() | given), task="binary", roles=replace(ROLES, segments=("office",)))
    result = discover(evaluation, Asked(models=("old",)))
    top = result.frame.row(0, named=True)
    assert set(parse(top["segment"]).values) == {"Kiel", "Jena"}
    assert top["sentence"].startswith("office is one of") or " or " in top["sentence"]
    inside, right = np.isin(office, ["Kiel", "Jena"]), ~wrong
    assert (top["n"], top["value"]) == (inside.sum(), pytest.approx(right[inside].mean()))
    assert top["p_adjusted"] < 1e-6
    assert "the largest of its values" in top["method"]
    told = result.frames["folded"].filter(why="one of the values told together")
    assert sorted(told["segment"]) == ["office = 'Jena'", "office = 'Kiel'"]
    assert set(told["into"]) == {top["segment"]}
    assert not set(told["segment"]) & set(result.frame["segment"])
    assert result.receipt.m >= 3
    seen = along(parse(top["segment"]), "office")
    parts = [segments(evaluation, by=["office"], metric="accuracy", where=each) for each in (seen.others, seen.own)]
    drawn, _ = weakspots.along(*parts, ["old"], seen.others, evaluation.facts.types())
    assert set(drawn.filter("chosen")["name"]) == {"Kiel", "Jena"}


def test_a_spot_seen_along_its_columns_marks_its_own_groups(evaluation, table, result):
    top = result.frame.row(0, named=True)
    segment, types = parse(top["segment"], columns=evaluation.facts.types()), evaluation.facts.types()
    inside = selected(evaluation, table, top["segment"])
    right = np.array(table.values("label")) == np.array(table.values("old"))
    for column in segment.columns():
        seen = along(segment, column)
        assert seen.others.columns() == segment.columns() - {column}
        how = binning.through(evaluation.facts.column(column), seen.ends)
        asked = {"by": [column], "binnings": {column: how}, "metric": "accuracy", "models": ["old"]}
        parts = [segments(evaluation, where=where, **asked) for where in (seen.others, segment)]
        drawn, _ = weakspots.along(*parts, ["old"], seen.others, types)
        marked = np.zeros(SIZE, dtype=bool)
        for row in drawn.iter_rows(named=True):
            held = selected(evaluation, table, row["where"])
            assert (row["value"], row["n"]) == (pytest.approx(right[held].mean()), held.sum())
            assert row["chosen"] == bool((held & inside).any())
            marked |= held & row["chosen"]
        assert np.array_equal(marked, inside)


def test_each_number_of_the_sentence_is_in_a_frame(result):
    top, search = result.frame.row(0, named=True), result.frames["search"].row(0, named=True)
    written = {
        words.number(top["value"], "share"),
        f"{top['n']:,}",
        f"{search['searched']:,}",
        f"{search['columns']:,}",
    }
    written |= {words.delta(top[name], "share").removesuffix(" pts").lstrip("+−") for name in ("gap", "low", "high")}
    written |= {words.delta(top["recoverable"], "share").removesuffix(" pts").lstrip("+"), str(len(result.frame))}
    said = result.sentence.replace(top["sentence"], "")
    for number in re.findall(r"\d[\d,]*\.?\d*%?", said):
        assert number in written, (number, said)


def test_the_receipt_gives_the_same_number_in_a_bare_duckdb(folder, result):
    for row in result.frame.iter_rows(named=True):
        sql = result.receipt.sql[f"{row['segment']} ({row['model']})"]
        with duckdb.connect() as connection:
            connection.execute(f"SET file_search_path = '{folder.root}'")
            sql = sql.replace("ATTACH '", f"ATTACH '{folder.root}/")
            n, value = connection.execute(sql).fetchone()
        assert (n, value) == (row["n"], pytest.approx(row["value"], rel=1e-12))


def test_what_was_not_searched_is_said(result):
    outcome = {row["column"]: row for row in result.frames["columns"].iter_rows(named=True)}
    assert outcome["leak"]["outcome"] == "not searched"
    assert "tells the outcome" in outcome["leak"]["why"]
    assert outcome["region"]["outcome"] == outcome["amount"]["outcome"] == "in a weak spot"
    assert outcome["customer"]["outcome"] == "not searched"
    assert outcome["channel"]["outcome"] == "nothing found"
    power = result.frames["power"]
    assert (power["gap"] > 0).all()
    assert result.receipt.m >= len(result.frame)
    assert result.receipt.q == 0.05


def test_columns_may_be_named_and_then_a_telling_one_is_searched(evaluation):
    named = discover(evaluation, Asked(models=("old",), columns=("leak", "channel")))
    searched = {row["column"]: row["outcome"] for row in named.frames["columns"].iter_rows(named=True)}
    assert searched["leak"] != "not searched"
    assert set(searched) == {"leak", "channel"}


def test_a_version_is_worse_than_another_on_the_rows_both_answered(evaluation, table):
    found = discover(evaluation, Asked(models=("new",), against="old"))
    top = found.frame.row(0, named=True)
    assert top["segment"].startswith("channel = 'web'")
    label, old, new = (np.array(table.values(name)) for name in ("label", "old", "new"))
    inside = selected(evaluation, table, top["segment"])
    difference = (new == label).astype(float) - (old == label)
    assert top["value"] == pytest.approx(difference[inside].mean())
    assert top["rest"] == pytest.approx(difference[~inside].mean())
    assert top["value"] < 0


def test_the_scores_are_off_where_they_were_shifted(evaluation, table):
    found = discover(evaluation, Asked(models=("new",), objective="calibration"))
    top = found.frame.row(0, named=True)
    assert top["segment"] == "channel = 'shop'"
    inside = np.array(table.values("channel")) == "shop"
    miss = (np.array(table.values("label")) == "yes") - np.array(table.values("score"))
    assert top["value"] == pytest.approx(miss[inside].mean())


def test_worse_than_in_the_reference_period(folder):
    given = columns(3)
    late = np.arange(SIZE) >= SIZE // 2
    random = np.random.default_rng(4)
    shop = np.array(given["channel"][1]) == "shop"
    label = np.array(given["label"][1])
    flipped = np.where(label == "yes", "no", "yes")
    wrong = random.random(SIZE) < np.where(late & shop, 0.4, 0.1)
    given["old"] = ("VARCHAR", np.where(wrong, flipped, label).tolist())
    roles = ROLES.with_(reference=("2026-01-01", "2026-03-31"))
    evaluation = opened(folder, Table(given), task="binary", roles=roles)
    found = discover(evaluation, Asked(models=("old",), against="reference"))
    top = found.frame.row(0, named=True)
    assert top["segment"] == "channel = 'shop'"
    right = ~wrong
    change = right[late & shop].mean() - right[~late & shop].mean()
    assert top["value"] == pytest.approx(change)
    assert top["rest"] == pytest.approx(right[late & ~shop].mean() - right[~late & ~shop].mean())
    assert found.receipt.options["reference"] == ["2026-01-01", "2026-03-31"]
    days = {row["column"]: row["why"] for row in found.frames["columns"].iter_rows(named=True)}
    assert "which of the two periods" in days["day"]


def test_weights_and_units_are_respected(folder, table):
    evaluation = opened(folder, table, task="binary", roles=ROLES.with_(weight="w", unit="customer"))
    found = discover(evaluation, Asked(models=("old",)))
    top = found.frame.row(0, named=True)
    inside = selected(evaluation, table, top["segment"])
    right = np.array(table.values("label")) == np.array(table.values("old"))
    w = np.array(table.values("w"))
    assert top["value"] == pytest.approx(np.average(right[inside], weights=w[inside]))
    assert top["share"] == pytest.approx(w[inside].sum() / w.sum())
    assert "clustered by unit" in top["method"]
    assert any("'customer'" in note for note in found.receipt.notes)


@pytest.mark.parametrize(
    "objective", ["recall", "precision", "specificity", "false_positive_rate", "log_loss", "brier"]
)
def test_the_value_of_an_objective_is_the_metrics(evaluation, objective):
    found = discover(evaluation, Asked(objective=objective, models=("new",), q=0.9))
    for row in found.frame.head(3).iter_rows(named=True):
        where = parse(row["segment"], columns=evaluation.facts.types())
        measured = measure(evaluation, metrics=[objective], models=["new"], where=where).frame.row(0, named=True)
        assert row["value"] == pytest.approx(measured["value"], rel=1e-9)
        assert row["n"] == measured["n"]


def test_the_same_question_has_the_same_answer_kept_or_not(folder, table):
    one, two = (opened(folder, table, task="binary", roles=ROLES) for _ in range(2))
    asked = Asked(models=("old",), depth=3, seed=9)
    assert discovered(one, asked) is None
    first = discover(one, asked)
    kept, again = discovered(one, asked), discover(two, asked)
    assert kept.frame.equals(first.frame)
    assert kept.receipt.cached
    assert {name: each.to_dicts() for name, each in kept.frames.items()} == {
        name: each.to_dicts() for name, each in first.frames.items()
    }
    assert again.frame.equals(first.frame)
    assert discovered(one, Asked(models=("old",), depth=3, seed=8)) is None


def test_a_cancelled_search_keeps_nothing(folder, table):
    evaluation, stop = opened(folder, table, task="binary", roles=ROLES), threading.Event()

    def progress(share, doing):
        if share > 0.25:
            stop.set()

    with pytest.raises(Interrupted):
        discover(evaluation, Asked(models=("old",)), progress=progress, cancelled=stop.is_set)
    assert discovered(evaluation, Asked(models=("old",))) is None


def test_a_budget_and_a_stop_by_the_clock_are_said(folder, table):
    evaluation = opened(folder, table, task="binary", roles=ROLES)
    few = discover(evaluation, Asked(models=("old",), budget=500))
    search = few.frames["search"].row(0, named=True)
    assert search["searched"] <= 500 < search["candidates"]
    assert any(f"{search['searched']:,} of {search['candidates']:,}" in note for note in few.receipt.notes)
    late = discover(evaluation, Asked(models=("old",)), late=lambda: True)
    assert any("the time was up" in note for note in late.receipt.notes)
    assert discovered(evaluation, Asked(models=("old",))) is None


def test_nothing_to_find_is_said_with_what_would_have_shown(folder):
    random = np.random.default_rng(5)
    given = columns(5, 2000)
    label = np.array(given["label"][1])
    given["old"] = ("VARCHAR", np.where(random.random(2000) < 0.1, "no", label).tolist())
    evaluation = opened(folder, Table(given), task="binary", roles=ROLES.with_(features=("age",)))
    found = discover(evaluation, Asked(models=("old",)))
    assert len(found.frame) == 0
    assert "No segment in which old is weak in accuracy is confirmed" in found.sentence
    assert len(found.frames["power"])


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (Asked(objective="acuracy"), "no objective 'acuracy'"),
        (Asked(objective="mae"), "'mae' is for regression"),
        (Asked(objective="cost"), "no cost column"),
        (Asked(objective="precision", models=("new",), against="old"), "not over the same rows"),
        (Asked(models=("old",), against="old"), "cannot be compared with itself"),
        (Asked(models=("old",), against="reference"), "no reference period"),
        (Asked(objective="log_loss", models=("old",)), "needs probabilities"),
        (Asked(depth=4), "1 to 3 conditions"),
        (Asked(q=0.0), "q is a share"),
        (Asked(columns=("regoin",)), "Did you mean 'region'?"),
    ],
)
def test_what_makes_no_sense_is_refused(evaluation, asked, said):
    with pytest.raises(BadRequest, match=re.escape(said)):
        discover(evaluation, asked)


def test_only_what_can_be_searched_is_offered(evaluation):
    assert next(iter(offered(evaluation, "new", None))) == "accuracy"
    assert "log_loss" not in offered(evaluation, "old", None)
    assert set(comparable(evaluation, "new", "accuracy")) == {"", "old"}
    assert set(comparable(evaluation, "new", "precision")) == {""}


def test_the_terminal_says_the_same(tmp_path, table, evaluation):
    workspace = tmp_path / "w"
    assert ask(workspace, "ingest", write(tmp_path / "spots.csv", rows_of(table))).status == 0
    given = ["--label", "label", "--id", "id", "--time", "day", "--task", "binary", "--positive", "yes"]
    given += ["--segments", "region,channel", "--features", "amount,age,leak"]
    models = ["--model", "old:prediction=old", "--model", "new:prediction=new,score=score"]
    made = ask(workspace, "evaluate", "spots", "--name", "spots", *given, *models)
    assert made.status == 0, made.err
    said = ask(workspace, "discover", "spots", "--model", "old", "--depth", "2", "--minimum", "100", "--json").json
    assert list(said["frame"][0])[: len(CONTRACT)] == list(CONTRACT)
    segment = said["frame"][0]["segment"]
    assert segment.startswith("region = 'West' and amount >= ")
    assert said["receipt"]["options"]["minimum"] == 100
    read = ask(workspace, "discover", "spots", "--model", "old", "--minimum", "100")
    assert read.status == 0
    assert segment in read.out
    assert "no objective" in ask(workspace, "discover", "spots", "--objective", "x").refusal
