"""What a file keeps of the scores of many classes: codes, ranks, and what it says where it keeps none."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn import metrics as sk

from analysis.core.roles import ModelColumns, Roles
from analysis.questions import measure, overview
from tests.engine.making import Folder, Table, facts, opened, stored

RANKED = ("roc_auc_ovr", "roc_auc_ovo", "top_2_accuracy", "top_3_accuracy")
CALIBRATED = ("classwise_ece", "top_label_ece")
OF_SCORES = RANKED + CALIBRATED


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = Folder(tmp_path_factory.mktemp("evaluations"))
    yield made
    made.close()


def drawn(rows, classes, seed=5):
    """(label, probabilities) that know something of each other."""
    random = np.random.default_rng(seed)
    label = random.integers(0, classes, rows)
    shares = np.exp(random.standard_normal((rows, classes)) + 1.2 * np.eye(classes)[label])
    return label, shares / shares.sum(axis=1, keepdims=True)


def given(label, scores, names=None, with_label=True):
    """(table, roles): the label's classes by two digits, a score column each."""
    names = range(scores.shape[1]) if names is None else names
    columns = {"y": ("VARCHAR", [None if each is None else f"{each:02d}" for each in label])} if with_label else {}
    columns["p"] = ("VARCHAR", [f"{each:02d}" for each in scores.argmax(axis=1)])
    columns |= {f"s{at}": ("DOUBLE", scores[:, at].tolist()) for at in names}
    models = (ModelColumns("m", "p", tuple((f"{at:02d}", f"s{at}") for at in names)),)
    return Table(columns), Roles(label="y" if with_label else None, models=models)


def opened_multiclass(folder, table, roles):
    return opened(folder, table, task="multiclass", roles=roles)


def answers(made, metrics):
    return {row["metric"]: row for row in measure(made, metrics=metrics).frame.iter_rows(named=True)}


def test_a_file_holds_the_rank_of_the_label_and_a_code_of_every_score(folder):
    """Ties count for the later class; a row that lacks a score has neither rank nor codes."""
    scores = np.array([[0.2, 0.5, 0.3], [0.4, 0.4, 0.2], [0.4, 0.2, 0.4], [0.3, np.nan, 0.7], [0.1, 0.1, 0.8]])
    table, roles = given([0, 0, 2, 0, None], np.nan_to_num(scores))
    table = Table({**table.columns, **{f"s{at}": ("DOUBLE", scores[:, at].tolist()) for at in range(3)}})
    made = facts(folder, table, task="multiclass", roles=roles)
    held = stored(folder, made)
    assert held["r0"].to_list() == [3, 2, 1, None, None]
    values = stored(folder, made, "SELECT name, code, low FROM codes ORDER BY name, code")
    for name, wanted in [*((f"b0_{at}", scores[:, at]) for at in range(3)), ("b0_top", scores.max(axis=1))]:
        low = values.filter(name=name)["low"].to_list()
        shown = [None if code is None else low[code] for code in held[name].to_list()]
        assert shown == [None if at == 3 else wanted[at] for at in range(5)], name
    assert [name for name in held.columns if name.startswith(("z0", "best", "right"))] == []


def test_many_distinct_scores_are_binned_within_the_bound(folder):
    label, shares = drawn(12_000, 4)
    made = opened_multiclass(folder, *given(label, shares))
    assert not made.facts.models[0].exact
    assert 1000 < made.facts.models[0].class_codes < 2300
    found = answers(made, OF_SCORES)
    exact = {
        "roc_auc_ovr": sk.roc_auc_score(label, shares, multi_class="ovr"),
        "roc_auc_ovo": sk.roc_auc_score(label, shares, multi_class="ovo"),
        "top_2_accuracy": sk.top_k_accuracy_score(label, shares, k=2),
        "top_3_accuracy": sk.top_k_accuracy_score(label, shares, k=3),
    }
    for name, value in exact.items():
        row = found[name]
        assert abs(row["value"] - value) <= row["bound"] + 1e-12, name
        assert row["bound"] < 5e-4
    assert found["roc_auc_ovr"]["bound"] > 0
    assert found["top_2_accuracy"]["bound"] == 0


def test_above_twenty_classes_ranks_and_the_highest_score_are_kept_and_the_rest_says_why_not(folder):
    label, shares = drawn(600, 21)
    made = opened_multiclass(folder, *given(label, shares))
    assert not [name for name in stored(folder, made.facts).columns if name.startswith("b0_") and name != "b0_top"]
    found = answers(made, OF_SCORES)
    for name in ("roc_auc_ovr", "roc_auc_ovo", "classwise_ece"):
        assert found[name]["value"] is None
        assert found[name]["reason"] == "21 classes: the scores of every class are kept as codes up to 20 classes"
    assert found["top_3_accuracy"]["value"] == pytest.approx(sk.top_k_accuracy_score(label, shares, k=3), rel=1e-12)
    assert found["top_label_ece"]["value"] > 0


