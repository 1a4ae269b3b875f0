"""The overview: what is compared with what, which changes earn a verdict, and that nothing earns one on nothing."""

import re
from datetime import date, datetime, timedelta

import numpy as np
import pytest
import sklearn.metrics as sk
from scipy.stats import false_discovery_control, norm

from analysis.core.expression import parse
from analysis.core.period import Period
from analysis.core.roles import ModelColumns, Roles
from analysis.core.words import number
from analysis.metrics import METRICS
from analysis.questions import overview
from analysis.telling.citation import citation
from tests.engine.making import Folder, Table, binary, opened

FIRST = date(2026, 1, 5)  # a Monday


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = Folder(tmp_path_factory.mktemp("evaluations"))
    yield made
    made.close()


def course(days, a_day=40, seed=1, skill=1.0, unlabelled=(), first=FIRST):
    """Binary rows of `days` days. skill: of the model, one number or one a day; unlabelled: days of which half is."""
    random = np.random.default_rng(seed)
    columns = {name: [] for name in "tyspg"}
    for place in range(days):
        strength = skill if isinstance(skill, float) else skill[place]
        for row in range(a_day):
            label = int(random.random() < 0.4)
            score = float(1 / (1 + np.exp(-random.normal((2 * label - 1) * strength, 1))))
            columns["t"].append(first + timedelta(days=place))
            columns["y"].append(None if place in unlabelled and row % 2 else label)
            columns["s"].append(round(score, 3))
            columns["p"].append(int(score >= 0.5))
            columns["g"].append("a" if row % 3 else "b")
    kinds = {"t": "DATE", "y": "INTEGER", "s": "DOUBLE", "p": "INTEGER", "g": "VARCHAR"}
    return {name: (kinds[name], values) for name, values in columns.items()}


def made_of(folder, columns):
    table, roles = binary(**columns)
    return opened(folder, table, task="binary", roles=roles)


def within(columns, first, last):
    """(y, s, p) of the labelled rows from `first` to `last`."""
    t, y, s, p = (columns[name][1] for name in "tysp")
    kept = [i for i in range(len(t)) if first <= t[i] <= last and y[i] is not None]
    return tuple(np.array([each[i] for i in kept]) for each in (y, s, p))


ORACLE = {
    "recall": lambda y, s, p: sk.recall_score(y, p),
    "precision": lambda y, s, p: sk.precision_score(y, p),
    "f1": lambda y, s, p: sk.f1_score(y, p),
    "accuracy": lambda y, s, p: sk.accuracy_score(y, p),
    "roc_auc": lambda y, s, p: sk.roc_auc_score(y, s),
    "average_precision": lambda y, s, p: sk.average_precision_score(y, s),
    "log_loss": lambda y, s, p: sk.log_loss(y, s),
    "brier": lambda y, s, p: sk.brier_score_loss(y, s),
}


@pytest.fixture(scope="module")
def columns():
    # weeks from 5 January: the tenth is half labelled, the eleventh has three days only
    return course(73, unlabelled=range(63, 70))


@pytest.fixture(scope="module")
def evaluation(folder, columns):
    return made_of(folder, columns)


def test_without_a_period_the_last_complete_and_labelled_week_against_the_one_before(evaluation, columns):
    result = overview(evaluation)
    assert result.receipt.options["bucket"] == "week"
    assert result.receipt.options["compared"] == "week of 02 Mar 2026 against the one before"
    now = within(columns, date(2026, 3, 2), date(2026, 3, 8))
    then = within(columns, date(2026, 2, 23), date(2026, 3, 1))
    everything = within(columns, FIRST, date(2027, 1, 1))
    assert set(result.frame["metric"]) == set(ORACLE)
    for row in result.frame.iter_rows(named=True):
        oracle = ORACLE[row["metric"]]
        assert row["value"] == pytest.approx(oracle(*everything), rel=1e-12)
        assert row["change"] == pytest.approx(oracle(*now) - oracle(*then), rel=1e-9)
        assert row["change_low"] <= row["change"] <= row["change_high"]
        error = (row["change_high"] - row["change_low"]) / (2 * norm.ppf(0.975))
        assert row["change_detectable"] == pytest.approx((norm.ppf(0.975) + norm.ppf(0.8)) * error, rel=1e-9)


