"""Saved segments side by side: counted row by row, and each one's effect as statsmodels fits it to the rows."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest
import statsmodels.api as sm

from analysis.core.expression import parse
from analysis.core.ownmetric import own_metric
from analysis.core.roles import ModelColumns, Roles
from analysis.engine.own import keep
from analysis.metrics.intervals import t_value
from analysis.questions import compare_groups, saved
from analysis.telling import markrows, savedcharts, savedrows
from tests.engine.making import Folder, Table, binary, opened

SIZE = 1200
SEGMENTS = {
    "south": parse("region = 'South'"),
    "old": parse("age >= 60"),
    "south or old": parse("region = 'South' or age >= 60"),
    "odd kind": parse("kind != 'a'"),
    "elsewhere": parse("planet = 'Mars'"),
}
HELD = list(SEGMENTS)[:4]
RIGHT = "avg(label = prediction)"


def table(seed, *, weighted=False, task="binary"):
    """Being right is rarer in the South and more so for the old; old rows are mostly southern."""
    random = np.random.default_rng(seed)
    region = random.choice(["North", "South"], SIZE)
    age = [
        None if random.random() < 0.05 else int(random.integers(50 if each == "South" else 20, 80)) for each in region
    ]
    columns = {
        "region": ("VARCHAR", region.tolist()),
        "age": ("INTEGER", age),
        "kind": ("VARCHAR", [None if random.random() < 0.1 else str(random.choice(["a", "b"])) for _ in range(SIZE)]),
    }
    if weighted:
        columns["w"] = ("DOUBLE", random.gamma(2, 1, SIZE).round(4).tolist())
    truth = random.random(SIZE) < 0.4
    bad = 0.1 + 0.25 * (region == "South")
    if task == "binary":
        said = truth ^ (random.random(SIZE) < bad)
        label = [None if random.random() < 0.08 else ["no", "yes"][int(each)] for each in truth]
        columns |= {"y": ("VARCHAR", label), "p": ("VARCHAR", [["no", "yes"][int(each)] for each in said])}
        return binary(**columns)
    values = random.normal(100, 10, SIZE)
    columns |= {
        "y": ("DOUBLE", values.tolist()),
        "p": ("DOUBLE", (values + random.normal(0, 1 + 20 * bad, SIZE)).tolist()),
    }
    roles = Roles(label="y", models=(ModelColumns("m", prediction="p"),), weight="w" if weighted else None)
    return Table(columns), roles


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = Folder(tmp_path_factory.mktemp("saved"))
    yield made
    made.close()


def members(data):
    """(rows, segments) which segments each row is in, by hand; a comparison with a missing value does not hold."""
    south = np.array([each == "South" for each in data.values("region")])
    old = np.array([each is not None and each >= 60 for each in data.values("age")])
    odd = np.array([each is not None and each != "a" for each in data.values("kind")])
    return np.column_stack([south, old, south | old, odd])


def outcomes(data, task):
    """A row's outcome, nan where there is none."""
    y, p = data.values("y"), data.values("p")
    if task == "regression":
        return np.abs(np.array(p) - np.array(y))
    return np.array([np.nan if a is None else float(a == b) for a, b in zip(y, p, strict=True)])


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("task", ["binary", "regression"])
def test_effects_are_those_of_a_regression_on_the_rows(folder, task, weighted):
    data, roles = table(3, weighted=weighted, task=task)
    result = saved(opened(folder, data, task=task, roles=roles), segments=SEGMENTS)
    value, inside = outcomes(data, task), members(data)
    known = ~np.isnan(value)
    weight = np.array(data.values("w")) if weighted else np.ones(SIZE)
    design = sm.add_constant(inside[known].astype(float))
    fit = sm.WLS(value[known], design, weights=weight[known]).fit(cov_type="HC1", use_t=True)
    found = {row["segment"]: row for row in result.frames["effects"].iter_rows(named=True)}
    assert list(found) == HELD
    for place, name in enumerate(HELD):
        row, part = found[name], inside[:, place]
        assert row["effect"] == pytest.approx(fit.params[place + 1], rel=1e-9)
        assert (row["low"], row["high"]) == pytest.approx(tuple(fit.conf_int()[place + 1]), rel=1e-8)
        assert row["p"] == pytest.approx(fit.pvalues[place + 1], rel=1e-6, abs=1e-300)
        means = [np.average(value[known & each], weights=weight[known & each]) for each in (part, ~part)]
        assert row["alone"] == pytest.approx(means[0] - means[1], rel=1e-9)
        assert row["n"] == min((known & part).sum(), (known & ~part).sum())