def test_scores_that_are_no_probabilities_rank_but_are_not_calibrated(folder):
    label, shares = drawn(500, 3)
    scores = np.round(5 * shares - 2, 3)
    found = answers(opened_multiclass(folder, *given(label, scores)), OF_SCORES)
    areas = [sk.roc_auc_score(label == at, scores[:, at]) for at in range(3)]
    assert found["roc_auc_ovr"]["value"] == pytest.approx(np.mean(areas), rel=1e-12)
    assert found["top_2_accuracy"]["value"] > 0.6
    for name in CALIBRATED:
        assert "no probabilities" in found[name]["reason"], name


def test_a_class_without_a_score_column_and_a_file_of_an_older_assay_are_said(folder):
    label, shares = drawn(200, 3)
    found = answers(opened_multiclass(folder, *given(label, shares, names=(0, 1))), OF_SCORES)
    assert {row["reason"] for row in found.values()} == {"not every class has a score column"}
    made = facts(folder, given(label, shares)[0], task="multiclass", roles=given(label, shares)[1])
    older = replace(made, models=tuple(model.with_(class_codes=0, top_codes=0) for model in made.models))
    found = answers(folder.engine.open(older), OF_SCORES)
    assert {row["reason"] for row in found.values()} == {"made by an older Assay: save its roles again"}


def test_facts_of_an_older_file_still_load(folder):
    made = facts(folder, given(*drawn(50, 3))[0], task="multiclass", roles=given(*drawn(50, 3))[1])
    kept = made.facts()
    for model in kept["models"]:
        del model["class_codes"], model["top_codes"]
    old = type(made).from_facts(kept, id="i", name="n", version=1, fingerprint="f", task="multiclass", roles=made.roles)
    assert (old.models[0].class_codes, old.models[0].top_codes) == (0, 0)


def test_without_labels_the_codes_are_kept_and_nothing_is_measured(folder):
    _, shares = drawn(60, 3)
    made = opened_multiclass(folder, *given([], shares, with_label=False))
    held = stored(folder, made.facts)
    assert held["b0_2"].null_count() == 0
    assert "r0" not in held.columns
    assert all("no label" in row["reason"] for row in answers(made, OF_SCORES).values())


def test_a_class_never_labelled_is_left_out_and_counted(folder):
    label, shares = drawn(900, 4)
    label = np.where(label == 3, 0, label)
    made = opened_multiclass(folder, *given(label, shares))
    rows = measure(made, metrics=["roc_auc_ovr", "roc_auc_ovo"]).frame
    ovr = np.mean([sk.roc_auc_score(label == at, shares[:, at]) for at in range(3)])
    pairs = [(i, j) for i in range(3) for j in range(3) if i != j]
    ovo = np.mean(
        [sk.roc_auc_score(label[m] == i, shares[m, i]) for i, j in pairs for m in [(label == i) | (label == j)]]
    )
    np.testing.assert_allclose(rows["value"].to_numpy(), [ovr, ovo], atol=1e-12)
    assert all("over the 3 of 4 classes" in method for method in rows["method"])


def test_one_class_alone_has_no_area(folder):
    _, shares = drawn(40, 3)
    found = answers(opened_multiclass(folder, *given([1] * 40, shares)), RANKED)
    for name in ("roc_auc_ovr", "roc_auc_ovo"):
        assert found[name]["value"] is None
        assert found[name]["reason"] == "all labels are of one class"
    assert found["top_2_accuracy"]["n"] == 40


def test_an_overview_of_many_classes_shows_the_area(folder):
    shown = overview(opened_multiclass(folder, *given(*drawn(400, 3)))).frame.filter(metric="roc_auc_ovr")
    assert len(shown) == 1
    assert 0.5 < shown["low"][0] < shown["value"][0] < shown["high"][0] <= 1
    assert shown["baseline"][0] == 0.5


def test_an_overview_of_many_classes_shows_each_class_as_far_as_was_counted(folder):
    label, shares = drawn(400, 3)
    made = opened_multiclass(folder, *given(label, shares))
    shown = overview(made)
    areas = shown.frames["classes"].filter(metric="roc_auc_by_class")
    assert areas["class"].to_list() == ["00", "01", "02"]
    wanted = [sk.roc_auc_score(label == at, shares[:, at]) for at in range(3)]
    np.testing.assert_allclose(areas["value"].to_numpy(), wanted, rtol=1e-12)
    assert areas["where"][1] == "label_ = '01'"
    assert "roc_auc_by_class (m)" in shown.receipt.sql
    counted = overview(made, metrics=["accuracy"]).frames["classes"]["metric"].unique().to_list()
    assert set(counted) == {"recall", "precision", "f1"}