def test_a_period_against_the_equally_long_one_before(evaluation, columns):
    result = overview(evaluation, period=Period(date(2026, 2, 2), date(2026, 2, 15)))
    assert result.receipt.options["compared"] == "against 2026-01-19 to 2026-02-01"
    now = within(columns, date(2026, 2, 2), date(2026, 2, 15))
    then = within(columns, date(2026, 1, 19), date(2026, 2, 1))
    for row in result.frame.iter_rows(named=True):
        oracle = ORACLE[row["metric"]]
        assert row["value"] == pytest.approx(oracle(*now), rel=1e-12)
        assert row["change"] == pytest.approx(oracle(*now) - oracle(*then), rel=1e-9)


def test_the_course_holds_every_week_and_says_which_are_settled(evaluation, columns):
    trend = overview(evaluation).frames["trend"].filter(metric="recall")
    starts = [datetime(2026, 1, 5) + timedelta(weeks=week) for week in range(11)]
    assert trend["start"].to_list() == starts
    assert trend["complete"].to_list() == [True] * 10 + [False]
    assert trend["settled"].to_list() == [True] * 9 + [False] * 2
    assert trend["rows"].to_list() == [280] * 10 + [120]
    assert trend["labelled"].to_list() == [1.0] * 9 + [0.5, 1.0]
    for row in trend.iter_rows(named=True):
        y, _, p = within(columns, row["start"].date(), row["start"].date() + timedelta(days=6))
        assert row["value"] == sk.recall_score(y, p)
        assert row["n"] == y.sum()


@pytest.mark.parametrize(
    ("low", "high", "wanted"),
    [
        ("2026-01-05 00:10:00", "2026-01-14 03:00:00", [True] * 9 + [False]),
        ("2026-01-05 00:10:00", "2026-01-14 23:05:00", [True] * 10),
        ("2026-01-05 09:00:00", "2026-01-14 23:05:00", [False] + [True] * 9),
    ],
)
def test_the_first_and_the_last_day_are_complete_when_the_data_fill_them(folder, low, high, wanted):
    inner = [str(datetime(2026, 1, 5 + day, 12)) for day in range(10)]
    times = [low, *inner, high] * 5
    size = len(times)
    made = made_of(
        folder,
        {"t": ("TIMESTAMP", times), "y": ("INTEGER", [i % 2 for i in range(size)]), "p": ("INTEGER", [1] * size)},
    )
    result = overview(made, metrics=["precision"])
    trend = result.frames["trend"]
    if result.receipt.options["bucket"] != "day":
        pytest.fail(f"ten days were cut into {result.receipt.options['bucket']}s")
    assert trend["complete"].to_list() == wanted


def verdicts(result):
    return dict(result.frame.select("metric", "verdict").iter_rows())


@pytest.mark.parametrize(("early", "late", "verdict"), [(0.3, 2.0, "better"), (2.0, 0.3, "worse")])
def test_a_verdict_follows_the_direction_of_the_metric(folder, early, late, verdict):
    made = made_of(folder, course(14, skill=[early] * 7 + [late] * 7))
    period = Period(FIRST + timedelta(days=7), FIRST + timedelta(days=13))
    found = verdicts(overview(made, period=period))
    assert set(found) == set(ORACLE)
    assert set(found.values()) == {verdict}