@pytest.mark.parametrize("most", [10**6, 10], ids=["singly", "dealt"])
@pytest.mark.parametrize("weighted", [False, True])
def test_where_rows_belong_to_units_effects_are_clustered_by_these(folder, monkeypatch, weighted, most):
    monkeypatch.setattr("analysis.engine.parts.units.MOST", most)
    data, roles = table(12, weighted=weighted)
    unit = [None if place % 50 == 0 else place // 6 for place in range(SIZE)]
    data = Table(data.columns | {"customer": ("INTEGER", unit)})
    result = saved(opened(folder, data, task="binary", roles=replace(roles, unit="customer")), segments=SEGMENTS)
    value, inside = outcomes(data, "binary"), members(data)
    known = ~np.isnan(value)
    weight = np.array(data.values("w")) if weighted else np.ones(SIZE)
    alone = np.array([SIZE + place if each is None else each for place, each in enumerate(unit)])
    model = sm.WLS(value[known], sm.add_constant(inside[known].astype(float)), weights=weight[known])
    fit = model.fit(cov_type="cluster", cov_kwds={"groups": alone[known]}, use_t=True)
    for place, row in enumerate(result.frames["effects"].iter_rows(named=True)):
        held = inside[known][:, place]
        units = min(len(np.unique(alone[known][part])) for part in (held, ~held))
        assert row["effect"] == pytest.approx(fit.params[place + 1], rel=1e-9)
        error = (row["high"] - row["low"]) / 2 / t_value(0.95, np.array([units - 1.0]))[0]
        assert error == pytest.approx(fit.bse[place + 1], rel=1e-8 if most > 10 else 0.15)
        assert ("random groups" in row["method"]) == (most == 10)
    assert result.receipt.notes == (f"Effects: {row['method']}; a family of their own.",)
    assert "effects by customer (m)" in result.receipt.sql


def test_an_own_metric_is_in_the_matrix_and_in_a_comparison_with_the_rest(folder):
    data, roles = table(13)
    evaluation = opened(folder, data, task="binary", roles=roles)
    balance, right = own_metric("balance", formula="(recall + specificity) / 2"), own_metric("right", expression=RIGHT)
    for each in (balance, right):
        keep(folder, each, evaluation.facts)
    evaluation = folder.engine.open(evaluation.facts)
    names = ["balanced_accuracy", "balance", "accuracy", "right"]
    result = saved(evaluation, segments={"south": SEGMENTS["south"]}, metrics=names)
    alone = compare_groups(evaluation, a=SEGMENTS["south"], metrics=names)
    rows = {row["metric"]: row for row in result.frame.iter_rows(named=True)}
    for built, own in (("balanced_accuracy", "balance"), ("accuracy", "right")):
        for name in ("value", "other_value", "difference"):
            assert rows[own][name] == pytest.approx(rows[built][name], rel=1e-12)
        assert rows[own]["verdict"] == rows[built]["verdict"] == "worse"
    same = [name for name in result.frame.columns if name in alone.frame.columns and name not in ("segment", "other")]
    assert result.frame.select(same).equals(alone.frame.select(same))
    assert result.receipt.options["own"] == alone.receipt.options["own"] == {"balance": balance.text, "right": RIGHT}
    assert set(savedrows.matrix(result)["title"]) == {"Accuracy", "Balanced accuracy", balance.title, right.title}
    assert markrows.against_rest(alone)["Metric"].to_list()[1] == balance.title
    assert compare_groups(evaluation, by=["region"], metrics=["balance"]).frame["verdict"].to_list() == [
        *("better", "worse")
    ]


def test_the_matrix_is_each_segment_against_its_complement(folder):
    data, roles = table(4)
    evaluation = opened(folder, data, task="binary", roles=roles)
    result = saved(evaluation, segments=SEGMENTS, metrics=["accuracy", "recall"], where=parse("kind is not missing"))
    assert result.frame["segment"].unique(maintain_order=True).to_list() == HELD
    for name in HELD:
        alone = compare_groups(
            evaluation, a=SEGMENTS[name], metrics=["accuracy", "recall"], where=parse("kind is not missing")
        )
        rows = result.frame.filter(result.frame["segment"] == name)
        for column in ("metric", "value", "low", "high", "n", "other_value", "difference", "difference_low", "p"):
            assert rows[column].to_list() == alone.frame[column].to_list()
    assert (result.receipt.m, result.receipt.q) == (8, 0.05)
    assert result.receipt.options["not applicable"] == {"elsewhere": "its column is not there: 'planet'."}
    assert "1 saved segment is not applicable here" in result.sentence


def test_overlaps_are_counted_row_by_row(folder):
    data, roles = table(5)
    evaluation = opened(folder, data, task="binary", roles=roles)
    frames = saved(evaluation, segments=SEGMENTS).frames
    inside = members(data)
    for row in frames["overlap"].iter_rows(named=True):
        wanted = np.array([name in row["members"] for name in HELD])
        assert row["rows"] == (inside == wanted).all(axis=1).sum()
        again = saved(evaluation, segments={"it": parse(row["where"])}).frames["segments"]
        assert again["rows"].to_list() == [row["rows"]]
    assert frames["overlap"]["rows"].sum() == SIZE
    assert frames["overlap"]["rows"].to_list() == sorted(frames["overlap"]["rows"], reverse=True)
    pairs = {(row["a"], row["b"]): row for row in frames["pairs"].iter_rows(named=True)}
    for one in range(4):
        for two in range(one + 1, 4):
            a, b = inside[:, one], inside[:, two]
            row = pairs[HELD[one], HELD[two]]
            assert row["shared"] == (a & b).sum()
            assert row["of_a"] == pytest.approx((a & b).sum() / a.sum())
            assert row["jaccard"] == pytest.approx((a & b).sum() / (a | b).sum())
    sizes = dict(zip(frames["segments"]["segment"], frames["segments"]["rows"], strict=True))
    assert sizes == dict(zip(HELD, inside.sum(axis=0).tolist(), strict=True)) | {"elsewhere": None}


def test_only_the_true_cause_keeps_its_effect(folder):
    data, roles = table(6)
    result = saved(
        opened(folder, data, task="binary", roles=roles), segments={name: SEGMENTS[name] for name in ("south", "old")}
    )
    south, old = result.frames["effects"].iter_rows(named=True)
    assert south["verdict"] == "worse"
    assert old["alone"] < -0.05
    assert old["low"] < 0 < old["high"]
    assert old["verdict"] == "no clear change"


def test_a_segment_made_of_others_has_no_effect_of_its_own(folder):
    data, roles = table(7)
    named = {"south": "region = 'South'", "north": "not (region = 'South')", "none": "age > 500", "all": "age < 500"}
    named["again"] = "region in ('South')"
    result = saved(
        opened(folder, data, task="binary", roles=roles), segments={name: parse(each) for name, each in named.items()}
    )
    effects = {row["segment"]: row for row in result.frames["effects"].iter_rows(named=True)}
    assert effects["south"]["effect"] is not None
    for name in ("north", "none", "again"):
        assert effects[name]["effect"] is None
        assert "cannot be told apart" in effects[name]["reason"]


def test_without_segments_or_without_applicable_ones_it_says_so(folder):
    data, roles = table(8)
    evaluation = opened(folder, data, task="binary", roles=roles)
    assert saved(evaluation, segments={}).sentence == "There is no saved segment yet."
    nothing = saved(evaluation, segments={"elsewhere": SEGMENTS["elsewhere"]})
    assert nothing.sentence == "None of the 1 saved segment is applicable here."
    assert len(nothing.frame) == 0
    assert nothing.frames["segments"]["applicable"].to_list() == [False]


def test_with_scores_alone_effects_wait_for_a_threshold(folder):
    data, _ = table(9)
    score = np.random.default_rng(1).random(SIZE).round(2).tolist()
    data = Table({name: each for name, each in data.columns.items() if name != "p"} | {"s": ("DOUBLE", score)})
    roles = Roles(label="y", models=(ModelColumns("m", scores=((None, "s"),)),))
    evaluation = opened(folder, data, task="binary", roles=roles)
    waiting = saved(evaluation, segments={"south": SEGMENTS["south"]}).frames["effects"]
    assert waiting["reason"].to_list() == ["needs decisions: choose a threshold"]
    decided = saved(evaluation, segments={"south": SEGMENTS["south"]}, threshold=0.5).frames["effects"]
    assert decided["effect"].to_list() == pytest.approx(decided["alone"].to_list())


def test_every_field_a_picture_draws_is_in_its_rows(folder):
    data, roles = table(10)
    result = saved(opened(folder, data, task="binary", roles=roles), segments=SEGMENTS)
    pictures = [
        (savedrows.matrix(result), savedcharts.matrix(4)),
        (savedrows.overlap(result), savedcharts.overlap(6, 4)),
        (savedrows.effects(result), savedcharts.effects("share", "Difference in accuracy", 4)),
    ]
    for rows, spec in pictures:
        fields = set(re.findall(r'"field": "(\w+)"', json.dumps(spec)))
        assert {"name", "aria", "place"} <= fields | {"aria", "place"}
        assert fields <= set(rows.columns)
        assert {"model", "where", "aria"} <= set(rows.columns)
        marks = rows.drop_nulls("where")
        assert marks["aria"].n_unique() == len(marks)
    assert len(savedrows.numbers(result)) == len(result.frame)
    assert savedrows.left_out(result) == ["elsewhere: not applicable; its column is not there: 'planet'."]
    assert len(savedrows.pairs(result)) == 6
    assert savedrows.effect_table(savedrows.effects(result))["Segment"].to_list() == HELD


def test_a_table_of_two_segments_keeps_its_own_headers(folder):
    data, roles = table(11)
    result = compare_groups(opened(folder, data, task="binary", roles=roles), a=SEGMENTS["south"])
    assert len(markrows.against_rest(result)) == len(markrows.against_other(result)) == len(result.frame)
