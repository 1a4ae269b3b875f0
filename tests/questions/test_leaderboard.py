"""The leaderboard: who is first on the rows both answered, who is tied, and that nothing is claimed of nothing."""

import numpy as np
import pytest
from scipy.stats import false_discovery_control, ttest_rel
from statsmodels.stats.power import TTestPower

from analysis.core import judged
from analysis.core.errors import BadRequest
from analysis.core.expression import parse
from analysis.core.roles import ModelColumns, Roles
from analysis.questions import compare_groups, overview
from tests.engine.making import Folder, Table, opened

SIZE = 1500


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = Folder(tmp_path_factory.mktemp("evaluations"))
    yield made
    made.close()


def table(seed, skills, missing=0.0):
    """Binary rows scored by one model version a skill: 0 knows nothing."""
    random = np.random.default_rng(seed)
    y = random.integers(0, 2, SIZE)
    columns, models = {"y": ("INTEGER", y.tolist())}, []
    for name, skill in skills.items():
        score = np.round(1 / (1 + np.exp(-random.normal((2 * y - 1) * skill, 1))), 3)
        gone = random.random(SIZE) < missing
        columns[f"s_{name}"] = ("DOUBLE", [None if g else float(s) for s, g in zip(score, gone, strict=True)])
        columns[f"p_{name}"] = ("INTEGER", [None if g else int(s >= 0.5) for s, g in zip(score, gone, strict=True)])
        models.append(ModelColumns(name, f"p_{name}", ((None, f"s_{name}"),)))
    return columns, Roles(label="y", models=tuple(models))


def made_of(folder, seed, skills, missing=0.0):
    columns, roles = table(seed, skills, missing)
    return opened(folder, Table(columns), task="binary", roles=roles), columns


def ranks(result, metric):
    return dict(result.frames["versions"].filter(metric=metric).select("model", "rank").iter_rows())


def test_the_better_is_first_and_the_sentence_says_in_what(folder):
    evaluation, _ = made_of(folder, 1, {"weak": 0.3, "strong": 1.5})
    result = overview(evaluation, metrics=["accuracy", "roc_auc", "log_loss"])
    for metric in ("accuracy", "roc_auc", "log_loss"):
        assert ranks(result, metric) == {"strong": 1, "weak": 2}
    assert result.sentence.startswith("On the rows both answered, strong is first in Accuracy, ROC AUC and Log loss.")
    rows = result.frames["versions"].filter(model="weak")
    assert rows.filter(metric="accuracy")["difference_to_first"][0] < 0
    assert rows.filter(metric="log_loss")["difference_to_first"][0] > 0
    assert not result.frames["versions"]["tied"].any()


def test_versions_nothing_tells_apart_are_tied_for_first(folder):
    evaluation, _ = made_of(folder, 2, {"one": 1.0, "two": 1.0})
    result = overview(evaluation, metrics=["accuracy", "roc_auc"])
    assert ranks(result, "accuracy") == ranks(result, "roc_auc") == {"one": 1, "two": 1}
    assert result.frames["versions"]["tied"].all()
    assert "no version is ahead: tied for first in Accuracy and ROC AUC" in result.sentence
    second = result.frames["versions"].filter(result.frames["versions"]["p"].is_not_null())
    assert ((second["difference_low"] < 0) & (second["difference_high"] > 0)).all()


def test_of_three_two_may_share_the_first_rank(folder):
    evaluation, _ = made_of(folder, 3, {"a": 1.4, "b": 1.4, "c": 0.2})
    result = overview(evaluation, metrics=["accuracy"])
    assert ranks(result, "accuracy") == {"a": 1, "b": 1, "c": 3}
    assert dict(result.frames["versions"].select("model", "tied").iter_rows()) == {"a": True, "b": True, "c": False}
    assert "On the rows each two answered" in result.sentence


def test_differences_are_of_the_shared_rows_and_corrected_over_all_pairs(folder):
    evaluation, columns = made_of(folder, 4, {"a": 1.0, "b": 0.9}, missing=0.2)
    result = overview(evaluation, metrics=["brier", "accuracy", "log_loss"])
    both = [i for i in range(SIZE) if columns["s_a"][1][i] is not None and columns["s_b"][1][i] is not None]
    y, a, b = (np.array([columns[name][1][i] for i in both]) for name in ("y", "s_a", "s_b"))
    frame = result.frames["versions"]
    known = frame.filter(frame["p"].is_not_null())
    row = known.filter(metric="brier")
    assert row["difference_n"][0] == len(both) < row["n"][0]
    power = TTestPower().solve_power(nobs=len(both), alpha=0.05, power=0.8)
    spread = ((a - y) ** 2 - (b - y) ** 2).std(ddof=1)
    assert row["difference_detectable"][0] == pytest.approx(power * spread, rel=0.01)
    assert row["p"][0] == pytest.approx(ttest_rel((a - y) ** 2, (b - y) ** 2).pvalue, rel=1e-8)
    np.testing.assert_allclose(known["p_adjusted"], false_discovery_control(known["p"].to_numpy()), rtol=1e-12)
    assert result.receipt.options["pairs_judged"] == len(known) == 3


def test_one_version_has_no_leaderboard(folder):
    evaluation, _ = made_of(folder, 5, {"only": 1.0})
    result = overview(evaluation)
    assert not len(result.frames["versions"])
    assert "On the rows" not in result.sentence


def test_a_metric_without_a_better_side_is_not_ranked(folder):
    evaluation, _ = made_of(folder, 6, {"a": 1.0, "b": 0.9})
    assert set(overview(evaluation, metrics=["selection_rate", "recall"]).frames["versions"]["metric"]) == {"recall"}


@pytest.mark.slow
def test_equal_versions_are_hardly_ever_ranked(folder):
    runs, wrong = 150, 0
    for seed in range(runs):
        evaluation, _ = made_of(folder, 100 + seed, {"a": 1.0, "b": 1.0})
        wrong += not overview(evaluation).frames["versions"]["tied"].all()
        folder.file("evaluation", evaluation.facts.id).unlink()
    assert wrong / runs <= 0.05 + 3 * (0.05 * 0.95 / runs) ** 0.5


def test_a_filter_each_version_has_its_own_rows_of_ranks_nothing_and_says_so(folder):
    evaluation, columns = made_of(folder, 6, {"a": 1.0, "b": 0.8})
    where = parse("prediction_ = '1'", columns=judged.types(evaluation.facts))
    result = overview(evaluation, metrics=["accuracy", "precision"], where=where)
    assert len(result.frames["versions"]) == 0
    assert any("prediction_ means each model version's own" in note for note in result.receipt.notes)
    for name in ("a", "b"):
        row = result.frame.filter(model=name, metric="accuracy")
        flagged = [y for y, p in zip(columns["y"][1], columns[f"p_{name}"][1], strict=True) if p == 1]
        assert (row["n"][0], row["value"][0]) == (len(flagged), pytest.approx(np.mean(flagged), rel=1e-12))
    labelled = overview(evaluation, metrics=["accuracy"], where=parse("label_ = '1'", columns={"label_": "VARCHAR"}))
    assert len(labelled.frames["versions"]) == 2
    with pytest.raises(BadRequest, match="each model version has its own of"):
        compare_groups(evaluation, metrics=["accuracy"], pair=("a", "b"), where=where)