@pytest.mark.parametrize(
    ("early", "late", "verdict"),
    [(-10, 1, "better"), (1, -10, "worse"), (10, -1, "better"), (5, -5, "no clear change")],
)
def test_where_zero_is_best_the_nearer_is_the_better(folder, early, late, verdict):
    random = np.random.default_rng(5)
    truth = random.normal(100, 20, 1400)
    shift = np.where(np.arange(1400) < 700, early, late)
    table = Table(
        {
            "y": ("DOUBLE", truth.tolist()),
            "p": ("DOUBLE", (truth + shift + random.normal(0, 3, 1400)).tolist()),
            "t": ("DATE", [FIRST + timedelta(days=place // 100) for place in range(1400)]),
        }
    )
    roles = Roles(label="y", models=(ModelColumns("m", "p"),), time="t")
    made = opened(folder, table, task="regression", roles=roles)
    period = Period(FIRST + timedelta(days=7), FIRST + timedelta(days=13))
    found = verdicts(overview(made, period=period))
    assert found["bias"] == verdict
    sizes = {"better": "better", "worse": "worse", "no clear change": "no clear change"}
    assert found["mae"] == found["rmse"] == sizes[verdict]


def test_a_metric_without_a_better_side_only_changes(folder):
    columns = course(14)
    columns["p"] = ("INTEGER", [int(day >= FIRST + timedelta(days=7)) for day in columns["t"][1]])
    made = made_of(folder, columns)
    period = Period(FIRST + timedelta(days=7), FIRST + timedelta(days=13))
    assert verdicts(overview(made, metrics=["selection_rate"], period=period)) == {"selection_rate": "changed"}


def test_under_30_of_the_denominator_nothing_is_judged(folder):
    made = made_of(folder, course(14, a_day=6, skill=[0.0] * 7 + [4.0] * 7))
    period = Period(FIRST + timedelta(days=7), FIRST + timedelta(days=13))
    result = overview(made, period=period)
    rows = {row["metric"]: row for row in result.frame.iter_rows(named=True)}
    assert rows["recall"]["change_n"] < 30 <= rows["accuracy"]["change_n"]
    assert rows["recall"]["verdict"] == "not enough data"
    assert rows["accuracy"]["verdict"] == "better"


@pytest.mark.parametrize("side", ["now", "before"])
def test_under_80_percent_labelled_nothing_is_judged(folder, side):
    half = range(7, 14) if side == "now" else range(7)
    skill = [0.2] * 7 + [3.0] * 7
    period = Period(FIRST + timedelta(days=7), FIRST + timedelta(days=13))
    said = [
        verdicts(overview(made_of(folder, course(14, a_day=100, skill=skill, unlabelled=days)), period=period))
        for days in ((), half)
    ]
    assert set(said[0].values()) == {"better"}
    assert not {"better", "worse", "changed"} & set(said[1].values())


def test_looks_are_corrected_over_the_whole_frame(folder):
    columns = course(14, skill=[0.9] * 7 + [1.15] * 7)
    columns["two"] = ("INTEGER", [1 - p if i % 9 == 0 else p for i, p in enumerate(columns["p"][1])])
    table = Table(columns)
    models = (ModelColumns("one", "p", ((None, "s"),)), ModelColumns("two", "two"))
    made = opened(folder, table, task="binary", roles=Roles(label="y", models=models, time="t"))
    result = overview(made, period=Period(FIRST + timedelta(days=7), FIRST + timedelta(days=13)))
    known = result.frame.filter(result.frame["p"].is_not_null())
    assert len(known) == 12  # eight key figures of the one, four of the other, which has no score
    assert result.receipt.m == 12
    assert result.receipt.q == 0.05
    np.testing.assert_allclose(known["p_adjusted"], false_discovery_control(known["p"].to_numpy()), rtol=1e-12)
    assert result.frame.filter(model="two", metric="roc_auc")["verdict"].to_list() == [None]


def test_without_a_time_nothing_is_compared(folder):
    columns = course(14)
    del columns["t"]
    result = overview(made_of(folder, columns))
    assert result.frame["change"].null_count() == len(result.frame)
    assert result.frame["verdict"].null_count() == len(result.frame)
    assert result.receipt.m is None
    assert result.receipt.options["bucket"] is None
    assert not len(result.frames["trend"])


def test_without_a_label_it_says_so(folder):
    columns = course(14)
    del columns["y"]
    result = overview(made_of(folder, columns))
    assert "no label" in result.sentence
    assert result.frame["value"].null_count() == len(result.frame)


def test_a_filter_no_row_matches_is_no_error(evaluation):
    where = parse("g = 'nobody'", columns=evaluation.facts.types())
    result = overview(evaluation, where=where)
    assert result.frame["value"].null_count() == len(result.frame)
    assert result.sentence.startswith("Nothing can be measured")


def test_rows_without_a_time_count_in_the_total_and_in_no_bucket(folder):
    columns = course(14)
    columns["t"] = ("DATE", [None if i % 10 == 0 else day for i, day in enumerate(columns["t"][1])])
    made = made_of(folder, columns)
    result = overview(made, metrics=["accuracy"])
    trend = result.frames["trend"]
    assert result.frame["n"][0] == 560
    assert int(trend["n"].sum()) == 504


NUMBER = re.compile(r"(?<![\w.])−?\d[\d,]*(?:\.\d+)?%?")


def spoken(result):
    """The numbers of the sentence beside those that the filter, the period, models and classes bring as names."""
    text = result.sentence.split(" Among rows")[0].split(" From 20")[0]
    text = re.sub(r"'[^']*'", "", text)
    for model in set(result.frame["model"]):
        text = text.replace(model, "")
    return set(NUMBER.findall(text))


@pytest.mark.parametrize("way", ["plain", "period", "filter", "threshold"])
def test_every_number_of_the_sentence_is_in_the_frame(evaluation, way):
    options = {
        "plain": {},
        "period": {"period": Period(date(2026, 2, 2), date(2026, 2, 15))},
        "filter": {"where": parse("g = 'a'", columns=evaluation.facts.types())},
        "threshold": {"threshold": 0.7},
    }
    result = overview(evaluation, **options[way])
    assert len(spoken(result)) >= 9
    assert spoken(result) <= shown(result)


def shown(result):
    known = set()
    for row in result.frame.iter_rows(named=True):
        unit = METRICS.get(row["metric"]).unit
        known |= {number(row[key], unit) for key in ("value", "low", "high")} | {f"{row['n']:,}"}
    return known


@pytest.mark.parametrize("task", ["multiclass", "regression"])
def test_every_number_of_the_sentence_is_in_the_frame_for_other_tasks(folder, task):
    random = np.random.default_rng(2)
    if task == "regression":
        truth = random.normal(0, 1000, 1500)
        kind, y, p = "DOUBLE", truth.tolist(), (truth + random.normal(3, 100, 1500)).tolist()
    else:
        kind, y = "VARCHAR", random.choice(["a", "b", "c"], 1500).tolist()
        p = [each if random.random() < 0.7 else "a" for each in y]
    made = opened(
        folder,
        Table({"y": (kind, y), "p": (kind, p)}),
        task=task,
        roles=Roles(label="y", models=(ModelColumns("v2", "p"),)),
    )
    result = overview(made)
    assert len(spoken(result)) >= 3
    assert spoken(result) <= shown(result)


@pytest.mark.slow
def test_on_nothing_hardly_any_result_claims_a_change(folder):
    """250 evaluations whose model never changes: a false verdict anywhere in about q of the results."""
    runs, wrong = 250, 0
    period = Period(FIRST + timedelta(days=7), FIRST + timedelta(days=13))
    for seed in range(runs):
        made = made_of(folder, course(14, a_day=60, seed=1000 + seed))
        wrong += bool({"better", "worse"} & set(verdicts(overview(made, period=period)).values()))
        folder.file("evaluation", made.facts.id).unlink()
    assert wrong / runs <= 0.05 + 3 * (0.05 * 0.95 / runs) ** 0.5


@pytest.mark.slow
def test_a_true_change_is_mostly_found(folder):
    runs, found = 40, 0
    period = Period(FIRST + timedelta(days=7), FIRST + timedelta(days=13))
    for seed in range(runs):
        made = made_of(folder, course(14, a_day=60, seed=2000 + seed, skill=[1.3] * 7 + [0.9] * 7))
        said = set(verdicts(overview(made, period=period)).values())
        assert "better" not in said
        found += "worse" in said
    assert found / runs > 0.9


def test_what_needs_no_labels_does_not_wait_for_them(folder):
    """Of four weeks the last is half labelled: accuracy compares days before it, the rate of answers the last ones."""
    made = made_of(folder, course(28, unlabelled=range(21, 28), seed=9))
    result = overview(made, metrics=["accuracy", "missing_prediction_rate"])
    said = {row["metric"]: row for row in result.frame.iter_rows(named=True)}
    assert said["accuracy"]["compared"] == "day of 25 Jan 2026 against the one before"
    assert said["missing_prediction_rate"]["compared"] == "day of 01 Feb 2026 against the one before"
    trend = result.frames["trend"]
    assert trend.filter(metric="missing_prediction_rate")["settled"].all()
    assert not trend.filter(metric="accuracy")["settled"][-1]


def test_a_citation_holds_every_number_with_its_interval_and_ends_with_the_receipt(evaluation):
    result = overview(evaluation, where=parse("g = 'a'", columns={"g": "VARCHAR"}))
    text = citation(result)
    assert text.startswith(result.sentence)
    for row in result.frame.iter_rows(named=True):
        unit, title = METRICS.get(row["metric"]).unit, METRICS.get(row["metric"]).title
        ends = f"{number(row['low'], unit)} to {number(row['high'], unit)}"
        line = f"{title}, {row['model']}: {number(row['value'], unit)} (95% interval {ends}, n {row['n']:,} "
        assert line in text
    last = text.splitlines()[-1]
    assert "rows where g = 'a'" in last
    assert last.endswith(f"receipt {result.receipt.id}.")
